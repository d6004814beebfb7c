//! What is delivered: a code to a person, through a channel.

use std::collections::BTreeMap;
use std::fmt;

/// How a code reaches a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    /// An e-mail.
    Email,
    /// A text message.
    Sms,
    /// A call.
    Voice,
}

impl Channel {
    /// The channel's table in the configuration.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Voice => "voice",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Email => "e-mail",
            Self::Sms => "SMS",
            Self::Voice => "voice",
        })
    }
}

/// A code to a person.
pub(crate) struct Message<'a> {
    /// How it is sent.
    pub(crate) channel: Channel,
    /// The e-mail address or the phone number.
    pub(crate) to: &'a str,
    /// The code, in ASCII digits.
    pub(crate) code: &'a str,
    /// The name of the user.
    pub(crate) user: &'a str,
    /// The user's attributes, for placeholders.
    pub(crate) attributes: &'a BTreeMap<String, String>,
}
