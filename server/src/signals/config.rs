//! The configuration of signals: the sections `signals` and `receiver`, as they are read and as
//! they are checked.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use keyfob_scim::{SignalProfile, SignalSettings};

use super::receiver::{Receiver, ReceiverSection};
use crate::delivery::{Check, Section, Users};
use crate::problem::Problem;
use crate::store::OutboxRules;

/// The sections as they are read.
#[derive(Debug)]
pub(crate) struct Config {
    /// Who the service is for receivers; none for `public_url`.
    pub(crate) issuer: Option<String>,
    /// The file of the keys that sign.
    pub(crate) keys_file: PathBuf,
    /// The words of the signals, and when they are made.
    pub(crate) profile: SignalProfile,
    /// Whether resources have signals, too (RFC 9967).
    pub(crate) has_scim_events: bool,
    /// Whether credentials have signals.
    pub(crate) has_credential_events: bool,
    /// The most signals that wait for a receiver.
    pub(crate) max_waiting: u64,
    /// After how long a signal is given up.
    pub(crate) give_up: Duration,
    /// Those who get the signals.
    pub(crate) receivers: Vec<Section<ReceiverSection>>,
}

/// The configuration, checked. There is at least one receiver.
#[derive(Debug)]
pub(crate) struct Rules {
    /// `iss` of all tokens.
    pub(crate) issuer: String,
    /// The start of the service's own addresses, without a slash at the end.
    pub(crate) base_url: String,
    /// The words of the signals.
    pub(crate) profile: SignalProfile,
    /// Whether resources have signals, too.
    pub(crate) has_scim_events: bool,
    /// Whether credentials have signals.
    pub(crate) has_credential_events: bool,
    /// After how long a signal is given up.
    pub(crate) give_up: Duration,
    pub(crate) receivers: Vec<Arc<Receiver>>,
}

impl Config {
    /// The settings of the SCIM layer; none without a receiver.
    pub(crate) fn settings(&self) -> Option<SignalSettings> {
        (!self.receivers.is_empty()).then_some(SignalSettings {
            profile: self.profile,
            has_credential_events: self.has_credential_events,
            has_scim_events: self.has_scim_events,
        })
    }

    /// What the store keeps for the receivers.
    pub(crate) fn outbox_rules(&self) -> OutboxRules {
        let receivers = self.receivers.iter().map(|section| section.settings.name.clone()).collect();
        OutboxRules { receivers, max_waiting: self.max_waiting }
    }

    /// Checks the configuration. Reads certificates and files of tokens, and no keys. None without
    /// a receiver. `public_url` is the address of the service, if the configuration has one.
    ///
    /// Errors: every problem, each with its key, and without a token or a URL.
    pub(crate) fn check(&self, public_url: Option<&str>, users: Option<&Users>) -> Result<Option<Rules>, Vec<Problem>> {
        if self.receivers.is_empty() {
            return Ok(None);
        }
        let mut problems = Vec::new();
        let issuer = self.issuer.as_deref().or(public_url).map(|issuer| issuer.trim_end_matches('/'));
        let mut check = Check::new("signals", &mut problems);
        match issuer {
            None => {
                check.wrong("issuer", "is needed by the receivers; set it, or public_url, to the https address of this service");
            }
            Some(issuer) => {
                check.ok("issuer", check_issuer(issuer));
            }
        }
        let mut receivers = Vec::new();
        for (at, section) in self.receivers.iter().enumerate() {
            let earlier = self.receivers.iter().take(at).map(|section| section.settings.name.as_str());
            Check::new(&section.path, &mut problems).name(&section.settings.name, earlier);
            receivers.extend(Receiver::new(section, users, &mut problems).map(Arc::new));
        }
        match issuer {
            Some(issuer) if problems.is_empty() => Ok(Some(Rules {
                issuer: issuer.to_owned(),
                base_url: public_url.unwrap_or_else(|| origin(issuer)).to_owned(),
                profile: self.profile,
                has_scim_events: self.has_scim_events,
                has_credential_events: self.has_credential_events,
                give_up: self.give_up,
                receivers,
            })),
            _ => Err(problems),
        }
    }
}

/// SSF 1.0: an https URL without a query and a fragment. Plain http is for tests on one machine.
fn check_issuer(issuer: &str) -> Result<(), String> {
    let rest = issuer.strip_prefix("https://").or_else(|| issuer.strip_prefix("http://")).unwrap_or_default();
    let host = rest.split('/').next().unwrap_or_default();
    if host.is_empty() || host.contains('@') || !rest.chars().all(|c| c.is_ascii_graphic() && !"?#\"\\<>".contains(c)) {
        return Err("must be the https address of this service, without a query and a fragment".to_owned());
    }
    Ok(())
}

/// A URL up to its host and port.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |scheme| scheme.saturating_add(3));
    let end = url.get(host..).and_then(|rest| rest.find('/')).map_or(url.len(), |slash| host.saturating_add(slash));
    url.get(..end).unwrap_or(url)
}
