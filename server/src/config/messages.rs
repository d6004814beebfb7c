//! The section `messages`: the limits on messages.

use std::collections::BTreeMap;
use std::sync::Arc;

use keyfob_scim::{MessageLimits, Prefixes};

use super::reader::TableReader;
use crate::phone::PhoneNumbers;

/// Reads the section: the limits, and the country of national numbers.
pub(super) fn read(table: &mut TableReader) -> (MessageLimits, Option<String>) {
    let mut limits = MessageLimits {
        per_device_per_day: table.take_or("per_device_per_day", || 0),
        per_number_per_day: table.take_or("per_number_per_day", || 0),
        per_address_per_day: table.take_or("per_address_per_day", || 0),
        ..MessageLimits::default()
    };
    for (key, is_allowed) in [("allowed_prefixes", true), ("refused_prefixes", false)] {
        for prefix in table.take::<Vec<String>>(key).unwrap_or_default() {
            insert(table, key, &mut limits.prefixes, &prefix, is_allowed);
        }
    }
    for (prefix, messages) in table.take::<BTreeMap<String, u32>>("budgets").unwrap_or_default() {
        if messages == 0 {
            table.reject("budgets", "a budget must be 1 or more messages an hour; refuse a prefix by messages.refused_prefixes");
        }
        insert(table, "budgets", &mut limits.budgets, &prefix, messages);
    }
    let region = table.take::<String>("region");
    let numbers = region.as_deref().map(PhoneNumbers::for_region);
    if matches!(numbers, Some(None)) {
        table.reject("region", "must be the two letters of a country, as ES; ISO 3166-1 lists them");
    }
    let needs_numbers = limits.per_number_per_day > 0 || !limits.prefixes.is_empty() || !limits.budgets.is_empty();
    if needs_numbers || region.is_some() {
        limits.numbering = Some(Arc::new(numbers.flatten().unwrap_or_default()));
    }
    (limits, region)
}

fn insert<T>(table: &mut TableReader, key: &str, prefixes: &mut Prefixes<T>, prefix: &str, value: T) {
    if let Err(error) = prefixes.insert(prefix, value) {
        table.reject(key, &format!("{prefix:?}: {error}"));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{Config, catalog};

    fn problems(lines: &str) -> Vec<String> {
        let read = Config::read(&format!("[messages]\n{lines}\n"), std::iter::empty(), &[]);
        read.err().unwrap_or_default().into_iter().map(|problem| problem.key).collect()
    }

    #[test]
    fn every_key_of_the_limits_is_named_by_its_problem() {
        let mut tested = BTreeSet::new();
        for (lines, key) in [
            ("per_device_per_day = -1", "messages.per_device_per_day"),
            ("per_number_per_day = 'few'", "messages.per_number_per_day"),
            ("per_address_per_day = 4294967296", "messages.per_address_per_day"),
            ("region = 'Spain'", "messages.region"),
            ("region = 'XX'", "messages.region"),
            ("region = 34", "messages.region"),
            ("allowed_prefixes = '+34'", "messages.allowed_prefixes"),
            ("allowed_prefixes = ['34']", "messages.allowed_prefixes"),
            ("refused_prefixes = ['0034']", "messages.refused_prefixes"),
            ("allowed_prefixes = ['+34']\nrefused_prefixes = ['+34']", "messages.refused_prefixes"),
            ("budgets = { '34' = 5 }", "messages.budgets"),
            ("budgets = { '+34' = 0 }", "messages.budgets"),
            ("budgets = ['+34']", "messages.budgets"),
        ] {
            assert_eq!(problems(lines), [key], "{lines}");
            tested.insert(key);
        }
        assert_eq!(tested, catalog::keys().map(|key| key.path).filter(|path| path.starts_with("messages.")).collect());
    }

    #[test]
    fn numbers_are_read_only_where_a_limit_needs_them() {
        let read = |lines: &str| {
            let config = Config::read(&format!("[messages]\n{lines}\n"), std::iter::empty(), &[]).unwrap();
            config.settings.message_limits
        };
        for lines in ["", "per_device_per_day = 5", "per_address_per_day = 5", "budgets = {}", "allowed_prefixes = []"] {
            assert!(read(lines).numbering.is_none(), "{lines}");
        }
        for lines in ["per_number_per_day = 5", "region = 'ES'", "budgets = { '+' = 5 }", "refused_prefixes = ['+882']"] {
            assert!(read(lines).numbering.is_some(), "{lines}");
        }
        let limits = read("allowed_prefixes = ['+34', '+351']\nrefused_prefixes = ['+34803']\nbudgets = { '+' = 10, '+34' = 500 }");
        assert!(limits.prefixes.iter().eq([("+34", &true), ("+34803", &false), ("+351", &true)]));
        assert!(limits.budgets.iter().eq([("+", &10), ("+34", &500)]));
    }
}
