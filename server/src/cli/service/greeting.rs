//! The greeting of the service: its address, its settings, and a first request.

use std::fmt::Write as _;
use std::sync::Arc;

use keyfob::Kind;
use serde_json::json;
use zeroize::Zeroizing;

use super::first_account::FirstPassword;
use crate::cli::device::cautions;
use crate::cli::output;
use crate::cli::result::Result;
use crate::config::{Config, LogFormat};
use crate::delivery::Delivery;
use crate::file::Wiped;
use crate::signals::{Push, Receiver, Signals};

/// The greeting, for people or for programs.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Greeting<'g> {
    /// With the address of the socket.
    pub(crate) config: &'g Config,
    pub(crate) delivery: &'g Delivery,
    /// None without receivers of signals.
    pub(crate) signals: Option<&'g Signals>,
    /// Whether the file of the store is new.
    pub(crate) is_new_store: bool,
    /// Whether the key file is new.
    pub(crate) is_new_key: bool,
    /// Whether the file of signing keys is new.
    pub(crate) is_new_signing_key: bool,
    /// Whether the database keeps what it has committed.
    pub(crate) is_durable: bool,
    /// The password of the first account, if that is new.
    pub(crate) password: Option<&'g FirstPassword>,
}

impl Greeting<'_> {
    /// Prints it in the format of the log. Errors: standard output is closed.
    pub(crate) fn print(&self) -> Result<()> {
        match self.config.log_format {
            LogFormat::Text => output::print(self.text()?.as_bytes()),
            LogFormat::Json => output::print(&self.json()?),
        }
    }

    fn url(&self) -> String {
        let scheme = if self.config.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}{}", self.config.listen, self.config.base_path)
    }

    /// Where the metrics are, if they have a socket of their own.
    fn metrics(&self) -> Option<String> {
        self.config.metrics_listen.map(|address| format!("http://{address}/metrics"))
    }

    fn message(&self) -> String {
        format!("keyfob {} listens on {}", env!("CARGO_PKG_VERSION"), self.url())
    }

    fn kinds(&self) -> Vec<&'static str> {
        self.config.settings.kinds.iter().map(|kind| kind.name()).collect()
    }

    fn guessing(&self) -> String {
        let chance = self.config.settings.policy.guess_chance(Kind::Totp, self.config.settings.digits);
        format!("{chance} for a TOTP device before it locks")
    }

    fn store(&self) -> String {
        let made = if self.is_new_store { " (new)" } else { "" };
        format!("{}{made}", self.config.store)
    }

    /// Warnings about new devices that authenticators may get wrong.
    fn notes(&self) -> Vec<String> {
        let settings = &self.config.settings;
        let period = settings.kinds.contains(&Kind::Totp).then_some(settings.period);
        let is_shown = settings.kinds.iter().any(|kind| matches!(kind, Kind::Totp | Kind::Hotp));
        if is_shown { cautions(settings.digits, period) } else { Vec::new() }
    }

    /// The limits on messages, in short; none without any.
    fn limits(&self) -> Vec<String> {
        let limits = &self.config.settings.message_limits;
        let daily = [
            (limits.per_device_per_day, "a device"),
            (limits.per_number_per_day, "a telephone number"),
            (limits.per_address_per_day, "an address"),
        ];
        let daily = daily.into_iter().filter(|(max, _)| *max > 0).map(|(max, to)| format!("{max} messages a day to {to}"));
        let hourly = limits.budgets.iter().map(|(prefix, max)| format!("{max} messages an hour to {prefix}"));
        let lists = [(true, "only to"), (false, "none to")].into_iter().filter_map(|(wanted, what)| {
            let listed = limits.prefixes.iter().filter(|(_, is_allowed)| **is_allowed == wanted);
            let prefixes: Vec<_> = listed.map(|(prefix, _)| prefix).collect();
            (!prefixes.is_empty()).then(|| format!("{what} {}", prefixes.join(", ")))
        });
        daily.chain(hourly).chain(lists).collect()
    }

    fn warnings(&self) -> Vec<&'static str> {
        let mut warnings = Vec::new();
        if self.is_new_store && self.config.sealing_keys.is_none() && !self.is_new_key {
            warnings.push(
                "the store is new and the key file is not: if devices are missing, stop the service and name their store with --store",
            );
        }
        if !self.is_durable {
            warnings.push(
                "the database may lose committed transactions in a crash: set synchronous_commit and fsync on, or used codes are right again",
            );
        }
        if self.config.tls.is_none() && !self.config.listen.ip().is_loopback() {
            warnings
                .push("passwords and codes travel unencrypted: set tls.certificate_file and tls.key_file, or listen on loopback");
        }
        warnings
    }

    fn key(&self) -> String {
        let file = self.config.sealing_keys_file.display();
        match (&self.config.sealing_keys, self.is_new_key) {
            (Some(_), _) => "of the configuration".to_owned(),
            (None, false) => file.to_string(),
            (None, true) => format!("{file} (new: keep a copy in another place; without it no device can be read)"),
        }
    }

    /// The file of the keys that sign the tokens of signals; none without receivers.
    fn signing_keys(&self) -> Option<String> {
        let file = self.signals.map(|_| self.config.signals.keys_file.display())?;
        let made = if self.is_new_signing_key { " (new: other processes on this store need a copy)" } else { "" };
        Some(format!("{file}{made}"))
    }

    /// A line for each receiver of signals. Of its URL it has the host: the rest may hold a
    /// password.
    fn receivers(&self) -> Vec<String> {
        let receivers = self.signals.map_or(&[][..], |signals| &signals.rules.receivers);
        let line = |receiver: &Arc<Receiver>| match receiver.push.as_deref() {
            Some(Push { target, tls, .. }) => {
                let how = if tls.is_some() { "TLS" } else { "not encrypted" };
                format!("{}: pushed to {}:{} ({how})", receiver.name, target.authority.host(), target.port)
            }
            None => format!("{}: polled at /ssf/poll/{}", receiver.name, receiver.name),
        };
        receivers.iter().map(line).collect()
    }

    fn text(&self) -> Result<Zeroizing<String>> {
        let mut text = Zeroizing::new(String::with_capacity(4096));
        writeln!(text, "{}", self.message())?;
        writeln!(text, "  store       {}", self.store())?;
        writeln!(text, "  key         {}", self.key())?;
        writeln!(text, "  devices     {}", self.kinds().join(", "))?;
        writeln!(text, "  guessing    {}", self.guessing())?;
        if let Some(url) = self.metrics() {
            writeln!(text, "  metrics     {url}")?;
        }
        for line in self.delivery.summary() {
            writeln!(text, "  delivery    {line}")?;
        }
        for line in self.limits() {
            writeln!(text, "  limit       {line}")?;
        }
        if let Some(keys) = self.signing_keys() {
            writeln!(text, "  signing key {keys}")?;
        }
        for line in self.receivers() {
            writeln!(text, "  signals     {line}")?;
        }
        for warning in self.warnings() {
            writeln!(text, "  WARNING     {warning}")?;
        }
        for caution in self.notes() {
            writeln!(text, "  note        {caution}")?;
        }
        let mut shown = "PASSWORD";
        match self.password {
            Some(FirstPassword::Greeting(password)) => {
                writeln!(text, "  account     admin, password {} (new, shown only this once)", **password)?;
                shown = password;
            }
            Some(FirstPassword::StandardError) => writeln!(text, "  account     admin, password on standard error")?,
            Some(FirstPassword::File(path)) => {
                let path = path.display();
                writeln!(text, "  account     admin, password in {path} (new; remove the file when you have read it)")?;
            }
            None => {}
        }
        let url = self.url();
        writeln!(
            text,
            "Try:\n  curl -u admin:{shown} {url}/OtpDevice -H 'Content-Type: application/json' -d '{{\"type\": \"TOTP\", \"user\": \"alice\"}}'"
        )?;
        Ok(text)
    }

    fn json(&self) -> Result<Wiped> {
        let mut object = output::log_event("INFO", &self.message());
        let more = json!({
            "url": self.url(),
            "store": self.config.store.to_string(),
            "store_is_new": self.is_new_store,
            "key": self.key(),
            "devices": self.kinds(),
            "guessing": self.guessing(),
            "metrics": self.metrics(),
            "delivery": self.delivery.summary(),
            "limits": self.limits(),
            "signing_key": self.signing_keys(),
            "signals": self.receivers(),
            "warnings": self.warnings(),
            "notes": self.notes(),
        });
        if let (Some(object), serde_json::Value::Object(more)) = (object.as_object_mut(), more) {
            object.extend(more);
            match self.password {
                Some(FirstPassword::Greeting(password)) => {
                    object.insert("account".to_owned(), "admin".into());
                    object.insert("password".to_owned(), password.as_str().into());
                }
                Some(FirstPassword::File(path)) => {
                    object.insert("account".to_owned(), "admin".into());
                    object.insert("password_file".to_owned(), path.display().to_string().into());
                }
                Some(FirstPassword::StandardError) | None => {}
            }
        }
        output::json_line(object)
    }
}
