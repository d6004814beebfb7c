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
use crate::reader::{Entry, located};
use crate::{Error, ErrorKind, Location, SecretEncoding, Token, uri};

/// The bytes of the shortest secret in use: 80 bits.
const MIN_SECRET_BYTES: usize = 10;
/// A name of more characters could be a secret.
const MAX_NAME_CHARS: usize = 12;

/// A cell for a message about an unknown name. Where columns are mixed up it may be a secret, so a
/// long one is not shown.
fn shown(cell: &str) -> String {
    if cell.chars().count() > MAX_NAME_CHARS { "(too long to be shown)".to_owned() } else { cell.to_owned() }
}

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
        /// The columns of the row before.
        count: usize,
    },
    Yubico,
    KeePassXc {
        /// The columns of the heading.
        count: usize,
        /// Those of the URI, the title and the user's name.
        columns: [usize; 3],
    },
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
            Dialect::Oath => Ok(Layout::Oath { shift: if oath::has_users(&comment) { 3 } else { 0 }, count: 0 }),
            Dialect::Yubico => Ok(Layout::Yubico),
            Dialect::Entra => Columns::from_entra_heading(&heading).map(Layout::Columns),
            Dialect::KeePassXc => find("totp")
                .and_then(|uri| Ok(Layout::KeePassXc { count: heading.len(), columns: [uri, find("title")?, find("username")?] })),
            Dialect::Columns(columns) => Ok(Layout::Columns(columns)),
        };
        layout.map_err(|kind| Error::fatal(kind, self.location()))
    }

    /// The token of the row; `None` for a row that is none.
    fn token(&self, layout: &Layout) -> Result<Option<Token>, ErrorKind> {
        match layout {
            // Columns may be left out, but a row at the end that lacks some was rather cut off.
            Layout::Oath { count, .. } if self.rows.is_last() && self.rows.columns() < *count => Err(ErrorKind::Truncated),
            Layout::Oath { shift, .. } => oath::token(&self.rows, *shift).map(Some),
            Layout::Yubico => yubico::token(&self.rows),
            Layout::KeePassXc { count, .. } if self.rows.columns() < *count => Err(ErrorKind::Columns),
            Layout::KeePassXc { columns, .. } => self.keepassxc(*columns),
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
            Layout::Oath { shift, .. } => *shift,
            Layout::Yubico => return None,
            Layout::KeePassXc { columns: [_, title, _], .. } => *title,
            Layout::Columns(columns) => return columns.serial(&self.rows),
        };
        self.rows.cell(column).ok().and_then(crate::text::some)
    }

    /// Whether a serial number could be a secret. Where the cell of the secret is none, the columns
    /// may be mixed up, and messages must not show it.
    fn is_like_secret(layout: &Layout, serial: &str) -> bool {
        let encoding = match layout {
            Layout::Oath { .. } | Layout::Yubico => Some(SecretEncoding::Hex),
            Layout::KeePassXc { .. } => None,
            Layout::Columns(columns) => columns.secret().map(|(encoding, _)| encoding),
        };
        let secret = encoding.and_then(|encoding| encoding.read(serial).ok());
        secret.is_some_and(|secret| secret.expose().len() >= MIN_SECRET_BYTES)
    }

    fn step(&mut self) -> Result<Option<Entry>, Error> {
        let mut layout = match (self.layout.take(), self.dialect.take()) {
            (Some(layout), _) => layout,
            (None, Some(dialect)) => self.start(dialect)?,
            (None, None) => return Ok(None),
        };
        while self.rows.read()? {
            self.entry = self.entry.saturating_add(1);
            let Some(read) = self.token(&layout).transpose() else { continue };
            let mut location = Location { entry: Some(self.entry), serial: self.serial(&layout), ..self.location() };
            if matches!(read, Err(ErrorKind::Secret(_))) {
                location.serial = location.serial.filter(|serial| !Self::is_like_secret(&layout, serial));
            }
            if let Layout::Oath { count, .. } = &mut layout {
                *count = self.rows.columns();
            }
            self.layout = Some(layout);
            return Ok(Some(located(read, location)));
        }
        Ok(None)
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Entry;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().unwrap_or_else(|error| Some(Err(error)))
    }
}
