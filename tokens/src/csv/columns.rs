//! A mapping of columns: what each column of a CSV file is.

use std::str::FromStr;

use crate::csv::records::Records;
use crate::csv::shown;
use crate::text::{date, decimal, digits, hash, some};
use crate::{ErrorKind, Kind, SecretEncoding, Token};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Ignored,
    Serial,
    Secret(SecretEncoding),
    Kind,
    Algorithm,
    Digits,
    Period,
    Counter,
    Issuer,
    Account,
    Manufacturer,
    Model,
    NotBefore,
    NotAfter,
}

const NAMES: [(&str, Column); 16] = [
    ("-", Column::Ignored),
    ("serial", Column::Serial),
    ("secret:base32", Column::Secret(SecretEncoding::Base32)),
    ("secret:hex", Column::Secret(SecretEncoding::Hex)),
    ("secret:base64", Column::Secret(SecretEncoding::Base64)),
    ("type", Column::Kind),
    ("algorithm", Column::Algorithm),
    ("digits", Column::Digits),
    ("period", Column::Period),
    ("counter", Column::Counter),
    ("issuer", Column::Issuer),
    ("account", Column::Account),
    ("manufacturer", Column::Manufacturer),
    ("model", Column::Model),
    ("notBefore", Column::NotBefore),
    ("notAfter", Column::NotAfter),
];

/// What the columns of a CSV file are, in their order.
///
/// As a text, names with commas between them: `serial`, `secret:base32`, `secret:hex` or
/// `secret:base64`, `type` (totp or hotp; totp where there is no such column), `algorithm`,
/// `digits`, `period`, `counter`, `issuer`, `account`, `manufacturer`, `model`, `notBefore`,
/// `notAfter`, and `-` for a column that is passed over.
///
/// ```
/// use keyfob_tokens::Columns;
///
/// let columns: Columns = "serial,-,secret:hex,digits".parse()?;
/// assert!("serial,digits".parse::<Columns>().is_err(), "there must be a secret");
/// # Ok::<(), keyfob_tokens::ErrorKind>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    columns: Vec<Column>,
    has_heading: bool,
}

impl Columns {
    /// For a file whose first row is a heading, which is passed over.
    #[must_use]
    pub fn with_heading(self) -> Self {
        Self { has_heading: true, ..self }
    }

    pub(crate) const fn has_heading(&self) -> bool {
        self.has_heading
    }

    /// The columns of Entra's file, by its heading.
    pub(crate) fn from_entra_heading(heading: &[&str]) -> Result<Self, ErrorKind> {
        let column = |name: &&str| {
            Ok(match name.to_ascii_lowercase().as_str() {
                "upn" => Column::Account,
                "serial number" => Column::Serial,
                "secret key" => Column::Secret(SecretEncoding::Base32),
                "time interval" => Column::Period,
                "manufacturer" => Column::Manufacturer,
                "model" => Column::Model,
                _ => return Err(ErrorKind::Heading(shown(name))),
            })
        };
        let columns = heading.iter().map(column).collect::<Result<_, _>>()?;
        Self { columns, has_heading: true }.checked()
    }

    fn checked(self) -> Result<Self, ErrorKind> {
        for (at, column) in self.columns.iter().enumerate() {
            let is_same = |other: &Column| std::mem::discriminant(other) == std::mem::discriminant(column);
            if *column != Column::Ignored && self.columns.iter().take(at).any(is_same) {
                return Err(ErrorKind::Repeated("a column"));
            }
        }
        let has_secret = self.columns.iter().any(|column| matches!(column, Column::Secret(_)));
        if has_secret { Ok(self) } else { Err(ErrorKind::Missing("the column of the secret")) }
    }

    fn cell<'r, R: std::io::BufRead>(&self, row: &'r Records<R>, column: Column) -> Result<Option<&'r str>, ErrorKind> {
        let Some(at) = self.columns.iter().position(|&known| known == column) else { return Ok(None) };
        row.cell(at).map(|text| Some(text).filter(|text| !text.is_empty()))
    }

    /// The column of the secret, and its encoding.
    pub(crate) fn secret(&self) -> Option<(SecretEncoding, Column)> {
        self.columns.iter().find_map(|&column| match column {
            Column::Secret(encoding) => Some((encoding, column)),
            _ => None,
        })
    }

    pub(crate) fn serial<R: std::io::BufRead>(&self, row: &Records<R>) -> Option<String> {
        self.cell(row, Column::Serial).ok().flatten().and_then(some)
    }

    pub(crate) fn token<R: std::io::BufRead>(&self, row: &Records<R>) -> Result<Token, ErrorKind> {
        // A row that was cut off would have defaults in the missing columns.
        if row.columns() < self.columns.len() {
            return Err(ErrorKind::Columns);
        }
        let cell = |column| self.cell(row, column);
        let text = |column| cell(column).map(|text| text.and_then(some));
        let (encoding, column) = self.secret().ok_or(ErrorKind::Missing("the column of the secret"))?;
        let secret = cell(column)?.ok_or(ErrorKind::Missing("the secret"))?;
        let kind = match cell(Column::Kind)? {
            Some(name) => match Kind::from_name(name) {
                Some(kind @ (Kind::Totp | Kind::Hotp)) => kind,
                _ => return Err(ErrorKind::KeyAlgorithm(shown(name))),
            },
            None => Kind::Totp,
        };
        let mut token = Token::new(kind, encoding.read(secret)?);
        if let Some(name) = cell(Column::Algorithm)? {
            token.algorithm = hash(name).ok_or_else(|| ErrorKind::Hash(shown(name)))?;
        }
        if let Some(number) = cell(Column::Digits)? {
            token.digits = Some(digits(decimal(number, "the number of digits")?)?);
        }
        if kind == Kind::Hotp {
            let counter = cell(Column::Counter)?.map(|text| decimal(text, "the counter")).transpose()?;
            token.counter = counter.or(token.counter);
        } else {
            let period = cell(Column::Period)?.map(|text| decimal(text, "the period")).transpose()?;
            token.period = period.or(token.period);
        }
        token.serial = text(Column::Serial)?;
        token.issuer = text(Column::Issuer)?;
        token.account = text(Column::Account)?;
        token.manufacturer = text(Column::Manufacturer)?;
        token.model = text(Column::Model)?;
        token.not_before = cell(Column::NotBefore)?.map(|text| date(text, "notBefore")).transpose()?;
        token.not_after = cell(Column::NotAfter)?.map(|text| date(text, "notAfter")).transpose()?;
        token.checked()
    }
}

impl FromStr for Columns {
    type Err = ErrorKind;

    fn from_str(text: &str) -> Result<Self, ErrorKind> {
        let column = |name: &str| {
            let name = name.trim();
            let known = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            match known {
                Some(&(_, column)) => Ok(column),
                None => Err(ErrorKind::Heading(name.to_owned())),
            }
        };
        let columns = text.split(',').map(column).collect::<Result<_, _>>()?;
        Self { columns, has_heading: false }.checked()
    }
}
