//! The files that a running service watches: its key files, and its TLS certificate with its key.

mod certificate;
mod file_watch;
mod key_file;
mod reader;
mod signing_keys;

use std::io;

use tokio::sync::watch;

pub(super) use file_watch::{FileWatch, ReadRequests};
pub(super) use key_file::watch_key_file;

use crate::cli::output::note;
use crate::config::Config;
use crate::http::Certificate;
use crate::signals::Signals;
use crate::store::Store;
use certificate::watch_certificate;
use signing_keys::watch_signing_keys;

/// The watches of a service. They log what they find.
pub(super) struct Watches(Vec<FileWatch>);

impl Watches {
    /// Starts to watch the files of a configuration. Returns the certificate for new connections,
    /// if there is TLS. Errors: a thread that reads a file cannot be started.
    pub(super) fn start(
        config: &Config,
        store: &Store,
        signals: Option<&Signals>,
        certificate: Option<Certificate>,
        requests: ReadRequests,
    ) -> io::Result<(Self, Option<watch::Receiver<Certificate>>)> {
        let mut watches: Vec<_> = watch_key_file(config, store, log_key_file, requests.clone())?.into_iter().collect();
        if let Some(signals) = signals {
            watches.push(watch_signing_keys(config, signals, log_signing_keys, requests.clone())?);
        }
        let Some((files, certificate)) = config.tls.as_ref().zip(certificate) else {
            return Ok((Self(watches), None));
        };
        let (current, tls) = watch::channel(certificate);
        watches.push(watch_certificate(files, current, log_certificate, requests)?);
        Ok((Self(watches), Some(tls)))
    }

    /// Ends all watches.
    pub(super) async fn end(self) {
        for watch in self.0 {
            watch.end().await;
        }
    }
}

/// Notes for the person at a command what it finds of the key file.
pub(super) fn note_key_file(finding: Result<&str, &str>) {
    match finding {
        Ok(change) => note(change),
        Err(problem) => note(&format!("sealing_keys_file: {problem}")),
    }
}

fn log_key_file(finding: Result<&str, &str>) {
    match finding {
        Ok(change) => tracing::info!("{change}"),
        Err(problem) => tracing::error!("sealing_keys_file: {problem}"),
    }
}

fn log_signing_keys(finding: Result<&str, &str>) {
    match finding {
        Ok(change) => tracing::info!("{change}"),
        Err(problem) => tracing::error!("signals.keys_file: {problem}"),
    }
}

fn log_certificate(finding: Result<&str, &str>) {
    match finding {
        Ok(change) => tracing::info!("{change}"),
        Err(problem) => tracing::error!("tls: {problem}"),
    }
}
