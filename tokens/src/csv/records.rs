//! The rows of a CSV file, RFC 4180, in memory that is reused and wiped.

use std::io::BufRead;

use csv_core::ReadRecordResult;
use zeroize::Zeroize;

use crate::metered::{MAX_PIECE_BYTES, Metered, kind};
use crate::{Error, ErrorKind, Location};

const MAX_COLUMNS: usize = 256;

#[derive(Debug)]
pub(crate) struct Records<R> {
    input: Metered<R>,
    parser: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    columns: usize,
    line: u64,
    /// Whether the file ends behind the row, without the end of a line.
    is_last: bool,
}

/// The separator of a first line: a comma, unless it has only semicolons or tabs.
fn separator(line: &[u8]) -> u8 {
    let has = |byte| line.contains(&byte);
    [b',', b';', b'\t'].into_iter().find(|&byte| has(byte)).unwrap_or(b',')
}

impl<R: BufRead> Records<R> {
    pub(crate) fn new(input: R) -> Self {
        let input = Metered::new(input);
        let (text, ends) = (vec![0; MAX_PIECE_BYTES], vec![0; MAX_COLUMNS]);
        Self { input, parser: csv_core::Reader::new(), text, ends, columns: 0, line: 1, is_last: false }
    }

    /// Finds the separator and the words of the first line, which is a comment or the first row.
    pub(crate) fn start(&mut self) -> Result<String, Error> {
        let start = self.input.fill_buf().map_err(|error| Error::fatal(kind(&error), Location::default()))?;
        let first = start.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let comment = if first.starts_with(b"#") { String::from_utf8_lossy(first).into_owned() } else { String::new() };
        let mut rows = start.split(|&byte| byte == b'\n').filter(|line| !line.starts_with(b"#"));
        let separator = separator(rows.next().unwrap_or_default());
        self.parser = csv_core::ReaderBuilder::new().delimiter(separator).comment(Some(b'#')).build();
        Ok(comment)
    }

    /// Reads the next row; `false` at the end.
    pub(crate) fn read(&mut self) -> Result<bool, Error> {
        self.input.start_piece();
        let read = self.read_row();
        read.map_err(|kind| Error::fatal(kind, Location { line: Some(self.line), ..Location::default() }))
    }

    fn read_row(&mut self) -> Result<bool, ErrorKind> {
        self.wipe();
        self.skip_blank()?;
        self.line = self.input.line();
        let (mut at, mut ends, mut quotes) = (0_usize, 0_usize, 0_usize);
        loop {
            let input = self.input.fill_buf().map_err(|error| kind(&error))?;
            let (text, columns) = (self.text.get_mut(at..), self.ends.get_mut(ends..));
            let (result, read, written, ended) =
                self.parser.read_record(input, text.unwrap_or_default(), columns.unwrap_or_default());
            self.is_last = input.is_empty();
            quotes = quotes.saturating_add(input.iter().take(read).filter(|&&byte| byte == b'"').count());
            self.input.consume(read);
            at = at.saturating_add(written);
            ends = ends.saturating_add(ended);
            self.columns = ends;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => return Err(ErrorKind::Size(MAX_PIECE_BYTES)),
                ReadRecordResult::OutputEndsFull => return Err(ErrorKind::Columns),
                // A quote is still open.
                ReadRecordResult::Record if self.is_last && quotes % 2 == 1 => return Err(ErrorKind::Truncated),
                ReadRecordResult::Record => return Ok(true),
                ReadRecordResult::End => return Ok(false),
            }
        }
    }

    /// Passes over blank lines, so that the row's line is its own.
    fn skip_blank(&mut self) -> Result<(), ErrorKind> {
        loop {
            self.input.start_piece();
            let input = self.input.fill_buf().map_err(|error| kind(&error))?;
            let blanks = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            if blanks == 0 {
                return Ok(());
            }
            self.input.consume(blanks);
        }
    }

    /// The line on which the row begins.
    pub(crate) const fn line(&self) -> u64 {
        self.line
    }

    /// A cell of the row without blanks around it; what is missing is empty.
    pub(crate) fn cell(&self, column: usize) -> Result<&str, ErrorKind> {
        if column >= self.columns {
            return Ok("");
        }
        let start = column.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(column).copied().unwrap_or(start);
        let text = str::from_utf8(self.text.get(start..end).unwrap_or_default()).map_err(|_| ErrorKind::Encoding)?;
        // MariaDB's NULL.
        Ok(if text == "\\N" { "" } else { text.trim() })
    }

    pub(crate) const fn columns(&self) -> usize {
        self.columns
    }

    /// Whether the file ends behind the row, without the end of a line.
    pub(crate) const fn is_last(&self) -> bool {
        self.is_last
    }

    fn wipe(&mut self) {
        let len = self.columns.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(0);
        self.text.get_mut(..len).unwrap_or_default().zeroize();
        self.columns = 0;
    }
}

impl<R> Drop for Records<R> {
    fn drop(&mut self) {
        self.text.as_mut_slice().zeroize();
    }
}
