//! How hard a QR code is to see, by the four features of ISO/IEC 18004 section 7.8.3.
//!
//! The modules of a row are bits, so that all of them are looked at together. The penalty is that
//! of the crate `qrcode`, whose computation took most of the time of an image.

use std::array;
use std::ops::{BitAnd, BitOr, BitXor, Not};

use zeroize::DefaultIsZeroes;

/// The modules of a row, a bit each, the leftmost in the lowest bit of the first word.
#[derive(Clone, Copy)]
pub(crate) struct Row<const WORDS: usize>([u64; WORDS]);

impl<const WORDS: usize> Row<WORDS> {
    const EMPTY: Self = Self([0; WORDS]);

    /// The modules for which `is_set` holds.
    pub(crate) fn from_fn(width: usize, is_set: impl Fn(usize) -> bool) -> Self {
        let mut row = Self::EMPTY;
        (0..width).for_each(|x| row.set(x, is_set(x)));
        row
    }

    /// Its first words.
    pub(crate) fn narrowed<const FEWER: usize>(self) -> Row<FEWER> {
        Row(array::from_fn(|at| self.word(at)))
    }

    pub(crate) fn set(&mut self, x: usize, value: bool) {
        if let Some(word) = self.0.get_mut(x / 64) {
            let bit = 1_u64.unbounded_shl(u32::try_from(x % 64).unwrap_or_default());
            *word = if value { *word | bit } else { *word & !bit };
        }
    }

    pub(crate) fn is_set(&self, x: usize) -> bool {
        self.word(x / 64).unbounded_shr(u32::try_from(x % 64).unwrap_or_default()) & 1 == 1
    }

    /// The modules so many places to the right, or to the left if below 0; less than 64.
    fn shifted(self, places: isize) -> Self {
        let bits = u32::try_from(places.unsigned_abs()).unwrap_or(u32::MAX);
        let rest = 64_u32.saturating_sub(bits);
        Self(array::from_fn(|at| {
            if places >= 0 {
                self.word(at).unbounded_shr(bits) | self.word(at.saturating_add(1)).unbounded_shl(rest)
            } else {
                let before = at.checked_sub(1).map_or(0, |at| self.word(at));
                self.word(at).unbounded_shl(bits) | before.unbounded_shr(rest)
            }
        }))
    }

    fn count(self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    fn word(self, at: usize) -> u64 {
        self.0.get(at).copied().unwrap_or_default()
    }
}

impl<const WORDS: usize> Default for Row<WORDS> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<const WORDS: usize> DefaultIsZeroes for Row<WORDS> {}

impl<const WORDS: usize> BitAnd for Row<WORDS> {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(array::from_fn(|at| self.word(at) & other.word(at)))
    }
}

impl<const WORDS: usize> BitOr for Row<WORDS> {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(array::from_fn(|at| self.word(at) | other.word(at)))
    }
}

impl<const WORDS: usize> BitXor for Row<WORDS> {
    type Output = Self;

    fn bitxor(self, other: Self) -> Self {
        Self(array::from_fn(|at| self.word(at) ^ other.word(at)))
    }
}

impl<const WORDS: usize> Not for Row<WORDS> {
    type Output = Self;

    fn not(self) -> Self {
        Self(self.0.map(|word| !word))
    }
}

/// The penalty of a code whose dark modules are set.
pub(crate) fn penalty<const WORDS: usize>(dark: &[Row<WORDS>]) -> u32 {
    let width = dark.len();
    let full = Row::from_fn(width, |_| true);
    let row = |y: usize, down: isize| y.checked_add_signed(down).and_then(|y| dark.get(y)).copied();
    let mut penalty = 0_u32;
    for (y, this) in dark.iter().enumerate() {
        let dark_below = |down| row(y, down).unwrap_or_default();
        let light_below = |down| row(y, down).map_or(Row::EMPTY, |row| !row & full);
        let light = !*this & full;
        let block = |this: Row<WORDS>, below: Row<WORDS>| (this & below & (this & below).shifted(1)).count();
        let blocks = block(*this, dark_below(1)).saturating_add(block(light, light_below(1)));
        penalty = penalty
            .saturating_add(line_penalty(|right| this.shifted(right), |right| light.shifted(right)))
            .saturating_add(line_penalty(dark_below, light_below))
            .saturating_add(blocks.saturating_mul(3));
    }
    let modules = u32::try_from(width.saturating_mul(width)).unwrap_or(u32::MAX);
    let dark: u32 = dark.iter().map(|row| row.count()).sum();
    penalty.saturating_add(dark.saturating_mul(200).checked_div(modules).unwrap_or_default().abs_diff(100))
}

/// The penalty of what begins at the modules of a row and goes on in one direction: runs of five
/// and more modules of one colour, and what looks like a finder pattern with four light modules on
/// a side. The functions give the dark and light modules so many places further. Outside the code
/// there are none.
fn line_penalty<const WORDS: usize>(dark: impl Fn(isize) -> Row<WORDS>, light: impl Fn(isize) -> Row<WORDS>) -> u32 {
    let five = |[a, b, c, d, e]: [isize; 5]| {
        dark(a) & dark(b) & dark(c) & dark(d) & dark(e) | light(a) & light(b) & light(c) & light(d) & light(e)
    };
    // A run of five counts three, and each further module one.
    let runs = five([0, 1, 2, 3, 4]);
    let first = runs & !five([-1, 0, 1, 2, 3]);
    let finder = dark(0) & light(1) & dark(2) & dark(3) & dark(4) & light(5) & dark(6);
    let before = dark(-1) | dark(-2) | dark(-3) | dark(-4);
    let after = dark(7) | dark(8) | dark(9) | dark(10);
    let finders = finder & !(before & after);
    runs.count().saturating_add(first.count().saturating_mul(2)).saturating_add(finders.count().saturating_mul(40))
}
