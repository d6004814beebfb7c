//! QR codes as PNG images of one bit a pixel.

use qrcode::{EcLevel, QrCode};
use zeroize::Zeroizing;

/// Light modules around the code, on each side (ISO/IEC 18004 section 9.1).
pub const QUIET_MODULES: usize = 4;

/// The longest side of an image, in pixels.
pub const MAX_SIDE_PIXELS: usize = 8192;

/// The smallest side of a module that readers can read, in pixels.
const MIN_MODULE_PIXELS: usize = 3;
/// The same for codes of version 12 and above: some readers cannot read smaller modules of these.
const MIN_LARGE_MODULE_PIXELS: usize = 4;
/// The side of a code of version 12, in modules (ISO/IEC 18004 section 7.3).
const LARGE_CODE_MODULES: usize = 65;

/// How large an image is. A module has at least 3 pixels a side, and at least 4 from version 12 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Each module has this many pixels a side.
    ModulePixels(usize),
    /// The image has this many pixels a side, and modules as large as fit.
    SidePixels(usize),
    /// The image has so many pixels a side if its modules fit, or else as many as its smallest
    /// modules need.
    MinSidePixels(usize),
}

/// Draws `text` as a QR code. None if it is too long, does not fit, or would have more than
/// [`MAX_SIDE_PIXELS`] pixels a side.
pub fn encode_png(text: &str, size: Size) -> Option<Zeroizing<Vec<u8>>> {
    // A screen is not scratched: the lowest level of correction leaves the most pixels for each
    // module.
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let modules = code.width().checked_add(2 * QUIET_MODULES)?;
    let fewest = if code.width() < LARGE_CODE_MODULES { MIN_MODULE_PIXELS } else { MIN_LARGE_MODULE_PIXELS };
    let (scale, width) = match size {
        Size::ModulePixels(pixels) => (pixels, modules.checked_mul(pixels)?),
        Size::SidePixels(pixels) => (pixels.checked_div(modules)?, pixels),
        Size::MinSidePixels(pixels) => {
            let width = pixels.max(modules.checked_mul(fewest)?);
            (width.checked_div(modules)?, width)
        }
    };
    if scale < fewest || width > MAX_SIDE_PIXELS {
        return None;
    }
    let margin = width.checked_sub(code.width().checked_mul(scale)?)? / 2;
    let colors = Zeroizing::new(code.to_colors().into_iter().map(|color| color.select(0_u8, 1)).collect::<Vec<u8>>());
    let module = |x: usize, y: usize| -> u8 {
        let at = |pixel: usize| pixel.checked_sub(margin)?.checked_div(scale).filter(|at| *at < code.width());
        let index = |x: usize, y: usize| y.checked_mul(code.width())?.checked_add(x);
        at(x).zip(at(y)).and_then(|(x, y)| colors.get(index(x, y)?).copied()).unwrap_or(1)
    };
    let mut pixels = Zeroizing::new(Vec::with_capacity(width.div_ceil(8).checked_mul(width)?));
    for y in 0..width {
        for from in (0..width).step_by(8) {
            // 1 is white; what stands behind the last pixel of a row is white too.
            pixels.push((from..from.saturating_add(8)).fold(0, |byte, x| byte << 1 | module(x, y)));
        }
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(pixels.len().saturating_add(256)));
    let width = u32::try_from(width).ok()?;
    let mut encoder = png::Encoder::new(&mut *bytes, width, width);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&pixels).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}
