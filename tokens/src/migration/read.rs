//! Reads the QR codes of a migration, and knows which are missing.

use std::collections::{BTreeMap, BTreeSet};

use keyfob::Algorithm;
use prost::Message;
use zeroize::Zeroizing;

use crate::migration::{DIGITS, HASHES, HOTP, Parameters, Payload, TOTP};
use crate::text::{base64, digits, some};
use crate::{ErrorKind, Kind, RawSecret, Token};

const SCHEME: &str = "otpauth-migration:";
/// More QR codes than anybody scans.
const MAX_BATCHES: u32 = 1000;

pub(crate) fn is_uri(text: &str) -> bool {
    text.get(..SCHEME.len()).is_some_and(|front| front.eq_ignore_ascii_case(SCHEME))
}

/// The batches that were read, by their id: which numbers, from 0, of how many.
#[derive(Debug, Default)]
pub(crate) struct Batches(BTreeMap<i32, Batch>);

#[derive(Debug)]
struct Batch {
    count: u32,
    read: BTreeSet<u32>,
}

impl Batches {
    /// Reads a QR code; each of its accounts is right or wrong for itself.
    pub(crate) fn read(&mut self, text: &str) -> Result<Vec<Result<Token, ErrorKind>>, ErrorKind> {
        let payload = decode(text)?;
        self.note(&payload)?;
        Ok(payload.parameters.iter().map(token).collect())
    }

    fn note(&mut self, payload: &Payload) -> Result<(), ErrorKind> {
        let count = u32::try_from(payload.batch_size.unwrap_or(1).max(1)).unwrap_or(1);
        let index = u32::try_from(payload.batch_index.unwrap_or(0)).unwrap_or(u32::MAX);
        if count > MAX_BATCHES || index >= count {
            return Err(ErrorKind::Payload);
        }
        // Nothing can be missing of a single QR code. Those have no id, and may be many.
        if count == 1 {
            return Ok(());
        }
        let batch = self.0.entry(payload.batch_id.unwrap_or(0)).or_insert(Batch { count, read: BTreeSet::new() });
        batch.count = batch.count.max(count);
        if batch.read.insert(index) { Ok(()) } else { Err(ErrorKind::Repeated("the QR code")) }
    }

    /// What is missing of an export, which is forgotten. None once nothing is missing any more.
    pub(crate) fn take_missing(&mut self) -> Option<ErrorKind> {
        while let Some((_, Batch { count, read })) = self.0.pop_first() {
            let missing: Vec<_> = (0..count).filter(|index| !read.contains(index)).map(|index| index.saturating_add(1)).collect();
            if !missing.is_empty() {
                return Some(ErrorKind::Batches { missing, count });
            }
        }
        None
    }
}

fn decode(text: &str) -> Result<Payload, ErrorKind> {
    let (_, query) = text.split_once('?').ok_or(ErrorKind::Payload)?;
    let data = query.split('&').find_map(|parameter| parameter.strip_prefix("data=")).ok_or(ErrorKind::Payload)?;
    let decoded = Zeroizing::new(percent_encoding::percent_decode_str(data).collect::<Vec<u8>>());
    // Where a form was decoded twice, + became a blank.
    let symbols = Zeroizing::new(str::from_utf8(&decoded).map_err(|_| ErrorKind::Payload)?.replace(' ', "+"));
    let bytes = base64(&symbols).ok_or(ErrorKind::Payload)?;
    Payload::decode(bytes.as_slice()).map_err(|_| ErrorKind::Payload)
}

/// A number by its list; 0 and nothing are the first of the list.
fn listed<T: Copy>(list: &[(i32, T)], number: Option<i32>) -> Option<T> {
    let number = number.filter(|&number| number != 0).or(list.first().map(|&(number, _)| number))?;
    list.iter().find(|&&(listed, _)| listed == number).map(|&(_, value)| value)
}

fn token(parameters: &Parameters) -> Result<Token, ErrorKind> {
    let kind = match parameters.kind.unwrap_or(0) {
        0 | TOTP => Kind::Totp,
        HOTP => Kind::Hotp,
        other => return Err(ErrorKind::KeyAlgorithm(other.to_string())),
    };
    let mut token = Token::new(kind, RawSecret::new(parameters.secret.clone()));
    token.algorithm = match parameters.algorithm {
        Some(4) => return Err(ErrorKind::Hash("MD5".to_owned())),
        number => listed::<Algorithm>(&HASHES, number).ok_or_else(|| ErrorKind::Hash(number.unwrap_or(0).to_string()))?,
    };
    token.digits = Some(digits(listed(&DIGITS, parameters.digits).ok_or(ErrorKind::Digits)?)?);
    if kind == Kind::Hotp {
        let counter = parameters.counter.unwrap_or(0);
        token.counter = Some(u64::try_from(counter).map_err(|_| ErrorKind::Range("the counter"))?);
    }
    let name = parameters.name.as_deref().unwrap_or_default();
    let issuer = parameters.issuer.as_deref().and_then(some);
    let split = name.split_once(':').filter(|(front, _)| issuer.as_deref().is_none_or(|issuer| issuer == front.trim()));
    let (front, account) = split.unwrap_or(("", name));
    token.account = some(account);
    token.issuer = issuer.or_else(|| some(front));
    token.checked()
}
