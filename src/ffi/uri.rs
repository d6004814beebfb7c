//! otpauth URIs.

use core::ffi::c_char;
use core::fmt::{self, Write};

use zeroize::{Zeroize, Zeroizing};

use super::guard::guard;
use super::memory::{Buffer, Out, utf8};
use super::record::{device, keyfob_record, out};
use super::result::keyfob_result;
use super::size::{KEYFOB_LABEL_SIZE, KEYFOB_URI_SIZE};
use crate::{Error, Uri, UriText};

/// Writes the otpauth:// URI that enrols an authenticator for the TOTP or HOTP device in `record`,
/// and a NUL, to `text`. `issuer` (may be NULL or empty) and `account` are UTF-8 without colons and
/// control characters; all is percent-encoded. Up to 200 bytes of each always fit into
/// KEYFOB_URI_SIZE; a URI that would be larger than that is KEYFOB_RESULT_URI_LABEL, whatever
/// `text_size`. The length without the NUL goes to `length`, which may be NULL. The URI holds the
/// secret: the caller wipes `text`. Thread-safe.
///
/// Results: NULL_POINTER, LENGTH, BUFFER_TOO_SMALL, the record's, WRONG_KIND, URI_LABEL, URI_T0.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_uri_write(
    record: *const keyfob_record,
    issuer: *const c_char,
    account: *const c_char,
    text: *mut c_char,
    text_size: usize,
    length: *mut usize,
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller keeps to the header.
        unsafe {
            let device = device(record)?;
            let issuer = if issuer.is_null() { "" } else { utf8(issuer, keyfob_result::URI_LABEL)? };
            let uri = device.uri(issuer, utf8(account, keyfob_result::URI_LABEL)?)?;
            if uri.len() >= KEYFOB_URI_SIZE {
                return Err(keyfob_result::URI_LABEL);
            }
            let mut buffer = Wiped([0; KEYFOB_URI_SIZE]);
            let made = uri.write(&mut buffer.0)?;
            Buffer::for_text(text, text_size, made)?.write_text(made);
            if !length.is_null() {
                Out::new(length)?.write(made.len());
            }
        }
        Ok(())
    })
}

/// Reads an otpauth:// URI and enrols the device that it describes at time `now`, in Unix seconds.
/// Unknown parameters are ignored, as are blanks and line ends around the URI. Issuer and account
/// are written decoded, each with a NUL, to `issuer` and `account`; either may be NULL if it is not
/// wanted. They may be empty or hold colons, which keyfob_uri_write refuses. KEYFOB_LABEL_SIZE
/// bytes suffice for each; one that is longer is KEYFOB_RESULT_URI_LABEL if it is wanted.
/// Thread-safe.
///
/// Results: NULL_POINTER, LENGTH, BUFFER_TOO_SMALL, SECRET_LENGTH, SECRET_BASE32, ALGORITHM,
/// DIGITS, PERIOD, URI_TYPE, URI_LABEL, URI_ENCODING, URI_NO_SECRET, URI_COUNTER, URI_REPEATED.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_uri_parse(
    text: *const c_char,
    now: u64,
    record: *mut keyfob_record,
    issuer: *mut c_char,
    issuer_size: usize,
    account: *mut c_char,
    account_size: usize,
) -> keyfob_result {
    // SAFETY: the caller keeps to the header.
    unsafe { parse(|text| Uri::parse(text), text, now, record, [(issuer, issuer_size), (account, account_size)]) }
}

/// As keyfob_uri_parse, of a secret that may have 10 to 15 bytes, for tokens that were made with
/// one. Thread-safe.
///
/// Results: NULL_POINTER, LENGTH, BUFFER_TOO_SMALL, SECRET_LENGTH, SECRET_BASE32, ALGORITHM,
/// DIGITS, PERIOD, URI_TYPE, URI_LABEL, URI_ENCODING, URI_NO_SECRET, URI_COUNTER, URI_REPEATED.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn keyfob_uri_parse_allowing_short(
    text: *const c_char,
    now: u64,
    record: *mut keyfob_record,
    issuer: *mut c_char,
    issuer_size: usize,
    account: *mut c_char,
    account_size: usize,
) -> keyfob_result {
    // SAFETY: the caller keeps to the header.
    unsafe { parse(|text| Uri::parse_allowing_short(text), text, now, record, [(issuer, issuer_size), (account, account_size)]) }
}

unsafe fn parse(
    read: fn(&str) -> Result<Uri<'_>, Error>,
    text: *const c_char,
    now: u64,
    record: *mut keyfob_record,
    [(issuer, issuer_size), (account, account_size)]: [(*mut c_char, usize); 2],
) -> keyfob_result {
    guard(|| {
        // SAFETY: the caller's promise is passed on.
        unsafe {
            let out = out(record)?;
            let uri = read(utf8(text, keyfob_result::URI_ENCODING)?)?;
            let issuer = Label::wanted(uri.issuer(), issuer, issuer_size)?;
            let account = Label::wanted(uri.account(), account, account_size)?;
            for (label, buffer) in [issuer, account].into_iter().flatten() {
                buffer.write_text(label.as_str());
            }
            out.write(uri.to_device(now).to_record().as_bytes());
        }
        Ok(())
    })
}

struct Wiped([u8; KEYFOB_URI_SIZE]);

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}

/// A decoded part of a label.
struct Label(Zeroizing<[u8; KEYFOB_LABEL_SIZE]>, usize);

impl Label {
    /// The text, and where it goes; none if it is not wanted.
    fn wanted(text: UriText<'_>, to: *mut c_char, size: usize) -> Result<Option<(Self, Buffer)>, keyfob_result> {
        if to.is_null() {
            return Ok(None);
        }
        let mut label = Self(Zeroizing::new([0; KEYFOB_LABEL_SIZE]), 0);
        write!(label, "{text}").map_err(|_| keyfob_result::URI_LABEL)?;
        let buffer = Buffer::for_text(to, size, label.as_str())?;
        Ok(Some((label, buffer)))
    }

    fn as_str(&self) -> &str {
        self.0.get(..self.1).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

impl Write for Label {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.1.saturating_add(text.len());
        // Its NUL, too, must have room.
        if end >= KEYFOB_LABEL_SIZE {
            return Err(fmt::Error);
        }
        self.0.get_mut(self.1..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.1 = end;
        Ok(())
    }
}
