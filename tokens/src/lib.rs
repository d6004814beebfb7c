//! Token files in and out: what makers of hardware tokens ship, what other services export, and
//! what authenticators on telephones hold.
//!
//! ```
//! use keyfob_tokens::{Format, Keys, UriWriter, read};
//!
//! let file = br#"<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc">
//!   <KeyPackage><DeviceInfo><SerialNo>987654321</SerialNo></DeviceInfo>
//!   <Key Id="1" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:totp"><Data>
//!     <Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue></Secret>
//!     <TimeInterval><PlainValue>60</PlainValue></TimeInterval>
//!   </Data></Key></KeyPackage></KeyContainer>"#;
//! let format = Format::detect(file).ok_or("unknown format")?;
//! let mut uris = UriWriter::new(Vec::new());
//! for token in read(format, &file[..], &Keys::new()) {
//!     uris.write(&token?)?;
//! }
//! assert!(uris.finish()?.starts_with(b"otpauth://totp/987654321?secret=GEZDGNBVGY3TQOJQ"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Formats
//!
//! | format | in | out |
//! |---|---|---|
//! | PSKC, RFC 6030 and its drafts: plain, AES-CBC or AES key wrap with a pre-shared key or a password, MACs | [`Format::Pskc`] | [`PskcWriter`] |
//! | OATH CSV of privacyIDEA and LinOTP | [`Format::OathCsv`] | [`OathCsvWriter`] |
//! | Microsoft Entra's CSV | [`Format::Entra`] | [`EntraWriter`] |
//! | Yubico's log, SafeNet's XML, KeePassXC's CSV, CSV by [`Columns`] | [`Format`] | - |
//! | `otpauth://` URIs, one a line or in JSON | [`Format::Uris`], [`Format::Json`] | [`UriWriter`] |
//! | `otpauth-migration://` | [`Format::Uris`] | [`write_migration`] |
//! | unencrypted exports of Aegis, 2FAS, andOTP, FreeOTP+, FIDO CXF 1.0 | [`Format::Json`] | - |
//!
//! XML signatures are not checked: what counts is the MAC of each value.
//!
//! # Bounds
//!
//! Nothing here opens a file, a socket or a clock: readers take a [`BufRead`](std::io::BufRead),
//! writers a [`Write`](std::io::Write) and, where they draw numbers, a generator of the caller's.
//! Files are read entry by entry in memory that does not grow with them, but for JSON, which is
//! read whole up to 16 MiB and 300,000 entries. A key, a row or a line has at most 64 KiB. Document
//! types, entities and elements nested more than 32 deep are refused.
//!
//! # Secrets
//!
//! Secrets are wiped on drop, and are in no message and no [`Debug`] output. The caller's own
//! buffers are the caller's. A secret is what its file says, even below 128 bits: see
//! [`Token::is_short`]. A secret longer than the block of its hash becomes its hash, as RFC 2104
//! says; so that the engine can hold it, one of 65 to 128 bytes with SHA-512 is refused.
//!
//! # Panics
//!
//! None, from any input.
#![forbid(unsafe_code)]
// No panic is reachable from any input: what may panic is not written. Tests may.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

mod csv;
mod duplicates;
mod error;
mod format;
mod json;
mod keys;
mod lines;
mod metered;
mod migration;
mod pskc;
mod reader;
mod safenet;
mod text;
mod token;
mod uri;
mod xml;

pub use csv::{Columns, EntraWriter, OathCsvWriter};
pub use duplicates::{Duplicate, Duplicates};
pub use error::{Error, ErrorKind, Location};
pub use format::Format;
pub use keys::Keys;
pub use migration::write_migration;
pub use pskc::{PskcProtection, PskcSuite, PskcWriter};
pub use reader::{Tokens, read};
pub use text::SecretEncoding;
pub use token::{Kind, PinPolicy, RawSecret, Token};
pub use uri::UriWriter;

/// The example of the README runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
