//! Malformed requests: addresses, methods, media types, bodies and URLs. And errors and `Debug`,
//! which show no secret.

mod common;

use common::{Host, PIN, SMS, TOTP};
use keyfob_scim::{Event, Method, Naming, Request, Route, Step, Store, qr};

#[test]
fn unsupported_endpoints_are_refused_as_the_rfc_says() {
    let mut host = Host::default();
    for method in [Method::Get, Method::Post, Method::Put, Method::Delete] {
        host.send(method, "/Me", "").refused(501, None);
        host.send(method, "/Bulk", "").refused(501, None);
    }
    for path in ["/Schemas", "/ResourceTypes", "/ServiceProviderConfig"] {
        host.get(path).ok(200);
        host.get(&format!("{path}?filter=id%20pr")).refused(403, None);
    }
}

#[test]
fn missing_address_is_404() {
    let mut host = Host::default();
    let id = host.create(TOTP);
    for path in [
        "/Users",
        "/Bulk/1",
        "/otpdevice",
        "/OtpDevice/x",
        "/OtpDevice/0",
        "/OtpDevice/01",
        "/OtpDevice/1x",
        "/OtpDevice/-1",
        "/OtpDevice/+1",
        "/OtpDevice/1.0",
        "/OtpDevice/1%20",
        "/OtpDevice/9223372036854775808",
        "/OtpDevice/99999999999999999999999",
        "/OtpDevice/1/challenge",
        "/OtpDevice/1/requestChallenge/1",
        "/OtpDevice/1/requestchallenge",
        "/OtpDevice/.search/1",
        "/ServiceProviderConfig/1",
        "/ResourceTypes/User",
        "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User",
        // An encoded slash separates nothing: a proxy that guards paths saw none.
        "/OtpDevice%2F1",
        "/OtpDevice/1%2FrequestChallenge",
        "/%2e%2e/OtpDevice",
        "/OtpDevice/%00",
    ] {
        for method in [Method::Get, Method::Post, Method::Delete] {
            if path.starts_with("/ResourceTypes/") || path.starts_with("/Schemas/") {
                host.get(path).refused(404, None);
            } else {
                host.send(method, path, "").refused(404, None);
            }
        }
    }
    let missing = format!("/OtpDevice/{}", id + 1);
    for (method, path, body) in [
        (Method::Get, missing.clone(), ""),
        (Method::Put, missing.clone(), "{}"),
        (Method::Patch, missing.clone(), r#"{"Operations": [{"op": "remove", "path": "externalId"}]}"#),
        (Method::Delete, missing.clone(), ""),
        (Method::Get, format!("{missing}/requestChallenge"), ""),
        (Method::Post, format!("{missing}/responseChallenge"), r#"{"pin": "987654"}"#),
        (Method::Post, format!("{missing}/resync"), r#"{"pin": "987654", "nextPin": "987654"}"#),
        (Method::Post, format!("{missing}/renewCodes"), ""),
    ] {
        let detail = host.send(method, &path, body).refused(404, None);
        assert_eq!(detail, format!("there is no OtpDevice {}", id + 1));
    }
    // Encoded letters are letters, and repeated slashes count as one.
    host.get(&format!("//%4FtpDevice//{id}/")).ok(200);
}

#[test]
fn other_method_is_405_with_the_allowed_ones() {
    let mut host = Host::default();
    let id = host.create(TOTP);
    let device = format!("/OtpDevice/{id}");
    for (path, allowed) in [
        ("/", "GET, HEAD"),
        ("/OtpDevice", "GET, HEAD, POST"),
        ("/OtpDevice/.search", "POST"),
        (device.as_str(), "GET, HEAD, PUT, PATCH, DELETE"),
        (&format!("{device}/requestChallenge"), "GET, POST"),
        (&format!("{device}/responseChallenge"), "POST"),
        (&format!("{device}/resync"), "POST"),
        (&format!("{device}/renewCodes"), "POST"),
        ("/ServiceProviderConfig", "GET, HEAD"),
        ("/ResourceTypes", "GET, HEAD"),
        ("/Schemas", "GET, HEAD"),
    ] {
        for (method, name) in [
            (Method::Get, "GET"),
            (Method::Head, "HEAD"),
            (Method::Post, "POST"),
            (Method::Put, "PUT"),
            (Method::Patch, "PATCH"),
            (Method::Delete, "DELETE"),
        ] {
            if allowed.split(", ").any(|method| method == name) {
                continue;
            }
            let before = host.entry(id);
            let reply = host.send(method, path, "{}");
            assert!(reply.refused(405, None).contains(allowed));
            assert_eq!((reply.header("allow"), host.entry(id)), (Some(allowed), before), "{name} {path}");
            assert_eq!(name.parse(), Ok(method));
        }
    }
    for name in ["OPTIONS", "get", "BREW", ""] {
        assert_eq!(name.parse::<Method>().unwrap_err().status, 405, "{name}");
    }
    // An unknown method is refused like one that the address does not take, if there is such an
    // address.
    let refused = |path: &str| common::Reply(Route::from_path(path).method_not_allowed());
    let reply = refused(&device);
    assert!(reply.refused(405, None).contains("HEAD, PUT"));
    assert_eq!(reply.header("allow"), Some("GET, HEAD, PUT, PATCH, DELETE"));
    refused("/Users").refused(404, None);
    refused("/OtpDevice/%zz").bad("invalidSyntax");
}

#[test]
fn each_operation_has_a_name_for_the_metrics_of_a_host() {
    for (method, path, name) in [
        (Some(Method::Post), "/OtpDevice", "create"),
        (Some(Method::Post), "/OtpDevice/", "create"),
        (Some(Method::Get), "/OtpDevice", "list"),
        (None, "/OtpDevice", "list"),
        (Some(Method::Post), "/OtpDevice/.search", "list"),
        (Some(Method::Get), "/OtpDevice/7", "device"),
        (Some(Method::Get), "/OtpDevice/7/requestChallenge", "requestChallenge"),
        (Some(Method::Post), "/OtpDevice/7/responseChallenge", "responseChallenge"),
        (Some(Method::Post), "/OtpDevice/7/resync", "resync"),
        (Some(Method::Post), "/OtpDevice/7/renewCodes", "renewCodes"),
        (Some(Method::Get), "/ResourceTypes/OtpDevice", "discovery"),
        (Some(Method::Get), "/Schemas", "discovery"),
        (Some(Method::Get), "/OtpDevice/x", "unknown"),
        (Some(Method::Get), "/%zz", "unknown"),
        (Some(Method::Get), "/", "list"),
        (Some(Method::Get), "", "list"),
        (Some(Method::Head), "/OtpDevice/7", "device"),
        (Some(Method::Post), "/Bulk", "unknown"),
    ] {
        assert_eq!(Route::from_path(path).operation(method), name, "{method:?} {path}");
    }
}

/// Each operation that reads a body.
fn with_bodies(id: i64) -> [(Method, String); 6] {
    let device = format!("/OtpDevice/{id}");
    [
        (Method::Post, "/OtpDevice".to_owned()),
        (Method::Post, "/OtpDevice/.search".to_owned()),
        (Method::Put, device.clone()),
        (Method::Patch, device.clone()),
        (Method::Post, format!("{device}/responseChallenge")),
        (Method::Post, format!("{device}/resync")),
    ]
}

#[test]
fn other_media_type_is_415() {
    let mut host = Host::default();
    let id = host.create(PIN);
    let before = host.entry(id);
    for (method, path) in with_bodies(id) {
        for wrong in ["text/plain", "application/x-www-form-urlencoded", "application/json-patch+json", "json", "", "?"] {
            host.send_typed(method, &path, Some(wrong), br#"{"pin": "123456789"}"#).refused(415, None);
        }
        for charset in ["utf-16", "\"utf-16\"", "ISO-8859-1", "utf-8; charset=utf-16", "", "\"\""] {
            for parameter in ["charset", " CharSet"] {
                let wrong = format!("application/json;{parameter}={charset}");
                host.send_typed(method, &path, Some(&wrong), br#"{"pin": "123456789"}"#).refused(415, None);
            }
        }
        // As JSON, these have nothing that this operation takes.
        for right in [
            "application/json",
            "application/scim+json",
            "Application/SCIM+JSON; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/json; profile=x; Charset=Utf8",
            " application/json ;x",
        ] {
            host.send_typed(method, &path, Some(right), b"[]").bad("invalidSyntax");
        }
        host.send_typed(method, &path, None, b"[]").bad("invalidSyntax");
    }
    assert_eq!(host.entry(id), before);
}

#[test]
fn body_that_is_no_json_object_is_refused_and_never_quoted() {
    let mut host = Host::default();
    let id = host.create(PIN);
    let before = host.entry(id);
    let deep = "[".repeat(100_000);
    for (method, path) in with_bodies(id) {
        for body in [
            &b""[..],
            b"   ",
            b"123456789",
            br#""123456789""#,
            br#"["123456789"]"#,
            b"null",
            b"{",
            br#"{"pin": "123456789"#,
            br#"{"pin": "123456789\q"}"#,
            br#"{"pin": 123456789x}"#,
            br#"{"pin": "123456789"} 123456789"#,
            br#"{123456789: "pin"}"#,
            b"pin=123456789",
            b"{\"pin\": \"123456789\xff\"}",
            b"{\"pin\": \"123456789\n\"}",
            deep.as_bytes(),
        ] {
            let detail = host.send_typed(method, &path, Some("application/json"), body).bad("invalidSyntax");
            assert!(!detail.contains("12345") && detail.len() < 100, "{detail}");
        }
    }
    assert_eq!(host.entry(id), before);
}

#[test]
fn name_that_may_be_a_misplaced_pin_is_not_repeated() {
    let mut host = Host::default();
    let id = host.create(PIN);
    let long = "x".repeat(10_000);
    for name in ["123456789", "pin 123456789", "1é", "<b>pin</b>", &long] {
        let body = format!(r#"{{"{name}": "pin"}}"#);
        let mut details: Vec<String> =
            with_bodies(id).into_iter().map(|(method, path)| host.send(method, &path, &body).bad("invalidSyntax")).collect();
        details.push(host.replace(id, name, "x").bad("invalidPath"));
        details.push(host.patch(id, &format!(r#"{{"Operations": [{{"op": "add", "value": {body}}}]}}"#)).bad("invalidPath"));
        details.push(host.patch(id, &format!(r#"{{"Operations": [{{"op": "add", "{name}": 1}}]}}"#)).bad("invalidSyntax"));
        for detail in details {
            assert!(!detail.contains(name) && detail.contains("of that name"), "{detail}");
        }
    }
}

#[test]
fn url_with_a_bad_encoding_is_refused() {
    let mut host = Host::default();
    host.create(TOTP);
    for url in [
        "/OtpDevice%",
        "/OtpDevice%4",
        "/OtpDevice/%zz",
        "/OtpDevice/%C3",
        "/OtpDevice/%ff%fe",
        "/OtpDevice?filter=%",
        "/OtpDevice?filter=user%20eq%20%2",
        "/OtpDevice?filter=%+1",
        "/OtpDevice?%gg=1",
        "/OtpDevice?filter=%ed%a0%80",
        "/OtpDevice?count=1&count=1",
        "/OtpDevice?count=1&co%75nt=2",
        "/OtpDevice?filter=user+pr&filter",
        "/OtpDevice?x=%zz",
    ] {
        host.get(url).bad("invalidSyntax");
    }
    // Unknown parameters are ignored, and a name may be encoded.
    for url in ["/OtpDevice?", "/OtpDevice?&&", "/OtpDevice?x=1&y", "/OtpDevice?co%75nt=1", "/OtpDevice?filter=user%3D=1"] {
        let reply = host.get(url);
        assert!(reply.0.status == 200 || url.contains("filter"), "{url}");
    }
}

#[test]
fn debug_shows_no_code_no_pin_and_no_verdict() {
    let mut host = Host::default();
    let id = host.create(SMS);
    let code = host.right(id);
    let body = format!(r#"{{"pin": "{code}"}}"#);
    let path = format!("/OtpDevice/{id}/responseChallenge");
    let request = Request::new(Method::Post, &path, host.now).with_roles(keyfob_scim::Roles::ALL).with_json(body.as_bytes());
    assert_eq!(request.content_type, Some("application/json"));
    let bytes = format!("{:?}", code.as_bytes());
    let bytes = bytes.trim_matches(['[', ']']);
    let shows = |text: &str| text.contains(&code) || text.contains(bytes) || text.contains("fails") || text.contains("right");
    assert!(!shows(&format!("{request:?}")) && format!("{request:?}").contains(&format!("ResponseChallenge({id})")));
    assert!(!shows(&format!("{:?}", host.store.memory)));

    let Step::Get { id, then, .. } = host.service.handle(request) else { panic!("the device is read first") };
    let step = then(host.store.get(id).unwrap());
    assert_eq!(format!("{step:?}"), "Swap(..)");
    let Step::Swap { swap, then } = step else { panic!("then it is stored") };
    assert!(!shows(&format!("{swap:?}")), "{swap:?}");
    let Step::Done(response) = then(true) else { panic!("then it is answered") };
    assert!(!format!("{response:?}").contains("success"), "{response:?}");
    assert!(response.text().contains(r#""success":true"#));
}

#[test]
fn store_in_memory_never_replaces_one_device_by_another() {
    let mut host = Host::default();
    let id = host.create(TOTP);
    let mut last = host.entry(id);
    last.row.id = i64::MAX;
    host.store.memory.put(last.clone());
    host.post("/OtpDevice", TOTP).refused(503, None);
    assert_eq!(host.entry(i64::MAX), last);
    // The numbers of names continue after the highest one that was put in.
    let mut memory = keyfob_scim::MemoryStore::default();
    last.row.name = "HOTP00000041".to_owned();
    memory.put(keyfob_scim::Entry { row: keyfob_scim::Row { id: 1, ..last.row.clone() }, ..last.clone() });
    let event = Event {
        kind: keyfob_scim::EventKind::Create,
        at: 0,
        actor: String::new(),
        device_id: 0,
        user: String::new(),
        success: true,
        reason: String::new(),
        drift: None,
    };
    let stored = memory.insert(last, Naming::Numbered("TOTP"), event, Vec::new()).unwrap();
    assert_eq!((stored.row.id, stored.row.name.as_str()), (2, "TOTP00000042"));
}

#[test]
fn image_is_encoded_up_to_a_side_and_no_further() {
    for size in [qr::Size::SidePixels(0), qr::Size::SidePixels(86), qr::Size::ModulePixels(0), qr::Size::ModulePixels(2)] {
        assert!(qr::encode_png("x", size).is_none(), "{size:?}");
    }
    for too_much in [qr::MAX_SIDE_PIXELS + 1, usize::MAX / 64, usize::MAX] {
        for size in [qr::Size::SidePixels(too_much), qr::Size::MinSidePixels(too_much), qr::Size::ModulePixels(too_much)] {
            assert!(qr::encode_png("x", size).is_none(), "{size:?}");
        }
    }
    assert!(qr::encode_png(&"x".repeat(3000), qr::Size::ModulePixels(4)).is_none());
    assert!(qr::encode_png("x", qr::Size::ModulePixels(3)).is_some() && qr::encode_png("x", qr::Size::SidePixels(87)).is_some());
}
