//! Requests that outlive their clients: what was begun is finished, counted and logged, whoever is left to hear of it.

use keyfob_scim::Error;
use tokio::sync::watch;

/// The requests that are being answered. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Requests(watch::Sender<()>);

impl Requests {
    /// Does the work of a request in a task of its own. Whoever drops this future, as the connection does whose client has gone, drops the
    /// answer and nothing else. None: the task has failed.
    pub(crate) async fn run<W>(&self, work: impl FnOnce(Client) -> W) -> Option<W::Output>
    where
        W: Future<Output: Send> + Send + 'static,
    {
        let (_here, gone) = watch::channel(());
        let (begun, work) = (self.0.subscribe(), work(Client(gone)));
        let task = tokio::spawn(async move {
            let answer = work.await;
            // After all that the work held.
            drop(begun);
            answer
        });
        task.await.ok()
    }

    /// Waits until all that was begun is done.
    pub(crate) async fn finished(&self) {
        self.0.closed().await;
    }
}

/// Who asked, as far as it is known.
#[derive(Debug)]
pub(crate) struct Client(watch::Receiver<()>);

impl Client {
    /// Does what changes nothing and is of use to the client only, until that goes away. Errors: those of `work`, or 499, which nobody gets.
    pub(crate) async fn while_here<T>(&mut self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::select! {
            done = work => done,
            // Nothing is ever sent.
            _ = self.0.changed() => Err(Error::new(499, "the client has gone")),
        }
    }
}
