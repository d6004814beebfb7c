//! Aegis: `{"version", "header", "db": {"entries"}}`.

use serde_json::Value;

use crate::ErrorKind;
use crate::json::{Entries, Entry, base32, get, text};

pub(crate) fn read(value: &Value) -> Option<Result<Entries, ErrorKind>> {
    let db = value.get("header").and(value.get("db"))?;
    if db.is_string() {
        return Some(Err(ErrorKind::EncryptedBackup("Aegis")));
    }
    let entries = db.get("entries")?.as_array()?;
    Some(match value.get("version").and_then(Value::as_u64) {
        Some(1) => Ok(entries.iter().map(entry).collect()),
        other => Err(ErrorKind::Version(other.map_or_else(String::new, |version| version.to_string()))),
    })
}

fn entry(value: &Value) -> (Option<String>, Result<crate::Token, ErrorKind>) {
    let name = text(value, "name");
    let Some(info) = get(value, "info") else {
        return (name.map(str::to_owned), Err(ErrorKind::Missing("the member info")));
    };
    let entry = Entry {
        kind: text(value, "type"),
        algorithm: text(info, "algo"),
        digits: get(info, "digits"),
        period: get(info, "period"),
        counter: get(info, "counter"),
        issuer: text(value, "issuer"),
        account: name,
    };
    (name.map(str::to_owned), entry.token(base32(info, "secret")))
}
