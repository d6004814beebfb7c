//! The account behind a request.

use keyfob_scim::Roles;

/// The account behind a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Its name.
    pub(crate) name: String,
    /// Its roles.
    pub(crate) roles: Roles,
}
