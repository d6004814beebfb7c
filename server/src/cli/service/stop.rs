//! The signals of the operating system that stop the service, or have it read files again.

use tokio::sync::watch;

use crate::cli::result::Result;

/// SIGHUP, handled from construction on: it must never end the process.
#[cfg(unix)]
pub(crate) struct Hangups(tokio::signal::unix::Signal);

#[cfg(unix)]
impl Hangups {
    pub(crate) fn handle() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self(signal(SignalKind::hangup())?))
    }

    /// Waits for a signal to stop, handled from the call on. Meanwhile each SIGHUP requests that
    /// files be read.
    ///
    /// Service managers send SIGTERM, terminals SIGINT and SIGQUIT, scripts that rotate logs
    /// SIGUSR1 or SIGUSR2. Unhandled, each would end the process in the middle of requests.
    pub(crate) fn until_stop(mut self, request: watch::Sender<()>) -> Result<impl Future<Output = ()> + Send> {
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
                        request.send_replace(());
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

/// This system has no such signal.
#[cfg(not(unix))]
pub(crate) struct Hangups;

#[cfg(not(unix))]
impl Hangups {
    pub(crate) fn handle() -> Result<Self> {
        Ok(Self)
    }

    /// Waits for an interrupt, handled from the call on.
    pub(crate) fn until_stop(self, request: watch::Sender<()>) -> Result<impl Future<Output = ()> + Send> {
        Ok(async move {
            // If it cannot be handled, it ends the process by itself.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            drop(request);
        })
    }
}
