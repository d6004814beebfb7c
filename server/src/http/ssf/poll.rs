//! The poll (RFC 8936): a receiver says what it has stored, and gets what is due. Without
//! `returnImmediately` it waits for an event.

use std::pin::pin;
use std::time::Duration;

use keyfob_scim::{Error, Response};
use serde::{Serialize, Serializer};

use super::body::Members;
use super::due::{Due, due};
use super::poll_request::PollRequest;
use super::streams::own;
use super::{outcomes, response};
use crate::http::app::App;
use crate::http::requests::Client;
use crate::signals::{MAX_WAITING_POLLS, Signals};

/// How long a poll waits for an event.
const MAX_WAIT: Duration = Duration::from_secs(30);
/// How often it looks for one. Other processes store events, too.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// After how many seconds another poll may have ended.
const FULL_RETRY_SECONDS: u64 = 5;

/// Serves a poll of a receiver for its account.
pub(super) async fn poll(
    app: &App,
    signals: &Signals,
    account: &str,
    name: &str,
    body: Members,
    client: &Client,
) -> Result<Response, Error> {
    let receiver = own(signals, account, name)?;
    if receiver.push.is_some() {
        return Err(Error::new(404, "the tokens of this receiver are pushed; it polls if its configuration has no url"));
    }
    let request = PollRequest::new(body)?;
    outcomes::take(&app.store, &signals.metrics, &receiver.name, &request).await?;
    let (mut stop, mut stored) = (app.stop.clone(), app.store.signals_stored());
    let mut end = pin!(async {
        tokio::select! {
            () = tokio::time::sleep(MAX_WAIT) => {}
            _ = stop.wait_for(|is_stopped| *is_stopped) => {}
        }
    });
    let mut disconnected = pin!(client.disconnected());
    let mut place = None;
    let mut is_last = request.is_immediate || request.max_events == 0;
    loop {
        let due = due(app, signals, receiver, request.max_events).await?;
        if is_last || !due.tokens.is_empty() {
            return response::json(&Reply::from(due));
        }
        if place.is_none() {
            place = Some(signals.polls.take(&receiver.name).ok_or_else(too_many)?);
        }
        // Of the oldest ones no token could be made, and others are due at once.
        let pause = if due.has_more { Duration::ZERO } else { CHECK_INTERVAL };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            Ok(()) = stored.changed() => {}
            () = &mut end => is_last = true,
            () = &mut disconnected => {
                return Err(Error::new(499, "the client closed its side of the connection while its poll waited; keep it open"));
            }
        }
    }
}

fn too_many() -> Error {
    let detail = format!("{MAX_WAITING_POLLS} polls of this receiver wait already; end one, or send returnImmediately");
    Error::new(429, detail).with_retry_after(FULL_RETRY_SECONDS)
}

/// The body of a response.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Reply {
    #[serde(serialize_with = "in_order")]
    sets: Vec<(String, String)>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    more_available: bool,
}

impl From<Due> for Reply {
    fn from(due: Due) -> Self {
        Self { sets: due.tokens, more_available: due.has_more }
    }
}

/// Writes an object whose members are in the order of the tokens, for receivers that keep it.
fn in_order<S: Serializer>(tokens: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(tokens.iter().map(|(jti, token)| (jti, token)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_stay_in_their_order() {
        let text = |has_more| {
            let tokens = vec![("a-1".to_owned(), "x".to_owned()), ("10-2".to_owned(), "y".to_owned())];
            serde_json::to_string(&Reply::from(Due { tokens, has_more })).unwrap()
        };
        assert_eq!(text(false), r#"{"sets":{"a-1":"x","10-2":"y"}}"#);
        assert_eq!(text(true), r#"{"sets":{"a-1":"x","10-2":"y"},"moreAvailable":true}"#);
    }
}
