//! Layer 2: the rounds of SHA-2 (FIPS 180-4) on vectors, once for SHA-256 and SHA-512, which differ
//! in the size of a word, in the number of rounds and in the numbers of bits.

/// Defines the functions of FIPS 180-4 section 4.1.2 or 4.1.3. Two of them turn by three numbers of
/// bits, two turn by two and shift by one.
macro_rules! sigmas {
    ($features:literal, $($name:ident: $one:literal $two:literal $three:ident $last:literal,)*) => {$(
        #[target_feature(enable = $features)]
        #[inline]
        fn $name(word: Vector) -> Vector {
            xor3(rotate_left::<$one>(word), rotate_left::<$two>(word), sigmas!(@$three word $last))
        }
    )*};
    (@rotate $word:ident $bits:literal) => { rotate_left::<$bits>($word) };
    (@shift $word:ident $bits:literal) => { shift_right($word, splat($bits)) };
}

/// FIPS 180-4 section 6.2.2 or 6.4.2, step 3, round `$t` of the sixteen with the constants `$k`. No
/// word moves: from round to round the eight take each other's names in turn.
macro_rules! sha2_round {
    ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident, $w:ident, $k:expr, $words:ident, $t:literal) => {
        sha2_round!(@$words $w, $t);
        let low = big_sigma_1($e);
        let sum = add(add(add($h, add(splat($k[$t]), $w[$t])), choose($e, $f, $g)), low);
        $d = add($d, sum);
        let high = big_sigma_0($a);
        $h = add(add(sum, majority($a, $b, $c)), high);
    };
    (@given $w:ident, $t:literal) => {};
    (@next $w:ident, $t:literal) => {
        let (old, new) = (small_sigma_0($w[($t + 1) % 16]), small_sigma_1($w[($t + 14) % 16]));
        $w[$t] = add(add($w[$t], $w[($t + 9) % 16]), add(old, new));
    };
}

/// Sixteen rounds: on the words of the message as `given`, or on the `next` sixteen.
macro_rules! sha2_rounds {
    ($names:tt, $w:ident, $k:expr, $words:ident) => {
        sha2_rounds!(eight, $names, $w, $k, $words, 0 1 2 3 4 5 6 7);
        sha2_rounds!(eight, $names, $w, $k, $words, 8 9 10 11 12 13 14 15);
    };
    (
        eight, [$a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident], $w:ident, $k:expr, $words:ident,
        $t0:literal $t1:literal $t2:literal $t3:literal $t4:literal $t5:literal $t6:literal $t7:literal
    ) => {
        sha2_round!($a $b $c $d $e $f $g $h, $w, $k, $words, $t0);
        sha2_round!($h $a $b $c $d $e $f $g, $w, $k, $words, $t1);
        sha2_round!($g $h $a $b $c $d $e $f, $w, $k, $words, $t2);
        sha2_round!($f $g $h $a $b $c $d $e, $w, $k, $words, $t3);
        sha2_round!($e $f $g $h $a $b $c $d, $w, $k, $words, $t4);
        sha2_round!($d $e $f $g $h $a $b $c, $w, $k, $words, $t5);
        sha2_round!($c $d $e $f $g $h $a $b, $w, $k, $words, $t6);
        sha2_round!($b $c $d $e $f $g $h $a, $w, $k, $words, $t7);
    };
}

/// FIPS 180-4 section 6.2.2 or 6.4.2, from a state in each lane. The first sixteen rounds are
/// unrolled, the others too, or in a loop: its code is less than half.
macro_rules! sha2_compress {
    ($first:ident, $how:ident, $w:ident, $k:ident, $($sixteen:literal)*) => {{
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = $first;
        sha2_rounds!([a b c d e f g h], $w, $k[0], given);
        sha2_compress!(@$how [a b c d e f g h], $w, $k, $($sixteen)*);
        let [first_a, first_b, first_c, first_d, first_e, first_f, first_g, first_h] = $first;
        [
            add(first_a, a),
            add(first_b, b),
            add(first_c, c),
            add(first_d, d),
            add(first_e, e),
            add(first_f, f),
            add(first_g, g),
            add(first_h, h),
        ]
    }};
    (@unrolled $names:tt, $w:ident, $k:ident, $($sixteen:literal)*) => {
        $(sha2_rounds!($names, $w, $k[$sixteen], next);)*
    };
    (@looped $names:tt, $w:ident, $k:ident, $($sixteen:literal)*) => {
        for k in &$k[1..] {
            sha2_rounds!($names, $w, k, next);
        }
    };
}

pub(super) use {sha2_compress, sha2_round, sha2_rounds, sigmas};
