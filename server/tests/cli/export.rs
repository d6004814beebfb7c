//! `keyfob export --state`.

use super::*;

#[test]
fn state_file_is_exported_with_its_label_and_stays_as_it_is() {
    let folder = Folder::new("export");
    let (path, uri) = folder.enroll("alice.keyfob", &["--hotp", "--counter", "7", "--account", "alice"]);
    let before = std::fs::read(&path).unwrap();
    let secret = uri.split_once("secret=").unwrap().1.split('&').next().unwrap();
    let export = |args: &[&str]| keyfob(&[&["export", "--state", &path], args].concat(), "");
    let run = export(&["--format", "uris", "--output", "-"]);
    assert_eq!((run.status, run.out.trim_end()), (0, uri.as_str()), "{run:?}");
    let named = export(&["--format", "uris", "--output", "-", "--issuer", "ACME", "--account", "a@b.c"]);
    assert!(named.out.starts_with("otpauth://hotp/ACME:a%40b.c?secret="), "{named:?}");
    let file = folder.path("alice.xml");
    let plain = export(&["--plain", "--output", &file]);
    assert!(
        plain.status == 0 && plain.out.is_empty() && plain.err.contains("in the clear") && !plain.err.contains(secret),
        "{plain:?}"
    );
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("<UserId>alice</UserId>") && text.contains("<Counter><PlainValue>7</PlainValue></Counter>"), "{text}");
    export(&["--plain", "--output", &file]).fails("it is not overwritten");
    #[cfg(unix)]
    assert_eq!(mode(&file), 0o600);
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn state_file_is_exported_as_an_image() {
    let folder = Folder::new("export-image");
    let (path, uri) = folder.enroll("alice.keyfob", &["--account", "alice"]);
    let images = folder.path("images");
    let run = keyfob(&["export", "--state", &path, "--format", "uris", "--qr-folder", &images], "");
    assert_eq!(run.status, 0, "{run:?}");
    let image = folder.path("images/1.png");
    let scanned = Command::new("zbarimg").args(["-q", "--raw", &image]).output().expect("install the Debian package zbar-tools");
    assert_eq!(String::from_utf8(scanned.stdout).unwrap().trim_end(), uri);
    #[cfg(unix)]
    assert_eq!((mode(&images), mode(&image)), (0o700, 0o600));
}

#[test]
fn drift_of_a_state_file_comes_with_pskc_only() {
    let folder = Folder::new("export-drift");
    let (path, _) = folder.enroll("alice.keyfob", &[]);
    let [exact, file, drifted] = ["exact.xml", "drifted.xml", "drifted.keyfob"].map(|name| folder.path(name));
    assert_eq!(keyfob(&["export", "--state", &path, "--plain", "--output", &exact], "").status, 0);
    let text = std::fs::read_to_string(&exact).unwrap();
    let end = "</TimeInterval>";
    let text = text.replace(end, &format!("{end}<TimeDrift><PlainValue>31</PlainValue></TimeDrift>"));
    std::fs::write(&file, text).unwrap();
    // A state file follows a drift, whatever the policy of a service is.
    let import = keyfob(&["import", &file, "--state", &drifted, "--write"], "");
    assert!(import.status == 0 && import.err.is_empty(), "{import:?}");
    let export = |args: &[&str]| keyfob(&[&["export", "--state", &drifted, "--output", "-"], args].concat(), "");
    let uris = export(&["--format", "uris"]);
    assert!(uris.status == 0 && uris.err.contains("its clock is 31 steps ahead; the file does not say so"), "{uris:?}");
    let pskc = export(&["--plain"]);
    assert!(pskc.out.contains("<TimeDrift><PlainValue>31<") && !pskc.err.contains("does not say so"), "{pskc:?}");
}

#[test]
fn locked_state_file_is_exported_on_request_only() {
    let folder = Folder::new("export-locked");
    let (path, _) = folder.enroll("alice.keyfob", &["--hotp"]);
    for _ in 0..10 {
        keyfob(&["verify", "--state", &path], "0000000\n");
    }
    let export = |more: &[&str]| keyfob(&[&["export", "--state", &path, "--format", "uris", "--output", "-"], more].concat(), "");
    export(&[]).fails("is locked, which a file cannot say");
    let run = export(&["--include-unusable"]);
    assert!(run.status == 0 && run.err.contains("is locked; the file does not say so"), "{run:?}");
}

#[test]
fn hash_has_the_name_that_the_reader_knows() {
    let folder = Folder::new("export-suite");
    let (path, _) = folder.enroll("alice.keyfob", &["--algorithm", "sha256"]);
    for (more, suite) in [(&[][..], "HMAC-SHA256"), (&["--suite", "bare"], "SHA256")] {
        let run = keyfob(&[&["export", "--state", &path, "--plain", "--output", "-"], more].concat(), "");
        assert!(run.status == 0 && run.out.contains(&format!("<Suite>{suite}</Suite>")), "{run:?}");
    }
}

#[test]
fn state_file_excludes_the_store_and_its_options() {
    let folder = Folder::new("export-options");
    let (path, _) = folder.enroll("alice.keyfob", &[]);
    let common = ["export", "--state", &path, "--plain", "--output", "-"];
    for more in [["--store", "sqlite://x.db"], ["--filter", "user pr"], ["--device", "7"]] {
        keyfob(&[&common[..], &more].concat(), "").fails("cannot be used with");
    }
    keyfob(&["export", "--issuer", "ACME", "--output", "-"], "").fails("--state <FILE>");
}
