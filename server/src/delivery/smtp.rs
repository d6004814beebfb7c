//! E-mail by SMTP, on a connection of its own for each.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::time::Duration;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::commands::Starttls;
use lettre::transport::smtp::extension::{ClientId, Extension};
use lettre::transport::smtp::response::Code;
use rustls::pki_types::ServerName;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::address;
use super::config::{Check, Email, Section, Security};
use super::connection;
use super::error::Error;
use super::message::Message;
use super::replies::Replies;
use super::servers::Server;
use super::target::{is_loopback, without_brackets};
use super::template::{Encoding, Template};
use super::values::Values;
use crate::connection::{CertificateRequest, Tls, connect};
use crate::problem::Problem;
use crate::tls;

/// How long a server that has taken the mail may take to answer QUIT.
const QUIT_TIMEOUT: Duration = Duration::from_millis(500);

/// A mail server, ready to send.
pub(super) struct Mailer {
    /// The path of its table.
    path: String,
    host: String,
    port: u16,
    ehlo_name: ClientId,
    encryption: Encryption,
    credentials: Option<Credentials>,
    from: Mailbox,
    subject: Template,
    body: Template,
    timeout: Duration,
    /// Name, server, port and encryption, as messages show them.
    shown: String,
}

enum Encryption {
    None,
    Starttls(Tls),
    Tls(Tls),
}

impl Mailer {
    /// Errors: none, and what is wrong is added to `problems`.
    pub(super) fn new(section: &Section<Email>, problems: &mut Vec<Problem>) -> Option<Self> {
        let Section { path, settings: config, .. } = section;
        let mut check = Check::new(path, problems);
        let host = without_brackets(&config.server);
        if ServerName::try_from(host).is_err() {
            check.wrong("server", "must be the name or address of a mail server, without port");
        }
        let (port, security) = match config.security {
            Security::Starttls => (587, "STARTTLS"),
            Security::Tls => (465, "TLS"),
            Security::None => (25, "not encrypted"),
        };
        let port = config.port.unwrap_or(port);
        if port == 0 {
            check.wrong("port", "must be 1 to 65535");
        }
        let encryption = encryption(config, host, &mut check);
        let credentials = credentials(config, &mut check);
        let from = config.from.parse::<Mailbox>().ok();
        let from = from.and_then(|from| address::mailbox(&from.email).map(|(email, host)| (Mailbox::new(from.name, email), host)));
        let from = from.ok_or_else(|| "must be a mailbox: name@example.com, or Name <name@example.com>".to_owned());
        let from = check.ok("from", from);
        let ehlo_name = config.ehlo_name.as_deref().map(|name| check.ok("ehlo_name", client_id(name)));
        let subject = check.ok("subject", parse_subject(config.subject.expose()));
        let body = check.ok("body", Template::parse(config.body.expose()));
        if subject.as_ref().is_some_and(|it| !it.has_code()) && body.as_ref().is_some_and(|it| !it.has_code()) {
            check.wrong("body", "neither subject nor body has ${PIN}, so no code would be sent");
        }
        let timeout = check.timeout("timeout", config.timeout)?;
        let (from, domain) = from?;
        let named = config.name.as_ref().map(|name| format!("{name} at ")).unwrap_or_default();
        Some(Self {
            path: path.clone(),
            host: host.to_owned(),
            port,
            ehlo_name: ehlo_name.unwrap_or(Some(domain))?,
            encryption: encryption?,
            credentials: credentials.ok()?,
            from,
            subject: subject?,
            body: body?,
            timeout,
            shown: format!("{named}{}:{port} ({security})", config.server),
        })
    }

    /// Talks to the server until it has taken the mail.
    async fn exchange(&self, mail: &lettre::Message) -> Result<AsyncSmtpConnection, Error> {
        let asked = CertificateRequest::default();
        let mut connection = self.open(&asked).await?;
        let envelope = mail.envelope();
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            let from = format!("{}.from", self.path);
            let whose =
                [("the user's e-mail address", envelope.to()), (from.as_str(), envelope.from().map_or(&[], std::slice::from_ref))];
            for (whose, addresses) in whose {
                if addresses.iter().any(|address| !address.to_string().is_ascii()) {
                    return Err(Error::permanent(format!(
                        "has no SMTPUTF8, which {whose} needs: it has characters that are not ASCII before its @"
                    )));
                }
            }
        }
        let failed = |error: smtp::Error| exchange_error(&error, &asked);
        if let Some(credentials) = &self.credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await.map_err(failed)?;
        }
        let text = Zeroizing::new(mail.formatted());
        connection.send(envelope, &text).await.map_err(failed)?;
        Ok(connection)
    }

    /// Connects, encrypts and says EHLO.
    async fn open(&self, asked: &CertificateRequest) -> Result<AsyncSmtpConnection, Error> {
        let failed = |error: io::Error| connection::error(&error, asked);
        // For each address of the host: a silent one must not use up the time of the others.
        let limit = self.timeout.checked_div(3).unwrap_or(self.timeout);
        let stream = connect(&self.host, self.port, limit).await.map_err(failed)?;
        match &self.encryption {
            Encryption::None => self.greet(Replies::plain(stream).map_err(failed)?, asked).await,
            Encryption::Tls(tls) => {
                let stream = tls.connect(stream, asked).await.map_err(failed)?;
                self.greet(Replies::encrypted(stream).map_err(failed)?, asked).await
            }
            Encryption::Starttls(tls) => {
                let (stream, copy) = connection::duplicate(stream).map_err(failed)?;
                let mut plain = self.greet(Replies::plain(stream).map_err(failed)?, asked).await?;
                if !plain.server_info().supports_feature(Extension::StartTls) {
                    return Err(Error::permanent(format!("has no STARTTLS, which {}.security wants", self.path)));
                }
                plain.command(Starttls).await.map_err(|error| exchange_error(&error, asked))?;
                // This discards bytes that came in the clear behind the reply. An attacker may have
                // injected them.
                drop(plain);
                let stream = tls.connect(copy, asked).await.map_err(failed)?;
                self.greet(Replies::resumed(stream).map_err(failed)?, asked).await
            }
        }
    }

    async fn greet(
        &self,
        stream: impl AsyncTokioStream + 'static,
        asked: &CertificateRequest,
    ) -> Result<AsyncSmtpConnection, Error> {
        let connection = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &self.ehlo_name).await;
        connection.map_err(|error| {
            let failed = exchange_error(&error, asked);
            // Postfix finishes the handshake, and refuses a client without a certificate in its
            // answer to EHLO.
            let hint = if error.status().is_some() { asked.hint() } else { "" };
            failed.with_hint(hint)
        })
    }

    fn mail(&self, message: &Message<'_>) -> Result<lettre::Message, Error> {
        let to = address::recipient(message.to).ok_or_else(|| Error::unfit("the user's e-mail address is malformed"))?;
        let values = Values::new(message);
        let subject = self.subject.render(Encoding::Line, |name| values.get(name));
        let subject = subject.map_err(|text| Error::unfit(format!("{}.subject: {text}", self.path)))?;
        let body = self.body.render(Encoding::Plain, |name| values.get(name));
        let body = body.map_err(|text| Error::unfit(format!("{}.body: {text}", self.path)))?;
        mark_automatic(lettre::Message::builder())
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(subject.as_str())
            .date_now()
            .message_id(message_id(self.from.email.domain()))
            .header(ContentType::TEXT_PLAIN)
            .body(body.as_str().to_owned())
            .map_err(|_| Error::unfit("the mail could not be put together"))
    }
}

impl Server for Mailer {
    async fn send(&self, message: &Message<'_>) -> Result<(), Error> {
        let mail = self.mail(message)?;
        let sent = timeout(self.timeout, self.exchange(&mail)).await;
        let sent = sent.map_err(|_| Error::unanswered(format!("no answer within {:?}", self.timeout)))?;
        let mut connection = sent?;
        // The server has the mail. Whatever comes of this is no reason to send it again.
        let _ = timeout(QUIT_TIMEOUT, connection.quit()).await;
        Ok(())
    }
}

impl fmt::Display for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// The error of an exchange. Of a reply's text it shows the codes only: some servers repeat the
/// mail in it.
fn exchange_error(error: &smtp::Error, asked: &CertificateRequest) -> Error {
    if let Some(code) = error.status() {
        let said = error.source().map(ToString::to_string).unwrap_or_default();
        let text = match enhanced_code(code, &said) {
            Some(enhanced) => format!("answered {code} {enhanced}"),
            None => format!("answered {code}"),
        };
        return if error.is_permanent() { Error::permanent(text) } else { Error::transient(text) };
    }
    if error.is_response() {
        return Error::unanswered("sent no valid or complete SMTP reply");
    }
    if error.is_client() {
        return Error::permanent(error.source().map(ToString::to_string).unwrap_or_default());
    }
    connection::error(error, asked)
}

fn encryption(config: &Email, host: &str, check: &mut Check<'_>) -> Option<Encryption> {
    if config.security == Security::None {
        if !is_loopback(host) {
            check.wrong("security", "none is only for a server on this machine: on a network the code could be read");
        }
        if config.ca_file.is_some() {
            check.wrong("ca_file", "needs security starttls or tls");
        }
        return Some(Encryption::None);
    }
    let authorities = check.ok("ca_file", tls::authorities(config.ca_file.as_deref()))?;
    // ALPN has no name for SMTP. `Mailer::new` has reported a malformed host already.
    let tls = Tls::new(authorities, None, host).ok()?;
    Some(if config.security == Security::Tls { Encryption::Tls(tls) } else { Encryption::Starttls(tls) })
}

fn client_id(name: &str) -> Result<ClientId, String> {
    let wrong = "must be a domain name (mail.example.com) or an address in brackets ([192.0.2.1], [IPv6:2001:db8::1])";
    address::host(name).ok_or_else(|| wrong.to_owned())
}

/// The enhanced status code that a refusal begins with (RFC 3463, RFC 2034): of the same class, and
/// digits and points only.
fn enhanced_code(code: Code, said: &str) -> Option<&str> {
    let word = said.split(' ').next()?;
    let is_number = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = word.split('.').filter(is_number).collect();
    let is_whole = parts.len() == 3 && word.split('.').count() == 3;
    (is_whole && parts.first().is_some_and(|class| *class == code.severity.to_string())).then_some(word)
}

/// None without a user name. Errors: what is wrong is noted.
fn credentials(config: &Email, check: &mut Check<'_>) -> Result<Option<Credentials>, ()> {
    let password = check.secret("password", config.password.as_ref(), config.password_file.as_deref())?;
    match (&config.username, password) {
        // The library keeps copies of both that are not wiped.
        (Some(username), Some(password)) => return Ok(Some(Credentials::new(username.clone(), password.expose().to_owned()))),
        (None, None) => return Ok(None),
        (Some(_), None) => check.wrong("password", "is missing: username needs password or password_file"),
        (None, Some(_)) => check.wrong("username", "is missing: there is a password without it"),
    }
    Err(())
}

fn parse_subject(text: &str) -> Result<Template, String> {
    if text.chars().any(char::is_control) {
        return Err("must be one line".to_owned());
    }
    Template::parse(text)
}

/// Marks the mail as automatic, so that out-of-office replies do not answer it (RFC 3834).
fn mark_automatic(builder: MessageBuilder) -> MessageBuilder {
    match HeaderName::new_from_ascii("Auto-Submitted".to_owned()) {
        Ok(name) => builder.raw_header(HeaderValue::new(name, "auto-generated".to_owned())),
        Err(_) => builder,
    }
}

/// A random message id under the sender's domain. None if the system has no random numbers: the
/// library then makes one.
fn message_id(domain: &str) -> Option<String> {
    let id = (getrandom::u64().ok()?, getrandom::u64().ok()?);
    Some(format!("<{:016x}{:016x}@{domain}>", id.0, id.1))
}
