//! Numbers for Prometheus.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use keyfob_scim::EventKind;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

type Labels<const N: usize> = [(&'static str, String); N];
type Counters<const N: usize> = Family<Labels<N>, Counter<u64, AtomicU64>>;

/// The service's numbers.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Counters<2>,
    events: Counters<2>,
    refused: Counters<1>,
    left_out: Counter<u64, AtomicU64>,
    seconds: Histogram,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics(..)")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("keyfob");
        let (requests, events, refused) = (Counters::default(), Counters::default(), Counters::default());
        let left_out = Counter::default();
        let seconds = Histogram::new([0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0]);
        registry.register("requests", "Requests answered, by operation and HTTP status", requests.clone());
        registry.register("events", "What happened to devices, by event and reason", events.clone());
        registry.register("accounts_refused", "Accounts refused, by reason", refused.clone());
        registry.register("unreadable_devices", "Devices that lists left out, as they cannot be read", left_out.clone());
        registry.register("request_seconds", "How long requests took", seconds.clone());
        Self { registry: Arc::new(registry), requests, events, refused, left_out, seconds }
    }
}

impl Metrics {
    /// Counts a request.
    pub(crate) fn count(&self, operation: &str, status: u16, elapsed: Duration) {
        self.requests.get_or_create(&[("operation", operation.to_owned()), ("status", status.to_string())]).inc();
        self.seconds.observe(elapsed.as_secs_f64());
    }

    /// Counts something that happened to a device.
    pub(crate) fn happened(&self, kind: EventKind, reason: String) {
        self.events.get_or_create(&[("event", kind.name().to_owned()), ("reason", reason)]).inc();
    }

    /// Counts an account that was refused.
    pub(crate) fn refused(&self, reason: &str) {
        self.refused.get_or_create(&[("reason", reason.to_owned())]).inc();
    }

    /// Counts devices that a list left out.
    pub(crate) fn left_out(&self, devices: usize) {
        self.left_out.inc_by(u64::try_from(devices).unwrap_or(u64::MAX));
    }

    /// All of them, as Prometheus reads them.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string fails only if a metric does.
        if encode(&mut text, &self.registry).is_err() {
            tracing::error!("metrics: could not be written");
        }
        text
    }
}
