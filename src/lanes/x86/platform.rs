//! Layer 2: the SIMD instructions of this processor, and the cheapest of them for a batch.

use super::counter::counters;
use super::vendor::is_intel;
use super::{avx2, avx512, sha1_ni, sha256_ni, sha512_ni};
use crate::lanes::states::States;
use crate::wipe::wipe;

cpufeatures::new!(has_sha, "sha", "ssse3", "sse4.1");
cpufeatures::new!(has_sha512, "sha512", "avx2");
cpufeatures::new!(has_avx2, "avx2");
cpufeatures::new!(has_avx512, "avx512f", "avx512vl");

/// A vector's lanes from the first counter on; returns how many values there was room for. Both
/// modules of a width are given, since SHA-512 has half as many lanes.
macro_rules! compute_vector {
    ($words32:path, $words64:path, $states:ident, $first:ident, $values:ident) => {{
        use {$words32 as words32, $words64 as words64};
        match $states {
            // SAFETY: the processor has the instructions.
            States::Sha1(states) => take(&mut unsafe { words32::sha1(states, $first) }, $values),
            // SAFETY: the processor has the instructions.
            States::Sha256(states) => take(&mut unsafe { words32::sha256(states, $first) }, $values),
            // SAFETY: the processor has the instructions.
            States::Sha512(states) => take(&mut unsafe { words64::sha512(states, $first) }, $values),
        }
    }};
}

/// Copies what was computed, and wipes it. Returns how many values there was room for.
#[inline]
fn take<const N: usize>(computed: &mut [u32; N], values: &mut [u32]) -> usize {
    values.iter_mut().zip(&*computed).for_each(|(value, lane)| *value = *lane);
    wipe(computed);
    values.len().min(N)
}

/// A set of instructions, and the number of counters that it computes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Platform {
    ShaNi,
    /// SHA-1's words from AVX-512; SHA-256 as without.
    ShaNiAvx512,
    /// SHA-512 only.
    Sha512,
    Avx2,
    Avx512Ymm,
    Avx512Zmm,
    Avx512ZmmAndYmm,
    Avx512TwoZmm,
}

impl Platform {
    /// Whether this processor has the instructions. Five calls for a search of SHA-1 would take a
    /// twentieth of a window of three.
    #[allow(clippy::inline_always, reason = "measured: see benches/engine.rs")]
    #[inline(always)]
    pub(super) fn is_available(self) -> bool {
        match self {
            Self::ShaNi => has_sha::get(),
            Self::ShaNiAvx512 => has_sha::get() && has_avx512::get(),
            Self::Sha512 => has_sha512::get(),
            Self::Avx2 => has_avx2::get(),
            Self::Avx512Ymm | Self::Avx512Zmm | Self::Avx512ZmmAndYmm | Self::Avx512TwoZmm => has_avx512::get(),
        }
    }

    /// Whether it has instructions for the hash.
    #[cfg(any(test, fuzzing))]
    const fn computes(self, states: States<'_>) -> bool {
        match self {
            Self::ShaNi | Self::ShaNiAvx512 => !matches!(states, States::Sha512(_)),
            Self::Sha512 => matches!(states, States::Sha512(_)),
            _ => true,
        }
    }

    /// So many counters in streams cost less than one vector of this platform. Measured; `make
    /// bench` tells whether it still holds. The instructions for SHA-512 come with AVX2, and so far
    /// with nothing wider.
    fn worth_streams(self, states: States<'_>) -> usize {
        match (self, states) {
            (Self::ShaNi | Self::ShaNiAvx512 | Self::Sha512, _) | (_, States::Sha512(_)) | (Self::Avx2, States::Sha256(_)) => {
                usize::MAX
            }
            (Self::Avx2, States::Sha1(_)) => 4,
            (_, States::Sha1(_)) if is_intel() => 3,
            (_, States::Sha1(_)) => 4,
            (_, States::Sha256(_)) if is_intel() => 4,
            (_, States::Sha256(_)) => 10,
        }
    }

    /// So many counters cost less one after another than in one vector. Measured, as
    /// [`worth_streams`](Self::worth_streams).
    const fn worth_portable(states: States<'_>) -> usize {
        match states {
            States::Sha1(_) | States::Sha256(_) => 0,
            States::Sha512(_) => 1,
        }
    }

    /// The cheapest streams for more than one block at once; none without the instructions.
    pub(super) fn detect_streams() -> Option<Self> {
        let best = if is_intel() { [Self::ShaNiAvx512, Self::ShaNi] } else { [Self::ShaNi; 2] };
        best.into_iter().find(|platform| platform.is_available())
    }

    /// The cheapest platform for the first of `left` counters; none if the caller computes them
    /// cheapest, or only the caller can.
    pub(super) fn detect(states: States<'_>, left: usize) -> Option<Self> {
        let ymms = match states {
            States::Sha1(_) | States::Sha256(_) => left.div_ceil(avx512::words32::ymm::LANES),
            States::Sha512(_) => left.div_ceil(avx512::words64::ymm::LANES),
        };
        let streams = match states {
            States::Sha1(_) | States::Sha256(_) => Self::detect_streams(),
            States::Sha512(_) => Some(Self::Sha512).filter(|platform| platform.is_available()),
        };
        let widest = match ymms {
            ..=1 => Self::Avx512Ymm,
            // Two additions of a zmm begin in a cycle there: one vector is enough to do.
            2.. if is_intel() => Self::Avx512Zmm,
            2 => Self::Avx512Zmm,
            3 => Self::Avx512ZmmAndYmm,
            _ => Self::Avx512TwoZmm,
        };
        let vector = [widest, Self::Avx2].into_iter().find(|platform| platform.is_available());
        let is_worth = |vector: &Self| match streams {
            Some(_) => left > vector.worth_streams(states),
            None => left > Self::worth_portable(states),
        };
        vector.filter(is_worth).or(streams)
    }

    /// The widest vectors that are worth it, if the processor has AVX-512.
    pub(super) fn widest() -> Self {
        // Two additions of a zmm begin in a cycle there: one vector is enough to do.
        if is_intel() { Self::Avx512Zmm } else { Self::Avx512TwoZmm }
    }

    /// Computes the first of `values`, as many as this platform takes at once, and returns how
    /// many: none if the processor lacks its instructions, or they are those of another hash.
    pub(super) fn compute(self, states: States<'_>, first: u64, values: &mut [u32]) -> usize {
        if !self.is_available() {
            return 0;
        }
        match self {
            // SAFETY: the processor has the instructions.
            Self::ShaNi | Self::ShaNiAvx512 => unsafe { self.fill_streams(states, first, values) },
            Self::Sha512 => match states {
                // SAFETY: the processor has the instructions.
                States::Sha512(states) => unsafe { Self::fill_sha512_streams(states, first, values) },
                _ => 0,
            },
            Self::Avx2 => compute_vector!(avx2::words32, avx2::words64, states, first, values),
            Self::Avx512Ymm => compute_vector!(avx512::words32::ymm, avx512::words64::ymm, states, first, values),
            Self::Avx512Zmm => compute_vector!(avx512::words32::zmm, avx512::words64::zmm, states, first, values),
            Self::Avx512ZmmAndYmm => {
                compute_vector!(avx512::words32::zmm_and_ymm, avx512::words64::zmm_and_ymm, states, first, values)
            }
            Self::Avx512TwoZmm => compute_vector!(avx512::words32::two_zmm, avx512::words64::two_zmm, states, first, values),
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

    /// The states after a key's block; false if the processor lacks its instructions, or it has
    /// neither streams nor a vector of few lanes.
    pub(super) fn sha512_key_states(self, initial: &[u64; 8], key: &[u8; 64], states: [&mut [u64; 8]; 2]) -> bool {
        if !self.is_available() {
            return false;
        }
        match self {
            // SAFETY: the processor has the instructions.
            Self::Sha512 => unsafe { sha512_ni::instructions::key_states(initial, key, states) },
            // SAFETY: the processor has the instructions.
            Self::Avx2 => unsafe { avx2::words64::key_states(initial, key, states) },
            // SAFETY: the processor has the instructions.
            Self::Avx512Ymm => unsafe { avx512::words64::ymm::key_states(initial, key, states) },
            _ => return false,
        }
        true
    }

    /// Fills `macs` with whole HMAC-SHA-256s, and returns how many: none if the processor lacks its
    /// instructions, or recovery codes have no use for them.
    pub(super) fn sha256_macs(self, states: [&[u32; 8]; 2], first: u64, macs: &mut [[u32; 8]]) -> usize {
        match self {
            // SAFETY: the processor has the instructions.
            Self::ShaNi if self.is_available() => unsafe { sha256_ni::fill_macs(states, first, macs) },
            Self::Avx2 if self.is_available() => {
                for (macs, at) in macs.chunks_mut(avx2::words32::LANES).zip((0..).step_by(avx2::words32::LANES)) {
                    // SAFETY: the processor has the instructions.
                    unsafe { avx2::words32::fill_macs(states, first.wrapping_add(at), macs) };
                }
            }
            _ => return 0,
        }
        macs.len()
    }

    /// Up to four counters in streams.
    #[target_feature(enable = "sha,sse4.1")]
    fn fill_streams(self, states: States<'_>, first: u64, values: &mut [u32]) -> usize {
        match values {
            _ if matches!(states, States::Sha512(_)) => return 0,
            [a, b, c, d, ..] => [*a, *b, *c, *d] = self.stream(states, first),
            [a, b, c] => [*a, *b, *c] = self.stream(states, first),
            [a, b] => [*a, *b] = self.stream(states, first),
            [a] => [*a] = self.stream(states, first),
            [] => {}
        }
        values.len().min(4)
    }

    /// Counters in streams; zeros for SHA-512, which the SHA extensions lack.
    #[target_feature(enable = "sha,sse4.1")]
    fn stream<const S: usize>(self, states: States<'_>, first: u64) -> [u32; S] {
        match states {
            // SAFETY: the processor has the instructions.
            States::Sha1(states) if self == Self::ShaNiAvx512 && self.is_available() => unsafe {
                sha1_ni::avx512_words::sha1(states, counters(first))
            },
            States::Sha1(states) => sha1_ni::sha_words::sha1(states, counters(first)),
            States::Sha256(states) => sha256_ni::sha256(states, counters(first)),
            States::Sha512(_) => [0; S],
        }
    }

    /// Up to four counters in streams.
    #[target_feature(enable = "sha512")]
    fn fill_sha512_streams(states: [&[u64; 8]; 2], first: u64, values: &mut [u32]) -> usize {
        match values {
            [a, b, c, d, ..] => [*a, *b, *c, *d] = sha512_ni::instructions::sha512(states, counters(first)),
            [a, b, c] => [*a, *b, *c] = sha512_ni::instructions::sha512(states, counters(first)),
            [a, b] => [*a, *b] = sha512_ni::instructions::sha512(states, counters(first)),
            [a] => [*a] = sha512_ni::instructions::sha512(states, counters(first)),
            [] => {}
        }
        values.len().min(4)
    }
}

/// How many platforms [`compute_on`] knows.
#[cfg(any(test, fuzzing))]
pub(crate) const PLATFORM_COUNT: usize = 8;

#[cfg(any(test, fuzzing))]
const NAMED: [(Platform, &str); PLATFORM_COUNT] = [
    (Platform::ShaNi, "SHA-NI"),
    (Platform::ShaNiAvx512, "SHA-NI and AVX-512"),
    (Platform::Sha512, "SHA-512 instructions"),
    (Platform::Avx2, "AVX2"),
    (Platform::Avx512Ymm, "AVX-512, ymm"),
    (Platform::Avx512Zmm, "AVX-512, zmm"),
    (Platform::Avx512ZmmAndYmm, "AVX-512, zmm and ymm"),
    (Platform::Avx512TwoZmm, "AVX-512, two zmm"),
];

#[cfg(test)]
impl Platform {
    /// That of a number below [`PLATFORM_COUNT`].
    pub(super) fn named(platform: usize) -> Option<Self> {
        NAMED.get(platform).map(|(platform, _)| *platform)
    }
}

/// Fills `values` on one platform alone, and returns its name; none if the processor lacks its
/// instructions, or they are those of another hash.
#[cfg(any(test, fuzzing))]
pub(crate) fn compute_on(platform: usize, states: States<'_>, first: u64, mut values: &mut [u32]) -> Option<&'static str> {
    let is_able = |(platform, _): &(Platform, _)| platform.is_available() && platform.computes(states);
    let (platform, name) = NAMED.get(platform).copied().filter(is_able)?;
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

/// [`sha256_macs`](super::sha256_macs) on one platform alone; 0 if it has none, or its instructions
/// are not here.
#[cfg(test)]
pub(crate) fn sha256_macs_on(platform: usize, states: [&[u32; 8]; 2], first: u64, macs: &mut [[u32; 8]]) -> usize {
    NAMED.get(platform).map_or(0, |(platform, _)| platform.sha256_macs(states, first, macs))
}

/// [`sha512_key_states`] on one platform alone; false if it has none, or its instructions are not
/// here.
#[cfg(test)]
pub(crate) fn sha512_key_states_on(platform: usize, initial: &[u64; 8], key: &[u8; 64], states: [&mut [u64; 8]; 2]) -> bool {
    NAMED.get(platform).is_some_and(|(platform, _)| platform.sha512_key_states(initial, key, states))
}
