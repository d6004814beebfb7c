//! Tokens are pushed to receivers (RFC 8935): each has a task of its own, so that none holds up
//! another.

mod connection;
mod health;
mod lease;
mod notes;
mod pause;
mod queue;
#[cfg(test)]
mod queue_walks;
mod removals;
mod response;
mod sender;

use std::sync::Arc;

use data_encoding::HEXLOWER;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::receiver::Push;
use super::service::Signals;
use crate::delivery::Users;
use crate::store::Store;
use lease::Lessee;
use sender::{Context, Sender};

/// Sends signals to all receivers with an address, until the channel becomes true or closes.
///
/// Errors: the operating system gave no randomness.
pub(crate) fn push_signals(
    signals: &Arc<Signals>,
    users: Option<&Users>,
    store: &Store,
    stop: &watch::Receiver<bool>,
) -> Result<JoinSet<()>, String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| format!("signals: there is no randomness: {error}"))?;
    let (owner, users) = (HEXLOWER.encode(&bytes), users.cloned().map(Arc::new));
    let mut tasks = JoinSet::new();
    for receiver in &signals.rules.receivers {
        if let Some(push) = &receiver.push {
            let context = Context {
                signals: Arc::clone(signals),
                users: users.clone(),
                store: store.clone(),
                receiver: Arc::clone(receiver),
            };
            tasks.spawn(push_to(context, Arc::clone(push), owner.clone(), stop.clone()));
        }
    }
    Ok(tasks)
}

/// Sends to a receiver whenever this process has its lease.
async fn push_to(context: Context, push: Arc<Push>, owner: String, mut stop: watch::Receiver<bool>) {
    let lessee = Lessee { store: context.store.clone(), receiver: context.receiver.name.clone(), owner };
    let context = Arc::new(context);
    loop {
        let (mut held, stream) = tokio::select! {
            taken = lessee.take() => taken,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let sender = Sender::new(Arc::clone(&context), &push, held.end(), &stream);
        tokio::select! {
            // Dropping the sender breaks its requests off.
            () = lessee.keep(&mut held) => {}
            () = sender.run(stop.clone()) => {}
        }
        if *stop.borrow() || stop.has_changed().is_err() {
            break;
        }
    }
    lessee.release().await;
}
