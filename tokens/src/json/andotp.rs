//! andOTP: an array of objects.

use serde_json::Value;

use crate::ErrorKind;
use crate::json::{Entries, Entry, base32, get, text};

pub(crate) fn read(value: &Value) -> Option<Result<Entries, ErrorKind>> {
    let entries = value.as_array()?;
    let is_andotp = |entry: &Value| entry.get("secret").is_some() && entry.get("label").is_some();
    entries.iter().any(is_andotp).then(|| Ok(entries.iter().map(entry).collect()))
}

fn entry(value: &Value) -> (Option<String>, Result<crate::Token, ErrorKind>) {
    // Before it knew issuers, label was "issuer - account".
    let label = text(value, "label");
    let issuer = text(value, "issuer");
    let split = label.filter(|_| issuer.is_none()).and_then(|label| label.split_once(" - "));
    let entry = Entry {
        kind: text(value, "type"),
        algorithm: text(value, "algorithm"),
        digits: get(value, "digits"),
        period: get(value, "period"),
        counter: get(value, "counter"),
        issuer: split.map(|(issuer, _)| issuer).or(issuer),
        account: split.map(|(_, account)| account).or(label),
    };
    (label.map(str::to_owned), entry.token(base32(value, "secret")))
}
