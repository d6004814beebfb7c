//! `keyfob enroll`.

use std::fs::File;
use std::io::BufReader;

use serde_json::json;

use super::*;

/// The modules of a PNG, dark is true, without the quiet zone.
fn modules(path: &str) -> Vec<Vec<bool>> {
    let mut reader = png::Decoder::new(BufReader::new(File::open(path).unwrap())).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Grayscale, png::BitDepth::One));
    assert_eq!(info.width, info.height);
    assert!(info.width >= 200);

    // One bit a pixel, 8 pixels a module: each byte of a row is one module, and each row stands
    // there 8 times.
    let rows: Vec<_> = pixels.chunks_exact(info.line_size).collect();
    assert!(rows.chunks_exact(8).all(|same| same.iter().all(|row| row == &same[0])));
    assert!(pixels.iter().all(|byte| matches!(byte, 0x00 | 0xff)));
    let all: Vec<Vec<bool>> = rows.iter().step_by(8).map(|row| row.iter().map(|&byte| byte == 0).collect()).collect();
    cropped(&all)
}

/// Checks that four modules on each side are light, and cuts them off.
fn cropped(all: &[Vec<bool>]) -> Vec<Vec<bool>> {
    let side = all.len();
    let inside = 4..side - 4;
    for (y, row) in all.iter().enumerate() {
        assert_eq!(row.len(), side);
        assert!(row.iter().enumerate().all(|(x, dark)| !dark || inside.contains(&x) && inside.contains(&y)), "quiet zone");
    }
    all[inside.clone()].iter().map(|row| row[inside.clone()].to_vec()).collect()
}

#[test]
fn uri_is_the_first_line_with_all_parameters() {
    let uri = |args: &[&str]| {
        let run = keyfob(&[&["enroll", "--secret-file", "-"], args].concat(), SHA1);
        assert_eq!(run.status, 0, "{run:?}");
        run.out.lines().next().unwrap().to_owned()
    };
    let alice = |args: &[&str]| uri(&[&["--account", "alice"], args].concat());
    let start = |kind| format!("otpauth://{kind}/keyfob:alice?secret={SHA1}&issuer=keyfob&algorithm=");
    assert_eq!(alice(&[]), start("totp") + "SHA1&digits=6&period=30");
    assert_eq!(alice(&["--digits", "8", "--period", "60"]), start("totp") + "SHA1&digits=8&period=60");
    assert_eq!(alice(&["--hotp", "--algorithm", "sha256"]), start("hotp") + "SHA256&digits=6&counter=0");
    assert_eq!(alice(&["--hotp", "--counter", "7"]), start("hotp") + "SHA1&digits=6&counter=7");
    let named = uri(&["--issuer", "ACME Co", "--account", "a@b.c"]);
    assert!(named.starts_with("otpauth://totp/ACME%20Co:a%40b.c?"), "{named}");
}

#[test]
fn account_is_the_user_by_default() {
    for (user, account) in [(Some("bob"), "bob"), (Some(""), "user"), (None, "user")] {
        let mut command = command(&["enroll", "--json"]);
        match user {
            Some(user) => command.env("USER", user),
            None => command.env_remove("USER"),
        };
        assert_eq!(finish(start(command, "")).json()["account"], account);
    }
}

#[test]
fn secrets_have_the_size_of_their_algorithm() {
    let mut seen = std::collections::HashSet::new();
    for (algorithm, len) in [("sha1", 32), ("sha256", 52), ("sha512", 103)] {
        for _ in 0..3 {
            let object = keyfob(&["enroll", "--json", "--algorithm", algorithm], "").json();
            let secret = object["secret"].as_str().unwrap().to_owned();
            assert_eq!(secret.len(), len);
            assert!(object["uri"].as_str().unwrap().contains(&secret));
            assert!(seen.insert(secret));
        }
    }
}

#[test]
fn json_has_all_fields_and_no_drawing() {
    let hotp = ["enroll", "--json", "--hex", "--secret-file", "-", "--hotp", "--counter", "3", "--account", "a"];
    let uri = format!("otpauth://hotp/keyfob:a?secret={SHA1}&issuer=keyfob&algorithm=SHA1&digits=6&counter=3");
    let object = json!({"kind": "HOTP", "uri": uri, "secret": SHA1, "issuer": "keyfob", "account": "a", "algorithm": "SHA1",
        "digits": 6, "period": null, "counter": 3});
    assert_eq!(keyfob(&hotp, HEX).json(), object);
    let totp = keyfob(&["enroll", "--json"], "").json();
    assert_eq!((&totp["period"], &totp["counter"]), (&json!(30), &json!(null)));
}

#[test]
fn a_uri_is_taken_over_with_its_label() {
    let folder = Folder::new("takeover");
    let uri = format!("otpauth://hotp/ACME:alice?secret={SHA1}&issuer=ACME&algorithm=SHA1&digits=8&counter=9");
    let from = folder.file("uri", format!("{uri}\n"));
    let (path, enrolled) = folder.enroll("a.keyfob", &["--secret-file", &from]);
    assert_eq!(enrolled, uri);
    assert_eq!((&show(&path)["kind"], &show(&path)["moving_factor"]), (&json!("HOTP"), &json!(9)));
    let (_, changed) = folder.enroll("b.keyfob", &["--secret-file", &from, "--account", "bob", "--hotp", "--counter", "1"]);
    assert_eq!(changed, uri.replace("alice", "bob").replace("counter=9", "counter=1"));
    let (_, same) = folder.enroll("c.keyfob", &["--secret-file", &from, "--hotp"]);
    assert_eq!(same, uri);
}

#[test]
fn label_with_colons_is_taken_over_without_them() {
    let folder = Folder::new("colons");
    let from = folder.file("uri", format!("otpauth://totp/ACME%3A%20prod:a@b.c:8443?secret={SHA1}&issuer=ACME:%20prod\r\n"));
    let taken = keyfob(&["enroll", "--json", "--secret-file", &from], "");
    assert_eq!((&taken.json()["issuer"], &taken.json()["account"]), (&json!("ACME prod"), &json!("a@b.c 8443")));
    assert!(taken.err.contains("issuer: written as \"ACME prod\"") && taken.err.contains("give --account"), "{taken:?}");
    let named = keyfob(&["enroll", "--json", "--secret-file", &from, "--issuer", "ACME", "--account", "a"], "");
    assert_eq!((&named.json()["issuer"], &named.json()["account"]), (&json!("ACME"), &json!("a")));
    assert!(!named.err.contains("colon"), "{named:?}");
    let empty = folder.file("empty", format!("otpauth://totp?secret={SHA1}\n"));
    let unnamed = keyfob(&["enroll", "--json", "--secret-file", &empty], "").json();
    assert_eq!(unnamed["issuer"], json!(""));
    assert_ne!(unnamed["account"], json!(""));
    keyfob(&["code", "--secret-file", &from, "--now", "59"], "").is(0, "287082\n");
}

#[test]
fn missing_state_file_is_noted_as_nothing_stored() {
    let folder = Folder::new("noted");
    let without = keyfob(&["enroll"], "");
    assert!(without.err.contains("nothing was stored") && without.err.contains("--state FILE"), "{without:?}");
    let with = keyfob(&["enroll", "--state", &folder.path("a.keyfob")], "");
    assert_eq!((with.status, with.err.as_str()), (0, ""));
}

#[test]
fn files_are_never_overwritten() {
    let folder = Folder::new("overwrite");
    let old = folder.file("old", "old");
    let new = folder.path("new");
    keyfob(&["enroll", "--state", &old], "").fails("old: ");
    keyfob(&["enroll", "--png", &old], "").fails("choose another name, or remove it first");
    // With one of two refused, the other is not left behind.
    keyfob(&["enroll", "--png", &old, "--state", &new], "").fails("old: ");
    assert!(!Path::new(&new).exists());
    keyfob(&["enroll", "--png", &new, "--state", &old], "").fails("old: ");
    assert!(!Path::new(&new).exists());
    assert_eq!(std::fs::read(&old).unwrap(), b"old");
}

#[test]
#[cfg(unix)]
fn files_are_private() {
    let folder = Folder::new("private");
    let (state, image) = (folder.path("a.keyfob"), folder.path("a.png"));
    assert_eq!(keyfob(&["enroll", "--state", &state, "--png", &image], "").status, 0);
    assert_eq!((mode(&state), mode(&image)), (0o600, 0o600));
    assert_eq!(std::fs::metadata(&state).unwrap().len(), keyfob::RECORD_SIZE as u64);
}

#[test]
fn name_without_a_folder_is_in_the_current_folder() {
    let folder = Folder::new("relative");
    let mut command = command(&["enroll", "--state", "a.keyfob", "--png", "a.png"]);
    command.current_dir(&folder.0);
    let run = finish(start(command, ""));
    assert_eq!(run.status, 0, "{run:?}");
    assert!(Path::new(&folder.path("a.keyfob")).exists() && Path::new(&folder.path("a.png")).exists());
}

#[test]
fn the_png_and_the_drawing_have_the_same_modules() {
    let folder = Folder::new("modules");
    for (name, secret, algorithm) in [("1", SHA1, "sha1"), ("512", SHA512, "sha512")] {
        let path = folder.path(name);
        let args = ["enroll", "--secret-file", "-", "--algorithm", algorithm];
        let with_png = keyfob(&[&args[..], &["--png", &path]].concat(), secret);
        assert_eq!(with_png.out.lines().count(), 1, "only the URI");

        let drawn = keyfob(&args, secret);
        let mut lines = drawn.out.lines();
        assert_eq!(lines.next(), with_png.out.lines().next());
        // Light modules are drawn, dark ones are blank: what a terminal of light on dark shows as a
        // camera expects it.
        let mut rows: Vec<Vec<bool>> = Vec::new();
        for line in lines {
            let halves = line.chars().map(|char| match char {
                '█' => (false, false),
                '▀' => (false, true),
                '▄' => (true, false),
                ' ' => (true, true),
                other => panic!("{other:?} in the drawing: no colours when it is no terminal"),
            });
            let (upper, lower) = halves.unzip();
            rows.extend([upper, lower]);
        }
        // The number of modules is odd: the last half line is no module.
        rows.pop();
        assert_eq!(cropped(&rows), modules(&path));
    }
}

#[test]
fn labels_too_long_for_a_qr_code_are_refused_before_anything_is_stored() {
    let folder = Folder::new("long");
    let (state, image, issuer) = (folder.path("a.keyfob"), folder.path("a.png"), "x".repeat(3000));
    let args = ["enroll", "--issuer", &issuer, "--state", &state];
    keyfob(&args, "").fails("issuer and account: are too long");
    keyfob(&[&args[..], &["--png", &image]].concat(), "").fails("issuer and account: are too long");
    assert!(!Path::new(&state).exists() && !Path::new(&image).exists());
    assert_eq!(keyfob(&[&args[..], &["--json"]].concat(), "").status, 0);
}

#[test]
#[cfg(target_os = "linux")]
fn failed_output_leaves_no_file() {
    let folder = Folder::new("unprinted");
    let (state, image) = (folder.path("a.keyfob"), folder.path("a.png"));
    let args = ["enroll", "--state", &state, "--png", &image];
    let mut full = command(&args);
    full.stdout(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap());
    let full = finish(start(full, ""));
    full.fails("standard output: ");
    assert!(full.err.contains("nothing was stored"), "{full:?}");
    // Standard input is a pipe: it is closed before the program is told to go on.
    let mut closed = command(&["enroll", "--secret-file", "-", "--state", &state, "--png", &image]).spawn().unwrap();
    drop(closed.stdout.take());
    closed.stdin.take().unwrap().write_all(SHA1.as_bytes()).unwrap();
    finish(closed).fails("standard output: ");
    assert!(!Path::new(&state).exists() && !Path::new(&image).exists());
    assert_eq!(keyfob(&args, "").status, 0);
}

#[test]
fn parameters_that_authenticators_get_wrong_are_noted() {
    for (args, noted) in [
        (&["--digits", "9"][..], "codes of 9 digits: many authenticators"),
        (&["--hotp", "--digits", "10"], "codes of 10 digits: many authenticators"),
        (&["--period", "3600"], "a period of 3600 seconds: some authenticators count 30 seconds"),
    ] {
        let run = keyfob(&[&["enroll", "--json"], args].concat(), "");
        assert!(run.status == 0 && run.err.contains(noted), "{run:?}");
    }
    let plain = keyfob(&["enroll", "--json", "--digits", "8"], "");
    assert!(!plain.err.contains("authenticators"), "{plain:?}");
}
