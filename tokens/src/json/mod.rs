//! JSON: lists of URIs, and the unencrypted exports of authenticators. A file is read whole, up to
//! 16 MiB, and parsed to a depth of 128.

mod aegis;
mod andotp;
mod cxf;
mod freeotp;
mod list;
mod twofas;

use std::io::BufRead;

use serde_json::Value;
use zeroize::{Zeroize, Zeroizing};

use crate::reader::{self, located};
use crate::text::{decimal, digits, known_hash, some};
use crate::{Error, ErrorKind, Kind, Location, RawSecret, Token};

/// The bytes that a JSON file may have.
const MAX_FILE_BYTES: usize = 16 * 1024 * 1024;
/// The objects and texts that the lists of a file may have: more than there are URIs in 16 MiB. In
/// memory each takes hundreds of bytes, and in the file an empty one takes three.
const MAX_ENTRIES: usize = 300_000;

/// What an app's entry says.
#[derive(Default)]
struct Entry<'v> {
    kind: Option<&'v str>,
    algorithm: Option<&'v str>,
    digits: Option<&'v Value>,
    period: Option<&'v Value>,
    counter: Option<&'v Value>,
    issuer: Option<&'v str>,
    account: Option<&'v str>,
}

impl Entry<'_> {
    /// The token; the secret comes as the app writes it.
    fn token(self, secret: Result<RawSecret, ErrorKind>) -> Result<Token, ErrorKind> {
        let kind = match self.kind.unwrap_or("totp") {
            name if name.eq_ignore_ascii_case("totp") => Kind::Totp,
            name if name.eq_ignore_ascii_case("hotp") => Kind::Hotp,
            other => return Err(ErrorKind::KeyAlgorithm(other.to_owned())),
        };
        let mut token = Token::new(kind, secret?);
        if let Some(name) = self.algorithm {
            token.algorithm = known_hash(name)?;
        }
        if let Some(number) = self.digits {
            token.digits = Some(digits(integer(number, "the number of digits")?)?);
        }
        if kind == Kind::Totp {
            let period = self.period.map(|number| integer(number, "the period")).transpose()?;
            token.period = match period {
                Some(period) => Some(u32::try_from(period).map_err(|_| ErrorKind::Range("the period"))?),
                None => token.period,
            };
        } else {
            let counter = self.counter.ok_or(ErrorKind::Missing("the counter"))?;
            token.counter = Some(integer(counter, "the counter")?);
        }
        token.issuer = self.issuer.and_then(some);
        token.account = self.account.and_then(some);
        token.checked()
    }
}

/// A number, or a text that is one.
fn integer(value: &Value, field: &'static str) -> Result<u64, ErrorKind> {
    match value {
        Value::Number(number) if number.is_u64() => number.as_u64().ok_or(ErrorKind::Range(field)),
        Value::Number(number) if number.is_i64() => Err(ErrorKind::Range(field)),
        Value::Number(number) if number.as_f64().is_some_and(|number| number.abs() > 1e18) => Err(ErrorKind::Range(field)),
        Value::String(text) => decimal(text, field),
        _ => Err(ErrorKind::Number(field)),
    }
}

/// A member that is there and not null.
fn get<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.get(name).filter(|value| !value.is_null())
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    get(value, name).and_then(Value::as_str)
}

fn base32(value: &Value, name: &str) -> Result<RawSecret, ErrorKind> {
    let text = text(value, name).ok_or(ErrorKind::Missing("the secret"))?;
    crate::SecretEncoding::Base32.read(text)
}

/// The entries of a file; each is right or wrong for itself, under its name.
type Entries = Vec<(Option<String>, Result<Token, ErrorKind>)>;

/// Finds the app by what only its export has.
fn entries(value: &Value) -> Result<Entries, ErrorKind> {
    let readers = [aegis::read, twofas::read, freeotp::read, cxf::read, andotp::read, list::read];
    let mut known = readers.into_iter().filter_map(|read| read(value));
    known.next().unwrap_or_else(|| Err(ErrorKind::Root("JSON of an unknown kind".to_owned())))
}

/// How many objects and texts are in lists.
fn listed(value: &Value) -> usize {
    let is_entry = |value: &&Value| value.is_object() || value.is_string();
    let add = |count: usize, value: &Value| count.saturating_add(listed(value));
    match value {
        Value::Array(values) => values.iter().fold(values.iter().filter(is_entry).count(), add),
        Value::Object(members) => members.values().fold(0, add),
        _ => 0,
    }
}

/// Wipes the texts and numbers of a value.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Number(_) => *value = Value::Null,
        Value::Null | Value::Bool(_) => {}
    }
}

#[derive(Debug)]
pub(crate) struct Reader<R> {
    input: Option<R>,
    tokens: std::vec::IntoIter<reader::Entry>,
}

impl<R: BufRead> Reader<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input: Some(input), tokens: Vec::new().into_iter() }
    }
}

fn read<R: BufRead>(mut input: R) -> Result<Vec<reader::Entry>, Error> {
    let fatal = |kind| Error::fatal(kind, Location::default());
    let mut bytes = Zeroizing::new(Vec::new());
    loop {
        let part = input.fill_buf().map_err(|error| fatal(ErrorKind::io(&error)))?;
        let len = part.len();
        if len == 0 {
            break;
        }
        if bytes.len().saturating_add(len) > MAX_FILE_BYTES {
            return Err(fatal(ErrorKind::Size(MAX_FILE_BYTES)));
        }
        append(&mut bytes, part);
        input.consume(len);
    }
    let text = str::from_utf8(&bytes).map_err(|_| fatal(ErrorKind::Encoding))?;
    let mut value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
        let line = Some(error.line() as u64);
        let kind = if error.is_eof() { ErrorKind::Truncated } else { ErrorKind::Json { column: error.column() as u64 } };
        Error::fatal(kind, Location { line, ..Location::default() })
    })?;
    let entries = if listed(&value) > MAX_ENTRIES { Err(ErrorKind::Entries(MAX_ENTRIES)) } else { entries(&value) };
    wipe(&mut value);
    let numbered = entries.map_err(fatal)?.into_iter().zip(1..);
    let place = |((serial, token), number): ((Option<String>, Result<Token, ErrorKind>), u64)| {
        located(token, Location { line: None, entry: Some(number), serial })
    };
    Ok(numbered.map(place).collect())
}

/// Appends without leaving a copy where the vector has to move.
fn append(bytes: &mut Zeroizing<Vec<u8>>, part: &[u8]) {
    let len = bytes.len().saturating_add(part.len());
    if len > bytes.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(len.saturating_mul(2)));
        larger.extend_from_slice(bytes);
        *bytes = larger;
    }
    bytes.extend_from_slice(part);
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = reader::Entry;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(input) = self.input.take() {
            self.tokens = read(input).unwrap_or_else(|error| vec![Err(error)]).into_iter();
        }
        self.tokens.next()
    }
}
