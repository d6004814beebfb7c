//! Endpoints for operators: whether the service is alive, whether it is ready, and its metrics.

use std::sync::Arc;

use axum::extract::{Request, State};
use keyfob_scim::Response;

use super::app::App;
use super::response::{into_http, request_id};

/// The media type of these responses.
const TEXT_TYPE: &str = "text/plain; charset=utf-8";

/// The response to `/health`, `/ready` and `/metrics`, with the name of the operation. None for
/// other paths.
pub(crate) async fn respond(app: &App, path: &str) -> Option<(Response, &'static str)> {
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

/// Serves `/metrics` alone, on a socket of its own.
pub(crate) async fn metrics_alone(State(app): State<Arc<App>>, request: Request) -> axum::response::Response {
    let response = match request.uri().path() {
        "/metrics" => metrics(&app).await,
        _ => Response { status: 404, ..text("there is nothing here but /metrics\n".to_owned()) },
    };
    into_http(response, &request_id(request.headers()), TEXT_TYPE)
}

async fn metrics(app: &App) -> Response {
    text(app.metrics.text(&app.store, &app.config.settings.message_limits).await)
}

fn text(body: String) -> Response {
    Response { body: body.into_bytes(), ..Response::empty(200).with_header("content-type", TEXT_TYPE.to_owned()) }
}
