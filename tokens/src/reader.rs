//! One reader over all formats.

use std::io::BufRead;

use crate::csv::Dialect;
use crate::{Error, Format, Keys, Token, csv, json, lines, pskc, safenet};

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
    Tokens(match format {
        Format::Pskc => Inner::Pskc(Box::new(pskc::Reader::new(input, keys))),
        Format::SafeNet => Inner::SafeNet(Box::new(safenet::Reader::new(input))),
        Format::OathCsv => csv(input, Dialect::Oath),
        Format::Entra => csv(input, Dialect::Entra),
        Format::YubicoLog => csv(input, Dialect::Yubico),
        Format::KeePassXc => csv(input, Dialect::KeePassXc),
        Format::Columns(columns) => csv(input, Dialect::Columns(columns)),
        Format::Uris => Inner::Lines(Box::new(lines::Reader::new(input))),
        Format::Json => Inner::Json(json::Reader::new(input)),
    })
}

/// The tokens of a file; [`read`] makes it.
#[derive(Debug)]
pub struct Tokens<R>(Inner<R>);

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
        match &mut self.0 {
            Inner::Pskc(reader) => reader.next(),
            Inner::SafeNet(reader) => reader.next(),
            Inner::Csv(reader) => reader.next(),
            Inner::Lines(reader) => reader.next(),
            Inner::Json(reader) => reader.next(),
        }
    }
}
