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
    /// Errors: as `Delivery::send`. Their texts do not name the server.
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
        while let Some((placed, turn)) = next(&mut untried) {
            let start = Instant::now();
            let sent =
                placed.server.send(message).await.map_err(|error| error.of_server(&placed.server, &self.client_label(placed)));
            self.note(placed, turn, &sent, start.elapsed());
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

    /// What clients see of a server: its name or place.
    fn client_label(&self, placed: &Placed<T>) -> String {
        let server = if self.channel == Channel::Email { "mail server" } else { "gateway" };
        format!("{server} {}", placed.label)
    }

    /// Counts an attempt, and remembers whether the server answers, and soon enough.
    fn note(&self, placed: &Placed<T>, turn: Turn, sent: &Result<(), Error>, taken: Duration) {
        match sent {
            Err(error) if !error.was_tried() => {
                if turn == Turn::Trial {
                    placed.rest.give_back_trial(Instant::now());
                }
                return;
            }
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
fn next<'s, T>(untried: &mut Vec<&'s Placed<T>>) -> Option<(&'s Placed<T>, Turn)> {
    let now = Instant::now();
    let free = untried.iter().enumerate().find_map(|(at, placed)| match placed.rest.take_turn(now) {
        Turn::Last => None,
        turn => Some((at, turn)),
    });
    let (at, turn) = free.unwrap_or((0, Turn::Last));
    (!untried.is_empty()).then(|| (untried.remove(at), turn))
}

/// When a message comes to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// In the order of the list.
    Usual,
    /// As the one message that tries the server after its rest.
    Trial,
    /// After all that do not rest.
    Last,
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

    /// When a message at this time comes to the server. After a rest one message tries it: until
    /// that one has its answer, the next ones go elsewhere.
    fn take_turn(&self, now: Instant) -> Turn {
        let mut until = self.lock();
        match *until {
            None => Turn::Usual,
            Some(time) if now < time => Turn::Last,
            Some(_) => {
                *until = now.checked_add(REST);
                Turn::Trial
            }
        }
    }

    /// Lets the next message try the server: the one that should have was not sent.
    fn give_back_trial(&self, now: Instant) {
        let mut until = self.lock();
        if until.is_some() {
            *until = Some(now);
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
        let turn = |seconds| rest.take_turn(at(seconds));
        assert_eq!([turn(0), turn(0)], [Turn::Usual; 2]);
        rest.begin(start);
        assert_eq!([turn(0), turn(59)], [Turn::Last; 2]);
        assert_eq!(turn(60), Turn::Trial, "one message tries it");
        assert_eq!([turn(60), turn(119)], [Turn::Last; 2], "the others do not wait for it");
        assert_eq!(turn(120), Turn::Trial, "a message that never ended does not keep it out for ever");
        rest.begin(at(125));
        assert_eq!([turn(184), turn(185)], [Turn::Last, Turn::Trial]);
        rest.give_back_trial(at(186));
        assert_eq!([turn(186), turn(187)], [Turn::Trial, Turn::Last], "a message that was not sent is no trial");
        assert!(rest.end() && !rest.end());
        rest.give_back_trial(at(188));
        assert_eq!([turn(188), turn(188)], [Turn::Usual; 2]);
    }

    /// A server that no message fits.
    struct Unfit;

    impl Display for Unfit {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("unfit")
        }
    }

    impl Server for Unfit {
        async fn send(&self, _: &Message<'_>) -> Result<(), Error> {
            Err(Error::unfit("the user has no number"))
        }
    }

    #[tokio::test]
    async fn message_that_fits_no_server_leaves_the_trial_to_the_next_one() {
        let placed = Placed { server: Unfit, label: "1".to_owned(), rest: Rest::default() };
        let Some(over) = Instant::now().checked_sub(Duration::from_secs(1)) else { return };
        *placed.rest.lock() = Some(over);
        let servers = Servers { channel: Channel::Sms, all: vec![placed], attempts: Attempts::default() };
        let attributes = std::collections::BTreeMap::new();
        let message = Message { channel: Channel::Sms, to: "", code: "804317", user: "alice", attributes: &attributes };
        for _ in 0..3 {
            assert!(servers.send(&message).await.is_err());
        }
        let is_trial = servers.all.iter().all(|placed| placed.rest.take_turn(Instant::now()) == Turn::Trial);
        assert!(is_trial, "a gateway that rests is still to be tried");
    }
}
