//! One request: who asks, what for, and the steps to the answer.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Version, header};
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use keyfob::Kind;
use keyfob_scim::{Error, Message, Response, Route, Step};
use tracing::Instrument as _;

use super::accept::media_type;
use super::cors::Cors;
use super::listen::Peer;
use super::requests::Client;
use super::{App, health};
use crate::delivery::{self, Channel};
use crate::store::{Listed, Stepped};

/// The longest body, in bytes.
const BODY: usize = 1024 * 1024;
/// How long a body may take to arrive.
const SLOW: Duration = Duration::from_secs(20);
/// The longest request id that is taken over from a client, in bytes.
const ID: usize = 64;

/// Serves a request, whatever it is, to its end: a hash that runs holds its place, a wrong password
/// counts, and a code whose challenge is stored goes out, though the client closes the connection.
pub(crate) async fn serve(State(app): State<Arc<App>>, request: Request) -> axum::response::Response {
    let id = request_id(request.headers());
    let media_type = media_type(request.headers());
    let span = tracing::info_span!("request", id = %id);
    let answered = app.requests.run(told(Arc::clone(&app), request).instrument(span)).await;
    into_http(answered.unwrap_or_else(|_| Error::new(500, "the request could not be answered").into()), &id, media_type)
}

/// The answer, after the log and the metrics were told of it.
async fn told(app: Arc<App>, request: Request) -> Response {
    // Its place among all is held until the end.
    let (began, peer) = (Instant::now(), request.extensions().get::<Peer>().cloned());
    let client = Client(peer.as_ref().map(|peer| peer.side.clone()));
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let (response, operation) = answer(&app, request, &client).await;
    let (status, elapsed) = (response.status, began.elapsed());
    app.metrics.count(operation, status, elapsed);
    // The query may hold what people search for, and the body codes: neither is logged.
    tracing::info!(%method, path, status, micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX), "answered");
    response
}

/// The answer, and the name of the operation for the metrics.
async fn answer(app: &App, request: Request, client: &Client) -> (Response, &'static str) {
    let path = request.uri().path();
    if let Some(fault) = host_fault(&request) {
        return (Error::new(400, fault).into(), "unknown");
    }
    // Before all else, for below an empty base is everything.
    if let Some(answered) = health::answer(app, path).await {
        return answered;
    }
    let Some(route) = below(path, &app.config.base_path).map(Route::from_path) else {
        return (
            Error::new(404, format!("there is nothing here; SCIM is at {}/OtpDevice", app.config.base_path)).into(),
            "unknown",
        );
    };
    let operation = route.operation(request.method().as_str().parse().ok());
    let cors = Cors::of(&app.config.allowed_origins, request.method(), request.headers());
    let response = match cors.preflight() {
        Some(response) => response,
        None => in_scim(app, route, request, client).await.unwrap_or_else(|refused| refused),
    };
    (cors.told(response), operation)
}

async fn in_scim(app: &App, route: Route, request: Request, client: &Client) -> Result<Response, Response> {
    let peer = request.extensions().get::<Peer>();
    let from = peer.map_or(IpAddr::from([0; 4]), |peer| peer.address.ip());
    let who = match app.accounts.identify(request.headers(), from, &app.store, &app.metrics).await {
        Ok(who) => who,
        Err(refusal) => {
            // While it waits for its time, others need the connection more.
            let again = peer.is_some_and(Peer::gives_way);
            return Err(refusal.in_time(again).await);
        }
    };
    let (parts, body) = request.into_parts();
    let Ok(method) = parts.method.as_str().parse() else { return Ok(route.method_not_allowed()) };
    let body = read(body).await.map_err(Response::from)?;
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_err(|_| Response::from(Error::new(503, "the clock of this machine is wrong")))?;
    let text = |name| parts.headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("?"));
    let step = app.service.handle(keyfob_scim::Request {
        method,
        route,
        query: parts.uri.query().unwrap_or_default(),
        content_type: text(header::CONTENT_TYPE),
        content_encoding: text(header::CONTENT_ENCODING),
        if_match: text(header::IF_MATCH),
        if_none_match: text(header::IF_NONE_MATCH),
        body: &body,
        base_url: Cow::Owned(base(app, &parts.headers)),
        actor: Cow::Borrowed(&who.name),
        roles: who.roles,
        now: now.as_secs(),
    });
    drive(app, step, &who.name, client).await.map_err(Response::from)
}

/// Does what each step asks for, for an account.
async fn drive(app: &App, mut step: Step, account: &str, client: &Client) -> Result<Response, Error> {
    loop {
        step = match step {
            Step::Done(response) => return Ok(response),
            Step::Get { id, to_swap: false, then } => then(app.store.get(id).await?),
            step @ (Step::Get { .. } | Step::Swap { .. } | Step::Audit { .. }) => {
                let Stepped { step, event } = app.store.change(step).await?;
                if let Some(event) = event {
                    app.metrics.happened(event.kind, &event.reason);
                }
                step
            }
            Step::Insert { entry, naming, event, then } => {
                let (kind, reason) = (event.kind, event.reason.clone());
                let entry = app.store.insert(entry, naming, event).await?;
                app.metrics.happened(kind, &reason);
                then(entry)
            }
            Step::List { query, then } => {
                let Listed { page, unreadable } = client.while_here(app.store.list(account, &query)).await?;
                app.metrics.left_out(unreadable);
                then(page)
            }
            Step::CheckUser { user, then } => then(app.config.users.as_ref().is_none_or(|users| users.contains_key(&user))),
            // In a box: it is seldom, and would make every request as large.
            Step::Deliver { message, then } => then(Box::pin(deliver(app, &message)).await),
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
    app.metrics.delivered(channel, outcome.is_ok());
    outcome.map_err(|failure| {
        tracing::warn!(user = message.user, "delivery by {channel} failed: {failure}");
        if failure.retry() { format!("{failure}; request it again") } else { failure.to_string() }
    })
}

/// The path below the base, which doubled slashes may stand before, as Soffid's own documentation
/// writes them.
fn below<'p>(path: &'p str, base: &str) -> Option<&'p str> {
    let (rest, base) = (path.trim_start_matches('/'), base.trim_start_matches('/'));
    match rest.strip_prefix(base) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') || base.is_empty() => Some(rest),
        _ => None,
    }
}

/// What is wrong with the host that a request names (RFC 9112 section 3.2): one that a proxy
/// understands otherwise than this service may be sent past the proxy's rules.
fn host_fault(request: &Request) -> Option<&'static str> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() >= Version::HTTP_11 => Some("the header Host is missing"),
        (Some(_), Some(_)) => Some("the header Host is there more than once"),
        (Some(host), None) if !host.is_empty() && !is_host(host) => {
            Some("the header Host must be a name or an address, and a port or none")
        }
        _ => None,
    }
}

fn is_host(value: &HeaderValue) -> bool {
    !value.as_bytes().contains(&b'@') && Authority::try_from(value.as_bytes()).is_ok()
}

/// The URL of the base, as clients know it.
fn base(app: &App, headers: &HeaderMap) -> String {
    let base = &app.config.base_path;
    if let Some(url) = &app.config.public_url {
        return format!("{url}{base}");
    }
    let scheme = if app.config.tls.is_some() { "https" } else { "http" };
    let is_host = |host: &&str| host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte));
    match headers.get(header::HOST).and_then(|host| host.to_str().ok()).filter(is_host) {
        Some(host) => format!("{scheme}://{host}{base}"),
        None => format!("{scheme}://{}{base}", app.config.listen),
    }
}

async fn read(body: Body) -> Result<Bytes, Error> {
    let too_long = || Error::new(413, format!("the body is longer than {BODY} bytes"));
    // One that is announced need not come.
    if body.size_hint().lower() > BODY as u64 {
        return Err(too_long());
    }
    match tokio::time::timeout(SLOW, Limited::new(body, BODY).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_long()),
        Ok(Err(_)) => Err(Error::new(400, "the body ended before its end")),
        Err(_) => Err(Error::new(408, format!("the body took longer than {} seconds", SLOW.as_secs()))),
    }
}

/// The client's id of the request, if it may stand in a log, or a fresh one.
pub(super) fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get("x-request-id").and_then(|id| id.to_str().ok());
    let fits = |id: &&str| {
        !id.is_empty() && id.len() <= ID && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
    };
    given.filter(fits).map_or_else(|| format!("{:016x}", getrandom::u64().unwrap_or_default()), str::to_owned)
}

pub(super) fn into_http(response: Response, id: &str, media_type: &'static str) -> axum::response::Response {
    let has_body = !response.body.is_empty();
    let mut http = axum::response::Response::new(Body::from(response.body));
    *http.status_mut() = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = http.headers_mut();
    for (name, value) in response.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.append(name, value);
        }
    }
    if has_body && !headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    // Secrets and verdicts are nothing for a cache, nor is anything else here.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(id) = HeaderValue::try_from(id) {
        headers.insert("x-request-id", id);
    }
    http
}
