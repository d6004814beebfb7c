//! What all requests share.

use getrandom::SysRng;
use keyfob_scim::Service;

use super::auth::Accounts;
use super::metrics::Metrics;
use super::requests::Requests;
use crate::config::Config;
use crate::delivery::Delivery;
use crate::store::Store;

/// What all requests share.
pub(crate) struct App {
    pub(crate) service: Service<SysRng>,
    pub(crate) store: Store,
    pub(crate) delivery: Delivery,
    pub(crate) accounts: Accounts,
    pub(crate) metrics: Metrics,
    pub(crate) requests: Requests,
    pub(crate) config: Config,
}
