//! A connection to a receiver, which stays open and carries one token at a time.
//!
//! No redirect is followed and no proxy is used: a token goes where the configuration says and
//! nowhere else.

use std::error::Error as StdError;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use super::health::later;
use super::response::{Failure, Verdict, verdict};
use crate::connection::{CertificateRequest, cause, connect};
use crate::signals::Push;

/// How much of the head and of the body of a response is read.
const MAX_RESPONSE_BYTES: usize = 16 * 1024;

/// A connection, which opens and opens again as it is needed.
pub(super) struct Connection {
    push: Arc<Push>,
    headers: HeaderMap,
    open: Option<Open>,
}

/// An open connection.
struct Open {
    sender: SendRequest<Full<Bytes>>,
    /// Ends with the connection.
    driver: JoinSet<hyper::Result<()>>,
    asked: CertificateRequest,
}

impl Connection {
    pub(super) fn new(push: Arc<Push>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("keyfob/", env!("CARGO_PKG_VERSION"))));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/secevent+jwt"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Ok(host) = HeaderValue::from_str(push.target.authority.as_str()) {
            headers.insert(HOST, host);
        }
        let bearer = push.token.as_ref().map(|token| HeaderValue::try_from(format!("Bearer {}", token.expose())));
        if let Some(Ok(mut bearer)) = bearer {
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        Self { push, headers, open: None }
    }

    /// Sends a token, within the time-out of the receiver.
    pub(super) async fn send(&mut self, token: String) -> Verdict {
        let end = later(tokio::time::Instant::now(), self.push.timeout);
        let (open, response) = match timeout_at(end, self.exchange(Bytes::from(token))).await {
            Ok(Ok(exchanged)) => exchanged,
            Ok(Err(cause)) => return Verdict::Failed(Failure::new(cause)),
            Err(_) => return Verdict::Failed(Failure::new(format!("it did not respond within {:?}", self.push.timeout))),
        };
        let (head, mut body) = response.into_parts();
        let mut text = Vec::new();
        // The status counts even if the rest does not come.
        if timeout_at(end, read(&mut body, &mut text)).await == Ok(true) {
            self.open = Some(open);
        }
        let retry_after = head.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        verdict(head.status, retry_after, &text, SystemTime::now())
    }

    /// Sends a token, and returns the head of the response. Errors: why there is none.
    async fn exchange(&mut self, token: Bytes) -> Result<(Open, Response<Incoming>), String> {
        // The receiver may close a connection while a token is on its way. Then the token goes over
        // a new one. It may come twice, as after any lost response.
        if let Some(mut open) = self.open.take()
            && open.sender.ready().await.is_ok()
            && let Ok(response) = open.sender.send_request(self.request(token.clone())).await
        {
            return Ok((open, response));
        }
        let mut open = self.connect().await?;
        match open.sender.send_request(self.request(token)).await {
            Ok(response) => Ok((open, response)),
            // If the connection ended before the request was sent, it knows the cause.
            Err(error) => Err(match open.driver.join_next().await {
                Some(Ok(Err(ended))) => open.words(&ended),
                _ => open.words(&error),
            }),
        }
    }

    fn request(&self, token: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(token));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = Uri::from(self.push.path.clone());
        request.headers_mut().clone_from(&self.headers);
        request
    }

    /// Errors: why there is no connection.
    async fn connect(&self) -> Result<Open, String> {
        let Push { target, tls, timeout, .. } = &*self.push;
        // For each address of the host: a silent one must not use up the time of the others.
        let limit = timeout.checked_div(3).unwrap_or(*timeout);
        let asked = CertificateRequest::default();
        let words = |error: std::io::Error| cause(&error, &asked).0;
        let stream = connect(&target.host, target.port, limit).await.map_err(words)?;
        // Each token is one small write.
        let _ = stream.set_nodelay(true);
        match tls {
            None => open(stream, asked).await,
            Some(tls) => {
                let stream = tls.connect(stream, &asked).await.map_err(words)?;
                open(stream, asked).await
            }
        }
    }
}

impl Open {
    /// Why it has ended.
    fn words(&self, error: &(dyn StdError + 'static)) -> String {
        cause(error, &self.asked).0
    }
}

async fn open<S>(stream: S, asked: CertificateRequest) -> Result<Open, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut settings = http1::Builder::new();
    // Some old servers know headers only with capital letters.
    settings.title_case_headers(true).max_buf_size(MAX_RESPONSE_BYTES);
    let (sender, connection) = settings.handshake(TokioIo::new(stream)).await.map_err(|error| cause(&error, &asked).0)?;
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    Ok(Open { sender, driver, asked })
}

/// Reads a body up to [`MAX_RESPONSE_BYTES`]. Returns whether that is all of it.
async fn read(body: &mut Incoming, text: &mut Vec<u8>) -> bool {
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return false };
        let Some(data) = frame.data_ref() else { continue };
        let room = MAX_RESPONSE_BYTES.saturating_sub(text.len());
        text.extend_from_slice(data.get(..room).unwrap_or(data));
        if data.len() > room {
            return false;
        }
    }
    true
}
