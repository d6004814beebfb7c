//! The order of a list, and where a device stands in it.

use std::cmp::Ordering;

use crate::{Attribute, Query, Row};

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// An attribute of class text, number or time. Devices without it come last; descending, first.
    pub by: Attribute,
    /// From the highest to the lowest.
    pub descending: bool,
}

/// The value that a device is sorted by: text in the order of its bytes, or a number or time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// Of an attribute of class [`Text`](crate::Class::Text).
    Text(String),
    /// Of an attribute of class [`Number`](crate::Class::Number) or [`Time`](crate::Class::Time).
    Number(i64),
}

/// Where a device stands in an order. The position stays where it is if the device changes or goes
/// away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The value that it is sorted by; none if it has none.
    pub key: Option<Key>,
    /// Its number, by which those with the same value stand.
    pub id: i64,
}

impl Sort {
    /// Where a device stands in this order.
    pub fn position(&self, row: &Row) -> Position {
        let text = || row.text(self.by).map(|text| Key::Text(text.into_owned()));
        Position { key: row.number(self.by).map(Key::Number).or_else(text), id: row.id }
    }

    /// Which of two positions in this order is first: by the value, none last, then by id;
    /// descending, all but the id turned round.
    pub fn compare(&self, one: &Position, other: &Position) -> Ordering {
        self.compare_keys(one, other).then(one.id.cmp(&other.id))
    }

    fn compare_keys(self, one: &Position, other: &Position) -> Ordering {
        let order = (one.key.is_none(), &one.key).cmp(&(other.key.is_none(), &other.key));
        if self.descending { order.reverse() } else { order }
    }
}

impl Query {
    /// Which of two devices is first in the order that is asked for.
    pub fn compare(&self, one: &Row, other: &Row) -> Ordering {
        let orders = self.then_by.iter().map(|&by| Sort { by, ..self.sort });
        std::iter::once(self.sort)
            .chain(orders)
            .map(|sort| sort.compare_keys(&sort.position(one), &sort.position(other)))
            .fold(Ordering::Equal, Ordering::then)
            .then(one.id.cmp(&other.id))
    }
}
