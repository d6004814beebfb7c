//! FIDO Credential Exchange Format 1.0: accounts of items of credentials, those of type `totp`.

use serde_json::Value;

use crate::ErrorKind;
use crate::json::{Entries, Entry, base32, get, text};

pub(crate) fn read(value: &Value) -> Option<Result<Entries, ErrorKind>> {
    let accounts = value.get("accounts")?.as_array()?;
    let version = value.get("version")?;
    let number = |name| version.get(name).and_then(Value::as_u64);
    if number("major") != Some(1) {
        let major = number("major").map_or_else(String::new, |major| major.to_string());
        return Some(Err(ErrorKind::Version(major)));
    }
    let mut entries = Entries::new();
    for item in accounts.iter().flat_map(|account| array(account, "items")) {
        let all = array(item, "credentials").filter(|credential| text(credential, "type") == Some("totp"));
        entries.extend(all.map(|credential| entry(item, credential)));
    }
    Some(Ok(entries))
}

fn array<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn entry(item: &Value, credential: &Value) -> (Option<String>, Result<crate::Token, ErrorKind>) {
    let title = text(item, "title");
    let entry = Entry {
        kind: None,
        algorithm: text(credential, "algorithm"),
        digits: get(credential, "digits"),
        period: get(credential, "period"),
        counter: None,
        issuer: text(credential, "issuer").or(title),
        account: text(credential, "username"),
    };
    (title.map(str::to_owned), entry.token(base32(credential, "secret")))
}
