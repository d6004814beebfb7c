//! Other programs, and the tokens that they get.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use data_encoding::HEXLOWER;
use keyfob::{Algorithm, Digits, Factor};
use keyfob_tokens::{Kind, RawSecret, Token};
use serde_json::{Value, json};

/// The folder that `tests/tokens/run` fills.
pub(crate) fn folder() -> PathBuf {
    std::env::var("KEYFOB_PEERS").expect("run tests/tokens/run, which installs the other programs").into()
}

/// A new file for a test of this name.
pub(crate) fn file(name: &str) -> String {
    let folder = folder().join("files");
    fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join(name);
    let _ = fs::remove_file(&path);
    path.to_str().expect("UTF-8").to_owned()
}

/// What a program prints for this input.
pub(crate) fn output(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str], input: &str) -> String {
    let mut command = Command::new(program.as_ref());
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.as_ref().display()));
    // A program that reads nothing may be over already.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("an end");
    assert!(output.status.success(), "{} {arguments:?}: {}", program.as_ref().display(), output.status);
    String::from_utf8(output.stdout).expect("UTF-8")
}

pub(crate) fn python(arguments: &[&str], input: &str) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/tokens/peer.py");
    output(folder().join("bin/python"), &[&["-W", "ignore", script][..], arguments].concat(), input)
}

pub(crate) fn node(input: &str) -> String {
    output("node", &[concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/tokens/peer.mjs")], input)
}

/// TOTP and HOTP with each hash, 6 to 8 digits and odd names.
pub(crate) fn samples() -> Vec<Token> {
    let mut tokens = Vec::new();
    for (number, algorithm) in Algorithm::ALL.into_iter().enumerate() {
        for kind in [Kind::Totp, Kind::Hotp] {
            for digits in 6..=8 {
                let name = tokens.len();
                let bytes = (0..20 + 2 * name).map(|byte| u8::try_from((byte * 7 + name) % 256).expect("a byte"));
                let mut token = Token::new(kind, RawSecret::new(bytes.collect()));
                token.algorithm = algorithm;
                token.digits = Digits::new(digits).ok();
                token.serial = Some(format!("S{number}-{name}"));
                token.id = Some(format!("key {name}"));
                token.issuer = Some("ACME Käse & Co".to_owned());
                token.account = Some(format!("user{name}@example.com"));
                token.manufacturer = Some("Maker".to_owned());
                token.model = Some("<C200>".to_owned());
                token.not_before = Some(1_700_000_000);
                token.not_after = Some(2_100_000_000);
                match kind {
                    Kind::Totp => {
                        token.period = Some(if digits == 7 { 60 } else { 30 });
                        token.drift = Some(if digits == 6 { -7 } else { 3 });
                    }
                    _ => token.counter = Some(if digits == 8 { 1 << 40 } else { 5 }),
                }
                tokens.push(token);
            }
        }
    }
    tokens
}

/// The engine's code at 2,000,000,000 or at the counter.
pub(crate) fn code(token: &Token) -> String {
    match token.factor() {
        Ok(Factor::Totp(totp)) => totp.generate(2_000_000_000).expect("a code").as_str().to_owned(),
        Ok(Factor::Hotp(hotp)) => hotp.generate(token.counter.expect("a counter")).as_str().to_owned(),
        other => panic!("{other:?}"),
    }
}

/// oathtool's code at the same time or counter.
pub(crate) fn oathtool(token: &Token) -> String {
    let secret = HEXLOWER.encode(token.secret.expose());
    let digits = token.digits.expect("digits").get().to_string();
    let counter = token.counter.map(|counter| counter.to_string());
    let mode = format!("--totp={}", token.algorithm.name().to_ascii_lowercase());
    let period = format!("{}s", token.period.unwrap_or(30));
    let t0 = format!("@{}", token.t0);
    let arguments = match &counter {
        Some(counter) => vec!["--digits", &digits, "--counter", counter, &secret],
        None => {
            vec!["--digits", &digits, "--time-step-size", &period, "--start-time", &t0, "--now", "@2000000000", &mode, &secret]
        }
    };
    output("oathtool", &arguments, "").trim().to_owned()
}

/// A token as `tests/tokens/peer.py` has it.
pub(crate) fn to_json(token: &Token) -> Value {
    let is_totp = token.kind == Kind::Totp;
    json!({
        "serial": token.serial,
        "id": token.id,
        "kind": token.kind.name(),
        "secret": HEXLOWER.encode(token.secret.expose()),
        "suite": (token.algorithm != Algorithm::Sha1).then(|| format!("HMAC-{}", token.algorithm)),
        "digits": token.digits.map(Digits::get),
        "period": token.period,
        "t0": is_totp.then_some(token.t0),
        "drift": token.drift,
        "counter": token.counter,
        "issuer": token.issuer,
        "account": token.account,
        "manufacturer": token.manufacturer,
        "model": token.model,
        "not_before": token.not_before,
        "not_after": token.not_after,
    })
}
