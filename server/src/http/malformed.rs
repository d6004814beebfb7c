//! Bodies for hyper's own responses to malformed requests. Hyper sends a head only, and every
//! error of this service has a body.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use keyfob_scim::{Error, Response};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connections::Connection;
use super::limits::{MAX_HEADER_BYTES, MAX_HEADERS};

/// A stream that hyper writes to. While the service owes no response, hyper writes its own.
pub(super) struct Explained<S> {
    stream: S,
    connection: Arc<Connection>,
    /// The rest of a response in permit of hyper's.
    rest: Option<Vec<u8>>,
}

impl<S> Explained<S> {
    pub(super) fn new(stream: S, connection: Arc<Connection>) -> Self {
        Self { stream, connection, rest: None }
    }
}

/// The whole response for the head of an error. None for another head, such as 100 Continue.
fn with_body(head: &[u8]) -> Option<Vec<u8>> {
    let head = str::from_utf8(head).ok()?;
    let status = head.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok().filter(|status| *status >= 400)?;
    let (before, after) = head.split_once("content-length: 0\r\n")?;
    let detail = match status {
        431 => format!("the request has more than {MAX_HEADERS} headers, or more than {MAX_HEADER_BYTES} bytes before its body"),
        _ => "this is not a valid HTTP/1.1 request".to_owned(),
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
        if self.rest.is_none() && !self.connection.owes_response() {
            self.rest = with_body(bytes);
        }
        let Some(mut rest) = self.rest.take() else { return Pin::new(&mut self.stream).poll_write(cx, bytes) };
        while !rest.is_empty() {
            match Pin::new(&mut self.stream).poll_write(cx, &rest) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => drop(rest.drain(..written.min(rest.len()))),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.rest = Some(rest);
                    return Poll::Pending;
                }
            }
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, parts: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if self.connection.owes_response() {
            return Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        }
        self.poll_write(cx, parts.iter().find(|part| !part.is_empty()).map_or(&[], |part| part))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        // A response of the service is one piece, and is written whole before it is flushed.
        self.connection.note_written();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
