//! Parses the text of a secret, and recognizes what people give by mistake.

use keyfob::{Device, Error, Secret, Uri};
use keyfob_scim::code::{self, is_blank};
use zeroize::Zeroizing;

use crate::cli::output::note;
use crate::cli::result::Result;

/// Symbols of the shortest secret, which has 16 bytes. Two lines of this length may be two secrets.
const MIN_BASE32_SYMBOLS: usize = 26;
const MIN_HEX_SYMBOLS: usize = 32;

/// A parsed secret.
pub(crate) enum ParsedSecret<'t> {
    /// A secret without parameters.
    Bare(Secret),
    /// A secret with its parameters and its label.
    Uri(Uri<'t>),
}

/// Parses an otpauth URI or a bare secret, in Base32 or in hexadecimal. Skips byte order marks and
/// blanks of all kinds, and line endings within a bare secret. A secret of fewer than 128 bits is
/// refused unless it is allowed, and then noted.
///
/// Errors: a message that says what the text is instead, and what to do. It repeats no part of the
/// text.
pub(super) fn parse(bytes: &[u8], hex: bool, allow_short: bool) -> Result<ParsedSecret<'_>> {
    if let Some(what) = describe_foreign(bytes) {
        return Err(what.into());
    }
    let text = str::from_utf8(bytes).map_err(|_| "secret: is not text in UTF-8")?.trim_matches(is_blank);
    let lines = || text.lines().filter(|line| !line.trim_matches(is_blank).is_empty());
    if starts_with(text, "otpauth://") {
        let uris = text.as_bytes().windows(10).filter(|part| part.eq_ignore_ascii_case(b"otpauth://")).count();
        if uris > 1 {
            return Err(format!("secret: holds {uris} otpauth URIs; give one of them").into());
        }
        if lines().count() > 1 {
            return Err("secret: is an otpauth URI on several lines; write it on one line".into());
        }
        let uri = Uri::parse_allowing_short(text)?;
        if let Some(hotp) = uri.factor().generator() {
            check_length(hotp.secret(), allow_short)?;
        }
        return Ok(ParsedSecret::Uri(uri));
    }
    let shortest = if hex { MIN_HEX_SYMBOLS } else { MIN_BASE32_SYMBOLS };
    if lines().filter(|line| line.chars().filter(|char| !is_separator(*char)).count() >= shortest).count() > 1 {
        return Err("secret: has several lines that may each be a secret; give one secret, on one line".into());
    }
    let secret = bare(text, hex)?;
    check_length(&secret, allow_short)?;
    Ok(ParsedSecret::Bare(secret))
}

/// Errors: the secret is short, and that is not allowed.
fn check_length(secret: &Secret, allow_short: bool) -> Result<()> {
    if !secret.is_short() {
        return Ok(());
    }
    if !allow_short {
        let refusal = Error::SecretLength;
        return Err(format!("{refusal}; a token that was made with a shorter one needs --allow-short-secrets").into());
    }
    let bits = secret.expose().len().saturating_mul(8);
    note(&format!("the secret has {bits} bits; RFC 4226 asks for 128 or more"));
    Ok(())
}

/// Says what bytes are that are no secret, by their beginning, and what to do; none if they may be
/// one.
pub(super) fn describe_foreign(bytes: &[u8]) -> Option<&'static str> {
    foreign_bytes(bytes).or_else(|| {
        let text = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        foreign_text(text.trim_start_matches(is_blank))
    })
}

/// Says what bytes are that are not text.
fn foreign_bytes(bytes: &[u8]) -> Option<&'static str> {
    if Device::from_bytes(bytes).is_ok() {
        return Some("secret: is a state file; give it with --state FILE");
    }
    if bytes.starts_with(b"\x89PNG") || bytes.starts_with(b"\xff\xd8\xff") {
        return Some("secret: is an image; read its QR code with zbarimg -q --raw FILE, and give the otpauth URI that it prints");
    }
    if matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=255, ..] | [1..=255, 0, ..]) {
        return Some("secret: is text in UTF-16; save it as UTF-8");
    }
    None
}

/// Says what text is that begins neither like a secret nor like an otpauth URI.
fn foreign_text(text: &str) -> Option<&'static str> {
    if starts_with(text, "otpauth-migration:") {
        return Some(
            "secret: is an export of Google Authenticator (otpauth-migration:), which may hold several accounts; \
             keyfob import FILE reads it, with --state FILE for a state file",
        );
    }
    if text.starts_with('<') {
        return Some(if text.contains("KeyContainer") || text.contains("keyprov:pskc") {
            "secret: is a PSKC file (RFC 6030), which may hold several tokens; \
             keyfob import FILE reads it, with --state FILE for a state file"
        } else {
            "secret: is XML or HTML; give the Base32 secret or the otpauth URI alone"
        });
    }
    if text.starts_with(['{', '[']) {
        return Some(
            "secret: is JSON, as apps export accounts; make a state file of its account with keyfob import FILE --state NEW --write, and give \
             --state NEW, or the Base32 secret alone",
        );
    }
    let is_uri = text.split_once("://").is_some_and(|(scheme, _)| scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    (is_uri && !starts_with(text, "otpauth://"))
        .then_some("secret: is a URI of another kind; give the Base32 secret, or an otpauth://totp/ or otpauth://hotp/ URI")
}

fn bare(text: &str, hex: bool) -> Result<Secret> {
    let mut symbols = Zeroizing::new(String::with_capacity(text.len()));
    symbols.extend(text.chars().filter(|char| !is_separator(*char)));
    if symbols.is_empty() {
        return Err("secret: is empty; give it in Base32, or as an otpauth URI".into());
    }
    let digits = symbols.strip_prefix("0x").unwrap_or(&symbols);
    if hex {
        return Secret::from_hex_allowing_short(digits).map_err(|error| match error {
            Error::SecretHex if Secret::from_base32_allowing_short(&symbols).is_ok() => {
                format!("{error}; it is Base32: leave --hex out").into()
            }
            error => error.into(),
        });
    }
    let is_hex = digits.len() >= 16 && digits.len().is_multiple_of(2) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    match Secret::from_base32_allowing_short(&symbols) {
        Err(_) if is_hex => Err("secret: is hexadecimal; give --hex".into()),
        Ok(secret) if is_hex && secret.is_short() => Err("secret: is hexadecimal; give --hex".into()),
        Ok(secret) => {
            // Base32 of this length has only the letters A to F by chance.
            if is_hex && digits.len() >= MIN_HEX_SYMBOLS {
                note("the secret is read as Base32, and may be hexadecimal as well; if it is, give --hex");
            }
            Ok(secret)
        }
        Err(error) => Err(error.into()),
    }
}

fn starts_with(text: &str, start: &str) -> bool {
    text.get(..start.len()).is_some_and(|front| front.eq_ignore_ascii_case(start))
}

/// Whether a character may separate the groups of a bare secret.
fn is_separator(char: char) -> bool {
    code::is_separator(char) || char == ':'
}
