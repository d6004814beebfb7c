//! The order of a list, and the position of a device in it.

use std::cmp::Ordering;

use crate::attribute::Attribute;
use crate::entry::Row;

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// An attribute with values of type text, number or time. Devices without it come last, or
    /// first if `descending`.
    pub by: Attribute,
    /// From the highest value to the lowest.
    pub descending: bool,
}

/// The value that a device is sorted by: text in the order of its bytes, or a number or time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortKey {
    /// The value of an attribute of type [`Text`](crate::ValueType::Text).
    Text(String),
    /// The value of an attribute of type [`Number`](crate::ValueType::Number) or
    /// [`Time`](crate::ValueType::Time).
    Number(i64),
}

/// The position of a device in an order. It stays valid if the device changes or is deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortPosition {
    /// The value that the device is sorted by; none if it has none.
    pub key: Option<SortKey>,
    /// The id of the device, which orders devices of the same value.
    pub id: i64,
}

impl Sort {
    /// The position of a device in this order.
    pub fn position(&self, row: &Row) -> SortPosition {
        let text = || row.text(self.by).map(|text| SortKey::Text(text.into_owned()));
        SortPosition { key: row.number(self.by).map(SortKey::Number).or_else(text), id: row.id }
    }

    /// Compares two positions in this order: by value, none last, then by id. `descending` reverses
    /// the values and not the ids.
    pub fn compare(&self, one: &SortPosition, other: &SortPosition) -> Ordering {
        self.compare_keys(one, other).then(one.id.cmp(&other.id))
    }

    pub(crate) fn compare_keys(self, one: &SortPosition, other: &SortPosition) -> Ordering {
        let order = (one.key.is_none(), &one.key).cmp(&(other.key.is_none(), &other.key));
        if self.descending { order.reverse() } else { order }
    }
}
