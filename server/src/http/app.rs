//! What all requests share.

use std::sync::Arc;

use getrandom::SysRng;
use keyfob_scim::Service;

use super::auth::Accounts;
use super::listen::Stop;
use super::metrics::Metrics;
use super::requests::Requests;
use crate::config::Config;
use crate::delivery::Delivery;
use crate::signals::Signals;
use crate::store::Store;

/// What all requests share.
pub(crate) struct App {
    pub(crate) service: Service<SysRng>,
    pub(crate) store: Store,
    pub(crate) delivery: Delivery,
    pub(crate) accounts: Accounts,
    pub(crate) metrics: Metrics,
    pub(crate) requests: Requests,
    /// Becomes true when the service stops.
    pub(crate) stop: Stop,
    /// None without receivers.
    pub(crate) signals: Option<Arc<Signals>>,
    pub(crate) config: Config,
}
