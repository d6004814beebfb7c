//! QR codes as modules, with the mask that readers see best (ISO/IEC 18004).

use std::sync::LazyLock;

use qrcode::bits::encode_auto;
use qrcode::canvas::{Canvas, Module};
use qrcode::ec::construct_codewords;
use qrcode::{EcLevel, Version};
use zeroize::Zeroizing;

use crate::penalty::{Row, penalty};

/// The lowest level of error correction, which makes the largest modules: a screen has no
/// scratches.
const LEVEL: EcLevel = EcLevel::L;

/// The format information for this level and each mask (annex C).
const FORMATS: [u16; 8] = [0x77c4, 0x72f3, 0x7daa, 0x789d, 0x662f, 0x6318, 0x6c41, 0x6976];

/// After so many rows, the rows of every mask repeat.
const MASK_ROWS: usize = 12;

/// The modules of the widest code, of version 40, and the words for its rows.
const MAX_MODULES: usize = 177;
const MAX_WORDS: usize = 3;

/// The first rows of the masks, by their number.
static MASKS: LazyLock<[[Row<MAX_WORDS>; MASK_ROWS]; 8]> = LazyLock::new(|| {
    let row = |mask, y| Row::from_fn(MAX_MODULES, |x| inverts(mask, x, y));
    std::array::from_fn(|mask| std::array::from_fn(|y| row(mask, y)))
});

/// Whether a mask inverts a module (section 7.8.2).
const fn inverts(mask: usize, x: usize, y: usize) -> bool {
    let (sum, product) = (x.saturating_add(y), x.saturating_mul(y));
    let condition = match mask {
        0 => sum % 2,
        1 => y % 2,
        2 => x % 3,
        3 => sum % 3,
        4 => (x / 3).saturating_add(y / 2) % 2,
        5 => (product % 2).saturating_add(product % 3),
        6 => (product % 2).saturating_add(product % 3) % 2,
        _ => (sum % 2).saturating_add(product % 3) % 2,
    };
    condition == 0
}

/// A text that fits in a QR code, not yet drawn.
pub(crate) struct Symbol {
    version: Version,
    bits: Zeroizing<Vec<u8>>,
}

impl Symbol {
    /// Encodes a text for the smallest version that holds it. None if it is too long for all.
    pub(crate) fn encode(text: &str) -> Option<Self> {
        let bits = encode_auto(text.as_bytes(), LEVEL).ok()?;
        Some(Self { version: bits.version(), bits: Zeroizing::new(bits.into_bytes()) })
    }

    /// The modules of one side.
    pub(crate) fn side(&self) -> usize {
        self.version.width().unsigned_abs().into()
    }

    /// Draws it with the best mask: row by row, whether each module is dark. None if the crate
    /// fails, which it does for no version.
    pub(crate) fn draw(&self) -> Option<Zeroizing<Vec<bool>>> {
        let (data, correction) = construct_codewords(&self.bits, self.version, LEVEL).ok()?;
        let mut canvas = Canvas::new(self.version, LEVEL);
        canvas.draw_all_functional_patterns();
        canvas.draw_data(&Zeroizing::new(data), &Zeroizing::new(correction));
        if self.side() <= 64 { masked::<1>(&canvas, self.side()) } else { masked::<MAX_WORDS>(&canvas, self.side()) }
    }
}

/// The modules of a canvas with the mask of the lowest penalty, of equally good ones the first.
fn masked<const WORDS: usize>(canvas: &Canvas, width: usize) -> Option<Zeroizing<Vec<bool>>> {
    let rows = |is_set: fn(Module) -> bool| {
        let module = |x: usize, y: usize| canvas.get(i16::try_from(x).unwrap_or_default(), i16::try_from(y).unwrap_or_default());
        Zeroizing::new((0..width).map(|y| Row::from_fn(width, |x| is_set(module(x, y)))).collect::<Vec<Row<WORDS>>>())
    };
    let (dark, data) = (rows(Module::is_dark), rows(|module| !matches!(module, Module::Masked(_))));
    let masked = MASKS.iter().zip(FORMATS).map(|(mask, format)| {
        let row = |((dark, data), mask): ((&Row<WORDS>, &Row<WORDS>), &Row<MAX_WORDS>)| *dark ^ (*data & mask.narrowed());
        let mut rows = Zeroizing::new(dark.iter().zip(data.iter()).zip(mask.iter().cycle()).map(row).collect::<Vec<_>>());
        draw_format(&mut rows, format);
        rows
    });
    let best = masked.min_by_key(|rows| penalty(rows))?;
    Some(Zeroizing::new(best.iter().flat_map(|row| (0..width).map(|x| row.is_set(x))).collect()))
}

/// Draws the format information, twice (section 7.9.1).
fn draw_format<const WORDS: usize>(rows: &mut [Row<WORDS>], format: u16) {
    /// The column and the row of its modules.
    const LINE: usize = 8;
    let width = rows.len();
    for bit in 0..15 {
        let is_dark = format.unbounded_shr(bit) & 1 == 1;
        let bit = usize::try_from(bit).unwrap_or_default();
        // From the end of a side, or from its beginning past the timing pattern in line 6.
        let (from_end, from_start) = (width.saturating_sub(bit.saturating_add(1)), bit.saturating_add(usize::from(bit >= 6)));
        let modules = match bit {
            0..8 => [(LINE, from_start), (from_end, LINE)],
            8 => [(7, LINE), (LINE, width.saturating_sub(7))],
            _ => [(14_usize.saturating_sub(bit), LINE), (LINE, width.saturating_sub(15).saturating_add(bit))],
        };
        for (x, y) in modules {
            if let Some(row) = rows.get_mut(y) {
                row.set(x, is_dark);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use qrcode::Color;

    use super::*;

    /// The mask is the one that the crate would choose, so the symbol is the same, too.
    #[test]
    fn symbol_is_that_of_the_crate() {
        let texts = (0..400).step_by(9).map(|number| {
            let secret: String =
                (0..32).map(|at| char::from(b'A' + u8::try_from((number * 7 + at * at * 5) % 26).unwrap())).collect();
            format!("otpauth://totp/ACME%20Co:TOTP{number:08}?secret={secret}&issuer=ACME%20Co&{}", "x".repeat(number))
        });
        for text in texts.chain([String::new(), "x".repeat(1000), "本".repeat(300), "0".repeat(2000), "x".repeat(2953)]) {
            let symbol = Symbol::encode(&text).unwrap();
            let code = qrcode::QrCode::with_error_correction_level(&text, LEVEL).unwrap();
            let modules: Vec<_> = code.to_colors().into_iter().map(|color| color == Color::Dark).collect();
            assert_eq!((symbol.side(), &*symbol.draw().unwrap()), (code.width(), &modules), "{text}");
        }
        assert!(Symbol::encode(&"x".repeat(2954)).is_none());
    }
}
