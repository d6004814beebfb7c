//! What a host hands in.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use percent_encoding::percent_decode_str;

use crate::Error;

/// The HTTP methods that mean something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "their names say all")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
}

impl FromStr for Method {
    type Err = Error;

    /// Reads the method of a request line. Errors: 405.
    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "GET" => Ok(Self::Get),
            "HEAD" => Ok(Self::Head),
            "POST" => Ok(Self::Post),
            "PUT" => Ok(Self::Put),
            "PATCH" => Ok(Self::Patch),
            "DELETE" => Ok(Self::Delete),
            _ => Err(Error::new(405, "method: must be GET, HEAD, POST, PUT, PATCH or DELETE")),
        }
    }
}

/// What an account may do: a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles(u8);

impl Roles {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Read and search devices.
    pub const QUERY: Self = Self(1);
    /// Create and change devices.
    pub const MANAGE: Self = Self(2);
    /// Disable and delete devices.
    pub const CANCEL: Self = Self(4);
    /// Open locked devices.
    pub const UNLOCK: Self = Self(8);
    /// Request challenges and verify answers.
    pub const VERIFY: Self = Self(16);
    /// Everything.
    pub const ALL: Self = Self(31);

    const NAMES: [(&'static str, Self); 5] = [
        ("query", Self::QUERY),
        ("manage", Self::MANAGE),
        ("cancel", Self::CANCEL),
        ("unlock", Self::UNLOCK),
        ("verify", Self::VERIFY),
    ];

    /// Both sets together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in it.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The names of its roles.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(_, role)| self.has(*role)).map(|(name, _)| name)
    }

    pub(crate) fn require(self, role: Self) -> Result<(), Error> {
        if self.has(role) {
            return Ok(());
        }
        let names: Vec<_> = role.names().collect();
        Err(Error::new(403, format!("this account lacks the role {}", names.join(" and "))))
    }

    /// For what several roles let one do: the operation itself tells which of them it needs.
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

    /// Reads names with commas between them; `all` is all of them.
    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',').map(str::trim).try_fold(Self::NONE, |roles, name| match name {
            "all" => Ok(Self::ALL),
            _ => Self::NAMES
                .into_iter()
                .find(|(known, _)| *known == name)
                .map(|(_, role)| roles.and(role))
                .ok_or_else(|| format!("role {name:?}: must be query, manage, cancel, unlock, verify or all")),
        })
    }
}

/// A request, as far as SCIM goes: transport and authentication are the host's.
#[derive(Clone)]
pub struct Request<'r> {
    /// The method.
    pub method: Method,
    /// The path below the service's base, as it was sent: `/OtpDevice/60`.
    pub path: &'r str,
    /// What follows the question mark, as it was sent.
    pub query: &'r str,
    /// The media type of the body, if it was given.
    pub content_type: Option<&'r str>,
    /// How the body is encoded, if that was said (RFC 9110 section 8.4): what is not as it is, is
    /// not read.
    pub content_encoding: Option<&'r str>,
    /// The field `If-Match`, if it was given (RFC 9110 section 13.1.1).
    pub if_match: Option<&'r str>,
    /// The field `If-None-Match`, if it was given (RFC 9110 section 13.1.2).
    pub if_none_match: Option<&'r str>,
    /// The body.
    pub body: &'r [u8],
    /// The URL of the service's base, for locations.
    pub base: Cow<'r, str>,
    /// The account that asks, for the audit trail.
    pub actor: Cow<'r, str>,
    /// What it may do.
    pub roles: Roles,
    /// The time, in Unix seconds.
    pub now: u64,
}

impl<'r> Request<'r> {
    /// A request without a body, of nobody, who may do nothing.
    pub const fn new(method: Method, path: &'r str, now: u64) -> Self {
        Self {
            method,
            path,
            query: "",
            content_type: None,
            content_encoding: None,
            if_match: None,
            if_none_match: None,
            body: &[],
            base: Cow::Borrowed(""),
            actor: Cow::Borrowed(""),
            roles: Roles::NONE,
            now,
        }
    }

    /// With these roles.
    #[must_use]
    pub fn with_roles(self, roles: Roles) -> Self {
        Self { roles, ..self }
    }

    /// With this query.
    #[must_use]
    pub fn with_query(self, query: &'r str) -> Self {
        Self { query, ..self }
    }

    /// The answer to who asks for a state of what is there, if it is another: nothing here has an
    /// entity tag, so there is no state but any.
    pub(crate) fn unmet(&self) -> Option<Unmet> {
        let is_any = |tags: &str| tags.split(',').any(|tag| tag.trim() == "*");
        if self.if_match.is_some_and(|tags| !is_any(tags)) {
            return Some(Unmet::Failed);
        }
        let is_read = matches!(self.method, Method::Get | Method::Head);
        self.if_none_match.is_some_and(is_any).then_some(if is_read { Unmet::NotModified } else { Unmet::Failed })
    }

    /// With this body.
    #[must_use]
    pub fn with_json(self, body: &'r [u8]) -> Self {
        Self { content_type: Some("application/json"), body, ..self }
    }
}

/// How a condition on what is there is not met (RFC 9110 section 13.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unmet {
    /// 412.
    Failed,
    /// 304.
    NotModified,
}

// The body may hold a PIN or a code.
impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("query", &self.query)
            .field("actor", &self.actor)
            .field("roles", &self.roles)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// Decodes what a URL holds. Errors: 400 where a percent sign is not followed by two hexadecimal
/// digits, or for what is not UTF-8.
pub(crate) fn decode(text: &str) -> Result<Cow<'_, str>, Error> {
    let encoded = |rest: &str| rest.as_bytes().first_chunk::<2>().is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit));
    if !text.split('%').skip(1).all(encoded) {
        return Err(Error::syntax("URL: has a percent sign without two hexadecimal digits behind it"));
    }
    percent_decode_str(text).decode_utf8().map_err(|_| Error::syntax("URL: is not UTF-8"))
}

/// The parameters that operations know.
const PARAMETERS: [&str; 10] =
    ["filter", "textFilter", "sortBy", "sortOrder", "startIndex", "cursor", "count", "attributes", "excludedAttributes", "channel"];

/// The parameters of a query that operations know; others are passed over. Lists that stand there
/// twice are joined.
///
/// Errors: 400 for a bad encoding, or the same parameter twice.
pub(crate) fn parameters(query: &str) -> Result<BTreeMap<String, String>, Error> {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let [name, value] = [name, value].map(|text| decode(&text.replace('+', " ")).map(Cow::into_owned));
        let (name, value) = (name?, value?);
        match parameters.get_mut(&name) {
            Some(list) if ["attributes", "excludedAttributes"].contains(&name.as_str()) => {
                list.push(',');
                list.push_str(&value);
            }
            Some(_) => return Err(Error::syntax(format!("URL: the parameter {name} stands there twice"))),
            None if PARAMETERS.contains(&name.as_str()) => drop(parameters.insert(name, value)),
            None => {}
        }
    }
    Ok(parameters)
}
