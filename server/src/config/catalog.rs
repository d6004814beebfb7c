//! The catalog of all keys of the configuration. It serves the reader, both forms of
//! `keyfob config`, and suggestions for mistyped keys.

use std::fmt;

use super::key::Form::{File, Table as Open, Text, Value as Plain};
use super::key::{ConfigKey, hidden, key, unset};
use super::signal_keys::SIGNALS;

const SERVICE: &[ConfigKey] = &[
    key("listen", Text, "127.0.0.1:8080", "address:port", "where the service listens; port 0 takes a free one"),
    key("store", Text, "sqlite://keyfob.db", "URL", "the devices: sqlite://FILE or postgres://USER@HOST/DATABASE"),
    key("sealing_keys_file", Text, "keyfob.key", "file", "the keys that seal records; made at the first start"),
    hidden(
        "sealing_keys",
        Text,
        "1 xaes-256-gcm 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "lines",
        "those keys, in place of the file",
    ),
    key("profile", Text, "soffid", "soffid, rfc", "the clients to answer for: Soffid's, or those of RFC 7644"),
    key("base_path", Text, "/soffid/webservice/scim2/v1", "path", "the start of all SCIM addresses"),
    unset("public_url", Text, "https://otp.example.com", "URL", "the service's address for clients; none: the Host of the request"),
    key("allowed_origins", Plain, "[]", "list", "the origins of web pages whose scripts may call SCIM (CORS)"),
    hidden(
        "admin_password",
        Text,
        "correct horse battery staple",
        "8 bytes or more",
        "the password of the account admin, beside the store's accounts",
    ),
    key("password_max_pause", Plain, "900", "seconds", "the longest pause after wrong passwords; 0 for none"),
    key("max_connections_per_address", Plain, "1000", "connections", "the most connections of one address; 0 for any number"),
    key("log", Text, "info", "level, filter", "error, warn, info, debug, trace or off; or a filter with ="),
    key("log_format", Text, "text", "text, json", "the format of the log and of the greeting"),
    key("metrics", Plain, "true", "true, false", "whether /metrics answers"),
    unset(
        "metrics_listen",
        Text,
        "127.0.0.1:9100",
        "address:port",
        "a separate address for /metrics, over plain HTTP; none: the service's own",
    ),
    key("development", Plain, "true", "true, false", "whether channels without a section print their codes to the log"),
    hidden(
        "database.password",
        Text,
        "correct horse battery staple",
        "text",
        "the password for PostgreSQL, in place of one in the URL",
    ),
    key("database.connections", Plain, "6", "connections", "connections of this process to PostgreSQL, 4 to 1000"),
    key("database.timeout", Plain, "5", "seconds", "the longest time of a statement of PostgreSQL, 1 to 60"),
    unset("tls.certificate_file", Text, "/etc/keyfob/cert.pem", "PEM file", "the certificate chain; none: plain HTTP"),
    unset("tls.key_file", Text, "/etc/keyfob/key.pem", "PEM file", "the private key of the certificate"),
];

const DEVICES: &[ConfigKey] = &[
    key(
        "otp.kinds",
        Plain,
        "['TOTP', 'HOTP', 'SMS', 'EMAIL', 'PIN']",
        "list",
        "the kinds of devices that may be created; in the profile rfc RECOVERY, too",
    ),
    key("otp.issuer", Text, "keyfob", "1 to 40 bytes", "the issuer that authenticators show"),
    key("otp.algorithm", Text, "SHA1", "SHA1, SHA256, SHA512", "the hash of new devices"),
    key("otp.digits", Plain, "6", "digits", "the length of a code of new devices, 6 to 10"),
    key("otp.period", Plain, "30", "seconds", "the step of new TOTP devices"),
    key("policy.preset", Text, "keyfob", "keyfob, soffid", "the values of the keys below that are not set"),
    key("policy.window", Plain, "1", "steps", "TOTP: steps accepted each side of the present one"),
    key("policy.look_ahead", Plain, "10", "counters", "HOTP: counters accepted after the expected one"),
    key(
        "policy.resync_window",
        Plain,
        "100",
        "counters, steps",
        "what a resync searches: HOTP: counters; TOTP: steps each side, up to policy.max_drift",
    ),
    key(
        "policy.max_drift",
        Plain,
        "0",
        "steps",
        "TOTP: the largest drift of a token's clock that is followed; a resync of TOTP needs it above 0",
    ),
    key(
        "policy.first_window",
        Plain,
        "0",
        "steps",
        "TOTP: steps accepted each side until the first right answer, up to policy.window + policy.max_drift; 0: policy.window",
    ),
    key(
        "policy.min_secret_bits",
        Plain,
        "128",
        "bits",
        "the shortest secret that a client may give, 80 to 256; none so short is drawn",
    ),
    key("policy.max_fails", Plain, "10", "fails", "wrong answers in a row that lock a device, or begin a throttle"),
    unset(
        "policy.throttle_first_delay",
        Plain,
        "30",
        "seconds",
        "the first delay of a throttle, which doubles with each further fail; none: the lock at once",
    ),
    unset("policy.throttle_max_delay", Plain, "7200", "seconds", "the longest delay of a throttle; none: 3600"),
    unset(
        "policy.throttle_total",
        Plain,
        "90",
        "fails",
        "the fail without a right answer on which a throttle ends in the lock; none: it never does",
    ),
    key("policy.code_lifetime", Plain, "600", "seconds", "how long a code that was sent is accepted"),
    key("policy.code_reuse", Plain, "60", "seconds", "how long a new challenge sends the same code again"),
    key("policy.message_pause", Plain, "0", "seconds", "the shortest time from a message or a wrong answer to the next message"),
    key("policy.pin_positions", Plain, "3", "digits", "PIN: the digits that a challenge asks for; 0 for all"),
    key("policy.pin_min_length", Plain, "8", "digits", "the shortest new PIN"),
    key("policy.clock_skew", Plain, "30", "seconds", "the largest difference between the clocks of processes, 5 to 3600"),
    key("policy.guess_bound", Plain, "1000", "guessers", "one guesser in this many may succeed; 0 for no bound"),
    key("policy.pin_guess_bound", Plain, "100", "guessers", "the same for PIN devices"),
];

const LIMITS: &[ConfigKey] = &[
    key("messages.per_device_per_day", Plain, "0", "messages", "the most messages of a device in a day of UTC; 0 for any number"),
    key(
        "messages.per_number_per_day",
        Plain,
        "0",
        "messages",
        "the most messages and calls to a telephone number in a day of UTC, of all devices; 0 for any number",
    ),
    key(
        "messages.per_address_per_day",
        Plain,
        "0",
        "messages",
        "the most messages to an e-mail address in a day of UTC, of all devices; 0 for any number",
    ),
    unset(
        "messages.region",
        Text,
        "ES",
        "two letters",
        "the country of telephone numbers without a country code; none: such numbers are unknown",
    ),
    key(
        "messages.allowed_prefixes",
        Plain,
        "[]",
        "list",
        "prefixes of telephone numbers that get messages, as +34; with any, no others do; the longest of both lists decides",
    ),
    key("messages.refused_prefixes", Plain, "[]", "list", "prefixes of telephone numbers that get no messages"),
    unset(
        "messages.budgets",
        Open,
        "{ \"+\" = 200, \"+34\" = 2000 }",
        "table of numbers",
        "the most messages of the whole service to a prefix in an hour; a message counts for its longest prefix, + is any number",
    ),
];

const MESSAGES: &[ConfigKey] = &[
    unset(
        "email.name",
        File,
        "main",
        "1 to 40 letters, digits, . _ -; a letter first",
        "the server's name in the log and the metrics; none: its place",
    ),
    unset("email.server", File, "smtp.example.com", "host", "the mail server; required in [email]"),
    unset("email.port", File, "587", "port", "its port; none: 587 with starttls, 465 with tls, 25 with none"),
    key("email.security", File, "starttls", "starttls, tls, none", "how the connection is encrypted; none for this machine only"),
    unset(
        "email.ehlo_name",
        File,
        "otp.example.com",
        "domain",
        "the name in EHLO, or an address in brackets; none: the domain of email.from",
    ),
    unset("email.ca_file", File, "/etc/keyfob/ca.pem", "PEM file", "authorities to trust beside the system's"),
    unset("email.username", File, "otp", "text", "the user at the mail server; none: no authentication"),
    hidden("email.password", File, "correct horse battery staple", "text", "the user's password"),
    unset("email.password_file", File, "/etc/keyfob/smtp.password", "file", "a file whose first line is the password"),
    unset("email.from", File, "Example <otp@example.com>", "mailbox", "the sender; required in [email]"),
    key("email.subject", File, "Your code", "template", "the subject"),
    key("email.body", File, "Your code is ${PIN}", "template", "the text"),
    key("email.timeout", File, "10", "seconds", "the longest time of the whole exchange, 0.1 to 300"),
];

macro_rules! gateway {
    ($section:literal) => {
        &[
            unset(
                concat!($section, ".name"),
                File,
                "main",
                "1 to 40 letters, digits, . _ -; a letter first",
                "the gateway's name in the log and the metrics; none: its place",
            ),
            hidden(
                concat!($section, ".url"),
                File,
                "https://gateway.example.com/send?to=${PHONE}&text=${PIN}",
                "template",
                concat!("the gateway's address; required in [", $section, "]"),
            ),
            key(
                concat!($section, ".allow_cleartext"),
                File,
                "false",
                "true, false",
                "whether another machine may be reached without TLS",
            ),
            unset(
                concat!($section, ".ca_file"),
                File,
                "/etc/keyfob/ca.pem",
                "PEM file",
                "authorities to trust beside the system's",
            ),
            key(concat!($section, ".method"), File, "POST", "GET, POST, PUT", "the method of the request"),
            hidden(
                concat!($section, ".headers"),
                Open,
                "{ Authorization = \"Bearer ...\" }",
                "table of templates",
                "headers of the request",
            ),
            unset(
                concat!($section, ".content_type"),
                File,
                "application/x-www-form-urlencoded",
                "media type",
                "the type of the body, which says how values are encoded",
            ),
            hidden(concat!($section, ".body"), File, "to=${PHONE}&text=${PIN}", "template", "the body"),
            unset(
                concat!($section, ".success_text"),
                File,
                "queued",
                "text",
                "a text in the gateway's response that confirms the message",
            ),
            key(concat!($section, ".timeout"), File, "10", "seconds", "the longest time of the whole exchange, 0.1 to 300"),
        ]
    };
}

const SMS: &[ConfigKey] = gateway!("sms");
const VOICE: &[ConfigKey] = gateway!("voice");
const USERS: &[ConfigKey] = &[hidden(
    "users",
    Open,
    "{ dilbert = { fullName = \"Dilbert\" } }",
    "table of tables",
    "the users that may have devices, and their attributes for messages; none: any user",
)];

/// All keys, in the order of the documentation.
pub(crate) fn keys() -> impl Iterator<Item = &'static ConfigKey> {
    [SERVICE, DEVICES, LIMITS, MESSAGES, SMS, VOICE, SIGNALS, USERS].into_iter().flatten()
}

/// The catalog as a table for people: each key with its default, unit and purpose.
pub(crate) struct Catalog;

impl fmt::Display for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = || {
            let head = ("KEY", "DEFAULT", "UNIT", "MEANING");
            std::iter::once(head).chain(keys().map(|key| (key.path, key.default.unwrap_or("none"), key.unit, key.meaning)))
        };
        let width = |cell: fn(&(&str, &str, &str, &str)) -> usize| rows().map(|row| cell(&row)).max().unwrap_or_default();
        let (first, second, third) = (width(|row| row.0.len()), width(|row| row.1.len()), width(|row| row.2.len()));
        for (path, default, unit, meaning) in rows() {
            writeln!(f, "{path:<first$}  {default:<second$}  {unit:<third$}  {meaning}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use toml::Value;

    use super::*;
    use crate::config::Config;

    fn read(file: &str, flags: &[(String, String)]) -> String {
        format!("{:?}", Config::read(file, std::iter::empty(), flags).unwrap_or_else(|problems| panic!("{file}: {problems:?}")))
    }

    #[test]
    fn defaults_of_the_catalog_are_those_of_the_reader() {
        let base = "email.server = 'mail.example.com'\nemail.from = 'otp@example.com'\n\
                    sms.url = 'https://sms.example.com/'\nvoice.url = 'https://voice.example.com/'\nreceiver.name = 'main'\n";
        let empty = read(base, &[]);
        for key in keys() {
            let Some(default) = key.default else { continue };
            if key.is_settable() {
                assert_eq!(read(base, &[(key.path.to_owned(), default.to_owned())]), empty, "{}", key.path);
            } else {
                let is_text = matches!(crate::config::reader::parse_value(default), Value::String(_));
                let value = if is_text { format!("'{default}'") } else { default.to_owned() };
                assert_eq!(read(&format!("{base}{} = {value}\n", key.path), &[]), empty, "{}", key.path);
            }
        }
    }

    #[test]
    fn keys_are_in_the_catalog_once() {
        for key in keys() {
            assert_eq!(keys().filter(|other| other.path == key.path).count(), 1, "{}", key.path);
        }
    }
}
