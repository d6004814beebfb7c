//! QR codes as PNG images with one bit per pixel.

use qrcode::{EcLevel, QrCode};
use zeroize::Zeroizing;

/// The width of the light margin on each side of the code, in modules (ISO/IEC 18004 section 9.1).
pub const QUIET_MODULES: usize = 4;

/// The longest side of an image, in pixels.
pub const MAX_SIDE_PIXELS: usize = 8192;

/// The smallest side of a module that readers can read, in pixels.
const MIN_MODULE_PIXELS: usize = 3;
/// The same for codes of version 12 and above: some readers cannot read smaller modules of these.
const MIN_LARGE_MODULE_PIXELS: usize = 4;
/// The side of a code of version 12, in modules (ISO/IEC 18004 section 7.3).
const LARGE_CODE_MODULES: usize = 65;

/// The size of an image. The side of a module has at least 3 pixels, and at least 4 in codes of
/// version 12 and above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// The side of each module, in pixels.
    ModulePixels(usize),
    /// The side of the image, in pixels. The modules are as large as fit.
    SidePixels(usize),
    /// The smallest side of the image, in pixels. The image grows if its smallest modules do not
    /// fit.
    MinSidePixels(usize),
}

/// Encodes text as a QR code. None if the text is too long, if it does not fit, or if the side of
/// the image would have more than [`MAX_SIDE_PIXELS`] pixels.
pub fn encode_png(text: &str, size: Size) -> Option<Zeroizing<Vec<u8>>> {
    // The lowest level of error correction, which makes the largest modules: a screen has no
    // scratches.
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
            // 1 is white, as are the bits after the last pixel of a row.
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
