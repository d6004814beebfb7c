//! Answers of a writer on their way back, many together.

use keyfob_scim::Error;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::workers::Answer;

/// Answers, each with whom it is for.
type Told<T> = Vec<(Answer<T>, Result<T, Error>)>;

/// Where a writer leaves its answers.
pub(crate) struct Answers<T>(UnboundedSender<Told<T>>);

impl<T> Clone for Answers<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Send + 'static> Answers<T> {
    /// Starts a task that hands answers out. It runs where those who wait for them do, so that a
    /// thread of theirs is woken once for many.
    ///
    /// Errors: there is no runtime to run it.
    pub(crate) fn start() -> Result<Self, String> {
        let runtime = Handle::try_current().map_err(|_| "a store must be opened within a Tokio runtime".to_owned())?;
        let (answers, left) = unbounded_channel();
        runtime.spawn(hand_out(left));
        Ok(Self(answers))
    }

    /// Leaves answers to what was committed. If nobody is there any more to hand them out, nothing
    /// is told.
    pub(crate) fn leave(&self, told: Told<T>) {
        if !told.is_empty() {
            let _ = self.0.send(told);
        }
    }
}

async fn hand_out<T>(mut left: UnboundedReceiver<Told<T>>) {
    while let Some(told) = left.recv().await {
        for (whom, answer) in told {
            // Whoever went away needs none.
            let _ = whom.send(answer);
        }
    }
}
