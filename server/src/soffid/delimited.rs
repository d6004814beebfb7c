//! Rows of delimited text, read strictly: as RFC 4180 has them, and as MariaDB and MySQL write
//! them.

use std::io::{self, BufRead};

use zeroize::Zeroizing;

use crate::file::Wiped;

/// The most bytes and the most cells of a row. A longer one is a quote that nothing closes.
const LIMIT: usize = 1 << 20;

/// What quotes and backslashes in a file mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Quoting {
    /// RFC 4180: a quote within quotes is doubled, and a backslash is text
    Csv,
    /// MariaDB and MySQL: a backslash begins an escape, as in `SELECT ... INTO OUTFILE`
    #[value(name = "mysql")]
    MySql,
}

/// How the cells of a file are written.
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

/// Where a cell is: the line of its row, and how many cells stand before it.
pub(crate) type Place = (u64, usize);

/// Why there is no row.
#[derive(Debug)]
pub(crate) enum Fault {
    /// This row is faulty. The next one begins with the next line.
    Row(Place, &'static str),
    /// All that follows cannot be read.
    File(u64, String),
}

/// Which quotes and backslashes the rows so far had.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// A cell is `\N` and nothing else.
    pub(crate) has_null: bool,
    /// An escape is a letter, such as `\t`. `INTO OUTFILE` writes none but `\N`.
    pub(crate) has_letter: bool,
    /// A cell is enclosed in quotes.
    pub(crate) has_quoted: bool,
    /// The first backslash in any other cell.
    pub(crate) first: Option<Place>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Plain,
    Quoted,
    Null,
}

/// What ends a cell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Separator,
    Line,
    File,
}

pub(crate) struct Reader<R> {
    bytes: R,
    format: Format,
    /// The text of the row's cells, one after the other.
    text: Wiped,
    /// Where each of them ends.
    cells: Vec<(usize, Shape)>,
    /// The line on which the row begins, and the one that is being read.
    row: u64,
    line: u64,
    seen: Seen,
}

impl<R: BufRead> Reader<R> {
    /// Reads from here, which is the start of this line of the file.
    pub(crate) fn new(bytes: R, line: u64, format: Format) -> Self {
        let text = Zeroizing::new(Vec::new());
        Self { bytes, format, text, cells: Vec::new(), row: line, line, seen: Seen::default() }
    }

    /// Reads the next row. Empty lines are none. Returns false at the end.
    pub(crate) fn read(&mut self) -> Result<bool, Fault> {
        loop {
            self.text.clear();
            self.cells.clear();
            self.row = self.line;
            let mut end = End::Separator;
            while end == End::Separator {
                end = self.cell()?;
            }
            let is_empty = self.text.is_empty() && matches!(self.cells.as_slice(), [(_, Shape::Plain)]);
            if !is_empty {
                return Ok(true);
            }
            if end == End::File {
                return Ok(false);
            }
        }
    }

    /// The line on which the row begins, from 1.
    pub(crate) fn row(&self) -> u64 {
        self.row
    }

    /// How many cells the row has.
    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// A cell; none for one that is not there, and for `\N`.
    pub(crate) fn get(&self, at: usize) -> Option<Cell<'_>> {
        let (end, shape) = *self.cells.get(at)?;
        let start = at.checked_sub(1).and_then(|before| self.cells.get(before)).map_or(0, |(end, _)| *end);
        let text = self.text.get(start..end)?;
        (shape != Shape::Null).then_some(Cell { text, is_quoted: shape == Shape::Quoted })
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen
    }

    fn cell(&mut self) -> Result<End, Fault> {
        let start = self.text.len();
        if self.format.has_quotes && self.peek()? == Some(b'"') {
            self.next()?;
            self.quoted()?;
            let next = self.next()?;
            let end = match next {
                Some(byte) => self.end(byte)?,
                None => Some(End::File),
            };
            let Some(end) = end else { return self.fault("text stands between a closing quote and the separator") };
            self.close(Shape::Quoted)?;
            return Ok(end);
        }
        let (mut is_null, mut has_backslash) = (false, false);
        let end = loop {
            let Some(byte) = self.next()? else { break End::File };
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
                (b'"', _) if self.format.has_quotes => return self.fault("a quote stands in a text that no quotes enclose"),
                _ => self.push(byte)?,
            }
        };
        let text = self.text.get(start..).unwrap_or_default();
        match self.format.quoting {
            Quoting::MySql if is_null && !text.is_empty() => {
                let what = r"\N stands beside other text";
                return if end == End::Separator { self.fault(what) } else { Err(self.faulty(what)) };
            }
            Quoting::Csv if text == br"\N" => {
                is_null = true;
                self.text.truncate(start);
            }
            _ => {}
        }
        self.seen.has_null |= is_null;
        if has_backslash && !is_null {
            self.note();
        }
        self.close(if is_null { Shape::Null } else { Shape::Plain })?;
        Ok(end)
    }

    /// Reads as far as the closing quote.
    fn quoted(&mut self) -> Result<(), Fault> {
        self.seen.has_quoted = true;
        loop {
            let Some(byte) = self.next()? else {
                return Err(Fault::File(self.row, "a quote opens in this row, and none closes it".to_owned()));
            };
            if byte == b'\\' {
                self.note();
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

    /// Reads what follows a backslash: what `INTO OUTFILE` writes there, the letters of `mariadb --batch`, and those of PostgreSQL's `COPY`.
    fn escape(&mut self) -> Result<(), Fault> {
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
            _ => return self.fault(r"a backslash begins no escape that MariaDB or MySQL writes"),
        };
        self.seen.has_letter |= next.is_some_and(|byte| byte.is_ascii_alphabetic());
        self.push(byte)?;
        // Where lines end with both, the first one alone is escaped.
        if next == Some(b'\r') && self.peek()? == Some(b'\n') {
            self.next()?;
            self.push(b'\n')?;
        }
        Ok(())
    }

    /// What this byte ends, if it is in no quotes.
    fn end(&mut self, byte: u8) -> Result<Option<End>, Fault> {
        Ok(match byte {
            _ if byte == self.format.separator => Some(End::Separator),
            b'\n' => Some(End::Line),
            b'\r' if self.peek()? == Some(b'\n') => {
                self.next()?;
                Some(End::Line)
            }
            _ => None,
        })
    }

    fn note(&mut self) {
        self.seen.first.get_or_insert((self.row, self.cells.len()));
    }

    fn close(&mut self, shape: Shape) -> Result<(), Fault> {
        self.cells.push((self.text.len(), shape));
        self.check()
    }

    fn push(&mut self, byte: u8) -> Result<(), Fault> {
        self.text.push(byte);
        self.check()
    }

    fn check(&self) -> Result<(), Fault> {
        if self.text.len().max(self.cells.len()) > LIMIT {
            let what = "this row is longer than 1 MiB; look for a quote that nothing closes".to_owned();
            return Err(Fault::File(self.row, what));
        }
        Ok(())
    }

    fn peek(&mut self) -> Result<Option<u8>, Fault> {
        let line = self.line;
        loop {
            match self.bytes.fill_buf() {
                Ok(bytes) => return Ok(bytes.first().copied()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Fault::File(line, error.to_string())),
            }
        }
    }

    fn next(&mut self) -> Result<Option<u8>, Fault> {
        let next = self.peek()?;
        if let Some(byte) = next {
            self.bytes.consume(1);
            self.line = self.line.saturating_add(u64::from(byte == b'\n'));
        }
        Ok(next)
    }

    /// A fault of the cell that is being read. The rest of its line is passed over.
    fn fault<T>(&mut self, what: &'static str) -> Result<T, Fault> {
        while let Some(byte) = self.next()?
            && byte != b'\n'
        {}
        Err(self.faulty(what))
    }

    fn faulty(&self, what: &'static str) -> Fault {
        Fault::Row((self.row, self.cells.len()), what)
    }
}
