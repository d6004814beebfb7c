//! A receiver of security event tokens by push, which accepts each and keeps its claims.
//! `make test-signals` checks signatures.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

/// A receiver on a free port of loopback. It runs as long as the process.
pub(crate) struct Receiver {
    pub(crate) port: u16,
    got: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let receiver = Self { port, got: Arc::default() };
        let got = Arc::clone(&receiver.got);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let got = Arc::clone(&got);
                thread::spawn(move || accept(stream, &got));
            }
        });
        receiver
    }

    /// The claims of all tokens, in the order they came.
    pub(crate) fn all(&self) -> Vec<Value> {
        self.got.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.got.lock().unwrap().len()
    }
}

/// Takes the requests of a connection until it ends.
fn accept(stream: TcpStream, got: &Mutex<Vec<Value>>) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut stream = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut token = vec![0; length];
        stream.read_exact(&mut token).ok()?;
        let token = String::from_utf8(token).expect("a token");
        let claims = token.split('.').nth(1).expect("claims");
        let claims = BASE64URL_NOPAD.decode(claims.as_bytes()).expect("Base64");
        got.lock().unwrap().push(serde_json::from_slice(&claims).expect("JSON"));
        stream.get_mut().write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n").ok()?;
    }
}
