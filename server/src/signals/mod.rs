//! Signals out: security event tokens (RFC 8417) for receivers, as the Shared Signals
//! Framework (SSF) 1.0 has them. A receiver gets them pushed (RFC 8935), or polls (RFC 8936).

mod algorithm;
mod config;
mod expiry;
mod key_file;
mod key_pair;
mod keys;
mod metrics;
mod provider;
mod push;
mod receiver;
mod service;
mod signer;
mod subject;
#[cfg(test)]
mod tests;
mod waiting_polls;

pub(crate) use algorithm::SigningAlgorithm;
pub(crate) use config::{Config, Rules};
pub(crate) use expiry::give_up_unfetched;
pub(crate) use key_file::{NewKey, Promotion, SigningKeyFile};
pub(crate) use keys::SigningKeys;
pub(crate) use metrics::{Outcome, SignalMetrics};
pub(crate) use push::push_signals;
pub(crate) use receiver::{Push, Receiver};
pub(crate) use service::Signals;
pub(crate) use waiting_polls::MAX_WAITING_POLLS;
