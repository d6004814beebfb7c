//! What operators ask for, beside SCIM: whether it lives, whether it is ready, and its numbers.

use keyfob_scim::{Error, Response};

use super::App;

/// Answers `/health`, `/ready` and `/metrics`; 404 for anything else.
pub(crate) async fn answer(app: &App, path: &str) -> (Response, &'static str) {
    let text = |body: String| Response {
        status: 200,
        headers: vec![("content-type", "text/plain; charset=utf-8".to_owned())],
        body: body.into_bytes(),
    };
    match path {
        "/health" => (text("alive\n".to_owned()), "health"),
        "/ready" => match app.store.ready().await {
            Ok(()) => (text("ready\n".to_owned()), "ready"),
            Err(error) => (error.into(), "ready"),
        },
        "/metrics" if app.config.metrics => (text(app.metrics.text()), "metrics"),
        _ => (Error::new(404, format!("there is nothing here; SCIM is at {}/OtpDevice", app.config.base_path)).into(), "unknown"),
    }
}
