//! A receiver that keeps what it gets.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use data_encoding::BASE64URL_NOPAD;
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::Value;
use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// The response to the request of a number, from 0 on; empty for none.
pub(super) type Manner = fn(usize) -> &'static str;

pub(super) const ACCEPTED: &str = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

/// A receiver on a free port.
#[derive(Clone)]
pub(super) struct Sink {
    pub(super) port: u16,
    /// The head of each request, and the claims of its token.
    got: Arc<Mutex<Vec<(String, Value)>>>,
    connections: Arc<Mutex<usize>>,
}

impl Sink {
    pub(super) async fn start(manner: Manner, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let sink = Self { port, got: Arc::default(), connections: Arc::default() };
        let kept = sink.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, tls) = (kept.clone(), tls.clone());
                tokio::spawn(async move {
                    let stream: Box<dyn Stream> = match tls {
                        Some(tls) => Box::new(tls.accept(stream).await.ok()?),
                        None => Box::new(stream),
                    };
                    *kept.connections.lock().unwrap() += 1;
                    kept.serve(BufReader::new(stream), manner).await
                });
            }
        });
        sink
    }

    async fn serve(&self, mut stream: BufReader<Box<dyn Stream>>, manner: Manner) -> Option<()> {
        loop {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                stream.read_line(&mut head).await.ok().filter(|read| *read > 0)?;
            }
            let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap().parse().unwrap();
            let mut token = vec![0; length];
            stream.read_exact(&mut token).await.ok()?;
            let claims = String::from_utf8(token).unwrap().split('.').nth(1).unwrap().to_owned();
            let claims = serde_json::from_slice(&BASE64URL_NOPAD.decode(claims.as_bytes()).unwrap()).unwrap();
            let number = {
                let mut got = self.got.lock().unwrap();
                got.push((head, claims));
                got.len() - 1
            };
            match manner(number) {
                "" => std::future::pending().await,
                response => stream.write_all(response.as_bytes()).await.ok()?,
            }
        }
    }

    pub(super) fn heads(&self) -> Vec<String> {
        self.got.lock().unwrap().iter().map(|(head, _)| head.clone()).collect()
    }

    /// A claim of each token.
    pub(super) fn claims(&self, name: &str) -> Vec<String> {
        self.got.lock().unwrap().iter().map(|(_, claims)| claims[name].as_str().unwrap().to_owned()).collect()
    }

    /// How many connections there were.
    pub(super) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

/// A new certificate for localhost, as a server's side and as a file to trust.
pub(super) fn certificate() -> (TlsAcceptor, NamedTempFile) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), made.cert.pem()).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    (TlsAcceptor::from(Arc::new(builder.with_single_cert(vec![made.cert.der().clone()], key).unwrap())), file)
}
