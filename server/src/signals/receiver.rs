//! A receiver of signals, as it is configured and as it is checked.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper::http::uri::PathAndQuery;
use serde::Deserialize;

use super::algorithm::SigningAlgorithm;
use super::subject::SubjectTemplate;
use crate::connection::Tls;
use crate::delivery::{Check, Hidden, Section, Target, Users};
use crate::problem::Problem;
use crate::tls;

/// The most connections to a receiver.
const MAX_CONNECTIONS: usize = 64;

/// A table `receiver`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ReceiverSection {
    /// Its name in addresses, commands, the log and the metrics; required.
    pub(crate) name: String,
    /// `aud` of its tokens; required.
    pub(crate) audience: String,
    /// Where tokens are pushed; without it the receiver polls.
    pub(crate) url: Option<Hidden>,
    /// The bearer token of a push.
    pub(crate) token: Option<Hidden>,
    /// File whose first line is the token.
    pub(crate) token_file: Option<PathBuf>,
    /// Whether the URL may be plain http to another machine.
    pub(crate) allow_cleartext: bool,
    /// PEM file of authorities to trust beside the system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// Seconds for a whole push, 0.1 to 300.
    pub(crate) timeout_seconds: f64,
    /// How many connections push at once.
    pub(crate) connections: usize,
    /// The account of the receiver.
    pub(crate) account: Option<String>,
    /// The algorithm that signs; none for that of the first key.
    pub(crate) algorithm: Option<String>,
    /// The format of subjects.
    pub(crate) subject: String,
    /// Template of the value of subjects.
    pub(crate) subject_value: String,
}

impl Default for ReceiverSection {
    fn default() -> Self {
        Self {
            name: String::new(),
            audience: String::new(),
            url: None,
            token: None,
            token_file: None,
            allow_cleartext: false,
            ca_file: None,
            timeout_seconds: 10.0,
            connections: 8,
            account: None,
            algorithm: None,
            subject: "iss_sub".to_owned(),
            subject_value: "${USER}".to_owned(),
        }
    }
}

/// A receiver of signals.
#[derive(Debug)]
pub(crate) struct Receiver {
    /// Its name in addresses, commands, the log and the metrics.
    pub(crate) name: String,
    /// `aud` of its tokens.
    pub(crate) audience: String,
    /// How tokens are pushed; none if the receiver polls.
    pub(crate) push: Option<Arc<Push>>,
    /// The account that polls, and asks for status and verification; none if there is none.
    pub(crate) account: Option<String>,
    /// The algorithm that signs; none for that of the first key.
    pub(crate) algorithm: Option<SigningAlgorithm>,
    /// Whom its tokens are about.
    pub(super) subject: SubjectTemplate,
}

/// How tokens are pushed to a receiver (RFC 8935).
pub(crate) struct Push {
    /// Host and port.
    pub(crate) target: Target,
    /// Path and query.
    pub(crate) path: PathAndQuery,
    /// None for plain HTTP.
    pub(crate) tls: Option<Tls>,
    /// The bearer token; none for no account.
    pub(crate) token: Option<Hidden>,
    /// The longest time of a whole push.
    pub(crate) timeout: Duration,
    /// How many connections push at once, 1 to 64.
    pub(crate) connections: usize,
}

impl Receiver {
    /// Errors: none, and what is wrong is added to `problems`.
    pub(super) fn new(section: &Section<ReceiverSection>, users: Option<&Users>, problems: &mut Vec<Problem>) -> Option<Self> {
        let Section { path, settings, .. } = section;
        let mut check = Check::new(path, problems);
        if settings.audience.is_empty() {
            check.wrong("audience", "is needed: the receiver takes tokens with this aud only");
        }
        let push = settings.url.as_ref().map(|url| push(url, settings, &mut check));
        if push.is_none() {
            check_poll(settings, &mut check);
        }
        let algorithm = settings.algorithm.as_deref().map(|name| {
            check.ok("algorithm", SigningAlgorithm::from_name(name).ok_or_else(|| "must be ES256, EdDSA or RS256".to_owned()))
        });
        let subject = SubjectTemplate::new(&settings.subject, &settings.subject_value, users, &mut check);
        if settings.account.as_deref() == Some("") {
            check.wrong("account", "must not be empty; leave it out for none");
        }
        Some(Self {
            name: settings.name.clone(),
            audience: settings.audience.clone(),
            push: match push {
                Some(push) => Some(Arc::new(push?)),
                None => None,
            },
            account: settings.account.clone(),
            algorithm: algorithm.flatten(),
            subject: subject?,
        })
    }
}

/// Checks a receiver that polls.
fn check_poll(settings: &ReceiverSection, check: &mut Check<'_>) {
    if settings.account.is_none() {
        check.wrong("account", "is needed by a receiver that polls; name an account of keyfob account, or set url to push");
    }
    for (key, is_set) in [
        ("token", settings.token.is_some()),
        ("token_file", settings.token_file.is_some()),
        ("ca_file", settings.ca_file.is_some()),
    ] {
        if is_set {
            check.wrong(key, "is for pushes; set url, or remove it");
        }
    }
}

/// Errors: none, and what is wrong is noted.
fn push(url: &Hidden, settings: &ReceiverSection, check: &mut Check<'_>) -> Option<Push> {
    let target = check.ok("url", Target::parse(url.expose()));
    let path = target.as_ref().and_then(|target| {
        check.ok("url", target.check_cleartext(settings.allow_cleartext));
        check.ok("url", target.path(|_| Err("must have no placeholder".to_owned())))
    });
    let token = check.secret("token", settings.token.as_ref(), settings.token_file.as_deref());
    // RFC 6750 section 2.1.
    if matches!(&token, Ok(Some(token)) if token.expose().is_empty() || !token.expose().chars().all(|c| c.is_ascii_graphic())) {
        check.wrong("token", "must be visible ASCII without spaces");
    }
    let timeout = check.timeout("timeout_seconds", settings.timeout_seconds);
    if !(1..=MAX_CONNECTIONS).contains(&settings.connections) {
        check.wrong("connections", format!("must be 1 to {MAX_CONNECTIONS}"));
    }
    let target = target?;
    let tls = if target.is_encrypted {
        let authorities = check.ok("ca_file", tls::authorities(settings.ca_file.as_deref()))?;
        Some(check.ok("url", Tls::new(authorities, Some("http/1.1"), &target.host))?)
    } else {
        if settings.ca_file.is_some() {
            check.wrong("ca_file", "needs an https URL");
        }
        None
    };
    Some(Push { target, path: path?, tls, token: token.ok()?, timeout: timeout?, connections: settings.connections })
}

impl std::fmt::Debug for Push {
    /// Nothing of the URL but the host: the rest may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Push").field("host", &self.target.host).field("port", &self.target.port).finish_non_exhaustive()
    }
}
