//! What a receiver asks for by a poll (RFC 8936 section 2.2), within limits.

use std::collections::BTreeMap;

use keyfob_scim::Error;
use serde_json::Value;

use super::body::Members;

/// How many tokens a response has, if the request does not say.
const DEFAULT_EVENTS: u32 = 100;
/// The most tokens of a response.
const MAX_EVENTS: u32 = 1000;
/// The most tokens that one request accepts and refuses.
const MAX_OUTCOMES: usize = 10_000;
/// The longest error of a refused token.
const MAX_ERROR_CHARS: usize = 500;

/// A poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PollRequest {
    /// The most tokens of the response.
    pub(super) max_events: u32,
    /// Whether the response waits for no event.
    pub(super) is_immediate: bool,
    /// The numbers of tokens that the receiver has stored.
    pub(super) accepted: Vec<String>,
    /// The numbers of tokens that it refuses, each with its error in a line.
    pub(super) refused: BTreeMap<String, String>,
}

impl PollRequest {
    /// Reads the body of a poll. Members that RFC 8936 does not have are ignored.
    ///
    /// Errors: 400 for a wrong type, 413 for too many tokens.
    pub(super) fn new(mut body: Members) -> Result<Self, Error> {
        let max_events = match body.take("maxEvents") {
            None => DEFAULT_EVENTS,
            Some(number) => number
                .as_u64()
                .map(|number| u32::try_from(number).unwrap_or(u32::MAX))
                .ok_or_else(|| Error::new(400, "maxEvents: must be a number, 0 or more"))?,
        };
        let is_immediate = match body.take("returnImmediately") {
            None => false,
            Some(value) => value.as_bool().ok_or_else(|| Error::new(400, "returnImmediately: must be true or false"))?,
        };
        let accepted = match body.take("ack") {
            None => Vec::new(),
            Some(Value::Array(jtis)) => jtis.into_iter().map(jti).collect::<Result<_, _>>()?,
            Some(_) => return Err(not_jtis()),
        };
        let refused: BTreeMap<_, _> = match body.take("setErrs") {
            None => BTreeMap::new(),
            Some(Value::Object(errors)) => {
                errors.into_iter().map(|(jti, error)| Ok((jti, line(&error)?))).collect::<Result<_, Error>>()?
            }
            Some(_) => return Err(not_errors()),
        };
        if accepted.len().saturating_add(refused.len()) > MAX_OUTCOMES {
            return Err(Error::new(
                413,
                format!("ack, setErrs: have more than {MAX_OUTCOMES} tokens; send some with another poll"),
            ));
        }
        Ok(Self { max_events: max_events.min(MAX_EVENTS), is_immediate, accepted, refused })
    }
}

fn jti(value: Value) -> Result<String, Error> {
    match value {
        Value::String(jti) => Ok(jti),
        _ => Err(not_jtis()),
    }
}

fn not_jtis() -> Error {
    Error::new(400, "ack: must be a list of the jti of tokens")
}

fn not_errors() -> Error {
    Error::new(400, "setErrs: must be an object that has for the jti of each token {\"err\": CODE, \"description\": TEXT}")
}

/// An error in one line, without what could change a terminal or the order of a text.
fn line(error: &Value) -> Result<String, Error> {
    let members = error.as_object().ok_or_else(not_errors)?;
    let code = members.get("err").and_then(Value::as_str).ok_or_else(not_errors)?;
    let description = match members.get("description") {
        None | Some(Value::Null) => "",
        Some(text) => text.as_str().ok_or_else(not_errors)?,
    };
    let separator = if description.is_empty() { "" } else { ": " };
    let text = [code, separator, description].concat();
    Ok(text.chars().map(|char| if char.is_control() { ' ' } else { char }).take(MAX_ERROR_CHARS).collect())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use proptest::prelude::*;

    use super::*;

    fn parse(body: &str) -> Result<PollRequest, Error> {
        PollRequest::new(Members::parse(&HeaderMap::new(), body.as_bytes())?)
    }

    #[test]
    fn members_are_read_and_others_ignored() {
        let none = PollRequest { max_events: 100, is_immediate: false, accepted: Vec::new(), refused: BTreeMap::new() };
        assert_eq!(parse("{}"), Ok(none.clone()));
        assert_eq!(parse(r#"{"maxEvents": null, "ack": null, "setErrs": null, "returnImmediately": null, "x": [1]}"#), Ok(none));
        let all = parse(
            r#"{"maxEvents": 4294967296, "returnImmediately": true, "ack": ["1-a", "2-b"],
                "setErrs": {"3-c": {"err": "invalid_key", "description": "no\nkey"}, "4-d": {"err": "access_denied"}}}"#,
        );
        let refused = [("3-c", "invalid_key: no key"), ("4-d", "access_denied")];
        assert_eq!(
            all,
            Ok(PollRequest {
                max_events: MAX_EVENTS,
                is_immediate: true,
                accepted: vec!["1-a".into(), "2-b".into()],
                refused: refused.into_iter().map(|(jti, error)| (jti.into(), error.into())).collect(),
            })
        );
        let long = parse(&format!(r#"{{"setErrs": {{"1-a": {{"err": "{}"}}}}}}"#, "é".repeat(5000)));
        assert_eq!(long.unwrap().refused["1-a"].chars().count(), MAX_ERROR_CHARS);
    }

    #[test]
    fn wrong_members_are_refused_by_name() {
        for (body, status, named) in [
            ("", 400, "no JSON"),
            ("no JSON", 400, "line 1"),
            ("[]", 400, "object"),
            ("null", 400, "object"),
            (r#"{"maxEvents": -1}"#, 400, "maxEvents"),
            (r#"{"maxEvents": 1.5}"#, 400, "maxEvents"),
            (r#"{"maxEvents": "2"}"#, 400, "maxEvents"),
            (r#"{"returnImmediately": 1}"#, 400, "returnImmediately"),
            (r#"{"ack": "a"}"#, 400, "ack"),
            (r#"{"ack": [1]}"#, 400, "ack"),
            (r#"{"ack": {}}"#, 400, "ack"),
            (r#"{"setErrs": []}"#, 400, "setErrs"),
            (r#"{"setErrs": {"1-a": "no"}}"#, 400, "setErrs"),
            (r#"{"setErrs": {"1-a": {}}}"#, 400, "setErrs"),
            (r#"{"setErrs": {"1-a": {"err": "x", "description": 1}}}"#, 400, "setErrs"),
        ] {
            let error = parse(body).unwrap_err();
            assert!(error.status == status && error.detail.contains(named), "{body}: {error}");
        }
        let many = vec!["\"1-a\""; MAX_OUTCOMES + 1].join(",");
        assert_eq!(parse(&format!(r#"{{"ack": [{many}]}}"#)).unwrap_err().status, 413);
        // Deep nesting is no stack.
        assert_eq!(parse(&"[".repeat(100_000)).unwrap_err().status, 400);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in r#"[\[\]{}:,"0-9a-z\\ ackmxEvntsrI-]{0,60}"#) {
            if let Err(error) = parse(&text) {
                prop_assert!(error.status == 400, "{error}");
            }
        }
    }
}
