//! Layer 2: the counters of streams, and the two words of one in a message.

use core::array;

/// `first` and the counters after it, one for each stream.
pub(super) fn counters<const S: usize>(first: u64) -> [u64; S] {
    array::from_fn(|stream| first.wrapping_add(stream as u64))
}

/// The high word of a counter, the first of its message.
pub(super) const fn high(counter: u64) -> u32 {
    (counter >> 32) as u32
}

/// The low word of a counter, the second of its message.
#[expect(clippy::cast_possible_truncation, reason = "takes the low word")]
pub(super) const fn low(counter: u64) -> u32 {
    counter as u32
}
