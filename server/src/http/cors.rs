//! CORS (Fetch standard): browsers show a response to a script of another origin only if the
//! response names that origin. Before most requests they send a preflight request.

use axum::http::{HeaderMap, Method, header};
use keyfob_scim::Response;

const ALLOWED_METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
/// Headers that a script may send beside those that it always may.
const ALLOWED_HEADERS: &str = "authorization, content-type, if-match, if-none-match, x-request-id";
/// Headers that a script may read beside those that it always may.
const EXPOSED_HEADERS: &str = "allow, location, retry-after, www-authenticate, x-request-id";
/// How long a browser may go without another preflight. An origin that is removed from the
/// configuration may go on for so long.
const MAX_AGE_SECONDS: &str = "600";

/// The origin of a request, if the configuration allows it.
pub(super) struct Cors {
    /// Whether any origin is allowed: responses then depend on the origin.
    is_on: bool,
    origin: Option<String>,
    is_preflight: bool,
}

impl Cors {
    /// Reads the headers of a request. `allowed` are origins in lower case.
    pub(super) fn new(allowed: &[String], method: &Method, headers: &HeaderMap) -> Self {
        let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).map(str::to_ascii_lowercase);
        Self {
            is_on: !allowed.is_empty(),
            origin: origin.filter(|origin| allowed.contains(origin)),
            is_preflight: method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD),
        }
    }

    /// The response to a preflight request, which carries no account. None for other requests and
    /// other origins.
    pub(super) fn preflight(&self) -> Option<Response> {
        (self.is_preflight && self.origin.is_some()).then(|| {
            Response::empty(204)
                .with_header("access-control-allow-methods", ALLOWED_METHODS.to_owned())
                .with_header("access-control-allow-headers", ALLOWED_HEADERS.to_owned())
                .with_header("access-control-max-age", MAX_AGE_SECONDS.to_owned())
        })
    }

    /// Adds the headers that the browser needs. None of them lets it send credentials of its own:
    /// scripts send those of an account.
    pub(super) fn add_headers(self, response: Response) -> Response {
        let response = if self.is_on { response.with_header("vary", "origin".to_owned()) } else { response };
        match self.origin {
            Some(origin) => response
                .with_header("access-control-allow-origin", origin)
                .with_header("access-control-expose-headers", EXPOSED_HEADERS.to_owned()),
            None => response,
        }
    }
}
