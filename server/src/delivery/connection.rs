//! What deliveries alone need of a connection: its error, and a second half.

use std::error::Error as StdError;
use std::io;

use tokio::net::TcpStream;

use super::error::Error;
use crate::connection::{self, CertificateRequest};

/// Duplicates a socket, for two protocols one after the other.
pub(super) fn duplicate(stream: TcpStream) -> io::Result<(TcpStream, TcpStream)> {
    let stream = stream.into_std()?;
    let copy = stream.try_clone()?;
    Ok((TcpStream::from_std(stream)?, TcpStream::from_std(copy)?))
}

/// The error of a connection. Its cause may name a host, as that of a certificate does.
pub(super) fn error(source: &(dyn StdError + 'static), request: &CertificateRequest) -> Error {
    let (cause, is_tls) = connection::cause(source, request);
    if is_tls {
        Error::permanent(cause).with_client_text("no encrypted connection; the log has the cause")
    } else {
        Error::unanswered(cause).with_client_text("no connection, or it broke; the log has the cause")
    }
}
