//! Layer 1: the shared secret, wiped on drop and never printed by accident.

use core::fmt;

use data_encoding::{BASE32_NOPAD, HEXLOWER_PERMISSIVE};
use rand_core::TryCryptoRng;
use sha2::Digest;
use subtle::{Choice, ConstantTimeEq};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::wipe::wipe;
use crate::{Algorithm, Error};

/// The fewest bytes a secret may have (RFC 4226 section 4, R6: 128 bits).
pub const SECRET_MIN_SIZE: usize = 16;
/// The fewest bytes of a short secret, where those are allowed: 80 bits, as many tokens have.
pub const SHORT_SECRET_MIN_SIZE: usize = 10;
/// The most bytes a secret may have: one block of SHA-1 and SHA-256, so that no key is ever hashed
/// first.
pub const SECRET_MAX_SIZE: usize = 64;

/// The places of a secret's bytes: in a table, since so many numbers cost more to make than to
/// read.
const PLACES: [u8; SECRET_MAX_SIZE] = {
    let (mut places, mut at) = ([0; SECRET_MAX_SIZE], 0_u8);
    while let Some((place, _)) = places.split_at_mut(at as usize).1.split_first_mut() {
        *place = at;
        at = at.saturating_add(1);
    }
    places
};

/// Room for up to 64 bytes that are wiped on drop and redacted in `Debug`; bytes past `len` are
/// zero. Aligned, so that they are copied as they are.
#[derive(Clone)]
#[repr(align(8))]
pub(crate) struct Wiped {
    bytes: [u8; SECRET_MAX_SIZE],
    /// Of a whole word: padding is moved in two parts, and the second waits for the first.
    len: usize,
}

impl Wiped {
    /// Copies `bytes`; none if there are more than 64.
    pub(crate) fn new(bytes: &[u8]) -> Option<Self> {
        let mut wiped = Self { bytes: [0; SECRET_MAX_SIZE], len: bytes.len() };
        wiped.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(wiped)
    }

    /// Whether behind the first `len` of `bytes`, which are at most 64, there are only zeros; in
    /// constant time for a length.
    #[inline]
    pub(crate) fn is_padded(bytes: &[u8; SECRET_MAX_SIZE], len: u8) -> bool {
        let behind = bytes.iter().zip(&PLACES).fold(0, |behind, (&byte, &at)| behind | if at < len { 0 } else { byte });
        behind == 0 && usize::from(len) <= SECRET_MAX_SIZE
    }

    /// Copies the first `len` of `bytes`, of which [`is_padded`](Self::is_padded) holds.
    #[inline]
    pub(crate) const fn from_padded(bytes: &[u8; SECRET_MAX_SIZE], len: u8) -> Self {
        Self { bytes: *bytes, len: len as usize }
    }

    /// How many bytes there are.
    #[expect(clippy::cast_possible_truncation, reason = "at most 64")]
    pub(crate) const fn count(&self) -> u8 {
        self.len as u8
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }

    /// All 64 bytes, zeros past the end.
    pub(crate) fn padded(&self) -> &[u8; SECRET_MAX_SIZE] {
        &self.bytes
    }
}

impl ConstantTimeEq for Wiped {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.bytes.ct_eq(&other.bytes) & self.len.ct_eq(&other.len)
    }
}

impl Drop for Wiped {
    fn drop(&mut self) {
        wipe(&mut self.bytes);
    }
}

impl ZeroizeOnDrop for Wiped {}

/// The shared secret of an authenticator or of a message device: 16 to 64 bytes.
///
/// Wiped on drop; `Debug` shows only the length; comparison takes constant time.
///
/// ```
/// use keyfob::Secret;
///
/// let secret = Secret::from_base32("GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ")?;
/// assert_eq!(secret.expose(), b"12345678901234567890");
/// assert_eq!(format!("{secret:?}"), "Secret(20 bytes)");
/// # Ok::<(), keyfob::Error>(())
/// ```
#[derive(Clone)]
pub struct Secret(Wiped);

impl Secret {
    /// [`SECRET_MIN_SIZE`] as a record counts.
    #[expect(clippy::cast_possible_truncation, reason = "16")]
    pub(crate) const MIN_COUNT: u8 = SECRET_MIN_SIZE as u8;

    /// Takes 16 to 64 raw bytes.
    ///
    /// Errors: [`Error::SecretLength`].
    pub fn new(bytes: &[u8]) -> Result<Self, Error> {
        if (SECRET_MIN_SIZE..=SECRET_MAX_SIZE).contains(&bytes.len()) {
            Wiped::new(bytes).map(Self).ok_or(Error::SecretLength)
        } else {
            Err(Error::SecretLength)
        }
    }

    /// Takes 10 to 64 raw bytes: shorter ones than RFC 4226 asks for (section 4, R6), for tokens
    /// that were made with them. Of 80 bits a guess of the secret itself is still out of reach;
    /// draw no such secret.
    ///
    /// Errors: [`Error::SecretLength`].
    pub fn new_allowing_short(bytes: &[u8]) -> Result<Self, Error> {
        if (SHORT_SECRET_MIN_SIZE..=SECRET_MAX_SIZE).contains(&bytes.len()) {
            Wiped::new(bytes).map(Self).ok_or(Error::SecretLength)
        } else {
            Err(Error::SecretLength)
        }
    }

    /// Takes an HMAC key of any length from 10 bytes on, as token files hold them. One of more than
    /// 64 bytes is hashed, as HMAC itself does with a key that is longer than a block (RFC 2104
    /// section 2), so its codes stay the same.
    ///
    /// Errors: [`Error::SecretLength`], also for 65 to 128 bytes with SHA-512, whose block has 128:
    /// HMAC takes them as they are, and a record has no room for them.
    pub fn from_hmac_key(key: &[u8], algorithm: Algorithm) -> Result<Self, Error> {
        match algorithm {
            _ if key.len() <= SECRET_MAX_SIZE => Self::new_allowing_short(key),
            Algorithm::Sha1 => Self::hashed::<sha1::Sha1>(key),
            Algorithm::Sha256 => Self::hashed::<sha2::Sha256>(key),
            Algorithm::Sha512 if key.len() <= 2 * SECRET_MAX_SIZE => Err(Error::SecretLength),
            Algorithm::Sha512 => Self::hashed::<sha2::Sha512>(key),
        }
    }

    fn hashed<H: Digest>(key: &[u8]) -> Result<Self, Error> {
        let mut hash = H::digest(key);
        let secret = Self::new(&hash);
        wipe(&mut hash);
        secret
    }

    /// Whether it has fewer than 16 bytes, and so fewer than 128 bits.
    pub const fn is_short(&self) -> bool {
        self.0.len < SECRET_MIN_SIZE
    }

    /// Whether the first `len` of `bytes` are a secret, and only zeros behind them.
    #[inline]
    pub(crate) fn is_padded(bytes: &[u8; SECRET_MAX_SIZE], len: u8) -> bool {
        usize::from(len) >= SHORT_SECRET_MIN_SIZE && Wiped::is_padded(bytes, len)
    }

    /// The first `len` of `bytes`, of which [`is_padded`](Self::is_padded) holds.
    #[inline]
    pub(crate) const fn from_padded(bytes: &[u8; SECRET_MAX_SIZE], len: u8) -> Self {
        Self(Wiped::from_padded(bytes, len))
    }

    /// Draws a secret of the size that suits `algorithm`: 20 bytes for SHA-1, 32 for SHA-256, 64
    /// for SHA-512 (RFC 6238 section 5.1 and appendix A).
    ///
    /// `rng` is any generator that is fit for secrets, by the traits of
    /// [`rand_core`](crate::rand_core) 0.10: that of the operating system is `getrandom::SysRng`
    /// (crate getrandom 0.4, feature `sys_rng`).
    ///
    /// ```
    /// use getrandom::SysRng;
    /// use keyfob::{Algorithm, Secret};
    ///
    /// let secret = Secret::random(Algorithm::Sha1, &mut SysRng)?;
    /// assert_eq!(secret.expose().len(), 20);
    /// # Ok::<(), keyfob::Error>(())
    /// ```
    ///
    /// Errors: [`Error::Randomness`] if the generator fails or gives only zeros.
    pub fn random<R: TryCryptoRng + ?Sized>(algorithm: Algorithm, rng: &mut R) -> Result<Self, Error> {
        let mut buffer = Zeroizing::new([0; SECRET_MAX_SIZE]);
        let bytes = buffer.get_mut(..algorithm.secret_len()).ok_or(Error::SecretLength)?;
        rng.try_fill_bytes(bytes).map_err(|_| Error::Randomness)?;
        // All bytes are looked at: a search for the first that is not zero would take longer for
        // some secrets.
        if bytes.iter().fold(0, |all, byte| all | byte).ct_eq(&0).into() {
            return Err(Error::Randomness);
        }
        Self::new(bytes)
    }

    /// Reads Base32 (RFC 4648 section 6) as people type it: either case, blanks and hyphens between
    /// groups, with or without `=` at the end. Bits left over in the last character are ignored, as
    /// authenticators do.
    ///
    /// Errors: [`Error::SecretBase32`], [`Error::SecretLength`].
    pub fn from_base32(text: &str) -> Result<Self, Error> {
        Self::read_base32(text, Self::new)
    }

    /// As [`from_base32`](Self::from_base32), of a secret that may be short:
    /// [`new_allowing_short`](Self::new_allowing_short).
    ///
    /// Errors: [`Error::SecretBase32`], [`Error::SecretLength`].
    pub fn from_base32_allowing_short(text: &str) -> Result<Self, Error> {
        Self::read_base32(text, Self::new_allowing_short)
    }

    fn read_base32(text: &str, make: MakeSecret) -> Result<Self, Error> {
        let mut symbols = Zeroizing::new([0; 104]);
        let len = gather(text.trim_end().trim_end_matches('='), &mut *symbols)?;
        let symbols = symbols.get_mut(..len).ok_or(Error::SecretLength)?;
        symbols.make_ascii_uppercase();
        clear_spare_bits(symbols);
        decode(&BASE32_NOPAD, symbols, Error::SecretBase32, make)
    }

    /// Reads hexadecimal, either case, blanks and hyphens between groups.
    ///
    /// Errors: [`Error::SecretHex`], [`Error::SecretLength`].
    pub fn from_hex(text: &str) -> Result<Self, Error> {
        Self::read_hex(text, Self::new)
    }

    /// As [`from_hex`](Self::from_hex), of a secret that may be short:
    /// [`new_allowing_short`](Self::new_allowing_short).
    ///
    /// Errors: [`Error::SecretHex`], [`Error::SecretLength`].
    pub fn from_hex_allowing_short(text: &str) -> Result<Self, Error> {
        Self::read_hex(text, Self::new_allowing_short)
    }

    fn read_hex(text: &str, make: MakeSecret) -> Result<Self, Error> {
        let mut symbols = Zeroizing::new([0; 2 * SECRET_MAX_SIZE]);
        let len = gather(text, &mut *symbols)?;
        decode(&HEXLOWER_PERMISSIVE, symbols.get(..len).unwrap_or(&[]), Error::SecretHex, make)
    }

    /// Writes the secret as Base32, upper case, without padding, into `buffer` and returns the
    /// text: 26 to 103 bytes.
    ///
    /// The caller wipes the buffer. Errors: [`Error::BufferTooSmall`].
    pub fn write_base32<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b str, Error> {
        encode(&BASE32_NOPAD, self.expose(), buffer)
    }

    /// Writes the secret as lower-case hexadecimal into `buffer` and returns the text: 32 to 128
    /// bytes.
    ///
    /// The caller wipes the buffer. Errors: [`Error::BufferTooSmall`].
    pub fn write_hex<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b str, Error> {
        encode(&HEXLOWER_PERMISSIVE, self.expose(), buffer)
    }

    /// The secret as Base32, wiped on drop.
    #[cfg(feature = "alloc")]
    pub fn to_base32(&self) -> Zeroizing<alloc::string::String> {
        let mut buffer = Zeroizing::new([0; 104]);
        Zeroizing::new(self.write_base32(&mut *buffer).unwrap_or_default().into())
    }

    /// The secret as lower-case hexadecimal, wiped on drop.
    #[cfg(feature = "alloc")]
    pub fn to_hex(&self) -> Zeroizing<alloc::string::String> {
        let mut buffer = Zeroizing::new([0; 2 * SECRET_MAX_SIZE]);
        Zeroizing::new(self.write_hex(&mut *buffer).unwrap_or_default().into())
    }

    /// The raw bytes. Never log them.
    pub fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }

    pub(crate) fn padded(&self) -> &[u8; SECRET_MAX_SIZE] {
        self.0.padded()
    }

    pub(crate) const fn wiped(&self) -> &Wiped {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len)
    }
}

impl ZeroizeOnDrop for Secret {}

impl ConstantTimeEq for Secret {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.ct_eq(other).into()
    }
}

impl Eq for Secret {}

/// Makes a secret of raw bytes, by the rule on its length.
type MakeSecret = fn(&[u8]) -> Result<Secret, Error>;

/// Copies `text` without blanks and hyphens into `symbols` and returns how many there are.
fn gather(text: &str, symbols: &mut [u8]) -> Result<usize, Error> {
    let mut len = 0;
    for byte in text.bytes().filter(|byte| !matches!(byte, b' ' | b'-' | b'\t' | b'\r' | b'\n')) {
        *symbols.get_mut(len).ok_or(Error::SecretLength)? = byte;
        len = len.saturating_add(1);
    }
    Ok(len)
}

/// Clears the bits of the last Base32 symbol that lie behind the last whole byte.
fn clear_spare_bits(symbols: &mut [u8]) {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let spare = match symbols.len() % 8 {
        2 => 2,
        4 => 4,
        5 => 1,
        7 => 3,
        _ => 0,
    };
    if let Some(last) = symbols.last_mut()
        && let Some(value) = ALPHABET.iter().position(|symbol| symbol == last)
        && let Some(&cleared) = ALPHABET.get(value >> spare << spare)
    {
        *last = cleared;
    }
}

fn decode(encoding: &data_encoding::Encoding, symbols: &[u8], error: Error, make: MakeSecret) -> Result<Secret, Error> {
    let len = encoding.decode_len(symbols.len()).map_err(|_| error)?;
    let mut buffer = Zeroizing::new([0; 80]);
    let bytes = buffer.get_mut(..len).ok_or(Error::SecretLength)?;
    encoding.decode_mut(symbols, bytes).map_err(|_| error)?;
    make(bytes)
}

fn encode<'b>(encoding: &data_encoding::Encoding, bytes: &[u8], buffer: &'b mut [u8]) -> Result<&'b str, Error> {
    let text = buffer.get_mut(..encoding.encode_len(bytes.len())).ok_or(Error::BufferTooSmall)?;
    Ok(encoding.encode_mut_str(bytes, text))
}
