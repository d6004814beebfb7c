//! The configuration of delivery. Values that may hold a password show as `***` in `Debug`.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::message::Channel;
use crate::file;
use crate::problem::Problem;

/// What the time-outs of a channel with several servers may add up to. A login may wait for all of
/// them, and a service that stops finishes its requests within this time.
const MAX_TOTAL: Duration = Duration::from_secs(30);

/// The longest file with a secret.
const MAX_SECRET_BYTES: usize = 4096;

/// The longest name of a server.
const MAX_NAME_BYTES: usize = 40;

/// How codes are delivered.
#[derive(Debug)]
pub(crate) struct Config {
    /// Whether channels that are not configured print their codes to the log, or else refuse.
    pub(crate) development: bool,
    /// E-mail, by SMTP: the servers in the order in which they are tried.
    pub(crate) email: Vec<Section<Email>>,
    /// Text messages, by HTTP gateways.
    pub(crate) sms: Vec<Section<Gateway>>,
    /// Calls, by HTTP gateways.
    pub(crate) voice: Vec<Section<Gateway>>,
}

/// A table of the configuration, alone or in a list.
#[derive(Debug)]
pub(crate) struct Section<T> {
    /// Its path: `sms`, or `sms[2]` for the second of a list.
    pub(crate) path: String,
    /// Its place in the list, from 1 on.
    pub(crate) place: usize,
    pub(crate) settings: T,
}

/// The keys that servers of all channels have.
pub(super) trait Settings {
    /// The name for the log and the metrics.
    fn name(&self) -> Option<&str>;

    /// Seconds for the whole exchange.
    fn timeout(&self) -> f64;
}

impl Settings for Email {
    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn timeout(&self) -> f64 {
        self.timeout
    }
}

impl Settings for Gateway {
    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn timeout(&self) -> f64 {
        self.timeout
    }
}

/// A mail server and the mail.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Email {
    /// For the log and the metrics. Default: its place.
    pub(crate) name: Option<String>,
    /// Name or address of the server; required.
    pub(crate) server: String,
    /// Default: 587 with STARTTLS, 465 with TLS, 25 with none.
    pub(crate) port: Option<u16>,
    /// The name of keyfob in EHLO: a domain name, or an address in brackets. Default: the domain of
    /// `from`.
    pub(crate) ehlo_name: Option<String>,
    /// How the connection is encrypted.
    pub(crate) security: Security,
    /// PEM file of authorities to trust beside the system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// Default: no authentication.
    pub(crate) username: Option<String>,
    /// Required with a user name, unless there is a password file.
    pub(crate) password: Option<Hidden>,
    /// File whose first line is the password.
    pub(crate) password_file: Option<PathBuf>,
    /// The sender's mailbox; required.
    pub(crate) from: String,
    /// Template of the subject.
    pub(crate) subject: Hidden,
    /// Template of the text.
    pub(crate) body: Hidden,
    /// Seconds for the whole exchange, 0.1 to 300.
    pub(crate) timeout: f64,
}

impl Default for Email {
    fn default() -> Self {
        Self {
            name: None,
            server: String::new(),
            port: None,
            ehlo_name: None,
            security: Security::Starttls,
            ca_file: None,
            username: None,
            password: None,
            password_file: None,
            from: String::new(),
            subject: Hidden::from("Your code"),
            body: Hidden::from("Your code is ${PIN}"),
            timeout: 10.0,
        }
    }
}

/// How a connection to a mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Security {
    /// Begins in the clear, and encrypts before anything else is sent.
    Starttls,
    /// Encrypted from the first byte.
    Tls,
    /// Not encrypted: for a server on the same machine only.
    None,
}

/// An HTTP gateway and the request to it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Gateway {
    /// For the log and the metrics. Default: its place.
    pub(crate) name: Option<String>,
    /// Template of the URL; required. Placeholders may be in path and query.
    pub(crate) url: Hidden,
    /// Whether the URL may be plain http to another machine.
    pub(crate) allow_cleartext: bool,
    /// PEM file of authorities to trust beside the system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// GET, POST or PUT.
    pub(crate) method: String,
    /// Templates of headers.
    pub(crate) headers: BTreeMap<String, Hidden>,
    /// Says how placeholders in the body are encoded. Default: `application/x-www-form-urlencoded`.
    pub(crate) content_type: Option<String>,
    /// Template of the body.
    pub(crate) body: Option<Hidden>,
    /// Text in the gateway's response if it has accepted the message.
    pub(crate) success_text: Option<String>,
    /// Seconds for the whole exchange, 0.1 to 300.
    pub(crate) timeout: f64,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            name: None,
            url: Hidden::from(""),
            allow_cleartext: false,
            ca_file: None,
            method: "POST".to_owned(),
            headers: BTreeMap::new(),
            content_type: None,
            body: None,
            success_text: None,
            timeout: 10.0,
        }
    }
}

/// Text that is never shown, and wiped on drop.
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Hidden(Zeroizing<String>);

impl Hidden {
    /// The text.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Hidden {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<&str> for Hidden {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Notes what is wrong with the names and the time-outs of a channel's servers.
pub(super) fn check_together<T: Settings>(channel: Channel, sections: &[Section<T>], problems: &mut Vec<Problem>) {
    for (at, section) in sections.iter().enumerate() {
        let Some(name) = section.settings.name() else { continue };
        let earlier = sections.iter().take(at).filter_map(|section| section.settings.name());
        Check::new(&section.path, problems).name(name, earlier);
    }
    // As durations: fractions of a second would add up to a little more than they are.
    let times = sections.iter().map(|section| Duration::try_from_secs_f64(section.settings.timeout()).unwrap_or_default());
    let total = times.fold(Duration::ZERO, Duration::saturating_add);
    if sections.len() > 1 && total > MAX_TOTAL {
        let message = format!(
            "the time-outs of its list add up to {} seconds, and a login may wait for all of them: lower timeout, to {} seconds \
             in all",
            total.as_secs_f64(),
            MAX_TOTAL.as_secs()
        );
        problems.push(Problem::new(channel.key(), &message));
    }
}

/// Whether a text is a name. It begins with a letter, so that none looks like a place.
fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.len() <= MAX_NAME_BYTES
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// The first line of a file, which is a secret. Errors: the file has none.
fn first_line(path: &Path, name: &str) -> Result<Hidden, String> {
    let read = File::open(path).and_then(|mut file| file::read(&mut file, MAX_SECRET_BYTES));
    let bytes = read.map_err(|error| format!("{}: {error}", path.display()))?;
    let text = str::from_utf8(&bytes).ok().filter(|text| text.len() <= MAX_SECRET_BYTES);
    let line = text.and_then(|text| text.lines().next()).filter(|line| !line.is_empty());
    line.map(Hidden::from).ok_or_else(|| format!("{}: must begin with a {name}", path.display()))
}

/// Collects the problems of a table.
pub(crate) struct Check<'a> {
    path: &'a str,
    problems: &'a mut Vec<Problem>,
}

impl<'a> Check<'a> {
    pub(crate) fn new(path: &'a str, problems: &'a mut Vec<Problem>) -> Self {
        Self { path, problems }
    }

    /// Notes a problem.
    pub(crate) fn wrong(&mut self, key: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(&format!("{}.{key}", self.path), &message.into()));
    }

    /// The value, or a problem and none.
    pub(crate) fn ok<T>(&mut self, key: &str, result: Result<T, String>) -> Option<T> {
        result.map_err(|message| self.wrong(key, message)).ok()
    }

    /// A name in a list, which no `earlier` one may have.
    pub(crate) fn name<'n>(&mut self, name: &str, mut earlier: impl Iterator<Item = &'n str>) {
        if !is_name(name) {
            self.wrong("name", "must be 1 to 40 letters, digits and ._- in ASCII, and begin with a letter");
        }
        if earlier.any(|earlier| earlier == name) {
            self.wrong("name", "is the name of an earlier one in the list");
        }
    }

    /// A secret that a key has, or the first line of the file of another. None if neither is set.
    ///
    /// Errors: both are set, or the file has none; that is noted.
    pub(crate) fn secret(&mut self, key: &str, text: Option<&Hidden>, file: Option<&Path>) -> Result<Option<Hidden>, ()> {
        let file_key = format!("{key}_file");
        match (text, file) {
            (Some(_), Some(_)) => {
                self.wrong(&file_key, format!("cannot be given with {key}"));
                Err(())
            }
            (Some(text), None) => Ok(Some(text.clone())),
            (None, Some(path)) => self.ok(&file_key, first_line(path, key)).map(Some).ok_or(()),
            (None, None) => Ok(None),
        }
    }

    /// A time-out.
    pub(crate) fn timeout(&mut self, key: &str, seconds: f64) -> Option<Duration> {
        let limit = if (0.1..=300.0).contains(&seconds) { Duration::try_from_secs_f64(seconds).ok() } else { None };
        self.ok(key, limit.ok_or_else(|| "must be 0.1 to 300 seconds".to_owned()))
    }
}
