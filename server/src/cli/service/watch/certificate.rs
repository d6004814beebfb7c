//! The TLS certificate of the service and its key. A renewed certificate needs no restart.

use tokio::sync::watch;

use super::file_watch::{FileWatch, ReadRequests, Report, WatchedFiles};
use super::reader::Reader;
use crate::config::Tls;
use crate::http::Certificate;

/// Starts to watch the files of a certificate. New connections get the certificate in the channel.
/// Errors: the thread that reads the files cannot be started.
pub(super) fn watch_certificate(
    tls: &Tls,
    current: watch::Sender<Certificate>,
    report: Report,
    requests: ReadRequests,
) -> std::io::Result<FileWatch> {
    let path = tls.certificate_file.display().to_string();
    let files = tls.clone();
    let reader = Reader::start("keyfob-certificate", move || Certificate::read(&files))?;
    Ok(FileWatch::start(WatchedCertificate { path, reader, current, report }, report, requests))
}

struct WatchedCertificate {
    /// The path of the certificate as it is shown.
    path: String,
    reader: Reader<Certificate>,
    current: watch::Sender<Certificate>,
    report: Report,
}

impl WatchedFiles for WatchedCertificate {
    async fn read(&mut self) -> Result<(), String> {
        let path = &self.path;
        let late = |seconds| {
            (self.report)(Err(&format!(
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
            (self.report)(Ok(&format!("the certificate has changed: new connections get that of {path}")));
        }
        Ok(())
    }
}
