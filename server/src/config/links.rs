//! Service links: variables that Kubernetes and Docker derive from a service's name. Those of a
//! service `keyfob` or `keyfob-db` begin like the configuration's own.

use std::net::IpAddr;

/// The protocols of ports, as the values of links name them.
const PROTOCOLS: [&str; 3] = ["tcp", "udp", "sctp"];

/// Whether a variable belongs to a link, by its name and its value.
///
/// Sources: the documentation of Kubernetes, "Accessing the Service"; that of Docker, "Legacy
/// container links".
pub(crate) fn is_link(name: &str, value: &str) -> bool {
    if name.ends_with("_SERVICE_HOST") {
        return value.parse::<IpAddr>().is_ok();
    }
    if name.ends_with("_SERVICE_PORT") || name.contains("_SERVICE_PORT_") {
        return is_port(value);
    }
    if let Some((_, port)) = name.rsplit_once("_PORT_").filter(|(_, port)| port.starts_with(|first: char| first.is_ascii_digit())) {
        return is_port_link(port, value);
    }
    if name.ends_with("_PORT") {
        return is_address_with_port(value);
    }
    // Docker names the two containers.
    name.ends_with("_NAME")
        && value.strip_prefix('/').and_then(|names| names.split_once('/')).is_some_and(|(_, last)| !last.is_empty())
}

/// The common start of the names of one Docker link, if this variable names its containers.
pub(crate) fn docker_link<'n>(name: &'n str, value: &str) -> Option<&'n str> {
    name.strip_suffix("_NAME").filter(|_| is_link(name, value))
}

/// Whether a name continues after `_PORT_` with a number and a protocol, and the value fits: the
/// whole address, or the part that the name ends with.
fn is_port_link(port: &str, value: &str) -> bool {
    match port.rsplit_once('_') {
        Some((port, "ADDR")) => is_number_and_protocol(port) && value.parse::<IpAddr>().is_ok(),
        Some((port, "PORT")) => is_number_and_protocol(port) && is_port(value),
        Some((port, "PROTO")) => is_number_and_protocol(port) && PROTOCOLS.contains(&value),
        _ => is_number_and_protocol(port) && is_address_with_port(value),
    }
}

fn is_number_and_protocol(port: &str) -> bool {
    port.split_once('_')
        .is_some_and(|(number, protocol)| is_port(number) && PROTOCOLS.iter().any(|known| known.eq_ignore_ascii_case(protocol)))
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}

/// For example `tcp://10.0.0.1:8080`.
fn is_address_with_port(value: &str) -> bool {
    value.split_once("://").is_some_and(|(protocol, address)| {
        PROTOCOLS.contains(&protocol) && address.rsplit_once(':').is_some_and(|(_, port)| is_port(port))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_recognized_by_name_and_value() {
        for (name, value) in [
            ("KEYFOB_PORT", "tcp://10.96.0.12:8080"),
            ("KEYFOB_PORT", "tcp://[fd00::12]:8080"),
            ("KEYFOB_SERVICE_HOST", "10.96.0.12"),
            ("KEYFOB_SERVICE_HOST", "fd00::12"),
            ("KEYFOB_SERVICE_PORT", "8080"),
            ("KEYFOB_SERVICE_PORT_HTTP", "8080"),
            ("KEYFOB_SERVICE_PORT_HTTP_2", "8080"),
            ("KEYFOB_PORT_8080_TCP", "tcp://10.96.0.12:8080"),
            ("KEYFOB_PORT_8080_TCP_PROTO", "tcp"),
            ("KEYFOB_PORT_8080_TCP_PORT", "8080"),
            ("KEYFOB_PORT_8080_TCP_ADDR", "10.96.0.12"),
            ("KEYFOB_DB_PORT_5432_TCP_ADDR", "10.96.0.13"),
            ("KEYFOB_DB_SERVICE_HOST", "10.96.0.13"),
            ("KEYFOB_DNS_PORT_53_UDP", "udp://10.96.0.14:53"),
            ("KEYFOB_DB_NAME", "/keyfob/keyfob_db"),
        ] {
            assert!(is_link(name, value), "{name}={value}");
        }
        for (name, value) in [
            ("KEYFOB_PORT", "8080"),
            ("KEYFOB_PORT", "http://10.96.0.12:8080"),
            ("KEYFOB_PORT", "tcp://10.96.0.12"),
            ("KEYFOB_SERVICE_HOST", "mail"),
            ("KEYFOB_SERVICE_PORT", "many"),
            ("KEYFOB_PORT_8080", "tcp://10.96.0.12:8080"),
            ("KEYFOB_PORT_HTTP_TCP", "tcp://10.96.0.12:8080"),
            ("KEYFOB_PORT_8080_TCP_OTHER", "8080"),
            ("KEYFOB_NAME", "keyfob"),
            ("KEYFOB_COLOUR", "tcp://10.96.0.12:8080"),
        ] {
            assert!(!is_link(name, value), "{name}={value}");
        }
        assert_eq!(docker_link("KEYFOB_DB_NAME", "/keyfob/keyfob_db"), Some("KEYFOB_DB"));
        assert_eq!(docker_link("KEYFOB_DB_NAME", "keyfob"), None);
    }
}
