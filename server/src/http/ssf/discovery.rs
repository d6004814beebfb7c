//! What receivers find out without an account: the metadata of the transmitter (SSF 1.0 section 7)
//! and its public keys (RFC 7517).

use keyfob_scim::{Error, Response};
use serde_json::json;

use super::response;
use crate::signals::Signals;

/// A receiver that fetches the keys anew for each unknown `kid` sees a new one at once. Others see
/// it after this time, which is short enough for a stolen key.
const CACHE_CONTROL: &str = "public, max-age=300";
/// The media type of the keys (RFC 7517 section 8.5.2).
const KEYS_TYPE: &str = "application/jwk-set+json";

/// The delivery of tokens by push (RFC 8935).
pub(super) const PUSH: &str = "urn:ietf:rfc:8935";
/// The delivery of tokens by poll (RFC 8936).
pub(super) const POLL: &str = "urn:ietf:rfc:8936";

/// The metadata of the transmitter.
pub(super) fn metadata(signals: &Signals) -> Result<Response, Error> {
    let base = &signals.rules.base_url;
    let metadata = json!({
        "spec_version": "1_0",
        "issuer": signals.rules.issuer,
        "jwks_uri": format!("{base}/.well-known/jwks.json"),
        "delivery_methods_supported": [PUSH, POLL],
        "configuration_endpoint": format!("{base}/ssf/streams"),
        "status_endpoint": format!("{base}/ssf/status"),
        "verification_endpoint": format!("{base}/ssf/verify"),
        // Bearer tokens, and HTTP Basic.
        "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:6750"}, {"spec_urn": "urn:ietf:rfc:7617"}],
        "default_subjects": "ALL",
    });
    Ok(response::json(&metadata)?.with_header("cache-control", CACHE_CONTROL.to_owned()))
}

/// The public keys.
pub(super) fn keys(signals: &Signals) -> Result<Response, Error> {
    let keys = response::json(&signals.signer.keys().jwks())?;
    Ok(keys.with_header("cache-control", CACHE_CONTROL.to_owned()).with_header("content-type", KEYS_TYPE.to_owned()))
}
