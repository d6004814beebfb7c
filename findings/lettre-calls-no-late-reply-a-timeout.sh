#!/usr/bin/env bash
# lettre 0.11.23 (Rust): `is_timeout` is false when a reply is late.
#
# Expected: `Error::is_timeout` says whether a timeout is the cause, so it is true when the server
# does not reply within the `timeout` of `SmtpTransport`.
# Seen: on Unix a read that takes too long ends in `WouldBlock`, with the message "Resource
# temporarily unavailable". `is_timeout` knows the kind `TimedOut` only, so it is false, for a
# late greeting and for a late reply alike.
# Who meets it: a sender that counts or repeats timeouts apart from other errors. None is counted on
# Linux, and the message in the log does not speak of time.
#
# Seen on 2026-11-30. Needs: cargo, Linux.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "findings"
version = "0.0.0"
edition = "2021"

[dependencies]
lettre = { version = "=0.11.23", default-features = false, features = ["smtp-transport"] }
TOML
cat > src/main.rs <<'RS'
use std::error::Error;
use std::io::{ErrorKind, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use lettre::SmtpTransport;

const PATIENCE: Duration = Duration::from_millis(500);

fn main() {
    println!("lettre 0.11.23, timeout {PATIENCE:?}");
    for greeting in ["", "220 ready\r\n"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(greeting.as_bytes()).unwrap();
            std::thread::sleep(3 * PATIENCE);
        });
        let mailer = SmtpTransport::builder_dangerous("127.0.0.1").port(port).timeout(Some(PATIENCE)).build();
        let start = Instant::now();
        let error = mailer.test_connection().expect_err("the server was silent");
        let lasted = start.elapsed();
        server.join().unwrap();
        let source = error.source().and_then(|source| source.downcast_ref::<std::io::Error>());
        let kind = source.map(std::io::Error::kind);
        println!("greeting {greeting:?}: {error}; {kind:?}, is_timeout {}, after {lasted:.1?}", error.is_timeout());
        assert!(lasted >= PATIENCE && lasted < 3 * PATIENCE, "it was no timeout");
        assert_eq!((kind, error.is_timeout()), (Some(ErrorKind::WouldBlock), false), "the error is another now");
    }
}
RS
cargo run --quiet
