//! The socket of a connection. It gives up clients that do not read, and lingers behind the last
//! response until that has arrived.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Instant, Sleep, sleep};

use super::connections::Connection;
use super::limits::Times;

/// How much is read at once. A read that fills a buffer of hyper makes it grow for good.
const READ_BYTES: usize = 4096;
/// How much is read behind the last response.
const MAX_LINGER_BYTES: usize = 16 * 1024 * 1024;

/// A socket.
pub(super) struct Socket {
    read: Arc<OwnedReadHalf>,
    write: OwnedWriteHalf,
    connection: Arc<Connection>,
    times: Times,
    /// While a write waits: its time-out.
    write_timeout: Option<Pin<Box<Sleep>>>,
    lingering: Option<Lingering>,
}

/// What is read of a connection behind its last response.
struct Lingering {
    /// How many more bytes may be read.
    left: usize,
    until: Instant,
    /// The end of the wait for the next byte.
    pause: Pin<Box<Sleep>>,
}

/// The client's side of a socket.
#[derive(Clone, Debug)]
pub(crate) struct Side(Weak<OwnedReadHalf>);

impl Side {
    /// Whether the client has closed it, as far as the system knows.
    pub(crate) async fn is_closed(&self) -> bool {
        let Some(read) = self.0.upgrade() else { return true };
        tokio::select! {
            biased;
            ready = read.ready(Interest::READABLE) => ready.is_ok_and(Ready::is_read_closed),
            () = std::future::ready(()) => false,
        }
    }
}

impl Socket {
    pub(super) fn new(stream: TcpStream, connection: Arc<Connection>, times: Times) -> Self {
        let (read, write) = stream.into_split();
        Self { read: Arc::new(read), write, connection, times, write_timeout: None, lingering: None }
    }

    pub(super) fn side(&self) -> Side {
        Side(Arc::downgrade(&self.read))
    }

    /// Limits how long a write waits. Errors: the client has not read for too long.
    fn limit_write(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_pending() {
            self.connection.note_wait();
            let longest = self.times.writing;
            ready!(self.write_timeout.get_or_insert_with(|| Box::pin(sleep(longest))).as_mut().poll(cx));
            return Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, "the client does not read its response")));
        }
        self.write_timeout = None;
        self.connection.note_progress();
        written
    }

    /// Reads and discards until the client has closed its side, or has sent too much. A socket that
    /// is closed with unread bytes resets the connection, and the response may be lost.
    fn linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (pause, longest) = (self.times.lingering, self.times.lingering_total);
        let later = |time| Instant::now().checked_add(time).unwrap_or_else(Instant::now);
        let new = || Lingering { left: MAX_LINGER_BYTES, until: later(longest), pause: Box::pin(sleep(pause)) };
        let lingering = self.lingering.get_or_insert_with(new);
        let mut bytes = [0; READ_BYTES];
        while lingering.left > 0 {
            match read(&self.read, &self.connection, cx, &mut bytes) {
                Poll::Ready(Ok([]) | Err(_)) => break,
                Poll::Ready(Ok(read)) => {
                    lingering.left = lingering.left.saturating_sub(read.len());
                    lingering.pause.as_mut().reset(later(pause).min(lingering.until));
                }
                Poll::Pending => return lingering.pause.as_mut().poll(cx),
            }
        }
        Poll::Ready(())
    }
}

/// Reads as many bytes as there is room for. None at the end of the stream.
fn read<'b>(
    from: &OwnedReadHalf,
    connection: &Connection,
    cx: &mut Context<'_>,
    bytes: &'b mut [u8],
) -> Poll<io::Result<&'b [u8]>> {
    let stream: &TcpStream = from.as_ref();
    loop {
        let Poll::Ready(ready) = stream.poll_read_ready(cx) else {
            connection.note_wait();
            return Poll::Pending;
        };
        ready?;
        match stream.try_read(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Poll::Ready(Err(error)),
            Ok(read) => {
                connection.note_read();
                return Poll::Ready(Ok(bytes.get(..read).unwrap_or_default()));
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut bytes = [0; READ_BYTES];
        let room = bytes.get_mut(..buffer.remaining().min(READ_BYTES)).unwrap_or_default();
        buffer.put_slice(ready!(read(&self.read, &self.connection, cx, room))?);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.write).poll_write(cx, bytes);
        self.limit_write(cx, written)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.write).poll_write_vectored(cx, parts);
        self.limit_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.write.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.write).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.write).poll_shutdown(cx))?;
            if self.connection.skips_lingering() {
                return Poll::Ready(Ok(()));
            }
        }
        self.linger(cx).map(Ok)
    }
}

impl Drop for Socket {
    /// Discards what the client has not read. The system would retry for minutes.
    fn drop(&mut self) {
        if self.write_timeout.is_some() {
            let stream: &TcpStream = self.write.as_ref();
            let _ = stream.set_zero_linger();
        }
    }
}
