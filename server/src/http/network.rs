//! The network of an address: the unit in which clients share resources.

use std::net::IpAddr;

/// An address of IPv4, or a network of IPv6, as 16 bytes.
pub(super) type Network = [u8; 16];

/// The network of an address. For IPv6 it has 64 bits, since one client has all its addresses.
pub(super) fn network_of(address: IpAddr) -> Network {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => (u128::from(address) >> 64 << 64).to_be_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::network_of;

    #[test]
    fn addresses_of_ipv6_share_a_network_of_64_bits_and_those_of_ipv4_share_none() {
        let network = |address: &str| network_of(address.parse().unwrap());
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("192.0.2.1"), network("::ffff:192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}
