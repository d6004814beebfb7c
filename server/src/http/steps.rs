//! The steps of an operation, over the store and the delivery.

use std::collections::BTreeMap;

use keyfob::Kind;
use keyfob_scim::{Error, EventKind, Message, Response, Step};

use super::app::App;
use super::requests::Client;
use crate::delivery::{self, Channel};
use crate::store::{Listed, Note, Stepped};

/// Runs an operation of an account, from its first step to the response.
pub(super) async fn run(app: &App, mut step: Step, account: &str, client: &Client) -> Result<Response, Error> {
    loop {
        step = match step {
            Step::Done(response) => {
                if let Some(refused) = &response.refused_number {
                    app.metrics.messages().count_refused_number(refused);
                }
                return Ok(response);
            }
            Step::Get { id, to_swap: false, then } => then(app.store.get(id).await?),
            step @ (Step::Get { .. } | Step::Swap { .. } | Step::CountedSwap { .. } | Step::Audit { .. }) => {
                let Stepped { step, note } = app.store.change(step).await?;
                if let Some(note) = note {
                    count(app, &note);
                }
                step
            }
            Step::Insert { entry, naming, event, signals, then } => {
                let (kind, reason) = (event.kind, event.reason.clone());
                let entry = Box::pin(app.store.insert(entry, naming, event, signals)).await?;
                app.metrics.count_event(kind, &reason);
                then(entry)
            }
            Step::List { query, then } => {
                let search = Box::pin(app.store.list(account, &query));
                let Listed { page, unreadable } = client.while_connected(search).await?;
                app.metrics.count_left_out(unreadable);
                then(page)
            }
            Step::Admit { cost_seconds, now, then } => then(Box::pin(app.store.admit(cost_seconds, now)).await?),
            // In a box: it is rare, and would make the future of every request as large.
            Step::Find { search, then } => {
                let search = Box::pin(app.store.find(account, search, |_| {}));
                let found = client.while_connected(search).await?;
                app.metrics.count_left_out(usize::try_from(found.unreadable).unwrap_or(usize::MAX));
                then(found)
            }
            Step::CheckUser { user, then } => then(app.config.users.as_ref().is_none_or(|users| users.contains_key(&user))),
            // In a box for the same reason.
            Step::Deliver { message, then } => then(Box::pin(deliver(app, &message)).await),
        }
    }
}

/// Counts what a request has done in the store.
fn count(app: &App, note: &Note) {
    let limits = &app.config.settings.message_limits;
    match note {
        Note::Line { event, phone } => {
            app.metrics.count_event(event.kind, &event.reason);
            if let (EventKind::Verify, true, Some(phone)) = (event.kind, event.success, phone) {
                app.metrics.messages().count_answered(limits.label(phone));
            }
        }
        Note::Full { limit, phone } => {
            // The status 429 alone could be a pause as well.
            tracing::info!(limit = limit.name(), "messages: a limit has refused a code");
            app.metrics.messages().count_refused(limit, phone.as_ref().map_or("", |phone| limits.label(phone)));
        }
    }
}

async fn deliver(app: &App, message: &Message) -> Result<(), String> {
    let none = BTreeMap::new();
    let attributes = app.config.users.as_ref().and_then(|users| users.get(&message.user)).unwrap_or(&none);
    let channel = match message.kind {
        Kind::Email => Channel::Email,
        _ if message.is_call => Channel::Voice,
        _ => Channel::Sms,
    };
    let sent = delivery::Message { channel, to: &message.to, code: &message.code, user: &message.user, attributes };
    let outcome = app.delivery.send(&sent).await;
    app.metrics.count_delivery(channel, outcome.is_ok());
    if outcome.is_ok() && message.kind == Kind::Sms {
        app.metrics.messages().count_sent(app.config.settings.message_limits.label(&message.to));
    }
    outcome.map_err(|error| {
        tracing::warn!(user = message.user, "delivery by {channel} failed: {error}");
        let text = error.client_text();
        if error.is_transient() { format!("{text}; request it again") } else { text.to_owned() }
    })
}
