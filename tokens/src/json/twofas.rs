//! 2FAS: `{"services", "schemaVersion"}`.

use serde_json::Value;

use crate::ErrorKind;
use crate::json::{Entries, Entry, base32, get, text};

/// The newest schema whose members are known.
const MAX_SCHEMA: u64 = 4;

pub(crate) fn read(value: &Value) -> Option<Result<Entries, ErrorKind>> {
    let services = value.get("services")?.as_array()?;
    let schema = value.get("schemaVersion").and_then(Value::as_u64)?;
    if get(value, "servicesEncrypted").is_some() {
        return Some(Err(ErrorKind::EncryptedBackup("2FAS")));
    }
    if schema > MAX_SCHEMA {
        return Some(Err(ErrorKind::Version(schema.to_string())));
    }
    Some(Ok(services.iter().map(entry).collect()))
}

fn entry(value: &Value) -> (Option<String>, Result<crate::Token, ErrorKind>) {
    let none = Value::Null;
    let name = text(value, "name");
    let otp = get(value, "otp").unwrap_or(&none);
    let entry = Entry {
        kind: text(otp, "tokenType"),
        algorithm: text(otp, "algorithm"),
        digits: get(otp, "digits"),
        period: get(otp, "period"),
        counter: get(otp, "counter"),
        issuer: text(otp, "issuer").filter(|issuer| !issuer.is_empty()).or(name),
        account: text(otp, "account").filter(|account| !account.is_empty()).or_else(|| text(otp, "label")),
    };
    (name.map(str::to_owned), entry.token(base32(value, "secret")))
}
