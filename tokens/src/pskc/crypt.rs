//! What protects values in a PSKC file: AES in two modes, HMAC, and PBKDF2.

use aes::cipher::block_padding::NoPadding;
use aes::cipher::consts::U16;
use aes::cipher::{BlockCipherDecrypt, BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit};
use aes::{Aes128, Aes192, Aes256};
use aes_kw::{AesKw, AesKwp};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use crate::ErrorKind;

const BLOCK_BYTES: usize = 16;
/// More iterations than any tool writes; they would keep a machine busy for minutes.
const MAX_ITERATIONS: u32 = 10_000_000;

pub(crate) const AES256_CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes256-cbc";
pub(crate) const HMAC_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256";
pub(crate) const PBKDF2: &str = "http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#pbkdf2";

/// The name in an algorithm's URI: what is behind its last `#`.
fn short_name(uri: &str) -> String {
    uri.rsplit('#').next().unwrap_or(uri).trim().to_ascii_lowercase()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cipher {
    Cbc { key_bytes: usize },
    Wrap { key_bytes: usize },
}

impl Cipher {
    pub(crate) fn from_uri(uri: &str) -> Result<Self, ErrorKind> {
        Ok(match short_name(uri).as_str() {
            "aes128-cbc" => Self::Cbc { key_bytes: 16 },
            "aes192-cbc" => Self::Cbc { key_bytes: 24 },
            "aes256-cbc" => Self::Cbc { key_bytes: 32 },
            "kw-aes128" | "kw-aes-128-pad" => Self::Wrap { key_bytes: 16 },
            "kw-aes192" | "kw-aes-192-pad" => Self::Wrap { key_bytes: 24 },
            "kw-aes256" | "kw-aes-256-pad" => Self::Wrap { key_bytes: 32 },
            name if name.starts_with("rsa") => return Err(ErrorKind::Certificate),
            _ => return Err(ErrorKind::Cipher(uri.to_owned())),
        })
    }

    /// Whether a wrong key or a changed value goes unseen without a MAC.
    pub(crate) const fn needs_mac(self) -> bool {
        matches!(self, Self::Cbc { .. })
    }

    /// Decrypts `data`; CBC's initialisation vector is its first block, or `iv`.
    pub(crate) fn decrypt(self, key: &[u8], iv: Option<&[u8]>, data: &[u8]) -> Result<Zeroizing<Vec<u8>>, ErrorKind> {
        let (Self::Cbc { key_bytes } | Self::Wrap { key_bytes }) = self;
        if key.len() != key_bytes {
            return Err(ErrorKind::WrongKey);
        }
        match self {
            Self::Cbc { .. } => {
                let (iv, data) = match iv {
                    Some(iv) => (iv, data),
                    None => data.split_at_checked(BLOCK_BYTES).ok_or(ErrorKind::Decryption)?,
                };
                let mut bytes = Zeroizing::new(data.to_vec());
                decrypt_cbc(key, iv, &mut bytes).ok_or(ErrorKind::Decryption)?;
                unpad(&mut bytes).ok_or(ErrorKind::Decryption)?;
                Ok(bytes)
            }
            Self::Wrap { .. } => unwrap(key, data).ok_or(ErrorKind::Decryption),
        }
    }
}

/// Takes a key wrap off: RFC 3394, or RFC 5649 with its padding, which python-pskc writes under the
/// same name for a secret whose length is no multiple of 8.
fn unwrap(key: &[u8], data: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    const MIN_BYTES: usize = 16;
    fn run<C: BlockCipherDecrypt<BlockSize = U16> + KeyInit>(key: &[u8], data: &[u8], bytes: &mut [u8]) -> Option<usize> {
        let plain = AesKw::<C>::new_from_slice(key).ok()?.unwrap_key(data, bytes).map(<[u8]>::len);
        let padded = AesKwp::<C>::new_from_slice(key).ok()?;
        plain.or_else(|_| padded.unwrap_key(data, bytes).map(<[u8]>::len)).ok()
    }
    if data.len() < MIN_BYTES {
        return None;
    }
    let mut bytes = Zeroizing::new(vec![0; data.len().checked_sub(8)?]);
    let len = match key.len() {
        16 => run::<Aes128>(key, data, &mut bytes),
        24 => run::<Aes192>(key, data, &mut bytes),
        _ => run::<Aes256>(key, data, &mut bytes),
    }?;
    bytes.truncate(len);
    Some(bytes)
}

fn decrypt_cbc(key: &[u8], iv: &[u8], bytes: &mut [u8]) -> Option<()> {
    fn run<C: BlockModeDecrypt + KeyIvInit>(key: &[u8], iv: &[u8], bytes: &mut [u8]) -> Option<()> {
        C::new_from_slices(key, iv).ok()?.decrypt_padded::<NoPadding>(bytes).ok().map(|_| ())
    }
    match key.len() {
        16 => run::<cbc::Decryptor<Aes128>>(key, iv, bytes),
        24 => run::<cbc::Decryptor<Aes192>>(key, iv, bytes),
        _ => run::<cbc::Decryptor<Aes256>>(key, iv, bytes),
    }
}

/// Takes the padding of XML Encryption off: the last byte counts it, the others may be anything.
fn unpad(bytes: &mut Zeroizing<Vec<u8>>) -> Option<()> {
    let count = usize::from(*bytes.last()?);
    if !(1..=BLOCK_BYTES).contains(&count) {
        return None;
    }
    let len = bytes.len().checked_sub(count)?;
    bytes.truncate(len);
    Some(())
}

/// AES-256-CBC with PKCS #7 padding, the initialisation vector in front.
pub(crate) fn encrypt_cbc(key: &[u8; 32], iv: [u8; BLOCK_BYTES], plain: &[u8]) -> Option<Vec<u8>> {
    let padding = BLOCK_BYTES.saturating_sub(plain.len() % BLOCK_BYTES);
    let mut bytes = iv.to_vec();
    bytes.reserve_exact(plain.len().saturating_add(padding));
    bytes.extend_from_slice(plain);
    bytes.extend(std::iter::repeat_n(u8::try_from(padding).ok()?, padding));
    let body = bytes.get_mut(BLOCK_BYTES..)?;
    let len = body.len();
    cbc::Encryptor::<Aes256>::new(key.into(), &iv.into()).encrypt_padded::<NoPadding>(body, len).ok()?;
    Some(bytes)
}

/// A hash for HMAC, in MACs and in PBKDF2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HmacHash {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
}

impl HmacHash {
    /// By its URI, or by a name such as `HMAC-SHA1` of the drafts.
    pub(crate) fn from_uri(uri: &str) -> Option<Self> {
        let name: String = short_name(uri).chars().filter(char::is_ascii_alphanumeric).collect();
        let name = name.strip_prefix("id").unwrap_or(&name);
        let hash = name.strip_prefix("hmacwith").or_else(|| name.strip_prefix("hmac"))?;
        Some(match hash {
            "sha1" => Self::Sha1,
            "sha224" => Self::Sha224,
            "sha256" => Self::Sha256,
            "sha384" => Self::Sha384,
            "sha512" => Self::Sha512,
            _ => return None,
        })
    }

    /// Whether `mac` is that of `data`, in constant time.
    pub(crate) fn verify(self, key: &[u8], data: &[u8], mac: &[u8]) -> bool {
        fn run<M: Mac + KeyInit>(key: &[u8], data: &[u8], mac: &[u8]) -> bool {
            <M as KeyInit>::new_from_slice(key).is_ok_and(|state| state.chain_update(data).verify_slice(mac).is_ok())
        }
        match self {
            Self::Sha1 => run::<Hmac<Sha1>>(key, data, mac),
            Self::Sha224 => run::<Hmac<Sha224>>(key, data, mac),
            Self::Sha256 => run::<Hmac<Sha256>>(key, data, mac),
            Self::Sha384 => run::<Hmac<Sha384>>(key, data, mac),
            Self::Sha512 => run::<Hmac<Sha512>>(key, data, mac),
        }
    }
}

pub(crate) fn hmac_sha256(key: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let state = <Hmac<Sha256> as KeyInit>::new_from_slice(key).ok()?;
    Some(state.chain_update(data).finalize().into_bytes().to_vec())
}

/// What turns a password into a key.
#[derive(Clone, Debug)]
pub(crate) struct Derivation {
    pub(crate) salt: Vec<u8>,
    pub(crate) iterations: u32,
    pub(crate) key_bytes: usize,
    pub(crate) hash: HmacHash,
}

impl Derivation {
    pub(crate) fn derive(&self, password: &[u8]) -> Result<Zeroizing<Vec<u8>>, ErrorKind> {
        if !matches!(self.key_bytes, 16 | 24 | 32) {
            return Err(ErrorKind::Derivation("its length is not that of an AES key; ask for another file"));
        }
        if self.iterations == 0 || self.iterations > MAX_ITERATIONS {
            return Err(ErrorKind::Derivation("the iterations are not 1 to 10 million; ask for another file"));
        }
        let mut key = Zeroizing::new(vec![0; self.key_bytes]);
        let derived = match self.hash {
            HmacHash::Sha1 => pbkdf2::pbkdf2::<Hmac<Sha1>>(password, &self.salt, self.iterations, &mut key),
            HmacHash::Sha224 => pbkdf2::pbkdf2::<Hmac<Sha224>>(password, &self.salt, self.iterations, &mut key),
            HmacHash::Sha256 => pbkdf2::pbkdf2::<Hmac<Sha256>>(password, &self.salt, self.iterations, &mut key),
            HmacHash::Sha384 => pbkdf2::pbkdf2::<Hmac<Sha384>>(password, &self.salt, self.iterations, &mut key),
            HmacHash::Sha512 => pbkdf2::pbkdf2::<Hmac<Sha512>>(password, &self.salt, self.iterations, &mut key),
        };
        derived.map_err(|_| ErrorKind::Derivation("the password is too long; shorten it"))?;
        Ok(key)
    }
}
