//! Layer 2: the start of an HMAC, as the platforms take it.

/// The states after a key's block, of the inner and the outer hash.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "the portable path reads none")]
pub(crate) enum States<'k> {
    Sha1([&'k [u32; 5]; 2]),
    Sha256([&'k [u32; 8]; 2]),
}
