//! What deliveries alone need of a connection: its error, and a second half.

use std::error::Error as StdError;
use std::fmt::Display;
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

/// The error of a connection to a server.
pub(super) fn error(server: &impl Display, source: &(dyn StdError + 'static), request: &CertificateRequest) -> Error {
    let (cause, is_tls) = connection::cause(source, request);
    let text = format!("{server}: {cause}");
    if is_tls { Error::permanent(text) } else { Error::unanswered(text) }
}
