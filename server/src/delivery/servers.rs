//! The servers of a channel: which of them gets a message, and which one is next.

use std::fmt::Display;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use super::config::{Section, Settings};
use super::error::Error;
use super::message::{Channel, Message};

/// How long a server that gave no answer is tried after the others.
const REST: Duration = Duration::from_secs(60);
/// How long a failure that may pass takes at most, for the server to keep its place.
const MAX_REFUSAL_TIME: Duration = Duration::from_secs(1);

/// How many messages each server was asked to take, by channel, server and outcome.
pub(crate) type Attempts = Family<[(&'static str, String); 3], Counter<u64, AtomicU64>>;

/// A mail server or a gateway. It shows as its name, host and port.
pub(super) trait Server: Display + Sync {
    /// Asks the server to take a message, within its time-out.
    ///
    /// Errors: as `Delivery::send`.
    fn send(&self, message: &Message<'_>) -> impl Future<Output = Result<(), Error>> + Send;
}

/// The servers of a channel, in the order of the configuration.
pub(super) struct Servers<T> {
    channel: Channel,
    all: Vec<Placed<T>>,
    attempts: Attempts,
}

/// A server, and what is remembered of it.
struct Placed<T> {
    server: T,
    /// Its name, or else its place in the list.
    label: String,
    rest: Rest,
}

impl<T: Server> Servers<T> {
    /// No servers yet.
    pub(super) fn new(channel: Channel, attempts: &Attempts) -> Self {
        Self { channel, all: Vec::new(), attempts: attempts.clone() }
    }

    /// Adds the next server, with the section that describes it.
    pub(super) fn push(&mut self, server: T, section: &Section<impl Settings>) {
        let label = section.settings.name().map_or_else(|| section.place.to_string(), str::to_owned);
        let placed = Placed { server, label, rest: Rest::default() };
        // The metrics show each server from the start on.
        self.attempts(&placed, true).inc_by(0);
        self.attempts(&placed, false).inc_by(0);
        self.all.push(placed);
    }

    /// Sends a message through the first server that takes it. Each gets the same code.
    ///
    /// Errors: that of each server.
    pub(super) async fn send(&self, message: &Message<'_>) -> Result<(), Error> {
        let mut errors = Vec::new();
        let mut untried: Vec<&Placed<T>> = self.all.iter().collect();
        while let Some(placed) = next(&mut untried) {
            let start = Instant::now();
            let sent = placed.server.send(message).await;
            self.note(placed, &sent, start.elapsed());
            let Err(error) = sent else { return Ok(()) };
            if !untried.is_empty() {
                tracing::warn!(user = message.user, "delivery by {}: {error}; the next of the list is tried", self.channel);
            }
            errors.push(error);
        }
        Err(Error::of_all(errors))
    }

    /// A line for each server.
    pub(super) fn summary(&self) -> Vec<String> {
        let line = |(at, placed): (usize, &Placed<T>)| {
            let place = if self.all.len() > 1 { format!(" {}", at.saturating_add(1)) } else { String::new() };
            format!("{}{place}: {}", self.channel, placed.server)
        };
        self.all.iter().enumerate().map(line).collect()
    }

    /// Counts an attempt, and remembers whether the server answers, and soon enough.
    fn note(&self, placed: &Placed<T>, sent: &Result<(), Error>, taken: Duration) {
        match sent {
            Err(error) if !error.was_tried() => return,
            Err(error) if error.is_unanswered() || (error.is_transient() && taken > MAX_REFUSAL_TIME) => {
                placed.rest.begin(Instant::now());
            }
            _ if placed.rest.end() => tracing::info!("delivery by {}: {} answers again", self.channel, placed.server),
            _ => {}
        }
        self.attempts(placed, sent.is_ok()).inc();
    }

    fn attempts(&self, placed: &Placed<T>, is_sent: bool) -> Counter<u64, AtomicU64> {
        let outcome = if is_sent { "sent" } else { "failed" };
        let labels =
            [("channel", self.channel.key().to_owned()), ("gateway", placed.label.clone()), ("outcome", outcome.to_owned())];
        self.attempts.get_or_create(&labels).clone()
    }
}

/// Takes out the next server: the first that does not rest, or else the first.
fn next<'s, T>(untried: &mut Vec<&'s Placed<T>>) -> Option<&'s Placed<T>> {
    let now = Instant::now();
    let at = untried.iter().position(|placed| placed.rest.is_over(now)).unwrap_or_default();
    (!untried.is_empty()).then(|| untried.remove(at))
}

/// A time in which a server comes after the others, so that not every message waits for one that is
/// down.
#[derive(Default)]
struct Rest(Mutex<Option<Instant>>);

impl Rest {
    /// Begins a rest.
    fn begin(&self, now: Instant) {
        *self.lock() = now.checked_add(REST);
    }

    /// Ends the rest. Returns whether there was one.
    fn end(&self) -> bool {
        self.lock().take().is_some()
    }

    /// Whether the server need not wait for the others. After a rest this is true once: until that
    /// message has its answer, the next ones go elsewhere.
    fn is_over(&self, now: Instant) -> bool {
        let mut until = self.lock();
        match *until {
            None => true,
            Some(time) if now < time => false,
            Some(_) => {
                *until = now.checked_add(REST);
                true
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_without_an_answer_rests_and_is_then_tried_by_one_message_at_a_time() {
        let (rest, start) = (Rest::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(rest.is_over(start) && rest.is_over(start));
        rest.begin(start);
        assert!(!rest.is_over(start) && !rest.is_over(at(59)));
        assert!(rest.is_over(at(60)), "one message tries it");
        assert!(!rest.is_over(at(60)) && !rest.is_over(at(119)), "the others do not wait for it");
        assert!(rest.is_over(at(120)), "a message that never ended does not keep it out for ever");
        rest.begin(at(125));
        assert!(!rest.is_over(at(184)) && rest.is_over(at(185)));
        assert!(rest.end() && !rest.end());
        assert!(rest.is_over(at(185)) && rest.is_over(at(185)));
    }
}
