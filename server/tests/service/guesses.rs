//! Many codes at once: the limit holds, and a right code is right once.

use std::thread;
use std::time::SystemTime;

use serde_json::json;

use super::process::{Server, folder, hotp, judged, program, secret, totp, trail};

/// How many connections answer at once.
const CONNECTIONS: usize = 32;

/// Answers `each` times on each of many connections at once; gives all verdicts.
fn at_once(server: &Server, path: &str, code: &str, each: usize) -> Vec<(bool, bool)> {
    let admin = server.admin();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let mut client = admin.another();
                scope.spawn(move || (0..each).map(|_| client.answer(path, code).verdict()).collect::<Vec<_>>())
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn ten_of_a_thousand_guesses_at_once_are_evaluated() {
    let folder = folder();
    let server = Server::start(folder.path(), &["--set", "log=warn"]);
    let mut client = server.admin();
    for kind in ["TOTP", "HOTP"] {
        let (path, created) = client.create(&json!({"type": kind, "user": "franck"}));
        let secret = secret(folder.path(), &created);
        let right = if kind == "TOTP" { totp(&secret, 2) } else { hotp(&secret, 30) };
        // Right in no step of the window, even if the next one begins meanwhile.
        let near: Vec<String> = program("oathtool", "oathtool", &["--totp", "-b", "-w", "40", "-N", "now - 10 minutes", &secret])
            .lines()
            .map(str::to_owned)
            .collect();
        let wrong = (0..100).map(|code| format!("{code:06}")).find(|code| !right.contains(code) && !near.contains(code)).unwrap();
        let verdicts = at_once(&server, &path, &wrong, 32);
        assert_eq!(verdicts.len(), 1024);
        assert!(verdicts.iter().all(|(success, _)| !success));
        assert_eq!(verdicts.iter().filter(|(_, locked)| !locked).count(), 9, "the tenth says that it locks");
        let device = client.device(&path);
        assert_eq!((&device["fails"], &device["status"]), (&json!(10), &json!("L")));
        assert_eq!(client.answer(&path, &right[0]).verdict(), (false, true));
        let trail = trail(folder.path(), &path);
        assert_eq!((judged(&trail, "wrong"), judged(&trail, "locked")), (10, 1015));
    }
}

/// A request has its time when it comes, and is judged in the order of the store.
#[test]
fn answers_at_the_turn_of_a_second_are_all_judged() {
    let folder = folder();
    let policy =
        ["log=warn", "policy.clock_skew=5", "policy.max_fails=1000000", "policy.guess_bound=0", "policy.pin_guess_bound=0"];
    let server = Server::start(folder.path(), &policy.map(|pair| ["--set", pair]).concat());
    let mut client = server.admin();
    let (path, _) = client.create(&json!({"type": "HOTP", "user": "franck"}));
    let second = || SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let (last, mut answers) = (second() + 3, 0);
    while second() < last {
        // None is refused, or it would be no verdict.
        answers += at_once(&server, &path, "no code", 2).len();
    }
    assert_eq!(client.device(&path)["fails"], answers);
}

#[test]
fn right_code_sent_many_times_at_once_is_accepted_once() {
    let folder = folder();
    let server = Server::start(folder.path(), &["--set", "log=warn"]);
    let mut client = server.admin();
    for kind in ["TOTP", "HOTP"] {
        let (path, created) = client.create(&json!({"type": kind, "user": "franck"}));
        let secret = secret(folder.path(), &created);
        let right = if kind == "TOTP" { totp(&secret, 1) } else { hotp(&secret, 1) }.remove(0);
        let verdicts = at_once(&server, &path, &right, 4);
        assert_eq!(verdicts.len(), 128);
        assert_eq!(verdicts.iter().filter(|(success, _)| *success).count(), 1, "{kind}");
        let device = client.device(&path);
        // Of one login sent many times, the others are no fails.
        assert_eq!((&device["fails"], &device["status"]), (&json!(0), &json!("V")));
        let trail = trail(folder.path(), &path);
        assert_eq!((judged(&trail, "right"), judged(&trail, "replayed")), (1, 127));
    }
}

#[test]
fn devices_do_not_wait_for_one_another_and_each_keeps_its_own_count() {
    let folder = folder();
    let server = Server::start(folder.path(), &["--set", "log=warn"]);
    let mut client = server.admin();
    let devices: Vec<String> = (0..16).map(|_| client.create(&json!({"type": "HOTP", "user": "franck"})).0).collect();
    let admin = &client;
    thread::scope(|scope| {
        for path in &devices {
            for _ in 0..2 {
                let mut client = admin.another();
                // Too short for a code, so never right by chance.
                scope.spawn(move || (0..3).for_each(|_| assert_eq!(client.answer(path, "12345").verdict(), (false, false))));
            }
        }
    });
    for path in &devices {
        assert_eq!(client.device(path)["fails"], 6);
        assert_eq!(judged(&trail(folder.path(), path), "wrong"), 6);
    }
}
