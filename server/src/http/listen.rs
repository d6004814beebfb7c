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
use super::connections::{Connections, Place};
use super::limits::{HEADERS_SIZE, Limits, MOST_HEADERS, Times};
use super::malformed::Explained;
use super::socket::{Side, Socket};

/// How many bytes of an answer TLS may hold that the client has not taken.
const TLS_BUFFER: usize = 16 * 1024;
/// How many bytes of answers the system may hold for a client that has not taken them; Linux
/// doubles it for what it needs itself. By default it takes megabytes, of the kernel and of each
/// connection, before a client is seen not to read.
const SEND_BUFFER: u32 = 64 * 1024;
/// How many connections may wait to be accepted. Linux cuts it to `net.core.somaxconn`.
const BACKLOG: u32 = 4096;
/// How often it is looked for connections that hold up the end.
const LOOKED: Duration = Duration::from_millis(200);

/// Where a request comes from.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// The client's side of the connection.
    pub(crate) side: Side,
    /// Held by the connection and by requests that outlive it.
    place: Arc<Place>,
}

impl Peer {
    /// The connection makes room for others before those of clients who are let in: what is being
    /// answered is a refusal. Returns whether the answer before it was one too.
    pub(crate) fn gives_way(&self) -> bool {
        self.place.connection().gives_way()
    }
}

/// Tells a running service to stop.
pub type Stop = watch::Receiver<bool>;

/// Listens at an address. Connections have its send buffer. To be asked within a runtime.
///
/// Errors: those of the operating system.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Or a restart would have to wait for the connections before it. On Windows, others could take
    // the address.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves connections until it is told to stop, and then finishes what was begun. Each connection
/// gets the certificate of its beginning.
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
                // As a rule too many open files.
                tracing::error!("a connection was not taken: {error}");
                connections.make_room();
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        if let Some(place) = connections.admit(address.ip()) {
            let _ = stream.set_nodelay(true);
            let tls = tls.as_ref().map(|tls| tls.borrow().acceptor());
            tokio::spawn(connection(stream, address, place, tls, app.clone(), times, graceful.watcher()));
        }
    }
    drop(listener);
    connections.leave();
    let ends = async {
        graceful.shutdown().await;
        // Those whose clients have gone belong to no connection any more.
        requests.finished().await;
    };
    let cuts = async {
        loop {
            tokio::time::sleep(LOOKED).await;
            connections.cut_stalled(times.stalled);
        }
    };
    tokio::select! {
        () = ends => {}
        () = cuts => {}
        () = tokio::time::sleep(times.stopping) => {
            tracing::warn!("some requests took longer than {} seconds and were cut off", times.stopping.as_secs());
        }
    }
}

/// Serves a connection to its end, or until it is to be closed.
async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    place: Place,
    tls: Option<TlsAcceptor>,
    app: Router,
    times: Times,
    watcher: Watcher,
) {
    let connection = Arc::clone(place.connection());
    let socket = Socket::new(stream, Arc::clone(&connection), times);
    let peer = Peer { address, side: socket.side(), place: Arc::new(place) };
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
        () = connection.cut() => tracing::debug!("a connection from {address} was closed"),
    }
}

async fn handshake(tls: &TlsAcceptor, socket: Socket, times: Times) -> Option<TlsStream<Socket>> {
    match tokio::time::timeout(times.handshake, tls.accept(socket)).await {
        Ok(Ok(mut stream)) => {
            stream.get_mut().1.set_buffer_limit(Some(TLS_BUFFER));
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
    builder.timer(TokioTimer::new()).header_read_timeout(times.headers).max_headers(MOST_HEADERS).max_buf_size(HEADERS_SIZE);
    // Clients that have closed their side may still read.
    builder.half_close(true);
    let connection = Arc::clone(peer.place.connection());
    let stream = Explained::new(stream, Arc::clone(&connection));
    let app = TowerToHyperService::new(app);
    let served = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        let (asked, answer) = (connection.asks(), app.call(request));
        async move {
            let _asked = asked;
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
