//! OATH CSV as privacyIDEA and LinOTP have it: serial, secret in hex, kind, digits (or OCRA's
//! suite), period or counter. The hash follows from the secret's length.

use std::io::BufRead;

use keyfob::Algorithm;

use crate::csv::records::Records;
use crate::csv::shown;
use crate::text::{decimal, digits, ocra_hash, some};
use crate::{ErrorKind, Kind, SecretEncoding, Token};

/// The hash that readers of this format take for a secret of a length.
pub(crate) const fn hash_of_length(bytes: usize) -> Algorithm {
    match bytes {
        32 => Algorithm::Sha256,
        64 => Algorithm::Sha512,
        _ => Algorithm::Sha1,
    }
}

/// Whether the first line says that user, resolver and realm come before the serial number:
/// `# version: 2`.
pub(crate) fn has_users(comment: &str) -> bool {
    let version = comment.trim_start_matches('#').trim().strip_prefix("version:");
    version.is_some_and(|version| version.trim() == "2")
}

pub(crate) fn token<R: BufRead>(row: &Records<R>, shift: usize) -> Result<Token, ErrorKind> {
    let cell = |column: usize| row.cell(column.saturating_add(shift));
    let some_cell = |column| cell(column).map(|text| Some(text).filter(|text| !text.is_empty()));
    if row.columns() < shift.saturating_add(2) {
        return Err(ErrorKind::Columns);
    }
    let name = some_cell(2)?.unwrap_or("hotp");
    let Some(kind @ (Kind::Totp | Kind::Hotp | Kind::Ocra)) = Kind::from_name(name) else {
        return Err(ErrorKind::KeyAlgorithm(shown(name)));
    };
    let mut token = Token::new(kind, SecretEncoding::Hex.read(cell(1)?)?);
    token.algorithm = hash_of_length(token.secret.expose().len());
    token.serial = some(cell(0)?);
    if shift > 0 {
        token.account = some(row.cell(0)?);
    }
    match kind {
        Kind::Ocra => {
            let suite = some_cell(3)?.ok_or(ErrorKind::Missing("the suite"))?;
            token.algorithm = ocra_hash(suite).ok_or_else(|| ErrorKind::Suite(shown(suite)))?;
            token.suite = some(suite);
        }
        kind => {
            if let Some(number) = some_cell(3)? {
                token.digits = Some(digits(decimal(number, "the number of digits")?)?);
            }
            match some_cell(4)? {
                Some(number) if kind == Kind::Totp => token.period = Some(decimal(number, "the time step")?),
                Some(number) => token.counter = Some(decimal(number, "the counter")?),
                None => {}
            }
        }
    }
    token.checked()
}
