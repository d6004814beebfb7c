//! `make bench-signals`: what signals cost a verdict, how many tokens a second a receiver gets
//! beside a plain load generator, and what a million waiting signals cost. All of it is on SQLite,
//! and measured by turns in the same run.
//!
//! Each server is a process of its own. The receiver accepts everything and counts. A bench that
//! misses its aim fails; the variable `BENCH_LENIENT` only prints, for a busy machine.

#[path = "common/mod.rs"]
mod common;
#[path = "common/devices.rs"]
#[allow(dead_code, reason = "each bench uses its part")]
mod devices;

use std::convert::Infallible;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use keyfob_scim::{ChangeType, Initiator, Signal, SignalKind};
use rusqlite::{Connection, params};
use tokio::net::{TcpListener, TcpStream};

use common::{CLIENTS, Load, Server, enrol, exchange, load};
use devices::{fill, spread_id};

/// The connections of the service to a receiver, and of the load generator.
const CONNECTIONS: usize = 8;
const TURNS: usize = 5;
const SENT_SIGNALS: u64 = 20_000;
const WAITING_SIGNALS: u64 = 1_000_000;
/// No device locks, so that each wrong code is a write and no event.
const UNLOCKED: [&str; 3] = ["policy.max_fails=4000000000", "policy.guess_bound=1", "policy.pin_guess_bound=1"];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if arguments.iter().any(|argument| argument == "--receiver") {
        return runtime.block_on(receiver());
    }
    let seconds = arguments.iter().find_map(|argument| argument.strip_prefix("--seconds=")).map_or(4, |text| text.parse().unwrap());
    let reached =
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(measure(Duration::from_secs(seconds)));
    assert!(reached || std::env::var_os("BENCH_LENIENT").is_some(), "an aim was missed");
}

async fn measure(time: Duration) -> bool {
    let verdicts = verdicts(time).await;
    let sets = sets(time).await;
    verdicts & sets & backlog(time).await
}

/// Prints a ratio beside its aim. Returns whether it is reached.
fn compare(what: &str, ratio: f64, least: f64) -> bool {
    let is_reached = ratio >= least;
    println!("{what:<50} {ratio:.3}   aim {least:.3}{}", if is_reached { "" } else { "   MISSED" });
    is_reached
}

/// Accepts each token. GET responds with how many came, and the nanoseconds from the first to the
/// last.
async fn receiver() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("receiver listens on http://{}", listener.local_addr().unwrap());
    let (began, count, first, last) = (Instant::now(), AtomicU64::new(0), AtomicU64::new(u64::MAX), AtomicU64::new(0));
    let state = Arc::new((count, first, last));
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let state = Arc::clone(&state);
        let respond = service_fn(move |request: Request<Incoming>| {
            let state = Arc::clone(&state);
            async move {
                let (count, first, last) = &*state;
                let nanos = |first: u64, last: u64| last.saturating_sub(first);
                if request.method() == Method::GET {
                    let nanos = nanos(first.load(Ordering::SeqCst), last.load(Ordering::SeqCst));
                    let text = format!("{} {nanos}", count.load(Ordering::SeqCst));
                    return Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(text))));
                }
                let _set = request.into_body().collect().await;
                let at = u64::try_from(began.elapsed().as_nanos()).unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                first.fetch_min(at, Ordering::SeqCst);
                last.fetch_max(at, Ordering::SeqCst);
                Ok(Response::new(Full::default()))
            }
        });
        tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), respond));
    }
}

fn start_receiver() -> Server {
    Server::start(Command::new(std::env::current_exe().unwrap()).arg("--receiver"))
}

/// The service in this folder, with a receiver at this address or without signals.
fn service(folder: &Path, receiver: Option<&str>) -> Server {
    std::fs::create_dir_all(folder).unwrap();
    let text = receiver.map_or_else(String::new, |address| {
        format!(
            "[signals]\nissuer = \"https://otp.example.com\"\nmax_waiting = 10000000\n[[receiver]]\nname = \"receiver\"\n\
             audience = \"https://receiver.example.com\"\nurl = \"http://{address}/\"\nconnections = {CONNECTIONS}\n"
        )
    });
    std::fs::write(folder.join("keyfob.toml"), text).unwrap();
    Server::configured(folder, &UNLOCKED)
}

/// Puts signals that wait into the store that a service made.
fn fill_outbox(folder: &Path, signals: u64) {
    let mut connection = Connection::open(folder.join("keyfob.db")).unwrap();
    let transaction = connection.transaction().unwrap();
    let mut insert = transaction
        .prepare("INSERT INTO outbox (receiver, jti, device, at, signal, is_dead) VALUES ('receiver', ?1, ?2, ?3, ?4, 0)")
        .unwrap();
    let at = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    for nth in 1..=signals {
        let signal = Signal {
            kind: SignalKind::CredentialChange(ChangeType::Create),
            at,
            device_id: spread_id(nth),
            device_kind: Some(keyfob::Kind::Hotp),
            device_name: format!("HOTP{nth:08}"),
            user: format!("user{nth}"),
            external_id: None,
            actor: "admin".to_owned(),
            version: 1,
            initiator: Initiator::Admin,
            reason: None,
        };
        insert.execute(params![format!("{nth:032x}"), signal.device_id, at.cast_signed(), signal.to_json()]).unwrap();
    }
    drop(insert);
    transaction.commit().unwrap();
}

/// The best load of each service of wrong codes, by turns. `ids` are devices of each.
async fn wrong_codes(servers: [(&Server, &'static [i64]); 2], clients: usize, time: Duration) -> [f64; 2] {
    let mut best = [0.0_f64; 2];
    for turn in 0..TURNS {
        for place in [turn % 2, 1 - turn % 2] {
            let (server, ids) = servers[place];
            let request = move |client: usize, turn: u64| {
                let device = ids[usize::try_from(turn).unwrap().wrapping_mul(clients).wrapping_add(client) % ids.len()];
                common::request("POST", &format!("/{device}/responseChallenge"), "{\"pin\": \"123456\"}")
            };
            best[place] = best[place].max(load(&server.address, clients, time, request).await.rate);
        }
    }
    best
}

/// Verdicts without an event, with signals and without.
async fn verdicts(time: Duration) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let receiver = start_receiver();
    let on = service(&folder.path().join("on"), Some(&receiver.address));
    let off = service(&folder.path().join("off"), None);
    // Leaked, for a static lifetime.
    let on_ids: &'static [i64] = enrol(&on, 1000).await.leak();
    let off_ids: &'static [i64] = enrol(&off, 1000).await.leak();
    let [on, off] = wrong_codes([(&on, on_ids), (&off, off_ids)], CLIENTS, time).await;
    println!("responseChallenge: {on:.0} a second with signals, {off:.0} without");
    compare("verdicts with signals, of those without", on / off, 0.98)
}

/// SETs a second to one receiver, and what it takes from a plain load generator.
async fn sets(time: Duration) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let plain = start_receiver();
    let head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/secevent+jwt\r\naccept: application/json";
    // About as long as a SET.
    let body = "x".repeat(700);
    let request: &'static [u8] = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes().leak();
    let mut generated: Option<Load> = None;
    let mut pushed = 0.0_f64;
    for turn in 0..3 {
        let folder = folder.path().join(turn.to_string());
        let receiver = start_receiver();
        drop(service(&folder, None));
        fill_outbox(&folder, SENT_SIGNALS);
        let service = service(&folder, Some(&receiver.address));
        pushed = pushed.max(drained(&receiver).await);
        drop(service);
        let plain = load(&plain.address, CONNECTIONS, time, move |_, _| request.to_vec()).await;
        if generated.is_none_or(|best| best.rate < plain.rate) {
            generated = Some(plain);
        }
    }
    let generated = generated.unwrap().rate;
    println!("SETs to one receiver: {pushed:.0} a second; a load generator on {CONNECTIONS} connections: {generated:.0}");
    compare("SETs a second, of 5,000 or of half a generator", f64::max(pushed / 5_000.0, pushed / (0.5 * generated)), 1.0)
}

/// Waits until a receiver has all signals. Returns how many came a second.
async fn drained(receiver: &Server) -> f64 {
    let mut connection = TcpStream::connect(&receiver.address).await.unwrap();
    let mut buffer = Vec::new();
    let until = Instant::now() + Duration::from_secs(300);
    loop {
        assert!(Instant::now() < until, "the receiver does not get all");
        exchange(&mut connection, b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", &mut buffer).await;
        let text = std::str::from_utf8(&buffer).unwrap();
        let (count, nanos) = text.rsplit("\r\n").next().unwrap().split_once(' ').unwrap();
        if count.parse::<u64>().unwrap() >= SENT_SIGNALS {
            return f64::from(u32::try_from(SENT_SIGNALS).unwrap()) / (nanos.parse::<f64>().unwrap() / 1e9);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Verdicts of a store with a million signals for a receiver that is gone, and of one without
/// signals. Both have a million devices.
async fn backlog(time: Duration) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let (full, bare) = (folder.path().join("full"), folder.path().join("bare"));
    for folder in [&full, &bare] {
        drop(service(folder, None));
        fill(folder, WAITING_SIGNALS);
    }
    fill_outbox(&full, WAITING_SIGNALS);
    // A port that nothing listens on.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let (full, bare) = (service(&full, Some(&closed)), service(&bare, None));
    let ids: &'static [i64] = (1..=WAITING_SIGNALS).map(spread_id).collect::<Vec<_>>().leak();
    let [full, bare] = wrong_codes([(&full, ids), (&bare, ids)], CLIENTS, time).await;
    println!("responseChallenge with a million devices: {full:.0} a second with as many waiting signals, {bare:.0} without");
    compare("verdicts beside a million signals, of those without", full / bare, 1.0 / 1.1)
}
