//! Layer 2: the two words of a counter in a message.

/// The high word of a counter, the first of its message.
pub(super) const fn high(counter: u64) -> u32 {
    (counter >> 32) as u32
}

/// The low word of a counter, the second of its message.
#[expect(clippy::cast_possible_truncation, reason = "takes the low word")]
pub(super) const fn low(counter: u64) -> u32 {
    counter as u32
}
