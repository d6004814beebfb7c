//! What the audit trail tells of an answer that locks.

mod common;

use common::{Host, SMS, TOTP, WRONG};
use keyfob::{Lock, Policy, Status};
use keyfob_scim::{EventKind, Settings};

fn of_lock(lock: Lock) -> Policy {
    Policy::builder().lock(lock).build().unwrap()
}

#[test]
fn trail_tells_which_fail_locked_the_device() {
    let throttle = Lock::ThrottleThenLock { max_fails: 2, first_delay: 1, max_delay: 1, total_fails: 4 };
    for (policy, fails) in [(Policy::default(), 10), (of_lock(throttle), 4)] {
        let mut host = Host::new(Settings { policy, ..Settings::default() });
        for kind in [TOTP, SMS] {
            let id = host.create(kind);
            if kind == SMS {
                host.challenge(id).ok(200);
            }
            for _ in 0..fails {
                host.now += 60;
                host.answer(id, WRONG).verdict(false);
            }
            assert_eq!(host.entry(id).row.status, Status::Locked);
            host.answer(id, WRONG).verdict(false);
            let events = host.store.memory.events.iter().filter(|event| event.kind == EventKind::Verify && event.device_id == id);
            let reasons: Vec<_> = events.map(|event| event.reason.clone()).collect();
            let (before, last) = reasons.split_at(fails - 1);
            assert!(before.iter().all(|reason| !reason.contains("locked")), "{reasons:?}");
            assert!(last[0].ends_with(", then locked") && last[1] == "locked", "{reasons:?}");
        }
    }
    // A limit that was lowered: the attempt that it locks is not judged, and no fail.
    let mut host = Host::default();
    let id = host.create(TOTP);
    for _ in 0..3 {
        host.answer(id, WRONG).verdict(false);
    }
    host.service = Host::new(Settings { policy: of_lock(Lock::Hard { max_fails: 2 }), ..Settings::default() }).service;
    host.answer(id, WRONG).verdict(false);
    assert_eq!(host.entry(id).row.status, Status::Locked);
    assert_eq!(host.store.memory.events.last().unwrap().reason, "locked");
}
