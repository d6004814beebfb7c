//! The QR codes of a PNG image.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use png::{ColorType, Decoder, Limits, Transformations};
use rqrr::PreparedImage;
use zeroize::Zeroizing;

use crate::file::Wiped;

/// The most pixels of an image: more than a screen has. The reader of QR codes takes long on larger
/// ones that are full of what looks like the corners of codes.
const MAX_PIXELS: usize = 16 << 20;
/// The most memory for the decoder of an image, beside its pixels.
const MAX_DECODER_BYTES: usize = 64 << 20;
/// The most characters of a QR code.
const MAX_TEXT_BYTES: usize = 8 * 1024;

/// The beginning of every PNG image.
pub(super) const PNG_SIGNATURE: &[u8] = b"\x89PNG";

/// Appends the texts of all QR codes of an image, one a line. The room must suffice: growing would
/// leave copies of secrets behind.
///
/// Errors: a message for people.
pub(super) fn append_texts(image: &[u8], texts: &mut Wiped) -> Result<(), String> {
    let (width, height, pixels) = pixels(image)?;
    // The library reads what a file holds, and may panic.
    let decode = || decode(width, height, &pixels);
    let codes = catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|_| vec![None]);
    if codes.is_empty() {
        return Err("holds no QR code that can be read; save it larger, and without a frame close to the code".to_owned());
    }
    let mut all = Vec::with_capacity(codes.len());
    for code in codes {
        all.push(code.ok_or("holds a QR code that cannot be read; save it larger, or scan it again")?);
    }
    for text in all {
        let mut longer = Zeroizing::new(Vec::with_capacity(texts.len().saturating_add(text.len()).saturating_add(1)));
        longer.extend_from_slice(texts);
        longer.extend_from_slice(&text);
        longer.push(b'\n');
        *texts = longer;
    }
    Ok(())
}

/// The texts of the QR codes; none for one that cannot be read.
fn decode(width: usize, height: usize, pixels: &[u8]) -> Vec<Option<Wiped>> {
    let light = |x: usize, y: usize| {
        let at = y.saturating_mul(width).saturating_add(x);
        pixels.get(at).copied().unwrap_or(u8::MAX)
    };
    let mut image = PreparedImage::prepare_from_greyscale(width, height, light);
    let texts = image.detect_grids().into_iter().map(|grid| {
        let mut text = Zeroizing::new(Vec::with_capacity(MAX_TEXT_BYTES));
        grid.decode_to(&mut *text).ok().map(|_| text)
    });
    texts.collect()
}

/// Width, height, and how light each pixel is.
fn pixels(image: &[u8]) -> Result<(usize, usize, Wiped), String> {
    let damaged = |error: png::DecodingError| format!("is no good PNG image: {error}");
    let mut decoder = Decoder::new_with_limits(Cursor::new(image), Limits { bytes: MAX_DECODER_BYTES });
    decoder.set_transformations(Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(damaged)?;
    let size = |side: u32| usize::try_from(side).unwrap_or(usize::MAX);
    let (width, height) = (size(reader.info().width), size(reader.info().height));
    if width.saturating_mul(height) > MAX_PIXELS {
        return Err(format!("is an image of more than {MAX_PIXELS} pixels; cut it to its QR codes"));
    }
    let length = reader.output_buffer_size().ok_or("is too large an image")?;
    let mut buffer = Zeroizing::new(vec![0; length]);
    let frame = reader.next_frame(&mut buffer).map_err(damaged)?;
    let samples = frame.color_type.samples();
    let light = |pixel: &[u8]| match (frame.color_type, pixel) {
        (ColorType::GrayscaleAlpha, &[gray, alpha]) => over_white(gray, alpha),
        (ColorType::Rgb, &[red, green, blue]) => mean(red, green, blue),
        (ColorType::Rgba, &[red, green, blue, alpha]) => over_white(mean(red, green, blue), alpha),
        (_, pixel) => pixel.first().copied().unwrap_or(u8::MAX),
    };
    let pixels = buffer.chunks_exact(samples.max(1)).map(light).collect();
    Ok((width, height, Zeroizing::new(pixels)))
}

fn mean(red: u8, green: u8, blue: u8) -> u8 {
    let sum = u16::from(red).saturating_add(green.into()).saturating_add(blue.into());
    u8::try_from(sum / 3).unwrap_or(u8::MAX)
}

/// A pixel that is partly transparent, on white.
fn over_white(light: u8, alpha: u8) -> u8 {
    let dark = u16::from(u8::MAX.saturating_sub(light)).saturating_mul(alpha.into()) / 255;
    u8::MAX.saturating_sub(u8::try_from(dark).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyfob_scim::qr;

    #[test]
    fn texts_of_an_image_are_those_of_its_codes() {
        let uri = "otpauth://totp/alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        let image = qr::encode_png(uri, qr::Size::SidePixels(300)).unwrap();
        let mut texts = Zeroizing::default();
        append_texts(&image, &mut texts).unwrap();
        append_texts(&image, &mut texts).unwrap();
        assert_eq!(texts.as_slice(), format!("{uri}\n{uri}\n").as_bytes());
    }

    #[test]
    fn wrong_image_is_refused_with_what_to_do() {
        let image = qr::encode_png("hello", qr::Size::SidePixels(300)).unwrap();
        let refused = |bytes: &[u8]| append_texts(bytes, &mut Zeroizing::default()).unwrap_err();
        assert!(refused(&image[..60]).starts_with("is no good PNG image"));
        assert!(refused(b"hello").starts_with("is no good PNG image"));
        let mut blank = Vec::new();
        let mut encoder = png::Encoder::new(&mut blank, 64, 64);
        encoder.set_color(ColorType::Rgba);
        encoder.write_header().unwrap().write_image_data(&[0; 4 * 64 * 64]).unwrap();
        assert!(refused(&blank).starts_with("holds no QR code"), "{}", refused(&blank));
    }

    #[test]
    fn transparent_pixels_are_light() {
        for (light, alpha, seen) in [(0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 128, 127)] {
            assert_eq!(over_white(light, alpha), seen);
        }
        assert_eq!((mean(0, 0, 0), mean(255, 255, 255)), (0, 255));
    }
}
