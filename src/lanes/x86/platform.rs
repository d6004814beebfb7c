//! Layer 2: the SIMD instructions of this processor, and the cheapest of them for a batch.

use core::array;

use super::vendor::is_intel;
use super::{avx2, avx512, sha1_ni, sha256_ni};
use crate::lanes::states::States;
use crate::wipe::wipe;

cpufeatures::new!(has_sha, "sha", "ssse3", "sse4.1");
cpufeatures::new!(has_avx2, "avx2");
cpufeatures::new!(has_avx512, "avx512f", "avx512vl");

/// A vector's lanes from the first counter on; returns how many values there was room for.
macro_rules! compute_vector {
    ($width:path, $states:ident, $first:ident, $values:ident) => {{
        use $width as width;
        // SAFETY: the processor has the instructions.
        let mut computed = unsafe {
            match $states {
                States::Sha1(states) => width::sha1(states, $first),
                States::Sha256(states) => width::sha256(states, $first),
            }
        };
        $values.iter_mut().zip(&computed).for_each(|(value, lane)| *value = *lane);
        wipe(&mut computed);
        $values.len().min(width::LANES)
    }};
}

/// A set of instructions, and the number of counters that it computes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Platform {
    ShaNi,
    /// SHA-1's words from AVX-512; SHA-256 as without.
    ShaNiAvx512,
    Avx2,
    Avx512x8,
    Avx512x16,
    Avx512x24,
    Avx512x32,
}

impl Platform {
    /// Whether this processor has the instructions.
    #[inline]
    pub(super) fn is_available(self) -> bool {
        match self {
            Self::ShaNi => has_sha::get(),
            Self::ShaNiAvx512 => has_sha::get() && has_avx512::get(),
            Self::Avx2 => has_avx2::get(),
            Self::Avx512x8 | Self::Avx512x16 | Self::Avx512x24 | Self::Avx512x32 => has_avx512::get(),
        }
    }

    /// So many counters in streams cost less than one vector of this platform. Measured; `make
    /// bench` tells whether it still holds.
    fn worth_streams(self, states: States<'_>) -> usize {
        match (self, states) {
            (Self::ShaNi | Self::ShaNiAvx512, _) | (Self::Avx2, States::Sha256(_)) => usize::MAX,
            (Self::Avx2, States::Sha1(_)) => 4,
            (_, States::Sha1(_)) if is_intel() => 3,
            (_, States::Sha1(_)) => 4,
            (_, States::Sha256(_)) if is_intel() => 4,
            (_, States::Sha256(_)) => 10,
        }
    }

    /// The cheapest streams for more than one block at once; none without the instructions.
    pub(super) fn detect_streams() -> Option<Self> {
        let best = if is_intel() { [Self::ShaNiAvx512, Self::ShaNi] } else { [Self::ShaNi; 2] };
        best.into_iter().find(|platform| platform.is_available())
    }

    /// The cheapest platform for the first of `left` counters; none if only the caller can compute
    /// them.
    pub(super) fn detect(states: States<'_>, left: usize) -> Option<Self> {
        let widest = match left {
            ..=8 => Self::Avx512x8,
            // Two additions of 16 lanes begin in a cycle there: one vector is enough to do.
            9.. if is_intel() => Self::Avx512x16,
            9..=16 => Self::Avx512x16,
            17..=24 => Self::Avx512x24,
            _ => Self::Avx512x32,
        };
        let vector = [widest, Self::Avx2].into_iter().find(|platform| platform.is_available());
        let streams = Self::detect_streams();
        vector.filter(|vector| streams.is_none() || left > vector.worth_streams(states)).or(streams)
    }

    /// The widest vectors that are worth it, if the processor has AVX-512.
    pub(super) fn widest() -> Self {
        // Two additions of 16 lanes begin in a cycle there: one vector is enough to do.
        if is_intel() { Self::Avx512x16 } else { Self::Avx512x32 }
    }

    /// Computes the first of `values`, as many as this platform takes at once, and returns how
    /// many: none if the processor lacks its instructions.
    pub(super) fn compute(self, states: States<'_>, first: u64, values: &mut [u32]) -> usize {
        if !self.is_available() {
            return 0;
        }
        match self {
            // SAFETY: the processor has the instructions.
            Self::ShaNi | Self::ShaNiAvx512 => unsafe { self.fill_streams(states, first, values) },
            Self::Avx2 => compute_vector!(avx2, states, first, values),
            Self::Avx512x8 => compute_vector!(avx512::x8, states, first, values),
            Self::Avx512x16 => compute_vector!(avx512::x16, states, first, values),
            Self::Avx512x24 => compute_vector!(avx512::x24, states, first, values),
            Self::Avx512x32 => compute_vector!(avx512::x32, states, first, values),
        }
    }

    /// The states after a key's block; false if the processor lacks its instructions, or it has no
    /// streams.
    pub(super) fn sha1_key_states(self, initial: &[u32; 5], key: &[u8; 64], states: [&mut [u32; 5]; 2]) -> bool {
        match self {
            // SAFETY: the processor has the instructions.
            Self::ShaNi if self.is_available() => unsafe { sha1_ni::sha_words::key_states(initial, key, states) },
            // SAFETY: the processor has the instructions.
            Self::ShaNiAvx512 if self.is_available() => unsafe { sha1_ni::avx512_words::key_states(initial, key, states) },
            _ => return false,
        }
        true
    }

    /// Up to four counters in streams.
    #[target_feature(enable = "sha,sse4.1")]
    fn fill_streams(self, states: States<'_>, first: u64, values: &mut [u32]) -> usize {
        match values {
            [a, b, c, d, ..] => [*a, *b, *c, *d] = self.stream(states, first),
            [a, b, c] => [*a, *b, *c] = self.stream(states, first),
            [a, b] => [*a, *b] = self.stream(states, first),
            [a] => [*a] = self.stream(states, first),
            [] => {}
        }
        values.len().min(4)
    }

    #[target_feature(enable = "sha,sse4.1")]
    pub(super) fn stream<const S: usize>(self, states: States<'_>, first: u64) -> [u32; S] {
        let counters = array::from_fn(|stream| first.wrapping_add(stream as u64));
        match states {
            // SAFETY: the processor has the instructions.
            States::Sha1(states) if self == Self::ShaNiAvx512 && self.is_available() => unsafe {
                sha1_ni::avx512_words::sha1(states, counters)
            },
            States::Sha1(states) => sha1_ni::sha_words::sha1(states, counters),
            States::Sha256(states) => sha256_ni::sha256(states, counters),
        }
    }
}

/// How many platforms [`compute_on`] knows.
#[cfg(any(test, fuzzing))]
pub(crate) const PLATFORM_COUNT: usize = 7;

#[cfg(any(test, fuzzing))]
const NAMED: [(Platform, &str); PLATFORM_COUNT] = [
    (Platform::ShaNi, "SHA-NI"),
    (Platform::ShaNiAvx512, "SHA-NI and AVX-512"),
    (Platform::Avx2, "AVX2"),
    (Platform::Avx512x8, "AVX-512, 8 lanes"),
    (Platform::Avx512x16, "AVX-512, 16 lanes"),
    (Platform::Avx512x24, "AVX-512, 24 lanes"),
    (Platform::Avx512x32, "AVX-512, 32 lanes"),
];

#[cfg(test)]
impl Platform {
    /// That of a number below [`PLATFORM_COUNT`].
    pub(super) fn named(platform: usize) -> Option<Self> {
        NAMED.get(platform).map(|(platform, _)| *platform)
    }
}

/// Fills `values` on one platform alone, and returns its name; none if the processor lacks its
/// instructions.
#[cfg(any(test, fuzzing))]
pub(crate) fn compute_on(platform: usize, states: States<'_>, first: u64, mut values: &mut [u32]) -> Option<&'static str> {
    let (platform, name) = NAMED.get(platform).copied().filter(|(platform, _)| platform.is_available())?;
    let mut counter = first;
    while !values.is_empty() {
        let done = platform.compute(states, counter, values);
        counter = counter.wrapping_add(done as u64);
        values = values.get_mut(done..).unwrap_or_default();
    }
    Some(name)
}

/// [`sha1_key_states`] on one platform alone; false if it has none, or its instructions are not
/// here.
#[cfg(test)]
pub(crate) fn sha1_key_states_on(platform: usize, initial: &[u32; 5], key: &[u8; 64], states: [&mut [u32; 5]; 2]) -> bool {
    NAMED.get(platform).is_some_and(|(platform, _)| platform.sha1_key_states(initial, key, states))
}
