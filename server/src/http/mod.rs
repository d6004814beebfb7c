//! The service over HTTP: from a request to the SCIM layer, step by step over the store, and back.

mod accept;
mod auth;
mod certificate;
mod connections;
mod cors;
mod health;
mod limits;
mod listen;
mod malformed;
mod metrics;
mod network;
mod process;
mod requests;
mod scim;
mod socket;

use std::sync::Arc;

use axum::Router;
use getrandom::SysRng;
use keyfob_scim::Service;

pub use auth::{Accounts, hash_password, hash_token};
pub(crate) use certificate::Certificate;
pub(crate) use limits::Limits;
pub use listen::Stop;
pub(crate) use listen::{bind, listen};
pub use metrics::Metrics;
pub(crate) use requests::Requests;

use crate::config::Config;
use crate::delivery::Delivery;
use crate::store::Store;

/// What requests share.
pub(crate) struct App {
    pub(crate) service: Service<SysRng>,
    pub(crate) store: Store,
    pub(crate) delivery: Delivery,
    pub(crate) accounts: Accounts,
    pub(crate) metrics: Metrics,
    pub(crate) requests: Requests,
    pub(crate) config: Config,
}

/// What answers on `metrics_listen`.
pub(crate) fn metrics_app(app: Arc<App>) -> Router {
    Router::new().fallback(health::metrics_alone).with_state(app)
}

/// The whole service: everything but the socket.
pub(crate) fn app(app: Arc<App>) -> Router {
    Router::new().fallback(scim::serve).with_state(app)
}
