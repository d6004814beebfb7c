//! The names of keys in tables, variables and flags: which key a name means, and which one a
//! mistyped name was meant to be.

use std::fmt::Write as _;

use toml::{Table, Value};

use super::catalog::keys;
use super::key::ConfigKey;
use super::reader::path_in_list;
use crate::problem::Problem;

/// Takes all unknown keys out of a table. Returns a problem for each.
pub(crate) fn take_unknown(table: &mut Table) -> Vec<Problem> {
    let mut problems = Vec::new();
    take_unknown_within(table, "", "", &mut problems);
    problems
}

/// `shown` is the section with its place in a list.
fn take_unknown_within(table: &mut Table, section: &str, shown: &str, problems: &mut Vec<Problem>) {
    table.retain(|name, value| {
        let within = |section: &str| if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") };
        let (path, shown) = (within(section), within(shown));
        if keys().any(|key| key.path == path) {
            return true;
        }
        let is_section = sections().any(|section| section == path);
        match value {
            Value::Table(inner) if is_section => take_unknown_within(inner, &path, &shown, problems),
            Value::Array(values) if is_section => {
                for (place, value) in (1..).zip(values) {
                    if let Value::Table(inner) = value {
                        take_unknown_within(inner, &path, &path_in_list(&path, place), problems);
                    }
                }
            }
            // The reader says that it must be a table.
            _ if is_section => {}
            Value::Table(_) => problems.push(Problem::new(&shown, &unknown(nearest(&path, sections())))),
            _ => problems.push(Problem::new(&shown, &unknown(nearest(&path, keys().map(|key| key.path))))),
        }
        is_section
    });
}

/// The sections of all keys; one with several keys comes once for each.
pub(super) fn sections() -> impl Iterator<Item = &'static str> {
    keys().filter_map(|key| key.path.split_once('.').map(|(section, _)| section))
}

/// The key that a flag sets, by its path.
pub(crate) fn find_by_flag(path: &str) -> Result<&'static ConfigKey, Problem> {
    let found = keys().find(|key| key.path == path);
    let Some(key) = found else {
        return Err(Problem::new(path, &unknown(nearest(path, keys().filter(|key| key.is_settable()).map(|key| key.path)))));
    };
    if key.is_settable() { Ok(key) } else { Err(Problem::new(path, "can be set in the configuration file only")) }
}

/// The key that a variable sets, by its whole name.
pub(crate) fn find_by_variable(name: &str) -> Result<&'static ConfigKey, Problem> {
    let is_it = |key: &&ConfigKey| key.variable().as_deref() == Some(name);
    keys().find(is_it).ok_or_else(|| {
        let path = name.strip_prefix("KEYFOB_").unwrap_or(name).to_lowercase();
        if let Some(key) = keys().find(|key| key.path.replace('.', "_") == path) {
            return Problem::new(name, &format!("{} can be set in the configuration file only", key.path));
        }
        let variables: Vec<String> = keys().filter_map(ConfigKey::variable).collect();
        Problem::new(name, &unknown(nearest(name, variables.iter().map(String::as_str))))
    })
}

fn unknown(nearest: Option<&str>) -> String {
    let mut text = "is no key of the configuration".to_owned();
    let _ = match nearest {
        Some(nearest) => write!(text, "; did you mean {nearest}?"),
        None => write!(text, "; keyfob config lists them all"),
    };
    text
}

/// The name that a mistyped one was meant to be: the nearest by letters that were added, left out,
/// changed or swapped, if it is near enough. Also compares the last part of a path alone.
pub(crate) fn nearest<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let name = name.to_lowercase();
    let distance = |known: &str| {
        let known = known.to_lowercase();
        let whole = strsim::damerau_levenshtein(&name, &known);
        let part = known.rsplit_once('.').filter(|_| !name.contains('.'));
        part.map_or(whole, |(_, last)| whole.min(strsim::damerau_levenshtein(&name, last)))
    };
    let (edits, found) = names.map(|known| (distance(known), known)).min_by_key(|(edits, _)| *edits)?;
    // At most a third of the letters, not counting the prefix of variables.
    let letters = name.strip_prefix("keyfob_").unwrap_or(&name).chars().count();
    (edits.saturating_mul(3) <= letters).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistyped_name_suggests_its_neighbour_and_a_strange_one_none() {
        let found = |name| nearest(name, keys().map(|key| key.path));
        for (name, wanted) in [
            ("policy.windw", Some("policy.window")),
            ("policy.look-ahead", Some("policy.look_ahead")),
            ("Policy.Window", Some("policy.window")),
            ("window", Some("policy.window")),
            ("lisetn", Some("listen")),
            ("email.form", Some("email.from")),
            ("tls.cert", None),
            ("colour", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(found(name), wanted, "{name}");
        }
    }
}
