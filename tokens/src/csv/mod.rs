//! CSV files: what they have in common, and the formats that their rows follow.

mod columns;
mod oath;
mod records;
mod write;
mod yubico;

use std::io::BufRead;

pub use columns::Columns;
pub use write::{EntraWriter, OathCsvWriter};
pub(crate) use yubico::is_yubico;

use crate::csv::records::Records;
use crate::{Error, ErrorKind, Location, Token, uri};

/// What the rows are.
#[derive(Debug)]
pub(crate) enum Dialect {
    Oath,
    Entra,
    Yubico,
    KeePassXc,
    Columns(Columns),
}

/// How rows are read, once the start of the file is known.
#[derive(Debug)]
enum Layout {
    Oath {
        /// Columns before the serial number.
        shift: usize,
    },
    Yubico,
    /// The columns of the URI, the title and the user's name.
    KeePassXc([usize; 3]),
    Columns(Columns),
}

#[derive(Debug)]
pub(crate) struct Reader<R> {
    rows: Records<R>,
    dialect: Option<Dialect>,
    layout: Option<Layout>,
    entry: u64,
}

impl<R: BufRead> Reader<R> {
    pub(crate) fn new(input: R, dialect: Dialect) -> Self {
        Self { rows: Records::new(input), dialect: Some(dialect), layout: None, entry: 0 }
    }

    fn location(&self) -> Location {
        Location { line: Some(self.rows.line()), ..Location::default() }
    }

    /// Reads the heading, if the format has one.
    fn start(&mut self, dialect: Dialect) -> Result<Layout, Error> {
        let comment = self.rows.start()?;
        let has_heading = match &dialect {
            Dialect::Oath | Dialect::Yubico => false,
            Dialect::Entra | Dialect::KeePassXc => true,
            Dialect::Columns(columns) => columns.has_heading(),
        };
        if has_heading && !self.rows.read()? {
            return Err(Error::fatal(ErrorKind::Truncated, self.location()));
        }
        let heading: Vec<_> = if has_heading {
            (0..self.rows.columns()).map(|column| self.rows.cell(column).unwrap_or_default()).collect()
        } else {
            Vec::new()
        };
        let find = |name: &str| {
            let found = heading.iter().position(|known| known.eq_ignore_ascii_case(name));
            found.ok_or_else(|| ErrorKind::Heading(name.to_owned()))
        };
        let layout = match dialect {
            Dialect::Oath => Ok(Layout::Oath { shift: if oath::has_users(&comment) { 3 } else { 0 } }),
            Dialect::Yubico => Ok(Layout::Yubico),
            Dialect::Entra => Columns::from_entra_heading(&heading).map(Layout::Columns),
            Dialect::KeePassXc => find("totp").and_then(|uri| Ok(Layout::KeePassXc([uri, find("title")?, find("username")?]))),
            Dialect::Columns(columns) => Ok(Layout::Columns(columns)),
        };
        layout.map_err(|kind| Error::fatal(kind, self.location()))
    }

    /// The token of the row; `None` for a row that is none.
    fn token(&self, layout: &Layout) -> Result<Option<Token>, ErrorKind> {
        match layout {
            Layout::Oath { shift } => oath::token(&self.rows, *shift).map(Some),
            Layout::Yubico => yubico::token(&self.rows),
            Layout::KeePassXc(columns) => self.keepassxc(*columns),
            Layout::Columns(columns) => columns.token(&self.rows).map(Some),
        }
    }

    /// The entries without a TOTP secret are no tokens.
    fn keepassxc(&self, [uri, title, user]: [usize; 3]) -> Result<Option<Token>, ErrorKind> {
        let text = self.rows.cell(uri)?;
        if text.is_empty() {
            return Ok(None);
        }
        let mut token = uri::read(text)?;
        token.issuer = token.issuer.or(crate::text::some(self.rows.cell(title)?));
        // It writes "none" for a user's name that is empty.
        let account = token.account.filter(|account| account != "none");
        token.account = account.or(crate::text::some(self.rows.cell(user)?));
        Ok(Some(token))
    }

    fn serial(&self, layout: &Layout) -> Option<String> {
        let column = match layout {
            Layout::Oath { shift } => *shift,
            Layout::Yubico => return None,
            Layout::KeePassXc([_, title, _]) => *title,
            Layout::Columns(columns) => return columns.serial(&self.rows),
        };
        self.rows.cell(column).ok().and_then(crate::text::some)
    }

    fn step(&mut self) -> Result<Option<Result<Token, Error>>, Error> {
        let layout = match (self.layout.take(), self.dialect.take()) {
            (Some(layout), _) => layout,
            (None, Some(dialect)) => self.start(dialect)?,
            (None, None) => return Ok(None),
        };
        while self.rows.read()? {
            self.entry = self.entry.saturating_add(1);
            let read = match self.token(&layout) {
                Ok(None) => continue,
                Ok(Some(token)) => Ok(token),
                Err(kind) => {
                    let (entry, serial) = (Some(self.entry), self.serial(&layout));
                    Err(Error::new(kind, Location { entry, serial, ..self.location() }))
                }
            };
            self.layout = Some(layout);
            return Ok(Some(read));
        }
        Ok(None)
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Token, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().unwrap_or_else(|error| Some(Err(error)))
    }
}
