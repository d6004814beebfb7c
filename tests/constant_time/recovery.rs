//! Recovery codes.

use keyfob::{Device, Policy, RecoveryCodes, Secret, Status};

use crate::common::NOW;
use crate::{Case, case};

/// Of 30 codes, which are no whole number of HMACs.
pub(crate) fn cases() -> Vec<Case> {
    let policy = Policy::default();
    let codes = |byte| RecoveryCodes::new(Secret::new(&[byte; 32]).unwrap(), 30).unwrap();
    let typed = |index| codes(7).iter().nth(index).unwrap().as_str().as_bytes().to_vec();
    let device = Device::recovery(codes(7), NOW);
    let used = device.verify(&policy, &typed(3), NOW).unwrap().split().0;
    let fails = (0..9).fold(device.clone(), |device, _| device.verify(&policy, b"wrong", NOW).unwrap().split().0);
    let [locked, disabled] = [Status::Locked, Status::Disabled].map(|status| {
        let mut device = device.clone();
        device.set_status(status, NOW).unwrap();
        device
    });
    let (mut near, mut gaps) = (typed(3), typed(3));
    near[15] = if near[15] == b'0' { b'1' } else { b'0' };
    gaps.rotate_left(5);
    let other = Device::recovery(codes(9), NOW);
    [
        ("the first", &device, typed(0)),
        ("the fourth", &device, typed(3)),
        ("the last", &device, typed(29)),
        ("in lower case", &device, typed(3).to_ascii_lowercase()),
        ("a wrong check symbol", &device, near.clone()),
        ("other groups", &device, gaps),
        ("other characters", &device, vec![0xff; 16]),
        ("only gaps", &device, vec![b' '; 16]),
        ("used before", &used, typed(3)),
        ("another after it", &used, typed(4)),
        ("the fail that locks", &fails, near),
        ("locked, right", &locked, typed(3)),
        ("disabled, right", &disabled, typed(3)),
        ("another secret", &other, typed(3)),
    ]
    .map(|(name, device, answer)| case("recovery codes", name, device, policy, &answer, NOW))
    .into()
}
