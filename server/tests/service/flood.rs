//! Floods: everybody who has an account is let in all the same, and memory stays small. Strangers
//! send made-up names, tokens and wrong passwords, or requests whose answers they never read, while
//! one account searches all devices.
//!
//! The floods run for some seconds, or for as many as the environment variable `FLOOD_SECONDS`
//! says. With `--nocapture` the figures are printed: memory, a remembered client's times with and
//! without the floods, and the longest first login.
#![cfg(target_os = "linux")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::client::Client;
use super::process::{Run, Server, folder, hotp, keyfob, secret};
use super::searches::{fill, long};

/// What the service may take, in KiB: 100 MB.
const MEMORY: u64 = 100_000_000 / 1024;
/// The password of each account of a crowd.
const PASSWORD: &str = "of the whole crowd";

/// Makes accounts `password-0`, `password-1` and so on with one password, and `token-0`, `token-1`
/// and so on with tokens of their own.
fn crowd(folder: &Path, passwords: u32, tokens: u32) {
    Run::from_command(keyfob(folder, &["account", "add", "model", "--roles", "query"]), &format!("{PASSWORD}\n")).well();
    let mut store = rusqlite::Connection::open(folder.join("keyfob.db")).unwrap();
    let all = store.transaction().unwrap();
    for number in 0..passwords {
        let copy = "INSERT INTO account (name, roles, password) SELECT 'password-' || ?1, roles, password FROM account WHERE name = 'model'";
        all.execute(copy, [number]).unwrap();
    }
    for number in 0..tokens {
        let hash = HEXLOWER.encode(&Sha256::digest(token(number)));
        let add = "INSERT INTO account (name, roles, token) VALUES ('token-' || ?1, 'query', ?2)";
        all.execute(add, (number, hash)).unwrap();
    }
    all.commit().unwrap();
}

fn token(number: u32) -> String {
    format!("token of the account with the number {number}")
}

/// The status of an answer to a client with this account.
fn knock(client: &mut Client) -> u16 {
    client.get("/ServiceProviderConfig").status
}

#[test]
fn passwords_are_hashed_in_two_areas_of_memory_that_are_used_again() {
    const EACH: u32 = 500;
    const CONNECTIONS: u32 = 50;
    let folder = folder();
    let server = Server::start(folder.path(), &["--set", "log=error", "--set", "password_max_pause=0"]);
    crowd(folder.path(), EACH, 0);
    let (refused, right) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for connection in 0..CONNECTIONS {
            let (server, refused, right) = (&server, &refused, &right);
            scope.spawn(move || {
                for number in (connection..EACH).step_by(CONNECTIONS as usize) {
                    let name = format!("password-{number}");
                    for (password, counter, expected) in [("wrong", refused, 401), (PASSWORD, right, 200)] {
                        let status = knock(&mut Client::basic(server.address, &name, password));
                        counter.fetch_add(u64::from(status == expected), Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!((refused.into_inner(), right.into_inner()), (u64::from(EACH), u64::from(EACH)));
    let most = server.memory("VmHWM");
    println!("memory after {EACH} wrong and {EACH} right passwords: {most} KiB at most, {} KiB now", server.memory("VmRSS"));
    assert!(most < MEMORY, "{most} KiB");
}

/// What the kernel says of the threads of a service, by their names: their nice values, and the
/// processor's time that they took, in hundredths of a second.
fn threads(server: &Server) -> BTreeMap<String, (BTreeSet<i32>, u64)> {
    let mut all = BTreeMap::<_, (BTreeSet<i32>, u64)>::new();
    for thread in std::fs::read_dir(format!("/proc/{}/task", server.id())).unwrap() {
        // One that has ended meanwhile has none.
        let Ok(stat) = std::fs::read_to_string(thread.unwrap().path().join("stat")) else { continue };
        let (name, rest) = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')).expect("a name");
        let fields: Vec<_> = rest.split_whitespace().collect();
        let (nice, time) = all.entry(name.to_owned()).or_default();
        nice.insert(fields[16].parse().expect("a number"));
        *time += fields[11].parse::<u64>().expect("a number");
    }
    all
}

#[test]
fn passwords_give_way_to_requests_and_searches_to_passwords() {
    let folder = folder();
    let server = Server::start(folder.path(), &["--set", "log=error"]);
    crowd(folder.path(), 20, 0);
    for number in 0..20 {
        assert_eq!(knock(&mut Client::basic(server.address, &format!("password-{number}"), PASSWORD)), 200);
    }
    let mut threads = threads(&server);
    let (hashes, time) = threads.remove("keyfob-hashes").expect("threads that hash");
    let (scans, _) = threads.remove("keyfob-scans").expect("threads that search");
    assert!(time > 0, "passwords are hashed there");
    let others = threads.values().flat_map(|(nice, _)| nice).max();
    assert!(others < hashes.first() && hashes.last() < scans.first(), "{hashes:?} {scans:?} {threads:?}");
}

/// Each refusal comes 250 ms after its request at the earliest.
#[test]
fn a_client_that_goes_on_without_an_account_is_refused_four_times_a_second() {
    const TIMES: u32 = 8;
    let folder = folder();
    let server = Server::start(folder.path(), &["--set", "log=error"]);
    let mut nobody = server.anonymous();
    let began = Instant::now();
    // The first asks for the account, and comes at once.
    for _ in 0..=TIMES {
        assert_eq!(knock(&mut nobody), 401);
    }
    let slow = began.elapsed();
    assert!(slow >= TIMES * Duration::from_millis(250), "{slow:?}");
    // A client that sends its account only after it was asked to waits for nothing.
    let mut asked = server.anonymous();
    knock(&mut server.admin());
    let began = Instant::now();
    for _ in 0..TIMES {
        assert_eq!(knock(&mut asked), 401);
        asked = asked.takes_over(server.admin());
        assert_eq!(knock(&mut asked), 200);
        asked = asked.takes_over(server.anonymous());
    }
    assert!(began.elapsed() < slow, "{:?} {slow:?}", began.elapsed());
}

/// Lets this thread take only the processor's time that nobody else wants: the machines of a flood
/// are others than the one that serves.
fn stand_back() {
    rustix::process::setpriority_process(Some(rustix::thread::gettid()), 19).expect("a lower priority");
}

/// What strangers send, each over and over on a connection of its own.
#[derive(Clone, Copy)]
enum Flood {
    /// Ever new names with a password.
    Names,
    /// Ever new tokens.
    Tokens,
    /// Wrong passwords for accounts that exist.
    Guesses,
}

impl Flood {
    /// Sends requests until it is told to stop. Returns how many were answered with 401, 429 and
    /// anything else.
    fn run(self, server: &Server, connection: u32, stop: &AtomicBool) -> [u64; 3] {
        stand_back();
        let (mut client, mut counts) = (server.anonymous(), [0; 3]);
        for number in 0_u64.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let basic = |name: &str| Client::basic(server.address, name, "60718293");
            let other = match self {
                Self::Names => basic(&format!("stranger-{connection}-{number}")),
                Self::Tokens => Client::bearer(server.address, &format!("made up {connection} {number}")),
                Self::Guesses => basic(&format!("password-{}", (u64::from(connection) + number) % 8)),
            };
            client = client.takes_over(other);
            counts[match knock(&mut client) {
                401 => 0,
                429 => 1,
                _ => 2,
            }] += 1;
        }
        counts
    }
}

/// Keeps many connections open, sends request after request on each, and reads no answer, until it
/// is told to stop. Opens those anew that the service closes. Returns how many that were.
fn send_and_never_read(server: &Server, stop: &AtomicBool) -> usize {
    const CONNECTIONS: usize = 200;
    stand_back();
    let requests = "GET /soffid/webservice/scim2/v1/OtpDevice HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(2800).into_bytes();
    let connect = || {
        let stream = TcpStream::connect(server.address).expect("a connection");
        stream.set_nonblocking(true).expect("a socket");
        (stream, 0)
    };
    let (mut all, mut closed) = ((0..CONNECTIONS).map(|_| connect()).collect::<Vec<_>>(), 0);
    while !stop.load(Ordering::Relaxed) {
        for connection in &mut all {
            let (stream, sent) = connection;
            match stream.write(&requests[*sent..]) {
                Ok(more) => *sent = (*sent + more) % requests.len(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => {
                    closed += 1;
                    *connection = connect();
                }
            }
        }
        thread::sleep(Duration::from_millis(20));
    }
    closed
}

/// Searches all devices over and over, until it is told to stop. Returns how many searches ended.
fn search_all(mut client: Client, stop: &AtomicBool) -> u64 {
    stand_back();
    let (list, mut count) = (format!("/OtpDevice?filter={}", long()), 0);
    while !stop.load(Ordering::Relaxed) {
        let status = client.get(&list).status;
        assert!([200, 503].contains(&status), "a search that takes long: {status}");
        count += 1;
    }
    count
}

/// The times of a client that gives right codes one after another, until it is told to stop. Panics
/// if one is refused.
fn verify(client: &mut Client, path: &str, codes: &mut impl Iterator<Item = String>, stop: impl Fn() -> bool) -> Vec<Duration> {
    let mut times = Vec::new();
    while !stop() {
        let code = codes.next().expect("enough codes");
        let began = Instant::now();
        assert_eq!(client.answer(path, &code).verdict(), (true, false));
        times.push(began.elapsed());
        thread::sleep(Duration::from_millis(5));
    }
    times.sort_unstable();
    times
}

/// Tells all to stop once it is dropped, which a test that fails does as well.
struct Stop<'s>(&'s AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Logs new accounts in, each for the first time, until they are all in or it is told to stop.
/// Returns how many, and the longest time.
fn log_in(clients: impl Iterator<Item = Client>, stop: &AtomicBool) -> (usize, Duration) {
    let (mut count, mut longest) = (0, Duration::ZERO);
    for mut client in clients.take_while(|_| !stop.load(Ordering::Relaxed)) {
        let began = Instant::now();
        let answer = client.get("/ServiceProviderConfig");
        assert_eq!(answer.status, 200, "the first login of account {count}: {}", answer.text());
        longest = longest.max(began.elapsed());
        count += 1;
        thread::sleep(Duration::from_millis(100));
    }
    (count, longest)
}

/// The floods come from the address of everybody else, as they do behind a proxy.
#[test]
fn floods_keep_no_account_out() {
    let seconds =
        std::env::var("FLOOD_SECONDS").map_or(4_u32, |seconds| seconds.parse().expect("FLOOD_SECONDS: a number of seconds"));
    let time = Duration::from_secs(seconds.into());
    let folder = folder();
    let server = Server::start(folder.path(), &["--set", "log=error"]);
    let many = seconds * 10;
    crowd(folder.path(), many + 9, many);
    fill(&folder.path().join("keyfob.db"), 20_000);
    let mut client = server.admin();
    let (path, created) = client.create(&json!({"type": "HOTP", "user": "franck"}));
    let mut codes = hotp(&secret(folder.path(), &created), seconds as usize * 300).into_iter();
    let quiet = {
        let until = Instant::now() + time / 4;
        verify(&mut client, &path, &mut codes, || Instant::now() > until)
    };
    let before = server.memory("VmRSS");

    let stop = AtomicBool::new(false);
    let (server, stop) = (&server, &stop);
    let (counts, (passwords, tokens), times, (closed, searches)) = thread::scope(|scope| {
        let all = [(Flood::Names, 120), (Flood::Tokens, 20), (Flood::Guesses, 20)];
        let floods = all.into_iter().flat_map(|(flood, many)| (0..many).map(move |connection| (flood, connection)));
        let floods: Vec<_> = floods.map(|(flood, connection)| scope.spawn(move || flood.run(server, connection, stop))).collect();
        let deaf = scope.spawn(|| send_and_never_read(server, stop));
        let account = || Client::basic(server.address, &format!("password-{}", many + 8), PASSWORD);
        let long_ones: Vec<_> = (0..4).map(|_| scope.spawn(move || search_all(account(), stop))).collect();
        // The first eight are guessed at from here, and wait.
        let passwords = (8..many + 8).map(|number| Client::basic(server.address, &format!("password-{number}"), PASSWORD));
        let passwords = scope.spawn(|| log_in(passwords, stop));
        let tokens = (0..many).map(|number| Client::bearer(server.address, &token(number)));
        let tokens = scope.spawn(|| log_in(tokens, stop));
        let end = Stop(stop);
        let until = Instant::now() + time;
        let times = verify(&mut client, &path, &mut codes, || Instant::now() > until);
        drop(end);
        let logged_in = (passwords.join().unwrap(), tokens.join().unwrap());
        let counts: Vec<_> = floods.into_iter().map(|flood| flood.join().unwrap()).collect();
        let counts = counts.into_iter().fold([0; 3], |sum, counts| std::array::from_fn(|at| sum[at] + counts[at]));
        let searched = long_ones.into_iter().map(|search| search.join().unwrap()).sum::<u64>();
        (counts, logged_in, times, (deaf.join().unwrap(), searched))
    });
    let most = server.memory("VmHWM");
    let p99 = |times: &[Duration]| times[times.len() * 99 / 100];
    println!("memory before, at most and now: {before}, {most}, {} KiB", server.memory("VmRSS"));
    println!("strangers were answered 401, 429 and otherwise: {counts:?}");
    println!("connections that never read and were closed: {closed}; searches of all devices: {searches}");
    println!("p99 of a remembered client: {:?} before, {:?} meanwhile ({} answers)", p99(&quiet), p99(&times), times.len());
    println!("first logins, and the longest: {passwords:?} with passwords, {tokens:?} with tokens");
    assert!(passwords.0 > 0 && tokens.0 > 0 && counts[0] > 0 && searches > 0);
    assert_eq!(counts[2], 0, "no stranger learns from another answer whether there is such an account");
    assert!(most < MEMORY, "{most} KiB");
}
