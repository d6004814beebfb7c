//! A strict reader of delimited text, as RFC 4180 defines it, and as MariaDB and MySQL write it.

use std::io::{self, BufRead};

use zeroize::Zeroizing;

use crate::file::Wiped;

/// The largest size of a row; it has at most as many cells. A longer row has a quote that is never
/// closed.
const MAX_ROW_BYTES: usize = 1 << 20;

/// The meaning of quotes and backslashes in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Quoting {
    /// RFC 4180: a quote within quotes is doubled, and a backslash is text
    Csv,
    /// MariaDB and MySQL: a backslash begins an escape, as in `SELECT ... INTO OUTFILE`
    #[value(name = "mysql")]
    MySql,
}

/// The format of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) separator: u8,
    pub(crate) quoting: Quoting,
    /// Whether quotes enclose cells. Otherwise they are text.
    pub(crate) has_quotes: bool,
}

/// A cell of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell<'r> {
    pub(crate) text: &'r [u8],
    pub(crate) is_quoted: bool,
}

/// The position of a cell: the line of its row, and the number of cells before it.
pub(crate) type CellPosition = (u64, usize);

/// Why a row cannot be read.
#[derive(Debug)]
pub(crate) enum Error {
    /// This row is malformed. The next one begins with the next line.
    Row(CellPosition, &'static str),
    /// The rest of the file cannot be read.
    File(u64, String),
}

/// The quotes and backslashes in the rows so far. They show how the file is written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Evidence {
    /// A cell is `\N` and nothing else.
    pub(crate) has_null: bool,
    /// An escape is a letter, such as `\t`. `INTO OUTFILE` writes none but `\N`.
    pub(crate) has_letter_escape: bool,
    /// A cell is enclosed in quotes.
    pub(crate) has_quoted: bool,
    /// The first backslash in any other cell.
    pub(crate) first_backslash: Option<CellPosition>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum CellKind {
    Plain,
    Quoted,
    Null,
}

/// The end of a cell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum CellEnd {
    Separator,
    Line,
    File,
}

pub(crate) struct Reader<R> {
    bytes: R,
    format: Format,
    /// The text of all cells of the row.
    text: Wiped,
    /// The end of each cell in the text.
    cells: Vec<(usize, CellKind)>,
    /// The line on which the row begins, and the current line.
    row: u64,
    line: u64,
    evidence: Evidence,
}

impl<R: BufRead> Reader<R> {
    /// Reads from the start of this line of the file.
    pub(crate) fn new(bytes: R, line: u64, format: Format) -> Self {
        let text = Zeroizing::new(Vec::new());
        Self { bytes, format, text, cells: Vec::new(), row: line, line, evidence: Evidence::default() }
    }

    /// Reads the next row. Skips empty lines. Returns false at the end.
    pub(crate) fn read(&mut self) -> Result<bool, Error> {
        loop {
            self.text.clear();
            self.cells.clear();
            self.row = self.line;
            let mut end = CellEnd::Separator;
            while end == CellEnd::Separator {
                end = self.cell()?;
            }
            let is_empty = self.text.is_empty() && matches!(self.cells.as_slice(), [(_, CellKind::Plain)]);
            if !is_empty {
                return Ok(true);
            }
            if end == CellEnd::File {
                return Ok(false);
            }
        }
    }

    /// The line on which the row begins, from 1.
    pub(crate) fn row(&self) -> u64 {
        self.row
    }

    /// The number of cells in the row.
    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// A cell; none for a missing one and for `\N`.
    pub(crate) fn get(&self, at: usize) -> Option<Cell<'_>> {
        let (end, shape) = *self.cells.get(at)?;
        let start = at.checked_sub(1).and_then(|before| self.cells.get(before)).map_or(0, |(end, _)| *end);
        let text = self.text.get(start..end)?;
        (shape != CellKind::Null).then_some(Cell { text, is_quoted: shape == CellKind::Quoted })
    }

    pub(crate) fn evidence(&self) -> Evidence {
        self.evidence
    }

    fn cell(&mut self) -> Result<CellEnd, Error> {
        let start = self.text.len();
        if self.format.has_quotes && self.peek()? == Some(b'"') {
            self.next()?;
            self.quoted()?;
            let next = self.next()?;
            let end = match next {
                Some(byte) => self.end(byte)?,
                None => Some(CellEnd::File),
            };
            let Some(end) = end else { return self.skip_line("there is text between a closing quote and the separator") };
            self.close(CellKind::Quoted)?;
            return Ok(end);
        }
        let (mut is_null, mut has_backslash) = (false, false);
        let end = loop {
            let Some(byte) = self.next()? else { break CellEnd::File };
            if let Some(end) = self.end(byte)? {
                break end;
            }
            has_backslash |= byte == b'\\';
            match (byte, self.format.quoting) {
                (b'\\', Quoting::MySql) if self.text.len() == start && !is_null && self.peek()? == Some(b'N') => {
                    self.next()?;
                    is_null = true;
                }
                (b'\\', Quoting::MySql) => self.escape()?,
                (b'"', _) if self.format.has_quotes => return self.skip_line("there is a quote within unquoted text"),
                _ => self.push(byte)?,
            }
        };
        let text = self.text.get(start..).unwrap_or_default();
        match self.format.quoting {
            Quoting::MySql if is_null && !text.is_empty() => {
                let message = r"\N has other text beside it";
                return if end == CellEnd::Separator { self.skip_line(message) } else { Err(self.row_error(message)) };
            }
            Quoting::Csv if text == br"\N" => {
                is_null = true;
                self.text.truncate(start);
            }
            _ => {}
        }
        self.evidence.has_null |= is_null;
        if has_backslash && !is_null {
            self.note_backslash();
        }
        self.close(if is_null { CellKind::Null } else { CellKind::Plain })?;
        Ok(end)
    }

    /// Reads as far as the closing quote.
    fn quoted(&mut self) -> Result<(), Error> {
        self.evidence.has_quoted = true;
        loop {
            let Some(byte) = self.next()? else {
                return Err(Error::File(self.row, "a quote opens in this row and is never closed".to_owned()));
            };
            if byte == b'\\' {
                self.note_backslash();
            }
            match (byte, self.format.quoting) {
                (b'"', Quoting::Csv) if self.peek()? == Some(b'"') => {
                    self.next()?;
                    self.push(byte)?;
                }
                (b'"', _) => return Ok(()),
                (b'\\', Quoting::MySql) => self.escape()?,
                _ => self.push(byte)?,
            }
        }
    }

    /// Reads the rest of an escape after its backslash: those of `INTO OUTFILE`, the letters of
    /// `mariadb --batch`, and those of PostgreSQL's `COPY`.
    fn escape(&mut self) -> Result<(), Error> {
        let next = self.next()?;
        let byte = match next {
            Some(byte @ (b'\\' | b'"' | b'\n' | b'\r')) => byte,
            Some(byte) if byte == self.format.separator => byte,
            Some(b'0') => 0,
            Some(b'Z') => 26,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'v') => 11,
            _ => return self.skip_line(r"a backslash begins no escape of MariaDB or MySQL"),
        };
        self.evidence.has_letter_escape |= next.is_some_and(|byte| byte.is_ascii_alphabetic());
        self.push(byte)?;
        // Of a line ending CR LF, only CR is escaped.
        if next == Some(b'\r') && self.peek()? == Some(b'\n') {
            self.next()?;
            self.push(b'\n')?;
        }
        Ok(())
    }

    /// The end that this byte means outside of quotes.
    fn end(&mut self, byte: u8) -> Result<Option<CellEnd>, Error> {
        Ok(match byte {
            _ if byte == self.format.separator => Some(CellEnd::Separator),
            b'\n' => Some(CellEnd::Line),
            b'\r' if self.peek()? == Some(b'\n') => {
                self.next()?;
                Some(CellEnd::Line)
            }
            _ => None,
        })
    }

    fn note_backslash(&mut self) {
        self.evidence.first_backslash.get_or_insert((self.row, self.cells.len()));
    }

    fn close(&mut self, shape: CellKind) -> Result<(), Error> {
        self.cells.push((self.text.len(), shape));
        self.check()
    }

    fn push(&mut self, byte: u8) -> Result<(), Error> {
        self.text.push(byte);
        self.check()
    }

    fn check(&self) -> Result<(), Error> {
        if self.text.len().max(self.cells.len()) > MAX_ROW_BYTES {
            let message = "this row is longer than 1 MiB; look for a quote that is never closed".to_owned();
            return Err(Error::File(self.row, message));
        }
        Ok(())
    }

    fn peek(&mut self) -> Result<Option<u8>, Error> {
        let line = self.line;
        loop {
            match self.bytes.fill_buf() {
                Ok(bytes) => return Ok(bytes.first().copied()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::File(line, error.to_string())),
            }
        }
    }

    fn next(&mut self) -> Result<Option<u8>, Error> {
        let next = self.peek()?;
        if let Some(byte) = next {
            self.bytes.consume(1);
            self.line = self.line.saturating_add(u64::from(byte == b'\n'));
        }
        Ok(next)
    }

    /// An error in the current cell. Skips the rest of its line.
    fn skip_line<T>(&mut self, what: &'static str) -> Result<T, Error> {
        while let Some(byte) = self.next()?
            && byte != b'\n'
        {}
        Err(self.row_error(what))
    }

    fn row_error(&self, what: &'static str) -> Error {
        Error::Row((self.row, self.cells.len()), what)
    }
}
