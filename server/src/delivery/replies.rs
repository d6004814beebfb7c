//! Converts replies of mail servers to the form that the SMTP library reads.
//!
//! RFC 5321 section 4.2 allows a code without text and without a space behind it (`250`), and some
//! servers answer in Latin-1. The library takes both for errors. After the end of the mail that
//! would be wrong, since the server has the mail.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// How many bytes a reply code has.
const CODE_BYTES: u8 = 3;

/// A connection to a mail server whose replies are in the library's form.
pub(super) struct Replies<S> {
    stream: S,
    peer: SocketAddr,
    /// Bytes that were read from the stream, and not yet by the library.
    ready: Vec<u8>,
    /// How many bytes of the current line have come, 255 at most.
    column: u8,
}

impl Replies<TcpStream> {
    /// A connection that begins with the server's greeting.
    pub(super) fn plain(stream: TcpStream) -> io::Result<Self> {
        let peer = stream.peer_addr()?;
        Ok(Self { stream, peer, ready: Vec::new(), column: 0 })
    }
}

impl Replies<TlsStream<TcpStream>> {
    /// A connection that begins with the server's greeting.
    pub(super) fn encrypted(stream: TlsStream<TcpStream>) -> io::Result<Self> {
        let peer = stream.get_ref().0.peer_addr()?;
        Ok(Self { stream, peer, ready: Vec::new(), column: 0 })
    }

    /// A connection whose greeting came before STARTTLS. The library wants one in any case.
    pub(super) fn resumed(stream: TlsStream<TcpStream>) -> io::Result<Self> {
        Ok(Self { ready: b"220 \r\n".to_vec(), ..Self::encrypted(stream)? })
    }
}

impl<S> Replies<S> {
    fn take(&mut self, byte: u8) {
        if byte == b'\r' && self.column == CODE_BYTES {
            self.ready.push(b' ');
        }
        self.ready.push(if byte.is_ascii() { byte } else { b'?' });
        self.column = if byte == b'\n' { 0 } else { self.column.saturating_add(1) };
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Replies<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, to: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.ready.is_empty() {
            let mut bytes = [0; 1024];
            let mut read = ReadBuf::new(&mut bytes);
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut read))?;
            read.filled().iter().for_each(|byte| this.take(*byte));
        }
        let count = this.ready.len().min(to.remaining());
        to.put_slice(this.ready.get(..count).unwrap_or_default());
        this.ready.drain(..count);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Replies<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

impl<S> fmt::Debug for Replies<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replies").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Sync + Unpin> AsyncTokioStream for Replies<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}
