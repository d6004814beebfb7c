//! The keys of signals in the catalog.

use super::key::Form::{File, Text, Value};
use super::key::{ConfigKey, hidden, key, unset};

/// The keys of the sections `signals` and `receiver`.
pub(super) const SIGNALS: &[ConfigKey] = &[
    unset(
        "signals.issuer",
        Text,
        "https://otp.example.com",
        "https URL",
        "who the service is for the receivers of signals (iss); none: public_url",
    ),
    key(
        "signals.keys_file",
        Text,
        "keyfob-signing.key",
        "file",
        "the keys that sign signals; made at the first start with a receiver",
    ),
    unset(
        "signals.profile",
        Text,
        "caep",
        "caep, soffid",
        "when there are signals and in which words: those of CAEP 1.0, or of Soffid's add-on; none: soffid if profile is soffid",
    ),
    key(
        "signals.credential_events",
        Value,
        "true",
        "true, false",
        "whether changed and locked credentials are signalled (CAEP, RISC)",
    ),
    key("signals.scim_events", Value, "false", "true, false", "whether changed resources are signalled, too (RFC 9967)"),
    key("signals.max_waiting", Value, "100000", "signals", "the most signals that wait for a receiver; more are lost and counted"),
    key("signals.give_up_hours", Value, "168", "hours", "after how long a signal that no receiver took is given up"),
    unset(
        "receiver.name",
        File,
        "main",
        "1 to 40 letters, digits, . _ -; a letter first",
        "the receiver's name in addresses, commands, the log and the metrics; required in [receiver]",
    ),
    unset(
        "receiver.audience",
        File,
        "https://idp.example.com",
        "text",
        "the receiver as it knows itself (aud); required in [receiver]",
    ),
    hidden(
        "receiver.url",
        File,
        "https://idp.example.com/ssf/events",
        "URL",
        "where signals are pushed (RFC 8935); none: the receiver polls (RFC 8936)",
    ),
    hidden("receiver.token", File, "correct-horse-battery-staple", "text", "the bearer token of a push"),
    unset("receiver.token_file", File, "/etc/keyfob/receiver.token", "file", "a file whose first line is that token"),
    key("receiver.allow_cleartext", File, "false", "true, false", "whether another machine may be reached without TLS"),
    unset("receiver.ca_file", File, "/etc/keyfob/ca.pem", "PEM file", "authorities to trust beside the system's"),
    key("receiver.timeout_seconds", File, "10", "seconds", "the longest time of a push, 0.1 to 300"),
    key("receiver.connections", File, "8", "connections", "connections that push at once, 1 to 64"),
    unset("receiver.account", File, "idp", "account", "who polls, and asks for status and verification; required without url"),
    unset("receiver.algorithm", File, "ES256", "ES256, EdDSA, RS256", "how signals are signed; none: as the first key signs"),
    key(
        "receiver.subject",
        File,
        "iss_sub",
        "iss_sub, email, opaque, account, uri",
        "the format in which a signal names its user (RFC 9493)",
    ),
    key("receiver.subject_value", File, "${USER}", "template", "the name of the user there: ${USER}, and attributes of [users]"),
];
