//! Delivery of codes: by e-mail, and as text messages or calls through HTTP gateways.
//!
//! A channel may have several servers. They are tried in order, with the same code.
//!
//! In development a channel that is not configured prints its codes to the log, and the summary
//! says so. Buffers made here are wiped. Those inside the SMTP and HTTP libraries and the sockets
//! cannot be.

mod address;
mod config;
mod connection;
mod error;
mod gateway;
mod message;
mod phone;
mod replies;
mod request;
mod servers;
mod smtp;
mod target;
mod template;
mod unfilled;
mod values;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use config::Settings;
pub(crate) use config::{Check, Config, Hidden, Section};
pub(crate) use error::Error;
pub(crate) use message::{Channel, Message};
pub(crate) use servers::Attempts;
use servers::{Server, Servers};
pub(crate) use target::Target;
pub(crate) use template::{Encoding, Template};
pub(crate) use unfilled::{Users, unfilled};

use crate::problem::Problem;

/// Sends codes. Cheap to clone; clones share everything.
#[derive(Clone)]
pub(crate) struct Delivery(Arc<Routes>);

struct Routes {
    email: Route<smtp::Mailer>,
    sms: Route<gateway::Client>,
    voice: Route<gateway::Client>,
    attempts: Attempts,
}

enum Route<T> {
    /// To servers.
    Servers(Servers<T>),
    /// To the log, in development.
    Log(Channel),
    /// Nowhere: the channel is not configured.
    Off(Channel),
}

impl Delivery {
    /// Reads certificates, password files and templates. Opens no connection.
    ///
    /// Errors: every problem of the configuration, each with its key (`email.server`), and with no
    /// password, URL, header or body.
    pub(crate) fn new(config: &Config) -> Result<Self, Vec<Problem>> {
        let Config { development, email, sms, voice } = config;
        let attempts = Attempts::default();
        let mut maker = Maker { development: *development, attempts: &attempts, problems: Vec::new() };
        let email = maker.route(Channel::Email, email, smtp::Mailer::new);
        let sms = maker.route(Channel::Sms, sms, gateway::Client::new);
        let voice = maker.route(Channel::Voice, voice, gateway::Client::new);
        if !maker.problems.is_empty() {
            return Err(maker.problems);
        }
        Ok(Self(Arc::new(Routes { email, sms, voice, attempts })))
    }

    /// Sends a code, within the configured time-outs. If a server does not take it, the next one of
    /// the channel gets the same code. Must be called in a tokio runtime with I/O and time.
    ///
    /// Errors: what failed, and whether trying again may help.
    pub(crate) async fn send(&self, message: &Message<'_>) -> Result<(), Error> {
        match message.channel {
            Channel::Email => self.0.email.send(message).await,
            Channel::Sms => self.0.sms.send(message).await,
            Channel::Voice => self.0.voice.send(message).await,
        }
    }

    /// A line for each server of a channel, or what becomes of its codes without one.
    pub(crate) fn summary(&self) -> Vec<String> {
        [self.0.email.summary(), self.0.sms.summary(), self.0.voice.summary()].concat()
    }

    /// The counts of attempts, which go on counting.
    pub(crate) fn attempts(&self) -> Attempts {
        self.0.attempts.clone()
    }
}

/// Makes routes, and collects the problems of all.
struct Maker<'m> {
    development: bool,
    attempts: &'m Attempts,
    problems: Vec<Problem>,
}

impl Maker<'_> {
    /// The route of a channel. It lacks the servers that have problems.
    fn route<C: Settings, T: Server>(
        &mut self,
        channel: Channel,
        sections: &[Section<C>],
        new: impl Fn(&Section<C>, &mut Vec<Problem>) -> Option<T>,
    ) -> Route<T> {
        if sections.is_empty() {
            return if self.development { Route::Log(channel) } else { Route::Off(channel) };
        }
        config::check_together(channel, sections, &mut self.problems);
        let mut servers = Servers::new(channel, self.attempts);
        for section in sections {
            if let Some(server) = new(section, &mut self.problems) {
                servers.push(server, section);
            }
        }
        Route::Servers(servers)
    }
}

impl<T: Server> Route<T> {
    async fn send(&self, message: &Message<'_>) -> Result<(), Error> {
        match self {
            Self::Servers(servers) => servers.send(message).await,
            Self::Log(_) => print(message),
            Self::Off(channel) => Err(not_configured(*channel)),
        }
    }

    fn summary(&self) -> Vec<String> {
        match self {
            Self::Servers(servers) => servers.summary(),
            Self::Log(channel) => vec![format!("{channel}: printed to the log (development)")],
            Self::Off(channel) => vec![format!("{channel}: not configured, refused")],
        }
    }
}

/// Prints a code to the log. Names are quoted, so that none breaks out of its line.
#[expect(clippy::unnecessary_wraps, reason = "one of three routes, of which the others fail")]
fn print(message: &Message<'_>) -> Result<(), Error> {
    let Message { channel, to, code, user, .. } = message;
    tracing::warn!("development delivery: code for {user:?} by {channel} to {to:?}: {code}");
    Ok(())
}

fn not_configured(channel: Channel) -> Error {
    let key = channel.key();
    Error::permanent(format!("{channel} is not configured: there is no [{key}], and development is false"))
}
