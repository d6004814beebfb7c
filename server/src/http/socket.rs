//! The socket of a connection: it gives up clients that take no answer, and outlives the last
//! answer until that has arrived.

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

/// How much is read at once. The buffers of hyper grow beyond their first size if a read fills
/// them, and stay so.
const READ: usize = 4096;
/// How many bytes behind the last answer are read.
const LINGERING: usize = 16 * 1024 * 1024;

/// A socket.
pub(super) struct Socket {
    read: Arc<OwnedReadHalf>,
    write: OwnedWriteHalf,
    connection: Arc<Connection>,
    times: Times,
    /// While a write waits: when it is given up.
    waiting: Option<Pin<Box<Sleep>>>,
    lingering: Option<Lingering>,
}

/// The rest of a connection behind its last answer.
struct Lingering {
    /// How many more bytes are read.
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
        Self { read: Arc::new(read), write, connection, times, waiting: None, lingering: None }
    }

    pub(super) fn side(&self) -> Side {
        Side(Arc::downgrade(&self.read))
    }

    /// The outcome of a write. Errors: the client has taken no byte for too long.
    fn written(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_pending() {
            self.connection.waits();
            let longest = self.times.writing;
            ready!(self.waiting.get_or_insert_with(|| Box::pin(sleep(longest))).as_mut().poll(cx));
            return Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, "the client takes no answer")));
        }
        self.waiting = None;
        self.connection.progresses();
        written
    }

    /// Reads on and throws away, until the client has closed its side or there is too much of it: a
    /// socket that is closed before all is read resets the connection, and what is on its way to
    /// the client is lost.
    fn linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (pause, longest) = self.times.lingering;
        let later = |time| Instant::now().checked_add(time).unwrap_or_else(Instant::now);
        let new = || Lingering { left: LINGERING, until: later(longest), pause: Box::pin(sleep(pause)) };
        let lingering = self.lingering.get_or_insert_with(new);
        let mut bytes = [0; READ];
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

/// Reads as many bytes as there is room for; none at the end.
fn read<'b>(
    from: &OwnedReadHalf,
    connection: &Connection,
    cx: &mut Context<'_>,
    bytes: &'b mut [u8],
) -> Poll<io::Result<&'b [u8]>> {
    let stream: &TcpStream = from.as_ref();
    loop {
        let Poll::Ready(ready) = stream.poll_read_ready(cx) else {
            connection.waits();
            return Poll::Pending;
        };
        ready?;
        match stream.try_read(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Poll::Ready(Err(error)),
            Ok(read) => {
                connection.reads();
                return Poll::Ready(Ok(bytes.get(..read).unwrap_or_default()));
            }
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut bytes = [0; READ];
        let room = bytes.get_mut(..buffer.remaining().min(READ)).unwrap_or_default();
        buffer.put_slice(ready!(read(&self.read, &self.connection, cx, room))?);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.write).poll_write(cx, bytes);
        self.written(cx, written)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.write).poll_write_vectored(cx, parts);
        self.written(cx, written)
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
            if self.connection.is_left() {
                return Poll::Ready(Ok(()));
            }
        }
        self.linger(cx).map(Ok)
    }
}

impl Drop for Socket {
    /// What a client does not take is not kept for it: the system would go on trying for minutes.
    fn drop(&mut self) {
        if self.waiting.is_some() {
            let stream: &TcpStream = self.write.as_ref();
            let _ = stream.set_zero_linger();
        }
    }
}
