//! The addresses of a request: its host, its path below the base, and the base as clients know it.

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Version, header};

use crate::config::Config;

/// The path below the base. More than one slash may be before it, as in Soffid's own
/// documentation.
pub(super) fn path_below<'p>(path: &'p str, base: &str) -> Option<&'p str> {
    let (rest, base) = (path.trim_start_matches('/'), base.trim_start_matches('/'));
    match rest.strip_prefix(base) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') || base.is_empty() => Some(rest),
        _ => None,
    }
}

/// Checks the host that a request names (RFC 9112 section 3.2). A host that a proxy and this
/// service read differently could get past the proxy's rules.
///
/// Errors: what is wrong, for the client.
pub(super) fn check_host(request: &Request) -> Result<(), &'static str> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() >= Version::HTTP_11 => Err("the header Host is missing"),
        (Some(_), Some(_)) => Err("the header Host is given more than once"),
        (Some(host), None) if !host.is_empty() && !is_host(host) => {
            Err("the header Host must be a name or an address, with or without a port")
        }
        _ => Ok(()),
    }
}

fn is_host(value: &HeaderValue) -> bool {
    !value.as_bytes().contains(&b'@') && Authority::try_from(value.as_bytes()).is_ok()
}

/// The URL of the base, as clients know it.
pub(super) fn base(config: &Config, headers: &HeaderMap) -> String {
    let base = &config.base_path;
    if let Some(url) = &config.public_url {
        return format!("{url}{base}");
    }
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let is_host = |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte));
    match headers.get(header::HOST).and_then(|host| host.to_str().ok()).filter(is_host) {
        Some(host) => format!("{scheme}://{host}{base}"),
        None => format!("{scheme}://{}{base}", config.listen),
    }
}
