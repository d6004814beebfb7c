//! Read-only attributes that clients send back as they have read them.

use crate::attribute::{Attribute, SCHEMA, ValueType};
use crate::date;
use crate::entry::Entry;
use crate::json::Value;

/// Whether this is the value of a read-only attribute, in the form of either profile. Only the end
/// of a URL counts, since the service may be reached by several addresses.
pub(crate) fn is_same(attribute: Attribute, value: &Value, entry: &Entry) -> bool {
    let row = &entry.row;
    let is_text = |wanted: &str| value.as_str().is_some_and(|text| text.eq_ignore_ascii_case(wanted));
    let is_url = |value: &Value, end: &str| value.as_str().is_some_and(|url| url.ends_with(&format!("/OtpDevice/{}{end}", row.id)));
    let left = || entry.device.recovery_codes_left().map(i64::from);
    match (attribute, attribute.value_type()) {
        (Attribute::RecoveryCodesLeft, _) => left() == value.as_integer() && (left().is_some() || value.is_null()),
        _ if value.is_null() => !attribute.is_always_present() && row.text(attribute).is_none() && row.number(attribute).is_none(),
        (Attribute::Schemas, _) => {
            let is_schema = |value: &Value| value.as_str().is_some_and(|name| name.eq_ignore_ascii_case(SCHEMA));
            !value.items().is_empty() && value.items().iter().all(is_schema)
        }
        (Attribute::Meta, _) => {
            let part = |name: &str| Attribute::parse(&format!("{}.{name}", Attribute::Meta.name()));
            let is_part = |(name, value): (&str, &Value)| part(name).is_some_and(|attribute| is_same(attribute, value, entry));
            value.as_object().is_some_and(|parts| parts.iter().all(is_part))
        }
        (Attribute::Location, _) => is_url(value, ""),
        (Attribute::Links, _) => {
            let is_link = |(name, value): (&str, &Value)| {
                ["requestChallenge", "responseChallenge"].contains(&name) && is_url(value, &format!("/{name}"))
            };
            value.as_object().is_some_and(|links| links.iter().all(is_link))
        }
        (_, ValueType::Constant(text)) => is_text(text),
        (_, ValueType::Text) => row.text(attribute).is_some_and(|text| value.as_str() == Some(&text)),
        (_, ValueType::Number) => row.number(attribute).is_some_and(|number| value.as_integer() == Some(number)),
        (_, ValueType::Time) => {
            let time = value.as_str().and_then(date::parse_exact);
            time.is_some() && time == row.number(attribute).map(|seconds| (seconds, 0))
        }
        (_, ValueType::Opaque) => false,
    }
}
