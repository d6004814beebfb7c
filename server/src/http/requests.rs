//! Requests that outlive their clients: what was begun is finished, counted and logged, whoever is
//! left to hear of it.

use std::time::Duration;

use keyfob_scim::Error;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::socket::Side;

/// How often it is looked whether a client has closed its side.
const LOOKED: Duration = Duration::from_millis(200);
/// How long a search goes on for a client that has closed its side, and may have gone.
const PATIENCE: Duration = Duration::from_secs(1);

/// The requests that are being answered. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requests(watch::Sender<()>);

impl Requests {
    /// Does the work of a request in a task of its own. Whoever drops the handle, as a connection
    /// does that is closed, drops the answer and nothing else.
    pub(crate) fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        // In a box from the start: each future that it is moved into would have room for it too.
        let (work, begun) = (Box::pin(work), self.0.subscribe());
        tokio::spawn(async move {
            let answer = work.await;
            // After all that the work held.
            drop(begun);
            answer
        })
    }

    /// Waits until all that was begun is done.
    pub(crate) async fn finished(&self) {
        self.0.closed().await;
    }
}

/// Who asked, as far as it is known.
#[derive(Debug)]
pub(crate) struct Client(pub(crate) Option<Side>);

impl Client {
    /// Does what changes nothing and is of use to the client only, until a second after the client
    /// has closed its side of the connection.
    ///
    /// Errors: those of `work`; 499 if it was given up.
    pub(crate) async fn while_here<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::select! {
            done = work => done,
            () = self.gone() => Err(Error::new(
                499,
                "the client closed its side of the connection, and the search took longer than a second from then on; keep it open",
            )),
        }
    }

    /// Waits until the client has closed its side, and for a second more.
    async fn gone(&self) {
        let Some(side) = &self.0 else { return std::future::pending().await };
        while !side.is_closed().await {
            tokio::time::sleep(LOOKED).await;
        }
        tokio::time::sleep(PATIENCE).await;
    }
}
