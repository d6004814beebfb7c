//! The configuration as a file: every key, with its default or an example.

use std::fmt;

use toml::Value;

use super::catalog::keys;
use super::key::{ConfigKey, Form};
use super::reader::parse_value;

/// What the file says before its first key.
const HEAD: &str = "\
# The configuration of keyfob serve, in TOML.
#
# A line that begins with # and a key shows the default, or an example where it says so. Remove
# the # to set the key. The environment overrides this file, and flags override both: the key
# policy.window is KEYFOB_POLICY_WINDOW, and --set policy.window=2.
#
# keyfob serve --config FILE --check names each fault of a file.
";

/// The last column of a comment.
const LAST_COLUMN: usize = 96;

/// An example of a file with every key. All keys are comments, so it configures nothing.
pub(crate) struct Example;

impl fmt::Display for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        let mut last = "";
        for key in keys() {
            let (section, name) = key.path.split_once('.').unwrap_or(("", key.path));
            if section != last && !section.is_empty() {
                writeln!(f)?;
                if key.is_settable() {
                    writeln!(f, "[{section}]")?;
                } else {
                    // A channel with a section is configured, and needs its other keys.
                    let several = if section == "receiver" { "receivers" } else { "servers" };
                    let order = if section == "receiver" { "" } else { ", in the order of use" };
                    write_comment(f, &format!("For several {several} write [[{section}]] once for each{order}."))?;
                    writeln!(f, "#[{section}]")?;
                }
                last = section;
            }
            let note = if key.default.is_none() { " No default: this is an example." } else { "" };
            writeln!(f)?;
            write_comment(f, &format!("{} ({}).{note}", capitalized(key.meaning), key.unit))?;
            match key.form {
                // A section of its own, since a line alone would belong to the section before it.
                Form::Table if section.is_empty() => {
                    let lines = key.example.strip_prefix("{ ").and_then(|rest| rest.strip_suffix(" }"));
                    writeln!(f, "#[{name}]\n#{}", lines.unwrap_or_default())?;
                }
                _ => writeln!(f, "#{name} = {}", literal(key))?,
            }
        }
        Ok(())
    }
}

/// Writes a comment, in lines that end before the last column.
fn write_comment(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("#")?;
    let mut columns = 1_usize;
    for word in text.split(' ') {
        let wanted = word.chars().count().saturating_add(1);
        if columns.saturating_add(wanted) > LAST_COLUMN {
            f.write_str("\n#")?;
            columns = 1;
        }
        write!(f, " {word}")?;
        columns = columns.saturating_add(wanted);
    }
    writeln!(f)
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// The default or the example as TOML writes it.
fn literal(key: &ConfigKey) -> String {
    let is_text = match key.form {
        Form::Text => true,
        Form::Value | Form::Table => false,
        Form::File => matches!(parse_value(key.example), Value::String(_)),
    };
    if is_text { format!("\"{}\"", key.example) } else { key.example.to_owned() }
}

#[cfg(test)]
mod tests {
    use toml::Table;

    use super::*;
    use crate::config::Config;

    /// Removes the comment sign of each line that a test wants.
    fn uncomment(wanted: impl Fn(&str) -> bool) -> String {
        let is_key = |line: &str| line.starts_with('#') && !line.starts_with("# ") && line != "#";
        let text = Example.to_string();
        let lines = text.lines().map(|line| if is_key(line) && wanted(line) { line.trim_start_matches('#') } else { line });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn read(file: &str) -> String {
        format!("{:?}", Config::read(file, std::iter::empty(), &[]).unwrap_or_else(|problems| panic!("{problems:?}")))
    }

    #[test]
    fn example_has_every_key_once_and_no_other() {
        let table: Table = uncomment(|_| true).parse().unwrap();
        let mut found: Vec<String> = Vec::new();
        for (name, value) in table {
            match value {
                Value::Table(inner) if name != "users" => found.extend(inner.keys().map(|key| format!("{name}.{key}"))),
                _ => found.push(name),
            }
        }
        let mut wanted: Vec<_> = keys().map(|key| key.path.to_owned()).collect();
        found.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(found, wanted);
    }

    #[test]
    fn example_configures_nothing() {
        assert_eq!(read(&Example.to_string()), read(""));
    }

    #[test]
    fn keys_of_the_example_are_valid_together() {
        // A throttle needs bounds that are not the defaults, and a password is in one place.
        let excluded = ["#throttle_", "#password_file", "#token_file"];
        let text = uncomment(|line| !excluded.iter().any(|start| line.starts_with(start)));
        assert!(read(&text).contains("smtp.example.com"));
    }
}
