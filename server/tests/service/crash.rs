//! `kill -9` at random moments: the store has every answered verdict, and no code is right twice.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::client::Client;
use super::moments::Random;
use super::process::{Run, Server, folder, hotp, judged, keyfob, secret, trail};

/// How often the service is killed.
const RUNS: usize = 200;
/// More codes than are used.
const CODES: usize = 60_000;

/// What clients learned from answers, over all runs.
#[derive(Default)]
struct Learned {
    sent: AtomicUsize,
    refused: AtomicUsize,
    /// The index of the code to be tried next.
    next: AtomicUsize,
    /// The indexes of the codes that were told to be right.
    accepted: Mutex<HashSet<usize>>,
}

impl Learned {
    /// Guesses wrong until the connection breaks.
    fn guess(&self, mut client: Client, path: &str) {
        loop {
            self.sent.fetch_add(1, Ordering::SeqCst);
            let Some(success) = answer(&mut client, path, "12345") else { return };
            assert!(!success);
            self.refused.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Answers with right codes, one after the other, until the connection breaks. Others do the
    /// same with the same codes.
    fn use_up(&self, mut client: Client, path: &str, codes: &[String]) {
        loop {
            let at = self.next.load(Ordering::SeqCst);
            let Some(success) = answer(&mut client, path, &codes[at]) else { return };
            if success {
                assert!(self.accepted.lock().unwrap().insert(at), "code {at} was right twice");
            }
            // Right or not: by now it was used, here or there.
            let _ = self.next.compare_exchange(at, at + 1, Ordering::SeqCst, Ordering::SeqCst);
        }
    }
}

/// Whether a code is right; none if the service died.
fn answer(client: &mut Client, path: &str, code: &str) -> Option<bool> {
    let target = format!("{}{path}/responseChallenge", super::client::BASE);
    let body = json!({"pin": code}).to_string();
    let answer = client.send("POST", &target, "Content-Type: application/json\r\n", body.as_bytes())?;
    Some(answer.verdict().0)
}

fn start(folder: &Path) -> Server {
    // A lock that these guesses do not reach, and so a chance of guessing that is to be allowed.
    let policy = ["policy.max_fails=1000000", "policy.guess_bound=0", "policy.pin_guess_bound=0", "log=warn"];
    let args: Vec<_> = policy.into_iter().flat_map(|pair| ["--set", pair]).collect();
    Server::spawn(Server::command(folder, &args))
}

#[test]
fn killed_service_loses_no_fail_and_accepts_no_code_twice() {
    let folder = folder();
    let folder = folder.path();
    let add = keyfob(folder, &["account", "add", "client", "--roles", "all", "--token"]);
    let token = Run::from_command(add, "").well().trim_end().to_owned();

    let server = start(folder);
    let mut client = Client::bearer(server.address, &token);
    let guessed = client.create(&json!({"type": "HOTP", "user": "franck"})).0;
    let (used, created) = client.create(&json!({"type": "HOTP", "user": "franck"}));
    let codes = hotp(&secret(folder, &created), CODES);
    drop((client, server));

    let learned = Arc::new(Learned::default());
    let mut random = Random(20_260_731);
    let mut last = 0;
    for run in 0..RUNS {
        if random.below(8) == 0 {
            // Killed while it starts.
            let mut child = Server::command(folder, &[]).spawn().expect("the binary starts");
            thread::sleep(Duration::from_millis(random.below(40)));
            child.kill().expect("it ran");
            child.wait().expect("it ended");
        }
        let mut server = start(folder);
        let mut client = Client::bearer(server.address, &token);
        let fails = usize::try_from(client.device(&guessed)["fails"].as_u64().unwrap()).unwrap();
        let (sent, refused) = (learned.sent.load(Ordering::SeqCst), learned.refused.load(Ordering::SeqCst));
        assert!((refused..=sent).contains(&fails) && fails >= last, "run {run}: {fails} fails, {refused} answered, {sent} sent");
        last = fails;
        // The codes that were answered last are the ones that a lost write would accept again.
        let accepted = learned.accepted.lock().unwrap().clone();
        let next = learned.next.load(Ordering::SeqCst);
        for at in next.saturating_sub(4)..next {
            let fresh = &codes[next..next + 40];
            if accepted.contains(&at) && !fresh.contains(&codes[at]) {
                assert_eq!(client.answer(&used, &codes[at]).verdict(), (false, false), "run {run}: code {at} was right twice");
            }
        }
        thread::scope(|scope| {
            for _ in 0..3 {
                let (client, learned) = (client.another(), &learned);
                scope.spawn(|| learned.guess(client, &guessed));
            }
            for _ in 0..2 {
                let (client, learned) = (client.another(), &learned);
                scope.spawn(|| learned.use_up(client, &used, &codes));
            }
            thread::sleep(Duration::from_millis(random.below(120)));
            server.kill();
        });
    }

    let server = start(folder);
    let mut client = Client::bearer(server.address, &token);
    let fails = client.device(&guessed)["fails"].as_u64().unwrap();
    let trail_of_guessed = trail(folder, &guessed);
    let wrong = u64::try_from(judged(&trail_of_guessed, "wrong")).unwrap();
    assert_eq!((fails, wrong), (wrong, u64::try_from(trail_of_guessed.len() - 1).unwrap()), "record and trail tell the same");
    let (refused, accepted) = (learned.refused.load(Ordering::SeqCst), learned.accepted.lock().unwrap().len());
    assert!(judged(&trail(folder, &used), "right") >= accepted);
    // It was killed at work and not before it, on a busy machine too.
    assert!(refused > RUNS / 4 && accepted > RUNS / 4, "{refused} refused, {accepted} accepted");
}
