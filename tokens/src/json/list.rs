//! Lists of `otpauth://` URIs: an array of texts, or of objects that hold one.

use serde_json::Value;

use crate::json::{Entries, text};
use crate::{ErrorKind, uri};

const MEMBERS: [&str; 4] = ["uri", "url", "otpauth", "totp"];

pub(crate) fn read(value: &Value) -> Option<Result<Entries, ErrorKind>> {
    let entries = value.as_array()?;
    (entries.is_empty() || entries.iter().any(|entry| find(entry).is_some())).then(|| Ok(entries.iter().map(entry).collect()))
}

fn find(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| MEMBERS.iter().find_map(|name| text(value, name)))
}

fn entry(value: &Value) -> (Option<String>, Result<crate::Token, ErrorKind>) {
    let name = text(value, "name").or_else(|| text(value, "title")).map(str::to_owned);
    (name, find(value).ok_or(ErrorKind::Missing("the URI")).and_then(uri::read))
}
