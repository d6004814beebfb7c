//! Agreement with other programs: `oathtool` makes the same codes, `zbarimg` reads the QR codes.

use super::*;

/// What a program of a Debian package prints.
fn program(name: &str, package: &str, args: &[&str]) -> String {
    let output = Command::new(name).args(args).output();
    let output = output.unwrap_or_else(|error| panic!("{name}: {error}; install the Debian package {package}"));
    assert!(output.status.success(), "{name} {args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

#[test]
fn zbarimg_reads_the_png() {
    let folder = Folder::new("zbarimg");
    for (name, args) in [
        ("totp", &["--account", "alice@example.com", "--issuer", "ACME Co"][..]),
        ("hotp", &["--hotp", "--counter", "18446744073709551615"]),
        ("long", &["--algorithm", "sha512", "--digits", "8", "--issuer", "Zoë & Söhne", "--period", "60"]),
    ] {
        let path = folder.path(name);
        let run = keyfob(&[&["enroll", "--png", &path], args].concat(), "");
        assert_eq!(run.status, 0, "{run:?}");
        assert_eq!(program("zbarimg", "zbar-tools", &["-q", "--raw", &path]), run.out.trim_end());
    }
}

#[test]
fn oathtool_makes_the_same_codes() {
    for secret in [SHA1, SHA256, SHA512, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "7777777777777777777777777774"] {
        for digits in ["6", "7", "8"] {
            for (algorithm, option) in [("sha1", "--totp=sha1"), ("sha256", "--totp=sha256"), ("sha512", "--totp=sha512")] {
                for time in ["1", "1700000000", "4102444800"] {
                    let now = format!("@{time}");
                    let theirs = program("oathtool", "oathtool", &[option, "-b", "-d", digits, "-s", "60s", "-N", &now, secret]);
                    let args = ["code", "--algorithm", algorithm, "--digits", digits, "--period", "60", "--now", time];
                    keyfob(&args, secret).is(0, &(theirs + "\n"));
                }
            }
            for counter in ["0", "1000000", "9223372036854775807"] {
                let theirs = program("oathtool", "oathtool", &["-b", "-d", digits, "-c", counter, secret]);
                keyfob(&["code", "--digits", digits, "--counter", counter], secret).is(0, &(theirs + "\n"));
            }
        }
    }
}
