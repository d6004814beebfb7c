//! `otpauth://` URIs. The engine reads and writes them. Only the secret is taken out before and put
//! in after, since a file's may have any length.

use std::io::Write;

use keyfob::{Digits, Factor, Hotp, Secret, Totp, Uri};
use zeroize::Zeroizing;

use crate::text::{base32, some};
use crate::{Error, ErrorKind, Kind, Location, RawSecret, Token};

/// What stands for the secret while the engine reads or writes the rest: 20 bytes of 0.
const PLACEHOLDER: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

pub(crate) fn read(text: &str) -> Result<Token, ErrorKind> {
    let text = text.trim();
    let (front, query) = text.split_once('?').unwrap_or((text, ""));
    let mut secret = None;
    let mut rest = Zeroizing::new(String::with_capacity(text.len().saturating_add(PLACEHOLDER.len())));
    rest.push_str(front);
    for (number, parameter) in query.split('&').enumerate() {
        rest.push(if number == 0 { '?' } else { '&' });
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        if name.eq_ignore_ascii_case("encoder") {
            return Err(ErrorKind::KeyAlgorithm(value.to_owned()));
        }
        if name.eq_ignore_ascii_case("secret") && secret.is_none() {
            secret = Some(value);
            rest.push_str(name);
            rest.push('=');
            rest.push_str(PLACEHOLDER);
        } else {
            rest.push_str(parameter);
        }
    }
    let uri = Uri::parse(&rest).map_err(ErrorKind::Uri)?;
    let value = Zeroizing::new(secret.unwrap_or_default().replace('+', " "));
    let decoded = Zeroizing::new(percent_encoding::percent_decode_str(&value).collect::<Vec<u8>>());
    let secret = str::from_utf8(&decoded).ok().and_then(base32).ok_or(ErrorKind::Secret("Base32"))?;
    let (kind, hotp) = match uri.factor() {
        Factor::Totp(totp) => (Kind::Totp, totp.hotp()),
        Factor::Hotp(hotp) => (Kind::Hotp, hotp),
        _ => return Err(ErrorKind::Uri(keyfob::Error::UriType)),
    };
    let mut token = Token::new(kind, secret.into());
    token.algorithm = hotp.algorithm();
    token.digits = Some(hotp.digits());
    match uri.factor() {
        Factor::Totp(totp) => token.period = Some(totp.period()),
        _ => token.counter = Some(uri.counter()),
    }
    token.issuer = some(&uri.issuer().to_string());
    token.account = some(&uri.account().to_string());
    token.checked()
}

/// The URI of a token. An account that is not there is the serial number.
pub(crate) fn write(token: &Token) -> Result<Zeroizing<String>, ErrorKind> {
    let secret = Secret::new(&[0; 20]).map_err(ErrorKind::Uri)?;
    let hotp = Hotp::new(secret).with_algorithm(token.algorithm).with_digits(token.digits.unwrap_or(Digits::SIX));
    let factor = match token.kind {
        Kind::Totp => {
            let totp = Totp::from_hotp(hotp).with_period(token.period.unwrap_or(30)).map_err(ErrorKind::Uri)?;
            Factor::Totp(totp.with_t0(token.t0))
        }
        Kind::Hotp => Factor::Hotp(hotp),
        Kind::Ocra | Kind::Pin => return Err(ErrorKind::Unwritable("a URI is for TOTP and HOTP only")),
    };
    let account = token.account.as_deref().or(token.serial.as_deref()).unwrap_or_default();
    let issuer = token.issuer.as_deref().unwrap_or_default();
    let uri = Uri::new(factor, token.counter.unwrap_or(0), issuer, account).map_err(ErrorKind::Uri)?;
    let text = uri.to_text().map_err(ErrorKind::Uri)?;
    let (front, rest) = text.split_once(PLACEHOLDER).ok_or(ErrorKind::Uri(keyfob::Error::UriNoSecret))?;
    let secret = write_base32(&token.secret);
    let len = text.len().saturating_add(secret.len());
    let mut whole = Zeroizing::new(String::with_capacity(len));
    for part in [front, &secret, rest] {
        whole.push_str(part);
    }
    Ok(whole)
}

pub(crate) fn write_base32(secret: &RawSecret) -> Zeroizing<String> {
    Zeroizing::new(data_encoding::BASE32_NOPAD.encode(secret.expose()))
}

/// Writes `otpauth://` URIs, one a line.
#[derive(Debug)]
pub struct UriWriter<W> {
    output: W,
    entry: u64,
}

impl<W: Write> UriWriter<W> {
    /// Begins a list.
    pub const fn new(output: W) -> Self {
        Self { output, entry: 0 }
    }

    /// Writes a token.
    ///
    /// Errors: [`ErrorKind::Unwritable`], [`ErrorKind::Uri`] (a T0, or a colon in a name; nothing
    /// is written then), [`ErrorKind::Io`].
    pub fn write(&mut self, token: &Token) -> Result<(), Error> {
        self.entry = self.entry.saturating_add(1);
        let place = |kind| Error::new(kind, Location { entry: Some(self.entry), line: None, serial: token.serial.clone() });
        let text = write(token).map_err(place)?;
        let written = self.output.write_all(text.as_bytes()).and_then(|()| self.output.write_all(b"\n"));
        written.map_err(|error| place(ErrorKind::io(&error)))
    }

    /// Ends the list, and gives the output back.
    pub fn finish(self) -> Result<W, Error> {
        Ok(self.output)
    }
}
