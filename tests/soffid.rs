//! Rows of Soffid's table: what is read from them, and what attempts write back.

mod common;

use common::{NOW, committed, secret, totp};
use keyfob::{
    Algorithm, Device, Error, Hotp, Kind, Pin, Policy, RecoveryCodes, SOFFID_AUTH_KEY_SIZE, Secret, SoffidRow, Status, Totp,
    Validity,
};

/// A drawn secret, for kinds whose rows hold none.
const DRAWN: [u8; 20] = *b"12345678901234567890";

fn row(kind: Kind) -> SoffidRow<'static> {
    SoffidRow {
        kind,
        status: Status::Validated,
        fails: 3,
        created: NOW - 900,
        last_used: Some(NOW - 60),
        last_issued: Some(NOW - 90),
        last_counter: Some(7),
        auth_key: "gezd gnbv gy3t qojq gezd gnbv gy3t qojq",
        pin: "12345678",
        digits: None,
        algorithm: None,
        max_fails: 10,
    }
}

/// Those that Soffid has.
const KINDS: [Kind; 5] = [Kind::Totp, Kind::Hotp, Kind::Sms, Kind::Email, Kind::Pin];

#[test]
fn a_row_says_what_its_device_is() {
    for kind in KINDS {
        let device = row(kind).import(&DRAWN).unwrap();
        assert_eq!((device.kind(), device.status(), device.fails()), (kind, Status::Validated, 3));
        assert_eq!((device.created(), device.last_used(), device.pending_since()), (NOW - 900, Some(NOW - 60), None));
        if kind != Kind::Pin {
            assert_eq!((device.moving_factor(), device.generator().unwrap().secret()), (8, &secret()));
            assert_eq!((device.algorithm(), device.digits().unwrap().get()), (Some(Algorithm::Sha1), 6), "NULL");
        }
    }
    let device = SoffidRow { digits: Some(8), algorithm: Some("HmacSHA512"), ..row(Kind::Hotp) }.import(&[]).unwrap();
    assert_eq!((device.algorithm(), device.digits().unwrap().get()), (Some(Algorithm::Sha512), 8));
    for status in Status::ALL {
        assert_eq!(SoffidRow { status, ..row(Kind::Totp) }.import(&[]).unwrap().status(), status);
    }
}

#[test]
fn rows_with_a_fault_are_refused() {
    let refused = |row: SoffidRow<'_>| row.import(&[]).unwrap_err();
    assert_eq!(refused(SoffidRow { auth_key: "2jmj7l5rSw0yVb/vlWAYkK/YBwk=", ..row(Kind::Totp) }), Error::SecretBase32);
    assert_eq!(refused(SoffidRow { auth_key: "GEZDGNBVGY3TQOJQ", ..row(Kind::Hotp) }), Error::SecretLength);
    for algorithm in ["SHA1", "HmacHmacSHA1", "HmacSHA-1", "Hmac", ""] {
        assert_eq!(refused(SoffidRow { algorithm: Some(algorithm), ..row(Kind::Totp) }), Error::Algorithm);
    }
    assert_eq!(refused(SoffidRow { digits: Some(256 + 6), ..row(Kind::Totp) }), Error::Digits);
    assert_eq!(refused(SoffidRow { pin: "123", ..row(Kind::Pin) }), Error::PinLength);
    assert_eq!(refused(SoffidRow { pin: "12a4", ..row(Kind::Pin) }), Error::PinDigits);
    assert_eq!(refused(row(Kind::Sms)), Error::SecretLength, "none was drawn");
}

/// The add-on takes NULL for -5 and tries the counters behind it: so it may have stored -4 to -1,
/// which no authenticator has.
#[test]
fn a_negative_counter_is_none() {
    for kind in [Kind::Totp, Kind::Hotp, Kind::Sms, Kind::Email] {
        for last_counter in [-1, -2, -3, -4, -5, i64::MIN] {
            let row = SoffidRow { last_counter: Some(last_counter), ..row(kind) };
            let device = row.import(&DRAWN).unwrap();
            assert_eq!(device.moving_factor(), 0, "{kind} {last_counter}");
            let (mut same, mut key) = (row, [0; SOFFID_AUTH_KEY_SIZE]);
            same.update(&device, &mut key).unwrap();
            assert!(same == row, "nothing has changed");
        }
    }
    let (mut row, mut key) = (SoffidRow { last_counter: Some(-3), ..row(Kind::Hotp) }, [0; SOFFID_AUTH_KEY_SIZE]);
    let device = row.import(&[]).unwrap();
    let (device, verdict) = committed(device.verify(&Policy::soffid(), b"755224", NOW).unwrap());
    assert!(verdict.is_right(), "the code of counter 0");
    row.update(&device, &mut key).unwrap();
    assert_eq!((row.last_counter, row.fails), (Some(0), 0));
}

/// `OTP_LASCOU` is signed.
#[test]
fn a_counter_that_no_column_can_say_is_refused() {
    let mut key = [0; SOFFID_AUTH_KEY_SIZE];
    let last = i64::MAX.unsigned_abs();
    let device = Device::hotp(Hotp::new(secret()), last + 1, NOW);
    let exported = SoffidRow::export(&device, &mut key).unwrap();
    assert_eq!(exported.last_counter, Some(i64::MAX));
    assert_eq!(exported.import(&[]).unwrap().moving_factor(), last + 1);
    let device = Device::hotp(Hotp::new(secret()), last + 2, NOW);
    let (before, mut refused) = (row(Kind::Hotp), row(Kind::Hotp));
    assert_ne!(before.status, device.status());
    assert_eq!(refused.update(&device, &mut key).unwrap_err(), Error::SoffidParameters);
    assert_eq!(refused, before, "nothing of it is written");
    assert_eq!(SoffidRow::export(&device, &mut key).unwrap_err(), Error::SoffidParameters);
}

#[test]
fn an_open_row_is_a_fail_away_from_its_lock_at_least() {
    for (fails, max_fails, counted) in
        [(9, 10, 9), (10, 10, 9), (i32::MAX.cast_unsigned(), 10, 9), (10, 20, 10), (5, 3, 2), (5, 0, 0)]
    {
        for status in Status::ALL {
            let row = SoffidRow { status, fails, max_fails, ..row(Kind::Totp) };
            let is_open = matches!(status, Status::Created | Status::Validated);
            assert_eq!(row.counted_fails(), if is_open { counted } else { fails });
            assert_eq!(row.import(&[]).unwrap().fails(), row.counted_fails());
        }
    }
}

/// Some programs wrote the midnight of a day, and in Madrid that of the first one lies before 1970.
#[test]
fn negative_columns_count_as_0_and_stay() {
    let negative = |time: i64| time.cast_unsigned();
    for kind in KINDS {
        let before =
            SoffidRow { fails: (-4_i32).cast_unsigned(), created: negative(-3600), last_used: Some(negative(-1)), ..row(kind) };
        assert_eq!(before.counted_fails(), 0);
        let device = before.import(&DRAWN).unwrap();
        assert_eq!((device.created(), device.last_used(), device.fails()), (0, Some(0), 0));
        assert_eq!(device.check_open(&Policy::default(), NOW), Ok(()));
        let (mut after, mut key) = (before, [0; SOFFID_AUTH_KEY_SIZE]);
        after.update(&device, &mut key).unwrap();
        assert_eq!((after.fails, after.created, after.last_used), (before.fails, before.created, before.last_used));
        let locked = SoffidRow { status: Status::Locked, ..before };
        assert_eq!(locked.import(&DRAWN).unwrap().fails(), 0);
    }
}

/// The clock was ahead for two hours, in which the row was made and used.
#[test]
fn an_unlock_after_a_clock_that_was_ahead_is_kept_in_the_row() {
    let policy = Policy::default();
    for kind in KINDS {
        let mut row = SoffidRow { created: NOW + 7000, last_used: Some(NOW + 7200), ..row(kind) };
        let mut device = row.import(&DRAWN).unwrap();
        assert_eq!(device.check_open(&policy, NOW), Err(Error::Clock));
        device.unlock(NOW).unwrap();
        let mut key = [0; SOFFID_AUTH_KEY_SIZE];
        row.update(&device, &mut key).unwrap();
        assert_eq!((row.created, row.last_used, row.fails), (NOW, Some(NOW), 0));
        assert_eq!(row.import(&DRAWN).unwrap().check_open(&policy, NOW), Ok(()), "{kind}");
    }
}

#[test]
fn exported_rows_are_imported_back() {
    let hotp = || Hotp::new(secret()).with_algorithm(Algorithm::Sha256);
    for device in [
        Device::totp(totp(), NOW),
        Device::hotp(hotp(), 5, NOW),
        Device::sms(hotp(), NOW),
        Device::email(hotp(), NOW),
        Device::pin(Pin::new(b"12345678").unwrap(), &Policy::default(), NOW).unwrap(),
    ] {
        let mut key = [0; SOFFID_AUTH_KEY_SIZE];
        let row = SoffidRow { max_fails: 10, ..SoffidRow::export(&device, &mut key).unwrap() };
        assert_eq!(row.import(secret().expose()).unwrap(), device);
        assert_eq!(format!("{row:?}"), format!("SoffidRow {{ kind: {:?}, status: Created, .. }}", device.kind()));
    }
    let longest = Device::hotp(Hotp::new(Secret::new(&[7; 64]).unwrap()), 0, NOW);
    assert_eq!(SoffidRow::export(&longest, &mut [0; SOFFID_AUTH_KEY_SIZE]).unwrap().auth_key.len(), SOFFID_AUTH_KEY_SIZE);
}

#[test]
fn devices_that_no_row_can_express_are_refused() {
    let short = Hotp::new(Secret::new_allowing_short(b"1234567890").unwrap());
    let validity = Validity::new(None, Some(NOW)).unwrap();
    for device in [
        Device::totp(totp().with_period(60).unwrap(), NOW),
        Device::totp(totp().with_t0(1), NOW),
        // A row with a short secret could be written, and no import would read it again.
        Device::totp(Totp::from_hotp(short.clone()), NOW),
        Device::hotp(short, 0, NOW),
        Device::totp(totp(), NOW).with_validity(validity).unwrap(),
        Device::hotp(Hotp::new(secret()), 0, NOW).with_validity(validity).unwrap(),
    ] {
        let (mut key, before) = ([0; SOFFID_AUTH_KEY_SIZE], row(device.kind()));
        let mut after = before;
        assert_eq!(SoffidRow::export(&device, &mut key), Err(Error::SoffidParameters), "{device:?}");
        assert_eq!(after.update(&device, &mut key), Err(Error::SoffidParameters), "{device:?}");
        assert_eq!(after, before);
    }
    for kind in [Kind::Totp, Kind::Hotp] {
        assert_eq!(SoffidRow { auth_key: "GEZDGNBVGY3TQOJQ", ..row(kind) }.import(&[]), Err(Error::SecretLength));
    }
    assert_eq!(row(Kind::Sms).import(b"1234567890"), Err(Error::SecretLength));
}

#[test]
fn a_row_is_locked_with_the_fail_that_soffid_locks_at_whatever_the_policy_says() {
    let patient =
        Policy::builder().lock(keyfob::Lock::Hard { max_fails: 20 }).pin_guess_bound(keyfob::GuessChance::CERTAIN).build().unwrap();
    for (fails, status) in [(3, Status::Validated), (8, Status::Validated), (9, Status::Locked)] {
        let mut row = SoffidRow { fails, ..row(Kind::Totp) };
        let next = committed(row.import(&[]).unwrap().verify(&patient, b"no code", NOW).unwrap()).0;
        let mut key = [0; SOFFID_AUTH_KEY_SIZE];
        row.update(&next, &mut key).unwrap();
        assert_eq!((row.fails, row.status, next.status()), (fails + 1, status, Status::Validated));
    }
}

/// Not even one that would be locked at its first fail.
#[test]
fn a_row_is_not_locked_without_an_attempt() {
    let before = SoffidRow { fails: 0, max_fails: 0, ..row(Kind::Totp) };
    let (device, mut key, mut after) = (before.import(&[]).unwrap(), [0; SOFFID_AUTH_KEY_SIZE], before);
    after.update(&device, &mut key).unwrap();
    assert_eq!(after, before);
}

#[test]
fn an_update_writes_what_an_attempt_changed() {
    for kind in KINDS {
        let before = SoffidRow { fails: 11, ..row(kind) };
        let device = before.import(&DRAWN).unwrap();
        let (mut after, mut keys) = (before, [[0; SOFFID_AUTH_KEY_SIZE]; 3]);
        let [one, two, three] = &mut keys;
        after.update(&device, one).unwrap();
        assert_eq!(after, before, "nothing");
        let (next, _) = committed(device.verify(&Policy::default(), b"no code", NOW).unwrap());
        after.update(&next, two).unwrap();
        assert_eq!(after, SoffidRow { fails: 10, status: Status::Locked, ..before });
        let other = row(KINDS[(kind as usize) % 5]).import(&DRAWN).unwrap();
        assert_eq!(after.update(&other, three), Err(Error::WrongKind));
    }
}

/// Else the old authenticator's codes would be right, and from the first one on.
#[test]
fn an_update_writes_a_factor_that_was_replaced() {
    let others = |algorithm, digits, pin: &'static str| SoffidRow {
        auth_key: "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U",
        pin,
        digits: Some(digits),
        algorithm: Some(algorithm),
        ..row(Kind::Totp)
    };
    for kind in KINDS {
        for (algorithm, digits, pin) in [("HmacSHA1", 6, "87654321"), ("HmacSHA256", 8, "1234567890")] {
            let before = row(kind);
            let (old, mut device) = (before.import(&DRAWN).unwrap(), before.import(&DRAWN).unwrap());
            let from = SoffidRow { kind, last_counter: None, ..others(algorithm, digits, pin) };
            let from = from.import(b"09876543210987654321").unwrap();
            device.replace_factor(&from, NOW).unwrap();
            let (mut row, mut key) = (before, [0; SOFFID_AUTH_KEY_SIZE]);
            row.update(&device, &mut key).unwrap();
            assert!(row.has_factor_of(&from) && row.has_factor_of(&device));
            // The secret of an SMS or e-mail row is drawn, and is in no column.
            let same = matches!(kind, Kind::Sms | Kind::Email) && digits == 6;
            assert_eq!((before.has_factor_of(&device), row.has_factor_of(&old)), (same, same), "{kind}");
            let device = row.import(b"09876543210987654321").unwrap();
            assert_eq!(device.factor(), from.factor());
            assert_eq!(row.fails, before.fails, "which a new factor keeps");
            let (mut again, mut key) = (row, [0; SOFFID_AUTH_KEY_SIZE]);
            again.update(&device, &mut key).unwrap();
            assert_eq!(again, row);
        }
    }
}

#[test]
fn a_factor_is_the_same_in_any_spelling() {
    for row in [
        SoffidRow { auth_key: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", ..row(Kind::Hotp) },
        SoffidRow { digits: Some(6), algorithm: Some("HmacSHA1"), ..row(Kind::Hotp) },
        SoffidRow { algorithm: Some("Hmacsha1"), ..row(Kind::Hotp) },
    ] {
        assert!(row.has_factor_of(&self::row(Kind::Hotp).import(&[]).unwrap()));
        for other in [
            SoffidRow { digits: Some(7), ..row },
            SoffidRow { algorithm: Some("HmacSHA256"), ..row },
            SoffidRow { algorithm: Some("no algorithm"), ..row },
            SoffidRow { auth_key: "no key", ..row },
            SoffidRow { kind: Kind::Totp, ..row },
        ] {
            assert!(!other.has_factor_of(&row.import(&[]).unwrap()));
        }
    }
}

#[test]
fn recovery_codes_are_in_no_row() {
    assert_eq!(row(Kind::Recovery).import(&DRAWN).err(), Some(Error::WrongKind));
    let codes = RecoveryCodes::new(Secret::new(&DRAWN).unwrap(), 10).unwrap();
    let (device, mut key) = (Device::recovery(codes, NOW), [0; SOFFID_AUTH_KEY_SIZE]);
    assert_eq!(SoffidRow::export(&device, &mut key).err(), Some(Error::WrongKind));
    for kind in Kind::ALL {
        let mut row = row(kind);
        assert_eq!(row.update(&device, &mut key).err(), Some(Error::WrongKind));
        assert!(!row.has_factor_of(&device));
    }
}
