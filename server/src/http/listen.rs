//! The socket: connections, TLS, time-outs, and the end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Requests;
use super::certificate::Certificate;
use super::connections::{Connections, Permit};
use super::limits::{Limits, MAX_HEADER_BYTES, MAX_HEADERS, Times};
use super::malformed::Explained;
use super::socket::{Side, Socket};

/// How much of a response TLS may buffer for a client that does not read.
const TLS_BUFFER_BYTES: usize = 16 * 1024;
/// How much of a response the system may buffer for a client that does not read. Linux doubles it
/// for its own needs. The default is megabytes of kernel memory for each connection.
const SEND_BUFFER_BYTES: u32 = 64 * 1024;
/// How many connections may wait to be accepted. Linux limits it to `net.core.somaxconn`.
const BACKLOG_CONNECTIONS: u32 = 4096;
/// How often stalled connections are closed during shutdown.
const STALL_CHECK_INTERVAL: Duration = Duration::from_millis(200);

/// Where a request comes from.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// The client's side of the connection.
    pub(crate) side: Side,
    /// Held by the connection and by requests that outlive it.
    permit: Arc<Permit>,
}

impl Peer {
    /// Notes that the current request is refused: the connection is closed before those of accepted
    /// clients. Returns whether the request before it was refused too.
    pub(crate) fn mark_refused(&self) -> bool {
        self.permit.connection().mark_refused()
    }
}

/// Stops a running service when it becomes true.
pub type Stop = watch::Receiver<bool>;

/// Listens at an address. Connections inherit the size of its send buffer. Must be called in a
/// tokio runtime.
///
/// Errors: those of the operating system.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Without it, a restart waits for old connections to time out. On Windows it would let other
    // programs take the address.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
    socket.bind(address)?;
    socket.listen(BACKLOG_CONNECTIONS)
}

/// Serves connections until `stop` is true, and then finishes the requests in work. A connection
/// keeps the certificate that was current when it began.
pub(crate) async fn listen(
    listener: TcpListener,
    tls: Option<watch::Receiver<Certificate>>,
    app: Router,
    requests: &Requests,
    limits: Limits,
    mut stop: Stop,
) {
    let (graceful, connections, times) = (GracefulShutdown::new(), Connections::new(limits), limits.times);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Usually too many open files.
                tracing::error!("a connection could not be accepted: {error}");
                connections.close_one();
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        if let Some(permit) = connections.admit(address.ip()) {
            let _ = stream.set_nodelay(true);
            let tls = tls.as_ref().map(|tls| tls.borrow().acceptor());
            tokio::spawn(serve(stream, address, permit, tls, app.clone(), times, graceful.watcher()));
        }
    }
    drop(listener);
    connections.stop_lingering();
    let ends = async {
        graceful.shutdown().await;
        // Requests whose clients have gone belong to no connection.
        requests.finished().await;
    };
    let cuts = async {
        loop {
            tokio::time::sleep(STALL_CHECK_INTERVAL).await;
            connections.close_stalled(times.stalled);
        }
    };
    tokio::select! {
        () = ends => {}
        () = cuts => {}
        () = tokio::time::sleep(times.stopping) => {
            tracing::warn!("some requests took longer than {} seconds and were close off", times.stopping.as_secs());
        }
    }
}

/// Serves a connection to its end, or until it must be closed.
async fn serve(
    stream: TcpStream,
    address: SocketAddr,
    permit: Permit,
    tls: Option<TlsAcceptor>,
    app: Router,
    times: Times,
    watcher: Watcher,
) {
    let connection = Arc::clone(permit.connection());
    let socket = Socket::new(stream, Arc::clone(&connection), times);
    let peer = Peer { address, side: socket.side(), permit: Arc::new(permit) };
    let served = async {
        match tls {
            None => http(socket, peer, app, times, watcher).await,
            Some(tls) => {
                if let Some(stream) = handshake(&tls, socket, times).await {
                    http(stream, peer, app, times, watcher).await;
                }
            }
        }
    };
    tokio::select! {
        () = served => {}
        () = connection.closing() => tracing::debug!("a connection from {address} was closed"),
    }
}

async fn handshake(tls: &TlsAcceptor, socket: Socket, times: Times) -> Option<TlsStream<Socket>> {
    match tokio::time::timeout(times.handshake, tls.accept(socket)).await {
        Ok(Ok(mut stream)) => {
            stream.get_mut().1.set_buffer_limit(Some(TLS_BUFFER_BYTES));
            Some(stream)
        }
        Ok(Err(error)) => {
            tracing::debug!("a TLS handshake failed: {error}");
            None
        }
        Err(_) => None,
    }
}

async fn http<S>(stream: S, peer: Peer, app: Router, times: Times, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(times.headers).max_headers(MAX_HEADERS).max_buf_size(MAX_HEADER_BYTES);
    // A client that has closed its side may still read.
    builder.half_close(true);
    let connection = Arc::clone(peer.permit.connection());
    let stream = Explained::new(stream, Arc::clone(&connection));
    let app = TowerToHyperService::new(app);
    let served = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        let (asked, answer) = (connection.begin_request(), app.call(request));
        async move {
            let _active = asked;
            answer.await
        }
    });
    let served = builder.serve_connection(TokioIo::new(stream), served);
    if let Err(error) = watcher.watch(served).await {
        tracing::debug!("a connection ended: {error}");
    }
}

#[cfg(test)]
mod tests;
