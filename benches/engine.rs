//! What the engine costs beside its peers, in the same run: totp-rs, and RustCrypto's hmac used
//! plainly. benches/capi.rs has liboath.
//!
//! From the raw secret: as the peers, it keeps the secret and hashes it at each call. From its
//! bytes: it makes and wipes the [`Secret`], too.

mod common;

use std::hint::black_box;
use std::ops::RangeInclusive;

use common::{ABSENT, KEY, NOW, case, heading, table, table_of_runs};
use hmac::{Hmac, KeyInit, Mac};
use keyfob::{Algorithm, Device, Error, GuessChance, Hotp, Policy, RecoveryCodes, Search, Secret, Totp};

const STEP: u64 = NOW / 30;

/// As the documentation of hmac has it: a fresh Mac for each code.
fn plain(counter: u64) -> u32 {
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(black_box(KEY)).unwrap();
    mac.update(&counter.to_be_bytes());
    let mac = mac.finalize().into_bytes();
    let offset = usize::from(mac[19] & 15);
    let word = u32::from_be_bytes(mac[offset..offset + 4].try_into().unwrap());
    (word & 0x7fff_ffff) % 1_000_000
}

fn plain_search(window: RangeInclusive<u64>, code: &str) -> Option<u64> {
    let code: u32 = code.parse().ok()?;
    let mut found = None;
    for counter in window {
        if plain(counter) == code {
            found = Some(counter);
        }
    }
    found
}

fn peer(skew: u16) -> totp_rs::Totp {
    totp_rs::Builder::new().with_secret(KEY.to_vec()).with_skew(skew).build().unwrap()
}

fn hotp() -> Hotp {
    Hotp::new(Secret::new(black_box(KEY)).unwrap())
}

fn generate() {
    let (peer, kept) = (peer(0), hotp());
    let keyed = kept.keyed();
    table(
        "generate",
        vec![
            case("keyfob, from the raw secret", || black_box(&kept).generate(black_box(STEP))),
            case("keyfob, from its bytes", || hotp().generate(black_box(STEP))),
            case("keyfob, from a keyed state", || keyed.generate(black_box(STEP))),
            case("totp-rs", || peer.generate(black_box(NOW))),
            case("plain RustCrypto", || plain(black_box(STEP))),
        ],
    );
}

/// Windows of `2 * skew + 1` steps.
fn search(skew: u16) {
    let steps = u64::from(skew);
    let (first, last) = (STEP - steps, STEP + steps);
    let policy = Policy::builder().window(skew).build().unwrap();
    let record = *Device::totp(Totp::from_hotp(hotp()), NOW).to_record().as_bytes();
    let peer = peer(skew);
    assert_eq!(hotp().search(ABSENT.as_bytes(), first..=last), None);
    assert_eq!((peer.check(ABSENT, NOW), plain_search(first..=last, ABSENT)), (None, None));
    let absent = || black_box(ABSENT.as_bytes());
    let window = || black_box(first)..=last;
    let kept = hotp();
    let mut cases = vec![
        case("keyfob, from the raw secret", || black_box(&kept).search(absent(), window())),
        case("keyfob, from its bytes", || hotp().search(absent(), window())),
    ];
    for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
        let name = if algorithm == Algorithm::Sha256 { "keyfob, SHA-256" } else { "keyfob, SHA-512" };
        cases.push(case(name, move || hotp().with_algorithm(algorithm).search(absent(), window())));
    }
    cases.push(case("keyfob, record to record", || {
        let mut stored = *black_box(&record);
        let device = Device::from_bytes(&stored).unwrap();
        let verdict = device.verify_and_store(&policy, absent(), black_box(NOW), |next| {
            next.write_record(&mut stored);
            Ok::<(), Error>(())
        });
        black_box((&stored, &verdict.unwrap()));
    }));
    cases.push(case("totp-rs", || peer.check(black_box(ABSENT), black_box(NOW))));
    cases.push(case("plain RustCrypto", || plain_search(window(), black_box(ABSENT))));
    table(&format!("search a window of {}", 2 * skew + 1), cases);
}

fn resync() {
    let policy = Policy::builder().resync_window(1000).build().unwrap();
    let device = Device::hotp(hotp(), 0, NOW);
    table(
        "resync over 1000 counters",
        vec![
            case("keyfob, from the raw secret", || device.resync(&policy, black_box(b"999999"), black_box(b"999999"), NOW).is_ok()),
            case("plain RustCrypto", || plain_search(0..=1000, black_box(ABSENT))),
        ],
    );
}

/// A wrong code among `count` recovery codes, and among as many HOTP counters.
fn recovery(count: u8) {
    let codes = RecoveryCodes::new(Secret::new(black_box(KEY)).unwrap(), count).unwrap();
    let policy = Policy::builder().look_ahead(u16::from(count) - 1).guess_bound(GuessChance::CERTAIN).build().unwrap();
    let record_to_record = |device: Device, typed: &'static [u8]| {
        let record = *device.to_record().as_bytes();
        move || {
            let mut stored = *black_box(&record);
            let device = Device::from_bytes(&stored).unwrap();
            let verdict = device.verify_and_store(&policy, black_box(typed), black_box(NOW), |next| {
                next.write_record(&mut stored);
                Ok::<(), Error>(())
            });
            black_box((&stored, &verdict.unwrap()));
        }
    };
    table(
        &format!("{count} recovery codes, record to record"),
        vec![
            case("a recovery code", record_to_record(Device::recovery(codes, NOW), b"00000-00000-0000")),
            case("as many HOTP counters", record_to_record(Device::hotp(hotp(), 0, NOW), ABSENT.as_bytes())),
        ],
    );
}

fn record() {
    let device = Device::totp(Totp::from_hotp(hotp()), NOW);
    let record = *device.to_record().as_bytes();
    #[cfg(feature = "seal")]
    let keys = keyfob::SealCipher::ALL.map(|cipher| keyfob::SealKey::for_cipher(cipher, 1, [1; 32]));
    let mut cases = vec![case("decode and encode", || Device::from_bytes(black_box(&record)).unwrap().to_record())];
    #[cfg(feature = "seal")]
    for (key, name) in keys.iter().zip(["seal and open, XChaCha20-Poly1305", "seal and open, XAES-256-GCM"]) {
        cases.push(case(name, || {
            let sealed = key.seal(black_box(&device), b"42", black_box([2; 24]));
            key.open(black_box(&sealed), b"42").unwrap()
        }));
    }
    table("record", cases);
}

/// A token without a label among many, by one code and by two.
fn find(algorithm: Algorithm) {
    const DEVICES: u32 = 100_000;
    let device = |key: u32| {
        let secret: Vec<u8> = (0..20).map(|at| key.wrapping_mul(0x9e37_79b9).rotate_left(at).to_le_bytes()[0]).collect();
        let hotp = Hotp::new(Secret::new(&secret).unwrap()).with_algorithm(algorithm);
        Device::totp(Totp::from_hotp(hotp), NOW)
    };
    let devices: Vec<Device> = (0..DEVICES).map(device).collect();
    let policy = Policy::default();
    let mut found = vec![false; devices.len()];
    let one = Search::for_code(policy, ABSENT.as_bytes(), NOW);
    let two = Search::for_two_codes(policy, ABSENT.as_bytes(), ABSENT.as_bytes(), NOW);
    let mut again = found.clone();
    table_of_runs(
        &format!("find among {DEVICES} devices, {algorithm}"),
        vec![
            case("keyfob, one code", || one.find(black_box(&devices), &mut found)),
            case("keyfob, two codes", || two.find(black_box(&devices), &mut again)),
            case("keyfob, verify of each", || {
                let verdict = |device: &Device| {
                    device.verify_and_store(&policy, black_box(ABSENT.as_bytes()), black_box(NOW), |_| Ok::<(), Error>(()))
                };
                devices.iter().filter(|device| verdict(device).unwrap().is_right()).count()
            }),
        ],
        20,
    );
}

fn main() {
    heading();
    generate();
    for skew in [1, 10] {
        search(skew);
    }
    recovery(10);
    recovery(64);
    resync();
    for algorithm in [Algorithm::Sha1, Algorithm::Sha256] {
        find(algorithm);
    }
    record();
}
