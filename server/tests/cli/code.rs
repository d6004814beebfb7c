//! `keyfob code`.

use serde_json::json;

use super::*;

#[test]
fn rfc_4226_appendix_d() {
    let codes = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
    for (counter, code) in codes.iter().enumerate() {
        keyfob(&["code", "--counter", &counter.to_string()], SHA1).is(0, &format!("{code}\n"));
    }
}

#[test]
fn rfc_6238_appendix_b() {
    for (time, codes) in [
        ("59", ["94287082", "46119246", "90693936"]),
        ("1111111109", ["07081804", "68084774", "25091201"]),
        ("1111111111", ["14050471", "67062674", "99943326"]),
        ("1234567890", ["89005924", "91819424", "93441116"]),
        ("2000000000", ["69279037", "90698825", "38618901"]),
        ("20000000000", ["65353130", "77737706", "47863826"]),
    ] {
        for (code, (algorithm, secret)) in codes.iter().zip([("sha1", SHA1), ("SHA256", SHA256), ("Sha512", SHA512)]) {
            let run = keyfob(&["code", "--digits", "8", "--algorithm", algorithm, "--now", time], secret);
            run.is(0, &format!("{code}\n"));
        }
    }
}

#[test]
fn codes_have_each_number_of_digits() {
    // The truncated value of RFC 4226, appendix D, counter 0, is 1284755224.
    for (digits, code) in [("6", "755224"), ("7", "4755224"), ("8", "84755224"), ("9", "284755224"), ("10", "1284755224")] {
        keyfob(&["code", "--counter", "0", "--digits", digits], SHA1).is(0, &format!("{code}\n"));
    }
}

#[test]
fn period_and_t0_make_the_step() {
    keyfob(&["code", "--now", "0"], SHA1).is(0, "755224\n");
    keyfob(&["code", "--now", "179", "--period", "60"], SHA1).is(0, "359152\n");
    keyfob(&["code", "--now", "1090", "--t0", "1000"], SHA1).is(0, "969429\n");
    keyfob(&["code", "--now", "1001", "--t0", "1000", "--period", "1"], SHA1).is(0, "287082\n");
    keyfob(&["code", "--now", "999", "--t0", "1000"], SHA1).fails("time: is before T0");
}

#[test]
fn time_is_the_clock_by_default() {
    let clock = || std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let before = clock();
    let step = keyfob(&["code", "--period", "1", "--json"], SHA1).json()["step"].as_u64().unwrap();
    assert!((before..=clock()).contains(&step));
}

#[test]
fn secrets_come_from_a_file_or_standard_input() {
    let folder = Folder::new("secrets");
    for (name, content) in [
        ("plain", SHA1.to_owned()),
        ("newline", format!("{SHA1}\n")),
        ("crlf", format!("{SHA1}\r\n")),
        ("people", "gezd gnbv gy3t-qojq gezd gnbv gy3t qojq\n\n".to_owned()),
    ] {
        let path = folder.file(name, &content);
        keyfob(&["code", "--counter", "1", "--secret-file", &path], "").is(0, "287082\n");
        keyfob(&["code", "--counter", "1", "--secret-file", "-"], &content).is(0, "287082\n");
        keyfob(&["code", "--counter", "1"], content).is(0, "287082\n");
    }
    let hex = folder.file("hex", format!("{HEX}\n"));
    keyfob(&["code", "--counter", "1", "--hex", "--secret-file", &hex], "").is(0, "287082\n");
    keyfob(&["code", "--counter", "1", "--hex"], HEX).is(0, "287082\n");
}

#[test]
fn uris_give_the_parameters_and_options_override_them() {
    let totp = format!("otpauth://totp/ACME:alice?secret={SHA256}&algorithm=SHA256&digits=8&period=60\n");
    keyfob(&["code", "--now", "119"], &totp).is(0, "46119246\n");
    keyfob(&["code", "--now", "59", "--period", "30"], &totp).is(0, "46119246\n");
    keyfob(&["code", "--now", "1119", "--t0", "1000"], &totp).is(0, "46119246\n");
    keyfob(&["code", "--counter", "1"], &totp).is(0, "46119246\n");
    keyfob(&["code", "--now", "119", "--digits", "6", "--hex"], &totp).is(0, "119246\n");

    let hotp = format!("OTPAUTH://HOTP/alice?secret={SHA1}&counter=9\r\n");
    keyfob(&["code"], &hotp).is(0, "520489\n");
    keyfob(&["code", "--counter", "1"], &hotp).is(0, "287082\n");
    keyfob(&["code", "--period", "60"], &hotp).fails("--period");
    keyfob(&["code", "--t0", "0"], &hotp).fails("--t0");

    let wrong = keyfob(&["code", "--algorithm", "sha1", "--now", "119"], &totp);
    assert!(wrong.status == 0 && wrong.out != "46119246\n", "{wrong:?}");
}

#[test]
fn json_describes_each_code() {
    let totp = keyfob(&["code", "--json", "--now", "1099", "--t0", "1010", "--period", "60", "--digits", "8"], SHA1);
    let expected = json!({"kind": "TOTP", "code": "94287082", "step": 1, "valid_from": 1070, "valid_until": 1130,
        "seconds_left": 31});
    assert_eq!(totp.json(), expected);
    let hotp = keyfob(&["code", "--json", "--counter", "18446744073709551615"], SHA1).json();
    assert_eq!((&hotp["kind"], &hotp["counter"]), (&json!("HOTP"), &json!(u64::MAX)));
    assert_eq!(keyfob(&["code", "--counter", "18446744073709551615"], SHA1).out.trim_end(), hotp["code"]);
}

#[test]
fn a_state_file_gives_the_code_of_its_device_and_is_not_changed() {
    let folder = Folder::new("code-state");
    let (totp, uri) = folder.enroll("a.keyfob", &["--digits", "8", "--period", "60"]);
    let before = std::fs::read(&totp).unwrap();
    keyfob(&["code", "--state", &totp, "--now", "1000"], "").is(0, &(code_of(&uri, ["--now", "1000"]) + "\n"));
    let (hotp, uri) = folder.enroll("b.keyfob", &["--hotp", "--counter", "7"]);
    for _ in 0..2 {
        keyfob(&["code", "--state", &hotp], "").is(0, &(code_of(&uri, ["--counter", "7"]) + "\n"));
    }
    assert_eq!(std::fs::read(&totp).unwrap(), before);
    for option in [&["--secret-file", "-"][..], &["--hex"], &["--digits", "6"], &["--t0", "0"], &["--counter", "0"]] {
        keyfob(&[&["code", "--state", &totp], option].concat(), SHA1).fails(option[0]);
    }

    let code = code_of(&uri, ["--counter", "7"]);
    for _ in 0..10 {
        keyfob(&["verify", "--state", &hotp, "--now", "0", &other_than(&code)], "");
    }
    let locked = keyfob(&["code", "--state", &hotp], "");
    locked.is(0, &(code + "\n"));
    assert!(locked.err.contains("b.keyfob: the device is locked"), "{locked:?}");
}

#[test]
fn window_lists_the_codes_that_verify_accepts() {
    let verified = |args: &[&str], code: &str| keyfob(&[&["verify"], args, &["--window", "2", code]].concat(), SHA1).status == 0;
    for args in [&["--now", "3000"][..], &["--counter", "7"]] {
        let codes = |window: &str| keyfob(&[&["code", "--window", window], args].concat(), SHA1).out;
        let listed = codes("2");
        assert_eq!(listed.lines().count(), if args[0] == "--now" { 5 } else { 3 });
        assert!(listed.lines().all(|code| verified(args, code)), "{listed}");
        assert!(!codes("3").lines().all(|code| verified(args, code)));
        assert_eq!(codes("0"), keyfob(&[&["code"], args].concat(), SHA1).out);
    }
    // At the ends there are fewer.
    keyfob(&["code", "--window", "1", "--now", "0"], SHA1).is(0, "755224\n287082\n");
    assert_eq!(keyfob(&["code", "--window", "5", "--counter", "18446744073709551614"], SHA1).out.lines().count(), 2);
    keyfob(&["code", "--window", "1001"], SHA1).fails("--window");

    let objects = keyfob(&["code", "--json", "--window", "1", "--now", "30"], SHA1).out;
    let steps: Vec<_> = objects.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["step"].clone()).collect();
    assert_eq!(steps, [0, 1, 2]);
}

#[test]
fn verbose_says_for_how_long_a_code_is_right() {
    let lines = "755224  1970-01-01 00:00:00 to 1970-01-01 00:00:30 UTC, over\n\
                 287082  1970-01-01 00:00:30 to 1970-01-01 00:01:00 UTC, 18 s left\n\
                 359152  1970-01-01 00:01:00 to 1970-01-01 00:01:30 UTC, begins in 18 s\n";
    keyfob(&["code", "-v", "--window", "1", "--now", "42"], SHA1).is(0, lines);
    keyfob(&["code", "--verbose", "--counter", "1"], SHA1).is(0, "287082  counter 1\n");
}

#[test]
fn times_may_be_dates() {
    for now in [
        "1111111109",
        "2005-03-18 01:58:29",
        "2005-03-18 01:58:29 UTC",
        "2005-03-18 01:58:29 GMT",
        "2005-03-18T01:58:29Z",
        "2005-03-18T01:58:29.9Z",
        "2005-03-18T02:58:29+01:00",
        "2005-03-18 02:58:29+01:00",
    ] {
        keyfob(&["code", "--digits", "8", "--now", now], SHA1).is(0, "07081804\n");
    }
    keyfob(&["code", "--now", "1970-01-01 00:01:00", "--t0", "1970-01-01T00:00:30Z"], SHA1).is(0, "287082\n");
    for now in ["yesterday", "18.03.2005", "2005-03-18 01:58:29 CET", "2005-13-18", "2005-03-18 02:58:29+01:00 UTC", ""] {
        keyfob(&["code", "--now", now], SHA1).fails("--now");
    }
    keyfob(&["code", "--now", "1969-12-31 23:59:59"], SHA1).fails("must not be before 1970");
}
