//! FreeOTP+: `{"tokens", "tokenOrder"}`, secrets as signed bytes.

use serde_json::Value;
use zeroize::Zeroizing;

use crate::json::{Entries, Entry, get, text};
use crate::{ErrorKind, RawSecret};

pub(crate) fn read(value: &Value) -> Option<Result<Entries, ErrorKind>> {
    let tokens = value.get("tokenOrder").and(value.get("tokens"))?.as_array()?;
    Some(Ok(tokens.iter().map(entry).collect()))
}

fn secret(value: &Value) -> Result<RawSecret, ErrorKind> {
    let bytes = get(value, "secret").and_then(Value::as_array).ok_or(ErrorKind::Missing("the secret"))?;
    let byte = |value: &Value| value.as_i64().and_then(|byte| i8::try_from(byte).ok()).map(i8::cast_unsigned);
    let mut secret = Zeroizing::new(Vec::with_capacity(bytes.len()));
    for value in bytes {
        secret.push(byte(value).ok_or(ErrorKind::Secret("a list of signed bytes"))?);
    }
    Ok(secret.into())
}

fn entry(value: &Value) -> (Option<String>, Result<crate::Token, ErrorKind>) {
    let label = text(value, "label");
    let issuer = text(value, "issuerExt").filter(|issuer| !issuer.is_empty()).or_else(|| text(value, "issuerInt"));
    let entry = Entry {
        kind: text(value, "type"),
        algorithm: text(value, "algo"),
        digits: get(value, "digits"),
        period: get(value, "period"),
        counter: get(value, "counter"),
        issuer,
        account: label,
    };
    (label.map(str::to_owned), entry.token(secret(value)))
}
