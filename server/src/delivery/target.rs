//! The parts of a gateway's URL.

use std::net::IpAddr;

use hyper::http::uri::{Authority, PathAndQuery};

use super::template::{Encoding, Template};

/// A parsed URL with placeholders in path and query.
pub(crate) struct Target {
    /// Whether it is https.
    pub(crate) is_encrypted: bool,
    /// For the header `Host`.
    pub(crate) authority: Authority,
    /// Without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    path: Template,
}

impl Target {
    /// Errors: what is wrong, without the URL, which may hold a password.
    pub(crate) fn parse(url: &str) -> Result<Self, String> {
        let (is_encrypted, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err("must begin with https:// or http://".to_owned()),
        };
        let (authority, path) = rest.find(['/', '?', '#']).and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, ""));
        if authority.contains('$') {
            return Err("must have no placeholder in its host: a user's attribute would choose where codes go".to_owned());
        }
        if authority.contains('@') {
            return Err("must have no user name and password; set headers.Authorization, or the token of a receiver".to_owned());
        }
        let authority: Authority = authority.parse().map_err(|_| "has a malformed host".to_owned())?;
        let port = authority.port_u16();
        if port.is_none() && authority.as_str() != authority.host() {
            return Err("has a malformed port".to_owned());
        }
        // A fragment is never sent: a # would cut off the rest.
        if path.contains('#') || !path.chars().all(|c| c.is_ascii_graphic()) {
            return Err("must have no # and only ASCII without spaces; write others percent-encoded".to_owned());
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        let path = Template::parse(&[slash, path].concat())?;
        let host = without_brackets(authority.host()).to_owned();
        let target = Self { is_encrypted, host, port: port.unwrap_or(if is_encrypted { 443 } else { 80 }), authority, path };
        target.path(|_| Ok("0"))?;
        Ok(target)
    }

    /// The path and query of one request.
    ///
    /// Errors: no value, or one that leads to another path.
    pub(crate) fn path<'v>(&self, value: impl Fn(&str) -> Result<&'v str, String>) -> Result<PathAndQuery, String> {
        let text = self.path.render(Encoding::Percent, value)?;
        // Servers undo any escape of a dot.
        let path = text.split('?').next().unwrap_or_default();
        if path.split('/').any(|segment| segment == "." || segment == "..") {
            return Err("the path has a segment . or ..".to_owned());
        }
        text.parse().map_err(|_| "the path or query is malformed".to_owned())
    }

    /// Errors: it is plain http to another machine, and that is not allowed.
    pub(crate) fn check_cleartext(&self, is_allowed: bool) -> Result<(), String> {
        if self.is_encrypted || is_allowed || is_loopback(&self.host) {
            return Ok(());
        }
        Err("is plain http to another machine: use https, or set allow_cleartext = true on a network that you trust".to_owned())
    }

    /// Whether it has the code.
    pub(super) fn has_code(&self) -> bool {
        self.path.has_code()
    }
}

/// A host without the brackets of an IPv6 address.
pub(super) fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// Whether a host is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
