//! What a response says of a token (RFC 8935 section 2.4).

use std::time::{Duration, SystemTime};

use hyper::StatusCode;
use serde::Deserialize;

use super::pause;

/// The errors of a response 400 that are no fault of the token: either side may still be set up.
const SETUP_ERRORS: [&str; 5] = ["invalid_key", "invalid_issuer", "invalid_audience", "authentication_failed", "access_denied"];
/// How much of a receiver's text is kept.
const MAX_TEXT_CHARS: usize = 200;

/// What becomes of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The receiver has it.
    Accepted,
    /// The receiver will never take it, for this reason.
    Refused(String),
    /// It is sent again.
    Failed(Failure),
}

/// Why a token was not taken, and may be later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// For the log: nothing of the token, and no text of the receiver but the name of an error.
    pub(super) cause: String,
    /// How long the receiver asks to wait.
    pub(super) pause: Duration,
}

impl Failure {
    pub(super) fn new(cause: String) -> Self {
        Self { cause, pause: Duration::ZERO }
    }
}

/// The body of a response 400 (RFC 8935 section 2.3).
#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorBody {
    err: String,
    description: String,
}

/// What a response says.
pub(super) fn verdict(status: StatusCode, retry_after: Option<&str>, body: &[u8], now: SystemTime) -> Verdict {
    let cause = || format!("it responded {status}");
    match status {
        _ if status.is_success() => Verdict::Accepted,
        StatusCode::PAYLOAD_TOO_LARGE => Verdict::Refused(cause()),
        StatusCode::BAD_REQUEST => refusal(body),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let pause = retry_after.and_then(|value| pause::asked(value, now)).unwrap_or_default();
            Verdict::Failed(Failure { cause: cause(), pause })
        }
        _ if status.is_redirection() => {
            Verdict::Failed(Failure::new(format!("{}; redirects are not followed: put the final address into url", cause())))
        }
        _ => Verdict::Failed(Failure::new(cause())),
    }
}

/// What a response 400 says. One without an error is none of RFC 8935, but of a server before the
/// receiver.
fn refusal(body: &[u8]) -> Verdict {
    let ErrorBody { err, description } = serde_json::from_slice(body).unwrap_or_default();
    if SETUP_ERRORS.contains(&err.as_str()) {
        return Verdict::Failed(Failure::new(format!("it responded 400 with {err}")));
    }
    if err.is_empty() {
        return Verdict::Failed(Failure::new("it responded 400, without an error of RFC 8935".to_owned()));
    }
    let separator = if description.is_empty() { "" } else { ": " };
    let text = format!("{err}{separator}{description}");
    let line = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_TEXT_CHARS);
    Verdict::Refused(format!("it responded 400 with {}", line.collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(status: u16, body: &str) -> Verdict {
        verdict(StatusCode::from_u16(status).unwrap(), None, body.as_bytes(), SystemTime::now())
    }

    fn cause(verdict: Verdict) -> String {
        let Verdict::Failed(failure) = verdict else { panic!("{verdict:?}") };
        assert_eq!(failure.pause, Duration::ZERO);
        failure.cause
    }

    #[test]
    fn success_is_accepted_whatever_its_body() {
        for status in [200, 202, 204, 299] {
            assert_eq!(says(status, "{\"err\": \"invalid_request\"}"), Verdict::Accepted);
        }
    }

    #[test]
    fn refused_token_is_given_up_and_one_that_setup_may_help_is_not() {
        let refused = |body: &str| says(400, body);
        let reason = "it responded 400 with invalid_request: no  such event";
        assert_eq!(refused(r#"{"err": "invalid_request", "description": "no\r\nsuch event"}"#), Verdict::Refused(reason.into()));
        assert_eq!(refused(r#"{"err": "its_own"}"#), Verdict::Refused("it responded 400 with its_own".into()));
        assert!(matches!(says(413, ""), Verdict::Refused(reason) if reason.contains("413")));
        for error in SETUP_ERRORS {
            let cause = cause(refused(&format!(r#"{{"err": "{error}", "description": "alice"}}"#)));
            assert!(cause.contains(error) && !cause.contains("alice"), "{cause}");
        }
        for body in ["", "<html>", "{}", "[]", r#"{"err": 7}"#, r#"{"err": "invalid_req"#] {
            assert!(cause(refused(body)).contains("without an error"), "{body}");
        }
        let Verdict::Refused(reason) = refused(&format!(r#"{{"err": "{}"}}"#, "x".repeat(10_000))) else { panic!("refused") };
        assert!(reason.len() < 300);
    }

    #[test]
    fn other_responses_have_the_token_sent_again() {
        for status in [301, 302, 303, 307, 308, 401, 403, 404, 405, 408, 410, 415, 422, 429, 500, 501, 502, 503, 504, 599] {
            assert!(cause(says(status, r#"{"err": "invalid_request"}"#)).contains(&status.to_string()), "{status}");
        }
    }

    #[test]
    fn pause_is_as_long_as_the_receiver_asks() {
        let pause = |status, value| match verdict(status, Some(value), b"", SystemTime::now()) {
            Verdict::Failed(failure) => failure.pause.as_secs(),
            other => panic!("{other:?}"),
        };
        assert_eq!(pause(StatusCode::TOO_MANY_REQUESTS, "7"), 7);
        assert_eq!(pause(StatusCode::SERVICE_UNAVAILABLE, "7"), 7);
        assert_eq!(pause(StatusCode::SERVICE_UNAVAILABLE, "soon"), 0);
        assert_eq!(pause(StatusCode::INTERNAL_SERVER_ERROR, "7"), 0);
    }
}
