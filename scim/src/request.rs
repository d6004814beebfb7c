//! A request, as a host passes it in.

use std::borrow::Cow;
use std::fmt;

use crate::method::Method;
use crate::roles::Roles;
use crate::routes::Route;

/// A request, as far as SCIM goes: transport and authentication are the host's.
#[derive(Clone)]
pub struct Request<'r> {
    /// The method.
    pub method: Method,
    /// What the path addresses.
    pub route: Route,
    /// The query: what follows the question mark of the URL, as it was sent.
    pub query: &'r str,
    /// The header `Content-Type`, if there is one.
    pub content_type: Option<&'r str>,
    /// The header `Content-Encoding`, if there is one (RFC 9110 section 8.4). A compressed body is
    /// refused.
    pub content_encoding: Option<&'r str>,
    /// The header `If-Match`, if there is one (RFC 9110 section 13.1.1).
    pub if_match: Option<&'r str>,
    /// The header `If-None-Match`, if there is one (RFC 9110 section 13.1.2).
    pub if_none_match: Option<&'r str>,
    /// The body.
    pub body: &'r [u8],
    /// The URL of the service's base, for the locations of resources.
    pub base_url: Cow<'r, str>,
    /// The name of the account that sent the request, for the audit trail.
    pub actor: Cow<'r, str>,
    /// What that account may do.
    pub roles: Roles,
    /// The time, in Unix seconds.
    pub now: u64,
}

impl<'r> Request<'r> {
    /// A request without a body, from an account without a name and roles. `path` is the path below
    /// the service's base, as it was sent. `now` is the time, in Unix seconds.
    pub fn new(method: Method, path: &str, now: u64) -> Self {
        Self {
            method,
            route: Route::from_path(path),
            query: "",
            content_type: None,
            content_encoding: None,
            if_match: None,
            if_none_match: None,
            body: &[],
            base_url: Cow::Borrowed(""),
            actor: Cow::Borrowed(""),
            roles: Roles::NONE,
            now,
        }
    }

    /// Sets the roles.
    #[must_use]
    pub fn with_roles(self, roles: Roles) -> Self {
        Self { roles, ..self }
    }

    /// Sets the query.
    #[must_use]
    pub fn with_query(self, query: &'r str) -> Self {
        Self { query, ..self }
    }

    /// Sets the body, which is JSON.
    #[must_use]
    pub fn with_json(self, body: &'r [u8]) -> Self {
        Self { content_type: Some("application/json"), body, ..self }
    }
}

// The body may hold a PIN or a code.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("route", &self.route)
            .field("query", &self.query)
            .field("actor", &self.actor)
            .field("roles", &self.roles)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}
