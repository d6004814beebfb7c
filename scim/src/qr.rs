//! QR codes as PNG images with one bit per pixel.

use std::iter;

use zeroize::Zeroizing;

use crate::symbol::Symbol;

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

impl Size {
    /// The side of each module and of the image in pixels, for a code of so many modules. None if
    /// it does not fit.
    fn resolve(self, side: usize) -> Option<(usize, usize)> {
        let modules = side.checked_add(2 * QUIET_MODULES)?;
        let fewest = if side < LARGE_CODE_MODULES { MIN_MODULE_PIXELS } else { MIN_LARGE_MODULE_PIXELS };
        let (scale, width) = match self {
            Self::ModulePixels(pixels) => (pixels, modules.checked_mul(pixels)?),
            Self::SidePixels(pixels) => (pixels.checked_div(modules)?, pixels),
            Self::MinSidePixels(pixels) => {
                let width = pixels.max(modules.checked_mul(fewest)?);
                (width.checked_div(modules)?, width)
            }
        };
        (scale >= fewest && width <= MAX_SIDE_PIXELS).then_some((scale, width))
    }
}

/// Whether [`encode_png`] makes an image of a text. Draws nothing.
pub(crate) fn fits(text: &str, size: Size) -> bool {
    Symbol::encode(text).is_some_and(|symbol| size.resolve(symbol.side()).is_some())
}

/// Encodes text as a QR code. None if the text is too long, if it does not fit, or if the side of
/// the image would have more than [`MAX_SIDE_PIXELS`] pixels.
pub fn encode_png(text: &str, size: Size) -> Option<Zeroizing<Vec<u8>>> {
    let symbol = Symbol::encode(text)?;
    let modules = symbol.side();
    let (scale, width) = size.resolve(modules)?;
    let margin = width.checked_sub(modules.checked_mul(scale)?)? / 2;
    let row_bytes = width.div_ceil(8);
    let image_bytes = row_bytes.checked_mul(width)?;
    // 1 is white, as are the bits after the last pixel of a row.
    let mut pixels = Zeroizing::new(Vec::with_capacity(image_bytes));
    pixels.resize(row_bytes.checked_mul(margin)?, u8::MAX);
    let mut line = Zeroizing::new(Vec::with_capacity(row_bytes.checked_mul(8)?));
    for row in symbol.draw()?.chunks_exact(modules) {
        line.clear();
        line.resize(margin, false);
        line.extend(row.iter().flat_map(|is_dark| iter::repeat_n(*is_dark, scale)));
        line.resize(row_bytes.checked_mul(8)?, false);
        let bytes = line.chunks_exact(8).map(|eight| eight.iter().fold(0, |byte, is_dark| byte << 1 | u8::from(!is_dark)));
        let bytes = Zeroizing::new(bytes.collect::<Vec<u8>>());
        (0..scale).for_each(|_| pixels.extend_from_slice(&bytes));
    }
    pixels.resize(image_bytes, u8::MAX);
    let mut bytes = Zeroizing::new(Vec::with_capacity(pixels.len().saturating_add(256)));
    let width = u32::try_from(width).ok()?;
    let mut encoder = png::Encoder::new(&mut *bytes, width, width);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    // Each row is compared with the one above, of which most repeat it.
    encoder.set_compression(png::Compression::Fastest);
    encoder.set_filter(png::Filter::Up);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&pixels).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}
