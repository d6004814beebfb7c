//! Clients that go away before their response: their request is finished and counted, and costs no
//! more than others.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::client::{BASE, Client, ask_and_close, open};
use super::process::{Run, Server, folder, keyfob, log};

/// What is waited for at most.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends a request. Who drops what this returns goes away, unanswered.
fn ask(server: &Server, client: &Client, target: &str) -> BufReader<TcpStream> {
    let mut stream = open(server.address).expect("a connection");
    stream.get_mut().write_all(client.head("GET", &format!("{BASE}{target}"), "\r\n").as_bytes()).expect("it is taken");
    stream
}

/// Sends a request and goes away after a moment. Under load it may not be seen at all: its
/// connection has ended before it was read.
fn ask_and_go(server: &Server, client: &Client) {
    let stream = ask(server, client, "/OtpDevice");
    thread::sleep(Duration::from_millis(4));
    drop(stream);
}

/// The sum of the metrics whose lines begin so.
fn sum(server: &Server, begin: &str) -> u64 {
    let metrics = server.anonymous().send("GET", "/metrics", "", b"").expect("an answer");
    let lines = metrics.text().lines().filter(|line| line.starts_with(begin));
    lines.map(|line| line.rsplit(' ').next().expect("a number").parse::<u64>().expect("a number")).sum()
}

#[track_caller]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// How many were refused, once there are no more, each of which has its line and its place in the
/// numbers.
fn refused(server: &Server) -> u64 {
    let (until, mut before) = (Instant::now() + PATIENCE, u64::MAX);
    loop {
        let now = sum(server, "keyfob_accounts_refused_total");
        let answered = sum(server, "keyfob_requests_total{operation=\"list\"");
        if now == before && now == answered {
            return now;
        }
        assert!(Instant::now() < until, "{now} refused, {answered} answered");
        before = now;
        thread::sleep(Duration::from_secs(1));
    }
}

#[test]
fn passwords_of_clients_that_have_gone_take_their_turn() {
    const WANTED: u64 = 50;
    let folder = folder();
    let mut command = Server::command(folder.path(), &["--set", "log=error"]);
    command.env("TOKIO_WORKER_THREADS", "2");
    let server = Server::spawn(command);
    for number in 0..5000 {
        if number % 100 == 99 && sum(&server, "keyfob_accounts_refused_total") > WANTED {
            break;
        }
        // Each has a name of its own, so that no pause spares the hashes.
        ask_and_go(&server, &Client::basic(server.address, &format!("nobody{number}"), "wrong"));
    }
    assert!(refused(&server) > WANTED);
    assert!(sum(&server, "keyfob_accounts_refused_total{reason=\"wrong\"}") > 2);
    // A hash has a thread of its own and 19 MiB; the threads stay for a while.
    if let Ok(status) = std::fs::read_to_string(format!("/proc/{}/status", server.id())) {
        let threads = status.lines().find_map(|line| line.strip_prefix("Threads:")).expect("their number");
        assert!(threads.trim().parse::<u32>().expect("a number") < 25, "{threads}");
    }
}

#[test]
fn wrong_passwords_of_clients_that_have_gone_count() {
    let folder = folder();
    let server = Server::start(folder.path(), &["--set", "log=error"]);
    let paused = || sum(&server, "keyfob_accounts_refused_total{reason=\"paused\"}");
    for number in 0..500 {
        if paused() > 0 {
            break;
        }
        ask_and_go(&server, &Client::basic(server.address, "admin", &format!("wrong{number}")));
    }
    assert!(refused(&server) > 5);
    assert!(paused() > 0, "the fifth begins a pause");
    let trail = Run::from_command(keyfob(folder.path(), &["audit", "--json"]), "").well();
    assert_eq!(trail.lines().filter(|line| line.contains("account-refused") && line.contains("\"admin\"")).count(), 1, "{trail}");
}

/// A mail server that takes its time.
struct Slow(TcpListener);

impl Slow {
    fn open(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let toml = format!(
            "[email]\nserver = '127.0.0.1'\nport = {port}\nsecurity = 'none'\nfrom = 'otp@example.com'\nbody = 'code=${{PIN}}.'\n"
        );
        std::fs::write(folder.join("keyfob.toml"), toml).unwrap();
        Self(listener)
    }

    /// Waits until a client brings a mail.
    fn wait(&self) -> TcpStream {
        self.0.accept().unwrap().0
    }

    /// Takes the mail; gives the code in it, if it comes to its end.
    fn take(stream: TcpStream) -> Option<String> {
        let mut stream = BufReader::new(stream);
        stream.get_mut().write_all(b"220 slow\r\n").ok()?;
        let mut code = None;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some((_, rest)) = line.split_once("code=") {
                code = Some(rest.split('.').next()?.to_owned());
                continue;
            }
            let answer = match line.trim_end() {
                "DATA" => "354 go",
                "." => {
                    stream.get_mut().write_all(b"250 taken\r\n").ok()?;
                    return code;
                }
                command if ["EHLO", "MAIL", "RCPT"].iter().any(|known| command.starts_with(known)) => "250 ok",
                _ => continue,
            };
            stream.get_mut().write_all(format!("{answer}\r\n").as_bytes()).ok()?;
        }
    }
}

#[test]
fn a_code_is_delivered_to_its_end_though_the_client_has_gone() {
    let folder = folder();
    let post = Slow::open(folder.path());
    let server = Server::start(folder.path(), &["--config", "keyfob.toml"]);
    let mut client = server.admin();
    let (path, _) = client.create(&json!({"type": "EMAIL", "user": "dilbert", "email": "dilbert@example.com"}));
    let stream = ask(&server, &client, &format!("{path}/requestChallenge"));
    let asked = post.wait();
    drop(stream);
    // That it has gone has been seen.
    thread::sleep(Duration::from_millis(200));
    let code = Slow::take(asked).expect("the whole mail");
    wait_until("it is counted", || sum(&server, "keyfob_requests_total{operation=\"requestChallenge\",status=\"200\"}") == 1);
    assert_eq!(client.answer(&path, &code).verdict(), (true, false));
    server.stop();
    let log = log(folder.path());
    assert!(log.lines().any(|line| line.contains("requestChallenge") && line.contains("status=200")), "{log}");
}

#[test]
fn the_end_waits_for_what_is_delivered_to_a_client_that_has_gone() {
    let folder = folder();
    let post = Slow::open(folder.path());
    let server = Server::start(folder.path(), &["--config", "keyfob.toml"]);
    let mut client = server.admin();
    let (path, _) = client.create(&json!({"type": "EMAIL", "user": "dilbert", "email": "dilbert@example.com"}));
    let stream = ask(&server, &client, &format!("{path}/requestChallenge"));
    let asked = post.wait();
    drop(stream);
    drop(client);
    server.signal("TERM");
    while open(server.address).is_some() {
        thread::yield_now();
    }
    thread::sleep(Duration::from_millis(500));
    Slow::take(asked).expect("the whole mail");
    assert_eq!(server.wait().0, Some(0));
    let log = log(folder.path());
    assert!(log.lines().any(|line| line.contains("requestChallenge") && line.contains("status=200")), "{log}");
    assert!(log.trim_end().ends_with("stopped"), "{log}");
}

/// Half of a connection that is closed is no client that has gone.
#[test]
fn a_client_that_closes_its_side_after_its_request_is_answered() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let mut client = server.admin();
    let (path, device) = client.create(&json!({"type": "HOTP", "user": "franck"}));
    let (devices, body) = (format!("{BASE}/OtpDevice"), json!({"pin": "12345"}).to_string());
    for _ in 0..20 {
        // With a password that is hashed, on the first time.
        let asked = ask_and_close(server.address, client.head("GET", &devices, "\r\n").as_bytes());
        assert_eq!(asked.expect("an answer").ok(200)["totalResults"], 1);
    }
    let more = format!("Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let head = client.head("POST", &format!("{BASE}{path}/responseChallenge"), &more);
    let answered = ask_and_close(server.address, head.as_bytes());
    assert_eq!(answered.expect("an answer").verdict(), (false, false));
    assert_eq!(device["fails"], 0);
    assert_eq!(client.device(&path)["fails"], 1);
}

#[test]
fn a_body_that_its_client_did_not_end_does_nothing() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let mut client = server.admin();
    client.get("/OtpDevice").ok(200);
    let body = json!({"type": "HOTP", "user": "franck"}).to_string();
    for length in ["Content-Length: 1000\r\n\r\n".to_owned(), format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", body.len())] {
        let mut stream = open(server.address).expect("a connection");
        let head = client.head("POST", &format!("{BASE}/OtpDevice"), &format!("Content-Type: application/json\r\n{length}"));
        stream.get_mut().write_all(format!("{head}{body}").as_bytes()).expect("it is taken");
        thread::sleep(Duration::from_millis(100));
    }
    wait_until("both are refused", || sum(&server, "keyfob_requests_total{operation=\"create\",status=\"400\"}") == 2);
    assert_eq!(client.get("/OtpDevice").ok(200)["totalResults"], 0);
}
