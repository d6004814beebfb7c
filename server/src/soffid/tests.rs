//! Rows good and bad, one by one, and the columns of files and tables.

mod files;
mod passes;

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use keyfob::{Algorithm, Digits, GuessChance, Kind, Lock, Policy, Status};
use keyfob_scim::{Naming, Settings};

use super::report::refusal;
use super::row::{Accepted, Rules};
use super::source::{Columns, Field, RawRow};

/// 2023-11-14 22:13:20.
const NOW: u64 = 1_700_000_000;
const HOTP: (Digits, Algorithm) = (Digits::EIGHT, Algorithm::Sha256);
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

type Change<'t> = (Field, &'t str);

/// A row of this kind with all that it needs, and these changes; an empty text is NULL.
fn raw(kind: &str, changes: &[Change<'_>]) -> RawRow {
    let mut raw = RawRow::default();
    let all = [
        (Field::Id, "60"),
        (Field::Type, kind),
        (Field::Status, "V"),
        (Field::Fails, "2"),
        (Field::AuthKey, if kind.ends_with("OTP") { SECRET } else { "" }),
        (Field::LastCounter, "7"),
        (Field::LastUsed, "2023-11-14 22:13:20"),
        (Field::Created, "2023-11-14 20:00:00.123"),
        (Field::Name, "TOTP00000035"),
        (Field::Email, "a@example.com"),
        (Field::Phone, "666555444"),
        (Field::Pin, "EcjoC/XuZ1vKcw=="),
        (Field::Digits, "8"),
        (Field::Algorithm, "HmacSHA256"),
        (Field::User, "alice"),
    ];
    for (field, text) in all.iter().chain(changes) {
        raw.set(*field, Some((*text).to_owned()).filter(|text| !text.is_empty()));
    }
    raw
}

fn judge_with(settings: &Settings, zone: &str, raw: &RawRow) -> Result<Accepted, String> {
    let zone = TimeZone::get(zone).unwrap();
    Rules { settings, users: None, tenant: None, zone: &zone, hotp: HOTP, now: NOW, corrects_names: false, writes: true }.judge(raw)
}

fn judge(kind: &str, changes: &[Change<'_>]) -> Result<Accepted, String> {
    judge_with(&Settings::default(), "UTC", &raw(kind, changes))
}

/// Why a row is not taken, which says nothing that it says.
#[track_caller]
fn refused(kind: &str, changes: &[Change<'_>]) -> String {
    let reason = judge(kind, changes).err().expect("it is not taken");
    for (_, text) in changes {
        assert!(text.len() < 4 || !reason.contains(text), "{reason}");
    }
    reason
}

#[test]
fn each_kind_is_taken_with_all_that_it_has() {
    for kind in [Kind::Totp, Kind::Hotp, Kind::Sms, Kind::Email, Kind::Pin] {
        let taken = judge(kind.name(), &[]).unwrap_or_else(|reason| panic!("{kind}: {reason}"));
        let (row, device) = (&taken.device.entry.row, &taken.device.entry.device);
        assert_eq!((row.id, row.name.as_str(), row.user.as_str(), row.kind), (60, "TOTP00000035", "alice", kind));
        assert_eq!((row.status, row.fails, row.last_used), (Status::Validated, 2, Some(NOW)));
        assert_eq!((row.created, row.deleted, &taken.device.name), (NOW - 8000, false, &None));
        assert_eq!(row.email.is_some(), kind == Kind::Email);
        assert_eq!(row.phone.is_some(), kind == Kind::Sms);
        let counter = if kind == Kind::Pin { 0 } else { 8 };
        assert_eq!((device.moving_factor(), device.digits().map_or(8, Digits::get)), (counter, 8));
        assert_eq!((taken.number, taken.loses_challenge, taken.loses_fails, taken.is_assumed), (35, false, false, false));
    }
}

#[test]
fn recovery_codes_are_no_kind_of_soffids() {
    assert_eq!(refused("RECOVERY", &[]), "OTP_TYPE: must be TOTP, HOTP, SMS, EMAIL or PIN");
}

#[test]
fn each_message_device_has_a_secret_of_its_own() {
    let secret = || judge("SMS", &[]).unwrap().device.entry.device.generator().unwrap().secret().clone();
    assert_ne!(secret(), secret());
}

#[test]
fn null_means_what_soffid_reads_it_as() {
    let nulls = [Field::Digits, Field::Algorithm, Field::LastCounter, Field::LastUsed, Field::Fails].map(|field| (field, ""));
    for (kind, digits, algorithm) in [("TOTP", Digits::SIX, Algorithm::Sha1), ("HOTP", HOTP.0, HOTP.1)] {
        let taken = judge(kind, &nulls).unwrap();
        let device = taken.device.entry.device;
        assert_eq!((device.algorithm(), device.digits()), (Some(algorithm), Some(digits)));
        assert_eq!((device.moving_factor(), device.last_used(), device.fails()), (0, None, 0));
        assert!(taken.is_assumed);
    }
    // One of the two tells that the version was a later one.
    for (null, kept) in [(Field::Digits, (6, "HmacSHA512")), (Field::Algorithm, (8, "HmacSHA1"))] {
        let said = [(Field::Algorithm, "HmacSHA512"), (null, "")];
        let device = judge("HOTP", &said).unwrap().device.entry.device;
        assert_eq!((device.digits().unwrap().get(), device.algorithm().unwrap().hmac_name()), kept);
    }
    // Rows of messages have none of these: new codes are the service's.
    let settings = Settings { digits: Digits::new(8).unwrap(), ..Settings::default() };
    let taken = judge_with(&settings, "UTC", &raw("SMS", &nulls)).unwrap();
    assert_eq!((taken.device.entry.device.digits().unwrap().get(), taken.is_assumed), (8, false));
}

/// The add-on tries counters from -4 on, which no authenticator has.
#[test]
fn negative_counter_counts_as_none() {
    for kind in ["TOTP", "HOTP", "SMS", "EMAIL"] {
        for counter in ["-1", "-4", "-9223372036854775808"] {
            let taken = judge(kind, &[(Field::LastCounter, counter)]).unwrap_or_else(|reason| panic!("{kind}: {reason}"));
            assert_eq!(taken.device.entry.device.moving_factor(), 0, "{kind} {counter}");
        }
    }
}

#[test]
fn a_device_without_a_name_is_named_as_a_new_one() {
    for (kind, name) in [
        ("TOTP", Naming::Numbered("TOTP")),
        ("SMS", Naming::Fixed("SMS message to 66*****44".to_owned())),
        ("PIN", Naming::Fixed("Security PIN".to_owned())),
    ] {
        for text in ["", "two\nlines"] {
            assert_eq!(judge(kind, &[(Field::Name, text)]).unwrap().device.name, Some(name.clone()));
        }
    }
    for (name, number) in [("HOTP00000100", 100), ("TOTP1", 0), ("TOTP999999999999", 0), ("TOTP+0000001", 0), ("of Alice", 0)] {
        assert_eq!(judge("HOTP", &[(Field::Name, name)]).unwrap().number, number, "{name}");
    }
}

#[test]
fn statuses_are_letters_or_words() {
    for (text, status) in [
        ("C", Status::Created),
        ("validated", Status::Validated),
        ("LOCKED", Status::Locked),
        ("d", Status::Disabled),
        ("DISABLED", Status::Disabled),
    ] {
        assert_eq!(judge("TOTP", &[(Field::Type, "totp"), (Field::Status, text)]).unwrap().device.entry.row.status, status);
    }
}

#[test]
fn lost_challenges_and_fails_are_reported() {
    for (kind, loses) in [("SMS", true), ("EMAIL", true), ("PIN", true)] {
        let key = [(Field::AuthKey, "2jmj7l5rSw0yVb/vlWAYkK/YBwk=")];
        assert_eq!(judge(kind, &key).unwrap().loses_challenge, loses, "{kind}");
    }
    for (status, fails, counted) in [("V", "11", 9), ("C", "10", 9), ("V", "9", 9), ("L", "11", 11), ("D", "11", 11)] {
        let taken = judge("TOTP", &[(Field::Status, status), (Field::Fails, fails)]).unwrap();
        assert_eq!((taken.device.entry.row.fails, taken.loses_fails), (counted, fails.parse() != Ok(counted)));
    }
}

#[test]
fn fails_count_up_to_the_fail_that_locks() {
    let [total, endless] = [
        Lock::ThrottleThenLock { max_fails: 5, first_delay: 30, max_delay: 3600, total_fails: 90 },
        Lock::Throttle { max_fails: 5, first_delay: 30, max_delay: 3600 },
    ];
    for (lock, fails, counted) in [(total, "40", 40), (total, "90", 89), (endless, "90", 90)] {
        let policy = Policy::builder().lock(lock).guess_bound(GuessChance::CERTAIN).pin_guess_bound(GuessChance::CERTAIN);
        let settings = Settings { policy: policy.build().unwrap(), ..Settings::default() };
        let taken = judge_with(&settings, "UTC", &raw("TOTP", &[(Field::Fails, fails)])).unwrap();
        assert_eq!((taken.device.entry.row.fails, taken.device.entry.row.status), (counted, Status::Validated), "{lock:?}");
    }
}

#[test]
fn refusal_names_the_column() {
    for (kind, field, text, reason) in [
        ("TOTP", Field::Id, "sixty", "OTP_ID: must be a number"),
        ("TOTP", Field::Id, "0", "OTP_ID: must be a number"),
        ("TOTP", Field::Id, "-5", "OTP_ID: must be a number"),
        ("TOTP", Field::Id, "4503599627370496", "OTP_ID: must be a number"),
        ("TOTP", Field::Id, "", "OTP_ID: must be a number"),
        ("TOTP", Field::User, "", "the user: has no name"),
        ("TOTP", Field::User, "a\u{7}b", "user: must be 1 to 255 bytes"),
        ("FIDO", Field::Name, "x", "OTP_TYPE: must be TOTP, HOTP, SMS, EMAIL or PIN"),
        ("", Field::Name, "x", "OTP_TYPE: must be TOTP, HOTP, SMS, EMAIL or PIN"),
        ("TOTP", Field::Status, "X", "OTP_STATUS: status: must be C"),
        ("TOTP", Field::Status, "", "OTP_STATUS: status: must be C"),
        ("TOTP", Field::Fails, "-1", "OTP_FAILS: must be a number"),
        ("TOTP", Field::AuthKey, "", "OTP_AUTKEY: secret: must have 16 to 64 bytes"),
        ("TOTP", Field::AuthKey, "GEZDGNBVGY3TQOJQ", "OTP_AUTKEY: secret: must have 16 to 64 bytes"),
        ("HOTP", Field::AuthKey, "2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "OTP_AUTKEY: secret: is not Base32"),
        ("TOTP", Field::Digits, "5", "OTP_DIGITS: digits: must be 6 to 10"),
        ("TOTP", Field::Digits, "six", "OTP_DIGITS: must be a number"),
        ("TOTP", Field::Algorithm, "HmacMD5", "OTP_ALGORI: must be HmacSHA1"),
        ("HOTP", Field::LastCounter, "1.5", "OTP_LASCOU: must be a number"),
        ("HOTP", Field::LastCounter, "9223372036854775808", "OTP_LASCOU: must be a number"),
        ("TOTP", Field::Created, "", "OTP_CREATED: is missing"),
        ("TOTP", Field::Created, "yesterday", "OTP_CREATED: must be a date"),
        ("TOTP", Field::LastUsed, "2023-11-14 23:00:00", "OTP_LASUSE: lies ahead; name the time zone of"),
        ("TOTP", Field::Created, "2023-11-15 13:13:20", "OTP_CREATED: lies ahead; name the time zone of"),
        ("TOTP", Field::Created, "2023-11-15 13:13:21", "OTP_CREATED: lies ahead; correct the row"),
        // It says its offset, so no zone helps.
        ("TOTP", Field::Created, "2023-11-14 23:00:00Z", "OTP_CREATED: lies ahead; correct the row"),
        ("SMS", Field::Phone, "", "phone: is missing; SMS needs it"),
        ("SMS", Field::Phone, "call me", "phone: must be a telephone number"),
        ("EMAIL", Field::Email, "", "email: is missing; EMAIL needs it"),
        ("EMAIL", Field::Email, "a@b, c@d", "email: must be an e-mail address"),
        ("PIN", Field::Pin, "", "OTP_PIN: is missing"),
        ("PIN", Field::Pin, "EcjoC8P4SYMcPQ==", "OTP_PIN: is neither digits"),
        ("PIN", Field::Pin, "71083107", "OTP_PIN: may be digits or"),
        ("PIN", Field::Pin, "1234567", "OTP_PIN: has fewer digits than policy.pin_min_length"),
        ("PIN", Field::Pin, "AAA0a2Td", "OTP_PIN: has fewer digits than policy.pin_min_length"),
    ] {
        let line = refused(kind, &[(field, text)]);
        assert!(line.starts_with(reason), "{kind} {field:?}: {line}");
    }
}

#[test]
fn a_shorter_pin_is_taken_if_the_policy_says_so() {
    let settings = Settings {
        policy: Policy::builder().pin_min_length(4).pin_positions(keyfob::PinPositions::All).build().unwrap(),
        ..Settings::default()
    };
    assert!(judge_with(&settings, "UTC", &raw("PIN", &[(Field::Pin, "AAA0a2Td")])).is_ok());
}

#[test]
fn times_are_of_soffids_clock_unless_they_say() {
    let created = |zone, text| {
        let taken = judge_with(&Settings::default(), zone, &raw("TOTP", &[(Field::Created, text), (Field::LastUsed, "")]));
        taken.map(|taken| taken.device.entry.row.created)
    };
    for text in
        ["2023-10-14 08:57:00", "2023-10-14T08:57:00", "2023-10-14 08:57:00.5", "2023-10-14 06:57:00+00", "2023-10-14T06:57:00Z"]
    {
        assert_eq!(created("Europe/Madrid", text), Ok(1_697_266_620), "{text}");
    }
    assert_eq!(created("UTC", "2023-10-14 06:57:00"), Ok(1_697_266_620));
    assert!(created("UTC", "1969-12-31 23:59:59").is_err());
}

#[test]
fn users_that_are_not_configured_have_no_devices() {
    let (settings, zone) = (Settings::default(), TimeZone::UTC);
    let users = BTreeMap::from([("bob".to_owned(), BTreeMap::new())]);
    let rules = Rules {
        settings: &settings,
        users: Some(&users),
        tenant: None,
        zone: &zone,
        hotp: HOTP,
        now: NOW,
        corrects_names: false,
        writes: true,
    };
    assert_eq!(rules.judge(&raw("TOTP", &[])).err().as_deref(), Some("the user: is not known in the configuration"));
    assert!(rules.judge(&raw("TOTP", &[(Field::User, "bob")])).is_ok());
}

#[test]
fn tenants_are_taken_one_at_a_time() {
    let (settings, zone) = (Settings::default(), TimeZone::UTC);
    let rules = |tenant| Rules {
        settings: &settings,
        users: None,
        tenant,
        zone: &zone,
        hotp: HOTP,
        now: NOW,
        corrects_names: false,
        writes: true,
    };
    let (one, two) = (raw("TOTP", &[(Field::Tenant, "1")]), raw("TOTP", &[(Field::Tenant, "2")]));
    let mut first = None;
    assert_eq!(rules(None).is_elsewhere(&one, &mut first), Ok(false));
    assert!(rules(None).is_elsewhere(&two, &mut first).unwrap_err().starts_with("OTP_TEN_ID"));
    assert_eq!(rules(Some("2")).is_elsewhere(&one, &mut None), Ok(true));
    assert_eq!(rules(Some("2")).is_elsewhere(&two, &mut None), Ok(false));
}

#[test]
fn refusal_repeats_the_number_and_the_user_only() {
    let line = refusal(Some(7), Some(&raw("TOTP", &[(Field::User, "a\nb")])), "why");
    assert_eq!(line, "not taken: line 7, OTP_ID 60, user \"a\\nb\": why");
    let line = refusal(Some(7), Some(&raw("TOTP", &[(Field::Id, SECRET), (Field::User, "12345678")])), "why");
    assert_eq!(line, "not taken: line 7: why");
}

#[test]
fn columns_have_their_names_in_any_case_and_order() {
    let names = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let all = "otp_lasuse OTP_ID Otp_Type OTP_STATUS OTP_FAILS OTP_AUTKEY OTP_LASCOU OTP_CREATED login";
    let columns = Columns::find(&names(all), Some("LOGIN"), false).unwrap();
    assert_eq!(
        (columns.position(Field::LastUsed), columns.position(Field::User), columns.has(Field::Pin)),
        (Some(0), Some(8), false)
    );
    assert_eq!(Columns::find(&names(all), Some("name"), false).unwrap_err(), "has no column name");
    let few = all.replace("OTP_LASCOU ", "");
    assert_eq!(Columns::find(&names(&few), Some("login"), false).unwrap_err(), "has no column OTP_LASCOU");
    let few = few.replace("OTP_ID ", "");
    assert_eq!(Columns::find(&names(&few), Some("name"), false).unwrap_err(), "has no columns OTP_ID, OTP_LASCOU, name");
}
