//! The image of a create, read by an independent decoder.

mod common;

use std::io::Cursor;

use common::Host;
use data_encoding::BASE64;
use keyfob::{Algorithm, Digits, Factor, Uri};
use keyfob_scim::{Settings, qr};

/// The pixels of a PNG, row by row: whether each is dark. It must have this side, and one bit a
/// pixel.
fn pixels(png: &[u8], side: usize) -> Vec<bool> {
    let mut reader = png::Decoder::new(Cursor::new(png)).read_info().unwrap();
    let (width, height) = reader.info().size();
    assert_eq!((width as usize, height as usize), (side, side));
    assert_eq!((reader.info().color_type, reader.info().bit_depth), (png::ColorType::Grayscale, png::BitDepth::One));
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let row = reader.next_frame(&mut bytes).unwrap().line_size;
    let dark = |y: usize, x: usize| bytes[y * row + x / 8] >> (7 - x % 8) & 1 == 0;
    (0..side).flat_map(|y| (0..side).map(move |x| (y, x))).map(|(y, x)| dark(y, x)).collect()
}

/// The text of a QR code.
fn decoded(png: &[u8], side: usize) -> String {
    let dark = pixels(png, side);
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| if dark[y * side + x] { 0 } else { 255 });
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "one code is seen");
    grids[0].decode().unwrap().1
}

/// The side of a PNG.
fn side(png: &[u8]) -> usize {
    png::Decoder::new(Cursor::new(png)).read_info().unwrap().info().width as usize
}

/// The side of a module in pixels, since a code begins with seven dark modules, and the side of the
/// code in modules.
fn module(png: &[u8]) -> (usize, usize) {
    let side = side(png);
    let dark = pixels(png, side);
    let first = dark.iter().position(|dark| *dark).unwrap();
    let (row, from) = (first / side * side, first % side);
    let seven = (from..side).take_while(|x| dark[row + x]).count();
    let until = (0..side).rposition(|x| dark[row + x]).unwrap() + 1;
    (seven / 7, (until - from) * 7 / seven)
}

/// Creates a device, and returns its image and the device.
fn image_of(settings: Settings, kind: &str, user: &str) -> (Vec<u8>, keyfob::Device) {
    let mut host = Host::new(settings);
    let body = serde_json::json!({"type": kind, "user": user});
    let created = host.post("/OtpDevice", &body.to_string()).ok(201);
    let png = BASE64.decode(created["image"].as_str().unwrap().as_bytes()).unwrap();
    (png, host.entry(created["id"].as_i64().unwrap()).device)
}

/// Creates a device, and returns the text of its image and the device.
fn enrolled(settings: Settings, kind: &str, user: &str) -> (String, keyfob::Device) {
    let (png, device) = image_of(settings, kind, user);
    (decoded(&png, 200), device)
}

#[test]
fn image_enrols_the_very_device() {
    for algorithm in Algorithm::ALL {
        for (kind, digits, period) in [("TOTP", 6, 30), ("TOTP", 8, 60), ("HOTP", 6, 30), ("HOTP", 10, 30)] {
            let settings = Settings { algorithm, digits: Digits::new(digits).unwrap(), period, ..Settings::default() };
            let (text, device) = enrolled(settings, kind, "franck");
            let uri = Uri::parse(&text).unwrap();
            assert_eq!((uri.factor(), uri.counter()), (device.factor(), 0), "{text}");
            assert_eq!((device.algorithm(), device.digits().map(Digits::get)), (Some(algorithm), Some(digits)));
            if let Factor::Totp(totp) = device.factor() {
                assert_eq!(totp.period(), period);
            }
            assert_eq!(uri.issuer().to_string(), "keyfob");
            assert_eq!(uri.account().to_string(), format!("{kind}00000001 franck"));
        }
    }
}

#[test]
fn label_is_issuer_name_and_user_with_spaces_as_20() {
    let settings = || Settings { issuer: "ACME Co".to_owned(), ..Settings::default() };
    for (user, label) in [
        ("franck", "otpauth://totp/ACME%20Co:TOTP00000001%20franck?secret="),
        ("José Núñez", "otpauth://totp/ACME%20Co:TOTP00000001%20Jos%C3%A9%20N%C3%BA%C3%B1ez?secret="),
        ("日本語", "otpauth://totp/ACME%20Co:TOTP00000001%20%E6%97%A5%E6%9C%AC%E8%AA%9E?secret="),
        // A colon ends the issuer.
        ("corp:franck", "otpauth://totp/ACME%20Co:TOTP00000001%20corp%20franck?secret="),
        ("a&secret=b#?%", "otpauth://totp/ACME%20Co:TOTP00000001%20a%26secret%3Db%23%3F%25?secret="),
    ] {
        let (text, device) = enrolled(settings(), "TOTP", user);
        assert!(text.starts_with(label), "{text}");
        assert!(text.contains("&issuer=ACME%20Co&") && !text.contains('+'), "{text}");
        assert_eq!(Uri::parse(&text).unwrap().factor(), device.factor());
    }
}

#[test]
fn name_that_is_too_long_for_the_image_is_left_out_of_it() {
    for (user, fits) in [("x".repeat(140), true), ("x".repeat(255), false), ("本".repeat(85), false)] {
        let (text, device) = enrolled(Settings::default(), "TOTP", &user);
        let uri = Uri::parse(&text).unwrap();
        let account = if fits { format!("TOTP00000001 {user}") } else { "TOTP00000001".to_owned() };
        assert_eq!((uri.account().to_string(), uri.factor()), (account, device.factor()));
    }
    for algorithm in Algorithm::ALL {
        // Percent-encoded, it has the most characters without a shorter form in a QR code.
        let (text, device) = enrolled(Settings { algorithm, ..Settings::default() }, "HOTP", &"aé".repeat(85));
        let uri = Uri::parse(&text).unwrap();
        assert_eq!((uri.account().to_string().as_str(), uri.factor()), ("HOTP00000001", device.factor()));
    }
}

#[test]
fn issuer_that_no_image_can_hold_is_refused_before_anything_is_stored() {
    for issuer in ["x".repeat(2000), "a:b".to_owned()] {
        let mut host = Host::new(Settings { issuer, ..Settings::default() });
        assert!(host.post("/OtpDevice", common::TOTP).bad("invalidValue").starts_with("issuer: "));
        assert_eq!(host.get("/OtpDevice").ok(200)["totalResults"], 0);
        host.create(common::SMS);
    }
    let settings = Settings { issuer: String::new(), ..Settings::default() };
    assert!(enrolled(settings, "TOTP", "franck").0.starts_with("otpauth://totp/TOTP00000001%20franck?secret="));
}

/// Readers cannot read smaller modules: see docs/decisions.md.
#[test]
fn modules_have_at_least_three_pixels_and_four_from_version_12_on() {
    let large = |length: usize| qr::encode_png(&"x".repeat(length), qr::Size::MinSidePixels(200)).unwrap();
    // In bytes, the lowest correction: versions 10, 11 and 12 hold 271, 321 and 367.
    for (length, modules, pixels, wide) in
        [(271, 57, 3, 200), (272, 61, 3, 207), (321, 61, 3, 207), (322, 65, 4, 292), (2953, 177, 4, 740)]
    {
        let png = large(length);
        assert_eq!((module(&png), side(&png)), ((pixels, modules), wide), "{length}");
        assert_eq!(decoded(&png, wide), "x".repeat(length));
        let fits = qr::encode_png(&"x".repeat(length), qr::Size::SidePixels(200));
        assert_eq!(fits, (wide == 200).then_some(png), "{length}");
        assert!(qr::encode_png(&"x".repeat(length), qr::Size::ModulePixels(pixels - 1)).is_none());
        assert!(qr::encode_png(&"x".repeat(length), qr::Size::ModulePixels(pixels)).is_some());
    }

    for algorithm in Algorithm::ALL {
        for (issuer, user) in [(6, 60), (6, 255), (100, 1), (200, 255)] {
            let settings = Settings { algorithm, issuer: "i".repeat(issuer), ..Settings::default() };
            let (png, device) = image_of(settings, "TOTP", &"u".repeat(user));
            let (pixels, modules) = module(&png);
            assert!(pixels >= if modules < 65 { 3 } else { 4 }, "{algorithm} {issuer} {user}: {pixels} of {modules}");
            let text = decoded(&png, side(&png));
            let uri = Uri::parse(&text).unwrap();
            assert_eq!(uri.factor(), device.factor());
            // The image grows only after the label has lost its user.
            assert!(side(&png) == 200 || uri.account().to_string() == "TOTP00000001", "{algorithm} {issuer} {user}");
        }
    }
}

#[test]
fn every_image_has_its_quiet_zone() {
    for length in [10, 100, 200, 271] {
        let png = qr::encode_png(&"x".repeat(length), qr::Size::SidePixels(200)).unwrap();
        let dark = pixels(&png, 200);
        let (first, last) = (dark.iter().position(|dark| *dark).unwrap(), dark.iter().rposition(|dark| *dark).unwrap());
        // Modules have at least three pixels, and the quiet zone four modules.
        assert!(first / 200 >= 12 && last / 200 < 188, "{length}");
        assert!((0..200).all(|y| (0..12).all(|x| !dark[y * 200 + x] && !dark[y * 200 + 199 - x])), "{length}");
        assert_eq!(decoded(&png, 200), "x".repeat(length));
    }
    let widest = qr::encode_png("x", qr::Size::SidePixels(qr::MAX_SIDE_PIXELS)).unwrap();
    assert!(
        !pixels(&widest, qr::MAX_SIDE_PIXELS)[0] && qr::encode_png("x", qr::Size::SidePixels(qr::MAX_SIDE_PIXELS + 1)).is_none()
    );
    let png = qr::encode_png("x", qr::Size::ModulePixels(3)).unwrap();
    assert_eq!(decoded(&png, (21 + 2 * qr::QUIET_MODULES) * 3), "x");
}
