//! Streams: each receiver has one, which is made in the configuration (SSF 1.0 section 8.1.1).

use keyfob_scim::{Error, Response, set};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::discovery::{POLL, PUSH};
use super::response;
use crate::signals::{Receiver, Rules, Signals};

/// The stream of a query, or all streams of an account in a list.
pub(super) fn get(signals: &Signals, account: &str, query: &str) -> Result<Response, Error> {
    if let Some(id) = stream_id(query) {
        return response::json(&describe(&signals.rules, own(signals, account, &id)?));
    }
    check_account(signals, account)?;
    let all: Vec<Value> = of_account(signals, account).map(|receiver| describe(&signals.rules, receiver)).collect();
    response::json(&all)
}

/// The receiver of a stream that an account may use.
///
/// Errors: 403 for an account of another receiver or of none, 404 for no stream.
pub(super) fn own<'s>(signals: &'s Signals, account: &str, id: &str) -> Result<&'s Receiver, Error> {
    check_account(signals, account)?;
    let receiver = signals.receiver(id).ok_or_else(|| Error::new(404, "there is no stream with this id"))?;
    if receiver.account.as_deref() == Some(account) {
        return Ok(receiver);
    }
    Err(Error::new(403, "this stream is of another account; it is named by receiver.account"))
}

/// Errors: 403 for an account of no receiver.
fn check_account(signals: &Signals, account: &str) -> Result<(), Error> {
    if of_account(signals, account).next().is_some() {
        return Ok(());
    }
    Err(Error::new(403, "this account is of no receiver; receiver.account names the account of each"))
}

fn of_account<'s>(signals: &'s Signals, account: &str) -> impl Iterator<Item = &'s Receiver> {
    let all = signals.rules.receivers.iter().map(AsRef::as_ref);
    all.filter(move |receiver: &&Receiver| receiver.account.as_deref() == Some(account))
}

/// The stream that a query names.
pub(super) fn stream_id(query: &str) -> Option<String> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("stream_id="))?;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
}

/// A stream as its receiver sees it.
fn describe(rules: &Rules, receiver: &Receiver) -> Value {
    let delivery = match &receiver.push {
        None => json!({"method": POLL, "endpoint_url": format!("{}/ssf/poll/{}", rules.base_url, receiver.name)}),
        Some(push) => {
            let scheme = if push.target.is_encrypted { "https" } else { "http" };
            // Without the query, which may be a secret.
            let url = format!("{scheme}://{}{}", push.target.authority, push.path.path());
            json!({"method": PUSH, "endpoint_url": url})
        }
    };
    let events = event_types(rules);
    json!({
        "stream_id": receiver.name,
        "iss": rules.issuer,
        "aud": receiver.audience,
        "delivery": delivery,
        "events_supported": events,
        "events_delivered": events,
    })
}

/// The types of the events that all streams have.
fn event_types(rules: &Rules) -> Vec<&'static str> {
    let credentials = [set::CREDENTIAL_CHANGE, set::CREDENTIAL_COMPROMISE];
    let resources = [set::SCIM_CREATE, set::SCIM_PUT, set::SCIM_PATCH, set::SCIM_DELETE];
    let credentials = credentials.into_iter().filter(|_| rules.has_credential_events);
    credentials.chain(resources.into_iter().filter(|_| rules.has_scim_events)).collect()
}

#[cfg(test)]
mod tests {
    use super::stream_id;

    #[test]
    fn query_names_a_stream() {
        for (query, expected) in [
            ("stream_id=idp", Some("idp")),
            ("a=b&stream_id=i%64p&c", Some("idp")),
            ("stream_id=", Some("")),
            ("stream_id=%ff", Some("\u{fffd}")),
            ("stream_id", None),
            ("", None),
        ] {
            assert_eq!(stream_id(query).as_deref(), expected, "{query}");
        }
    }
}
