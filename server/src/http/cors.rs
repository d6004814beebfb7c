//! Scripts of web pages of other origins (CORS, of the Fetch standard): browsers show them an
//! answer only if it names their origin, and ask before most requests whether they may be sent.

use axum::http::{HeaderMap, Method, header};
use keyfob_scim::Response;

const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
/// What a script may send beside the few fields that it always may.
const HEADERS: &str = "authorization, content-type, if-match, if-none-match, x-request-id";
/// What it may read beside the few fields that it always may.
const EXPOSED: &str = "allow, location, retry-after, www-authenticate, x-request-id";
/// How long a browser need not ask again, in seconds. A page that is allowed no more may go on for
/// so long.
const MAX_AGE: &str = "600";

/// The page that asks, as far as browsers say and the configuration allows.
pub(super) struct Cors {
    /// Whether any page is allowed: answers then depend on which one asks.
    is_on: bool,
    origin: Option<String>,
    is_preflight: bool,
}

impl Cors {
    /// Of a request with these headers. `allowed` are origins in lower case.
    pub(super) fn of(allowed: &[String], method: &Method, headers: &HeaderMap) -> Self {
        let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).map(str::to_ascii_lowercase);
        Self {
            is_on: !allowed.is_empty(),
            origin: origin.filter(|origin| allowed.contains(origin)),
            is_preflight: method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD),
        }
    }

    /// The answer to a browser that asks whether a request may be sent. It has no account yet. None
    /// for other requests and other pages.
    pub(super) fn preflight(&self) -> Option<Response> {
        (self.is_preflight && self.origin.is_some()).then(|| {
            Response { status: 204, headers: Vec::new(), body: Vec::new() }
                .with_header("access-control-allow-methods", METHODS.to_owned())
                .with_header("access-control-allow-headers", HEADERS.to_owned())
                .with_header("access-control-max-age", MAX_AGE.to_owned())
        })
    }

    /// The answer with what the browser is to know. Nothing allows it to send credentials of its
    /// own: scripts give the account's.
    pub(super) fn told(self, response: Response) -> Response {
        let response = if self.is_on { response.with_header("vary", "origin".to_owned()) } else { response };
        match self.origin {
            Some(origin) => response
                .with_header("access-control-allow-origin", origin)
                .with_header("access-control-expose-headers", EXPOSED.to_owned()),
            None => response,
        }
    }
}
