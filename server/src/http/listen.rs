//! The socket: connections, TLS, time-outs, and the end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use super::Requests;
use crate::config::Tls;

/// How long a client may take for its headers, the wait for the next request on a connection included.
const HEADERS: Duration = Duration::from_secs(30);
/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long requests that have begun may take once the service is to stop.
const STOPPING: Duration = Duration::from_secs(30);
/// How many headers a request may have, and how long they may be in bytes.
const MOST_HEADERS: usize = 64;
const HEADERS_SIZE: usize = 32 * 1024;
/// How many connections there may be at once.
const CONNECTIONS: usize = 10_000;

/// Where a request comes from.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// Held by the connection and by requests that outlive it, so that there are no more of both than places.
    _place: Arc<OwnedSemaphorePermit>,
}

/// Tells a running service to stop.
pub type Stop = watch::Receiver<bool>;

/// Reads the certificate and key of a server. Errors: a sentence for people.
pub(crate) fn acceptor(tls: &Tls) -> Result<TlsAcceptor, String> {
    let fault = |path: &std::path::Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let chain = CertificateDer::pem_file_iter(&tls.certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.map_err(|error| fault(&tls.certificate, &error))?;
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|error| fault(&tls.key, &error))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    let mut config = builder.with_no_client_auth().with_single_cert(chain, key).map_err(|error| fault(&tls.certificate, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves connections until it is told to stop, and then finishes what was begun.
pub(crate) async fn listen(listener: TcpListener, tls: Option<TlsAcceptor>, app: Router, requests: &Requests, mut stop: Stop) {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let place = tokio::select! {
            Ok(place) = Arc::clone(&places).acquire_owned() => place,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, address)) => (stream, Peer { address, _place: Arc::new(place) }),
                Err(error) => {
                    // As a rule too many open files: what is there must end first.
                    tracing::error!("a connection was not taken: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let _ = stream.set_nodelay(true);
        let (tls, app, watcher) = (tls.clone(), app.clone(), graceful.watcher());
        tokio::spawn(async move {
            match tls {
                None => connection(stream, peer, app, watcher).await,
                Some(tls) => {
                    if let Some(stream) = handshake(&tls, stream).await {
                        connection(stream, peer, app, watcher).await;
                    }
                }
            }
        });
    }
    drop(listener);
    let ends = async {
        graceful.shutdown().await;
        // Those whose clients have gone belong to no connection any more.
        requests.finished().await;
    };
    if tokio::time::timeout(STOPPING, ends).await.is_err() {
        tracing::warn!("some requests took longer than {} seconds and were cut off", STOPPING.as_secs());
    }
}

async fn handshake(tls: &TlsAcceptor, stream: TcpStream) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    match tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::debug!("a TLS handshake failed: {error}");
            None
        }
        Err(_) => None,
    }
}

async fn connection<S>(stream: S, peer: Peer, app: Router, watcher: hyper_util::server::graceful::Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADERS).max_headers(MOST_HEADERS).max_buf_size(HEADERS_SIZE);
    let app = TowerToHyperService::new(app);
    let served = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        app.call(request)
    });
    let served = builder.serve_connection(TokioIo::new(stream), served);
    if let Err(error) = watcher.watch(served).await {
        tracing::debug!("a connection ended: {error}");
    }
}
