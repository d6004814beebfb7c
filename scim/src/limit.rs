//! Limits on messages: what a message counts towards, and which numbers get none.
//!
//! A message costs money. People who can request codes, or enrol numbers, can pump messages to
//! numbers that earn a share of it. So messages are counted by device, number, address and prefix,
//! in intervals: a day or an hour of UTC. An interval is part of the name of its counter, so a
//! clock that is a little ahead counts in the next interval, and never in two.

use std::fmt;
use std::sync::Arc;

use keyfob::Kind;

use crate::error::{Error, RefusedNumber};
use crate::prefix::Prefixes;

const DAY_SECONDS: u64 = 24 * 60 * 60;
const HOUR_SECONDS: u64 = 60 * 60;

/// The label of numbers without a configured prefix.
const OTHER_PREFIX: &str = "other";

/// Reads telephone numbers. A host has a library for it.
pub trait Numbering: fmt::Debug + Send + Sync {
    /// A number as `+` and its digits (E.164). None for a text that can be no telephone number, or
    /// for a national number of an unknown country.
    fn to_e164(&self, text: &str) -> Option<String>;

    /// The number that counts for another one of the same telephone (E.164), as where networks
    /// ignore the last digits, or a country has two forms. Messages to both count as messages to
    /// one number. Any other is its own, as each is by default.
    fn to_counted(&self, number: &str) -> String {
        number.to_owned()
    }
}

/// Limits on the messages of a host. By default there are none.
#[derive(Clone, Debug, Default)]
pub struct MessageLimits {
    /// The most messages of a device in a day of UTC; 0 for any number.
    pub per_device_per_day: u32,
    /// The most messages and calls to a telephone number in a day of UTC, of all devices together;
    /// 0 for any number.
    pub per_number_per_day: u32,
    /// The most messages to an e-mail address in a day of UTC, of all devices together; 0 for any
    /// number.
    pub per_address_per_day: u32,
    /// Prefixes of telephone numbers to which messages go (`true`) or do not go (`false`). If one
    /// is `true`, no message goes to a number without any of them.
    pub prefixes: Prefixes<bool>,
    /// The most messages and calls to numbers of a prefix in an hour of UTC. A message counts for
    /// the longest prefix of its number only.
    pub budgets: Prefixes<u32>,
    /// How telephone numbers are read. With it, devices get no number that it cannot read, and none
    /// of a refused prefix. A message goes to the number as it was read, so that no gateway reads
    /// another number than the limits. None for limits that need no telephone number.
    pub numbering: Option<Arc<dyn Numbering>>,
}

/// What a limit is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// The messages of a device in a day.
    Device,
    /// The messages to a telephone number in a day.
    Number,
    /// The messages to an e-mail address in a day.
    Address,
    /// The messages to numbers of this prefix in an hour.
    Budget(String),
}

impl Limit {
    /// Its name in metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Number => "number",
            Self::Address => "address",
            Self::Budget(_) => "budget",
        }
    }
}

/// A message in a counter of a store.
#[derive(Clone, PartialEq, Eq)]
pub struct Count {
    /// The limit that the counter holds.
    pub limit: Limit,
    /// The name of the counter. Each interval has its own.
    pub counter: String,
    /// The most messages that it counts, 1 or more.
    pub max: u32,
    /// When its interval ends, in Unix seconds. A store may delete it some time after that, when no
    /// host has a clock before it.
    pub ends: u64,
}

// The name of the counter may hold a telephone number or an address.
impl fmt::Debug for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, counter: _, max, ends } = self;
        f.debug_struct("Count").field("limit", limit).field("max", max).field("ends", ends).finish_non_exhaustive()
    }
}

impl Count {
    fn new(limit: Limit, subject: &str, max: u32, now: u64) -> Self {
        let seconds = if matches!(limit, Limit::Budget(_)) { HOUR_SECONDS } else { DAY_SECONDS };
        let interval = now.checked_div(seconds).unwrap_or_default();
        let counter = format!("{}/{subject}/{interval}", limit.name());
        Self { limit, counter, max, ends: interval.saturating_add(1).saturating_mul(seconds) }
    }

    /// The refusal of a message that the counter has no room for.
    pub(crate) fn refusal(&self, now: u64) -> Error {
        let wait = self.ends.saturating_sub(now).max(1);
        let (what, key) = match self.limit {
            Limit::Device => ("this device got all messages of a day", "messages.per_device_per_day"),
            Limit::Number => ("this telephone number got all messages of a day", "messages.per_number_per_day"),
            Limit::Address => ("this address got all messages of a day", "messages.per_address_per_day"),
            Limit::Budget(_) => ("numbers of this prefix got all messages of an hour", "messages.budgets"),
        };
        let detail = format!("{what} ({key}); another can be sent in {wait} seconds");
        Error::new(429, detail).with_retry_after(wait)
    }
}

/// A message that the limits judged.
pub(crate) struct Judged {
    /// Where it goes: a telephone number as it was read, if it could be, or an address.
    pub(crate) to: String,
    /// The counters that count it, which may be none.
    pub(crate) counts: Vec<Count>,
}

impl MessageLimits {
    /// Checks a telephone number that a device shall get. Errors: 400.
    pub(crate) fn check_number(&self, phone: &str) -> Result<(), Error> {
        let Some(numbering) = &self.numbering else { return Ok(()) };
        let number = numbering.to_e164(phone).ok_or_else(|| {
            let detail =
                "phone: is no telephone number; write it with + and the country code, or set messages.region for national ones";
            Error::value(detail).with_refused_number(RefusedNumber::Unread)
        })?;
        let refusal = || Error::value(format!("phone: {REFUSED_DETAIL}")).with_refused_number(self.refused_prefix(&number));
        if self.takes(&number) { Ok(()) } else { Err(refusal()) }
    }

    /// Judges a message to a telephone number or an address.
    ///
    /// Errors: 409 for a telephone number of a refused prefix. It lasts, so it names no time to try
    /// again.
    pub(crate) fn judge(&self, kind: Kind, id: i64, to: &str, now: u64) -> Result<Judged, Error> {
        let mut judged = Judged { to: to.to_owned(), counts: Vec::new() };
        let mut count = |limit, subject: &str, max| {
            if max > 0 {
                judged.counts.push(Count::new(limit, subject, max, now));
            }
        };
        if matches!(kind, Kind::Sms | Kind::Email) {
            count(Limit::Device, &id.to_string(), self.per_device_per_day);
        }
        match kind {
            Kind::Email => count(Limit::Address, &to.to_lowercase(), self.per_address_per_day),
            Kind::Sms => {
                let read = self.read(to);
                let number = read.clone().unwrap_or_else(|| digits(to));
                if !self.takes(&number) {
                    let (cause, refused) = match read {
                        Some(_) => (REFUSED_DETAIL, self.refused_prefix(&number)),
                        None => (UNREAD_DETAIL, RefusedNumber::Unread),
                    };
                    return Err(Error::new(409, format!("the code was not sent: {cause}")).with_refused_number(refused));
                }
                let counted = self.numbering.as_ref().filter(|_| read.is_some()).map(|numbering| numbering.to_counted(&number));
                count(Limit::Number, counted.as_ref().unwrap_or(&number), self.per_number_per_day);
                if let Some((prefix, max)) = self.budgets.longest(&number) {
                    count(Limit::Budget(prefix.to_owned()), prefix, *max);
                }
                judged.to = read.unwrap_or(judged.to);
            }
            _ => {}
        }
        Ok(judged)
    }

    /// The counter of a budget at a time, to read how much of it is used.
    pub fn budget_counter(prefix: &str, now: u64) -> String {
        Count::new(Limit::Budget(prefix.to_owned()), prefix, 1, now).counter
    }

    /// The label of a telephone number in metrics: its longest prefix in the settings, or `other`.
    pub fn label(&self, phone: &str) -> &str {
        self.longest_prefix(&self.read(phone).unwrap_or_default())
    }

    /// The longest prefix of a number in the settings, or `other`. One that cannot be read has none
    /// but `+`.
    fn longest_prefix(&self, number: &str) -> &str {
        let listed = self.prefixes.longest(number).map(|(prefix, _)| prefix);
        let budgeted = self.budgets.longest(number).map(|(prefix, _)| prefix);
        listed.into_iter().chain(budgeted).max_by_key(|prefix| prefix.len()).unwrap_or(OTHER_PREFIX)
    }

    fn refused_prefix(&self, number: &str) -> RefusedNumber {
        RefusedNumber::Prefix(self.longest_prefix(number).to_owned())
    }

    /// A number as `+` and its digits, if it can be read.
    fn read(&self, phone: &str) -> Option<String> {
        self.numbering.as_ref()?.to_e164(phone)
    }

    /// Whether messages go to a number. One that cannot be read might have any prefix, so a list
    /// refuses it, unless the list takes `+`.
    fn takes(&self, number: &str) -> bool {
        match self.prefixes.longest(number) {
            Some((_, is_allowed)) => *is_allowed,
            None if number.starts_with('+') => self.prefixes.iter().all(|(_, is_allowed)| !is_allowed),
            None => self.prefixes.is_empty(),
        }
    }
}

/// A number that cannot be read, so that it is counted however it is spelled.
fn digits(phone: &str) -> String {
    phone.chars().filter(char::is_ascii_digit).collect()
}

const REFUSED_DETAIL: &str = "numbers of this prefix get no messages here (messages.allowed_prefixes, messages.refused_prefixes)";
const UNREAD_DETAIL: &str = "the telephone number cannot be read, so no list of prefixes takes it; write it with + and the country \
                             code, or set messages.region";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_shows_no_number_and_no_address() {
        let limits = MessageLimits { per_number_per_day: 5, per_address_per_day: 5, ..MessageLimits::default() };
        for (kind, to) in [(Kind::Sms, "34600000000"), (Kind::Email, "dilbert@example.com")] {
            let counts = limits.judge(kind, 7, to, 1_700_000_000).map(|judged| judged.counts).unwrap_or_default();
            assert!(counts.iter().any(|count| count.counter.contains(to)), "the test would find it");
            assert!(!counts.is_empty() && !format!("{counts:?}").contains(to), "{counts:?}");
        }
    }
}
