//! The responses of Soffid's examples, reproduced key for key and in their order from a store that
//! holds their devices. Where the examples and the rest of the contract differ, the latter holds: a
//! create has status 201.

mod common;

use common::{Host, Seeded};
use data_encoding::BASE64;
use keyfob::{Algorithm, Device, Digits, Factor, History, Hotp, Kind, Policy, Secret, Status, Totp};
use keyfob_scim::{Entry, Method, Row};
use serde_json::Value;

/// A fixture of `tests/soffid`.
macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("soffid/", $name, ".json"))
    };
}

/// 2022-02-22 07:46:51, when the example's device was created.
const CREATED: u64 = 1_645_516_011;

/// JSON without the white space between its tokens.
fn compact(json: &str) -> String {
    let mut is_quoted = false;
    let keep = |char: &char| {
        is_quoted ^= *char == '"';
        is_quoted || !char.is_whitespace()
    };
    json.chars().filter(keep).collect()
}

fn row(id: i64, name: &str, kind: Kind, user: &str, status: Status, created: u64) -> Row {
    Row {
        id,
        name: name.to_owned(),
        user: user.to_owned(),
        email: None,
        phone: None,
        external_id: None,
        deleted: false,
        kind,
        status,
        fails: 0,
        created,
        last_used: None,
        last_modified: created,
    }
}

/// The entry of these columns, with a device that matches them.
fn entry(row: Row) -> Entry {
    let hotp = Hotp::new(Secret::random(Algorithm::Sha1, &mut Seeded::default()).unwrap()).with_digits(Digits::SIX);
    let factor = match row.kind {
        Kind::Totp => Factor::Totp(Totp::from_hotp(hotp)),
        Kind::Hotp => Factor::Hotp(hotp),
        Kind::Sms => Factor::Sms(hotp),
        Kind::Email => Factor::Email(hotp),
        Kind::Pin => {
            Device::pin(keyfob::Pin::new(b"123456789").unwrap(), &Policy::default(), row.created).unwrap().factor().clone()
        }
        Kind::Recovery => unreachable!("Soffid has no such devices"),
    };
    let history =
        History { status: row.status, fails: row.fails, last_counter: None, created: row.created, last_used: row.last_used };
    Entry { device: Device::restore(factor, history).unwrap(), version: 7, row }
}

/// A host that knows the examples' devices, 25 in all, of which 7 are TOTP.
fn host() -> Host {
    let mut host = Host { now: CREATED, ..Host::default() };
    let first = row(4_022_880, "TOTP00000001", Kind::Totp, "franck", Status::Disabled, 1_634_193_883);
    let second = row(4_024_384, "Email message to pg*****@so****.co*", Kind::Email, "patricia", Status::Disabled, 1_634_200_658);
    let third = row(4_024_416, "SMS message to 66*****44", Kind::Sms, "agatha", Status::Validated, 1_634_210_272);
    let mut rows = vec![
        Row { last_used: Some(1_634_194_620), ..first },
        Row { email: Some("patricia@soffid.com".to_owned()), ..second },
        Row { phone: Some("666555444".to_owned()), ..third },
    ];
    rows.extend((2..=6).map(|number: u32| {
        let (id, name) = (4_100_000 + i64::from(number), format!("TOTP{number:08}"));
        row(id, &name, Kind::Totp, "franck", Status::Validated, 1_634_300_000)
    }));
    rows.extend(
        (1..=16).map(|number| row(4_200_000 + number, "Security PIN", Kind::Pin, "agatha", Status::Created, 1_634_400_000)),
    );
    rows.push(row(5_007_881, "TOTP00000034", Kind::Totp, "franck", Status::Created, 1_645_000_000));
    for row in rows {
        host.store.memory.put(entry(row));
    }
    host
}

/// A host that has the example's device of the administrator as well.
fn host_with_device() -> Host {
    let mut host = host();
    host.store.memory.put(entry(row(5_007_882, "TOTP00000035", Kind::Totp, "admin", Status::Created, CREATED)));
    host
}

#[test]
fn list_responds_as_the_example() {
    let reply = host().get("/OtpDevice");
    let body = reply.ok(200);
    assert_eq!(body["Resources"].as_array().unwrap().len(), 25);
    // The example leaves out the devices after the third.
    let expected = compact(fixture!("list"));
    let beginning = expected.strip_suffix("]}").unwrap();
    assert_eq!(&reply.0.text()[..beginning.len()], beginning);
    assert!(reply.0.text()[beginning.len()..].starts_with(",{"));
}

#[test]
fn list_by_filter_responds_as_the_example() {
    for filter in ["type%20eq%20%22TOTP%22", "type+eq+%22TOTP%22", "type%20eq%20'TOTP'"] {
        let reply = host().get(&format!("/OtpDevice?filter={filter}"));
        assert_eq!(reply.ok(200)["Resources"].as_array().unwrap().len(), 7);
        let expected = compact(fixture!("filter"));
        let beginning = expected.strip_suffix("]}").unwrap();
        assert_eq!(&reply.0.text()[..beginning.len()], beginning);
    }
}

#[test]
fn get_responds_as_the_example() {
    let reply = host_with_device().get("/OtpDevice/5007882");
    assert_eq!(reply.ok(200), serde_json::from_str::<Value>(fixture!("get")).unwrap());
    assert_eq!(reply.0.text(), compact(fixture!("get")));
}

#[test]
fn create_responds_as_the_example_with_an_image_of_its_own() {
    let mut host = host();
    let reply = host.post("/OtpDevice", fixture!("create.request"));
    let body = reply.ok(201);
    assert_eq!(reply.header("location"), body["meta"]["location"].as_str());
    let image = body["image"].as_str().unwrap();
    assert_eq!(reply.0.text().replace(image, "(a PNG in Base64)"), compact(fixture!("create")));

    let png = BASE64.decode(image.as_bytes()).unwrap();
    let reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let info = reader.info();
    assert_eq!((info.width, info.height), (200, 200));
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Grayscale, png::BitDepth::One));
    // A read returns the device of the other example, without the image.
    assert_eq!(host.get("/OtpDevice/5007882").0.text(), compact(fixture!("get")));
}

#[test]
fn create_accepts_the_examples_for_sms_and_email() {
    let mut host = host();
    let sms = host.post("/OtpDevice", fixture!("sms.request")).ok(201);
    assert_eq!((&sms["name"], &sms["phone"]), (&"SMS message to 66******22".into(), &"6665552222".into()));
    let email = host.post("/OtpDevice", fixture!("email.request")).ok(201);
    assert_eq!((&email["name"], &email["email"]), (&"Email message to di*****@so****.co*".into(), &"dilbert@soffid.com".into()));
    assert!(sms.get("image").is_none() && email.get("image").is_none());
}

#[test]
fn patch_responds_as_the_example() {
    let mut host = host_with_device();
    let reply = host.patch(5_007_882, fixture!("patch.request"));
    assert_eq!(reply.ok(200), serde_json::from_str::<Value>(fixture!("patch")).unwrap());
    assert_eq!(reply.0.text(), compact(fixture!("patch")));
    assert_eq!(host.get("/OtpDevice/5007882").0.text(), compact(fixture!("patch")));
}

#[test]
fn request_challenge_responds_as_the_example() {
    let mut host = host();
    // With as many digits as the name in the example.
    let id = host.create(&fixture!("sms.request").replace("6665552222", "666555222"));
    assert_eq!(host.challenge(id).0.text(), compact(fixture!("request-challenge")));
    // The examples have a doubled slash.
    assert_eq!(host.get(&format!("//OtpDevice//{id}/requestChallenge")).0.text(), compact(fixture!("request-challenge")));
}

#[test]
fn response_challenge_responds_as_the_example() {
    let mut host = host_with_device();
    let reply = host.post("/OtpDevice/5007882/responseChallenge", fixture!("response-challenge.request"));
    assert_eq!(reply.0.status, 200);
    assert_eq!(reply.0.text(), compact(fixture!("response-challenge")));
}

#[test]
fn delete_responds_204_without_a_body_and_the_device_stays_disabled() {
    let mut host = host_with_device();
    let reply = host.send(Method::Delete, "/OtpDevice/5007882", "");
    assert_eq!((reply.0.status, reply.0.text()), (204, ""));
    let expected = compact(fixture!("get")).replace(r#""status":"C""#, r#""status":"D""#);
    assert_eq!(host.get("/OtpDevice/5007882").0.text(), expected);
}
