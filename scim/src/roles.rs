//! What an account may do.

use std::str::FromStr;

use crate::error::Error;

/// What an account may do: a set of roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles(u8);

impl Roles {
    /// No role.
    pub const NONE: Self = Self(0);
    /// Read and search devices.
    pub const QUERY: Self = Self(1);
    /// Create and change devices.
    pub const MANAGE: Self = Self(2);
    /// Disable and delete devices.
    pub const CANCEL: Self = Self(4);
    /// Open locked devices.
    pub const UNLOCK: Self = Self(8);
    /// Request challenges and verify codes.
    pub const VERIFY: Self = Self(16);
    /// All roles.
    pub const ALL: Self = Self(31);

    const NAMES: [(&'static str, Self); 5] = [
        ("query", Self::QUERY),
        ("manage", Self::MANAGE),
        ("cancel", Self::CANCEL),
        ("unlock", Self::UNLOCK),
        ("verify", Self::VERIFY),
    ];

    /// The roles of either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the set has all roles of `other`.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The names of the roles, in the order of the constants.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(_, role)| self.contains(*role)).map(|(name, _)| name)
    }

    /// Errors: 403 without this role.
    pub(crate) fn require(self, role: Self) -> Result<(), Error> {
        if self.contains(role) {
            return Ok(());
        }
        let names: Vec<_> = role.names().collect();
        Err(Error::new(403, format!("this account lacks the role {}", names.join(" and "))))
    }

    /// For an operation that several roles allow in part: it checks itself which of them it needs.
    ///
    /// Errors: 403 without any of these roles.
    pub(crate) fn require_any(self, roles: Self) -> Result<(), Error> {
        if self.0 & roles.0 != 0 {
            return Ok(());
        }
        let names: Vec<_> = roles.names().collect();
        Err(Error::new(403, format!("this account has none of the roles {}", names.join(", "))))
    }
}

impl FromStr for Roles {
    type Err = String;

    /// Reads names separated by commas; `all` stands for all roles. Errors: a sentence for people
    /// that names the unknown role.
    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',').map(str::trim).try_fold(Self::NONE, |roles, name| match name {
            "all" => Ok(Self::ALL),
            _ => Self::NAMES
                .into_iter()
                .find(|(known, _)| *known == name)
                .map(|(_, role)| roles.union(role))
                .ok_or_else(|| format!("role {name:?}: must be query, manage, cancel, unlock, verify or all")),
        })
    }
}
