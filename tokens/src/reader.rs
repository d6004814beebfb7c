//! One reader over all formats.

use std::io::BufRead;

use crate::csv::Dialect;
use crate::{Error, ErrorKind, Format, Keys, Location, Token, csv, json, lines, pskc, safenet};

/// What a reader of one format gives: a token with its place, or an error, which knows its own.
pub(crate) type Entry = Result<(Token, Location), Error>;

/// An entry at its place. A refused one leaves the next ones readable.
pub(crate) fn located(read: Result<Token, ErrorKind>, location: Location) -> Entry {
    match read {
        Ok(token) => Ok((token, location)),
        Err(kind) => Err(Error::new(kind, location)),
    }
}

/// Reads the tokens of a file one by one. A wrong entry is an [`Error`] with its place, and the
/// next one follows; an error that [is fatal](Error::is_fatal) is the last.
///
/// ```
/// use keyfob_tokens::{Format, Keys, read};
///
/// let file = b"A1,3132333435363738393031323334353637383930,hotp,6,5\nA2,31,totp,six,30\n";
/// let format = Format::detect(file).ok_or("unknown")?;
/// let tokens: Vec<_> = read(format, &file[..], &Keys::new()).collect();
/// assert!(matches!(&tokens[0], Ok(token) if token.counter == Some(5)));
/// let Err(refused) = &tokens[1] else { return Err("taken".into()) };
/// assert_eq!(refused.location().serial.as_deref(), Some("A2"));
/// assert!(refused.to_string().ends_with("the number of digits is not a number: correct it"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read<R: BufRead>(format: Format, input: R, keys: &Keys) -> Tokens<R> {
    let csv = |input, dialect| Inner::Csv(Box::new(csv::Reader::new(input, dialect)));
    let inner = match format {
        Format::Pskc => Inner::Pskc(Box::new(pskc::Reader::new(input, keys))),
        Format::SafeNet => Inner::SafeNet(Box::new(safenet::Reader::new(input))),
        Format::OathCsv => csv(input, Dialect::Oath),
        Format::Entra => csv(input, Dialect::Entra),
        Format::YubicoLog => csv(input, Dialect::Yubico),
        Format::KeePassXc => csv(input, Dialect::KeePassXc),
        Format::Columns(columns) => csv(input, Dialect::Columns(columns)),
        Format::Uris => Inner::Lines(Box::new(lines::Reader::new(input))),
        Format::Json => Inner::Json(json::Reader::new(input)),
    };
    Tokens { inner, location: Location::default() }
}

/// The tokens of a file; [`read`] makes it.
#[derive(Debug)]
pub struct Tokens<R> {
    inner: Inner<R>,
    location: Location,
}

impl<R> Tokens<R> {
    /// The place of the token or error that came last, for messages about it.
    ///
    /// ```
    /// use keyfob_tokens::{Duplicate, Duplicates, Format, Keys, read};
    ///
    /// let file = b"A1,31,tan\nA2,32,totp\nA3,32,totp\n";
    /// let mut tokens = read(Format::OathCsv, &file[..], &Keys::new());
    /// let mut duplicates = Duplicates::new();
    /// while let Some(read) = tokens.next() {
    ///     let entry = tokens.location().entry.unwrap_or(0);
    ///     let Ok(token) = read else { continue };
    ///     if let Some(duplicate) = duplicates.check(entry, &token) {
    ///         assert_eq!((entry, duplicate), (3, Duplicate::Secret(2)));
    ///     }
    /// }
    /// ```
    pub const fn location(&self) -> &Location {
        &self.location
    }
}

#[derive(Debug)]
enum Inner<R> {
    Pskc(Box<pskc::Reader<R>>),
    SafeNet(Box<safenet::Reader<R>>),
    Csv(Box<csv::Reader<R>>),
    Lines(Box<lines::Reader<R>>),
    Json(json::Reader<R>),
}

impl<R: BufRead> Iterator for Tokens<R> {
    type Item = Result<Token, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let entry = match &mut self.inner {
            Inner::Pskc(reader) => reader.next(),
            Inner::SafeNet(reader) => reader.next(),
            Inner::Csv(reader) => reader.next(),
            Inner::Lines(reader) => reader.next(),
            Inner::Json(reader) => reader.next(),
        }?;
        Some(match entry {
            Ok((token, location)) => {
                self.location = location;
                Ok(token)
            }
            Err(error) => {
                self.location.clone_from(error.location());
                Err(error)
            }
        })
    }
}
