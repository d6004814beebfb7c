//! `allowed_origins`: the web pages whose scripts may call SCIM.

use super::reader::TableReader;

/// Reads the list. An entry must be exactly what browsers send as `Origin` (RFC 6454 section 6.2).
pub(super) fn read(table: &mut TableReader) -> Vec<String> {
    let origins: Vec<String> = table.take_or("allowed_origins", Vec::new);
    for origin in &origins {
        if let Some(reason) = reason_to_reject(origin) {
            table.reject("allowed_origins", &format!("{origin:?}: {reason}"));
        }
    }
    origins.iter().map(|origin| origin.to_ascii_lowercase()).collect()
}

/// Why an origin is none; none if it is one.
fn reason_to_reject(origin: &str) -> Option<&'static str> {
    let Some((scheme, host)) = origin.split_once("://") else {
        return Some("must be an origin, such as https://portal.example.com; list each one, there is no wildcard");
    };
    let is_scheme = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"+-.".contains(&c))
    };
    let is_host = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"-._:[]".contains(&c));
    if !is_scheme(scheme) || !is_host(host) {
        return Some("must be a scheme, :// and a host in ASCII, with or without a port, and nothing after it, not even a slash");
    }
    let default = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    host.ends_with(default).then_some("must be without the scheme's default port, as browsers leave it out")
}

#[cfg(test)]
mod tests {
    use super::reason_to_reject;

    #[test]
    fn origins_are_those_that_browsers_send() {
        for origin in [
            "https://portal.example.com",
            "http://localhost:3000",
            "https://[2001:db8::1]:8443",
            "https://xn--mnchen-3ya.example",
            "HTTPS://Portal.Example.com",
            "capacitor://localhost",
        ] {
            assert_eq!(reason_to_reject(origin), None, "{origin}");
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
            assert!(reason_to_reject(origin).is_some(), "{origin}");
        }
    }
}
