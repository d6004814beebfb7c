//! Routing: from the path of a request to what it addresses.

use std::borrow::Cow;

use crate::error::Error;
use crate::method::Method;
use crate::parameters::decode;
use crate::response::Response;

/// What the path of a request addresses. A host reads the path once, and asks the route for the
/// name of the operation and for the refusal of a method that is no [`Method`].
#[derive(Clone, Debug)]
pub struct Route(Result<Target, Error>);

/// What a path below the base addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The base itself: all resources.
    Root,
    Devices,
    Search,
    Find,
    Device(i64),
    RequestChallenge(i64),
    ResponseChallenge(i64),
    Resync(i64),
    RenewCodes(i64),
    /// A discovery endpoint, and the id of one of its resources.
    Discovery(Endpoint, Option<String>),
}

/// An endpoint of discovery (RFC 7644 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    ServiceProviderConfig,
    ResourceTypes,
    Schemas,
}

impl Endpoint {
    const ALL: [Self; 3] = [Self::ServiceProviderConfig, Self::ResourceTypes, Self::Schemas];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ServiceProviderConfig => "ServiceProviderConfig",
            Self::ResourceTypes => "ResourceTypes",
            Self::Schemas => "Schemas",
        }
    }
}

impl Route {
    /// Reads the path of a request below the service's base, as it was sent: `/OtpDevice/60`. The
    /// route of a path that addresses nothing leads to a refusal.
    pub fn from_path(path: &str) -> Self {
        Self(segments(path).and_then(|segments| Target::from_segments(&segments)))
    }

    /// What it addresses. Errors: 400 for a bad encoding, 404 for a path that addresses nothing,
    /// 501 for what SCIM has and this service has not.
    pub(crate) fn target(&self) -> Result<&Target, Error> {
        self.0.as_ref().map_err(Error::clone)
    }

    /// The name of the operation of a request, for a host's metrics. `method` is none for one that
    /// is no [`Method`]. The name is `unknown` for a path that addresses nothing.
    pub const fn operation(&self, method: Option<Method>) -> &'static str {
        match (&self.0, method) {
            (Ok(Target::Devices), Some(Method::Post)) => "create",
            (Ok(Target::Root | Target::Devices | Target::Search), _) => "list",
            (Ok(Target::Find), _) => "find",
            (Ok(Target::Device(_)), _) => "device",
            (Ok(Target::RequestChallenge(_)), _) => "requestChallenge",
            (Ok(Target::ResponseChallenge(_)), _) => "responseChallenge",
            (Ok(Target::Resync(_)), _) => "resync",
            (Ok(Target::RenewCodes(_)), _) => "renewCodes",
            (Ok(Target::Discovery(..)), _) => "discovery",
            (Err(_), _) => "unknown",
        }
    }

    /// The response to a method that is no [`Method`]: 405 with the methods that are allowed, or
    /// the refusal that every method gets at this path.
    pub fn method_not_allowed(&self) -> Response {
        match &self.0 {
            Ok(target) => target.method_not_allowed(),
            Err(error) => error.clone().into(),
        }
    }
}

impl Target {
    /// Reads the decoded segments of a path. An encoded slash separates no segments.
    fn from_segments(segments: &[Cow<'_, str>]) -> Result<Self, Error> {
        let segments: Vec<&str> = segments.iter().map(|segment| &**segment).collect();
        Self::find(&segments).ok_or_else(|| match segments.as_slice() {
            // RFC 7644 section 3.11.
            ["Me", ..] => Error::new(501, "accounts are not resources here"),
            // RFC 7644 section 3.7.
            ["Bulk"] => Error::new(501, "bulk operations are not supported; send each operation by itself"),
            _ => Error::new(404, "there is nothing at this address"),
        })
    }

    fn find(segments: &[&str]) -> Option<Self> {
        // An id has one form.
        let id = |text: &str| text.parse().ok().filter(|id: &i64| *id > 0 && id.to_string() == text);
        let endpoint = |name: &str| Endpoint::ALL.into_iter().find(|endpoint| endpoint.name() == name);
        match segments {
            [] => Some(Self::Root),
            ["OtpDevice"] => Some(Self::Devices),
            // There is one type of resource only.
            ["OtpDevice", ".search"] | [".search"] => Some(Self::Search),
            ["OtpDevice", ".find"] => Some(Self::Find),
            ["OtpDevice", text] => id(text).map(Self::Device),
            ["OtpDevice", text, "requestChallenge"] => id(text).map(Self::RequestChallenge),
            ["OtpDevice", text, "responseChallenge"] => id(text).map(Self::ResponseChallenge),
            ["OtpDevice", text, "resync"] => id(text).map(Self::Resync),
            ["OtpDevice", text, "renewCodes"] => id(text).map(Self::RenewCodes),
            [name] => endpoint(name).map(|endpoint| Self::Discovery(endpoint, None)),
            [name, id] => endpoint(name)
                .filter(|endpoint| *endpoint != Endpoint::ServiceProviderConfig)
                .map(|endpoint| Self::Discovery(endpoint, Some((*id).to_owned()))),
            _ => None,
        }
    }

    const fn allowed(&self) -> &'static str {
        match self {
            Self::Root | Self::Discovery(..) => "GET, HEAD",
            Self::Devices => "GET, HEAD, POST",
            // A HEAD would send a code.
            Self::RequestChallenge(_) => "GET, POST",
            Self::Search | Self::Find | Self::ResponseChallenge(_) | Self::Resync(_) | Self::RenewCodes(_) => "POST",
            Self::Device(_) => "GET, HEAD, PUT, PATCH, DELETE",
        }
    }

    pub(crate) fn method_not_allowed(&self) -> Response {
        let allowed = self.allowed();
        let error = Error::new(405, format!("this address takes {allowed} only"));
        Response::from(error).with_header("allow", allowed.to_owned())
    }
}

/// The decoded segments of a path.
fn segments(path: &str) -> Result<Vec<Cow<'_, str>>, Error> {
    path.split('/').filter(|segment| !segment.is_empty()).map(decode).collect()
}
