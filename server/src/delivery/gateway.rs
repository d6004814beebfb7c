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

use super::config::{Check, Gateway, Section};
use super::connection;
use super::error::Error;
use super::message::Message;
use super::request::Request;
use super::servers::Server;
use super::values::Values;
use crate::connection::{CertificateRequest, Tls, connect};
use crate::problem::Problem;
use crate::tls;

/// How much of a response is read.
const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// A gateway, ready to send.
pub(super) struct Client {
    /// The path of its table.
    path: String,
    name: Option<String>,
    request: Request,
    tls: Option<Tls>,
    success_text: Option<String>,
    timeout: Duration,
}

impl Client {
    /// Errors: none, and what is wrong is added to `problems`.
    pub(super) fn new(section: &Section<Gateway>, problems: &mut Vec<Problem>) -> Option<Self> {
        let Section { path, settings: config, .. } = section;
        let mut check = Check::new(path, problems);
        let request = Request::new(path, config, &mut check);
        let timeout = check.timeout("timeout", config.timeout);
        if config.success_text.as_deref() == Some("") {
            check.wrong("success_text", "must not be empty; leave it out to go by the status alone");
        }
        let is_encrypted = request.as_ref().is_some_and(|request| request.target.is_encrypted);
        if request.is_some() && !is_encrypted && config.ca_file.is_some() {
            check.wrong("ca_file", "needs an https URL");
        }
        let request = request?;
        let mut tls = None;
        if is_encrypted {
            let authorities = check.ok("ca_file", tls::authorities(config.ca_file.as_deref()))?;
            tls = Some(check.ok("url", Tls::new(authorities, Some("http/1.1"), &request.target.host))?);
        }
        Some(Self {
            path: path.clone(),
            name: config.name.clone(),
            request,
            tls,
            success_text: config.success_text.clone(),
            timeout: timeout?,
        })
    }

    async fn exchange(&self, request: hyper::Request<Full<Bytes>>) -> Result<(), Error> {
        let target = &self.request.target;
        // For each address of the host: a silent one must not use up the time of the others.
        let limit = self.timeout.checked_div(3).unwrap_or(self.timeout);
        let asked = CertificateRequest::default();
        let failed = |error: io::Error| connection::error(&error, &asked);
        let stream = connect(&target.host, target.port, limit).await.map_err(failed)?;
        match &self.tls {
            None => self.request_over(stream, request, &asked).await,
            Some(tls) => self.request_over(tls.connect(stream, &asked).await.map_err(failed)?, request, &asked).await,
        }
    }

    async fn request_over<S>(
        &self,
        stream: S,
        request: hyper::Request<Full<Bytes>>,
        asked: &CertificateRequest,
    ) -> Result<(), Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let failed = |error: hyper::Error| connection::error(&error, asked);
        // Some old gateways know headers only with capital letters.
        let handshake = http1::Builder::new().title_case_headers(true).handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(failed)?;
        // Ends with this call, however that ends.
        let mut driver = JoinSet::new();
        driver.spawn(connection);
        match sender.send_request(request).await {
            Ok(response) => self.check(response, asked).await,
            // If the connection ended before the request was sent, it knows the cause.
            Err(error) => match driver.join_next().await {
                Some(Ok(Err(cause))) => Err(failed(cause)),
                _ => Err(failed(error)),
            },
        }
    }

    /// Whether the gateway has taken the message.
    async fn check(&self, response: Response<Incoming>, asked: &CertificateRequest) -> Result<(), Error> {
        let status = response.status();
        if !status.is_success() {
            let is_transient = status.is_server_error()
                || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS].contains(&status);
            let hint = match status {
                _ if status.is_redirection() => "; redirects are not followed: put the final address into url",
                // Some servers finish the handshake and refuse in HTTP: nginx with 400.
                StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => asked.hint(),
                _ => "",
            };
            if tracing::enabled!(tracing::Level::DEBUG) {
                self.log(&read(response.into_body()).await.0);
            }
            let text = format!("answered {status}{hint}");
            return Err(match status {
                // A proxy says that what is behind it gives no answer, and may say so late.
                StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => Error::unanswered(text),
                _ if is_transient => Error::transient(text),
                _ => Error::permanent(text),
            });
        }
        let Some(text) = &self.success_text else { return Ok(()) };
        let (answer, whole) = read(response.into_body()).await;
        if answer.windows(text.len()).any(|window| window == text.as_bytes()) {
            return Ok(());
        }
        self.log(&answer);
        if whole {
            Err(Error::permanent(format!("answered {status}, but without the text of {}.success_text", self.path)))
        } else {
            Err(Error::unanswered("closed the connection within its answer"))
        }
    }

    /// Logs the beginning of a refusal, for debugging.
    fn log(&self, answer: &[u8]) {
        // The macro evaluates this only if it logs.
        tracing::debug!("{self}: answered {:?}", excerpt(&String::from_utf8_lossy(answer)));
    }
}

impl Server for Client {
    async fn send(&self, message: &Message<'_>) -> Result<(), Error> {
        let request = self.request.render(&Values::new(message))?;
        match timeout(self.timeout, self.exchange(request)).await {
            Ok(result) => result,
            Err(_) => Err(Error::unanswered(format!("no answer within {:?}", self.timeout))),
        }
    }
}

impl fmt::Display for Client {
    /// Nothing of the URL but host and port: the rest may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{name} at ")?;
        }
        let target = &self.request.target;
        let host = target.authority.host();
        write!(f, "{host}:{} ({})", target.port, if target.is_encrypted { "TLS" } else { "not encrypted" })
    }
}

/// The response up to [`MAX_RESPONSE_BYTES`], and whether the connection held until then.
async fn read(mut body: Incoming) -> (Zeroizing<Vec<u8>>, bool) {
    let mut answer = Zeroizing::new(Vec::with_capacity(MAX_RESPONSE_BYTES));
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return (answer, false) };
        let room = MAX_RESPONSE_BYTES.saturating_sub(answer.len());
        if let Some(data) = frame.data_ref() {
            answer.extend_from_slice(data.get(..room).unwrap_or(data));
        }
        if answer.len() >= MAX_RESPONSE_BYTES {
            break;
        }
    }
    (answer, true)
}

/// The first 200 characters, without words that are long or have a digit. The gateway may repeat
/// the code in any form, the phone number, or a key.
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
