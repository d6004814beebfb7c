//! Layer 2: HMACs under many keys, a key and a counter of its own in each lane; written once for
//! all widths, as [`vector`](super::vector).

/// Defines the HMAC of a hash function under the keys of `LANES` lanes, in the module of a width.
macro_rules! hmac_under_keys {
    ($features:literal, $how:ident) => {
        use zeroize::optimization_barrier;

        use crate::lanes::constants::words32::{INNER_PAD, OUTER_PAD};
        use crate::wipe::wipe;

        hmac_under_keys!($features, $how, sha1_under_keys, sha1_from, sha1_compress, SHA1_BITS, 5, [a b c d e], [0 0 0 0 0 0 0 0 0]);
        hmac_under_keys!(
            $features, $how, sha256_under_keys, sha256_from, sha256_compress, SHA256_BITS, 8, [a b c d e f g h], [0 0 0 0 0 0]
        );
    };
    (
        $features:literal, $how:ident, $name:ident, $from:ident, $compress:ident, $bits:ident, $words:literal,
        [$($word:ident)*], [$($zero:literal)*]
    ) => {
        /// The compression function from a state in each lane. No part of it is inlined: it is
        /// called at four places.
        #[target_feature(enable = $features)]
        #[inline(never)]
        fn $from(first: &[Vector; $words], w: &mut [Vector; 16]) -> [Vector; $words] {
            let first = *first;
            $compress!(from first, $how, w)
        }

        /// Calls `judge` with the truncated HMACs of each counter from `firsts` on, `count` times.
        /// `keys` are the words of the keys' blocks, the first of all lanes first.
        #[target_feature(enable = $features)]
        pub(in crate::lanes::x86) fn $name(
            initial: &[u32; $words],
            keys: &[[u32; LANES]; 16],
            firsts: &[u64; LANES],
            count: u64,
            judge: &mut dyn FnMut(&mut [u32]),
        ) {
            let mut first = [splat(0); $words];
            first.iter_mut().zip(initial).for_each(|(to, &word)| *to = splat(word));
            let zero = splat(0);
            let mut states = [first; 2];
            for (state, pad) in states.iter_mut().zip([INNER_PAD, OUTER_PAD]) {
                let mut w = [zero; 16];
                w.iter_mut().zip(keys).for_each(|(to, words)| *to = xor(load(words), splat(pad)));
                *state = $from(&first, &mut w);
                w.fill(zero);
                optimization_barrier(&w);
            }
            let [inner, outer] = &states;
            for step in 0..count {
                let counters = firsts.map(|first| first.wrapping_add(step));
                let (high, low) = (load(&counters.map(high)), load(&counters.map(low)));
                let (end, bits) = (splat(END), splat(COUNTER_BITS));
                let mut message =
                    [high, low, end, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, bits];
                let [$($word),*] = $from(inner, &mut message);
                let mut message = [$($word,)* end, $(splat($zero),)* splat($bits)];
                let mac = $from(outer, &mut message);
                let [a, b, c, d, e, ..] = mac;
                let [.., last] = mac;
                let mut values = store(truncate([a, b, c, d, e], last));
                judge(&mut values);
                wipe(&mut values);
            }
            states.fill([zero; $words]);
            optimization_barrier(&states);
        }
    };
}

pub(super) use hmac_under_keys;
