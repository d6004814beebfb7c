//! Records and sealed records: their bytes, and what is refused.

mod common;

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use common::{NOW, Seeded, challenged, check, committed, devices, hotp, secret, totp};
use keyfob::{
    Device, Error, Factor, Hotp, Kind, Pin, Policy, RECORD_SIZE, RecoveryCodes, SEAL_NONCE_SIZE, SEALED_SIZE, SealCipher, SealKey,
    Secret, Status, Totp, Validity, sealed_key_id,
};
use proptest::prelude::*;

/// A device of the factor's kind, whose secret is short.
fn short_device(factor: &Factor) -> Device {
    let hotp = Hotp::new(Secret::new_allowing_short(b"1234567890").unwrap());
    match factor {
        Factor::Totp(_) => Device::totp(Totp::from_hotp(hotp), NOW),
        _ => Device::hotp(hotp, 0, NOW),
    }
}

/// A device of any kind with some history.
fn used_devices() -> impl Strategy<Value = Device> {
    (devices(), 0..12_u32, any::<[bool; 5]>()).prop_map(|(device, fails, [right, pending, disabled, limited, short])| {
        let policy = Policy::builder().max_drift(5).build().unwrap();
        let (mut device, answer) = challenged(&device, &policy, NOW);
        if right {
            device = committed(device.verify(&policy, &answer, NOW).unwrap()).0;
        }
        for _ in 0..fails {
            device = committed(device.verify(&policy, b"wrong", NOW + 5).unwrap()).0;
        }
        if pending && device.status() != Status::Locked {
            device = challenged(&device, &policy, NOW + 9).0;
        }
        if disabled {
            device.set_status(Status::Disabled, NOW + 10).unwrap();
        }
        if short && matches!(device.kind(), Kind::Totp | Kind::Hotp) {
            device.replace_factor(&short_device(device.factor()), NOW + 11).unwrap();
        }
        if limited && matches!(device.kind(), Kind::Totp | Kind::Hotp) {
            device.set_validity(Validity::new(Some(NOW - 1), Some(NOW + 1_000_000)).unwrap(), NOW + 12).unwrap();
        }
        device
    })
}

proptest! {
    #[test]
    fn decoding_gives_the_device_back(device in used_devices()) {
        let record = device.to_record();
        let read = Device::from_bytes(record.as_bytes()).unwrap();
        prop_assert_eq!(&read, &device);
        prop_assert!(read.to_record().as_bytes() == record.as_bytes());
    }

    #[test]
    fn rule_09_any_changed_byte_is_found(device in used_devices(), change in 1..=255_u8) {
        let record = *device.to_record().as_bytes();
        for at in 0..RECORD_SIZE {
            let mut damaged = record;
            damaged[at] ^= change;
            let expected = match at {
                0 | 1 => Error::RecordForeign,
                2 if damaged[2] == 0 => Error::RecordForeign,
                2 if damaged[2] > 3 => Error::RecordNewer,
                _ => Error::RecordDamaged,
            };
            prop_assert_eq!(Device::from_bytes(&damaged).err(), Some(expected), "byte {}", at);
        }
    }

    #[test]
    fn rule_09_any_other_length_is_refused(device in used_devices(), more in 1..100_usize) {
        let record = device.to_record().as_bytes().to_vec();
        for len in 0..RECORD_SIZE {
            prop_assert_eq!(Device::from_bytes(&record[..len]).err(), Some(Error::RecordLength));
        }
        prop_assert_eq!(Device::from_bytes(&[record, vec![0; more]].concat()).err(), Some(Error::RecordLength));
    }

    #[test]
    fn rule_09_foreign_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Device::from_bytes(&bytes).is_err());
    }

    /// Fields that no device has are refused though the check is right: what is accepted is
    /// canonical.
    #[test]
    fn rule_09_what_is_accepted_is_canonical(device in used_devices(), at in 3..RECORD_SIZE - 8, byte: u8) {
        let mut bytes = *device.to_record().as_bytes();
        bytes[at] = byte;
        let sum = check(&bytes);
        bytes[RECORD_SIZE - 8..].copy_from_slice(&sum.to_le_bytes());
        match Device::from_bytes(&bytes) {
            Ok(read) => prop_assert!(read.to_record().as_bytes() == &bytes),
            Err(error) => prop_assert_eq!(error, Error::RecordDamaged),
        }
    }

    #[test]
    fn sealing_gives_the_device_back_and_only_to_its_id_and_key(
        device in used_devices(), key: [u8; 32], nonce: [u8; SEAL_NONCE_SIZE], id: u32, at in 8..SEALED_SIZE, change in 1..=255_u8,
        (cipher, other_cipher) in prop::sample::select(vec![(SealCipher::ALL[0], SealCipher::ALL[1]), (SealCipher::ALL[1], SealCipher::ALL[0])]),
    ) {
        let seal = SealKey::for_cipher(cipher, id, key);
        let sealed = seal.seal(&device, b"device 1", nonce);
        prop_assert_eq!((sealed_key_id(&sealed), seal.cipher(), sealed[3]), (Ok(id), cipher, cipher as u8));
        prop_assert_eq!(seal.open(&sealed, b"device 1"), Ok(device.clone()));
        prop_assert_eq!(SealKey::for_cipher(other_cipher, id, key).open(&sealed, b"device 1"), Ok(device.clone()));
        prop_assert_eq!(seal.open(&sealed, b"device 2"), Err(Error::SealBroken));
        let mut other = key;
        other[0] ^= 1;
        prop_assert_eq!(SealKey::for_cipher(cipher, id, other).open(&sealed, b"device 1"), Err(Error::SealBroken));
        for (version, error) in [(0, Error::SealForeign), (other_cipher as u8, Error::SealBroken), (3, Error::SealNewer)] {
            let mut changed = sealed;
            changed[3] = version;
            prop_assert_eq!(seal.open(&changed, b"device 1"), Err(error));
        }
        prop_assert_eq!(SealKey::new(id ^ 1, key).open(&sealed, b"device 1"), Err(Error::SealKeyId));
        let mut damaged = sealed;
        damaged[at] ^= change;
        prop_assert_eq!(seal.open(&damaged, b"device 1"), Err(Error::SealBroken));
        let record = device.to_record();
        prop_assert!(!sealed.windows(16).any(|part| record.as_bytes().windows(16).any(|plain| plain == part && plain != [0; 16])));
    }

    #[test]
    fn foreign_bytes_do_not_open(bytes in prop::collection::vec(any::<u8>(), 0..2 * SEALED_SIZE)) {
        prop_assert!(matches!(SealKey::new(1, [1; 32]).open(&bytes, b""), Err(Error::SealForeign | Error::SealNewer)));
    }
}

/// The check is right, and the content is not.
#[test]
fn rule_09_a_version_or_a_validity_that_no_device_has_is_damage() {
    let refused = |mut bytes: [u8; RECORD_SIZE]| {
        let sum = check(&bytes);
        bytes[RECORD_SIZE - 8..].copy_from_slice(&sum.to_le_bytes());
        Device::from_bytes(&bytes).err() == Some(Error::RecordDamaged)
    };
    let short = Totp::new(Secret::new_allowing_short(b"1234567890").unwrap());
    let limited = Device::totp(totp(), NOW).with_validity(Validity::new(Some(NOW), Some(NOW + 1)).unwrap()).unwrap();
    for device in [Device::totp(totp(), NOW), Device::hotp(hotp(), 0, NOW), Device::totp(short, NOW), limited.clone()] {
        let mut bytes = *device.to_record().as_bytes();
        assert!(!refused(bytes));
        bytes[2] = 3 - bytes[2];
        assert!(refused(bytes), "the other version of {device:?}");
    }
    let mut bytes = *limited.to_record().as_bytes();
    let (start, end) = bytes[40..56].split_at_mut(8);
    start.swap_with_slice(end);
    assert!(refused(bytes), "it ends before it begins");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// Records written today must stay readable: these bytes change only with the version.
#[test]
fn the_format_does_not_change() {
    let policy = Policy::builder().max_drift(5).build().unwrap();
    let code = totp().generate(NOW + 30).unwrap();
    let (totp, _) = committed(Device::totp(totp().with_t0(0), NOW).verify(&policy, code.as_bytes(), NOW).unwrap());
    let pin = Device::pin(Pin::new(b"12345678").unwrap(), &policy, NOW).unwrap();
    let (pin, _) = committed(pin.challenge(&policy, &mut Seeded(1), NOW).unwrap());
    let mut hotp = Device::hotp(hotp(), 7, NOW);
    hotp.set_status(Status::Locked, NOW + 1).unwrap();
    let golden = include_str!("records.txt").lines().filter(|line| !line.starts_with('#'));
    let drawer = Totp::new(Secret::new_allowing_short(b"1234567890").unwrap()).with_period(60).unwrap();
    let validity = Validity::new(Some(NOW), Some(NOW + 31_536_000)).unwrap();
    let drawer = Device::totp(drawer, NOW).with_validity(validity).unwrap();
    let written = [totp, hotp, pin, drawer].map(|device| hex(device.to_record().as_bytes()));
    assert_eq!(golden.collect::<Vec<_>>(), written, "records.txt holds other bytes");
}

/// The device of a kind, used once and with a challenge, in a status.
fn device_in(kind: Kind, status: Status) -> Device {
    let policy = Policy::default();
    let device = match kind {
        Kind::Totp => Device::totp(totp(), NOW),
        Kind::Hotp => Device::hotp(hotp(), 7, NOW),
        Kind::Sms => Device::sms(hotp(), NOW),
        Kind::Email => Device::email(hotp(), NOW),
        Kind::Pin => Device::pin(Pin::new(b"12345678").unwrap(), &policy, NOW).unwrap(),
        Kind::Recovery => Device::recovery(RecoveryCodes::new(secret(), 10).unwrap(), NOW),
    };
    let (device, answer) = challenged(&device, &policy, NOW);
    let device = committed(device.verify(&policy, &answer, NOW + 1).unwrap()).0;
    let mut device = committed(device.verify(&policy, b"wrong", NOW + 2).unwrap()).0;
    device.set_status(status, NOW + 3).unwrap();
    if matches!(status, Status::Created | Status::Validated) { challenged(&device, &policy, NOW + 4).0 } else { device }
}

#[test]
fn a_record_of_each_kind_and_status_stays_as_it_is() {
    let golden: Vec<_> = include_str!("records-by-status.txt").lines().filter(|line| !line.starts_with('#')).collect();
    let each = Kind::ALL.into_iter().flat_map(|kind| Status::ALL.into_iter().map(move |status| (kind, status)));
    let written: Vec<_> = each
        .map(|(kind, status)| {
            let device = device_in(kind, status);
            let record = device.to_record();
            assert_eq!(Device::from_bytes(record.as_bytes()).as_ref(), Ok(&device));
            format!("{} {} {}", kind.name(), status.letter(), hex(record.as_bytes()))
        })
        .collect();
    assert_eq!(golden, written, "records-by-status.txt holds other bytes:\n{}", written.join("\n"));
}

/// The layout of docs/record-format.md, opened by the cipher itself.
#[test]
fn a_sealed_record_has_its_parts_where_they_are_documented() {
    let (device, key, nonce) = (Device::totp(totp(), NOW), [7; 32], [9; SEAL_NONCE_SIZE]);
    let sealed = SealKey::new(0x0403_0201, key).seal(&device, b"device 1", nonce);
    let ([head, id], [sent, body, tag]) = ([&sealed[..4], &sealed[4..8]], [&sealed[8..32], &sealed[32..200], &sealed[200..]]);
    assert_eq!((head, id, sent), (&b"kfs\x01"[..], &[1, 2, 3, 4][..], &nonce[..]));
    let mut body = body.to_vec();
    let tag: [u8; 16] = tag.try_into().unwrap();
    let cipher = XChaCha20Poly1305::new(&key.into());
    cipher.decrypt_inout_detached(&nonce.into(), b"device 1", body.as_mut_slice().into(), &tag.into()).unwrap();
    assert_eq!(body, device.to_record().as_bytes());
}

/// Both formats are read for ever: these bytes never change.
#[test]
fn sealed_records_of_both_ciphers_stay_as_they_are() {
    let device = Device::totp(totp(), NOW);
    let golden: Vec<_> = include_str!("seals.txt").lines().filter(|line| !line.starts_with('#')).collect();
    let sealed = SealCipher::ALL
        .map(|cipher| SealKey::for_cipher(cipher, 0x0403_0201, [7; 32]).seal(&device, b"device 1", [9; SEAL_NONCE_SIZE]));
    assert_eq!(golden, sealed.map(|sealed| hex(&sealed)), "seals.txt holds other bytes");
    for sealed in sealed {
        assert_eq!(SealKey::new(0x0403_0201, [7; 32]).open(&sealed, b"device 1").as_ref(), Ok(&device));
    }
}

#[test]
fn rule_09_a_record_of_a_newer_version_is_told_apart_whatever_its_length() {
    let record = Device::totp(totp(), NOW).to_record();
    let mut newer = record.as_bytes().to_vec();
    newer[2] = 4;
    newer.extend([0; 24]);
    assert_eq!(Device::from_bytes(&newer).err(), Some(Error::RecordNewer));
}

#[test]
fn sizes_are_as_documented() {
    assert_eq!((RECORD_SIZE, SEALED_SIZE), (168, 216));
}
