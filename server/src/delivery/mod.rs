//! Delivery of codes: by e-mail, and as text messages or calls through HTTP gateways.
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
mod smtp;
mod target;
mod template;
mod unfilled;
mod values;

#[cfg(test)]
mod tests;

use std::fmt::Display;
use std::sync::Arc;

pub(crate) use config::Config;
pub(crate) use error::Error;
pub(crate) use message::{Channel, Message};
pub(crate) use unfilled::unfilled;

use crate::problem::Problem;

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
    /// To the log, in development.
    Log,
    /// Nowhere: the channel is not configured.
    Off,
}

impl Delivery {
    /// Reads certificates, password files and templates. Opens no connection.
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
    pub(crate) async fn send(&self, message: &Message<'_>) -> Result<(), Error> {
        match message.channel {
            Channel::Email => match &self.0.email {
                Route::Server(mailer) => mailer.send(message).await,
                Route::Log => print(message),
                Route::Off => Err(not_configured(message.channel)),
            },
            Channel::Sms => send_through(&self.0.sms, message).await,
            Channel::Voice => send_through(&self.0.voice, message).await,
        }
    }

    /// A line for each channel: where its codes go, or that they are printed to the log.
    pub(crate) fn summary(&self) -> Vec<String> {
        vec![summary(Channel::Email, &self.0.email), summary(Channel::Sms, &self.0.sms), summary(Channel::Voice, &self.0.voice)]
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

async fn send_through(route: &Route<gateway::Client>, message: &Message<'_>) -> Result<(), Error> {
    match route {
        Route::Server(client) => client.send(message).await,
        Route::Log => print(message),
        Route::Off => Err(not_configured(message.channel)),
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

fn summary(channel: Channel, route: &Route<impl Display>) -> String {
    match route {
        Route::Server(server) => format!("{channel}: {server}"),
        Route::Log => format!("{channel}: printed to the log (development)"),
        Route::Off => format!("{channel}: not configured, refused"),
    }
}
