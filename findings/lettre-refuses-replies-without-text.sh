#!/usr/bin/env bash
# lettre 0.11.23 (Rust): a reply that is a code alone is no reply.
#
# Expected: RFC 5321, section 4.2, makes the text of a reply optional: `250` and a line end is a
# whole reply, and section 4.2.1 asks clients to go by the code alone.
# Seen: `Response` parses `250 ok` and `250 `, and fails on `250` with a line end right behind it,
# for one line and for the last of several.
# Who meets it: a client of a terse mail server. The server has taken the mail, and the client
# reports a failure, so that a person is told that no code went out, or the mail is sent again.
#
# Seen on 2026-11-29. Needs: cargo.
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
use lettre::transport::smtp::response::Response;

fn main() {
    println!("lettre 0.11.23");
    for (reply, is_read) in [
        ("250 ok\r\n", true),
        ("250 \r\n", true),
        ("250\r\n", false),
        ("250-first\r\n250 last\r\n", true),
        ("250-first\r\n250\r\n", false),
    ] {
        let read = reply.parse::<Response>();
        println!("{reply:?}: {}", if read.is_ok() { "read" } else { "refused" });
        assert_eq!(read.is_ok(), is_read, "it is read otherwise now");
    }
}
RS
cargo run --quiet
