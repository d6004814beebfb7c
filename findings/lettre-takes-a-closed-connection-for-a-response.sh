#!/usr/bin/env bash
# lettre 0.11.23 (Rust): a server that closes the connection has given a faulty reply.
#
# Expected: when a connection ends before the reply, the error is one of the network, as it is when
# the reply is late. Mail servers that restart or are overloaded close connections; RFC 5321,
# section 3.8, has the client treat it like a 451, so it tries again.
# Seen: at each command the error is "response error: incomplete response". `is_response`, which
# also means that a reply breaks the protocol, is true; `is_transient` and `is_timeout` are false,
# and no `std::io::Error` is among the sources. A late reply is "network error" with such a source,
# and no `is_` function is true for it. So the two look most unlike.
# Who meets it: a sender that tries again on transient and network errors, and takes faulty replies
# for a server that it cannot talk to. It gives the message up while the mail server restarts.
#
# Seen on 2026-11-30. Needs: cargo.
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
lettre = { version = "=0.11.23", default-features = false, features = ["builder", "smtp-transport"] }
TOML
cat > src/main.rs <<'RS'
use std::error::Error as _;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::time::Duration;

use lettre::transport::smtp::Error;
use lettre::{Message, SmtpTransport, Transport};

/// What the server does in place of a reply.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Close,
    BeLate,
    Reply421,
}

const PATIENCE: Duration = Duration::from_millis(500);

/// Sends a message to a server on loopback, which acts so when it gets the command.
fn send(command: &'static str, act: Act) -> Error {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        stream.write_all(b"220 ready\r\n").unwrap();
        let mut in_message = false;
        for line in lines.map_while(Result::ok) {
            if in_message && line != "." {
                continue;
            }
            let verb = line.split(' ').next().unwrap();
            in_message = verb == "DATA";
            let reply: &[u8] = match (verb == command, act) {
                (true, Act::Close) => return,
                (true, Act::BeLate) => return std::thread::sleep(2 * PATIENCE),
                (true, Act::Reply421) => b"421 closing\r\n",
                (false, _) if in_message => b"354 go on\r\n",
                (false, _) => b"250 ok\r\n",
            };
            stream.write_all(reply).unwrap();
        }
    });
    let mail = Message::builder()
        .from("service@example.org".parse().unwrap())
        .to("alice@example.org".parse().unwrap())
        .body(String::from("Hello"))
        .unwrap();
    let mailer = SmtpTransport::builder_dangerous("127.0.0.1").port(port).timeout(Some(PATIENCE)).build();
    let error = mailer.send(&mail).expect_err("the server replied to all");
    server.join().unwrap();
    error
}

fn main() {
    println!("lettre 0.11.23");
    for (command, act) in [
        ("EHLO", Act::Close),
        ("MAIL", Act::Close),
        ("RCPT", Act::Close),
        ("DATA", Act::Close),
        (".", Act::Close),
        ("MAIL", Act::BeLate),
        ("MAIL", Act::Reply421),
    ] {
        let error = send(command, act);
        let is_io = error.source().is_some_and(|source| source.is::<std::io::Error>());
        let seen = (error.is_response(), error.is_transient(), error.is_timeout(), is_io);
        println!("{command}, {act:?}: {error}");
        println!("    is_response {}, is_transient {}, is_timeout {}, I/O error {}", seen.0, seen.1, seen.2, seen.3);
        let expected = match act {
            Act::Close => (true, false, false, false),
            Act::BeLate => (false, false, false, true),
            Act::Reply421 => (false, true, false, false),
        };
        assert_eq!(seen, expected, "the error is another now");
    }
}
RS
cargo run --quiet
