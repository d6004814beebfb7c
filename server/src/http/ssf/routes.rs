//! Routing: from the path of a request to what it addresses.

use keyfob_scim::{Error, Response};

/// What a path addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) enum Route {
    /// The metadata of the transmitter.
    Metadata,
    /// The public keys.
    Keys,
    Streams,
    Status,
    Verification,
    /// The poll of a receiver.
    Poll(String),
    /// Subjects to add or remove.
    Subjects,
}

impl Route {
    /// Reads a path. None if it addresses nothing of the framework. An issuer with a path has its
    /// metadata behind the address of the others, too (SSF 1.0 section 7.2).
    pub(super) fn from_path(path: &str, issuer: &str) -> Option<Self> {
        if let Some(rest) = path.strip_prefix("/.well-known/ssf-configuration") {
            return (rest.is_empty() || rest == path_of(issuer)).then_some(Self::Metadata);
        }
        match path {
            "/.well-known/jwks.json" => Some(Self::Keys),
            "/ssf/streams" => Some(Self::Streams),
            "/ssf/status" => Some(Self::Status),
            "/ssf/verify" => Some(Self::Verification),
            "/ssf/subjects:add" | "/ssf/subjects:remove" => Some(Self::Subjects),
            _ => {
                let name = path.strip_prefix("/ssf/poll/").filter(|name| !name.is_empty() && !name.contains('/'));
                name.map(|name| Self::Poll(name.to_owned()))
            }
        }
    }

    /// The name of the operation, for the metrics.
    pub(in crate::http) const fn operation(&self) -> &'static str {
        match self {
            Self::Metadata => "ssf-configuration",
            Self::Keys => "jwks",
            Self::Streams => "streams",
            Self::Status => "status",
            Self::Verification => "verification",
            Self::Poll(_) => "poll",
            Self::Subjects => "subjects",
        }
    }

    /// The methods that it takes.
    const fn allowed(&self) -> &'static str {
        match self {
            Self::Metadata | Self::Keys | Self::Streams => "GET, HEAD",
            Self::Status => "GET, HEAD, POST",
            Self::Verification | Self::Poll(_) | Self::Subjects => "POST",
        }
    }

    /// Errors: 405 for a method that it does not take.
    pub(super) fn check_method(&self, method: &str) -> Result<(), Response> {
        let allowed = self.allowed();
        if allowed.split(", ").any(|known| known == method) {
            return Ok(());
        }
        let made = if *self == Self::Streams { "; streams are made and changed in the configuration only" } else { "" };
        let error = Error::new(405, format!("this address takes {allowed} only{made}"));
        Err(Response::from(error).with_header("allow", allowed.to_owned()))
    }
}

/// The path of a URL; empty without one.
fn path_of(url: &str) -> &str {
    let host = url.split_once("://").map_or("", |(_, rest)| rest);
    host.find('/').and_then(|slash| host.get(slash..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_address_one_thing_each_or_nothing() {
        let route = |path| Route::from_path(path, "https://otp.example.com/one");
        assert_eq!(route("/ssf/poll/idp.1"), Some(Route::Poll("idp.1".into())));
        assert_eq!(route("/.well-known/ssf-configuration"), Some(Route::Metadata));
        assert_eq!(route("/.well-known/ssf-configuration/one"), Some(Route::Metadata));
        for path in [
            "/",
            "/ssf",
            "/ssf/",
            "/ssf/poll",
            "/ssf/poll/",
            "/ssf/poll/a/b",
            "/ssf/streams/",
            "//ssf/streams",
            "/SSF/streams",
            "/ssf/subjects",
            "/.well-known/ssf-configuration/two",
            "/.well-known/ssf-configuration/",
        ] {
            assert_eq!(route(path), None, "{path}");
        }
    }

    #[test]
    fn issuer_without_a_path_has_one_address() {
        for issuer in ["https://otp.example.com", "https://otp.example.com:8443", "no URL"] {
            assert_eq!(path_of(issuer), "", "{issuer}");
        }
    }
}
