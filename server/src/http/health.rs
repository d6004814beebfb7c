//! What operators ask for, beside SCIM: whether it lives, whether it is ready, and its numbers.

use keyfob_scim::Response;

use super::App;

/// Answers `/health`, `/ready` and `/metrics`, with the name of the operation; none for anything else.
pub(crate) async fn answer(app: &App, path: &str) -> Option<(Response, &'static str)> {
    let text = |body: String| Response {
        status: 200,
        headers: vec![("content-type", "text/plain; charset=utf-8".to_owned())],
        body: body.into_bytes(),
    };
    Some(match path {
        "/health" => (text("alive\n".to_owned()), "health"),
        "/ready" => match app.store.ready().await {
            Ok(()) => (text("ready\n".to_owned()), "ready"),
            Err(error) => (error.into(), "ready"),
        },
        "/metrics" if app.config.metrics => (text(app.metrics.text()), "metrics"),
        _ => return None,
    })
}
