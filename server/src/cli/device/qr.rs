//! QR codes: drawn in a terminal, or as a PNG.

use std::fmt::Write as _;

use keyfob_scim::qr::{self, Size};
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use zeroize::Zeroizing;

use crate::cli::result::Result;
use crate::file::Wiped;

/// Pixels of a module's side in a PNG.
const MODULE_PIXELS: usize = 8;
const TOO_LONG: &str = "issuer and account: are too long for a QR code; shorten them";

/// Draws with half blocks, two modules a character. Each line ends with a line ending.
///
/// Light modules are the foreground: terminals with light text on a dark ground show them light.
/// With `colour` the two are white and black of the palette that no theme changes, so light
/// terminals show the same.
pub(crate) fn draw(text: &str, colour: bool) -> Result<Zeroizing<String>> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).map_err(|_| TOO_LONG)?;
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

/// Encodes as a PNG.
pub(crate) fn png(text: &str) -> Result<Wiped> {
    qr::encode_png(text, Size::ModulePixels(MODULE_PIXELS)).ok_or_else(|| TOO_LONG.into())
}
