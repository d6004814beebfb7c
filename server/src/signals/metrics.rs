//! The metrics of signals by receiver.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::time::timeout;

use crate::store::Store;

/// How long the metrics wait for the counts of the store.
const READ_TIMEOUT: Duration = Duration::from_secs(2);

/// What became of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The receiver has it.
    Accepted,
    /// The receiver refused it for good, so that it is a dead letter.
    Refused,
    /// A try that failed, and others follow.
    Failed,
    /// It was too old, so that it is a dead letter.
    GivenUp,
    /// It found no room.
    Lost,
}

impl Outcome {
    const ALL: [Self; 5] = [Self::Accepted, Self::Refused, Self::Failed, Self::GivenUp, Self::Lost];

    const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::GivenUp => "given_up",
            Self::Lost => "lost",
        }
    }
}

type Labels<const N: usize> = [(&'static str, String); N];
type Gauges = Family<Labels<1>, Gauge<f64, AtomicU64>>;

/// The metrics. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct SignalMetrics {
    receivers: Vec<String>,
    tokens: Family<Labels<2>, Counter<u64, AtomicU64>>,
    /// As the store has them. NaN while they are unknown, as the others that follow.
    waiting: Gauges,
    dead: Gauges,
    oldest_seconds: Gauges,
}

impl SignalMetrics {
    /// Metrics that show each receiver of these names from the start on.
    pub(crate) fn new(receivers: impl IntoIterator<Item = String>) -> Self {
        let metrics = Self { receivers: receivers.into_iter().collect(), ..Self::default() };
        for receiver in &metrics.receivers {
            for outcome in Outcome::ALL {
                metrics.count(receiver, outcome, 0);
            }
        }
        metrics
    }

    /// Counts tokens of a receiver.
    pub(crate) fn count(&self, receiver: &str, outcome: Outcome, tokens: u64) {
        self.tokens.get_or_create(&labels(receiver, outcome)).inc_by(tokens);
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register("signals", "Tokens of signals, by receiver and outcome", self.tokens.clone());
        let all = [
            ("signals_waiting", "Signals that wait, by receiver", &self.waiting),
            ("signals_dead", "Signals that were given up or refused, by receiver", &self.dead),
            ("signals_oldest_seconds", "How long the oldest signal has waited, by receiver; 0 if none waits", &self.oldest_seconds),
        ];
        for (name, help, gauges) in all {
            registry.register(name, help, gauges.clone());
        }
    }

    /// Reads from the store how many signals each receiver has.
    pub(crate) async fn read(&self, store: &Store) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        for receiver in &self.receivers {
            let read = async { tokio::join!(store.signal_counts(receiver), store.oldest_signal(receiver)) };
            let (counts, oldest) = timeout(READ_TIMEOUT, read).await.ok().unzip();
            let counts = counts.and_then(Result::ok);
            let age = oldest.and_then(Result::ok).map(|since| since.map_or(0, |since| now.saturating_sub(since)));
            let label = [("receiver", receiver.clone())];
            for (gauges, value) in [
                (&self.waiting, counts.map(|counts| counts.waiting)),
                (&self.dead, counts.map(|counts| counts.dead)),
                (&self.oldest_seconds, age),
            ] {
                gauges.get_or_create(&label).set(value.map_or(f64::NAN, as_float));
            }
            let lost = self.tokens.get_or_create(&labels(receiver, Outcome::Lost));
            lost.inner().fetch_max(store.signals_lost(receiver), Ordering::Relaxed);
        }
    }
}

fn labels(receiver: &str, outcome: Outcome) -> Labels<2> {
    [("receiver", receiver.to_owned()), ("outcome", outcome.name().to_owned())]
}

/// The nearest value, which is exact below 2^53.
#[expect(clippy::cast_precision_loss, reason = "no table has as many rows")]
const fn as_float(count: u64) -> f64 {
    count as f64
}
