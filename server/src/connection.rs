//! Connections to other servers: TCP, and TLS on it.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::client::ResolvesClientCert;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, SignatureScheme};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::tls;

/// Connects to the first address of the host that accepts. The limit is for each address.
///
/// Errors: that of the last address.
pub(crate) async fn connect(host: &str, port: u16, limit: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "its name has no address");
    for address in tokio::net::lookup_host((host, port)).await? {
        match timeout(limit, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::Error::new(io::ErrorKind::TimedOut, "no connection in time"),
        }
    }
    Err(last)
}

/// TLS to one host.
pub(crate) struct Tls {
    config: ClientConfig,
    name: ServerName<'static>,
}

impl Tls {
    /// `protocol` is the name in ALPN, if there is one.
    ///
    /// Errors: the host is malformed.
    pub(crate) fn new(authorities: Vec<CertificateDer<'static>>, protocol: Option<&str>, host: &str) -> Result<Self, String> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| "has a malformed host".to_owned())?;
        Ok(Self { config: tls::client(authorities, protocol)?, name })
    }

    /// Encrypts a connection, and notes whether the server asks for a client certificate.
    ///
    /// Errors: of kind `InvalidData` if a new attempt would fail in the same way.
    pub(crate) async fn connect(&self, stream: TcpStream, request: &CertificateRequest) -> io::Result<TlsStream<TcpStream>> {
        let mut config = self.config.clone();
        config.client_auth_cert_resolver = Arc::new(request.clone());
        TlsConnector::from(Arc::new(config)).connect(self.name.clone(), stream).await
    }
}

/// Whether the server of a connection has asked for a client certificate. Keyfob has none.
#[derive(Clone, Debug, Default)]
pub(crate) struct CertificateRequest(Arc<AtomicBool>);

impl CertificateRequest {
    /// What to add to an error's text.
    pub(crate) fn hint(&self) -> &'static str {
        if self.0.load(Ordering::Relaxed) {
            "; the server asks for a client certificate, and keyfob has no key for one: have the server accept this client without it, or \
             put a proxy with the certificate between"
        } else {
            ""
        }
    }
}

impl ResolvesClientCert for CertificateRequest {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.0.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// Why there is no answer on a connection, in words, and whether TLS is the cause. A certificate
/// without trust stays so, and a server means its TLS alert.
pub(crate) fn cause(source: &(dyn StdError + 'static), request: &CertificateRequest) -> (String, bool) {
    // The innermost cause alone: libraries repeat it with words of their own.
    let mut cause = source;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let is_tls = inner.is_some_and(<dyn StdError + Send + Sync>::is::<rustls::Error>);
    (format!("{}{cause}{}", if is_tls { "TLS: " } else { "" }, request.hint()), is_tls)
}
