//! `allowed_origins`: the web pages whose scripts may read answers.

use super::reader::Reader;

/// Reads the list. An entry is what browsers send as `Origin` (RFC 6454 section 6.2), or it would
/// never be equal.
pub(super) fn read(keys: &mut Reader) -> Vec<String> {
    let origins: Vec<String> = keys.or("allowed_origins", Vec::new);
    for origin in &origins {
        if let Some(fault) = fault(origin) {
            keys.fault("allowed_origins", &format!("{origin:?}: {fault}"));
        }
    }
    origins.iter().map(|origin| origin.to_ascii_lowercase()).collect()
}

fn fault(origin: &str) -> Option<&'static str> {
    let Some((scheme, host)) = origin.split_once("://") else {
        return Some("must be an origin, such as https://portal.example.com; name each one, for there is no sign for all");
    };
    let is_scheme = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"+-.".contains(&c))
    };
    let is_host = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"-._:[]".contains(&c));
    if !is_scheme(scheme) || !is_host(host) {
        return Some("must be a scheme, :// and a host in ASCII, with a port or none, and nothing behind it, not even a slash");
    }
    let default = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    host.ends_with(default).then_some("must be without the port that the scheme has anyway, as browsers leave it out")
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn origins_are_such_as_browsers_send() {
        for origin in [
            "https://portal.example.com",
            "http://localhost:3000",
            "https://[2001:db8::1]:8443",
            "https://xn--mnchen-3ya.example",
            "HTTPS://Portal.Example.com",
            "capacitor://localhost",
        ] {
            assert_eq!(fault(origin), None, "{origin}");
        }
        for origin in [
            "",
            "*",
            "null",
            "portal.example.com",
            "https://",
            "://portal.example.com",
            "https://portal.example.com/",
            "https://portal.example.com/otp",
            "https://*.example.com",
            "https://user@portal.example.com",
            "https://münchen.example",
            "https://portal.example.com https://other.example.com",
            "https://portal.example.com:443",
            "http://portal.example.com:80",
        ] {
            assert!(fault(origin).is_some(), "{origin}");
        }
    }
}
