//! URIs and migrations with packages of npm and `PyPI`, both ways.

use keyfob_tokens::{Format, Keys, Token, UriWriter, read, write_migration};

use crate::common::Seeded;
use crate::peer::{code, node, python, samples};

fn write(tokens: &[Token]) -> String {
    let mut writer = UriWriter::new(Vec::new());
    for token in tokens {
        writer.write(token).expect("a URI");
    }
    String::from_utf8(writer.finish().expect("a list")).expect("UTF-8")
}

fn read_all(text: &str) -> Vec<Token> {
    read(Format::Uris, text.as_bytes(), &Keys::new()).map(|entry| entry.expect("a token")).collect()
}

/// What a URI says of the samples.
fn of_uri(mut token: Token) -> Token {
    for field in [&mut token.serial, &mut token.id, &mut token.manufacturer, &mut token.model] {
        *field = None;
    }
    (token.drift, token.not_before, token.not_after) = (None, None, None);
    token
}

#[test]
fn npm_otpauth_reads_what_is_written_and_is_read() {
    let tokens: Vec<_> = samples().into_iter().map(of_uri).collect();
    let lines = node(&write(&tokens));
    let (codes, uris): (Vec<_>, Vec<_>) = lines.lines().filter_map(|line| line.split_once(' ')).unzip();
    assert_eq!(codes, tokens.iter().map(code).collect::<Vec<_>>());
    assert_eq!(read_all(&uris.join("\n")), tokens);
}

#[test]
fn pyotp_reads_what_is_written() {
    // It computes no 7 digits, and refuses secrets under 112 bits.
    let mut tokens = samples();
    tokens.retain(|token| token.digits.is_some_and(|digits| digits.get() != 7));
    let codes = python(&["uri_codes"], &write(&tokens));
    assert_eq!(codes.lines().collect::<Vec<_>>(), tokens.iter().map(code).collect::<Vec<_>>());
}

#[test]
fn what_pypi_otpauth_writes_is_read() {
    let tokens = samples();
    let read = read_all(&python(&["uri_write"], &write(&tokens)));
    assert_eq!(read, tokens.into_iter().map(with_names).collect::<Vec<_>>());
}

/// The names that `peer.py` gives.
fn with_names(token: Token) -> Token {
    let mut token = of_uri(token);
    token.issuer = Some("ACME".to_owned());
    token.account = Some("bob".to_owned());
    token
}

/// The samples that a migration can say to a reader that knows 6 and 8 digits.
fn for_migration() -> Vec<Token> {
    let mut tokens: Vec<_> = samples().into_iter().map(of_uri).collect();
    tokens.retain(|token| token.digits.is_some_and(|digits| digits.get() != 7));
    tokens
}

#[test]
fn otpa_reads_the_batches_that_are_written() {
    let tokens = for_migration();
    let uris = write_migration(&tokens, &mut Seeded(1)).expect("URIs");
    assert_eq!(uris.len(), 2);
    let uris: Vec<_> = uris.iter().map(|uri| uri.as_str()).collect();
    let read = read_all(&python(&["migration_read"], &uris.join("\n")));
    assert_eq!(read, tokens);
}

#[test]
fn batches_that_otpa_writes_are_read() {
    let tokens = for_migration();
    let uris = python(&["migration_write"], &write(&tokens));
    assert_eq!(uris.lines().count(), 2);
    assert_eq!(read_all(&uris), tokens);
    // A batch that is not there is named.
    let second = uris.lines().nth(1).expect("two");
    let errors: Vec<_> = read(Format::Uris, second.as_bytes(), &Keys::new()).filter_map(Result::err).collect();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].to_string().contains("of 2 QR codes these are missing: 1"), "{}", errors[0]);
}
