//! What operators ask for, beside SCIM: whether it lives, whether it is ready, and its numbers.

use std::sync::Arc;

use axum::extract::{Request, State};
use keyfob_scim::Response;

use super::App;
use super::scim::{into_http, request_id};

/// The type of all that is answered here.
const TEXT: &str = "text/plain; charset=utf-8";

/// Answers `/health`, `/ready` and `/metrics`, with the name of the operation; none for anything
/// else.
pub(crate) async fn answer(app: &App, path: &str) -> Option<(Response, &'static str)> {
    Some(match path {
        "/health" => (text("alive\n".to_owned()), "health"),
        "/ready" => match app.store.ready().await {
            Ok(()) => (text("ready\n".to_owned()), "ready"),
            Err(error) => (error.into(), "ready"),
        },
        "/metrics" if app.config.metrics && app.config.metrics_listen.is_none() => (metrics(app).await, "metrics"),
        _ => return None,
    })
}

/// Answers `/metrics`, and nothing else, on a socket of its own.
pub(crate) async fn metrics_alone(State(app): State<Arc<App>>, request: Request) -> axum::response::Response {
    let response = match request.uri().path() {
        "/metrics" => metrics(&app).await,
        _ => Response { status: 404, ..text("there is nothing here but /metrics\n".to_owned()) },
    };
    into_http(response, &request_id(request.headers()), TEXT)
}

async fn metrics(app: &App) -> Response {
    text(app.metrics.text(&app.store).await)
}

fn text(body: String) -> Response {
    Response { status: 200, headers: vec![("content-type", TEXT.to_owned())], body: body.into_bytes() }
}
