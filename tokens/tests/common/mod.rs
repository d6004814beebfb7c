//! What the tests of all formats share.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::convert::Infallible;

use keyfob::rand_core::{TryCryptoRng, TryRng};
use keyfob_tokens::{Error, Format, Keys, Token, read};

pub(crate) type Entries = Vec<Result<Token, Error>>;

pub(crate) fn read_pskc(file: &str, keys: &Keys) -> Entries {
    read_as(Format::Pskc, file, keys)
}

pub(crate) fn read_as(format: Format, file: impl AsRef<[u8]>, keys: &Keys) -> Entries {
    read(format, file.as_ref(), keys).collect()
}

/// Reads as what the first bytes say.
pub(crate) fn read_detected(file: impl AsRef<[u8]>) -> Entries {
    let format = Format::detect(file.as_ref()).expect("a known format");
    read_as(format, file, &Keys::new())
}

/// Exactly these tokens, and no error.
pub(crate) fn tokens<const N: usize>(entries: Entries) -> [Token; N] {
    let tokens: Result<Vec<_>, _> = entries.into_iter().collect();
    let tokens = tokens.unwrap_or_else(|error| panic!("{error}"));
    tokens.try_into().unwrap_or_else(|tokens: Vec<_>| panic!("{} tokens", tokens.len()))
}

/// Exactly these errors, and no token.
pub(crate) fn errors<const N: usize>(entries: Entries) -> [Error; N] {
    let errors: Vec<_> = entries.into_iter().map(|entry| entry.expect_err("a refused entry")).collect();
    errors.try_into().unwrap_or_else(|errors: Vec<_>| panic!("{errors:?}"))
}

/// A generator whose numbers follow from its seed.
pub(crate) struct Seeded(pub(crate) u64);

impl TryRng for Seeded {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
        Ok((self.0 >> 32) as u32)
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from(self.try_next_u32()?) << 32 | u64::from(self.try_next_u32()?))
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.iter_mut().try_for_each(|byte| self.try_next_u32().map(|number| *byte = (number >> 24) as u8))
    }
}

impl TryCryptoRng for Seeded {}
