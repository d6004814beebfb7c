//! Names of hosts and e-mail addresses, as mail servers take them.

use std::net::{Ipv4Addr, Ipv6Addr};

use lettre::Address;
use lettre::transport::smtp::extension::ClientId;
use rustls::pki_types::DnsName;

/// A domain name in ASCII, with punycode (RFC 5891 A-labels) for what is not. None if it breaks the
/// rules for hosts (RFC 1123 section 2.1): labels of 1 to 63 letters, digits and hyphens, with no
/// hyphen at their ends.
fn domain(name: &str) -> Option<String> {
    let ascii = idna::domain_to_ascii(name).ok().filter(|name| !name.ends_with('.'))?;
    DnsName::try_from(ascii.as_str()).is_ok().then_some(ascii)
}

/// An address in brackets (RFC 5321 section 4.1.3), or a domain name in ASCII.
pub(super) fn host(text: &str) -> Option<ClientId> {
    let Some(literal) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) else {
        return domain(text).map(ClientId::Domain);
    };
    match literal.split_at_checked(5) {
        Some((tag, address)) if tag.eq_ignore_ascii_case("IPv6:") => address.parse::<Ipv6Addr>().ok().map(ClientId::Ipv6),
        _ => literal.parse::<Ipv4Addr>().ok().map(ClientId::Ipv4),
    }
}

/// The address with its domain in ASCII, which every server takes, and what names that domain. None
/// if it is malformed.
pub(super) fn mailbox(address: &Address) -> Option<(Address, ClientId)> {
    let host = host(address.domain())?;
    Some((Address::new(address.user(), host.to_string()).ok()?, host))
}

/// An address that a code is sent to. None if it is malformed.
pub(super) fn recipient(text: &str) -> Option<Address> {
    mailbox(&text.parse().ok()?).map(|(address, _)| address)
}
