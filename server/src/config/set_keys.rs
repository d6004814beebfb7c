//! The keys that a configuration sets, for people to look at: without secrets.

use std::fmt;

use toml::{Table, Value};

use super::catalog::keys;
use super::key::ConfigKey;
use super::names::sections;
use super::{Problem, merge};
use crate::database::{Location, Options};

/// What stands in the place of a secret.
const HIDDEN: &str = "***";

/// The keys that the file, the environment and the flags set, in TOML. Their values may be wrong.
pub(crate) struct SetKeys(Table);

impl SetKeys {
    /// Merges the sources. Errors: the file is not TOML, or has unknown keys.
    pub(crate) fn merge(
        file: &str,
        environment: impl Iterator<Item = (String, String)>,
        flags: &[(String, String)],
    ) -> Result<Self, Vec<Problem>> {
        let merged = merge(file, environment, flags).map_err(|problem| vec![problem])?;
        if merged.problems.is_empty() { Ok(Self(merged.table)) } else { Err(merged.problems) }
    }

    /// The tables of a section, each under its head: one, or those of a list.
    fn tables(&self, section: &str) -> Vec<(String, &Table)> {
        match self.0.get(section) {
            Some(Value::Table(table)) if table.is_empty() => Vec::new(),
            Some(Value::Table(table)) => vec![(format!("[{section}]"), table)],
            Some(Value::Array(values)) => {
                values.iter().filter_map(|value| Some((format!("[[{section}]]"), value.as_table()?))).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Writes the keys of a table that are set, in the order of the catalog. `section` is empty for the
/// keys that have none.
fn write(f: &mut fmt::Formatter<'_>, section: &str, table: &Table) -> fmt::Result {
    for key in keys() {
        let (of, name) = key.path.split_once('.').unwrap_or(("", key.path));
        if let Some(value) = table.get(name).filter(|_| of == section) {
            writeln!(f, "{name} = {}", shown(key, value))?;
        }
    }
    Ok(())
}

impl fmt::Display for SetKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("# What file, environment and flags set. All other keys have their defaults.\n")?;
        write(f, "", &self.0)?;
        let mut sections: Vec<_> = sections().collect();
        sections.dedup();
        for section in sections {
            for (head, table) in self.tables(section) {
                writeln!(f, "\n{head}")?;
                write(f, section, table)?;
            }
        }
        Ok(())
    }
}

/// The value as TOML writes it, without a secret.
fn shown(key: &ConfigKey, value: &Value) -> String {
    let shown = match value {
        _ if key.is_hidden => None,
        Value::String(url) if key.path == "store" => without_password(url).map(Value::String),
        // Numbers are no secrets, as those of budgets.
        Value::Table(table) if !table.values().all(Value::is_integer) => None,
        _ if may_be_secret(value) => None,
        _ => Some(value.clone()),
    };
    shown.unwrap_or_else(|| HIDDEN.into()).to_string()
}

/// Whether a value has a user and password in a URL, or a key in the place of its file.
fn may_be_secret(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\n') || (text.contains("://") && text.contains('@')),
        Value::Array(values) => values.iter().any(may_be_secret),
        _ => false,
    }
}

/// The URL of a store without its password; none for a text that is no such URL.
fn without_password(url: &str) -> Option<String> {
    let (_, query) = url.split_once('?').unwrap_or((url, ""));
    let base = Location::parse(url.split('?').next()?, &Options::default()).ok()?.to_string();
    let query: Vec<_> = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("password=")).collect();
    Some(if query.is_empty() { base } else { format!("{base}?{}", query.join("&")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "not a secret, but a test";

    #[test]
    fn set_keys_are_shown_by_precedence_and_without_secrets() {
        let file = format!(
            "listen = '127.0.0.1:1'\nstore = 'postgres://keyfob:not%20a%20secret@db1/keyfob'\nadmin_password = '{SECRET}'\n\
             sealing_keys = '{SECRET}'\npolicy.window = 2\ndatabase.password = '{SECRET}'\n\
             [email]\nserver = 'mail.example.com'\npassword = '{SECRET}'\n\
             [sms]\nurl = 'https://sms.example.com/?key={SECRET}'\nbody = '{SECRET}'\nheaders = {{ Authorization = '{SECRET}' }}\n\
             [users.alice]\nnote = '{SECRET}'\n"
        );
        let environment = [("KEYFOB_LISTEN".to_owned(), "127.0.0.1:2".to_owned())];
        let flags = [("otp.digits".to_owned(), "8".to_owned())];
        let set = SetKeys::merge(&file, environment.into_iter(), &flags).map_err(|problems| format!("{problems:?}")).unwrap();
        assert_eq!(
            set.to_string(),
            "# What file, environment and flags set. All other keys have their defaults.\n\
             listen = \"127.0.0.1:2\"\nstore = \"postgres://keyfob@db1:5432/keyfob\"\nsealing_keys = \"***\"\nadmin_password = \"***\"\n\
             users = \"***\"\n\n[database]\npassword = \"***\"\n\n[otp]\ndigits = 8\n\n[policy]\nwindow = 2\n\n\
             [email]\nserver = \"mail.example.com\"\npassword = \"***\"\n\n[sms]\nurl = \"***\"\nheaders = \"***\"\nbody = \"***\"\n"
        );
    }

    #[test]
    fn each_table_of_a_list_is_shown() {
        let file = format!(
            "[[sms]]\nurl = '{SECRET}'\n[[sms]]\n[[sms]]\ntimeout = 5\nheaders = {{ A = '{SECRET}' }}\n[tls]\n[voice]\nname = 'x'\n"
        );
        let set = SetKeys::merge(&file, std::iter::empty(), &[]).map_err(|problems| format!("{problems:?}")).unwrap().to_string();
        let wanted = "\n\n[[sms]]\nurl = \"***\"\n\n[[sms]]\n\n[[sms]]\nheaders = \"***\"\ntimeout = 5\n\n[voice]\nname = \"x\"\n";
        assert!(set.ends_with(wanted), "{set}");
    }

    #[test]
    fn secrets_in_wrong_places_are_not_shown() {
        for (file, shown) in [
            ("store = 'postgres://u:pw@h/d?sslmode=disable&password=pw'", "store = \"postgres://u@h:5432/d?sslmode=disable\""),
            ("store = 'postgres://u:pw@h/d?sslkey=/no/such/file'", "store = \"postgres://u@h:5432/d?sslkey=/no/such/file\""),
            ("store = 'postgres:u:pw@h/d'", "store = \"***\""),
            ("store = ['postgres://u:pw@h/d']", "store = \"***\""),
            ("store = { url = 'postgres://u:pw@h/d' }", "store = \"***\""),
            ("public_url = 'https://u:pw@h'", "public_url = \"***\""),
            ("email = { server = 'smtp://u:pw@h' }", "server = \"***\""),
            ("tls = { key_file = \"a\\npw\" }", "key_file = \"***\""),
        ] {
            let set =
                SetKeys::merge(file, std::iter::empty(), &[]).map_err(|problems| format!("{problems:?}")).unwrap().to_string();
            assert!(set.ends_with(&format!("{shown}\n")), "{file}: {set}");
        }
    }

    #[test]
    fn unknown_keys_are_named_and_not_shown() {
        let problems = SetKeys::merge("lisetn = 1", std::iter::empty(), &[]).err().unwrap();
        assert!(problems[0].to_string().contains("did you mean listen?"), "{problems:?}");
    }
}
