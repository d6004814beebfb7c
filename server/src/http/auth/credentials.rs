//! The credentials of the header `Authorization`: a name with its password, or a token.

use axum::http::{HeaderMap, header};
use data_encoding::BASE64;
use zeroize::Zeroizing;

/// Credentials. Different spellings of a header are equal.
pub(super) enum Credentials {
    /// HTTP Basic (RFC 7617): `name:password`, with a colon.
    Basic(Zeroizing<String>),
    /// A bearer token (RFC 6750).
    Bearer(Zeroizing<String>),
}

impl Credentials {
    /// Reads the header. Errors: what is wrong with it, for the client.
    pub(super) fn from_headers(headers: &HeaderMap) -> Result<Self, &'static str> {
        let header = headers.get(header::AUTHORIZATION).ok_or("an account is needed")?;
        let text = header.to_str().map_err(|_| "the header Authorization is not ASCII")?.trim();
        let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
        let rest = rest.trim();
        if scheme.eq_ignore_ascii_case("bearer") {
            Ok(Self::Bearer(Zeroizing::new(rest.to_owned())))
        } else if scheme.eq_ignore_ascii_case("basic") {
            decode_basic(rest)
                .map(Self::Basic)
                .ok_or("the header Authorization must have name:password in UTF-8 and Base64 after Basic")
        } else {
            Err("the header Authorization must be Basic or Bearer")
        }
    }
}

/// None for a malformed text. No account has a control character in its name, and not every
/// database accepts one.
fn decode_basic(encoded: &str) -> Option<Zeroizing<String>> {
    let bytes = Zeroizing::new(BASE64.decode(encoded.as_bytes()).ok()?);
    let text = str::from_utf8(&bytes).ok()?;
    let (name, _) = text.split_once(':')?;
    (!name.chars().any(char::is_control)).then(|| Zeroizing::new(text.to_owned()))
}
