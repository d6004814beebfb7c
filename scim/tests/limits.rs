//! The limits on messages.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::{EMAIL, Host, NOW, Reply, SMS, TOTP, WRONG};
use keyfob_scim::{MessageLimits, Method, Numbering, Settings};
use proptest::prelude::*;

const DAY: u64 = 24 * 60 * 60;

/// Reads numbers with a plus, and those of nine digits as of Spain.
#[derive(Debug)]
struct Spain;

impl Numbering for Spain {
    fn to_e164(&self, text: &str) -> Option<String> {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let code = if text.starts_with('+') { "" } else { "34" };
        (code.is_empty() || digits.len() == 9).then(|| format!("+{code}{digits}"))
    }
}

fn host(limits: MessageLimits) -> Host {
    Host::new(Settings { message_limits: limits, ..Settings::default() })
}

fn sms(phone: &str) -> String {
    format!(r#"{{"type": "SMS", "user": "dilbert", "phone": "{phone}"}}"#)
}

/// Limits with lists of prefixes.
fn listed(allowed: &[&str], refused: &[&str]) -> MessageLimits {
    let mut limits = MessageLimits { numbering: Some(Arc::new(Spain)), ..MessageLimits::default() };
    for (prefixes, is_allowed) in [(allowed, true), (refused, false)] {
        for prefix in prefixes {
            limits.prefixes.insert(prefix, is_allowed).unwrap();
        }
    }
    limits
}

/// A refusal until a time.
fn full(reply: &Reply, key: &str, seconds: u64) {
    let detail = reply.refused(429, None);
    assert!(detail.contains(key) && detail.contains(&format!("in {seconds} seconds")), "{detail}");
    assert_eq!(reply.header("retry-after"), Some(&*seconds.to_string()));
}

fn sent(host: &Host) -> usize {
    host.store.memory.delivered.len()
}

#[test]
fn device_gets_its_messages_of_a_day_and_the_next_ones_on_the_next_day() {
    for body in [SMS, EMAIL] {
        let mut host = host(MessageLimits { per_device_per_day: 3, ..MessageLimits::default() });
        let (first, second) = (host.create(body), host.create(body));
        for _ in 0..3 {
            host.challenge(first).ok(200);
        }
        let left = DAY - NOW % DAY;
        full(&host.challenge(first), "messages.per_device_per_day", left);
        host.challenge(second).ok(200);
        host.now += left - 1;
        full(&host.challenge(first), "messages.per_device_per_day", 1);
        host.now += 1;
        for _ in 0..3 {
            host.challenge(first).ok(200);
        }
        full(&host.challenge(first), "messages.per_device_per_day", DAY);
        assert_eq!(sent(&host), 7);
    }
}

#[test]
fn number_gets_its_messages_over_all_devices_however_it_is_spelled() {
    let numbering: Option<Arc<dyn Numbering>> = Some(Arc::new(Spain));
    for numbering in [numbering, None] {
        let mut host = host(MessageLimits { per_number_per_day: 2, numbering: numbering.clone(), ..MessageLimits::default() });
        let spelled = ["+34600000000", "+34 600 00 00 00", "+34 (600) 000-000"].map(|phone| host.create(&sms(phone)));
        host.challenge(spelled[0]).ok(200);
        host.challenge(spelled[1]).ok(200);
        full(&host.challenge(spelled[2]), "messages.per_number_per_day", DAY - NOW % DAY);
        let other = host.create(&sms("+34600000001"));
        host.challenge(other).ok(200);
        if numbering.is_some() {
            let national = host.create(&sms("600 000 000"));
            full(&host.challenge(national), "messages.per_number_per_day", DAY - NOW % DAY);
            assert_eq!(host.entry(national).row.phone.as_deref(), Some("600 000 000"), "it is shown as it was typed");
        }
    }
}

#[test]
fn message_goes_to_the_number_that_was_judged() {
    for is_call in [false, true] {
        let mut host = host(MessageLimits::default());
        let ids = ["600 000 000", "+34 (600) 000-000", "112"].map(|phone| host.create(&sms(phone)));
        for (limits, wanted) in [
            (MessageLimits::default(), ["600 000 000", "+34 (600) 000-000", "112"]),
            (listed(&["+"], &["+882"]), ["+34600000000", "+34600000000", "112"]),
        ] {
            host.service = self::host(limits).service;
            for (id, to) in ids.into_iter().zip(wanted) {
                let channel = if is_call { "?channel=voice" } else { "" };
                host.send(Method::Get, &format!("/OtpDevice/{id}/requestChallenge{channel}"), "").ok(200);
                assert_eq!(host.store.memory.delivered.last().unwrap().1, to);
            }
        }
    }
}

#[test]
fn call_counts_as_a_message() {
    let mut host = host(MessageLimits { per_number_per_day: 2, ..MessageLimits::default() });
    let id = host.create(SMS);
    host.challenge(id).ok(200);
    host.send(Method::Get, &format!("/OtpDevice/{id}/requestChallenge?channel=voice"), "").ok(200);
    full(&host.challenge(id), "messages.per_number_per_day", DAY - NOW % DAY);
}

#[test]
fn address_gets_its_messages_over_all_devices_in_any_case() {
    let mut host = host(MessageLimits { per_address_per_day: 1, ..MessageLimits::default() });
    let ids = ["dilbert@example.com", "Dilbert@Example.com", "wally@example.com"]
        .map(|email| host.create(&format!(r#"{{"type": "EMAIL", "user": "dilbert", "email": "{email}"}}"#)));
    host.challenge(ids[0]).ok(200);
    full(&host.challenge(ids[1]), "messages.per_address_per_day", DAY - NOW % DAY);
    host.challenge(ids[2]).ok(200);
}

#[test]
fn longest_prefix_decides_whether_a_number_gets_messages() {
    for (allowed, refused, phone, is_sent) in [
        (&[][..], &["+882"][..], "+34600000000", true),
        (&[], &["+882"], "+88216000000", false),
        (&["+34"], &[], "+34600000000", true),
        (&["+34"], &[], "+351912345678", false),
        (&["+34"], &["+34803"], "+34803111111", false),
        (&["+34803111"], &["+34803"], "+34803111111", true),
        (&["+34"], &["+"], "600000000", true),
        (&["+"], &["+882"], "+351912345678", true),
        // A number that cannot be read might have any prefix.
        (&["+"], &["+882"], "112", true),
        (&[], &["+882"], "112", false),
        (&["+34"], &[], "112", false),
    ] {
        let mut host = host(MessageLimits::default());
        let id = host.create(&sms(phone));
        host.service = self::host(listed(allowed, refused)).service;
        let reply = host.challenge(id);
        if is_sent {
            reply.ok(200);
        } else {
            let detail = reply.refused(409, None);
            assert!(detail.contains(if phone == "112" { "messages.region" } else { "messages.refused_prefixes" }), "{detail}");
            assert_eq!(reply.header("retry-after"), None, "it lasts");
            assert!(!detail.contains(phone), "{detail}");
        }
        assert_eq!(sent(&host), usize::from(is_sent), "{allowed:?} {refused:?} {phone}");
    }
}

#[test]
fn device_gets_no_number_that_cannot_be_read_or_is_refused_and_keeps_one_that_it_has() {
    let mut host = host(MessageLimits::default());
    let old = host.create(&sms("112"));
    host.service = self::host(listed(&[], &["+882"])).service;
    for (phone, what) in [("112", "country code"), ("+88216000000", "messages.refused_prefixes")] {
        let detail = host.send(Method::Post, "/OtpDevice", &sms(phone)).refused(400, Some("invalidValue"));
        assert!(detail.starts_with("phone: ") && detail.contains(what), "{detail}");
        let id = host.create(&sms("+34600000000"));
        let detail = host.replace(id, "phone", phone).refused(400, Some("invalidValue"));
        assert!(detail.starts_with("phone: ") && detail.contains(what), "{detail}");
    }
    // A device from before the limits stays as it is.
    host.replace(old, "phone", "112").ok(200);
    host.replace(old, "externalId", "x").ok(200);
    host.replace(old, "phone", "600000000").ok(200);
    host.challenge(old).ok(200);
}

#[test]
fn budget_counts_the_messages_of_its_own_prefix_and_hour() {
    let mut limits = MessageLimits { numbering: Some(Arc::new(Spain)), ..MessageLimits::default() };
    for (prefix, max) in [("+", 1), ("+34", 2), ("+34803", 1)] {
        limits.budgets.insert(prefix, max).unwrap();
    }
    let mut host = host(limits);
    let ids: BTreeMap<&str, i64> =
        ["+34600000000", "+34803111111", "+351912345678"].map(|phone| (phone, host.create(&sms(phone)))).into();
    let left = 3600 - NOW % 3600;
    for (phone, max) in [("+34600000000", 2), ("+34803111111", 1), ("+351912345678", 1)] {
        for _ in 0..max {
            host.challenge(ids[phone]).ok(200);
        }
        full(&host.challenge(ids[phone]), "messages.budgets", left);
    }
    host.now += left;
    host.challenge(ids["+351912345678"]).ok(200);
    full(&host.challenge(ids["+351912345678"]), "messages.budgets", 3600);
}

#[test]
fn refused_message_costs_nothing() {
    let mut limits = MessageLimits { per_device_per_day: 1, per_number_per_day: 3, ..listed(&[], &["+882"]) };
    limits.budgets.insert("+", 3).unwrap();
    let mut host = host(limits);
    let (id, other) = (host.create(&sms("+34600000000")), host.create(&sms("+34600000000")));
    let right = host.right(id);
    let (entry, events) = (host.entry(id), host.store.memory.events.len());
    // Also when the code is too old to be sent again, and a new one would be drawn.
    for later in [0, 61] {
        host.now += later;
        for _ in 0..5 {
            host.challenge(id).refused(429, None);
        }
    }
    assert_eq!(host.entry(id), entry, "the pending code stays, and none is drawn");
    assert_eq!((host.store.memory.events.len(), sent(&host)), (events, 1));
    host.answer(id, &right).verdict(true);
    // Nothing was counted for the number and the budget, either.
    host.challenge(other).ok(200);
    let third = host.create(&sms("+34600000000"));
    host.challenge(third).ok(200);
    let fourth = host.create(&sms("+34600000000"));
    // Of two that are full, the one that is full for longer is named.
    full(&host.challenge(fourth), "messages.per_number_per_day", DAY - host.now % DAY);
}

#[test]
fn message_that_was_judged_again_is_counted_once() {
    let mut host = host(MessageLimits { per_device_per_day: 2, ..MessageLimits::default() });
    let id = host.create(SMS);
    for _ in 0..2 {
        host.store.conflicts = 5;
        host.challenge(id).ok(200);
    }
    host.challenge(id).refused(429, None);
    assert_eq!(sent(&host), 2);
}

#[test]
fn code_that_is_sent_again_is_counted_and_stays_the_same() {
    let mut host = host(MessageLimits { per_device_per_day: 3, ..MessageLimits::default() });
    let id = host.create(SMS);
    let right = host.right(id);
    assert_eq!((host.right(id), host.right(id)), (right.clone(), right));
    host.challenge(id).refused(429, None);
}

#[test]
fn message_that_was_not_delivered_is_counted() {
    let mut host = host(MessageLimits { per_device_per_day: 2, ..MessageLimits::default() });
    let id = host.create(SMS);
    host.store.unreachable = true;
    host.challenge(id).refused(502, None);
    host.challenge(id).refused(502, None);
    host.challenge(id).refused(429, None);
}

#[test]
fn other_devices_are_not_counted_and_a_locked_one_is_refused_for_its_lock() {
    let mut host = host(MessageLimits { per_device_per_day: 1, ..MessageLimits::default() });
    let totp = host.create(TOTP);
    for _ in 0..3 {
        host.challenge(totp).ok(200);
    }
    let id = host.create(SMS);
    host.challenge(id).ok(200);
    for _ in 0..10 {
        host.answer(id, WRONG).verdict(false);
    }
    host.challenge(id).refused(409, None);
}

#[test]
fn failed_store_sends_nothing() {
    let mut host = host(MessageLimits { per_device_per_day: 1, ..MessageLimits::default() });
    let id = host.create(SMS);
    host.store.full = true;
    host.challenge(id).refused(503, None);
    host.store.full = false;
    host.challenge(id).ok(200);
    assert_eq!(sent(&host), 1);
}

#[test]
fn label_of_a_number_is_its_longest_prefix_of_the_settings() {
    let mut limits = listed(&["+34"], &["+34803"]);
    limits.budgets.insert("+351", 5).unwrap();
    for (phone, label) in [
        ("+34600000000", "+34"),
        ("+34803111111", "+34803"),
        ("+351 912", "+351"),
        ("600000000", "+34"),
        ("+1", "other"),
        ("x", "other"),
    ] {
        assert_eq!(limits.label(phone), label, "{phone}");
    }
    assert_eq!(MessageLimits::budget_counter("+34", 7200), "budget/+34/2");
}

/// What a request asks for.
#[derive(Clone, Debug)]
enum Act {
    Request(usize),
    Answer(usize),
    Pass(u64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![8 => (0..4_usize).prop_map(Act::Request), 2 => (0..4_usize).prop_map(Act::Answer), 3 => (1..40_000_u64).prop_map(Act::Pass)]
}

proptest! {
    /// Compared with counts of all messages that went out.
    #[test]
    fn no_interval_has_more_messages_than_its_limit_and_a_refusal_has_a_full_one(
        acts in prop::collection::vec(act(), 1..120),
        limits in (0..5_u32, 0..5_u32, 1..6_u32),
    ) {
        let phones = ["+34600000000", "600000000", "+34803111111", "+351912345678"];
        let mut settings = MessageLimits { per_device_per_day: limits.0, per_number_per_day: limits.1, ..listed(&[], &[]) };
        settings.budgets.insert("+34", limits.2).unwrap();
        let mut host = host(settings);
        let ids = phones.map(|phone| host.create(&sms(phone)));
        // The counters of a message, each with its limit.
        let counters = |device: usize, now: u64| {
            let number = if device == 1 { phones[0] } else { phones[device] };
            let mut all = vec![(format!("d{device} {}", now / DAY), limits.0), (format!("{number} {}", now / DAY), limits.1)];
            if number.starts_with("+34") {
                all.push((format!("b {}", now / 3600), limits.2));
            }
            all.retain(|(_, limit)| *limit > 0);
            all
        };
        let mut model: BTreeMap<String, u32> = BTreeMap::new();
        for act in acts {
            match act {
                Act::Pass(seconds) => host.now += seconds,
                Act::Answer(device) => {
                    let code = host.store.memory.delivered.last().map_or_else(|| WRONG.to_owned(), |(_, _, code)| code.clone());
                    host.answer(ids[device], &code);
                }
                Act::Request(device) => {
                    let before = sent(&host);
                    let reply = host.challenge(ids[device]);
                    if reply.0.status == 409 {
                        continue; // It is locked.
                    }
                    let counters = counters(device, host.now);
                    let is_full = counters.iter().any(|(name, limit)| model.get(name).is_some_and(|count| count >= limit));
                    prop_assert_eq!(reply.0.status, if is_full { 429 } else { 200 });
                    prop_assert_eq!(sent(&host) - before, usize::from(!is_full));
                    if !is_full {
                        for (name, _) in counters {
                            *model.entry(name).or_default() += 1;
                        }
                    }
                }
            }
        }
    }
}
