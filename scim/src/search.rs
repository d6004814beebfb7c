//! A search for an unlabelled token by the codes that it shows, and what it found.

use keyfob::{Device, Digits, GuessChance, Kind, Policy, Search};
use zeroize::Zeroizing;

use crate::code;
use crate::entry::{Entry, Row};
use crate::error::Error;
use crate::event::{Event, EventKind};
use crate::filter::Filter;

/// The most devices that an answer lists.
const MAX_LISTED_DEVICES: usize = 10;
/// How likely a match by chance may be, before the answer advises against it: one in a thousand.
const MAX_RELIABLE_CHANCE: GuessChance = GuessChance::one_in(1_000);

/// A search for the TOTP and HOTP devices that show a code, or two codes in a row. It identifies a
/// token and authenticates nobody: it changes no device, counts no fail and uses up no code.
///
/// Devices of any status are found, except deleted ones. A host reads all that it
/// [`includes`](Self::includes), and has [`FoundTokens::look_at`] compare the codes.
#[derive(Clone, Debug)]
pub struct TokenSearch {
    filter: Filter,
    search: Search,
    is_by_two_codes: bool,
}

impl TokenSearch {
    /// A search for the devices that show `first` at `now`, in Unix seconds, and `second` next.
    /// Blanks and hyphens in the codes are ignored.
    ///
    /// Errors: 400, without a digit of a code.
    pub fn for_two_codes(filter: Filter, policy: Policy, [first, second]: [&str; 2], now: u64) -> Result<Self, Error> {
        let (first, second) = (read_code("codes", first)?, read_code("codes", second)?);
        if first.len() != second.len() {
            return Err(Error::value("codes: must have equally many digits, since they are of one token; type them again"));
        }
        if *first == *second {
            return Err(Error::value("codes: are the same; wait until the token shows the next code, and give both"));
        }
        let search = Search::for_two_codes(policy, first.as_bytes(), second.as_bytes(), now);
        Ok(Self { filter, search, is_by_two_codes: true })
    }

    /// A search for the devices that show `code` at `now`, in Unix seconds. Among many devices,
    /// some soon show it by chance: see [`FoundTokens::odds`].
    ///
    /// Errors: as of [`for_two_codes`](Self::for_two_codes).
    pub fn for_code(filter: Filter, policy: Policy, code: &str, now: u64) -> Result<Self, Error> {
        let search = Search::for_code(policy, read_code("code", code)?.as_bytes(), now);
        Ok(Self { filter, search, is_by_two_codes: false })
    }

    /// Which devices it is for, beside what [`includes`](Self::includes) says.
    pub const fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Whether a device is looked at: it matches the filter, is of type TOTP or HOTP and is not
    /// deleted.
    pub fn includes(&self, row: &Row) -> bool {
        !row.deleted && matches!(row.kind, Kind::Totp | Kind::Hotp) && self.filter.matches(row)
    }

    /// What it costs of the [`Allowance`](crate::Allowance).
    pub(crate) const fn cost_seconds(&self) -> u64 {
        if self.is_by_two_codes { 10 } else { 300 }
    }
}

/// A device that shows the codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundToken {
    /// Its columns.
    pub row: Row,
    /// By how many steps its clock is ahead of the host's (TOTP), or how many counters were skipped
    /// (HOTP): see [`Search::drift`].
    pub drift: i64,
}

/// What a [`TokenSearch`] found so far. Its size is bounded, however many devices are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundTokens {
    /// The first ten devices found, in the order in which they were looked at.
    pub tokens: Vec<FoundToken>,
    /// How many devices were found.
    pub total: u64,
    /// How many devices were looked at.
    pub searched: u64,
    /// How many devices a host could not read. It may have been one of them.
    pub unreadable: u64,
}

impl FoundTokens {
    /// Looks at these entries; those that the search does not [include](TokenSearch::includes) are
    /// passed over. Give it some hundred at a time: they are computed side by side.
    pub fn look_at(&mut self, search: &TokenSearch, entries: &[Entry]) {
        let included: Vec<&Entry> = entries.iter().filter(|entry| search.includes(&entry.row)).collect();
        let devices: Vec<&Device> = included.iter().map(|entry| &entry.device).collect();
        let mut found = vec![false; devices.len()];
        let total = search.search.find(&devices, &mut found);
        self.searched = self.searched.saturating_add(count(devices.len()));
        self.total = self.total.saturating_add(count(total));
        let left = MAX_LISTED_DEVICES.saturating_sub(self.tokens.len());
        let shown = included.into_iter().zip(found).filter(|(_, is_found)| *is_found).take(left);
        self.tokens.extend(shown.map(|(entry, _)| FoundToken {
            row: entry.row.clone(),
            drift: search.search.drift(&entry.device).unwrap_or_default(),
        }));
    }

    /// Adds what was found among later devices.
    pub fn append(&mut self, later: Self) {
        let left = MAX_LISTED_DEVICES.saturating_sub(self.tokens.len());
        self.tokens.extend(later.tokens.into_iter().take(left));
        self.total = self.total.saturating_add(later.total);
        self.searched = self.searched.saturating_add(later.searched);
        self.unreadable = self.unreadable.saturating_add(later.unreadable);
    }

    /// How likely it is, at most, that any of the devices looked at shows the codes by chance.
    pub fn chance(&self, search: &TokenSearch) -> GuessChance {
        search.search.chance(self.searched)
    }

    /// The same as a sentence for people.
    pub fn odds(&self, search: &TokenSearch) -> String {
        let chance = self.chance(search);
        let devices = match self.searched {
            0 => return "no device was searched".to_owned(),
            1 => "of 1 device searched, this one".to_owned(),
            many => format!("of {many} devices searched, at least one"),
        };
        let codes = if search.is_by_two_codes { "these two codes in a row" } else { "this code" };
        let advice = match (chance > MAX_RELIABLE_CHANCE, search.is_by_two_codes) {
            (false, _) => "",
            (true, false) => "; do not rely on a match, and search by two codes in a row",
            (true, true) => "; do not rely on a match, and search once more by the next two codes",
        };
        if chance == GuessChance::CERTAIN {
            return format!("{devices} most likely shows {codes} by mere chance{advice}");
        }
        format!("{devices} shows {codes} by mere chance with a probability of at most {chance}{advice}")
    }

    /// The line of the audit trail for the search by this account. It names the device if only one
    /// was found.
    pub fn event(&self, actor: &str, at: u64) -> Event {
        let only = self.tokens.first().filter(|_| self.total == 1);
        let reason = match self.total {
            0 => "not found",
            1 => "found",
            _ => "several found",
        };
        Event {
            kind: EventKind::Find,
            at,
            actor: actor.to_owned(),
            device_id: only.map_or(0, |token| token.row.id),
            user: only.map(|token| token.row.user.clone()).unwrap_or_default(),
            success: self.total > 0,
            reason: reason.to_owned(),
            drift: only.map(|token| token.drift),
        }
    }
}

/// A code as a person typed it. Errors: 400, without a digit of it.
fn read_code(name: &str, typed: &str) -> Result<Zeroizing<String>, Error> {
    let code = code::strip_separators(typed);
    let has_length = u8::try_from(code.len()).is_ok_and(|len| Digits::new(len).is_ok());
    if has_length && code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(code);
    }
    Err(Error::value(format!("{name}: must be digits as the token shows them, 6 to 10 for each code")))
}

fn count(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}
