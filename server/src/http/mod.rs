//! The service over HTTP: from a request to the SCIM layer, step by step over the store, and back.

mod accept;
mod app;
mod auth;
mod body;
mod certificate;
mod connections;
mod cors;
mod handler;
mod health;
mod identify;
mod limits;
mod listen;
mod malformed;
mod message_metrics;
mod metrics;
mod network;
mod process;
mod requests;
mod response;
mod socket;
mod ssf;
mod steps;
mod url;

use std::sync::Arc;

use axum::Router;

pub(crate) use app::App;
pub use auth::{Accounts, hash_password, hash_token};
pub(crate) use certificate::Certificate;
pub(crate) use limits::Limits;
pub use listen::Stop;
pub(crate) use listen::{bind, listen};
pub use metrics::Metrics;
pub(crate) use requests::Requests;

/// The whole service: everything but the socket.
pub(crate) fn app(app: Arc<App>) -> Router {
    Router::new().fallback(handler::serve).with_state(app)
}

/// The service on `metrics_listen`.
pub(crate) fn metrics_app(app: Arc<App>) -> Router {
    Router::new().fallback(health::metrics_alone).with_state(app)
}
