//! The search for a token by its codes: the same work whoever shows them.

use keyfob::{Algorithm, Device, Hotp, Policy, Search, Secret, Totp};

use crate::Case;
use crate::common::NOW;

#[inline(never)]
fn probe_search(search: &Search, devices: &[Device], found: &mut [bool]) -> usize {
    search.find(devices, found)
}

/// A search among as many devices as two vectors take, by two codes.
pub(crate) fn cases() -> Vec<Case> {
    let totp = |algorithm, key: u8| Totp::from_hotp(Hotp::new(Secret::new(&[key; 20]).unwrap()).with_algorithm(algorithm));
    let mut cases = Vec::new();
    for (group, algorithm) in ["find SHA-1", "find SHA-256", "find SHA-512"].into_iter().zip(Algorithm::ALL) {
        let code = |key: u8, steps: i64| totp(algorithm, key).generate(NOW.saturating_add_signed(30 * steps)).unwrap();
        let codes = |key, steps| [code(key, steps).as_bytes().to_vec(), code(key, steps + 1).as_bytes().to_vec()];
        for (name, first_key, codes) in [
            ("the first device, its first step", 0, codes(0, -1)),
            ("the last device, its last step", 0, codes(16, 1)),
            ("no device", 0, codes(200, 0)),
            ("the first code only", 0, [code(3, 0).as_bytes().to_vec(), b"000000".to_vec()]),
            ("other characters", 0, [b"\xff\xff\xff\xff\xff\xff".to_vec(), b"      ".to_vec()]),
            ("other secrets", 100, codes(100, 0)),
        ] {
            let devices: Vec<_> = (0..17).map(|key| Device::totp(totp(algorithm, first_key + key), NOW)).collect();
            let call = move || {
                let [first, second] = &codes;
                let search = Search::for_two_codes(Policy::default(), first, second, NOW);
                let mut found = [false; 17];
                std::hint::black_box(probe_search(&search, &devices, &mut found));
            };
            cases.push((group, name, Box::new(call) as Box<dyn Fn()>));
        }
    }
    cases
}
