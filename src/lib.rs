//! An embedded one-time-password engine: TOTP, HOTP, SMS, e-mail, PIN and recovery code devices as
//! small records, verified in constant time.
//!
//! | I have | I use |
//! |---|---|
//! | an authenticator app or a token to enrol | [`Device::totp`] or [`Device::hotp`], then [`Device::uri`] for its QR code |
//! | a telephone or a mailbox to send codes to | [`Device::sms`] or [`Device::email`], then [`Device::challenge`] |
//! | a PIN, of which I ask a few digits | [`Device::pin`], then [`Device::challenge`] |
//! | a user who may lose the telephone | [`RecoveryCodes`], then [`Device::recovery`] |
//! | a code that somebody typed | [`Device::verify`], or [`Device::verify_and_store`] in one call |
//! | a HOTP token that has run ahead | [`Device::resync`] |
//! | a token without a label | [`Search`], which finds its device by its codes |
//! | a file or a table for devices | [`Device::to_record`] and [`Device::from_bytes`]; [`SealKey`] encrypts the record |
//! | threads or processes that share a device | compare and swap on [`Device::revision`], see [`Attempt`] |
//! | a locked, disabled or lost device | [`Device::unlock`], [`Device::set_status`], [`Device::replace_factor`] |
//! | windows, locks and lifetimes of my own | [`Policy::builder`] |
//! | an `otpauth://` URI | [`Uri::parse`] |
//! | a secret, and no device | [`Totp`] or [`Hotp`], which generate and search codes |
//! | devices in Soffid's table | [`SoffidRow`] |
//!
//! A [`Device`] is one small record of plain bytes. The engine has no state, no clock, no
//! randomness and no I/O. It takes a device, a [`Policy`], an answer and the time, and returns the
//! next device and a [`Verdict`]. The caller stores the record: in flash memory, a file or a table.
//! The verdict comes out only by [committing](Attempt::commit) the next device, so no right answer
//! counts twice and no wrong one goes uncounted.
//!
//! ```
//! use keyfob::{Device, Error, Policy, Secret, Totp};
//!
//! // Enrol: draw a secret (here a fixed one), show its URI as a QR code, store the record.
//! let secret = Secret::new(b"12345678901234567890")?;
//! let device = Device::totp(Totp::new(secret), 1_700_000_000);
//! let uri = device.uri("ACME", "alice@example.com")?;
//! let mut stored = *device.to_record().as_bytes();
//!
//! // Verify: read the record, judge the code, store the next record. Only then comes the verdict.
//! let policy = Policy::default();
//! let now = 1_700_000_100;
//! # let code = Totp::new(Secret::new(b"12345678901234567890")?).generate(now)?;
//! # let typed = code.as_str();
//! let device = Device::from_bytes(&stored)?;
//! let attempt = device.verify(&policy, typed.as_bytes(), now)?;
//! let verdict = attempt.commit(|next| {
//!     stored = *next.to_record().as_bytes();
//!     Ok::<(), Error>(())
//! })?;
//! assert!(verdict.is_right());
//!
//! // The same code a second time is wrong.
//! let device = Device::from_bytes(&stored)?;
//! let again = device.verify(&policy, typed.as_bytes(), now)?;
//! assert!(!again.commit(|_| Ok::<(), Error>(()))?.is_right());
//! # Ok::<(), Error>(())
//! ```
//!
//! # Layers
//!
//! | layer | modules | what they hold |
//! |---|---|---|
//! | 1 values | error, wipe, code, secret, status, validity, chance, lock, policy | what things are |
//! | 2 codes | hmac, lanes, hotp, totp, pin, recovery | RFC 4226, RFC 6238, positions of a PIN, recovery codes |
//! | 3 device | device, admin, attempt, challenge, verdict, verify, find, record, seal, soffid, uri, label | the state machine and its bytes |
//! | 4 C ABI, feature `capi` | ffi | `include/keyfob.h`, for C and Java |
//!
//! # Features
//!
//! The crate is `no_std` and needs no heap. Features only add:
//!
//! | feature | adds |
//! |---|---|
//! | `alloc` | strings of secrets and URIs, wiped on drop |
//! | `std` (default) | conversion of [`Error`] to `std::io::Error` |
//! | `seal` (default) | records encrypted for storage |
//!
//! # Panics
//!
//! None, from any input.
#![no_std]
// docs.rs shows beside each item the feature that it needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(unsafe_code)]
// No input reaches a panic: the code has none. Tests may panic.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

mod admin;
mod attempt;
mod challenge;
mod chance;
mod code;
mod device;
mod error;
#[cfg(feature = "capi")]
pub mod ffi;
mod find;
mod hmac;
mod hotp;
mod label;
mod lanes;
mod lock;
mod pin;
mod policy;
mod record;
mod recovery;
#[cfg(feature = "seal")]
mod seal;
mod secret;
mod soffid;
mod status;
mod totp;
mod uri;
mod validity;
mod verdict;
mod verify;
mod wipe;

pub use attempt::{Attempt, Held, Next};
pub use challenge::Challenge;
pub use chance::GuessChance;
pub use code::{Algorithm, Code, Digits, RECOVERY_CODES_MAX};
pub use device::{Device, Factor, History};
pub use error::Error;
pub use find::Search;
pub use hotp::{Hotp, KeyedHotp};
pub use label::UriText;
pub use lock::Lock;
pub use pin::{PIN_MAX_DIGITS, PIN_MIN_DIGITS, Pin, Positions};
pub use policy::{PinPositions, Policy, PolicyBuilder};
pub use rand_core;
pub use record::{RECORD_SIZE, Record};
pub use recovery::{RECOVERY_CODE_SIZE, RecoveryCode, RecoveryCodes};
#[cfg(feature = "seal")]
pub use seal::{SEAL_KEY_SIZE, SEAL_NONCE_SIZE, SEALED_SIZE, SealCipher, SealKey, sealed_key_id};
pub use secret::{SECRET_MAX_SIZE, SECRET_MIN_SIZE, SHORT_SECRET_MIN_SIZE, Secret};
pub use soffid::{SOFFID_AUTH_KEY_SIZE, SoffidRow};
pub use status::{Kind, Status};
pub use totp::Totp;
pub use uri::Uri;
pub use validity::Validity;
pub use verdict::{Reason, Verdict};

/// The example of the crate's README runs as a test. The repository's README has the same one.
#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("README.md")]
struct Readme;
