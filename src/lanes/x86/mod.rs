//! Layer 2: which instructions compute a batch.
//!
//! A few counters are quickest in streams on the SHA extensions ([`sha1_ni`], [`sha256_ni`]), many
//! in the lanes of vectors ([`wide`]), on what the processor has: found out once, at run time.
#![allow(unsafe_code, reason = "instructions that the processor may lack")]

mod avx2;
mod avx512;
mod pair;
mod sha1_ni;
mod sha256_ni;
mod sha_ni;
mod vendor;
mod wide;

use core::array;

use vendor::is_intel;

use super::Key;
use crate::secret::wipe;

/// How many counters are asked for at once: enough for the widest, and a bit of a word for each.
pub(crate) const BATCH: usize = 64;

cpufeatures::new!(has_sha, "sha", "ssse3", "sse4.1");
cpufeatures::new!(has_avx2, "avx2");
cpufeatures::new!(has_avx512, "avx512f", "avx512vl");

/// A vector's lanes from the first counter on; returns how many values there was room for.
macro_rules! lanes {
    ($width:path, $key:ident, $first:ident, $values:ident) => {{
        use $width as width;
        // SAFETY: the instructions are here.
        let mut lanes = unsafe {
            match $key {
                Key::Sha1(states) => width::sha1(states, $first),
                Key::Sha256(states) => width::sha256(states, $first),
            }
        };
        $values.iter_mut().zip(&lanes).for_each(|(value, lane)| *value = *lane);
        wipe(&mut lanes);
        $values.len().min(width::LANES)
    }};
}

/// A way to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    ShaNi,
    /// SHA-1's words from AVX-512; SHA-256 as without.
    ShaNiAvx512,
    Avx2,
    Avx512x8,
    Avx512x16,
    Avx512x24,
    Avx512x32,
}

impl Path {
    /// Whether this processor has the instructions.
    #[inline]
    fn is_here(self) -> bool {
        match self {
            Self::ShaNi => has_sha::get(),
            Self::ShaNiAvx512 => has_sha::get() && has_avx512::get(),
            Self::Avx2 => has_avx2::get(),
            Self::Avx512x8 | Self::Avx512x16 | Self::Avx512x24 | Self::Avx512x32 => has_avx512::get(),
        }
    }

    /// So many counters in streams cost less than one vector of this path. Measured; `make bench`
    /// tells whether it still holds.
    fn worth_streams(self, key: Key<'_>) -> usize {
        match (self, key) {
            (Self::ShaNi | Self::ShaNiAvx512, _) | (Self::Avx2, Key::Sha256(_)) => usize::MAX,
            (Self::Avx2, Key::Sha1(_)) => 4,
            (_, Key::Sha1(_)) if is_intel() => 3,
            (_, Key::Sha1(_)) => 4,
            (_, Key::Sha256(_)) if is_intel() => 4,
            (_, Key::Sha256(_)) => 10,
        }
    }

    /// The cheapest streams for more than one block at once; none without the instructions.
    fn streams() -> Option<Self> {
        let best = if is_intel() { [Self::ShaNiAvx512, Self::ShaNi] } else { [Self::ShaNi; 2] };
        best.into_iter().find(|path| path.is_here())
    }

    /// The cheapest path for the first of `left` counters; none if only the caller can compute
    /// them.
    fn best(key: Key<'_>, left: usize) -> Option<Self> {
        let widest = match left {
            ..=8 => Self::Avx512x8,
            // Two additions of 16 lanes begin in a cycle there: one vector is enough to do.
            9.. if is_intel() => Self::Avx512x16,
            9..=16 => Self::Avx512x16,
            17..=24 => Self::Avx512x24,
            _ => Self::Avx512x32,
        };
        let vector = [widest, Self::Avx2].into_iter().find(|path| path.is_here());
        let streams = Self::streams();
        vector.filter(|vector| streams.is_none() || left > vector.worth_streams(key)).or(streams)
    }

    /// Computes the first of `values`, as many as this path takes at once, and returns how many:
    /// none if its instructions are not here.
    fn compute(self, key: Key<'_>, first: u64, values: &mut [u32]) -> usize {
        if !self.is_here() {
            return 0;
        }
        match self {
            // SAFETY: the instructions are here.
            Self::ShaNi | Self::ShaNiAvx512 => unsafe { self.fill_streams(key, first, values) },
            Self::Avx2 => lanes!(avx2, key, first, values),
            Self::Avx512x8 => lanes!(avx512::x8, key, first, values),
            Self::Avx512x16 => lanes!(avx512::x16, key, first, values),
            Self::Avx512x24 => lanes!(avx512::x24, key, first, values),
            Self::Avx512x32 => lanes!(avx512::x32, key, first, values),
        }
    }

    /// The states after a key's block; false if its instructions are not here, or it has no
    /// streams.
    fn sha1_key(self, initial: &[u32; 5], key: &[u8; 64], states: [&mut [u32; 5]; 2]) -> bool {
        match self {
            // SAFETY: the instructions are here.
            Self::ShaNi if self.is_here() => unsafe { sha1_ni::sha_words::key(initial, key, states) },
            // SAFETY: the instructions are here.
            Self::ShaNiAvx512 if self.is_here() => unsafe { sha1_ni::avx512_words::key(initial, key, states) },
            _ => return false,
        }
        true
    }

    /// Up to four counters in streams.
    #[target_feature(enable = "sha,sse4.1")]
    fn fill_streams(self, key: Key<'_>, first: u64, values: &mut [u32]) -> usize {
        match values {
            [a, b, c, d, ..] => [*a, *b, *c, *d] = self.stream(key, first),
            [a, b, c] => [*a, *b, *c] = self.stream(key, first),
            [a, b] => [*a, *b] = self.stream(key, first),
            [a] => [*a] = self.stream(key, first),
            [] => {}
        }
        values.len().min(4)
    }

    #[target_feature(enable = "sha,sse4.1")]
    fn stream<const S: usize>(self, key: Key<'_>, first: u64) -> [u32; S] {
        let counters = array::from_fn(|stream| first.wrapping_add(stream as u64));
        match key {
            // SAFETY: the instructions are here.
            Key::Sha1(states) if self == Self::ShaNiAvx512 && self.is_here() => unsafe {
                sha1_ni::avx512_words::sha1(states, counters)
            },
            Key::Sha1(states) => sha1_ni::sha_words::sha1(states, counters),
            Key::Sha256(states) => sha256_ni::sha256(states, counters),
        }
    }
}

/// Clears the upper halves of the vectors. Callers such as Java leave something there, and then
/// each instruction of SSE waits for the one before that wrote its register: on an Intel processor
/// an attempt took half as long again.
#[cfg(feature = "capi")]
pub(crate) fn clear_upper_halves() {
    #[target_feature(enable = "avx")]
    fn clear() {
        core::arch::x86_64::_mm256_zeroupper();
    }
    if has_avx2::get() {
        // SAFETY: the instruction is here; whoever calls a function expects no vector to be as
        // before.
        unsafe { clear() };
    }
}

/// The states after a key's block, of the inner and the outer hash, into `states`; false if the
/// caller has to compute them.
pub(crate) fn sha1_key(initial: &[u32; 5], key: &[u8; 64], states: [&mut [u32; 5]; 2]) -> bool {
    Path::streams().is_some_and(|path| path.sha1_key(initial, key, states))
}

/// The states after a key's block, of the inner and the outer hash, into `states`; false if the
/// caller has to compute them.
pub(crate) fn sha256_key(initial: &[u32; 8], key: &[u8; 64], states: [&mut [u32; 8]; 2]) -> bool {
    let here = has_sha::get();
    if here {
        // SAFETY: the instructions are here.
        unsafe { sha256_ni::key(initial, key, states) };
    }
    here
}

/// The truncated HMAC of one counter; none if the caller has to compute it.
pub(crate) fn one(key: Key<'_>, counter: u64) -> Option<u32> {
    // On Intel's processors too: one stream waits for its rounds, not for its words.
    // SAFETY: the instructions are here.
    let value = has_sha::get().then(|| unsafe { Path::ShaNi.stream(key, counter) });
    value.map(|[value]| value)
}

/// Fills `values` with the truncated HMACs of `first` and the counters after it; false if the
/// caller has to.
pub(crate) fn truncated(key: Key<'_>, first: u64, mut values: &mut [u32]) -> bool {
    let mut counter = first;
    while !values.is_empty() {
        let Some(path) = Path::best(key, values.len()) else { return false };
        let done = path.compute(key, counter, values);
        counter = counter.wrapping_add(done as u64);
        values = values.get_mut(done..).unwrap_or_default();
    }
    true
}

/// How many paths [`on_path`] knows.
#[cfg(any(test, fuzzing))]
pub(crate) const PATHS: usize = 7;

#[cfg(any(test, fuzzing))]
const NAMED: [(Path, &str); PATHS] = [
    (Path::ShaNi, "SHA-NI"),
    (Path::ShaNiAvx512, "SHA-NI and AVX-512"),
    (Path::Avx2, "AVX2"),
    (Path::Avx512x8, "AVX-512, 8 lanes"),
    (Path::Avx512x16, "AVX-512, 16 lanes"),
    (Path::Avx512x24, "AVX-512, 24 lanes"),
    (Path::Avx512x32, "AVX-512, 32 lanes"),
];

/// Fills `values` on one path alone, and returns its name; none if its instructions are not here.
#[cfg(any(test, fuzzing))]
pub(crate) fn on_path(path: usize, key: Key<'_>, first: u64, mut values: &mut [u32]) -> Option<&'static str> {
    let (path, name) = NAMED.get(path).copied().filter(|(path, _)| path.is_here())?;
    let mut counter = first;
    while !values.is_empty() {
        let done = path.compute(key, counter, values);
        counter = counter.wrapping_add(done as u64);
        values = values.get_mut(done..).unwrap_or_default();
    }
    Some(name)
}

/// [`sha1_key`] on one path alone; false if it has none, or its instructions are not here.
#[cfg(test)]
pub(crate) fn sha1_key_on_path(path: usize, initial: &[u32; 5], key: &[u8; 64], states: [&mut [u32; 5]; 2]) -> bool {
    NAMED.get(path).is_some_and(|(path, _)| path.sha1_key(initial, key, states))
}

/// The high word of a counter, the first of its message.
const fn high(counter: u64) -> u32 {
    (counter >> 32) as u32
}

/// The low word of a counter, the second of its message.
#[expect(clippy::cast_possible_truncation, reason = "takes the low word")]
const fn low(counter: u64) -> u32 {
    counter as u32
}
