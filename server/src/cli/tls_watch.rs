//! The certificate of the server and its key, watched, so that a renewed certificate needs no
//! restart.

use tokio::sync::watch;

use super::watch::{Asked, Look, Reader, Tell, Watch};
use crate::config::Tls;
use crate::http::Certificate;

/// Begins to watch the files of a certificate. New connections get what the channel holds. Errors:
/// there is no thread to read them.
pub(crate) fn start(tls: &Tls, current: watch::Sender<Certificate>, tell: Tell, asked: Asked) -> std::io::Result<Watch> {
    let path = tls.certificate.display().to_string();
    let files = tls.clone();
    let reader = Reader::start("keyfob-certificate", move || Certificate::read(&files))?;
    Ok(Watch::start(Watched { path, reader, current, tell }, tell, asked))
}

struct Watched {
    /// The path of the certificate as it is shown.
    path: String,
    reader: Reader<Certificate>,
    current: watch::Sender<Certificate>,
    tell: Tell,
}

impl Look for Watched {
    async fn look(&mut self) -> Result<(), String> {
        let path = &self.path;
        let late = |seconds| {
            (self.tell)(Err(&format!(
                "{path} and its key are not read within {seconds} seconds; the certificate stays as it was; does the disk answer?"
            )));
        };
        let next = self.reader.read(late).await.map_err(|error| format!("{error}; the certificate stays as it was"))?;
        let is_other = self.current.send_if_modified(|current| {
            let is_other = next != *current;
            if is_other {
                *current = next;
            }
            is_other
        });
        if is_other {
            (self.tell)(Ok(&format!("the certificate has changed: new connections get that of {path}")));
        }
        Ok(())
    }
}
