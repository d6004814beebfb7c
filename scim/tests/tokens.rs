//! Tokens of other makers: with a secret of their own, valid for a time, and in the inventory.

mod common;

use common::{HOTP, Host, NOW, PIN, Reply, SMS, TOTP};
use keyfob::{Algorithm, Device, Digits, Hotp, Secret, Totp};
use keyfob_scim::{Entry, EventKind, Method, Naming, Profile, Request, Roles, ScimType, Settings, Step, Store as _};
use serde_json::json;

/// The secret of RFC 4226, appendix D, in Base32.
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
/// Its bytes.
const SECRET_BYTES: &[u8] = b"12345678901234567890";
/// A secret of 80 bits.
const SHORT_SECRET: &str = "GEZDGNBVGY3TQOJQ";
/// A token in the inventory.
const TOKEN: &str = r#"{"type": "HOTP", "name": "FTK200-7", "secret": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}"#;

fn hosts() -> [Host; 2] {
    [Host::default(), Host::rfc()]
}

fn remove(host: &mut Host, id: i64, path: &str) -> Reply {
    host.patch(id, &format!(r#"{{"Operations": [{{"op": "remove", "path": "{path}"}}]}}"#))
}

#[test]
fn given_secret_makes_the_codes_of_the_token_and_is_never_shown() {
    for mut host in hosts() {
        for typed in [SECRET, "gezd gnbv gy3t qojq-gezd gnbv gy3t qojq", &format!("{SECRET}====")] {
            let body = json!({"type": "HOTP", "user": "a", "secret": typed, "counter": 5}).to_string();
            let reply = host.post("/OtpDevice", &body);
            let created = reply.ok(201);
            for hidden in ["secret", "image", "counter", "algorithm", "digits", "period"] {
                assert_eq!(created.get(hidden), None, "{hidden}");
            }
            let id = created["id"].as_i64().or_else(|| created["id"].as_str()?.parse().ok()).unwrap();
            // The code of counter 5 in RFC 4226, appendix D.
            host.answer(id, "254676").verdict(true);
            let shown = host.get(&format!("/OtpDevice/{id}"));
            for text in [reply.0.text(), shown.0.text(), &format!("{:?}", host.store.memory.events)] {
                assert!(!text.to_uppercase().contains("GEZD"), "{text}");
            }
        }
    }
}

#[test]
fn parameters_of_a_token_are_taken_and_those_of_the_settings_otherwise() {
    let mut host = Host::default();
    let body = json!({
        "type": "TOTP", "user": "a", "secret": SECRET, "algorithm": "SHA256", "digits": 8, "period": "60",
        "notBefore": "2023-11-14 22:13:20", "notAfter": "2030-01-01T00:00:00Z",
    });
    let created = host.post("/OtpDevice", &body.to_string()).ok(201);
    assert_eq!((&created["notBefore"], &created["notAfter"]), (&json!("2023-11-14 22:13:20"), &json!("2030-01-01 00:00:00")));
    let device = host.entry(created["id"].as_i64().unwrap()).device;
    let hotp = Hotp::new(Secret::new(SECRET_BYTES).unwrap()).with_algorithm(Algorithm::Sha256).with_digits(Digits::new(8).unwrap());
    let wanted = Device::totp(Totp::from_hotp(hotp).with_period(60).unwrap(), NOW);
    assert_eq!(device.factor(), wanted.factor());
    // Without a secret, one is drawn with these parameters, and its image is shown.
    let created = host.post("/OtpDevice", r#"{"type": "TOTP", "user": "a", "algorithm": "SHA512", "digits": 7}"#).ok(201);
    assert!(created["image"].is_string());
    let device = host.entry(created["id"].as_i64().unwrap()).device;
    let generator = device.generator().unwrap();
    assert_eq!((generator.algorithm(), generator.digits().get(), generator.secret().expose().len()), (Algorithm::Sha512, 7, 64));
    // The counter has all of its 64 bits, as text.
    let body = json!({"type": "HOTP", "user": "a", "secret": SECRET, "counter": "18446744073709551614"});
    let id = host.create(&body.to_string());
    assert_eq!(host.entry(id).device.moving_factor(), u64::MAX - 1);
}

#[test]
fn keys_longer_than_a_block_are_hashed_as_hmac_does() {
    let mut host = Host::default();
    let key = [b'k'; 100];
    let typed = data_encoding::BASE32_NOPAD.encode(&key);
    for algorithm in [Algorithm::Sha1, Algorithm::Sha256] {
        let body = json!({"type": "HOTP", "user": "a", "secret": typed, "algorithm": algorithm.name()});
        let id = host.create(&body.to_string());
        let device = host.entry(id).device;
        assert_eq!(*device.generator().unwrap().secret(), Secret::from_hmac_key(&key, algorithm).unwrap());
    }
    let body = json!({"type": "HOTP", "user": "a", "secret": typed, "algorithm": "SHA512"});
    assert!(host.post("/OtpDevice", &body.to_string()).bad("invalidValue").contains("SHA512"));
}

#[test]
fn short_secrets_are_for_hosts_that_allow_them_and_marked_in_the_trail() {
    let body = json!({"type": "TOTP", "user": "a", "secret": SHORT_SECRET}).to_string();
    let mut host = Host::default();
    let detail = host.post("/OtpDevice", &body).bad("invalidValue");
    assert!(detail.contains("80 bits") && detail.contains("policy.min_secret_bits"), "{detail}");
    let mut host = Host::new(Settings { min_secret_bits: 80, ..Settings::default() });
    let id = host.create(&body);
    assert!(host.entry(id).device.generator().unwrap().secret().is_short());
    assert_eq!(host.store.memory.events.last().unwrap().reason, "short secret");
    // Below 80 bits there is none, whatever the settings; and none so short is drawn.
    let mut host = Host::new(Settings { min_secret_bits: 8, ..Settings::default() });
    host.post("/OtpDevice", r#"{"type": "TOTP", "user": "a", "secret": "GEZDGNBVGY3TQOI"}"#).bad("invalidValue");
    let id = host.create(TOTP);
    assert_eq!(host.entry(id).device.generator().unwrap().secret().expose().len(), 20);
}

#[test]
fn wrong_attributes_of_tokens_are_named_and_no_secret_is_repeated() {
    let mut host = Host::default();
    let secret = format!(r#""secret": "{SECRET}""#);
    for (body, scim_type, detail) in [
        (
            r#"{"type": "TOTP", "user": "a", "secret": "GEZD1890GEZD1890GEZD1890GEZD1890"}"#.to_owned(),
            "invalidValue",
            "secret: is not Base32",
        ),
        (r#"{"type": "TOTP", "user": "a", "secret": ""}"#.to_owned(), "invalidValue", "secret: has 0 bits"),
        (r#"{"type": "TOTP", "user": "a", "secret": 7}"#.to_owned(), "invalidValue", "secret: must be text"),
        (
            format!(r#"{{"type": "SMS", "user": "a", "phone": "666555444", {secret}}}"#),
            "invalidValue",
            "secret: is for TOTP and HOTP only",
        ),
        (format!(r#"{{"type": "TOTP", "user": "a", "counter": 1, {secret}}}"#), "invalidValue", "counter: is for HOTP only"),
        (format!(r#"{{"type": "HOTP", "user": "a", "period": 30, {secret}}}"#), "invalidValue", "period: is for TOTP only"),
        (format!(r#"{{"type": "HOTP", "user": "a", "counter": -1, {secret}}}"#), "invalidValue", "counter: must be a number"),
        (
            format!(r#"{{"type": "HOTP", "user": "a", "counter": "18446744073709551616", {secret}}}"#),
            "invalidValue",
            "counter: must",
        ),
        (format!(r#"{{"type": "TOTP", "user": "a", "period": 0, {secret}}}"#), "invalidValue", "period: must be"),
        (format!(r#"{{"type": "TOTP", "user": "a", "digits": 5, {secret}}}"#), "invalidValue", "digits: must be"),
        (format!(r#"{{"type": "TOTP", "user": "a", "digits": 300, {secret}}}"#), "invalidValue", "digits: must be"),
        (format!(r#"{{"type": "TOTP", "user": "a", "algorithm": "MD5", {secret}}}"#), "invalidValue", "algorithm: must be"),
        (format!(r#"{{"type": "TOTP", "user": "a", "notBefore": "soon", {secret}}}"#), "invalidValue", "notBefore: must be a date"),
        (
            format!(r#"{{"type": "TOTP", "user": "a", "notAfter": "1969-12-31", {secret}}}"#),
            "invalidValue",
            "notAfter: must be a date",
        ),
        (
            format!(r#"{{"type": "TOTP", "user": "a", "notBefore": "2024-01-01", "notAfter": "2023-01-01", {secret}}}"#),
            "invalidValue",
            "notAfter: must not lie before notBefore",
        ),
        (
            r#"{"type": "PIN", "user": "a", "pin": "123456789", "notAfter": "2030-01-01"}"#.to_owned(),
            "invalidValue",
            "notAfter: is for",
        ),
        (format!(r#"{{"type": "TOTP", "name": "HOTP00000007", {secret}}}"#), "invalidValue", "name: TOTP or HOTP"),
        (format!(r#"{{"type": "TOTP", {secret}}}"#), "invalidValue", "user: is missing"),
        (r#"{"type": "SMS", "phone": "666555444", "name": "7"}"#.to_owned(), "invalidValue", "user: is missing"),
    ] {
        let reply = host.post("/OtpDevice", &body);
        assert!(reply.bad(scim_type).contains(detail), "{body}: {}", reply.0.text());
        assert!(!reply.0.text().contains("GEZD"), "{}", reply.0.text());
    }
    assert!(host.store.memory.events.is_empty());
    // Nor can a change bring a secret in, and it needs the role manage in a create.
    let id = host.create(TOTP);
    for name in ["secret", "algorithm", "digits", "period", "counter"] {
        assert!(host.replace(id, name, SECRET).bad("mutability").contains(name));
        let reply = host.send(Method::Put, &format!("/OtpDevice/{id}"), &json!({name: SECRET}).to_string());
        assert!(!reply.0.text().contains("GEZD") && reply.bad("mutability").contains(name));
        host.get(&format!("/OtpDevice?filter={name}+pr")).bad("invalidFilter");
    }
    host.roles = Roles::QUERY.union(Roles::VERIFY).union(Roles::CANCEL).union(Roles::UNLOCK);
    host.post("/OtpDevice", TOKEN).refused(403, None);
}

#[test]
fn name_of_a_create_with_a_user_counts_only_with_a_secret() {
    let mut host = Host::default();
    let created = host.post("/OtpDevice", r#"{"type": "TOTP", "user": "a", "name": "mine"}"#).ok(201);
    assert_eq!(created["name"], "TOTP00000001");
    let body = json!({"type": "TOTP", "user": "a", "name": "mine", "secret": SECRET}).to_string();
    assert_eq!(host.post("/OtpDevice", &body).ok(201)["name"], "mine");
    assert_eq!(host.post("/OtpDevice", TOTP).ok(201)["name"], "TOTP00000002");
}

#[test]
fn token_without_a_user_is_found_and_assigned_and_taken_back() {
    for mut host in hosts() {
        let [other, id] = [HOTP, TOKEN].map(|body| host.create(body));
        let created = host.get(&format!("/OtpDevice/{id}")).ok(200);
        assert_eq!((created.get("user"), &created["name"]), (None, &json!("FTK200-7")));
        let found =
            |host: &mut Host, filter: &str| host.get(&format!("/OtpDevice?filter={filter}")).ok(200)["totalResults"].clone();
        for (filter, count) in [
            ("name+eq+'FTK200-7'", 1),
            ("not+(user+pr)", 1),
            ("user+eq+null", 1),
            ("user+pr", 1),
            ("user+ne+'franck'", 1),
            ("user+lt+'zzz'", 1),
            ("user+eq+''", 0),
            ("user+sw+''", 1),
        ] {
            assert_eq!(found(&mut host, filter), json!(count), "{filter}");
        }
        // Without a user they come last, or first the other way round.
        for (order, first) in [("ascending", other), ("descending", id)] {
            let list = host.get(&format!("/OtpDevice?sortBy=user&sortOrder={order}&cursor&count=1")).ok(200);
            let first = json!(first).to_string();
            assert_eq!(list["Resources"][0]["id"].to_string().trim_matches('"'), first);
            let next = list["nextCursor"].as_str().unwrap();
            let list = host.get(&format!("/OtpDevice?sortBy=user&sortOrder={order}&count=1&cursor={next}")).ok(200);
            assert_ne!(list["Resources"][0]["id"].to_string().trim_matches('"'), first);
        }

        // Only with the role manage, to a known user.
        host.roles = Roles::QUERY.union(Roles::VERIFY).union(Roles::CANCEL).union(Roles::UNLOCK);
        host.replace(id, "user", "alice").refused(403, None);
        host.roles = Roles::ALL;
        host.store.strangers.push("mallory".to_owned());
        assert!(host.replace(id, "user", "mallory").bad("invalidValue").contains("not known"));
        assert_eq!(host.entry(id).row.user, "");
        assert_eq!(host.replace(id, "user", "alice").ok(200)["user"], "alice");
        assert_eq!(host.store.memory.events.last().unwrap().user, "alice");
        assert_eq!(host.entry(id).row.name, "FTK200-7");
        // The codes of RFC 4226, appendix D.
        host.answer(id, "755224").verdict(true);

        // From one user to another in two changes.
        assert!(host.replace(id, "user", "bob").bad("mutability").contains("remove it"));
        assert_eq!(remove(&mut host, id, "user").ok(200).get("user"), None);
        let event = host.store.memory.events.last().unwrap();
        assert_eq!((event.kind, event.user.as_str()), (EventKind::Update, "alice"));
        remove(&mut host, id, "user").ok(200);
        let put = host.send(Method::Put, &format!("/OtpDevice/{id}"), r#"{"user": "bob"}"#);
        assert_eq!(put.ok(200)["user"], "bob");
        // What was used stays used.
        host.answer(id, "755224").verdict(false);
        host.answer(id, "287082").verdict(true);
        // A person's own device stays with the person.
        let detail = remove(&mut host, other, "user").bad("mutability");
        assert!(detail.contains("taken back"), "{detail}");
        let sms = host.create(SMS);
        remove(&mut host, sms, "user").bad("mutability");
    }
}

#[test]
fn token_without_a_user_is_refused_and_nothing_is_judged() {
    for mut host in hosts() {
        let id = host.create(TOKEN);
        let before = host.entry(id);
        for (method, operation, body, kind) in [
            (Method::Get, "requestChallenge", "", EventKind::Challenge),
            (Method::Post, "responseChallenge", r#"{"pin": "755224"}"#, EventKind::Verify),
            (Method::Post, "responseChallenge", r#"{"pin": "000000"}"#, EventKind::Verify),
            (Method::Post, "resync", r#"{"pin": "755224", "nextPin": "287082"}"#, EventKind::Resync),
        ] {
            let reply = host.send(method, &format!("/OtpDevice/{id}/{operation}"), body);
            let detail = reply.refused(409, None);
            assert!(detail.contains("no user") && !reply.0.text().contains("success"), "{detail}");
            let event = host.store.memory.events.last().unwrap();
            assert_eq!((event.kind, event.success, event.reason.as_str(), event.user.as_str()), (kind, false, "no user", ""));
        }
        assert_eq!(host.entry(id), before);
        host.replace(id, "user", "alice").ok(200);
        host.answer(id, "755224").verdict(true);
    }
}

#[test]
fn serial_is_given_once_until_its_device_is_deleted() {
    for (mut host, profile) in hosts().into_iter().zip([Profile::Soffid, Profile::Rfc]) {
        let id = host.create(TOKEN);
        let detail = host.post("/OtpDevice", TOKEN).refused(409, Some("uniqueness"));
        assert!(detail.contains("FTK200-7"), "{detail}");
        assert_eq!(host.send(Method::Delete, &format!("/OtpDevice/{id}"), "").0.status, 204);
        let second = host.create(TOKEN);
        assert_ne!(id, second);
        if profile == Profile::Soffid {
            // The first one can come back once the second is gone.
            host.replace(id, "status", "C").refused(409, Some("uniqueness"));
            host.send(Method::Delete, &format!("/OtpDevice/{second}"), "");
            host.replace(id, "status", "C").ok(200);
        }
    }
}

/// Two requests revive devices of one serial, and neither is stored before both have begun.
#[test]
fn serial_goes_to_one_of_two_devices_that_are_revived_at_once() {
    let mut host = Host::default();
    let ids = [(); 2].map(|()| {
        let id = host.create(TOKEN);
        assert_eq!(host.send(Method::Delete, &format!("/OtpDevice/{id}"), "").0.status, 204);
        id
    });
    let swaps = ids.map(|id| {
        let path = format!("/OtpDevice/{id}");
        let request = Request::new(Method::Put, &path, NOW).with_roles(Roles::ALL).with_json(br#"{"status": "C"}"#);
        let mut step = host.service.handle(request);
        loop {
            step = match step {
                Step::Get { id, then, .. } => then(host.store.get(id).unwrap()),
                Step::List { query, then } => then(host.store.list(&query).unwrap()),
                Step::Swap { swap, .. } => break *swap,
                other => panic!("{other:?}"),
            };
        }
    });
    let outcomes = swaps.map(|swap| host.store.swap(swap).map_err(|error| (error.status, error.scim_type)));
    assert_eq!(outcomes, [Ok(true), Err((409, Some(ScimType::Uniqueness)))]);
    assert!(!host.entry(ids[0]).row.deleted && host.entry(ids[1]).row.deleted);
    assert_eq!(host.store.memory.events.iter().filter(|event| event.kind == EventKind::Revive).count(), 1);
}

#[test]
fn device_is_used_within_its_validity_only_and_manage_changes_it() {
    for mut host in hosts() {
        let body = json!({"type": "HOTP", "user": "a", "secret": SECRET, "notBefore": keyfob_scim::date::format_iso(NOW + 10)});
        let id = host.create(&body.to_string());
        let detail = host.challenge(id).refused(409, None);
        assert!(detail.contains("validity"), "{detail}");
        let fails = host.entry(id).device.fails();
        host.answer(id, "755224").verdict(false);
        assert_eq!(host.store.memory.events.last().unwrap().reason, "outside validity");
        assert_eq!(host.entry(id).device.fails(), fails);
        host.now += 10;
        host.answer(id, "755224").verdict(true);

        host.roles = Roles::QUERY.union(Roles::VERIFY).union(Roles::CANCEL).union(Roles::UNLOCK);
        host.replace(id, "notAfter", "2023-11-14 22:13:35").refused(403, None);
        host.roles = Roles::ALL;
        let shown = host.replace(id, "notAfter", "2023-11-14 22:13:35").ok(200);
        assert_eq!(shown["notAfter"].as_str().unwrap().replace(['T', 'Z'], " ").trim_end(), "2023-11-14 22:13:35");
        // A PUT that leaves it out keeps it, since lists do not show it.
        host.send(Method::Put, &format!("/OtpDevice/{id}"), r#"{"status": "V"}"#).ok(200);
        host.now += 6;
        host.answer(id, "287082").verdict(false);
        host.replace(id, "notBefore", "2024-01-01").bad("invalidValue");
        remove(&mut host, id, "notAfter").ok(200);
        let shown = remove(&mut host, id, "notBefore").ok(200);
        assert_eq!((shown.get("notBefore"), shown.get("notAfter")), (None, None));
        host.answer(id, "287082").verdict(true);
        let pin = host.create(PIN);
        assert!(host.replace(pin, "notAfter", "2030-01-01").bad("invalidValue").contains("has none"));
        remove(&mut host, pin, "notAfter").ok(200);
    }
}

/// A token file's entry: what a host imports meets the rules of a create.
#[test]
fn entry_of_a_token_file_has_a_user_or_is_in_the_inventory() {
    let device = || Device::hotp(Hotp::new(Secret::new(SECRET_BYTES).unwrap()), 5, NOW);
    let owned = Entry::from_token(device(), Some("alice")).unwrap();
    assert_eq!((owned.row.user.as_str(), owned.row.has_user(), owned.row.kind), ("alice", true, device().kind()));
    assert!(!Entry::from_token(device(), None).unwrap().row.has_user());
    for user in ["", " ", "a\nb"] {
        assert_eq!(Entry::from_token(device(), Some(user)).unwrap_err().status, 400, "{user:?}");
    }
    let message = Device::sms(Hotp::new(Secret::new(SECRET_BYTES).unwrap()), NOW);
    assert_eq!(Entry::from_token(message, Some("alice")).unwrap_err().detail, "type: a token is TOTP or HOTP, and not SMS");
    assert_eq!(Naming::from_serial("FTK200-7").unwrap(), Naming::Serial("FTK200-7".to_owned()));
    for serial in ["", "a\u{7}", "TOTP00000001", "HOTP7"] {
        assert_eq!(Naming::from_serial(serial).unwrap_err().status, 400, "{serial:?}");
    }
}
