//! Layer 2: HMAC of many counters, one in each lane of a vector; SHA-1 and SHA-256 (FIPS 180-4) are
//! written here, once for all widths.
//!
//! A width is a module of its own, in which `primitives!` names the instructions, the module adds
//! the four operations that instruction sets differ in, and `hmac_in_lanes!` defines the rest.

/// FIPS 180-4 section 6.1.2, step 3, round `$t`. No word moves: from round to round the five take
/// each other's names in turn.
macro_rules! sha1_round {
    ($a:ident $b:ident $c:ident $d:ident $e:ident, $w:ident, $function:ident, $k:literal, $t:expr) => {
        if $t >= 16 {
            let sum = xor(xor3($w[($t + 13) % 16], $w[($t + 8) % 16], $w[($t + 2) % 16]), $w[$t % 16]);
            $w[$t % 16] = rotate_left::<1>(sum);
        }
        let sum = add(add($e, add(splat($k), $w[$t % 16])), $function($b, $c, $d));
        $e = add(sum, rotate_left::<5>($a));
        $b = rotate_left::<30>($b);
    };
}

/// Twenty rounds of one function, five from each `$t` on: unrolled, or in a loop. The loop keeps
/// the words of the message in memory, and its code is less than half. Unrolled, a pair would fill
/// half an instruction cache.
macro_rules! sha1_rounds {
    (looped, $names:tt, $w:ident, $function:ident, $k:literal, $($t:literal)*) => {
        for t in [$($t),*] {
            sha1_rounds!(unrolled, $names, $w, $function, $k, t);
        }
    };
    (unrolled, [$a:ident $b:ident $c:ident $d:ident $e:ident], $w:ident, $function:ident, $k:literal, $($t:tt)*) => {$(
        sha1_round!($a $b $c $d $e, $w, $function, $k, $t);
        sha1_round!($e $a $b $c $d, $w, $function, $k, $t + 1);
        sha1_round!($d $e $a $b $c, $w, $function, $k, $t + 2);
        sha1_round!($c $d $e $a $b, $w, $function, $k, $t + 3);
        sha1_round!($b $c $d $e $a, $w, $function, $k, $t + 4);
    )*};
}

/// FIPS 180-4 section 6.1.2, from one state in all lanes, or from a state in each. Where rounds are
/// unrolled it is no function, so that words which are the same in every message, most of both, are
/// added to the constants at compile time. Pairs have one, of half the code.
macro_rules! sha1_compress {
    (looped, $state:ident, $w:ident) => {
        sha1_looped($state, &mut $w)
    };
    (unrolled, $state:ident, $w:ident) => {
        sha1_compress!(@unrolled, $state, $w)
    };
    (@$how:ident, $state:ident, $w:ident) => {{
        let [a, b, c, d, e] = *$state;
        let first = [splat(a), splat(b), splat(c), splat(d), splat(e)];
        sha1_compress!(from first, $how, $w)
    }};
    (from $first:ident, $how:ident, $w:ident) => {{
        let [mut a, mut b, mut c, mut d, mut e] = $first;
        sha1_rounds!(unrolled, [a b c d e], $w, choose, 0x5a82_7999, 0 5 10 15);
        sha1_rounds!($how, [a b c d e], $w, xor3, 0x6ed9_eba1, 20 25 30 35);
        sha1_rounds!($how, [a b c d e], $w, majority, 0x8f1b_bcdc, 40 45 50 55);
        sha1_rounds!($how, [a b c d e], $w, xor3, 0xca62_c1d6, 60 65 70 75);
        let [first_a, first_b, first_c, first_d, first_e] = $first;
        [add(first_a, a), add(first_b, b), add(first_c, c), add(first_d, d), add(first_e, e)]
    }};
}

/// FIPS 180-4 section 6.2.2, as `sha1_compress!`.
macro_rules! sha256_compress {
    (looped, $state:ident, $w:ident) => {
        sha256_looped($state, &mut $w)
    };
    (unrolled, $state:ident, $w:ident) => {
        sha256_compress!(@unrolled, $state, $w)
    };
    (@$how:ident, $state:ident, $w:ident) => {{
        let [a, b, c, d, e, f, g, h] = *$state;
        let first = [splat(a), splat(b), splat(c), splat(d), splat(e), splat(f), splat(g), splat(h)];
        sha256_compress!(from first, $how, $w)
    }};
    (from $first:ident, $how:ident, $w:ident) => {
        sha2_compress!($first, $how, $w, K256, 1 2 3)
    };
}

/// Defines the operations that every instruction set has under a name of its own.
macro_rules! primitives {
    (
        $features:literal, $vector:ident of $lanes:literal $word:ident, $splat:ident, $load:ident, $store:ident,
        $add:ident, $sub:ident, $and:ident, $xor:ident, $shift_left:ident, $shift_right:ident
    ) => {
        pub(super) use core::arch::x86_64::$vector as Vector;
        use core::arch::x86_64::{$add, $and, $load, $shift_left, $shift_right, $splat, $store, $sub, $xor};

        /// How many counters are computed at once.
        pub(in crate::lanes::x86) const LANES: usize = $lanes;

        #[target_feature(enable = $features)]
        #[inline]
        pub(super) fn splat(word: $word) -> Vector {
            $splat(word.cast_signed())
        }

        #[target_feature(enable = $features)]
        #[inline]
        pub(super) fn load(words: &[$word; LANES]) -> Vector {
            // SAFETY: reads as many bytes as the array has, at any alignment.
            unsafe { $load(words.as_ptr().cast()) }
        }

        #[target_feature(enable = $features)]
        #[inline]
        pub(super) fn store(vector: Vector) -> [$word; LANES] {
            let mut words = [0; LANES];
            // SAFETY: writes as many bytes as the array has, at any alignment.
            unsafe { $store(words.as_mut_ptr().cast(), vector) };
            words
        }

        #[target_feature(enable = $features)]
        #[inline]
        pub(super) fn add(a: Vector, b: Vector) -> Vector {
            $add(a, b)
        }

        #[target_feature(enable = $features)]
        #[inline]
        pub(super) fn sub(a: Vector, b: Vector) -> Vector {
            $sub(a, b)
        }

        #[target_feature(enable = $features)]
        #[inline]
        pub(super) fn and(a: Vector, b: Vector) -> Vector {
            $and(a, b)
        }

        #[target_feature(enable = $features)]
        #[inline]
        pub(super) fn xor(a: Vector, b: Vector) -> Vector {
            $xor(a, b)
        }

        /// Each lane by its own number of bits; by a whole word gives 0.
        #[target_feature(enable = $features)]
        #[inline]
        pub(super) fn shift_left(word: Vector, bits: Vector) -> Vector {
            $shift_left(word, bits)
        }

        /// Each lane by its own number of bits; by a whole word gives 0.
        #[target_feature(enable = $features)]
        #[inline]
        pub(super) fn shift_right(word: Vector, bits: Vector) -> Vector {
            $shift_right(word, bits)
        }
    };
}

/// Defines `sha1` and `sha256` of `LANES` counters on the primitives in whose module it stands.
macro_rules! hmac_in_lanes {
    ($features:literal, looped) => {
        hmac_in_lanes!(@ $features, looped);

        #[target_feature(enable = $features)]
        fn sha1_looped(state: &[u32; 5], w: &mut [Vector; 16]) -> [Vector; 5] {
            sha1_compress!(@looped, state, w)
        }

        #[target_feature(enable = $features)]
        fn sha256_looped(state: &[u32; 8], w: &mut [Vector; 16]) -> [Vector; 8] {
            sha256_compress!(@looped, state, w)
        }
    };
    ($features:literal, unrolled) => {
        hmac_in_lanes!(@ $features, unrolled);
    };
    (@ $features:literal, $how:ident) => {
        use crate::lanes::constants::K256;
        use crate::lanes::constants::words32::{COUNTER_BITS, END, SHA1_BITS, SHA256_BITS};
        use crate::lanes::x86::counter::{high, low};
        use crate::lanes::x86::vector::{sha1_compress, sha1_round, sha1_rounds, sha256_compress};
        use crate::lanes::x86::sha2::{sha2_compress, sha2_round, sha2_rounds, sigmas};

        sigmas!(
            $features,
            big_sigma_0: 30 19 rotate 10,
            big_sigma_1: 26 21 rotate 7,
            small_sigma_0: 25 14 shift 3,
            small_sigma_1: 15 13 shift 10,
        );

        /// The high and the low words of the counters from `first` on, in vectors of no other
        /// width: to begin wider ones takes some processors long.
        #[target_feature(enable = $features)]
        #[inline]
        fn counters(first: u64) -> [Vector; 2] {
            let (before, lanes) = (splat(low(first)), load(&core::array::from_fn(|lane| low(lane as u64))));
            let sum = add(before, lanes);
            // Where the highest bit of `before` is not in the sum.
            let carry = shift_right(majority(before, lanes, xor(sum, splat(u32::MAX))), splat(31));
            [add(splat(high(first)), carry), sum]
        }

        /// The truncated HMAC-SHA-1 of the counters from `first` on.
        #[target_feature(enable = $features)]
        pub(in crate::lanes::x86) fn sha1([inner, outer]: [&[u32; 5]; 2], first: u64) -> [u32; LANES] {
            let ([high, low], zero, end) = (counters(first), splat(0), splat(END));
            let bits = splat(COUNTER_BITS);
            let mut message = [high, low, end, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, bits];
            let [a, b, c, d, e] = sha1_compress!($how, inner, message);
            let bits = splat(SHA1_BITS);
            let mut message = [a, b, c, d, e, end, zero, zero, zero, zero, zero, zero, zero, zero, zero, bits];
            let mac = sha1_compress!($how, outer, message);
            let [.., last] = mac;
            store(truncate(mac, last))
        }

        /// The truncated HMAC-SHA-256 of the counters from `first` on.
        #[target_feature(enable = $features)]
        pub(in crate::lanes::x86) fn sha256(states: [&[u32; 8]; 2], first: u64) -> [u32; LANES] {
            let [a, b, c, d, e, .., last] = hmac_sha256(states, first);
            store(truncate([a, b, c, d, e], last))
        }

        /// The words of the HMAC-SHA-256 of the counters from `first` on.
        #[target_feature(enable = $features)]
        #[inline]
        fn hmac_sha256([inner, outer]: [&[u32; 8]; 2], first: u64) -> [Vector; 8] {
            let ([high, low], zero, end) = (counters(first), splat(0), splat(END));
            let bits = splat(COUNTER_BITS);
            let mut message = [high, low, end, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, zero, bits];
            let [a, b, c, d, e, f, g, h] = sha256_compress!($how, inner, message);
            let bits = splat(SHA256_BITS);
            let mut message = [a, b, c, d, e, f, g, h, end, zero, zero, zero, zero, zero, zero, bits];
            sha256_compress!($how, outer, message)
        }

        /// RFC 4226 section 5.3 in each lane, by shifts as `hmac::truncate`: by 8 and 4 bytes
        /// through selection, by the rest within a word.
        #[target_feature(enable = $features)]
        #[inline]
        fn truncate([a, b, c, d, e]: [Vector; 5], last: Vector) -> Vector {
            let mask = |bits| sub(splat(0), and(shift_right(last, splat(bits)), splat(1)));
            let (by_8, by_4) = (mask(3), mask(2));
            let (first, second, third) = (choose(by_8, c, a), choose(by_8, d, b), choose(by_8, e, c));
            let (first, second) = (choose(by_4, second, first), choose(by_4, third, second));
            let bits = shift_left(and(last, splat(3)), splat(3));
            let word = xor(shift_left(first, bits), shift_right(second, sub(splat(32), bits)));
            and(word, splat(0x7fff_ffff))
        }
    };
}

pub(super) use {hmac_in_lanes, primitives, sha1_compress, sha1_round, sha1_rounds, sha256_compress};
