//! Delivery of codes: by e-mail, and as text messages or calls through HTTP gateways.
//!
//! A channel that is not configured prints its codes to the log, so that a first start needs
//! nothing; the summary says so. Buffers made here are wiped; those inside the SMTP and HTTP
//! libraries and of the sockets are not, for nobody outside them can.

mod address;
mod config;
mod gateway;
mod phone;
mod replies;
mod request;
mod smtp;
mod target;
mod template;
mod unfilled;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::problem::Problem;
pub(crate) use config::Config;
pub(crate) use unfilled::unfilled;

/// A way to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    /// An e-mail.
    Email,
    /// A text message.
    Sms,
    /// A call.
    Voice,
}

impl Channel {
    /// The table of the configuration.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Voice => "voice",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Email => "e-mail",
            Self::Sms => "SMS",
            Self::Voice => "voice",
        })
    }
}

/// What is sent: a code to a person.
pub(crate) struct Message<'a> {
    /// The way it goes.
    pub(crate) channel: Channel,
    /// The e-mail address or the phone number.
    pub(crate) to: &'a str,
    /// The code, in ASCII digits.
    pub(crate) code: &'a str,
    /// The name of the user.
    pub(crate) user: &'a str,
    /// The user's attributes, for placeholders.
    pub(crate) attributes: &'a BTreeMap<String, String>,
}

/// Why a code was not delivered. Its text holds neither the code nor anything of the configuration
/// but hosts, ports and keys.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    retry: bool,
}

impl Failure {
    /// A failure that may pass.
    fn passing(what: impl Into<String>) -> Self {
        Self { what: what.into(), retry: true }
    }

    /// A failure that stays until somebody changes something.
    fn lasting(what: impl Into<String>) -> Self {
        Self { what: what.into(), retry: false }
    }

    /// Whether sending the same again may succeed. After a time-out the first one may have arrived
    /// as well.
    pub(crate) fn retry(&self) -> bool {
        self.retry
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Failure {}

/// Sends codes. Cheap to clone; clones share everything.
#[derive(Clone)]
pub(crate) struct Delivery(Arc<Routes>);

struct Routes {
    email: Route<smtp::Mailer>,
    sms: Route<gateway::Client>,
    voice: Route<gateway::Client>,
}

enum Route<T> {
    /// To a server.
    Server(Box<T>),
    /// To the log.
    Log,
    /// Refused.
    Off,
}

impl Delivery {
    /// Reads certificates, password files and templates. Connects to nobody.
    ///
    /// Errors: every problem of the configuration, each with its key (`email.server`), and with no
    /// password, URL, header or body.
    pub(crate) fn new(config: &Config) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let email = route(config, config.email.as_ref(), |email| smtp::Mailer::new(email, &mut problems));
        let sms = route(config, config.sms.as_ref(), |sms| gateway::Client::new(Channel::Sms, sms, &mut problems));
        let voice = route(config, config.voice.as_ref(), |voice| gateway::Client::new(Channel::Voice, voice, &mut problems));
        match (email, sms, voice) {
            (Some(email), Some(sms), Some(voice)) if problems.is_empty() => Ok(Self(Arc::new(Routes { email, sms, voice }))),
            _ => Err(problems),
        }
    }

    /// Sends a code, within the configured time-out. Must be called in a tokio runtime with I/O and
    /// time.
    ///
    /// Errors: what failed, and whether trying again may help.
    pub(crate) async fn send(&self, message: &Message<'_>) -> Result<(), Failure> {
        match message.channel {
            Channel::Email => match &self.0.email {
                Route::Server(mailer) => mailer.send(message).await,
                Route::Log => log(message),
                Route::Off => off(message.channel),
            },
            Channel::Sms => through(&self.0.sms, message).await,
            Channel::Voice => through(&self.0.voice, message).await,
        }
    }

    /// A line for each channel: where its codes go, or that they are printed to the log.
    pub(crate) fn summary(&self) -> Vec<String> {
        vec![
            line(Channel::Email, &self.0.email, ToString::to_string),
            line(Channel::Sms, &self.0.sms, ToString::to_string),
            line(Channel::Voice, &self.0.voice, ToString::to_string),
        ]
    }
}

/// The route of a channel; none if there were problems.
fn route<C, T>(config: &Config, channel: Option<&C>, new: impl FnOnce(&C) -> Option<T>) -> Option<Route<T>> {
    match channel {
        Some(channel) => new(channel).map(|server| Route::Server(Box::new(server))),
        None if config.development => Some(Route::Log),
        None => Some(Route::Off),
    }
}

async fn through(route: &Route<gateway::Client>, message: &Message<'_>) -> Result<(), Failure> {
    match route {
        Route::Server(client) => client.send(message).await,
        Route::Log => log(message),
        Route::Off => off(message.channel),
    }
}

/// Development mode. Names are quoted, so that none breaks out of its line.
#[expect(clippy::unnecessary_wraps, reason = "one of three routes, of which the others fail")]
fn log(message: &Message<'_>) -> Result<(), Failure> {
    let Message { channel, to, code, user, .. } = message;
    tracing::warn!("development delivery: code for {user:?} by {channel} to {to:?}: {code}");
    Ok(())
}

fn off(channel: Channel) -> Result<(), Failure> {
    let key = channel.key();
    Err(Failure::lasting(format!("{channel} is not configured: there is no [{key}], and development is false")))
}

fn line<T>(channel: Channel, route: &Route<T>, server: impl Fn(&T) -> String) -> String {
    match route {
        Route::Server(it) => format!("{channel}: {}", server(it)),
        Route::Log => format!("{channel}: printed to the log (development)"),
        Route::Off => format!("{channel}: not configured, refused"),
    }
}

/// What placeholders stand for in one message.
struct Values<'a> {
    message: &'a Message<'a>,
    /// The digits of the code with spaces between, which voices read one by one.
    spaced: Zeroizing<String>,
    /// The number as `+` and digits, and as digits.
    e164: Result<Zeroizing<String>, String>,
    digits: Result<Zeroizing<String>, String>,
}

impl<'a> Values<'a> {
    fn new(message: &'a Message<'a>) -> Self {
        let mut spaced = Zeroizing::new(String::with_capacity(message.code.len().saturating_mul(2)));
        for (at, digit) in message.code.chars().enumerate() {
            if at > 0 {
                spaced.push(' ');
            }
            spaced.push(digit);
        }
        Self { message, spaced, e164: phone::e164(message.to), digits: phone::digits(message.to) }
    }

    /// Errors: the name is neither built in nor an attribute of the user, or the number has no such
    /// form.
    fn get(&self, name: &str) -> Result<&str, String> {
        match (name, self.message.channel) {
            ("PIN", _) => Ok(self.message.code),
            ("PIN_SPACED", _) => Ok(&self.spaced),
            ("USER", _) => Ok(self.message.user),
            ("EMAIL", Channel::Email) | ("PHONE", Channel::Sms | Channel::Voice) => Ok(self.message.to),
            ("PHONE_E164", Channel::Sms | Channel::Voice) => form(&self.e164),
            ("PHONE_DIGITS", Channel::Sms | Channel::Voice) => form(&self.digits),
            _ => {
                let attribute = self.message.attributes.get(name).map(String::as_str);
                attribute.ok_or_else(|| format!("the user has no attribute {name}"))
            }
        }
    }
}

/// A form of a number, as a value.
fn form(form: &Result<Zeroizing<String>, String>) -> Result<&str, String> {
    form.as_ref().map(|text| text.as_str()).map_err(Clone::clone)
}
