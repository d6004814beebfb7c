//! Connections whose clients misbehave, with short time-outs.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::Extension;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Path;
use axum::routing::{get, post};
use hyper::body::Frame;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::http::requests::Client;

/// How long a test waits at most.
const TEST_TIMEOUT: Duration = Duration::from_secs(60);
/// More than sockets buffer.
const LONG_BYTES: usize = 32 * 1024 * 1024;

/// A time-out that is short, and longer than the delays of a busy machine.
const SHORT: Duration = Duration::from_secs(1);

fn times() -> Times {
    Times { writing: SHORT, lingering: SHORT, lingering_total: SHORT * 4, stalled: SHORT, ..Times::default() }
}

/// A search that takes so long.
async fn search(Path(millis): Path<u64>, Extension(peer): Extension<Peer>) -> String {
    let work = async {
        sleep(Duration::from_millis(millis)).await;
        Ok("found".to_owned())
    };
    Client(Some(peer.side)).while_connected(work).await.unwrap_or_else(|error| error.status.to_string())
}

/// A body of [`LONG_BYTES`] that counts how many of them were taken.
struct Counted {
    taken: Arc<AtomicUsize>,
    left: usize,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        const PART: &[u8] = &[b'x'; 16 * 1024];
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= PART.len();
        self.taken.fetch_add(PART.len(), Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(PART)))))
    }
}

struct Service {
    address: SocketAddr,
    /// How many bytes of all responses of `/counted` were taken.
    taken: Arc<AtomicUsize>,
    stop: watch::Sender<bool>,
    running: JoinHandle<()>,
}

impl Service {
    fn start(limits: Limits) -> Self {
        let listener = bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let taken = Arc::new(AtomicUsize::new(0));
        let of_answers = Arc::clone(&taken);
        let counted = move || async move { Body::new(Counted { taken: of_answers, left: LONG_BYTES }) };
        let (address, (stop, stopped)) = (listener.local_addr().unwrap(), watch::channel(false));
        let slow = || async {
            sleep(SHORT * 3).await;
            "done"
        };
        let app = Router::new()
            .route("/long", get(|| async { vec![b'x'; LONG_BYTES] }))
            .route("/counted", get(counted))
            .route("/slow", get(slow))
            .route("/search/{millis}", get(search))
            .route("/refused", post(|| async { "no" }))
            .route("/read", post(|body: Bytes| async move { body.len().to_string() }));
        let running = tokio::spawn(async move { listen(listener, None, app, &Requests::default(), limits, stopped).await });
        Self { address, taken, stop, running }
    }

    async fn ask(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// Stops it. Returns how long that took.
    async fn stop(self) -> Duration {
        let began = Instant::now();
        self.stop.send(true).unwrap();
        timeout(TEST_TIMEOUT, self.running).await.expect("it ends").unwrap();
        began.elapsed()
    }
}

fn limits() -> Limits {
    Limits { connections: 100, per_address: 0, times: times() }
}

/// All that comes until the connection ends, and whether it ended well.
async fn rest(stream: &mut TcpStream) -> (Vec<u8>, bool) {
    let mut all = Vec::new();
    let is_well = timeout(TEST_TIMEOUT, stream.read_to_end(&mut all)).await.expect("it ends").is_ok();
    (all, is_well)
}

#[tokio::test]
async fn client_that_does_not_read_is_given_up_and_a_slow_one_is_not() {
    let service = Service::start(limits());
    let (mut none, mut slow) = (service.ask("GET /long HTTP/1.1\r\n\r\n").await, service.ask("GET /long HTTP/1.0\r\n\r\n").await);
    let mut taken = 0;
    let mut bytes = vec![0; LONG_BYTES / 20];
    for _ in 0..16 {
        sleep(SHORT / 10).await;
        taken += slow.read_exact(&mut bytes).await.unwrap();
    }
    taken += rest(&mut slow).await.0.len();
    assert!(taken > LONG_BYTES, "{taken}");
    // Only what the system has buffered may come.
    sleep(SHORT * 2).await;
    let (all, is_well) = rest(&mut none).await;
    assert!(!is_well && all.len() < LONG_BYTES, "{} {is_well}", all.len());
}

#[tokio::test]
async fn response_that_is_not_read_is_hardly_buffered() {
    let service = Service::start(limits());
    let mut none = service.ask("GET /counted HTTP/1.1\r\n\r\n").await;
    // Until the connection is given up.
    sleep(SHORT * 3).await;
    let taken = service.taken.load(Ordering::Relaxed);
    assert!(taken > 0 && taken < 1024 * 1024, "{taken}");
    assert!(!rest(&mut none).await.1);
    let mut reads = service.ask("GET /counted HTTP/1.0\r\n\r\n").await;
    assert!(rest(&mut reads).await.0.len() > LONG_BYTES);
}

#[tokio::test]
async fn shutdown_waits_for_requests_and_not_for_idle_clients() {
    let service = Service::start(limits());
    let mut slow = service.ask("GET /slow HTTP/1.1\r\n\r\n").await;
    let mut others = vec![
        service.ask("").await,
        service.ask("GET /lo").await,
        service.ask("GET /long HTTP/1.1\r\n\r\n").await,
        service.ask("POST /refused HTTP/1.1\r\nContent-Length: 1000000\r\n\r\nx").await,
    ];
    sleep(SHORT / 2).await;
    assert!(service.stop().await < Times::default().stopping / 2);
    let (all, is_well) = rest(&mut slow).await;
    assert!(all.ends_with(b"\r\n\r\ndone") && is_well);
    for stream in &mut others {
        rest(stream).await;
    }
}

#[tokio::test]
async fn response_before_the_end_of_its_request_is_followed_by_an_end_and_no_reset() {
    let service = Service::start(limits());
    let mut stream = service.ask("POST /refused HTTP/1.1\r\nContent-Length: 8000000\r\n\r\n").await;
    // Longer than a pause may be, but never without a byte for so long.
    for _ in 0..20 {
        sleep(SHORT / 10).await;
        stream.write_all(&[b'x'; 10_000]).await.unwrap();
    }
    let (all, is_well) = rest(&mut stream).await;
    assert!(all.ends_with(b"\r\n\r\nno") && is_well, "{all:?}");
    // It is not read forever.
    let sends = async {
        loop {
            sleep(SHORT / 10).await;
            if stream.write_all(&[b'x'; 10_000]).await.is_err() {
                break;
            }
        }
    };
    timeout(TEST_TIMEOUT, sends).await.expect("it is closed");
}

#[tokio::test]
async fn half_closed_connection_gets_its_response() {
    let service = Service::start(limits());
    for (request, wanted) in [
        ("GET /slow HTTP/1.1\r\n\r\n", "done"),
        ("POST /read HTTP/1.1\r\nContent-Length: 5\r\n\r\nbytes", "5"),
        ("POST /read HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbytes\r\n0\r\n\r\n", "5"),
    ] {
        let mut stream = service.ask(request).await;
        stream.shutdown().await.unwrap();
        let (all, is_well) = rest(&mut stream).await;
        let all = String::from_utf8(all).unwrap();
        assert!(all.starts_with("HTTP/1.1 200 ") && all.ends_with(&format!("\r\n\r\n{wanted}")) && is_well, "{all}");
    }
}

#[tokio::test]
async fn new_clients_are_served_though_all_permits_are_taken() {
    let service = Service::start(Limits { connections: 4, ..limits() });
    let mut idle = Vec::new();
    for _ in 0..20 {
        idle.push(service.ask("GET /long HTTP/1.1\r\n\r\n").await);
    }
    let mut new = service.ask("POST /read HTTP/1.1\r\nContent-Length: 5\r\nConnection: close\r\n\r\nbytes").await;
    assert!(rest(&mut new).await.0.ends_with(b"\r\n\r\n5"));
}

#[tokio::test]
async fn search_is_cancelled_a_second_after_its_client_has_closed_its_side() {
    let service = Service::start(limits());
    let ask = async |millis: u64, rest: &str| {
        service.ask(&format!("GET /search/{millis} HTTP/1.1\r\nConnection: close\r\n\r\n{rest}")).await
    };
    // A pipelined request does not hide the end.
    for after in ["", "GET /search/1 HTTP/1.1\r\n"] {
        let (mut stays, mut quick, mut closes, goes) =
            (ask(3000, after).await, ask(1, after).await, ask(100_000, after).await, ask(100_000, after).await);
        quick.shutdown().await.unwrap();
        closes.shutdown().await.unwrap();
        drop(goes);
        for (stream, wanted) in [(&mut stays, "found"), (&mut quick, "found"), (&mut closes, "499")] {
            let all = String::from_utf8(rest(stream).await.0).unwrap();
            assert!(all.ends_with(&format!("\r\n\r\n{wanted}")), "{all}");
        }
    }
    // Nothing is left to wait for.
    assert!(service.stop().await < Times::default().stopping / 2);
}
