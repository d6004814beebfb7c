//! Writes the CSV files that other services take in.

use std::io::Write;

use data_encoding::HEXLOWER;
use keyfob::Algorithm;
use zeroize::Zeroizing;

use crate::csv::oath::hash_of_length;
use crate::uri::write_base32;
use crate::{Error, ErrorKind, Kind, Location, Token};

/// A text as a cell that readers without quotes take as well.
fn plain<'t>(text: Option<&'t str>, field: &'static str) -> Result<&'t str, ErrorKind> {
    let text = text.unwrap_or_default();
    let is_plain = !text.contains([',', '"', '\r', '\n']) && !text.starts_with(['#', '=', '+', '-', '@']);
    if is_plain { Ok(text) } else { Err(ErrorKind::Unwritable(field)) }
}

fn place(entry: u64, token: &Token, kind: ErrorKind) -> Error {
    Error::new(kind, Location { entry: Some(entry), line: None, serial: token.serial.clone() })
}

/// Writes OATH CSV for privacyIDEA and LinOTP: no heading, secrets in hex.
#[derive(Debug)]
pub struct OathCsvWriter<W> {
    output: W,
    entry: u64,
}

impl<W: Write> OathCsvWriter<W> {
    /// Begins a file.
    pub const fn new(output: W) -> Self {
        Self { output, entry: 0 }
    }

    /// Writes a token.
    ///
    /// Errors: [`ErrorKind::Unwritable`] for what the format cannot say, nothing is written then;
    /// [`ErrorKind::Missing`] without a serial number; [`ErrorKind::Io`].
    pub fn write(&mut self, token: &Token) -> Result<(), Error> {
        self.entry = self.entry.saturating_add(1);
        let row = oath_row(token).map_err(|kind| place(self.entry, token, kind))?;
        self.output.write_all(row.as_bytes()).map_err(|error| place(self.entry, token, ErrorKind::io(&error)))
    }

    /// Ends the file, and gives the output back.
    pub fn finish(self) -> Result<W, Error> {
        Ok(self.output)
    }
}

fn oath_row(token: &Token) -> Result<Zeroizing<String>, ErrorKind> {
    let serial = plain(token.serial.as_deref(), "a separator in a serial number")?;
    if serial.is_empty() {
        return Err(ErrorKind::Missing("the serial number"));
    }
    let secret = Zeroizing::new(HEXLOWER.encode(token.secret.expose()));
    let kind = token.kind.name();
    let digits = token.digits.unwrap_or_default().get();
    let hash = hash_of_length(token.secret.expose().len());
    if token.kind != Kind::Ocra && hash != token.algorithm {
        return Err(ErrorKind::Unwritable("readers take the hash from the secret's length, and would take another one"));
    }
    // One allocation of the whole size: no copy of the secret stays behind.
    let row = |rest: &str| Zeroizing::new([serial, ",", &secret, ",", kind, ",", rest, "\n"].concat());
    match token.kind {
        Kind::Totp if token.t0 != 0 => Err(ErrorKind::Unwritable("a T0 other than 0")),
        Kind::Totp => Ok(row(&format!("{digits},{}", token.period.unwrap_or(30)))),
        Kind::Hotp => Ok(row(&format!("{digits},{}", token.counter.unwrap_or(0)))),
        Kind::Ocra => plain(token.suite.as_deref(), "a separator in a suite").map(row),
        Kind::Pin => Err(ErrorKind::Unwritable("a PIN key")),
    }
}

/// Writes Microsoft Entra's CSV, with its heading, secrets in Base32.
#[derive(Debug)]
pub struct EntraWriter<W> {
    output: W,
    has_heading: bool,
    entry: u64,
}

impl<W: Write> EntraWriter<W> {
    /// Begins a file.
    pub const fn new(output: W) -> Self {
        Self { output, has_heading: false, entry: 0 }
    }

    /// Writes a token. Its account is the user's principal name.
    ///
    /// Errors: [`ErrorKind::Unwritable`] for what the format cannot say (it knows TOTP with SHA-1,
    /// 6 digits, 30 or 60 seconds), nothing is written then; [`ErrorKind::Missing`] without a
    /// serial number; [`ErrorKind::Io`].
    pub fn write(&mut self, token: &Token) -> Result<(), Error> {
        self.entry = self.entry.saturating_add(1);
        let row = entra_row(token).map_err(|kind| place(self.entry, token, kind))?;
        let heading = if self.has_heading { "" } else { HEADING };
        self.has_heading = true;
        let written = self.output.write_all(heading.as_bytes()).and_then(|()| self.output.write_all(row.as_bytes()));
        written.map_err(|error| place(self.entry, token, ErrorKind::io(&error)))
    }

    /// Ends the file, and gives the output back.
    pub fn finish(self) -> Result<W, Error> {
        Ok(self.output)
    }
}

const HEADING: &str = "upn,serial number,secret key,time interval,manufacturer,model\r\n";

fn entra_row(token: &Token) -> Result<Zeroizing<String>, ErrorKind> {
    let period = token.period.unwrap_or(30);
    if token.kind != Kind::Totp || token.algorithm != Algorithm::Sha1 || token.t0 != 0 {
        return Err(ErrorKind::Unwritable("the format is for TOTP with SHA-1 only"));
    }
    if token.digits.unwrap_or_default().get() != 6 || !matches!(period, 30 | 60) {
        return Err(ErrorKind::Unwritable("the format is for 6 digits and 30 or 60 seconds only"));
    }
    let text = |text: &Option<String>| plain(text.as_deref(), "a separator in a text").map(str::to_owned);
    let serial = text(&token.serial)?;
    if serial.is_empty() {
        return Err(ErrorKind::Missing("the serial number"));
    }
    let (account, manufacturer, model) = (text(&token.account)?, text(&token.manufacturer)?, text(&token.model)?);
    let secret = write_base32(&token.secret);
    let cells = [&account, ",", &serial, ",", &secret, ",", &period.to_string(), ",", &manufacturer, ",", &model, "\r\n"];
    Ok(Zeroizing::new(cells.concat()))
}
