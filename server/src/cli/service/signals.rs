//! Signals to the service.

use tokio::sync::watch;

use crate::cli::result::Result;

/// SIGHUP, heard from the call on: it must end the process at no time.
#[cfg(unix)]
pub(crate) struct Hangups(tokio::signal::unix::Signal);

#[cfg(unix)]
impl Hangups {
    pub(crate) fn hear() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self(signal(SignalKind::hangup())?))
    }

    /// Waits for a signal to stop, heard from the call on. Meanwhile each SIGHUP asks for files to
    /// be read.
    ///
    /// Service managers send SIGTERM, terminals SIGINT and SIGQUIT, scripts that rotate logs
    /// SIGUSR1 or SIGUSR2. Each would end the process by itself, in the middle of requests.
    pub(crate) fn until_stop(mut self, ask: watch::Sender<()>) -> Result<impl Future<Output = ()> + Send> {
        use tokio::signal::unix::{SignalKind, signal};
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let (mut quit, mut user1) = (signal(SignalKind::quit())?, signal(SignalKind::user_defined1())?);
        let mut user2 = signal(SignalKind::user_defined2())?;
        Ok(async move {
            loop {
                tokio::select! {
                    Some(()) = self.0.recv() => {
                        tracing::info!(
                            "SIGHUP: the key file and the TLS certificate are read now; a changed configuration needs a restart"
                        );
                        ask.send_replace(());
                    }
                    _ = terminate.recv() => return,
                    _ = interrupt.recv() => return,
                    _ = quit.recv() => return,
                    _ = user1.recv() => return,
                    _ = user2.recv() => return,
                }
            }
        })
    }
}

/// There are none here.
#[cfg(not(unix))]
pub(crate) struct Hangups;

#[cfg(not(unix))]
impl Hangups {
    pub(crate) fn hear() -> Result<Self> {
        Ok(Self)
    }

    /// Waits for an interrupt, heard from the call on.
    pub(crate) fn until_stop(self, ask: watch::Sender<()>) -> Result<impl Future<Output = ()> + Send> {
        Ok(async move {
            // Where it cannot be heard, it ends the process by itself.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            drop(ask);
        })
    }
}
