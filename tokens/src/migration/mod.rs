//! `otpauth-migration://` URIs: what Google Authenticator shows as QR codes, ten accounts each.

mod read;
mod write;

use keyfob::Algorithm;
use prost::Message;
use zeroize::Zeroize;

pub(crate) use read::{Batches, is_uri};
pub use write::write_migration;

/// The accounts of one QR code. All fields are optional, so that zeros are written, too: one reader
/// of others fails without them.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
struct Payload {
    #[prost(message, repeated, tag = "1")]
    parameters: Vec<Parameters>,
    #[prost(int32, optional, tag = "2")]
    version: Option<i32>,
    #[prost(int32, optional, tag = "3")]
    batch_size: Option<i32>,
    #[prost(int32, optional, tag = "4")]
    batch_index: Option<i32>,
    #[prost(int32, optional, tag = "5")]
    batch_id: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
struct Parameters {
    #[prost(bytes = "vec", tag = "1")]
    secret: Vec<u8>,
    #[prost(string, optional, tag = "2")]
    name: Option<String>,
    #[prost(string, optional, tag = "3")]
    issuer: Option<String>,
    #[prost(int32, optional, tag = "4")]
    algorithm: Option<i32>,
    #[prost(int32, optional, tag = "5")]
    digits: Option<i32>,
    #[prost(int32, optional, tag = "6")]
    kind: Option<i32>,
    #[prost(int64, optional, tag = "7")]
    counter: Option<i64>,
}

impl Drop for Parameters {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

const HASHES: [(i32, Algorithm); 3] = [(1, Algorithm::Sha1), (2, Algorithm::Sha256), (3, Algorithm::Sha512)];
/// 7 is not in Google's file of the format, and what others write.
const DIGITS: [(i32, u64); 3] = [(1, 6), (2, 8), (3, 7)];
const HOTP: i32 = 1;
const TOTP: i32 = 2;
