//! Any bytes as a token file of any format: readers end, keep their bounds, and what they read can
//! be written and read again.

use std::io::Cursor;

use keyfob_tokens::{
    Columns, Duplicate, Duplicates, EntraWriter, Format, Keys, OathCsvWriter, PskcProtection, PskcSuite, PskcWriter, Token,
    UriWriter, read, write_migration,
};

use crate::seeded::Seeded;

/// The reader that the first byte picks. A byte that picks none lets the bytes tell it.
fn format(pick: u8, file: &[u8]) -> Option<Format> {
    let columns = || "serial,secret:base32,type,algorithm,digits,period,counter,notBefore".parse::<Columns>().ok();
    Some(match pick {
        0 => Format::Pskc,
        1 => Format::SafeNet,
        2 => Format::OathCsv,
        3 => Format::Entra,
        4 => Format::YubicoLog,
        5 => Format::KeePassXc,
        6 => Format::Columns(columns()?),
        7 => Format::Columns(columns()?.with_heading()),
        8 => Format::Uris,
        9 => Format::Json,
        _ => return Format::detect(file),
    })
}

fn read_all(format: Format, file: &[u8]) -> Vec<Token> {
    let keys = Keys::new().with_key(b"1234567890123456").with_password("qwerty");
    let mut entries = read(format, Cursor::new(file), &keys);
    let (mut tokens, mut last, mut is_over) = (Vec::new(), 0, false);
    let mut duplicates = Duplicates::new();
    while let Some(entry) = entries.next() {
        assert!(!is_over, "nothing comes after the end");
        let location = entries.location();
        if let Some(number) = location.entry {
            assert!(number > last, "each entry has a number of its own");
            last = number;
        }
        match entry {
            Ok(token) => {
                let number = location.entry.expect("a token has a number");
                if let Some(Duplicate::Serial(first) | Duplicate::Secret(first)) = duplicates.check(number, &token) {
                    assert!(first < number);
                }
                tokens.push(token);
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                assert_eq!(error.location(), location);
                is_over = error.is_fatal();
            }
        }
    }
    tokens
}

pub fn run(input: &[u8]) {
    let Some((&pick, file)) = input.split_first() else { return };
    let Some(format) = format(pick, file) else { return };
    // A password is derived as often as the file says: that is slow, and nothing is found by it.
    if file.windows(14).any(|part| part.eq_ignore_ascii_case(b"iterationcount")) {
        return;
    }
    for token in read_all(format, file) {
        assert!(!token.secret.expose().is_empty());
        assert!(token.period != Some(0));
        let _ = token.factor();
        let mut pskc = PskcWriter::new(Vec::new(), PskcProtection::Plain, PskcSuite::Hmac, Seeded(1)).expect("a head");
        if pskc.write(&token).is_ok() {
            let [read] = <[Token; 1]>::try_from(read_all(Format::Pskc, &pskc.finish().expect("an end"))).expect("one token");
            assert_eq!((read.kind, &read.secret, read.algorithm), (token.kind, &token.secret, token.algorithm));
            assert_eq!((read.counter, read.period, read.t0, read.drift), (token.counter, token.period, token.t0, token.drift));
            assert_eq!((read.suite, read.digits), (token.suite.clone(), token.digits));
        }
        let mut uris = UriWriter::new(Vec::new());
        if uris.write(&token).is_ok() {
            let [read] = <[Token; 1]>::try_from(read_all(Format::Uris, &uris.finish().expect("a list"))).expect("one token");
            assert_eq!((read.kind, &read.secret, read.algorithm), (token.kind, &token.secret, token.algorithm));
            assert_eq!((read.counter, read.period, read.digits), (token.counter, token.period, token.digits));
        }
        if let Ok(uris) = write_migration(std::slice::from_ref(&token), &mut Seeded(1)) {
            let [read] = <[Token; 1]>::try_from(read_all(Format::Uris, uris[0].as_bytes())).expect("one token");
            assert_eq!((read.kind, &read.secret, read.algorithm), (token.kind, &token.secret, token.algorithm));
        }
        let mut oath = OathCsvWriter::new(Vec::new());
        if oath.write(&token).is_ok() {
            let [read] = <[Token; 1]>::try_from(read_all(Format::OathCsv, &oath.finish().expect("a file"))).expect("one token");
            assert_eq!((read.kind, &read.secret, read.algorithm), (token.kind, &token.secret, token.algorithm));
        }
        let mut entra = EntraWriter::new(Vec::new());
        if entra.write(&token).is_ok() {
            let [read] = <[Token; 1]>::try_from(read_all(Format::Entra, &entra.finish().expect("a file"))).expect("one token");
            assert_eq!((&read.secret, read.period), (&token.secret, token.period));
        }
    }
}
