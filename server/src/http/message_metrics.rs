//! The metrics of messages by the prefixes of their telephone numbers.

use std::collections::HashMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use keyfob_scim::{Limit, MessageLimits, RefusedNumber};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::time::timeout;

use crate::store::Store;

/// How long the metrics wait for the counters of the store.
const READ_TIMEOUT: Duration = Duration::from_secs(2);
/// How often the log names a prefix whose budget is used up, or whose numbers are refused.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// The name of the lists of prefixes as a limit.
const PREFIX_LIMIT: &str = "prefix";
/// The name of what refuses numbers that cannot be read.
const UNREAD_LIMIT: &str = "unread";

type Labels<const N: usize> = [(&'static str, String); N];
type Counters<const N: usize> = Family<Labels<N>, Counter<u64, AtomicU64>>;
type Gauges = Family<Labels<1>, Gauge<f64, AtomicU64>>;

/// The metrics. Only prefixes of the configuration are labels, and `other`, so there are few.
#[derive(Clone, Debug, Default)]
pub(crate) struct MessageMetrics {
    sent: Counters<1>,
    answered: Counters<1>,
    refused: Counters<2>,
    /// Of the whole service, as the store has them. NaN while they are unknown.
    used: Gauges,
    budget: Gauges,
    /// When the log last named each prefix, by the name of the limit.
    logged: Arc<Mutex<HashMap<(&'static str, String), Instant>>>,
}

impl MessageMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let all = [
            ("messages_sent", "Codes accepted by SMS and voice gateways, by prefix of the number", &self.sent),
            ("messages_answered", "Right codes of SMS devices, by prefix of the number", &self.answered),
        ];
        for (name, help, counters) in all {
            registry.register(name, help, counters.clone());
        }
        registry.register("messages_refused", "Messages that a limit refused, by limit and prefix", self.refused.clone());
        registry.register(
            "message_budget_used",
            "Messages of the whole service in this hour, by prefix with a budget",
            self.used.clone(),
        );
        registry.register("message_budget", "The most messages of the whole service in an hour, by prefix", self.budget.clone());
    }

    /// Counts a message that a gateway has accepted.
    pub(super) fn count_sent(&self, prefix: &str) {
        self.sent.get_or_create(&[("prefix", prefix.to_owned())]).inc();
    }

    /// Counts a message that was answered rightly.
    pub(super) fn count_answered(&self, prefix: &str) {
        self.answered.get_or_create(&[("prefix", prefix.to_owned())]).inc();
    }

    /// Counts a message that a limit has refused. `prefix` is empty for an e-mail. The log
    /// names a budget that is used up, once a minute.
    pub(super) fn count_refused(&self, limit: &Limit, prefix: &str) {
        self.count_refusal(limit.name(), prefix);
        if let Limit::Budget(prefix) = limit
            && self.is_due(limit.name(), prefix)
        {
            tracing::warn!(prefix, "messages: the budget of a prefix is used up; its numbers get none before the next hour");
        }
    }

    /// Counts a message, or a number for a device, that was refused for the number. The log says so
    /// once a minute.
    pub(super) fn count_refused_number(&self, refused: &RefusedNumber) {
        match refused {
            RefusedNumber::Prefix(prefix) => {
                self.count_refusal(PREFIX_LIMIT, prefix);
                if self.is_due(PREFIX_LIMIT, prefix) {
                    tracing::warn!(
                        prefix,
                        "messages: a number of a refused prefix was asked for; see the lists of prefixes in [messages]"
                    );
                }
            }
            RefusedNumber::Unread => {
                self.count_refusal(UNREAD_LIMIT, "");
                if self.is_due(UNREAD_LIMIT, "") {
                    tracing::warn!("messages: a number that cannot be read was asked for; see messages.region for national ones");
                }
            }
        }
    }

    fn count_refusal(&self, limit: &str, prefix: &str) {
        self.refused.get_or_create(&[("limit", limit.to_owned()), ("prefix", prefix.to_owned())]).inc();
    }

    /// Whether the log should name a prefix again.
    fn is_due(&self, limit: &'static str, prefix: &str) -> bool {
        let Ok(mut logged) = self.logged.lock() else { return true };
        let key = (limit, prefix.to_owned());
        let is_due = logged.get(&key).is_none_or(|last| last.elapsed() >= LOG_INTERVAL);
        if is_due {
            logged.insert(key, Instant::now());
        }
        is_due
    }

    /// Reads from the store how much of each budget is used.
    pub(super) async fn read_budgets(&self, store: &Store, limits: &MessageLimits) {
        let budgets: Vec<(&str, u32)> = limits.budgets.iter().map(|(prefix, most)| (prefix, *most)).collect();
        if budgets.is_empty() {
            return;
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let counters = budgets.iter().map(|(prefix, _)| MessageLimits::budget_counter(prefix, now)).collect();
        let sent = timeout(READ_TIMEOUT, store.messages_sent(counters)).await.ok().and_then(Result::ok);
        for (at, (prefix, most)) in budgets.into_iter().enumerate() {
            let label = [("prefix", prefix.to_owned())];
            let used = sent.as_ref().and_then(|sent| sent.get(at)).and_then(|sent| u32::try_from(*sent).ok());
            self.used.get_or_create(&label).set(used.map_or(f64::NAN, f64::from));
            self.budget.get_or_create(&label).set(f64::from(most));
        }
    }
}
