//! QR codes: drawn in a terminal, or as a PNG.

use std::fmt::Write as _;

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use zeroize::Zeroizing;

use crate::Result;
use crate::input::Wiped;

/// Light modules around the code, on each side (ISO/IEC 18004 section 9.1).
const QUIET: usize = 4;
/// Pixels of a module's side in a PNG: a module is then one byte of a row, and the smallest code has 232 pixels.
const SCALE: usize = 8;

/// Draws with half blocks, two modules a character, with a line ending behind each line.
///
/// Light modules are the foreground, so that terminals of light text on a dark ground show them light. With `colour` the two are
/// fixed white and black, from the part of the palette that no theme changes, and light terminals show the same.
pub(crate) fn draw(text: &str, colour: bool) -> Result<Zeroizing<String>> {
    let code = encode(text)?;
    let mut renderer = code.render();
    let image = Zeroizing::new(renderer.dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).quiet_zone(true).build());
    let mut drawing = Zeroizing::new(String::with_capacity(image.len().saturating_mul(2)));
    for line in image.lines() {
        if colour {
            writeln!(drawing, "\x1b[38;5;231;48;5;16m{line}\x1b[0m")?;
        } else {
            writeln!(drawing, "{line}")?;
        }
    }
    Ok(drawing)
}

/// Encodes as a PNG of one bit a pixel: 0 is black, 1 is white.
pub(crate) fn png(text: &str) -> Result<Wiped> {
    let code = encode(text)?;
    let side = code.width().saturating_add(2 * QUIET);
    let mut modules = Zeroizing::new(vec![0xff_u8; side.saturating_mul(side)]);
    let rows = modules.chunks_exact_mut(side).skip(QUIET);
    for (row, colors) in rows.zip(code.to_colors().chunks_exact(code.width())) {
        for (module, color) in row.iter_mut().skip(QUIET).zip(colors) {
            *module = color.select(0x00, 0xff);
        }
    }
    let mut pixels = Zeroizing::new(Vec::with_capacity(modules.len().saturating_mul(SCALE)));
    for row in modules.chunks_exact(side) {
        (0..SCALE).for_each(|_| pixels.extend_from_slice(row));
    }

    let mut bytes = Zeroizing::new(Vec::with_capacity(pixels.len()));
    let width = u32::try_from(side.saturating_mul(SCALE))?;
    let mut encoder = png::Encoder::new(&mut *bytes, width, width);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(bytes)
}

fn encode(text: &str) -> Result<QrCode> {
    QrCode::new(text).map_err(|_| "issuer and account: are too long for a QR code; shorten them".into())
}
