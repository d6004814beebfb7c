//! A TCP proxy before a server, which can lose connections in silence as a firewall does that has
//! forgotten them.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// A proxy on a free port of loopback. It runs as long as the process.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    opened: Arc<AtomicUsize>,
    asked: Arc<AtomicUsize>,
    lost: Arc<Lost>,
}

/// The message Sync alone: a question whether the session lives.
const SYNC: &[u8] = b"S\0\0\0\x04";

/// How many of the connections, the oldest first, have lost a direction.
#[derive(Default)]
struct Lost {
    requests: AtomicUsize,
    answers: AtomicUsize,
}

impl Proxy {
    /// Starts a proxy before the server at this port of loopback.
    pub(crate) fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let proxy = Self { port, opened: Arc::default(), asked: Arc::default(), lost: Arc::default() };
        let (opened, asked, lost) = (Arc::clone(&proxy.opened), Arc::clone(&proxy.asked), Arc::clone(&proxy.lost));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let number = opened.fetch_add(1, Ordering::SeqCst);
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { continue };
                let (from_client, to_server) = (client.try_clone().expect("a copy"), server.try_clone().expect("a copy"));
                let (all, asked) = (Arc::clone(&lost), Arc::clone(&asked));
                thread::spawn(move || {
                    forward(from_client, to_server, number, &all.requests, |bytes| {
                        asked.fetch_add(usize::from(bytes == SYNC), Ordering::SeqCst);
                    });
                });
                let all = Arc::clone(&lost);
                thread::spawn(move || forward(server, client, number, &all.answers, |_| {}));
            }
        });
        proxy
    }

    /// How many connections were opened.
    pub(crate) fn opened(&self) -> usize {
        self.opened.load(Ordering::SeqCst)
    }

    /// How often a session was asked whether it lives.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// From now on the present connections stay open and carry nothing. New ones work.
    pub(crate) fn lose_connections(&self) {
        self.lost.requests.store(self.opened(), Ordering::SeqCst);
        self.lose_answers();
    }

    /// From now on the present connections carry requests, and no answers.
    pub(crate) fn lose_answers(&self) {
        self.lost.answers.store(self.opened(), Ordering::SeqCst);
    }
}

/// Copies one direction of the connection of this number, and drops what is lost. `seen` is given
/// all that comes.
fn forward(mut from: TcpStream, mut to: TcpStream, number: usize, lost: &AtomicUsize, seen: impl Fn(&[u8])) {
    let mut bytes = [0; 16 * 1024];
    let is_lost = || number < lost.load(Ordering::SeqCst);
    while let Ok(many) = from.read(&mut bytes) {
        seen(&bytes[..many]);
        if is_lost() && many > 0 {
            continue;
        }
        if many == 0 || to.write_all(&bytes[..many]).is_err() {
            break;
        }
    }
    // The other side hears of an end as little as of anything else.
    if is_lost() {
        // Kept open.
        std::mem::forget(to);
    } else {
        let _ = to.shutdown(Shutdown::Write);
    }
}
