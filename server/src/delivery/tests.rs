//! Deliveries to real servers on loopback.

mod failover;
mod http;
mod mail;
#[cfg(unix)]
mod postfix;
mod settings;
mod sink;
mod templates;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use super::{Channel, Config, Delivery, Message};
use crate::config::{self, Problem};

/// A code that is nowhere by chance.
const CODE: &str = "804317";

/// What the service reads of a file.
fn read(toml: &str) -> Result<Config, Vec<Problem>> {
    config::Config::read(toml, std::iter::empty(), &[]).map(|config| config.delivery)
}

fn config(toml: &str) -> Config {
    read(toml).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn delivery(toml: &str) -> Delivery {
    Delivery::new(&config(toml)).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn problems(toml: &str) -> Vec<Problem> {
    Delivery::new(&config(toml)).err().unwrap_or_default()
}

/// The keys of the problems.
fn keys(toml: &str) -> Vec<String> {
    problems(toml).into_iter().map(|problem| problem.key).collect()
}

fn attributes() -> BTreeMap<String, String> {
    [("name", "O'Hara \"<Q>\" & söhne\\"), ("dni", "12 34+x"), ("lines", "a\r\nX-Evil: 1"), ("dots", "..")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

fn message<'a>(channel: Channel, to: &'a str, attributes: &'a BTreeMap<String, String>) -> Message<'a> {
    Message { channel, to, code: CODE, user: "alice", attributes }
}

/// Lines of the log.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is logged, down to debug, until the guard is dropped.
fn logged() -> (Lines, tracing::subscriber::DefaultGuard) {
    let lines = Lines::default();
    let kept = lines.clone();
    let log = tracing_subscriber::fmt().with_ansi(false).with_max_level(tracing::Level::DEBUG);
    let subscriber = log.with_writer(move || kept.clone()).finish();
    (lines, tracing::subscriber::set_default(subscriber))
}

fn text(lines: &Lines) -> String {
    String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
}

#[tokio::test]
async fn channel_that_is_not_configured_prints_in_development() {
    let delivery = delivery("");
    let attributes = attributes();
    let summary = delivery.summary();
    assert_eq!(summary.len(), 3);
    assert!(summary.iter().all(|line| line.ends_with("printed to the log (development)")), "{summary:?}");
    for (channel, to) in [(Channel::Email, "alice@example.com"), (Channel::Sms, "666"), (Channel::Voice, "6\n66")] {
        let (lines, guard) = logged();
        delivery.clone().send(&message(channel, to, &attributes)).await.unwrap();
        drop(guard);
        let text = text(&lines);
        assert!(text.contains("WARN") && text.contains("development delivery: code for \"alice\" by "), "{text}");
        assert!(text.trim_end().ends_with(&format!("{to:?}: {CODE}")), "{text}");
        assert_eq!(text.lines().count(), 1);
    }
}

#[tokio::test]
async fn channel_that_is_not_configured_refuses_outside_development() {
    let delivery = delivery("development = false");
    assert!(delivery.summary().iter().all(|line| line.ends_with("not configured, refused")));
    let attributes = attributes();
    let (lines, _guard) = logged();
    for channel in [Channel::Email, Channel::Sms, Channel::Voice] {
        let error = delivery.send(&message(channel, "666", &attributes)).await.unwrap_err();
        assert!(!error.is_transient() && error.to_string().contains(channel.key()), "{error}");
    }
    assert_eq!(text(&lines), "");
}

#[test]
fn deliveries_go_to_other_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    fn sent<T: Send>(_: &T) {}
    let delivery = delivery("");
    let attributes = attributes();
    let message = message(Channel::Sms, "666", &attributes);
    shared(&delivery);
    sent(&delivery.send(&message));
}
