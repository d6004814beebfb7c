//! Metrics for Prometheus.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use keyfob_scim::{EventKind, MessageLimits};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::message_metrics::MessageMetrics;
use super::process::Process;
use crate::delivery::{Attempts, Channel};
use crate::signals::SignalMetrics;
use crate::store::{Store, in_words};

/// How often locked devices are counted at most. A count of very many takes a while.
const COUNT_INTERVAL: Duration = Duration::from_secs(15);
/// How long the metrics wait for that count.
const COUNT_TIMEOUT: Duration = Duration::from_secs(2);

type Labels<const N: usize> = [(&'static str, String); N];
type Counters<const N: usize> = Family<Labels<N>, Counter<u64, AtomicU64>>;

/// The service's metrics.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Counters<2>,
    events: Counters<2>,
    refused: Counters<1>,
    left_out: Counter<u64, AtomicU64>,
    deliveries: Counters<2>,
    messages: MessageMetrics,
    /// None without receivers.
    signals: Option<SignalMetrics>,
    seconds: Histogram,
    /// NaN while it is unknown.
    locked: Gauge<f64, AtomicU64>,
    /// When locked devices were last counted.
    counted_at: Arc<Mutex<Option<Instant>>>,
    process: Process,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics(..)")
    }
}

impl Metrics {
    /// The metrics of a service that has served no request, with those of its store, its
    /// delivery, and its signals if it has receivers.
    pub(crate) fn new(store: &Store, attempts: Attempts, signals: Option<SignalMetrics>) -> Self {
        let mut all = Registry::default();
        let (requests, events, refused, deliveries) =
            (Counters::default(), Counters::default(), Counters::default(), Counters::default());
        let (left_out, locked, process) = (Counter::default(), Gauge::<f64, AtomicU64>::default(), Process::default());
        let seconds = Histogram::new([0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0]);
        let build = Family::<Labels<1>, Gauge>::default();
        build.get_or_create(&[("version", env!("CARGO_PKG_VERSION").to_owned())]).set(1);
        process.register(&mut all);
        let registry = all.sub_registry_with_prefix("keyfob");
        registry.register("build_info", "The version that runs; always 1", build);
        registry.register("requests", "Requests answered, by operation and HTTP status", requests.clone());
        registry.register("events", "What happened to devices, by event and reason", events.clone());
        registry.register("accounts_refused", "Accounts refused, by reason", refused.clone());
        registry.register("deliveries", "Codes handed to mail servers and gateways, by channel and outcome", deliveries.clone());
        let help = "Codes that a mail server or gateway was asked to take, by channel, name or place, and outcome";
        registry.register("delivery_attempts", help, attempts);
        let messages = MessageMetrics::default();
        messages.register(registry);
        if let Some(signals) = &signals {
            signals.register(registry);
        }
        registry.register("unreadable_devices", "Devices that lists left out, as they cannot be read", left_out.clone());
        registry.register("request_seconds", "How long requests took", seconds.clone());
        registry.register("store_seconds", "How long the store worked at a batch, by work", store.latency());
        registry.register("locked_devices", "Devices of the store that are locked", locked.clone());
        let (registry, counted_at) = (Arc::new(all), Arc::default());
        Self { registry, requests, events, refused, left_out, deliveries, messages, signals, seconds, locked, counted_at, process }
    }

    /// Counts a request.
    pub(crate) fn count_request(&self, operation: &str, status: u16, elapsed: Duration) {
        self.requests.get_or_create(&[("operation", operation.to_owned()), ("status", status.to_string())]).inc();
        self.seconds.observe(elapsed.as_secs_f64());
    }

    /// Counts an event of a device.
    pub(crate) fn count_event(&self, kind: EventKind, reason: &str) {
        self.events.get_or_create(&[("event", kind.name().to_owned()), ("reason", in_words(reason).to_owned())]).inc();
    }

    /// Counts an account that was refused.
    pub(crate) fn count_refused(&self, reason: &str) {
        self.refused.get_or_create(&[("reason", reason.to_owned())]).inc();
    }

    /// Counts devices that a list left out.
    pub(crate) fn count_left_out(&self, devices: usize) {
        self.left_out.inc_by(u64::try_from(devices).unwrap_or(u64::MAX));
    }

    /// Counts a code that was delivered, or could not be.
    pub(crate) fn count_delivery(&self, channel: Channel, is_sent: bool) {
        let outcome = if is_sent { "sent" } else { "failed" };
        self.deliveries.get_or_create(&[("channel", channel.key().to_owned()), ("outcome", outcome.to_owned())]).inc();
    }

    /// The metrics of messages.
    pub(crate) const fn messages(&self) -> &MessageMetrics {
        &self.messages
    }

    /// All metrics, in the text format of Prometheus.
    pub(crate) async fn text(&self, store: &Store, limits: &MessageLimits) -> String {
        self.count_locked(store).await;
        self.messages.read_budgets(store, limits).await;
        if let Some(signals) = &self.signals {
            signals.read(store).await;
        }
        self.process.read();
        let mut text = String::new();
        // Writing to a string fails only if a metric does.
        if encode(&mut text, &self.registry).is_err() {
            tracing::error!("metrics: could not be written");
        }
        text
    }

    /// Counts locked devices, unless that was done within [`COUNT_INTERVAL`] or another task does
    /// it.
    async fn count_locked(&self, store: &Store) {
        let Ok(mut counted_at) = self.counted_at.try_lock() else { return };
        if counted_at.is_some_and(|counted_at| counted_at.elapsed() < COUNT_INTERVAL) {
            return;
        }
        let locked = timeout(COUNT_TIMEOUT, store.locked_devices()).await;
        self.locked.set(locked.ok().and_then(Result::ok).map_or(f64::NAN, f64::from));
        *counted_at = Some(Instant::now());
    }
}
