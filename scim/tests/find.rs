//! `POST /OtpDevice/.find`: which device an unlabelled token is.

mod common;

use common::{BASE, HOTP, Host, PIN, Reply, SMS, TOTP};
use keyfob::{Algorithm, Device, Digits, Factor, Hotp, Policy, Secret, Status, Totp};
use keyfob_scim::{Entry, EventKind, Method, Roles, Settings};
use serde_json::json;

fn find(host: &mut Host, body: &str) -> Reply {
    host.post("/OtpDevice/.find", body)
}

fn two(first: &str, second: &str) -> String {
    format!(r#"{{"codes": ["{first}", "{second}"]}}"#)
}

/// The code that a device shows so many counters or periods later.
fn code(host: &mut Host, id: i64, later: u64) -> String {
    let device = host.entry(id).device;
    match device.factor() {
        Factor::Totp(totp) => totp.generate(host.now + later * u64::from(totp.period())).unwrap().as_str().to_owned(),
        _ => device.generator().unwrap().generate(device.moving_factor() + later).as_str().to_owned(),
    }
}

fn codes(host: &mut Host, id: i64, later: u64) -> String {
    let (first, second) = (code(host, id, later), code(host, id, later + 1));
    two(&first, &second)
}

/// A host with several hundred TOTP and HOTP devices of all parameters, from id 1 on, of two users.
fn many() -> Host {
    let mut host = Host::default();
    for number in 1..=600_u16 {
        let [low, high] = number.to_le_bytes();
        let mut key = [high; 20];
        key[0] = low;
        let algorithm = Algorithm::ALL[usize::from(number % 3)];
        let digits = if number % 2 == 0 { Digits::SIX } else { Digits::EIGHT };
        let hotp = Hotp::new(Secret::new(&key).unwrap()).with_algorithm(algorithm).with_digits(digits);
        let device = match number % 4 {
            0 => Device::hotp(hotp, number.into(), host.now),
            rest => Device::totp(Totp::from_hotp(hotp).with_period(if rest == 1 { 60 } else { 30 }).unwrap(), host.now),
        };
        put(&mut host, number.into(), ["ada", "grace"][usize::from(number / 4 % 2)], device);
    }
    host
}

fn put(host: &mut Host, id: i64, user: &str, device: Device) {
    let mut entry = Entry::from_token(device, Some(user).filter(|user| !user.is_empty())).unwrap();
    (entry.row.id, entry.row.name) = (id, format!("FTK{id}"));
    host.store.memory.put(entry);
}

#[test]
fn right_device_is_found_among_hundreds() {
    for later in [0, 1] {
        let mut host = many();
        for id in (3..600).step_by(29) {
            let body = codes(&mut host, id, later);
            host.now += 10;
            let (answer, row) = (find(&mut host, &body).ok(200), host.entry(id).row);
            assert_eq!(
                (&answer["totalResults"], &answer["itemsPerPage"], &answer["searched"]),
                (&json!(1), &json!(1), &json!(600))
            );
            let device = &answer["Resources"][0];
            assert_eq!((&device["id"], &device["name"], &device["user"]), (&json!(id), &json!(row.name), &json!(row.user)));
            assert_eq!((&device["type"], &device["status"]), (&json!(row.kind.name()), &json!("C")));
            assert_eq!(device["meta"]["location"], format!("{BASE}/OtpDevice/{id}"));
        }
    }
}

#[test]
fn drift_says_how_far_off_the_token_is() {
    let mut host = Host::default();
    let (hotp, totp) = (host.create(HOTP), host.create(TOTP));
    for (id, later, drift) in [(hotp, 0, 0), (hotp, 7, 7), (hotp, 10, 10), (totp, 0, 1), (totp, 1, 2)] {
        let body = codes(&mut host, id, later);
        let answer = find(&mut host, &body).ok(200);
        assert_eq!((&answer["Resources"][0]["id"], &answer["Resources"][0]["drift"]), (&json!(id), &json!(drift)));
    }
    for (id, later) in [(hotp, 11), (totp, 2)] {
        let body = codes(&mut host, id, later);
        assert_eq!(find(&mut host, &body).ok(200)["totalResults"], 0, "it looks no farther than verify");
    }
}

#[test]
fn search_counts_no_fail_and_uses_up_no_code() {
    let mut host = Host::default();
    let id = host.create(TOTP);
    let before = host.entry(id);
    let (body, first) = (codes(&mut host, id, 0), code(&mut host, id, 0));
    assert_eq!(find(&mut host, &body).ok(200)["totalResults"], 1);
    assert_eq!(find(&mut host, &two("000000", "111111")).ok(200)["totalResults"], 0);
    assert_eq!(host.entry(id), before);
    host.answer(id, &first).verdict(true);
    // Used, and found all the same.
    assert_eq!(find(&mut host, &body).ok(200)["totalResults"], 1);
    host.answer(id, &first).verdict(false);
}

#[test]
fn closed_devices_are_found_and_deleted_ones_are_not() {
    for mut host in [Host::default(), Host::rfc()] {
        let id = host.create(TOTP);
        let body = codes(&mut host, id, 0);
        for (status, letter) in [("L", "L"), ("V", "V"), ("D", "D")] {
            host.replace(id, "status", status).ok(200);
            let answer = find(&mut host, &body).ok(200);
            assert_eq!((&answer["totalResults"], &answer["Resources"][0]["status"]), (&json!(1), &json!(letter)));
        }
        host.send(Method::Delete, &format!("/OtpDevice/{id}"), "");
        let answer = find(&mut host, &body).ok(200);
        assert_eq!((&answer["totalResults"], &answer["searched"]), (&json!(0), &json!(0)));
    }
}

#[test]
fn filter_narrows_the_search_and_other_kinds_are_not_searched() {
    let mut host = many();
    for body in [SMS, PIN] {
        host.create(body);
    }
    let body = codes(&mut host, 4, 0);
    for (filter, searched, total) in [
        ("user eq 'ada'", 300, 0),
        ("user eq 'grace'", 300, 1),
        ("not (user pr)", 0, 0),
        ("type eq 'HOTP'", 150, 1),
        ("type eq 'SMS' or type eq 'PIN'", 0, 0),
    ] {
        let body = format!(r#"{}, "filter": "{filter}"}}"#, body.trim_end_matches('}'));
        let answer = find(&mut host, &body).ok(200);
        assert_eq!((&answer["searched"], &answer["totalResults"]), (&json!(searched), &json!(total)), "{filter}");
    }
}

#[test]
fn answer_lists_ten_devices_at_most_and_counts_all() {
    let mut host = Host::default();
    let device = Device::hotp(Hotp::new(Secret::new(&[7; 20]).unwrap()), 0, host.now);
    for id in 1..=12 {
        put(&mut host, id, "", device.clone());
    }
    let body = codes(&mut host, 1, 0);
    let answer = find(&mut host, &body).ok(200);
    assert_eq!((&answer["totalResults"], &answer["itemsPerPage"]), (&json!(12), &json!(10)));
    let ids: Vec<_> = answer["Resources"].as_array().unwrap().iter().map(|device| device["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, (1..=10).collect::<Vec<_>>());
    let event = host.store.memory.events.last().unwrap();
    assert_eq!((event.device_id, event.reason.as_str()), (0, "several found"));
}

#[test]
fn odds_are_told_as_a_number_and_in_words() {
    let mut host = many();
    let answer = find(&mut host, &two("12345678", "23456789")).ok(200);
    // Eleven codes of each of 600 devices, 2^31 values for 10^8 codes: 22 for the likeliest.
    let chance = answer["chance"].as_f64().unwrap();
    assert!((1e-9..2e-9).contains(&chance), "{chance}");
    assert_eq!(
        answer["odds"],
        "of 600 devices searched, at least one shows these two codes in a row by mere chance with a probability of at most 1 in 1000000000"
    );
    let answer = find(&mut host, r#"{"code": "123456"}"#).refused(429, None);
    assert!(answer.contains("try again in"), "{answer}");
    host.now += 300;
    let answer = find(&mut host, r#"{"code": "123456"}"#).ok(200);
    assert!((0.006..0.007).contains(&answer["chance"].as_f64().unwrap()), "{answer}");
    assert_eq!(
        answer["odds"],
        "of 600 devices searched, at least one shows this code by mere chance with a probability of at most 1 in 151; do not rely on a \
         match, and search by two codes in a row"
    );
    let mut host = Host::default();
    let answer = find(&mut host, &two("123456", "234567")).ok(200);
    assert_eq!((answer["chance"].as_f64(), answer["odds"].as_str()), (Some(0.0), Some("no device was searched")));
}

#[test]
fn rate_limit_is_exact_and_says_when_to_come_back() {
    let mut host = Host::default();
    let body = two("123456", "234567");
    for _ in 0..30 {
        find(&mut host, &body).ok(200);
    }
    let events = host.store.memory.events.len();
    let refusal = find(&mut host, &body);
    let detail = refusal.refused(429, None);
    assert_eq!((refusal.header("retry-after"), detail.contains("try again in 10 seconds")), (Some("10"), true));
    assert_eq!(host.store.memory.events.len(), events);
    host.now += 9;
    assert_eq!(find(&mut host, &body).header("retry-after"), Some("1"));
    // A request that is refused for its form costs nothing.
    host.now += 1;
    find(&mut host, "{}").bad("invalidValue");
    find(&mut host, &body).ok(200);
    find(&mut host, &body).refused(429, None);
    // One code costs as much as thirty times two.
    host.now += 300;
    find(&mut host, r#"{"code": "123456"}"#).ok(200);
    let refusal = find(&mut host, r#"{"code": "123456"}"#);
    assert_eq!((refusal.0.status, refusal.header("retry-after")), (429, Some("300")));
    find(&mut host, &body).refused(429, None);
}

#[test]
fn each_search_has_a_line_without_codes_in_the_trail() {
    let mut host = Host::default();
    let id = host.create(HOTP);
    let (body, first) = (codes(&mut host, id, 3), code(&mut host, id, 3));
    find(&mut host, &body).ok(200);
    let event = host.store.memory.events.last().unwrap().clone();
    assert_eq!((event.kind, event.device_id, event.user.as_str(), event.actor.as_str()), (EventKind::Find, id, "franck", "tester"));
    assert_eq!((event.success, event.reason.as_str(), event.drift, event.at), (true, "found", Some(3), host.now));
    assert!(!format!("{event:?}").contains(&first));
    find(&mut host, &two("123456", "234567")).ok(200);
    let event = host.store.memory.events.last().unwrap();
    assert_eq!((event.device_id, event.user.as_str(), event.success), (0, "", false));
    assert_eq!((event.reason.as_str(), event.drift), ("not found", None));
    // Without its line no answer leaves, nor without its place in the limit.
    host.store.full = true;
    find(&mut host, &body).refused(503, None);
}

#[test]
fn account_without_manage_learns_nothing() {
    let mut host = Host::default();
    let id = host.create(TOTP);
    let (body, events) = (codes(&mut host, id, 0), host.store.memory.events.len());
    for roles in [Roles::NONE, Roles::QUERY.union(Roles::CANCEL).union(Roles::UNLOCK).union(Roles::VERIFY)] {
        host.roles = roles;
        let detail = find(&mut host, &body).refused(403, None);
        assert_eq!(find(&mut host, &two("123456", "234567")).refused(403, None), detail);
        assert_eq!(find(&mut host, "{").refused(403, None), detail);
    }
    assert_eq!(host.store.memory.events.len(), events);
    // As in the response to a change, manage alone shows no more than needed.
    host.roles = Roles::MANAGE;
    let device = &find(&mut host, &body).ok(200)["Resources"][0];
    assert_eq!((&device["id"], &device["status"]), (&json!(id), &json!("C")));
    assert!(device.get("user").is_none() && device.get("name").is_none(), "{device}");
    // The number of devices searched would tell letter by letter what an attribute is.
    let events = host.store.memory.events.len();
    let filtered = json!({"codes": ["123456", "234567"], "filter": "user sw \"a\""}).to_string();
    assert!(find(&mut host, &filtered).refused(403, None).contains("query"));
    assert_eq!(host.store.memory.events.len(), events);
}

#[test]
fn bad_bodies_are_refused_without_a_digit_of_a_code() {
    let mut host = Host::default();
    for (body, scim_type, word) in [
        ("{}", "invalidValue", "is missing"),
        (r#"{"codes": null}"#, "invalidValue", "is missing"),
        (r#"{"codes": "987654"}"#, "invalidValue", "a list of two"),
        (r#"{"codes": ["987654"]}"#, "invalidValue", "a list of two"),
        (r#"{"codes": ["987654", "876543", "765432"]}"#, "invalidValue", "a list of two"),
        (r#"{"codes": [987654, 876543]}"#, "invalidValue", "a list of two"),
        (r#"{"codes": ["987654", "98765"]}"#, "invalidValue", "6 to 10"),
        (r#"{"codes": ["98765x", "987654"]}"#, "invalidValue", "6 to 10"),
        (r#"{"codes": ["987654", "9876543"]}"#, "invalidValue", "equally many"),
        (r#"{"codes": ["987 654", "987-654"]}"#, "invalidValue", "are the same"),
        (r#"{"code": "98765432109"}"#, "invalidValue", "6 to 10"),
        (r#"{"code": 987654}"#, "invalidValue", "in quotes"),
        (r#"{"code": "987654", "codes": ["987654", "876543"]}"#, "invalidValue", "only one"),
        (r#"{"codes": ["987654", "876543"], "filter": "nothing"}"#, "invalidFilter", ""),
        (r#"{"codes": ["987654", "876543"], "pin": "987654"}"#, "invalidSyntax", "no attribute"),
        (r#"{"codes": ["987654", "876543"], "Codes": []}"#, "invalidSyntax", "twice"),
    ] {
        let detail = find(&mut host, body).bad(scim_type);
        assert!(detail.contains(word) && !detail.contains("98765"), "{body}: {detail}");
    }
    assert_eq!(host.get("/OtpDevice/.find").header("allow"), Some("POST"));
    // Blanks and hyphens are no part of a code.
    let id = host.create(TOTP);
    let (first, second) = (code(&mut host, id, 0), code(&mut host, id, 1));
    let body = two(&format!("{} {}", &first[..3], &first[3..]), &format!("{}-{}", &second[..3], &second[3..]));
    assert_eq!(find(&mut host, &body).ok(200)["totalResults"], 1);
}

#[test]
fn policy_sets_how_far_is_looked() {
    let policy = Policy::builder().window(3).look_ahead(2).build().unwrap();
    let mut host = Host::new(Settings { policy, ..Settings::default() });
    let (totp, hotp) = (host.create(TOTP), host.create(HOTP));
    for (id, later, total) in [(totp, 3, 1), (totp, 4, 0), (hotp, 2, 1), (hotp, 3, 0)] {
        let body = codes(&mut host, id, later);
        assert_eq!(find(&mut host, &body).ok(200)["totalResults"], total, "{id} {later}");
    }
    assert_eq!(host.entry(totp).row.status, Status::Created);
}
