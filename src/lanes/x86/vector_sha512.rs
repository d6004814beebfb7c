//! Layer 2: HMAC-SHA-512 of many counters, one in each lane of a vector of 64-bit words; written
//! once for all widths, as [`vector`](super::vector).
//!
//! The rounds are one function for each width, a loop that all compressions call. Unrolled into
//! each of them they would save one operation of 25, for ten times the code.

/// Defines `sha512` of `LANES` counters on the primitives in whose module it stands.
macro_rules! hmac_sha512_in_lanes {
    ($features:literal) => {
        use zeroize::optimization_barrier;

        use crate::lanes::constants::K512;
        use crate::lanes::constants::words64::{COUNTER_BITS, END, SHA512_BITS};
        use crate::lanes::x86::sha2::{sha2_compress, sha2_round, sha2_rounds, sigmas};
        use crate::wipe::wipe;

        sigmas!(
            $features,
            big_sigma_0: 36 30 rotate 25,
            big_sigma_1: 50 46 rotate 23,
            small_sigma_0: 63 56 shift 7,
            small_sigma_1: 45 3 shift 6,
        );

        /// FIPS 180-4 section 6.4.2 in each lane. Leaves the last words of the message in `w`, for
        /// the caller to wipe.
        #[target_feature(enable = $features)]
        #[inline(never)]
        fn compress(first: &[Vector; 8], w: &mut [Vector; 16]) -> [Vector; 8] {
            let first = *first;
            sha2_compress!(first, looped, w, K512, 1 2 3 4)
        }

        /// The same state in each lane.
        #[target_feature(enable = $features)]
        #[inline]
        fn splat_state(state: &[u64; 8]) -> [Vector; 8] {
            let mut vectors = [splat(0); 8];
            vectors.iter_mut().zip(state).for_each(|(to, &word)| *to = splat(word));
            vectors
        }

        /// The truncated HMAC-SHA-512 of the counters from `first` on.
        #[target_feature(enable = $features)]
        pub(in crate::lanes::x86) fn sha512([inner, outer]: [&[u64; 8]; 2], first: u64) -> [u32; LANES] {
            let counters = add(splat(first), load(&core::array::from_fn(|lane| lane as u64)));
            hmac([&splat_state(inner), &splat_state(outer)], counters)
        }

        /// The truncated HMAC-SHA-512 of a counter in each lane.
        #[target_feature(enable = $features)]
        #[inline]
        fn hmac([inner, outer]: [&[Vector; 8]; 2], counters: Vector) -> [u32; LANES] {
            let (zero, end, bits) = (splat(0), splat(END), splat(COUNTER_BITS));
            let mut message =
                [counters, end, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, bits];
            let [a, b, c, d, e, f, g, h] = compress(inner, &mut message);
            message = [a, b, c, d, e, f, g, h, end, zero, zero, zero, zero, zero, zero, splat(SHA512_BITS)];
            let [a, b, c, .., last] = compress(outer, &mut message);
            message.fill(zero);
            optimization_barrier(&message);
            let mut words = store(truncate([a, b, c], last));
            #[expect(clippy::cast_possible_truncation, reason = "of 31 bits")]
            let values = words.map(|word| word as u32);
            wipe(&mut words);
            values
        }

        /// RFC 4226 section 5.3 in each lane, by shifts as `hmac::truncate`: by 8 bytes through
        /// selection, by the rest within a word.
        #[target_feature(enable = $features)]
        #[inline]
        fn truncate([a, b, c]: [Vector; 3], last: Vector) -> Vector {
            let by_8 = sub(splat(0), and(shift_right(last, splat(3)), splat(1)));
            let (first, second) = (choose(by_8, b, a), choose(by_8, c, b));
            let bits = shift_left(and(last, splat(7)), splat(3));
            let word = xor(shift_left(first, bits), shift_right(second, sub(splat(64), bits)));
            and(shift_right(word, splat(32)), splat(0x7fff_ffff))
        }
    };
}

/// Defines `key_states` after `hmac_sha512_in_lanes!`: both states of a key, in two lanes.
macro_rules! sha512_key_states {
    ($features:literal) => {
        use crate::lanes::constants::words64::{INNER_PAD, OUTER_PAD};

        /// The states after the key's block, for the inner and the outer hash.
        #[target_feature(enable = $features)]
        pub(in crate::lanes::x86) fn key_states(initial: &[u64; 8], key: &[u8; 64], [inner, outer]: [&mut [u64; 8]; 2]) {
            let mut w = [load(&core::array::from_fn(|lane| if lane == 0 { INNER_PAD } else { OUTER_PAD })); 16];
            for (to, word) in w.iter_mut().zip(key.as_chunks::<8>().0) {
                *to = xor(*to, splat(u64::from_be_bytes(*word)));
            }
            let state = compress(&splat_state(initial), &mut w);
            w.fill(splat(0));
            optimization_barrier(&w);
            for ((inner, outer), word) in inner.iter_mut().zip(outer).zip(state) {
                let mut lanes = store(word);
                [*inner, *outer, ..] = lanes;
                wipe(&mut lanes);
            }
        }
    };
}

/// Defines `sha512_under_keys` after `hmac_sha512_in_lanes!`.
macro_rules! hmac_sha512_under_keys {
    ($features:literal) => {
        /// Calls `judge` with the truncated HMACs of each counter from `firsts` on, `count` times.
        /// `keys` are the words of the keys, the first of all lanes first; only zeros follow them.
        #[target_feature(enable = $features)]
        pub(in crate::lanes::x86) fn sha512_under_keys(
            initial: &[u64; 8],
            keys: &[[u64; LANES]; 8],
            firsts: &[u64; LANES],
            count: u64,
            judge: &mut dyn FnMut(&mut [u32]),
        ) {
            use crate::lanes::constants::words64::{INNER_PAD, OUTER_PAD};

            let first = splat_state(initial);
            let mut states = [first; 2];
            for (state, pad) in states.iter_mut().zip([INNER_PAD, OUTER_PAD]) {
                let mut w = [splat(pad); 16];
                w.iter_mut().zip(keys).for_each(|(to, words)| *to = xor(load(words), *to));
                *state = compress(&first, &mut w);
                w.fill(splat(0));
                optimization_barrier(&w);
            }
            let [inner, outer] = &states;
            for step in 0..count {
                let mut values = hmac([inner, outer], load(&firsts.map(|first| first.wrapping_add(step))));
                judge(&mut values);
                wipe(&mut values);
            }
            states.fill([splat(0); 8]);
            optimization_barrier(&states);
        }
    };
}

pub(super) use {hmac_sha512_in_lanes, hmac_sha512_under_keys, sha512_key_states};
