//! The binary from outside: what it prints, stores and exits with.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

#[path = "cli/code.rs"]
mod code;
#[path = "cli/drift.rs"]
mod drift;
#[path = "cli/enroll.rs"]
mod enroll;
#[path = "cli/export.rs"]
mod export;
#[path = "cli/lock.rs"]
mod lock;
#[path = "cli/others.rs"]
mod others;
#[path = "cli/output.rs"]
mod output;
#[path = "cli/recovery.rs"]
mod recovery;
#[path = "cli/secrets.rs"]
mod secrets;
#[path = "cli/state.rs"]
mod state;
#[path = "cli/usage.rs"]
mod usage;
#[path = "cli/verify.rs"]
mod verify;

/// The secrets of RFC 4226 and RFC 6238, of the size of each algorithm.
const SHA1: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const SHA256: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA";
const SHA512: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNA";
const HEX: &str = "3132333435363738393031323334353637383930";

/// What a run of the binary left.
#[derive(Debug)]
struct Run {
    status: i32,
    out: String,
    err: String,
}

impl Run {
    #[track_caller]
    fn is(&self, status: i32, out: &str) {
        assert_eq!((self.status, self.out.as_str()), (status, out), "{self:?}");
    }

    /// An error: status 2, nothing on standard output, and `named` in the message.
    #[track_caller]
    fn fails(&self, named: &str) {
        self.is(2, "");
        assert!(self.err.contains(named), "no {named:?} in {self:?}");
        assert!(!self.err.contains("panicked"), "{self:?}");
    }

    #[track_caller]
    fn json(&self) -> Value {
        assert!(self.status < 2, "{self:?}");
        serde_json::from_str(&self.out).expect("JSON")
    }
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyfob"));
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the binary with this on standard input.
fn keyfob(args: &[&str], input: impl AsRef<[u8]>) -> Run {
    finish(start(command(args), input))
}

fn start(mut command: Command, input: impl AsRef<[u8]>) -> Child {
    let mut child = command.spawn().expect("the binary starts");
    // It may end without reading.
    let _ = child.stdin.take().expect("piped").write_all(input.as_ref());
    child
}

fn finish(child: Child) -> Run {
    let output = child.wait_with_output().expect("the binary ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Run { status: output.status.code().expect("no signal"), out: text(output.stdout), err: text(output.stderr) }
}

/// A folder of one test, removed after it.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("keyfob-{}-{test}", std::process::id()));
        std::fs::create_dir(&path).expect("a new folder");
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("UTF-8").to_owned()
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).expect("a file");
        path
    }

    /// Enrols a device at time 0 into a state file and returns its path and its URI.
    #[track_caller]
    fn enroll(&self, name: &str, args: &[&str]) -> (String, String) {
        let path = self.path(name);
        let run = keyfob(&[&["enroll", "--json", "--now", "0", "--state", &path], args].concat(), "");
        assert_eq!(run.status, 0, "{run:?}");
        (path, run.json()["uri"].as_str().expect("a URI").to_owned())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The code of a URI: of a time, or of a counter.
#[track_caller]
fn code_of(uri: &str, moving: [&str; 2]) -> String {
    let run = keyfob(&["code", moving[0], moving[1]], format!("{uri}\n"));
    assert_eq!(run.status, 0, "{run:?}");
    run.out.trim_end().to_owned()
}

/// A code of six digits that is not this one, nor any of the window's but by a chance of 1 in 10^5.
fn other_than(code: &str) -> String {
    code.chars().map(|digit| if digit == '9' { '0' } else { char::from(digit as u8 + 1) }).collect()
}

fn show(path: &str) -> Value {
    keyfob(&["show", "--json", "--state", path], "").json()
}

#[cfg(unix)]
fn mode(path: impl AsRef<Path>) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).expect("a file").permissions().mode() & 0o777
}
