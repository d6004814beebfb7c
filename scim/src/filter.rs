//! Filters (RFC 7644 section 3.4.2.2): what they are, and what they match.

use crate::attribute::Attribute;
use crate::entry::Row;

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Equal.
    Eq,
    /// Not equal, or not there.
    Ne,
    /// Equal but for the case of ASCII letters.
    EqCi,
    /// Contains.
    Co,
    /// Starts with.
    Sw,
    /// Ends with.
    Ew,
    /// Greater; of text, later in the order of its bytes.
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

/// A filter that was parsed and checked: text is compared with text, numbers and times with
/// integers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// All of them hold; true if there are none.
    And(Vec<Filter>),
    /// Any of them holds; false if there are none.
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// The attribute is there.
    Present(Attribute),
    /// A comparison of an attribute of class text. What is not there is unequal to everything, and
    /// else compares as false.
    Text(Attribute, Op, String),
    /// A comparison of an attribute of class number, or time in Unix seconds, likewise. Never
    /// contains, starts or ends with.
    Number(Attribute, Op, i64),
    /// User or name contain this, in any case of ASCII letters.
    UserOrNameContains(String),
}

impl Filter {
    /// True of every device.
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
