//! The pause between the messages of a device.

mod common;

use common::{EMAIL, HOTP, Host, PIN, Reply, SMS, TOTP, WRONG};
use keyfob::{GuessChance, Lock, Policy, PolicyBuilder};
use keyfob_scim::{EventKind, Settings};
use proptest::collection::vec;
use proptest::prelude::*;

/// A refusal for this many seconds.
fn wait(reply: &Reply, seconds: &str) {
    let detail = reply.refused(429, None);
    assert!(detail.contains(&format!("in {seconds} seconds")), "{detail}");
    assert_eq!(reply.header("retry-after"), Some(seconds));
}

fn paused() -> Host {
    Host::new(Settings { message_pause: 30, ..Settings::default() })
}

/// A policy with any lock.
fn lenient(lock: Lock) -> PolicyBuilder {
    Policy::builder().lock(lock).guess_bound(GuessChance::CERTAIN).pin_guess_bound(GuessChance::CERTAIN)
}

#[test]
fn message_follows_another_only_after_the_pause() {
    for body in [SMS, EMAIL] {
        let mut host = paused();
        let id = host.create(body);
        let mut sent = Vec::new();
        // A client that asks each second for three minutes gets a message every thirty seconds.
        for second in 0..180 {
            let reply = host.challenge(id);
            if second % 30 == 0 {
                reply.ok(200);
                sent.push(second);
            } else {
                wait(&reply, &(30 - second % 30).to_string());
            }
            host.now += 1;
        }
        assert_eq!(host.store.memory.delivered.len(), sent.len());
        let challenges = host.store.memory.events.iter().filter(|event| event.kind == EventKind::Challenge);
        assert_eq!(challenges.count(), sent.len(), "the trail has what was sent, and cannot be filled with what was not");
        // Within a minute it is the same code, and its lifetime stays.
        let codes: Vec<_> = host.store.memory.delivered.iter().map(|(_, _, code)| code).collect();
        assert!(codes[0] == codes[1] && codes[1] != codes[2] && codes[2] == codes[3] && codes[3] != codes[4]);
    }
}

#[test]
fn pause_is_in_the_record_and_holds_for_every_process() {
    let mut host = paused();
    let id = host.create(SMS);
    host.challenge(id).ok(200);
    host.now += 30;
    host.challenge(id).ok(200);
    // Another process, with the same store and a clock that is a little behind.
    let mut other = Host { store: std::mem::take(&mut host.store), now: host.now - 5, ..paused() };
    wait(&other.challenge(id), "35");
    other.now += 35;
    other.challenge(id).ok(200);
}

#[test]
fn pause_ends_by_a_right_code_and_begins_anew_by_a_wrong_one() {
    for body in [SMS, EMAIL] {
        let mut host = paused();
        let id = host.create(body);
        let right = host.right(id);
        host.now += 20;
        host.answer(id, WRONG).verdict(false);
        host.now += 20;
        wait(&host.challenge(id), "10");
        host.answer(id, &right).verdict(true);
        host.challenge(id).ok(200);
        // So does an administrator: the code that was sent is no longer valid.
        host.replace(id, "status", "D").ok(200);
        host.replace(id, "status", "V").ok(200);
        host.challenge(id).ok(200);
    }
}

#[test]
fn code_that_is_sent_again_lives_no_longer_and_fails_stay() {
    let mut host = Host::new(Settings { policy: Policy::builder().code_reuse(600).build().unwrap(), ..Settings::default() });
    let id = host.create(SMS);
    let right = host.right(id);
    host.answer(id, WRONG).verdict(false);
    for _ in 0..19 {
        host.now += 30;
        assert_eq!(host.right(id), right);
    }
    assert_eq!(host.entry(id).row.fails, 1);
    host.now += 30;
    host.answer(id, &right).verdict(false);
    assert_eq!(host.store.memory.events.last().unwrap().reason, "expired");
}

#[test]
fn pause_holds_under_a_throttle_however_many_codes_end() {
    let lock = Lock::Throttle { max_fails: 1, first_delay: 1, max_delay: 3600 };
    let mut host = Host::new(Settings { policy: lenient(lock).build().unwrap(), message_pause: 30, ..Settings::default() });
    let id = host.create(SMS);
    let mut sent = Vec::new();
    // A stranger requests and guesses each second. Each guess that is verified ends the code, or
    // would end one.
    for second in 0..300 {
        if host.challenge(id).0.status == 200 {
            sent.push(second);
        }
        host.answer(id, WRONG).verdict(false);
        host.now += 1;
    }
    assert_eq!(host.store.memory.delivered.len(), sent.len());
    assert!(sent.len() > 1 && sent.is_sorted_by(|one, next| one + 30 <= *next), "{sent:?}");
}

#[test]
fn pause_holds_when_it_is_longer_than_a_code_lives() {
    let policy = Policy::builder().code_lifetime(10).code_reuse(10).build().unwrap();
    let mut host = Host::new(Settings { policy, message_pause: 30, ..Settings::default() });
    let id = host.create(EMAIL);
    host.challenge(id).ok(200);
    host.now += 10;
    wait(&host.challenge(id), "20");
    // It has expired, and a response to it begins the pause anew.
    host.answer(id, WRONG).verdict(false);
    assert_eq!(host.store.memory.events.last().unwrap().reason, "expired");
    host.now += 20;
    wait(&host.challenge(id), "10");
    host.now += 10;
    host.challenge(id).ok(200);
}

/// An account that may change the address may also enrol another device with it, which has no
/// pause.
#[test]
fn pause_ends_by_a_new_address_unless_a_wrong_code_began_it() {
    for (body, attribute, value) in [(SMS, "phone", "911222333"), (EMAIL, "email", "other@example.com")] {
        let mut host = paused();
        let id = host.create(body);
        host.challenge(id).ok(200);
        host.replace(id, attribute, value).ok(200);
        host.challenge(id).ok(200);
        host.answer(id, WRONG).verdict(false);
        let first = host.store.memory.delivered[0].1.clone();
        host.replace(id, attribute, &first).ok(200);
        wait(&host.challenge(id), "30");
    }
}

/// An operation on a device in the property below.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Ask,
    Call,
    Right,
    Wrong,
}

proptest! {
    /// Whatever the policy, a message waits until the pause is over since the last message and the
    /// last wrong code that was verified. Only a right code ends it sooner; nothing makes it
    /// longer.
    #[test]
    fn messages_are_a_pause_apart_unless_a_right_code_lies_between(
        pause in 1..80_u32,
        (lifetime, reuse) in (1..80_u32).prop_flat_map(|lifetime| (Just(lifetime), 0..=lifetime)),
        lock in prop_oneof![
            (2..9_u32).prop_map(|fails| Lock::Hard { max_fails: fails }),
            (1..5_u32, 1..20_u32, 0..80_u32).prop_map(|(fails, first, more)| Lock::Throttle { max_fails: fails, first_delay: first, max_delay: first + more }),
        ],
        deeds in vec((0..40_u64, prop_oneof![3 => Just(Deed::Ask), 1 => Just(Deed::Call), 1 => Just(Deed::Right), 3 => Just(Deed::Wrong)]), 1..60),
    ) {
        let policy = lenient(lock).code_lifetime(lifetime).code_reuse(reuse).build().unwrap();
        let mut host = Host::new(Settings { policy, message_pause: pause, ..Settings::default() });
        let id = host.create(SMS);
        // The latest message or verified wrong code since the last right one.
        let mut latest = None;
        for (later, deed) in deeds {
            host.now += later;
            let revision = host.entry(id).device.revision();
            let sent = host.store.memory.delivered.len();
            match deed {
                Deed::Ask | Deed::Call => {
                    let channel = if matches!(deed, Deed::Call) { "voice" } else { "message" };
                    let reply = host.get(&format!("/OtpDevice/{id}/requestChallenge?channel={channel}"));
                    let left = latest.map_or(0, |latest: u64| (latest + u64::from(pause)).saturating_sub(host.now));
                    let is_open = host.entry(id).device.check_open(&policy, host.now).is_ok();
                    prop_assert_eq!(reply.0.status, if !is_open { 409 } else if left > 0 { 429 } else { 200 });
                    prop_assert_eq!(host.store.memory.delivered.len() - sent, usize::from(is_open && left == 0));
                    if is_open && left > 0 {
                        prop_assert_eq!(reply.header("retry-after").map(str::to_owned), Some(left.to_string()));
                    } else if is_open {
                        latest = Some(host.now);
                    }
                }
                Deed::Right | Deed::Wrong => {
                    let code = host.store.memory.delivered.last().map(|(_, _, code)| code.clone());
                    let code = code.filter(|_| matches!(deed, Deed::Right)).unwrap_or_else(|| WRONG.to_owned());
                    if host.answer(id, &code).ok(200)["success"] == true {
                        latest = None;
                    } else if host.entry(id).device.revision() > revision {
                        latest = Some(host.now);
                    }
                }
            }
        }
    }
}

#[test]
fn one_of_the_requests_at_once_sends() {
    let mut host = paused();
    let id = host.create(SMS);
    for age in [0, 30] {
        host.now += age;
        // Another request was faster.
        host.store.rival = Some(|memory, id| {
            let mut other = Host { store: common::Flaky { memory: std::mem::take(memory), ..Default::default() }, ..paused() };
            other.now = other.entry(id).device.last_changed().max(common::NOW);
            other.now += if other.entry(id).device.pending_since().is_some() { 30 } else { 0 };
            other.challenge(id).ok(200);
            *memory = std::mem::take(&mut other.store.memory);
        });
        host.store.conflicts = 1;
        let before = host.store.memory.delivered.len();
        wait(&host.challenge(id), "30");
        assert_eq!(host.store.memory.delivered.len(), before + 1);
    }
}

#[test]
fn request_changes_its_device_once_or_not_at_all() {
    for (mut host, again) in [(Host::default(), 0), (paused(), 1)] {
        for body in [SMS, EMAIL, PIN] {
            let id = host.create(body);
            let first = host.entry(id).device.revision();
            host.challenge(id).ok(200);
            assert_eq!(host.entry(id).device.revision(), first + 1, "{body}");
            // The code or the positions are the same. Only the time of a sending changes, if there
            // is a pause.
            host.now += 30;
            host.challenge(id).ok(200);
            let again = if body == PIN { 0 } else { again };
            let entry = host.entry(id);
            assert_eq!((entry.device.revision(), entry.version), (first + 1 + again, 1 + i64::try_from(again).unwrap()), "{body}");
        }
    }
}

#[test]
fn pause_is_for_messages_only_and_off_by_default() {
    let mut host = paused();
    for body in [TOTP, HOTP, PIN] {
        let id = host.create(body);
        (0..5).for_each(|_| drop(host.challenge(id).ok(200)));
    }
    let mut host = Host::default();
    let id = host.create(SMS);
    (0..5).for_each(|_| drop(host.challenge(id).ok(200)));
    assert_eq!(host.store.memory.delivered.len(), 5);
    host.store.unreachable = true;
    assert_eq!(host.challenge(id).header("retry-after"), None);
    let mut host = paused();
    let id = host.create(SMS);
    host.store.unreachable = true;
    let reply = host.challenge(id);
    reply.refused(502, None);
    assert_eq!(reply.header("retry-after"), Some("30"), "it may have gone out all the same");
}
