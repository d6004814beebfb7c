//! Reads the keys of a TOML table one by one. Each wrong or unknown key becomes a problem with its
//! path.

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::delivery::Section;
use crate::problem::Problem;

/// The message for a key that is not in the catalog.
const UNKNOWN_KEY: &str = "is no key of the configuration; keyfob config lists them all";

/// The value of a text: a number, a boolean or a list as TOML writes it; else the text itself.
pub(crate) fn parse_value(text: &str) -> Value {
    let value = format!("value = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    match value {
        Some(value @ (Value::Integer(_) | Value::Boolean(_) | Value::Array(_) | Value::Float(_))) => value,
        _ => Value::String(text.to_owned()),
    }
}

/// The path of a table of a list, whose places count from 1.
pub(crate) fn path_in_list(key: &str, place: usize) -> String {
    format!("{key}[{place}]")
}

/// Sets the key of a path.
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

/// A table. Reading a key takes it out.
pub(crate) struct TableReader {
    path: String,
    table: Table,
    pub(crate) problems: Vec<Problem>,
}

impl TableReader {
    pub(crate) fn new(table: Table) -> Self {
        Self { path: String::new(), table, problems: Vec::new() }
    }

    /// Adds a problem of a key, or of the table itself for an empty key.
    pub(crate) fn reject(&mut self, key: &str, message: &str) {
        let path = [self.path.as_str(), key].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
        self.problems.push(Problem { key: path, message: message.to_owned() });
    }

    /// Adds an error of the engine as a problem of this key.
    pub(crate) fn reject_by_engine(&mut self, key: &str, error: keyfob::Error) {
        let message = error.message();
        self.reject(key, message.split_once(": ").map_or(message, |(_, message)| message));
    }

    /// The value of a key; none if it is missing or wrong.
    pub(crate) fn take<T: DeserializeOwned>(&mut self, key: &str) -> Option<T> {
        let value = self.table.remove(key)?;
        self.convert(key, value)
    }

    /// The value of a path, as its type; none if it is wrong.
    fn convert<T: DeserializeOwned>(&mut self, key: &str, value: Value) -> Option<T> {
        match value.try_into() {
            Ok(value) => Some(value),
            Err(error) => {
                let (place, message) = describe(key, &error);
                self.reject(&format!("{key}{place}"), &message);
                None
            }
        }
    }

    /// The value of a key, or the default.
    pub(crate) fn take_or<T: DeserializeOwned>(&mut self, key: &str, default: impl FnOnce() -> T) -> T {
        self.take(key).unwrap_or_else(default)
    }

    /// The choice that a key names; none if it is missing or wrong.
    pub(crate) fn take_choice<T: Copy>(&mut self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let text: String = self.take(key)?;
        let found = choices.iter().find(|(name, _)| *name == text);
        if found.is_none() {
            let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
            self.reject(key, &format!("must be {}", names.join(" or ")));
        }
        found.map(|(_, choice)| *choice)
    }

    /// Reads a table within this one; none if it is missing.
    pub(crate) fn read_section<T>(&mut self, key: &str, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        let table = self.take(key)?;
        let mut section = Self { path: key.to_owned(), table, problems: Vec::new() };
        let value = read(&mut section);
        section.reject_unread();
        self.problems.append(&mut section.problems);
        Some(value)
    }

    /// Reads a table, or each table of a list. Leaves out the wrong ones.
    pub(crate) fn take_sections<T: DeserializeOwned>(&mut self, key: &str) -> Vec<Section<T>> {
        let values = match self.table.remove(key) {
            None => Vec::new(),
            Some(Value::Array(values)) if values.is_empty() => {
                self.reject(key, "must not be an empty list; leave it out for none");
                Vec::new()
            }
            Some(Value::Array(values)) => {
                (1..).zip(values).map(|(place, value)| (path_in_list(key, place), place, value)).collect()
            }
            Some(value) => vec![(key.to_owned(), 1, value)],
        };
        let values = values.into_iter();
        values.filter_map(|(path, place, value)| Some(Section { settings: self.convert(&path, value)?, path, place })).collect()
    }

    fn reject_unread(&mut self) {
        let unread: Vec<String> = self.table.keys().cloned().collect();
        for key in unread {
            self.reject(&key, UNKNOWN_KEY);
        }
    }

    /// All problems, unread keys among them.
    pub(crate) fn finish(mut self) -> Vec<Problem> {
        self.reject_unread();
        self.problems
    }
}

/// Describes an error in a value: its place as the rest of a path, and what must stand there.
/// Leaves out the value, which may be a password.
fn describe(key: &str, error: &toml::de::Error) -> (String, String) {
    let shown = error.to_string();
    let message = error.message().trim();
    let unknown = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
    let place = unknown.or_else(|| shown.lines().find_map(|line| line.strip_prefix("in `")?.strip_suffix('`')));
    let message = match message.split_once(", expected ") {
        _ if unknown.is_some() => UNKNOWN_KEY.to_owned(),
        Some((problem, choices)) if problem.starts_with("unknown variant ") => {
            format!("must be {}", choices.replace('`', ""))
        }
        Some((problem, wanted)) if problem.starts_with("invalid ") => format!("must be {}", expected(key, wanted)),
        _ if message == "invalid socket address syntax" => format!("must be {}", expected(key, "socket address")),
        _ => message.to_owned(),
    };
    (place.map(|place| format!(".{place}")).unwrap_or_default(), message)
}

/// The expected value in words. serde names it by types of Rust.
fn expected<'w>(key: &str, wanted: &'w str) -> &'w str {
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
