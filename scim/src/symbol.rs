//! QR codes as modules, with the mask that readers see best (ISO/IEC 18004).

use qrcode::bits::encode_auto;
use qrcode::canvas::{Canvas, MaskPattern};
use qrcode::ec::construct_codewords;
use qrcode::{Color, EcLevel, Version};
use zeroize::Zeroizing;

/// The lowest level of error correction, which makes the largest modules: a screen has no
/// scratches.
const LEVEL: EcLevel = EcLevel::L;

/// The masks in the order of their numbers: of equally good ones, the first is taken.
const MASKS: [MaskPattern; 8] = [
    MaskPattern::Checkerboard,
    MaskPattern::HorizontalLines,
    MaskPattern::VerticalLines,
    MaskPattern::DiagonalLines,
    MaskPattern::LargeCheckerboard,
    MaskPattern::Fields,
    MaskPattern::Diamonds,
    MaskPattern::Meadow,
];

/// A finder pattern: dark, light, three dark, light, dark.
const FINDER: u16 = 0b101_1101;

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
        let masked = MASKS.iter().map(|mask| {
            let mut canvas = canvas.clone();
            canvas.apply_mask(*mask);
            Zeroizing::new(canvas.into_colors().into_iter().map(|color| color == Color::Dark).collect::<Vec<_>>())
        });
        masked.min_by_key(|modules| penalty(modules, self.side()))
    }
}

/// How hard a symbol is to see, by the four features of section 7.8.3. It is that of the crate
/// `qrcode`, which takes most of the time of an image for it.
fn penalty(modules: &[bool], width: usize) -> usize {
    let rows = || modules.chunks_exact(width);
    let columns = (0..width).map(|x| modules.iter().skip(x).step_by(width).copied());
    let lines: usize =
        rows().map(|row| line_penalty(row.iter().copied())).sum::<usize>().saturating_add(columns.map(line_penalty).sum());
    let pairs = rows().zip(rows().skip(1)).flat_map(|(upper, lower)| upper.windows(2).zip(lower.windows(2)));
    let blocks = pairs.filter(|(upper, lower)| upper == lower && matches!(upper, [left, right] if left == right)).count();
    let dark = modules.iter().filter(|is_dark| **is_dark).count();
    let balance = dark.saturating_mul(200).checked_div(modules.len()).unwrap_or_default().abs_diff(100);
    lines.saturating_add(blocks.saturating_mul(3)).saturating_add(balance)
}

/// The penalty of a row or column: for runs of five and more modules of one colour, and for what
/// looks like a finder pattern with four light modules on a side. The margin is light.
fn line_penalty(line: impl Iterator<Item = bool>) -> usize {
    const MARGIN: [bool; 4] = [false; 4];
    let (mut penalty, mut run, mut last) = (0_usize, 0_usize, None);
    // The last modules, the latest in the lowest bit: four, the finder pattern, four.
    let mut latest = 0_u16;
    for (is_dark, is_margin) in line.map(|is_dark| (is_dark, false)).chain(MARGIN.map(|is_dark| (is_dark, true))) {
        if !is_margin {
            run = if last == Some(is_dark) { run.saturating_add(1) } else { 1 };
            last = Some(is_dark);
            // A run of five counts three, and each further module one.
            penalty = penalty.saturating_add(match run {
                0..5 => 0,
                5 => 3,
                _ => 1,
            });
        }
        latest = latest << 1 | u16::from(is_dark);
        let has_light_side = [0xf << 11, 0xf].into_iter().any(|side| latest & side == 0);
        if latest >> 4 & 0x7f == FINDER && has_light_side {
            penalty = penalty.saturating_add(40);
        }
    }
    penalty
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mask is the one that the crate would choose, so the symbol is the same, too.
    #[test]
    fn symbol_is_that_of_the_crate() {
        let texts = (0..400).step_by(9).map(|number| {
            let secret: String =
                (0..32).map(|at| char::from(b'A' + u8::try_from((number * 7 + at * at * 5) % 26).unwrap())).collect();
            format!("otpauth://totp/ACME%20Co:TOTP{number:08}?secret={secret}&issuer=ACME%20Co&{}", "x".repeat(number))
        });
        for text in texts.chain([String::new(), "x".repeat(1000), "本".repeat(300), "0".repeat(2000)]) {
            let symbol = Symbol::encode(&text).unwrap();
            let code = qrcode::QrCode::with_error_correction_level(&text, LEVEL).unwrap();
            let modules: Vec<_> = code.to_colors().into_iter().map(|color| color == Color::Dark).collect();
            assert_eq!((symbol.side(), &*symbol.draw().unwrap()), (code.width(), &modules), "{text}");
        }
        assert!(Symbol::encode(&"x".repeat(2954)).is_none());
    }
}
