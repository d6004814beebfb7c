//! The replies of a writer on their way back, many together.

use keyfob_scim::Error;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::workers::Reply;

/// Outcomes, each with where it goes.
pub(crate) type Finished<T> = Vec<(Reply<T>, Result<T, Error>)>;

/// Where a writer leaves its replies.
pub(crate) struct Replies<T>(UnboundedSender<Finished<T>>);

impl<T> Clone for Replies<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Send + 'static> Replies<T> {
    /// Starts a task that sends replies. It runs in the runtime of the waiting requests, so that
    /// waking one thread serves many.
    ///
    /// Errors: there is no runtime to run it.
    pub(crate) fn start() -> Result<Self, String> {
        let runtime = Handle::try_current().map_err(|_| "a store must be opened within a Tokio runtime".to_owned())?;
        let (replies, finished) = unbounded_channel();
        runtime.spawn(send(finished));
        Ok(Self(replies))
    }

    /// Leaves the outcomes of finished requests, and nothing in their place. They are dropped once
    /// the runtime has ended.
    pub(crate) fn leave(&self, finished: &mut Finished<T>) {
        if !finished.is_empty() {
            let _ = self.0.send(std::mem::take(finished));
        }
    }
}

async fn send<T>(mut finished: UnboundedReceiver<Finished<T>>) {
    while let Some(finished) = finished.recv().await {
        for (reply, outcome) in finished {
            // A client that has gone away needs none.
            let _ = reply.send(outcome);
        }
    }
}
