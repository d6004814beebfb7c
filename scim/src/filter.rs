//! Filters (RFC 7644 section 3.4.2.2), and the devices that they match.

use crate::attribute::Attribute;
use crate::entry::Row;

/// An operator of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Equal.
    Eq,
    /// Not equal, or missing.
    Ne,
    /// Equal, ignoring the case of ASCII letters.
    EqCi,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater. Text is compared by its bytes.
    Gt,
    /// Greater or equal.
    Ge,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
}

impl Op {
    pub(crate) const NAMES: [(&'static str, Self); 10] = [
        ("eq", Self::Eq),
        ("ne", Self::Ne),
        ("eq_ci", Self::EqCi),
        ("co", Self::Co),
        ("sw", Self::Sw),
        ("ew", Self::Ew),
        ("gt", Self::Gt),
        ("ge", Self::Ge),
        ("lt", Self::Lt),
        ("le", Self::Le),
    ];

    pub(crate) fn text(self, value: &str, wanted: &str) -> bool {
        match self {
            Self::EqCi => value.eq_ignore_ascii_case(wanted),
            Self::Co => value.contains(wanted),
            Self::Sw => value.starts_with(wanted),
            Self::Ew => value.ends_with(wanted),
            _ => self.ordered(value, wanted),
        }
    }

    fn ordered<T: Ord + ?Sized>(self, value: &T, wanted: &T) -> bool {
        match self {
            Self::Eq | Self::EqCi => value == wanted,
            Self::Ne => value != wanted,
            Self::Gt => value > wanted,
            Self::Ge => value >= wanted,
            Self::Lt => value < wanted,
            Self::Le => value <= wanted,
            Self::Co | Self::Sw | Self::Ew => false,
        }
    }
}

/// A filter that was parsed and checked: text is compared with text, and numbers and times with
/// integers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Matches if all of them match. An empty list matches every device.
    And(Vec<Filter>),
    /// Matches if any of them matches. An empty list matches no device.
    Or(Vec<Filter>),
    /// Matches if the inner filter does not.
    Not(Box<Filter>),
    /// Matches a device that has the attribute.
    Present(Attribute),
    /// Compares an attribute of type text. A device without it matches [`Op::Ne`] and no other
    /// operator.
    Text(Attribute, Op, String),
    /// Compares an attribute of type number, or time in Unix seconds, in the same way. The operator
    /// is never `Co`, `Sw` or `Ew`.
    Number(Attribute, Op, i64),
    /// Matches if the user or the name contains this text, ignoring the case of ASCII letters.
    UserOrNameContains(String),
}

impl Filter {
    /// Matches every device.
    pub const ALL: Self = Self::And(Vec::new());

    pub(crate) fn constant(holds: bool) -> Self {
        if holds { Self::And(Vec::new()) } else { Self::Or(Vec::new()) }
    }

    /// Whether the device matches.
    pub fn matches(&self, row: &Row) -> bool {
        match self {
            Self::And(filters) => filters.iter().all(|filter| filter.matches(row)),
            Self::Or(filters) => filters.iter().any(|filter| filter.matches(row)),
            Self::Not(filter) => !filter.matches(row),
            Self::Present(attribute) => {
                attribute.is_always_present() || row.text(*attribute).is_some() || row.number(*attribute).is_some()
            }
            Self::Text(attribute, op, wanted) => row.text(*attribute).map_or(*op == Op::Ne, |value| op.text(&value, wanted)),
            Self::Number(attribute, op, wanted) => row.number(*attribute).map_or(*op == Op::Ne, |value| op.ordered(&value, wanted)),
            Self::UserOrNameContains(wanted) => {
                let wanted = wanted.to_ascii_lowercase();
                [&row.user, &row.name].into_iter().any(|value| value.to_ascii_lowercase().contains(&wanted))
            }
        }
    }
}
