//! Requests that outlive their clients: each is finished, counted and logged, even if the client
//! has gone.

use std::time::Duration;

use keyfob_scim::Error;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::socket::Side;

/// How often a request checks whether its client has closed its side.
const CLIENT_CHECK_INTERVAL: Duration = Duration::from_millis(200);
/// How long a search goes on after its client has closed its side. The client may still read.
const HALF_CLOSED_TIMEOUT: Duration = Duration::from_secs(1);

/// The requests in work. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requests(watch::Sender<()>);

impl Requests {
    /// Runs the work of a request in a task of its own. Large work should be in a box. To drop the
    /// handle, as a closed connection does, drops the response and nothing else.
    pub(crate) fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        let begun = self.0.subscribe();
        tokio::spawn(async move {
            let response = work.await;
            // After everything that the work held.
            drop(begun);
            response
        })
    }

    /// Waits until all requests are done.
    pub(crate) async fn finished(&self) {
        self.0.closed().await;
    }
}

/// The client of a request, if it is known.
#[derive(Debug)]
pub(crate) struct Client(pub(crate) Option<Side>);

impl Client {
    /// Runs read-only work, and cancels it a second after the client has closed its side of the
    /// connection.
    ///
    /// Errors: those of `work`, or 499 if it was cancelled.
    pub(crate) async fn while_connected<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::select! {
            done = work => done,
            () = self.disconnected() => Err(Error::new(
                499,
                "the client closed its side of the connection, and the search took longer than a second from then on; keep it open",
            )),
        }
    }

    /// Waits until the client has closed its side, and for [`HALF_CLOSED_TIMEOUT`] more.
    pub(crate) async fn disconnected(&self) {
        let Some(side) = &self.0 else { return std::future::pending().await };
        while !side.is_closed().await {
            tokio::time::sleep(CLIENT_CHECK_INTERVAL).await;
        }
        tokio::time::sleep(HALF_CLOSED_TIMEOUT).await;
    }
}
