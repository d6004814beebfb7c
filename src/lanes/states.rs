//! Layer 2: the start of an HMAC, as the platforms take it.

/// The states after a key's block, of the inner and the outer hash.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "the portable path reads none")]
pub(crate) enum States<'k> {
    Sha1([&'k [u32; 5]; 2]),
    Sha256([&'k [u32; 8]; 2]),
    Sha512([&'k [u64; 8]; 2]),
}

/// The initial state of a hash function, from which the states of many keys are computed.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "the portable path reads none")]
pub(crate) enum Initial<'i> {
    Sha1(&'i [u32; 5]),
    Sha256(&'i [u32; 8]),
    Sha512(&'i [u64; 8]),
}
