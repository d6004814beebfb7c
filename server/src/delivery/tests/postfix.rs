//! E-mail to Debian's Postfix, with a configuration, a queue and a port of its own.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{Channel, attributes, delivery, message};

/// Runs Postfix until a line comes on standard input, or until that ends because the test ended.
/// One that has not begun yet cannot be stopped, so that is tried until it can.
const WATCH: &str = "PATH=$PATH:/usr/sbin; postfix -c \"$1\" start-fg & read line; \
    until postfix -c \"$1\" stop || ! kill -0 $!; do sleep 0.2; done; wait; [ -n \"$line\" ] || rm -rf \"$1\"";
/// What it says first. Until it has its port, a server of another test may have that.
const GREETING: &str = "220 mx.example.net ";

/// A mail server for bob@example.org and bob@bücher.example, which wants full names in EHLO and
/// throws away what it takes.
const SETTINGS: &str = "
compatibility_level = 3.6
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example.net
mynetworks =
mydestination = example.org, xn--bcher-kva.example
local_recipient_maps = inline:{bob=yes}
local_transport = discard:
smtpd_delay_reject = no
smtpd_helo_required = yes
smtpd_helo_restrictions = reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname
smtputf8_enable = no
";

const SERVICES: &str = "
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
anvil unix - - n - 1 anvil
tlsmgr unix - - n 1000 1 tlsmgr
discard unix - - n - - discard
error unix - - n - - error
";

struct Postfix {
    folder: TempDir,
    port: u16,
    watch: Child,
}

impl Postfix {
    /// Starts one. `more` are settings.
    fn start(more: &str) -> Self {
        let id = Command::new("id").arg("-u").output().expect("id");
        assert_eq!(id.stdout, b"0\n", "Postfix starts as root only: run this test as root, or leave it out with --skip postfix");
        let folder = tempfile::Builder::new().prefix("keyfob-postfix-").tempdir().expect("a folder");
        let path = folder.path();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its own");
        fs::create_dir(path.join("queue")).expect("a folder");
        fs::create_dir(path.join("data")).expect("a folder");
        run(Command::new("chown").arg("postfix").arg(path.join("data")));
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let folders =
            format!("queue_directory = {}\ndata_directory = {}\n", path.join("queue").display(), path.join("data").display());
        fs::write(path.join("main.cf"), format!("{folders}{SETTINGS}{more}\n")).expect("a file");
        fs::write(path.join("master.cf"), format!("127.0.0.1:{port} inet n - n - - smtpd{SERVICES}")).expect("a file");
        let log = File::create(path.join("log")).expect("a log");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", WATCH, "watch"]).arg(path).stdin(Stdio::piped()).stdout(log.try_clone().expect("a log")).stderr(log);
        let watch = command.spawn().expect("a shell");
        let postfix = Self { folder, port, watch };
        let until = Instant::now() + Duration::from_secs(60);
        while !greets(port) {
            assert!(Instant::now() < until, "Postfix (Debian package postfix) does not start: {}", postfix.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        postfix
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The table `[email]` for it.
    fn email(&self, more: &str) -> String {
        format!("[email]\nserver = 'localhost'\nport = {}\nfrom = 'keyfob <otp@example.com>'\n{more}\n", self.port)
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        let _ = self.watch.stdin.take().map(|mut stdin| stdin.write_all(b"end\n"));
        let _ = self.watch.wait();
    }
}

/// Whether it is Postfix that answers at a port.
fn greets(port: u16) -> bool {
    let greeting = || -> io::Result<String> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).map(|_| line)
    };
    greeting().is_ok_and(|line| line.starts_with(GREETING))
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {output:?}");
}

/// Sends a mail to this address. Errors: the error's text, and whether it is transient.
async fn sent(toml: &str, to: &str) -> Result<(), (String, bool)> {
    let attributes = attributes();
    let sent = delivery(toml).send(&message(Channel::Email, to, &attributes)).await;
    sent.map_err(|error| (error.to_string(), error.is_transient()))
}

/// A key and a certificate for localhost, in one file.
fn certificate(folder: &Path) -> String {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let path = folder.join("server.pem");
    fs::write(&path, [made.signing_key.serialize_pem(), made.cert.pem()].concat()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn postfix_takes_a_mail_from_a_full_name_only_and_says_why() {
    let postfix = Postfix::start("");
    let plain = postfix.email("security = 'none'");
    for to in ["bob@example.org", "bob@bücher.example"] {
        sent(&plain, to).await.unwrap_or_else(|error| panic!("{to}: {error:?}"));
    }
    let name = format!("localhost:{} (not encrypted): answered", postfix.port);
    assert_eq!(sent(&plain, "eve@example.org").await, Err((format!("{name} 550 5.1.1"), false)));
    assert_eq!(sent(&plain, "bob@example.net").await, Err((format!("{name} 454 4.7.1"), true)));
    let (error, _) = sent(&plain, "jörg@example.org").await.unwrap_err();
    assert!(error.contains("SMTPUTF8"), "{error}");
    // A host name without a domain, as containers have.
    let bare = postfix.email("security = 'none'\nehlo_name = 'a3f09c'");
    assert_eq!(sent(&bare, "bob@example.org").await, Err((format!("{name} 504 5.5.2"), false)));
}

#[tokio::test]
async fn postfix_takes_a_mail_over_starttls_and_asks_for_a_certificate_if_configured() {
    let folder = tempfile::tempdir().unwrap();
    let pem = certificate(folder.path());
    let tls = format!("smtpd_tls_chain_files = {pem}\nsmtpd_tls_security_level = encrypt\nsmtpd_tls_session_cache_database =\n");
    let ca = format!("ca_file = '{pem}'");
    let postfix = Postfix::start(&tls);
    sent(&postfix.email(&ca), "bob@example.org").await.unwrap();
    drop(postfix);
    let postfix = Postfix::start(&format!("{tls}smtpd_tls_req_ccert = yes\n"));
    let (error, _) = sent(&postfix.email(&ca), "bob@example.org").await.unwrap_err();
    assert!(error.contains("asks for a client certificate"), "{error}");
}
