//! The test files of python-pskc 1.4, each read or refused with the reason in `python_pskc.txt`.
//!
//! The files are LGPL and not part of this repository. Unpack `python_pskc-1.4.tar.gz` of `PyPI`,
//! and run the ignored test with `PSKC_FILES=.../python_pskc-1.4/tests`.

use std::fs;
use std::path::Path;

use data_encoding::HEXLOWER_PERMISSIVE;
use keyfob_tokens::{Format, Keys, read};

/// For each file a line with its name and its key in hex or its password, and a line for each of
/// its entries: its kind, secret and counter, or the error.
const FILES: &str = include_str!("python_pskc.txt");

#[test]
#[ignore = "needs the files of python-pskc"]
fn python_pskc_files_are_read_or_refused() {
    let folder = std::env::var("PSKC_FILES").expect("PSKC_FILES is the folder tests of python-pskc 1.4");
    let mut count = 0;
    for block in FILES.split("== ").skip(1) {
        let (head, expected) = block.split_once('\n').expect("a line");
        let (file, key) = head.split_once(' ').unwrap_or((head, ""));
        let text = fs::read_to_string(Path::new(&folder).join(file)).expect(file);
        // Many of them have no algorithm, which is an error here: they get one.
        let text = text.replace("<Key>", "<Key Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:hotp\">");
        let keys = match HEXLOWER_PERMISSIVE.decode(key.as_bytes()) {
            Ok(bytes) if bytes.len() >= 16 => Keys::new().with_key(&bytes),
            _ => Keys::new().with_password(key),
        };
        let entries: Vec<_> = read(Format::Pskc, text.as_bytes(), &keys)
            .map(|entry| match entry {
                Ok(token) => {
                    format!("{:?} {} {:?}", token.kind, HEXLOWER_PERMISSIVE.encode(token.secret.expose()), token.counter)
                }
                Err(error) => error.to_string(),
            })
            .collect();
        assert_eq!(entries, expected.lines().collect::<Vec<_>>(), "{file}");
        count += 1;
    }
    assert_eq!(count, 74);
}
