//! Many connections: the address with the most makes room, and clients that do not read hold up
//! nothing.

use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::client::{BASE, FullPipe};
use super::process::{PASSWORD, Server, folder, keyfob, log};

/// Starts the service with limits of open files: a soft and a hard one.
fn start_limited(folder: &std::path::Path, soft: u32, hard: u32) -> Server {
    let serve = keyfob(folder, &["serve", "--listen", "127.0.0.1:0"]);
    let mut command = Command::new("bash");
    command.args(["-c", &format!("ulimit -S -n {soft} && ulimit -H -n {hard} && exec \"$@\""), "bash"]);
    command.arg(serve.get_program()).args(serve.get_args()).current_dir(folder);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KEYFOB_")) {
        command.env_remove(name);
    }
    let log = std::fs::File::create(folder.join("log")).unwrap();
    command.env("KEYFOB_ADMIN_PASSWORD", PASSWORD).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    Server::spawn(command)
}

/// The soft limit of open files of a service.
fn open_files(server: &Server) -> String {
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.id())).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).expect("a limit");
    line.split_whitespace().next().expect("a number").to_owned()
}

#[test]
fn clients_that_do_not_read_block_no_client_and_no_end() {
    let folder = folder();
    let server = start_limited(folder.path(), 256, 256);
    let mut before = server.admin();
    before.get("/OtpDevice").ok(200);
    // More than there are places for.
    let mut flood: Vec<_> = (0..300).map(|_| FullPipe::new(&server.anonymous(), &format!("{BASE}/OtpDevice"))).collect();
    for _ in 0..5 {
        server.admin().get("/OtpDevice").ok(200);
    }
    assert!(flood[0].is_cut(), "the oldest makes room");
    assert!(!flood[299].is_cut(), "the newest is left");
    let began = Instant::now();
    server.signal("TERM");
    assert_eq!(server.wait().0, Some(0));
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "it took {:?}, as if a client still waited for its response",
        began.elapsed()
    );
}

#[test]
fn slow_readers_are_answered_and_hold_up_no_other_client() {
    let folder = folder();
    let server = Server::start(folder.path(), &["--set", "log=warn"]);
    let mut client = server.admin();
    let (path, device) = client.create(&json!({"type": "HOTP", "user": "franck"}));
    let slow: Vec<_> = (0..4).map(|_| FullPipe::new(&client, &format!("{BASE}{path}"))).collect();
    assert_eq!(server.admin().device(&path)["fails"], 0);
    let read: usize = slow.into_iter().map(|pipe| pipe.read(|answer| assert_eq!(answer.ok(200)["id"], device["id"]))).sum();
    assert!(read > 1000, "{read}");
}

#[cfg(target_os = "linux")]
#[test]
fn limit_of_open_files_is_raised_or_named() {
    let folder = folder();
    let server = start_limited(folder.path(), 128, 512);
    assert_eq!(open_files(&server), "512");
    // More than the soft limit, and all stay.
    let idle: Vec<_> = (0..200).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    server.admin().get("/OtpDevice").ok(200);
    for stream in &idle {
        stream.set_nonblocking(true).unwrap();
        assert_eq!(stream.peek(&mut [0]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    }
    drop(idle);
    server.stop();
    let log = log(folder.path());
    assert!(log.lines().any(|line| line.contains("WARN") && line.contains("512 open files")), "{log}");
    let server = Server::start(folder.path(), &[]);
    assert!(open_files(&server).parse::<u32>().unwrap() >= 1024);
    server.stop();
}
