//! Text messages and calls: one HTTP request to a gateway, on a connection of its own.
//!
//! No redirect is followed and no proxy is used: a code goes where the configuration says and
//! nowhere else.

use std::fmt;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::config::{Check, Gateway};
use super::request::Request;
use super::wire::{self, Asked, Tls};
use super::{Channel, Failure, Message, Values};
use crate::problem::Problem;
use crate::tls;

/// The most that is read of an answer, in bytes.
const LIMIT: usize = 64 * 1024;

/// A gateway, ready to send.
pub(super) struct Client {
    channel: Channel,
    request: Request,
    tls: Option<Tls>,
    success_text: Option<String>,
    limit: Duration,
}

impl Client {
    /// Errors: none, and what is wrong is added to `problems`.
    pub(super) fn new(channel: Channel, config: &Gateway, problems: &mut Vec<Problem>) -> Option<Self> {
        let mut check = Check::new(channel.key(), problems);
        let request = Request::new(channel, config, &mut check);
        let limit = check.timeout(config.timeout);
        if config.success_text.as_deref() == Some("") {
            check.wrong("success_text", "must not be empty; leave it out to go by the status alone");
        }
        let encrypted = request.as_ref().is_some_and(|request| request.target.encrypted);
        if request.is_some() && !encrypted && config.ca_file.is_some() {
            check.wrong("ca_file", "is of use with an https URL only");
        }
        let request = request?;
        let mut tls = None;
        if encrypted {
            let authorities = check.ok("ca_file", tls::authorities(config.ca_file.as_deref()))?;
            tls = Some(check.ok("url", Tls::new(authorities, Some("http/1.1"), &request.target.host))?);
        }
        Some(Self { channel, request, tls, success_text: config.success_text.clone(), limit: limit? })
    }

    /// Errors: as `Delivery::send`.
    pub(super) async fn send(&self, message: &Message<'_>) -> Result<(), Failure> {
        let request = self.request.render(&Values::new(message))?;
        match timeout(self.limit, self.exchange(request)).await {
            Ok(result) => result,
            Err(_) => Err(Failure::passing(format!("{self}: no answer within {:?}", self.limit))),
        }
    }

    async fn exchange(&self, request: hyper::Request<Full<Bytes>>) -> Result<(), Failure> {
        let target = &self.request.target;
        // One silent address must not use up the time of the others.
        let limit = self.limit.checked_div(3).unwrap_or(self.limit);
        let asked = Asked::default();
        let broken = |error: io::Error| wire::failure(self, &error, &asked);
        let stream = wire::connect(&target.host, target.port, limit).await.map_err(broken)?;
        match &self.tls {
            None => self.talk(stream, request, &asked).await,
            Some(tls) => self.talk(tls.connect(stream, &asked).await.map_err(broken)?, request, &asked).await,
        }
    }

    async fn talk<S>(&self, stream: S, request: hyper::Request<Full<Bytes>>, asked: &Asked) -> Result<(), Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let broken = |error: hyper::Error| wire::failure(self, &error, asked);
        // Some old gateways know headers only with capital letters.
        let handshake = http1::Builder::new().title_case_headers(true).handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(broken)?;
        // Ends with this call, whichever way that ends.
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        match sender.send_request(request).await {
            Ok(response) => self.judge(response, asked).await,
            // The connection knows the cause of an end before the request was sent.
            Err(error) => match driver.join_next().await {
                Some(Ok(Err(cause))) => Err(broken(cause)),
                _ => Err(broken(error)),
            },
        }
    }

    /// Whether the gateway has taken the message.
    async fn judge(&self, response: Response<Incoming>, asked: &Asked) -> Result<(), Failure> {
        let status = response.status();
        if !status.is_success() {
            let passing = status.is_server_error()
                || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS].contains(&status);
            let hint = match status {
                _ if status.is_redirection() => "; redirects are not followed, put the final place into url",
                // Some servers end the handshake well and refuse in HTTP: nginx with 400.
                StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => asked.hint(),
                _ => "",
            };
            if tracing::enabled!(tracing::Level::DEBUG) {
                self.tell(&read(response.into_body()).await.0);
            }
            let what = format!("{self}: answered {status}{hint}");
            return Err(if passing { Failure::passing(what) } else { Failure::lasting(what) });
        }
        let Some(text) = &self.success_text else { return Ok(()) };
        let (answer, whole) = read(response.into_body()).await;
        if answer.windows(text.len()).any(|window| window == text.as_bytes()) {
            return Ok(());
        }
        self.tell(&answer);
        if whole {
            Err(Failure::lasting(format!("{self}: answered {status}, but without the text of {}.success_text", self.channel.key())))
        } else {
            Err(Failure::passing(format!("{self}: closed the connection within its answer")))
        }
    }

    /// Shows the begin of a refusal to whoever looks for the reason.
    fn tell(&self, answer: &[u8]) {
        // Made only if it is shown.
        tracing::debug!("{self}: answered {:?}", excerpt(&String::from_utf8_lossy(answer)));
    }
}

impl fmt::Display for Client {
    /// Nothing of the URL but host and port: the rest may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = &self.request.target;
        let host = target.authority.host();
        write!(f, "{host}:{} ({})", target.port, if target.encrypted { "TLS" } else { "not encrypted" })
    }
}

/// The answer up to the limit, and whether nothing broke before its end.
async fn read(mut body: Incoming) -> (Zeroizing<Vec<u8>>, bool) {
    let mut answer = Zeroizing::new(Vec::with_capacity(LIMIT));
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return (answer, false) };
        let room = LIMIT.saturating_sub(answer.len());
        if let Some(data) = frame.data_ref() {
            answer.extend_from_slice(data.get(..room).unwrap_or(data));
        }
        if answer.len() >= LIMIT {
            break;
        }
    }
    (answer, true)
}

/// The first 200 characters, without any word that has a digit, and without long ones: the gateway
/// may repeat the code, however it writes it, the phone number, or a key.
pub(super) fn excerpt(answer: &str) -> String {
    let word = |c: char| c.is_alphanumeric() || "_-".contains(c);
    let mut out = String::new();
    let mut rest = answer;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| word(c) != word(first)).unwrap_or(rest.len());
        let (run, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        let hide = word(first) && (run.len() >= 16 || run.contains(char::is_numeric));
        out.push_str(if hide { "***" } else { run });
        rest = behind;
    }
    out.chars().take(200).collect()
}
