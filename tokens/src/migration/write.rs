//! Writes tokens as the QR codes of a migration.

use data_encoding::BASE64;
use keyfob::rand_core::TryCryptoRng;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use prost::Message;
use zeroize::Zeroizing;

use crate::migration::{DIGITS, HASHES, HOTP, Parameters, Payload, TOTP};
use crate::{Error, ErrorKind, Kind, Location, Token};

/// The accounts of one QR code.
const BATCH: usize = 10;

/// The URIs of an export, ten tokens each; a QR code for each of them is the caller's. `rng` draws
/// the export's id. The texts hold the secrets, and are wiped on drop.
///
/// Errors: [`ErrorKind::Unwritable`] with the token's place (the format knows TOTP of 30 seconds
/// and HOTP, with 6, 7 or 8 digits), [`ErrorKind::Randomness`].
pub fn write_migration<R: TryCryptoRng + ?Sized>(tokens: &[Token], rng: &mut R) -> Result<Vec<Zeroizing<String>>, Error> {
    let place = |entry: usize, token: &Token| Location {
        entry: Some((entry as u64).saturating_add(1)),
        line: None,
        serial: token.serial.clone(),
    };
    let id = rng.try_next_u32().map_err(|_| Error::new(ErrorKind::Randomness, Location::default()))? >> 1;
    let size = i32::try_from(tokens.len().div_ceil(BATCH)).ok();
    let mut uris = Vec::new();
    for (index, batch) in tokens.chunks(BATCH).enumerate() {
        let first = index.saturating_mul(BATCH);
        let parameters = batch
            .iter()
            .enumerate()
            .map(|(at, token)| parameters(token).map_err(|kind| Error::new(kind, place(first.saturating_add(at), token))));
        let payload = Payload {
            parameters: parameters.collect::<Result<_, _>>()?,
            version: Some(1),
            batch_size: size,
            batch_index: i32::try_from(index).ok(),
            batch_id: i32::try_from(id).ok(),
        };
        let bytes = Zeroizing::new(payload.encode_to_vec());
        let text = Zeroizing::new(BASE64.encode(&bytes));
        let mut uri = Zeroizing::new(String::with_capacity(text.len().saturating_mul(3).saturating_add(64)));
        uri.push_str("otpauth-migration://offline?data=");
        uri.extend(utf8_percent_encode(&text, NON_ALPHANUMERIC));
        uris.push(uri);
    }
    Ok(uris)
}

fn parameters(token: &Token) -> Result<Parameters, ErrorKind> {
    let kind = match token.kind {
        Kind::Totp if token.period.unwrap_or(30) != 30 => {
            return Err(ErrorKind::Unwritable("a period other than 30 seconds"));
        }
        Kind::Totp if token.t0 != 0 => return Err(ErrorKind::Unwritable("a T0 other than 0")),
        Kind::Totp => TOTP,
        Kind::Hotp => HOTP,
        Kind::Ocra | Kind::Pin => return Err(ErrorKind::Unwritable("a migration is for TOTP and HOTP only")),
    };
    let number = u64::from(token.digits.unwrap_or_default().get());
    let digits = DIGITS.iter().find(|&&(_, digits)| digits == number).map(|&(listed, _)| listed);
    let counter = i64::try_from(token.counter.unwrap_or(0)).map_err(|_| ErrorKind::Unwritable("a counter of 64 bits"))?;
    Ok(Parameters {
        secret: token.secret.expose().to_vec(),
        name: Some(token.account.clone().or_else(|| token.serial.clone()).unwrap_or_default()),
        issuer: Some(token.issuer.clone().unwrap_or_default()),
        algorithm: HASHES.iter().find(|&&(_, hash)| hash == token.algorithm).map(|&(listed, _)| listed),
        digits: Some(digits.ok_or(ErrorKind::Unwritable("9 or 10 digits"))?),
        kind: Some(kind),
        counter: Some(counter),
    })
}
