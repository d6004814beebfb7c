//! The binary: commands that end, and the service that a test starts and stops.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::client::Client;

/// The password of `admin` in these tests.
pub(crate) const PASSWORD: &str = "not a secret, but a test";

/// The binary in a folder, without anything of the environment's own configuration.
pub(crate) fn keyfob(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyfob"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("KEYFOB_") {
            command.env_remove(name);
        }
    }
    command.args(args).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a command that has ended printed.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    pub(crate) fn from_command(mut command: Command, input: &str) -> Self {
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        // It may end without reading.
        let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
        let Output { status, stdout, stderr } = child.wait_with_output().expect("it ends");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self { status: status.code(), out: text(stdout), err: text(stderr) }
    }

    /// What it printed, if it ended well.
    #[track_caller]
    pub(crate) fn well(self) -> String {
        assert_eq!(self.status, Some(0), "{self:?}");
        self.out
    }
}

/// What a program of a Debian package prints.
pub(crate) fn program(name: &str, package: &str, args: &[&str]) -> String {
    let output = Command::new(name).args(args).output();
    let output = output.unwrap_or_else(|error| panic!("{name}: {error}; install the Debian package {package}"));
    assert!(output.status.success(), "{name} {args:?}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
}

/// A folder for the store and the key of one test.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// A service that runs until this is dropped.
pub(crate) struct Server {
    child: Child,
    out: BufReader<ChildStdout>,
    /// The first line that it printed.
    pub(crate) first: String,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts the service in a folder, with the account `admin`. What it logs goes to the file
    /// `log` there.
    pub(crate) fn start(folder: &Path, args: &[&str]) -> Self {
        let mut command = Self::command(folder, args);
        command.env("KEYFOB_ADMIN_PASSWORD", PASSWORD);
        Self::spawn(command)
    }

    /// What starts the service on a free port.
    pub(crate) fn command(folder: &Path, args: &[&str]) -> Command {
        let mut command = keyfob(folder, &["serve", "--listen", "127.0.0.1:0"]);
        let log = File::options().create(true).append(true).open(folder.join("log")).expect("a log");
        command.args(args).stdin(Stdio::null()).stderr(log);
        command
    }

    /// Starts it and waits until it tells where it listens.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the binary starts");
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        let mut first = String::new();
        out.read_line(&mut first).expect("its first line");
        let Some((_, url)) = first.split_once("listens on ") else {
            panic!("{:?}: {first:?}: {}", child.wait(), log(command.get_current_dir().expect("a folder")))
        };
        let place = url.trim_end().split('/').nth(2).expect("a URL");
        let address = place.parse().unwrap_or_else(|error| panic!("{place}: {error}"));
        Self { child, out, first, address }
    }

    /// The rest of the line of the greeting that begins so.
    pub(crate) fn greeting(&mut self, begin: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.out.read_line(&mut line).expect("UTF-8") > 0, "{begin}");
            if let Some(rest) = line.strip_prefix(begin) {
                return rest.trim_end().to_owned();
            }
        }
    }

    /// A client with the account `admin`.
    pub(crate) fn admin(&self) -> Client {
        Client::basic(self.address, "admin", PASSWORD)
    }

    pub(crate) fn anonymous(&self) -> Client {
        Client::anonymous(self.address)
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> String {
        self.child.id().to_string()
    }

    /// What the kernel says of its memory, in KiB: `VmRSS` for what it has now, `VmHWM` for the
    /// most that it had.
    #[cfg(target_os = "linux")]
    pub(crate) fn memory(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).expect("a field");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Sends it a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        program("kill", "procps", &["-s", name, &self.id()]);
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it ran");
        self.child.wait().expect("it ended");
    }

    /// Waits until it ends. Returns its status and the rest of what it printed.
    pub(crate) fn wait(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).expect("UTF-8");
        (self.child.wait().expect("it ends").code(), rest)
    }

    /// Stops it as an operator does. Returns the rest of what it printed.
    #[track_caller]
    pub(crate) fn stop(self) -> String {
        self.signal("TERM");
        let (status, rest) = self.wait();
        assert_eq!(status, Some(0));
        rest
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What was logged in a folder.
pub(crate) fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("log")).expect("a log")
}

/// The audit trail of a device, the newest line first.
pub(crate) fn trail(folder: &Path, path: &str) -> Vec<Value> {
    let device = path.rsplit('/').next().expect("a number");
    let args = ["audit", "--json", "--limit", "100000", "--device", device];
    let lines = Run::from_command(keyfob(folder, &args), "").well();
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// How many lines of a trail are of an answer with this reason, the one that locked included.
pub(crate) fn judged(trail: &[Value], reason: &str) -> usize {
    let is_counted = |told: &str| told.strip_suffix(", then locked").unwrap_or(told) == reason;
    trail.iter().filter(|line| line["event"] == "otp-verify" && line["reason"].as_str().is_some_and(is_counted)).count()
}

/// The secret, in Base32, that the image of a new device holds.
pub(crate) fn secret(folder: &Path, created: &Value) -> String {
    let path = folder.join("image.png");
    let image = created["image"].as_str().expect("an image");
    std::fs::write(&path, data_encoding::BASE64.decode(image.as_bytes()).expect("Base64")).expect("a file");
    let uri = program("zbarimg", "zbar-tools", &["-q", "--raw", path.to_str().expect("UTF-8")]);
    let secret = uri.split_once("?secret=").expect("a secret").1;
    secret.split('&').next().expect("a secret").to_owned()
}

/// The first codes of a HOTP secret.
pub(crate) fn hotp(secret: &str, many: usize) -> Vec<String> {
    let window = (many - 1).to_string();
    program("oathtool", "oathtool", &["-b", "-c", "0", "-w", &window, secret]).lines().map(str::to_owned).collect()
}

/// The codes of a TOTP secret from the present step on.
pub(crate) fn totp(secret: &str, many: usize) -> Vec<String> {
    let window = (many - 1).to_string();
    program("oathtool", "oathtool", &["--totp", "-b", "-w", &window, secret]).lines().map(str::to_owned).collect()
}
