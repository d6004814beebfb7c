//! One request: its account, its operation and its response.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use keyfob_scim::{Error, Response, Route};
use tracing::Instrument as _;

use super::accept::media_type;
use super::app::App;
use super::body::read_body;
use super::cors::Cors;
use super::identify::identify;
use super::listen::Peer;
use super::requests::Client;
use super::response::{into_http, request_id};
use super::{health, ssf, steps, url};

/// Serves a request to its end, even if the client closes the connection: a running hash keeps its
/// turn, a wrong password counts, and a code whose challenge is stored goes out.
pub(crate) async fn serve(State(app): State<Arc<App>>, request: Request) -> axum::response::Response {
    let id = request_id(request.headers());
    let media_type = media_type(request.headers());
    let span = tracing::info_span!("request", id = %id);
    // In a box from the first: what wraps it would otherwise move it, and it is large.
    let work = Box::pin(measure(Arc::clone(&app), request)).instrument(span);
    let response = app.requests.run(work).await;
    into_http(response.unwrap_or_else(|_| Error::new(500, "the request could not be answered").into()), &id, media_type)
}

/// Responds to a request, and writes it to the log and the metrics.
async fn measure(app: Arc<App>, request: Request) -> Response {
    // The peer holds the connection's permit until the end.
    let (began, peer) = (Instant::now(), request.extensions().get::<Peer>().cloned());
    let client = Client(peer.as_ref().map(|peer| peer.side.clone()));
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let (response, operation) = respond(&app, request, &client).await;
    let (status, elapsed) = (response.status, began.elapsed());
    app.metrics.count_request(operation, status, elapsed);
    // Neither the query nor the body is logged: they may hold names and codes.
    tracing::info!(%method, path, status, micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX), "answered");
    response
}

/// The response, and the name of the operation for the metrics.
async fn respond(app: &App, request: Request, client: &Client) -> (Response, &'static str) {
    let path = request.uri().path();
    if let Err(detail) = url::check_host(&request) {
        return (Error::new(400, detail).into(), "unknown");
    }
    // First, since every path is below an empty base.
    if let Some(answer) = health::respond(app, path).await {
        return answer;
    }
    if let Some((signals, route)) = ssf::find(app, path) {
        let operation = route.operation();
        // In a box: it is rarer, and would make the future of every request as large.
        return (Box::pin(ssf::respond(app, signals, &route, request, client)).await, operation);
    }
    let Some(route) = url::path_below(path, &app.config.base_path).map(Route::from_path) else {
        return (
            Error::new(404, format!("there is nothing here; SCIM is at {}/OtpDevice", app.config.base_path)).into(),
            "unknown",
        );
    };
    let operation = route.operation(request.method().as_str().parse().ok());
    let cors = Cors::new(&app.config.allowed_origins, request.method(), request.headers());
    let response = match cors.preflight() {
        Some(response) => response,
        None => run_operation(app, route, request, client).await.unwrap_or_else(|refusal| refusal),
    };
    (cors.add_headers(response), operation)
}

/// Identifies the account and runs the operation. Errors: the response of a refusal.
async fn run_operation(app: &App, route: Route, request: Request, client: &Client) -> Result<Response, Response> {
    let caller = identify(app, request.headers(), request.extensions().get::<Peer>()).await?;
    let (parts, body) = request.into_parts();
    let Ok(method) = parts.method.as_str().parse() else { return Ok(route.method_not_allowed()) };
    let body = read_body(body).await.map_err(Response::from)?;
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_err(|_| Response::from(Error::new(503, "the clock of this machine is before 1970; set it")))?;
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
        base_url: Cow::Owned(url::base(&app.config, &parts.headers)),
        actor: Cow::Borrowed(&caller.name),
        roles: caller.roles,
        now: now.as_secs(),
    });
    steps::run(app, step, &caller.name, client).await.map_err(Response::from)
}
