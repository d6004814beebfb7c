//! The 78 sample files of python-pskc 1.4, each read or refused with the reason in
//! `python_pskc.txt`. The files are LGPL and not part of this repository: `make test-pskc` fetches
//! them and runs this test, which `cargo test` leaves out.

use std::fs;
use std::path::Path;

use data_encoding::HEXLOWER_PERMISSIVE;
use keyfob_tokens::{Error, ErrorKind, Format, Keys, Token, read};

/// For each file a line with its name and its key in hex or its password, and a line for each of
/// its entries: its kind, secret and counter, or the error.
const FILES: &str = include_str!("python_pskc.txt");

/// The files as the table names them: all but python-pskc's own tests and its certificates.
fn files(folder: &Path, prefix: &str, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a file").path();
        let name = path.file_name().expect("a name").to_str().expect("UTF-8");
        if path.is_dir() && name != "certificate" {
            files(&path, &format!("{name}/"), names);
        } else if path.is_file() && !name.ends_with(".doctest") {
            names.push(format!("{prefix}{name}"));
        }
    }
}

fn read_all(text: &str, keys: &Keys) -> Vec<Result<Token, Error>> {
    read(Format::Pskc, text.as_bytes(), keys).collect()
}

#[test]
fn python_pskc_files_are_read_or_refused() {
    let folder = std::env::var("KEYFOB_PEERS").expect("run tests/tokens/run, which fetches the files");
    let folder = Path::new(&folder).join("sources/python_pskc-1.4/tests");
    let (mut names, mut listed) = (Vec::new(), Vec::new());
    files(&folder, "", &mut names);
    for block in FILES.split("== ").skip(1) {
        let (head, expected) = block.split_once('\n').expect("a line");
        let (file, key) = head.split_once(' ').unwrap_or((head, ""));
        let keys = match HEXLOWER_PERMISSIVE.decode(key.as_bytes()) {
            Ok(bytes) if bytes.len() >= 16 => Keys::new().with_key(&bytes),
            _ => Keys::new().with_password(key),
        };
        let text = fs::read_to_string(folder.join(file)).expect(file);
        // Some have keys without an algorithm. Those are refused, and read once they have one.
        if text.contains("<Key>") {
            let is_refused = |error: &Error| error.is_fatal() || error.kind() == &ErrorKind::Missing("the key's algorithm");
            assert!(read_all(&text, &keys).iter().any(|entry| entry.as_ref().is_err_and(is_refused)), "{file}");
        }
        let text = text.replace("<Key>", "<Key Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:hotp\">");
        let entries = read_all(&text, &keys).into_iter().map(|entry| match entry {
            Ok(token) => format!("{:?} {} {:?}", token.kind, HEXLOWER_PERMISSIVE.encode(token.secret.expose()), token.counter),
            Err(error) => error.to_string(),
        });
        assert_eq!(entries.collect::<Vec<_>>(), expected.lines().collect::<Vec<_>>(), "{file}");
        listed.push(file.to_owned());
    }
    names.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, names, "the table lists each file");
    assert_eq!(listed.len(), 78);
}
