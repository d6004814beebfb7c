//! The answers that hyper gives by itself, to what is no request of HTTP/1.1. They have a head
//! only; here they get the body that every error of this service has.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use keyfob_scim::{Error, Response};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connections::Connection;
use super::limits::{HEADERS_SIZE, MOST_HEADERS};

/// What hyper writes an answer to. While no answer of the service is to be written, what hyper
/// writes is its own.
pub(super) struct Explained<S> {
    stream: S,
    connection: Arc<Connection>,
    /// An answer in place of hyper's, as far as it is not written yet.
    own: Option<Vec<u8>>,
}

impl<S> Explained<S> {
    pub(super) fn new(stream: S, connection: Arc<Connection>) -> Self {
        Self { stream, connection, own: None }
    }
}

/// The whole answer for an error's head; none for another head, as that of 100 Continue.
fn explained(head: &[u8]) -> Option<Vec<u8>> {
    let head = str::from_utf8(head).ok()?;
    let status = head.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok().filter(|status| *status >= 400)?;
    let (before, after) = head.split_once("content-length: 0\r\n")?;
    let detail = match status {
        431 => format!("the request has more than {MOST_HEADERS} headers, or more than {HEADERS_SIZE} bytes before its body"),
        _ => "this is no request of HTTP/1.1".to_owned(),
    };
    let body = Response::from(Error::new(status, detail)).body;
    let length = body.len();
    let fields = format!("content-type: application/scim+json\r\ncache-control: no-store\r\ncontent-length: {length}\r\n");
    Some([before.as_bytes(), fields.as_bytes(), after.as_bytes(), &body].concat())
}

impl<S: AsyncRead + Unpin> AsyncRead for Explained<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Explained<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.own.is_none() && !self.connection.owes_answer() {
            self.own = explained(bytes);
        }
        let Some(mut own) = self.own.take() else { return Pin::new(&mut self.stream).poll_write(cx, bytes) };
        while !own.is_empty() {
            match Pin::new(&mut self.stream).poll_write(cx, &own) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => drop(own.drain(..written.min(own.len()))),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.own = Some(own);
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if self.connection.owes_answer() {
            return Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        }
        self.poll_write(cx, parts.iter().find(|part| !part.is_empty()).map_or(&[], |part| part))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        // Each answer of the service is of one piece, which is written whole before it is flushed.
        self.connection.answered();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
