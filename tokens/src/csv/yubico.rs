//! The log of Yubico's personalisation tool, in its traditional and its own format. Only HOTP is of
//! OATH; the other modes are refused.

use std::io::BufRead;

use crate::csv::records::Records;
use crate::csv::shown;
use crate::text::{decimal, digits, some};
use crate::{ErrorKind, Kind, SecretEncoding, Token};

const MODES: [&str; 5] = ["yubico otp", "oath-hotp", "static password", "challenge-response", "logging start"];

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether the cells of a first line, in lower case, are of such a log.
pub(crate) fn is_yubico(cells: &[&str]) -> bool {
    let first = cells.first().copied().unwrap_or_default();
    MODES.iter().any(|mode| first.starts_with(mode))
        // Serial number, public id, private id, key, access code, date.
        || (is_number(first) && cells.get(5).is_some_and(|date| date.starts_with(|letter: char| letter.is_ascii_digit()) && date.contains('t')))
}

pub(crate) fn token<R: BufRead>(row: &Records<R>) -> Result<Option<Token>, ErrorKind> {
    let first = row.cell(0)?.to_ascii_lowercase();
    if first.starts_with("logging start") {
        return Ok(None);
    }
    let mut token;
    if first == "oath-hotp" {
        // Mode, time, slot, public id, private id, key, two access codes, three flags, digits,
        // counter.
        token = Token::new(Kind::Hotp, SecretEncoding::Hex.read(row.cell(5)?)?);
        token.serial = some(row.cell(3)?);
        if row.columns() > 11 {
            token.digits = Some(digits(decimal(row.cell(11)?, "the number of digits")?)?);
        }
        if row.columns() > 12 {
            token.counter = Some(decimal(row.cell(12)?, "the moving factor")?);
        }
    } else if is_number(&first) {
        let mode = match row.cell(2)? {
            "0" => None,
            "" => Some("static password"),
            _ => Some("Yubico OTP"),
        };
        if let Some(mode) = mode {
            return Err(ErrorKind::KeyAlgorithm(mode.to_owned()));
        }
        token = Token::new(Kind::Hotp, SecretEncoding::Hex.read(row.cell(3)?)?);
        token.serial = some(&first);
    } else {
        return Err(ErrorKind::KeyAlgorithm(shown(row.cell(0)?)));
    }
    token.manufacturer = Some("Yubico".to_owned());
    token.checked().map(Some)
}
