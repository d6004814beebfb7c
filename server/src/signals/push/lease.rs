//! The lease of a receiver: the process that has it sends.
//!
//! No clocks are compared. The owner renews the lease, and uses it for [`USE`] after the beginning
//! of a renewal that the store confirmed. Another process takes it once it has seen the same beat
//! for [`TAKEOVER`], which is well longer.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::health::later;
use crate::store::{Lease, Store, Stream};

/// How long a lease is used after the beginning of its last renewal.
const USE: Duration = Duration::from_secs(15);
/// How often it is renewed.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(5);
/// How often a renewal is tried again that the store did not confirm, and a lease looked at that
/// another process has.
const TRY_INTERVAL: Duration = Duration::from_secs(1);
/// How long a beat must be the same before another process takes the lease.
const TAKEOVER: Duration = Duration::from_secs(30);
/// How long a stopping process tries to give a lease back.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(3);

/// Takes and renews the lease of one receiver.
pub(super) struct Lessee {
    pub(super) store: Store,
    pub(super) receiver: String,
    /// This process.
    pub(super) owner: String,
}

/// A lease that this process has.
pub(super) struct Held {
    lease: Lease,
    /// Until when it may be used.
    end: watch::Sender<Instant>,
}

impl Lessee {
    /// Waits for the lease, and takes it. Returns what is known of the receiver too.
    pub(super) async fn take(&self) -> (Held, Stream) {
        let mut seen: Option<(Lease, Instant)> = None;
        loop {
            if let Ok(stream) = self.store.stream(&self.receiver).await
                && self.may_take(stream.lease.as_ref(), &mut seen)
            {
                let began = Instant::now();
                if let Ok(Some(lease)) = self.store.take_lease(&self.receiver, stream.lease.as_ref(), &self.owner).await {
                    if stream.lease.is_some_and(|lease| lease.owner != self.owner) {
                        tracing::warn!(
                            receiver = self.receiver,
                            "signals: the process that sent to it is silent; this one does now"
                        );
                    }
                    let stream = Stream { lease: None, ..stream };
                    return (Held { lease, end: watch::Sender::new(later(began, USE)) }, stream);
                }
            }
            sleep(TRY_INTERVAL).await;
        }
    }

    /// Whether a lease as it is in the store may be taken. `seen` is the last lease that was found,
    /// and when it was first found with this beat.
    fn may_take(&self, lease: Option<&Lease>, seen: &mut Option<(Lease, Instant)>) -> bool {
        let Some(lease) = lease.filter(|lease| lease.owner != self.owner) else { return true };
        match seen {
            Some((before, since)) if before == lease => since.elapsed() >= TAKEOVER,
            _ => {
                *seen = Some((lease.clone(), Instant::now()));
                false
            }
        }
    }

    /// Renews a lease for as long as the store confirms it in time.
    pub(super) async fn keep(&self, held: &mut Held) {
        let mut pause = RENEWAL_INTERVAL;
        loop {
            sleep(pause).await;
            let (began, end) = (Instant::now(), *held.end.borrow());
            match timeout_at(end, self.store.renew_lease(&self.receiver, &held.lease)).await {
                Ok(Ok(Some(lease))) => {
                    held.lease = lease;
                    held.end.send_replace(later(began, USE));
                    pause = RENEWAL_INTERVAL;
                }
                Ok(Ok(None)) => {
                    tracing::warn!(receiver = self.receiver, "signals: another process sends to it now");
                    return;
                }
                Ok(Err(_)) if Instant::now() < end => pause = TRY_INTERVAL,
                Ok(Err(_)) | Err(_) => {
                    tracing::warn!(
                        receiver = self.receiver,
                        "signals: the store does not confirm that this process sends to it; nothing is sent until it does"
                    );
                    return;
                }
            }
        }
    }

    /// Gives the lease back, so that another process need not wait.
    pub(super) async fn release(&self) {
        let release = async {
            // A renewal that was broken off may have raised the beat.
            let lease = self.store.stream(&self.receiver).await.ok()?.lease.filter(|lease| lease.owner == self.owner)?;
            self.store.release_lease(&self.receiver, &lease).await.ok()
        };
        let _ = timeout(RELEASE_TIMEOUT, release).await;
    }
}

impl Held {
    /// Until when it may be used.
    pub(super) fn end(&self) -> watch::Receiver<Instant> {
        self.end.subscribe()
    }
}
