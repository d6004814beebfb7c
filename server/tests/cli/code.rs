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
fn each_number_of_digits() {
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
fn the_default_time_is_the_clock() {
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
fn uris_give_the_parameters_and_options_go_before_them() {
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
fn json() {
    let totp = keyfob(&["code", "--json", "--now", "1099", "--t0", "1010", "--period", "60", "--digits", "8"], SHA1);
    let expected = json!({"kind": "TOTP", "code": "94287082", "step": 1, "valid_from": 1070, "valid_until": 1130});
    assert_eq!(totp.json(), expected);
    let hotp = keyfob(&["code", "--json", "--counter", "18446744073709551615"], SHA1).json();
    assert_eq!((&hotp["kind"], &hotp["counter"]), (&json!("HOTP"), &json!(u64::MAX)));
    assert_eq!(keyfob(&["code", "--counter", "18446744073709551615"], SHA1).out.trim_end(), hotp["code"]);
}
