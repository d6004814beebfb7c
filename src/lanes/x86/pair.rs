//! Layer 2: two vectors as one, of the lanes of both.
//!
//! A round of SHA waits for the one before. Where an addition takes two cycles and four could begin
//! in each, one vector leaves most of the processor idle; two, whose operations come by turns, cost
//! little more than one.

/// Defines the operations on a vector of `$one` and one of `$other`.
macro_rules! pair {
    ($features:literal, $one:ident and $other:ident, $word:ident) => {
        #[derive(Clone, Copy)]
        struct Vector($one::Vector, $other::Vector);

        /// How many counters are computed at once.
        pub(in crate::lanes::x86) const LANES: usize = $one::LANES + $other::LANES;

        #[target_feature(enable = $features)]
        #[inline]
        fn splat(word: $word) -> Vector {
            Vector($one::splat(word), $other::splat(word))
        }

        #[target_feature(enable = $features)]
        #[inline]
        fn load(words: &[$word; LANES]) -> Vector {
            // Always there: a pair has as many lanes as both.
            let (Some(one), Some(other)) = (words.first_chunk(), words.last_chunk()) else { return splat(0) };
            Vector($one::load(one), $other::load(other))
        }

        #[target_feature(enable = $features)]
        #[inline]
        fn store(vector: Vector) -> [$word; LANES] {
            let mut words = [0; LANES];
            let (one, other) = ($one::store(vector.0), $other::store(vector.1));
            words.iter_mut().zip(one.iter().chain(&other)).for_each(|(to, from)| *to = *from);
            words
        }

        #[target_feature(enable = $features)]
        #[inline]
        fn rotate_left<const BITS: i32>(word: Vector) -> Vector {
            Vector($one::rotate_left::<BITS>(word.0), $other::rotate_left::<BITS>(word.1))
        }

        $crate::lanes::x86::pair::both! {
            $features, $one, $other;
            add(a b) sub(a b) and(a b) xor(a b) shift_left(word bits) shift_right(word bits)
            choose(which one zero) majority(a b c) xor3(a b c)
        }
    };
}

/// Defines each operation on both vectors.
macro_rules! both {
    ($features:literal, $one:ident, $other:ident; $($name:ident($($word:ident)*))*) => {$(
        #[target_feature(enable = $features)]
        #[inline]
        fn $name($($word: Vector),*) -> Vector {
            Vector($one::$name($($word.0),*), $other::$name($($word.1),*))
        }
    )*};
}

pub(super) use {both, pair};
