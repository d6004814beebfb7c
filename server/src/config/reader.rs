//! The keys of a TOML table, taken out one by one: what is wrong or left over is told with its
//! path.

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::problem::Problem;

/// Of a key that the catalog lacks.
const UNKNOWN: &str = "is no key of the configuration; keyfob config lists them all";

/// The value of a text that TOML would write without quotes: a number, boolean or list; else the
/// text itself.
pub(crate) fn value(text: &str) -> Value {
    let value = format!("value = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    match value {
        Some(value @ (Value::Integer(_) | Value::Boolean(_) | Value::Array(_) | Value::Float(_))) => value,
        _ => Value::String(text.to_owned()),
    }
}

/// Sets what a path names.
pub(crate) fn set(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((section, key)) => {
            let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(section) = section {
                section.insert(key.to_owned(), value);
            }
        }
    }
}

/// A table whose keys are taken out.
pub(crate) struct Reader {
    path: String,
    table: Table,
    pub(crate) problems: Vec<Problem>,
}

impl Reader {
    pub(crate) fn new(table: Table) -> Self {
        Self { path: String::new(), table, problems: Vec::new() }
    }

    /// Tells a fault of a key, or of the table itself.
    pub(crate) fn fault(&mut self, key: &str, message: &str) {
        let path = [self.path.as_str(), key].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
        self.problems.push(Problem { key: path, message: message.to_owned() });
    }

    /// Tells what the engine refuses, of this key.
    pub(crate) fn refused(&mut self, key: &str, error: keyfob::Error) {
        let message = error.message();
        self.fault(key, message.split_once(": ").map_or(message, |(_, message)| message));
    }

    /// Takes a key out; none if it is not there, or wrong.
    pub(crate) fn take<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        let value = self.table.remove(key)?;
        match value.try_into() {
            Ok(value) => Some(value),
            Err(error) => {
                let (place, message) = told(key, &error);
                self.fault(&format!("{key}{place}"), &message);
                None
            }
        }
    }

    /// Takes a key out, or the default.
    pub(crate) fn or<T: DeserializeOwned>(&mut self, key: &str, default: impl FnOnce() -> T) -> T {
        self.take(key).unwrap_or_else(default)
    }

    /// Takes out one of a few names.
    pub(crate) fn choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let text: String = self.take(key)?;
        let found = choices.iter().find(|(name, _)| *name == text);
        if found.is_none() {
            let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
            self.fault(key, &format!("must be {}", names.join(" or ")));
        }
        found.map(|(_, choice)| *choice)
    }

    /// Reads a table within this one; none if it is not there.
    pub(crate) fn section<T>(&mut self, key: &str, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let table = self.take(key)?;
        let mut section = Self { path: key.to_owned(), table, problems: Vec::new() };
        let value = read(&mut section);
        section.leftovers();
        self.problems.append(&mut section.problems);
        Some(value)
    }

    fn leftovers(&mut self) {
        let left: Vec<String> = self.table.keys().cloned().collect();
        for key in left {
            self.fault(&key, UNKNOWN);
        }
    }

    /// All faults, a key that is left among them.
    pub(crate) fn finish(mut self) -> Vec<Problem> {
        self.leftovers();
        self.problems
    }
}

/// Where within a value something is wrong, as the rest of a path, and what: without the value
/// itself, which may be a password.
fn told(key: &str, error: &toml::de::Error) -> (String, String) {
    let shown = error.to_string();
    let message = error.message().trim();
    let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
    let place = unknown.or_else(|| shown.lines().find_map(|line| line.strip_prefix("in `")?.strip_suffix('`')));
    let message = match message.split_once(", expected ") {
        _ if unknown.is_some() => UNKNOWN.to_owned(),
        Some((fault, choices)) if fault.starts_with("unknown variant ") => {
            format!("must be {}", choices.replace('`', ""))
        }
        Some((fault, wanted)) if fault.starts_with("invalid ") => format!("must be {}", in_words(key, wanted)),
        _ if message == "invalid socket address syntax" => format!("must be {}", in_words(key, "socket address")),
        _ => message.to_owned(),
    };
    (place.map(|place| format!(".{place}")).unwrap_or_default(), message)
}

/// What is wanted, which serde names by types of Rust, in words.
fn in_words<'w>(key: &str, wanted: &'w str) -> &'w str {
    match wanted {
        "a sequence" if key == "allowed_origins" => r#"a list, as ["https://portal.example.com"]"#,
        "a sequence" if key == "kinds" => r#"a list, as ["TOTP", "SMS"]"#,
        "a sequence" => r#"a list, as ["one", "two"]"#,
        "a boolean" => "true or false",
        "u8" => "a number from 0 to 255",
        "u16" => "a number from 0 to 65535",
        "u32" => "a number from 0 to 4294967295",
        "u64" | "usize" => "a whole number, 0 or more",
        "f64" => "a number, as 10 or 0.5",
        "a string" => r#"text in quotes, as "text""#,
        "path string" => r#"the name of a file in quotes, as "file.pem""#,
        "socket address" => "an address and a port, as 127.0.0.1:8080",
        "a map" => "a table: names, each with its value",
        other if other.starts_with("struct ") => "a table: names, each with its value",
        other => other,
    }
}
