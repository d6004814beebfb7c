//! Servers that keep their requests: one speaks SMTP, one HTTP.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tempfile::NamedTempFile;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// Lines or requests, in the order they came.
#[derive(Clone, Default)]
pub(super) struct Got(Arc<Mutex<Vec<String>>>);

impl Got {
    fn push(&self, text: impl Into<String>) {
        self.0.lock().unwrap().push(text.into());
    }

    pub(super) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// How a mail server behaves.
#[derive(Clone, Default)]
pub(super) struct Manner {
    pub(super) tls: Option<TlsAcceptor>,
    /// Encrypts from the first byte and not at STARTTLS.
    pub(super) at_once: bool,
    /// Answers to commands that begin with these; an empty one closes, `-` says nothing for ever.
    /// They go out in Latin-1.
    pub(super) answers: Vec<(&'static str, &'static str)>,
    /// Sent in the clear behind the reply to STARTTLS, as an attacker in between would.
    pub(super) injected: &'static str,
}

/// Starts a mail server. It keeps commands as they are, and a mail after its DATA as one text.
pub(super) async fn smtp(manner: Manner) -> (u16, Got) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let got = Got::default();
    let kept = got.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (manner, kept) = (manner.clone(), kept.clone());
            tokio::spawn(async move { serve(Box::new(stream), manner, kept).await });
        }
    });
    (port, got)
}

async fn serve(stream: Box<dyn Stream>, manner: Manner, got: Got) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut encrypted = false;
    if manner.at_once {
        stream = encrypt(stream, &manner, &got).await?;
        encrypted = true;
    }
    stream.write_all(b"220 sink\r\n").await.ok()?;
    loop {
        let command = line(&mut stream).await?;
        got.push(&*command);
        if let Some((_, answer)) = manner.answers.iter().find(|(begin, _)| command.starts_with(begin)) {
            match *answer {
                "" => return None,
                "-" => std::future::pending().await,
                answer => stream.write_all(&latin(answer)).await.ok()?,
            }
            continue;
        }
        let answer = match command.split(' ').next()? {
            "EHLO" if manner.tls.is_some() && !encrypted => "250-sink\r\n250 STARTTLS",
            "EHLO" => "250-sink\r\n250 AUTH PLAIN",
            "STARTTLS" => {
                stream.write_all(format!("220 go\r\n{}", manner.injected).as_bytes()).await.ok()?;
                stream = encrypt(stream, &manner, &got).await?;
                encrypted = true;
                continue;
            }
            "DATA" => {
                stream.write_all(b"354 go\r\n").await.ok()?;
                let mut mail = String::new();
                loop {
                    let line = line(&mut stream).await?;
                    if line == "." {
                        break;
                    }
                    mail.push_str(line.strip_prefix('.').unwrap_or(&line));
                    mail.push('\n');
                }
                got.push(mail);
                match manner.answers.iter().find(|(begin, _)| *begin == ".") {
                    Some((_, "")) => return None,
                    Some((_, answer)) => answer,
                    None => "250 taken",
                }
            }
            "AUTH" => "235 welcome",
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        stream.write_all(&latin(answer)).await.ok()?;
    }
}

/// An answer in Latin-1, with the end of its line.
fn latin(answer: &str) -> Vec<u8> {
    answer.chars().chain("\r\n".chars()).map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

async fn encrypt(stream: BufReader<Box<dyn Stream>>, manner: &Manner, got: &Got) -> Option<BufReader<Box<dyn Stream>>> {
    let stream = manner.tls.as_ref()?.accept(stream.into_inner()).await.ok()?;
    got.push("encrypted");
    Some(BufReader::new(Box::new(stream)))
}

async fn line(stream: &mut (impl AsyncBufRead + Unpin)) -> Option<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
    Some(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Starts a gateway that gives this answer, byte for byte; none: it takes the request and says
/// nothing.
pub(super) async fn gateway(answer: Option<String>, tls: Option<TlsAcceptor>) -> (u16, Got) {
    gateway_at(0, answer, tls).await
}

/// The same at a port, or at any free one for 0.
pub(super) async fn gateway_at(port: u16, answer: Option<String>, tls: Option<TlsAcceptor>) -> (u16, Got) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let got = Got::default();
    let kept = got.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (answer, tls, kept) = (answer.clone(), tls.clone(), kept.clone());
            tokio::spawn(async move {
                let stream: Box<dyn Stream> = match tls {
                    Some(tls) => Box::new(tls.accept(stream).await.ok()?),
                    None => Box::new(stream),
                };
                take(stream, answer, kept).await
            });
        }
    });
    (port, got)
}

async fn take(stream: Box<dyn Stream>, answer: Option<String>, got: Got) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut request = String::new();
    let mut length = 0;
    loop {
        let line = line(&mut stream).await?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
            length = value.parse().ok()?;
        }
        request.push_str(&line);
        request.push('\n');
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    request.push_str(std::str::from_utf8(&body).ok()?);
    got.push(request);
    match answer {
        Some(answer) => stream.write_all(answer.as_bytes()).await.ok()?,
        None => std::future::pending().await,
    }
    stream.shutdown().await.ok()
}

/// An answer with its length.
#[expect(clippy::unnecessary_wraps, reason = "as gateway takes it")]
pub(super) fn answer(status: &str, body: &str) -> Option<String> {
    Some(format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
}

/// A new certificate for localhost, as a server's side and as a file to trust.
pub(super) fn certificate() -> (TlsAcceptor, NamedTempFile) {
    acceptor(false, rustls::ALL_VERSIONS)
}

/// The same, for a server that takes no client without a certificate.
pub(super) fn certificate_for_certificates(versions: &[&'static SupportedProtocolVersion]) -> (TlsAcceptor, NamedTempFile) {
    acceptor(true, versions)
}

fn acceptor(wants_one: bool, versions: &[&'static SupportedProtocolVersion]) -> (TlsAcceptor, NamedTempFile) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), made.cert.pem()).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone()).with_protocol_versions(versions).unwrap();
    let builder = if wants_one {
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).unwrap();
        builder.with_client_cert_verifier(WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let config = builder.with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    (TlsAcceptor::from(Arc::new(config)), file)
}

/// A port that nobody listens on.
pub(super) async fn closed() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap().port()
}
