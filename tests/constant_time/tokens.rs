//! Hardware tokens: TOTP resync, the first window, and devices outside of their validity.

use keyfob::{Device, GuessChance, Hotp, Policy, Secret, Status, Totp, Validity};

use crate::common::{NOW, secret, totp};
use crate::{Case, case, probe};

/// The code of the step that many steps away from the present one.
fn code(away: i64) -> Vec<u8> {
    totp().generate(NOW.saturating_add_signed(30 * away)).unwrap().as_bytes().to_vec()
}

fn resync(group: &'static str, name: &'static str, device: &Device, codes: [Vec<u8>; 2]) -> Case {
    // 81 steps: more than one batch, which is 64.
    let (device, policy) = (device.clone(), Policy::builder().max_drift(40).build().unwrap());
    let call = move || {
        let [first, second] = &codes;
        drop(std::hint::black_box(probe(&device, &policy, first, Some(second), NOW)));
    };
    (group, name, Box::new(call))
}

pub(crate) fn cases() -> Vec<Case> {
    let (mut cases, device) = (Vec::new(), Device::totp(totp(), NOW));
    let pair = |first: i64| [code(first), code(first + 1)];
    let mut locked = device.clone();
    locked.set_status(Status::Locked, NOW).unwrap();
    let other = Device::totp(Totp::new(Secret::new(&[0xff; 20]).unwrap()), NOW);
    let last_fail = (0..9).fold(device.clone(), |device, _| device.verify(&Policy::default(), b"wrong", NOW).unwrap().split().0);
    for (name, device, codes) in [
        ("match at the first", &device, pair(-40)),
        ("match over the end of a batch", &device, pair(23)),
        ("match at the last", &device, pair(39)),
        ("one beyond", &device, pair(40)),
        ("not in a row", &device, [code(3), code(5)]),
        ("the other way round", &device, [code(4), code(3)]),
        ("other characters", &device, [b"\xff\xff\xff\xff\xff\xff".to_vec(), b"      ".to_vec()]),
        ("none right", &device, pair(1_000)),
        ("the fail that locks", &last_fail, pair(1_000)),
        ("locked, right", &locked, pair(3)),
        ("another secret", &other, pair(3)),
    ] {
        cases.push(resync("TOTP resync", name, device, codes));
    }
    let policy = Policy::builder().max_drift(40).build().unwrap();
    let used = device.resync(&policy, &code(5), &code(6), NOW).unwrap().split().0;
    for (name, codes) in [("right", pair(9)), ("the same two", pair(5)), ("older ones", pair(1)), ("none right", pair(1_000))] {
        cases.push(resync("TOTP resync, done a moment ago", name, &used, codes));
    }
    let first = Policy::builder().max_drift(20).first_window(20).guess_bound(GuessChance::CERTAIN).build().unwrap();
    for (name, answer) in [
        ("match at the first", code(-20)),
        ("match in the middle", code(0)),
        ("match at the last", code(20)),
        ("one beyond", code(21)),
        ("no code", b"xxxxxx".to_vec()),
    ] {
        cases.push(case("TOTP, first window", name, &device, first, &answer, NOW));
    }
    for (group, first, last) in [
        ("TOTP before its validity", Some(NOW + 1), None),
        ("TOTP within its validity", Some(NOW), Some(NOW)),
        ("TOTP after its validity", None, Some(NOW - 1)),
    ] {
        let device = device.clone().with_validity(Validity::new(first, last).unwrap()).unwrap();
        for (name, answer) in
            [("right", code(0)), ("at the last step", code(1)), ("wrong", code(9)), ("no code", b"xxxxxx".to_vec())]
        {
            cases.push(case(group, name, &device, Policy::default(), &answer, NOW));
        }
    }
    let closed = Device::hotp(Hotp::new(secret()), 5, NOW).with_validity(Validity::new(None, Some(1)).unwrap()).unwrap();
    for (name, counter) in [("right", 5), ("at the last counter", 15), ("behind", 4), ("wrong", 90)] {
        let code = Hotp::new(secret()).generate(counter);
        cases.push(case("HOTP after its validity", name, &closed, Policy::default(), code.as_bytes(), NOW));
    }
    cases
}
