//! `make bench-image`: compares an image with one by the crates `qrcode` and `png` with their
//! defaults, and creates that have an image with creates that have none, in the same run.

#[path = "../../benches/common/mod.rs"]
#[expect(dead_code, reason = "the benches of the engine use the rest")]
mod common;

use std::hint::black_box;

use common::{NOW, case, heading, table};
use keyfob_scim::{MemoryStore, Method, Request, Roles, Service, Settings, qr};
use qrcode::{EcLevel, QrCode};

const URI: &str = "otpauth://totp/keyfob:TOTP00000001%20franck?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=keyfob&algorithm=SHA1&digits=6&period=30";
const SIDE_PIXELS: u32 = 200;

/// The image by the defaults of the crates, each module a pixel.
fn by_defaults(text: &str) -> Vec<u8> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).unwrap();
    let scale = SIDE_PIXELS as usize / (code.width() + 2 * qr::QUIET_MODULES);
    let margin = (SIDE_PIXELS as usize - code.width() * scale) / 2;
    let module = |pixel: usize| pixel.checked_sub(margin).map(|pixel| pixel / scale).filter(|module| *module < code.width());
    let mut pixels = vec![u8::MAX; (SIDE_PIXELS * SIDE_PIXELS / 8) as usize];
    for y in 0..SIDE_PIXELS as usize {
        for x in 0..SIDE_PIXELS as usize {
            if module(x).zip(module(y)).is_some_and(|module| code[module] == qrcode::Color::Dark) {
                pixels[(y * SIDE_PIXELS as usize + x) / 8] &= !(0x80 >> (x % 8));
            }
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIDE_PIXELS, SIDE_PIXELS);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    bytes
}

fn encode(text: &str) -> Vec<u8> {
    qr::encode_png(black_box(text), qr::Size::SidePixels(SIDE_PIXELS as usize)).unwrap().to_vec()
}

fn create(query: &str, body: &str) {
    let service = Service::new(Settings::default(), getrandom::SysRng);
    let request = Request::new(Method::Post, "/OtpDevice", NOW).with_query(query).with_roles(Roles::ALL);
    let response = service.run(request.with_json(body.as_bytes()), &mut MemoryStore::default());
    assert_eq!(response.status, 201);
}

fn main() {
    heading();
    println!("bytes of an image: {} here, {} by the defaults", encode(URI).len(), by_defaults(URI).len());
    table(
        "an image of 200 x 200 pixels",
        vec![
            case("keyfob", || encode(URI)),
            case("qrcode and png with their defaults", || by_defaults(URI)),
            case("of these, the QR code", || QrCode::with_error_correction_level(black_box(URI), EcLevel::L)),
        ],
    );
    let totp = r#"{"type": "TOTP", "user": "franck"}"#;
    table(
        "a create, its store in memory",
        vec![
            case("TOTP with its image", || create("", totp)),
            case("TOTP without", || create("excludedAttributes=image", totp)),
            case("SMS", || create("", r#"{"type": "SMS", "user": "franck", "phone": "666555444"}"#)),
        ],
    );
}
