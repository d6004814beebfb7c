//! A store in memory, for tests and as an example of a store.

use std::collections::BTreeMap;
use std::fmt;

use keyfob::Kind;

use crate::allowance::Allowance;
use crate::entry::{Entry, Naming, Row};
use crate::error::Error;
use crate::event::Event;
use crate::limit::Count;
use crate::query::{Page, PageStart, Query};
use crate::search::{FoundTokens, TokenSearch};
use crate::signal::Signal;
use crate::step::{Counted, DeliveryResult, Message, Scope, Swap};
use crate::store::Store;

/// A store in memory, for tests. Its ids begin at 1, it knows every user, and it keeps the messages
/// that it delivers.
#[derive(Default)]
pub struct MemoryStore {
    entries: BTreeMap<i64, Entry>,
    names: u64,
    allowance: Allowance,
    /// Messages by the names of their counters.
    counters: BTreeMap<String, u32>,
    /// The audit trail.
    pub events: Vec<Event>,
    /// The signals.
    pub signals: Vec<Signal>,
    /// The delivered messages: the kind, the address and the code.
    pub delivered: Vec<(Kind, String, String)>,
}

// The delivered messages hold codes.
impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("entries", &self.entries.len()).finish_non_exhaustive()
    }
}

impl MemoryStore {
    /// Puts an entry in as it is, over one of the same id. If its name has a number, the numbers of
    /// new names continue after it.
    pub fn put(&mut self, entry: Entry) {
        let number = [Kind::Totp, Kind::Hotp].iter().find_map(|kind| entry.row.name.strip_prefix(kind.name())?.parse().ok());
        self.names = self.names.max(number.unwrap_or_default());
        self.entries.insert(entry.row.id, entry);
    }

    /// Checks that no device but this one has a serial. Errors: 409 `uniqueness`.
    fn check_serial(&self, serial: &str, id: i64) -> Result<(), Error> {
        let is_other = |other: &Entry| other.row.id != id && other.row.name == serial && !other.row.deleted;
        if self.entries.values().any(is_other) { Err(Error::serial_is_taken(serial)) } else { Ok(()) }
    }

    fn next_id(&self) -> Result<i64, Error> {
        let last = self.entries.last_key_value().map_or(0, |(id, _)| *id);
        last.checked_add(1).ok_or_else(|| Error::new(503, "no id is left for another device"))
    }
}

impl Store for MemoryStore {
    fn get(&mut self, id: i64) -> Result<Option<Entry>, Error> {
        Ok(self.entries.get(&id).cloned())
    }

    fn insert(&mut self, mut entry: Entry, naming: Naming, event: Event, signals: Vec<Signal>) -> Result<Entry, Error> {
        entry.row.id = self.next_id()?;
        if let Naming::Serial(serial) = &naming {
            self.check_serial(serial, entry.row.id)?;
        }
        entry.row.name = naming.resolve(|| {
            self.names = self.names.saturating_add(1);
            Ok::<_, Error>(self.names)
        })?;
        self.events.push(Event { device_id: entry.row.id, ..event });
        self.signals.extend(signals.into_iter().map(|signal| signal.with_new_device(&entry.row)));
        self.put(entry.clone());
        Ok(entry)
    }

    fn swap(&mut self, swap: Swap) -> Result<bool, Error> {
        let Swap { entry, scope, claims_serial, event, signals } = swap;
        let Some(stored) = self.entries.get(&entry.row.id).filter(|stored| stored.version == entry.version) else {
            return Ok(false);
        };
        if claims_serial {
            self.check_serial(&entry.row.name, entry.row.id)?;
        }
        let Row { status, fails, last_used, last_modified, .. } = entry.row;
        let kept = stored.row.clone();
        // Only the parts in the scope, as in a store that writes no others.
        let row = match scope {
            Scope::Record => Row { fails, last_modified, ..kept },
            Scope::State => Row { status, fails, last_used, last_modified, ..kept },
            Scope::Whole => entry.row,
        };
        self.put(Entry { row, version: entry.version.saturating_add(1), device: entry.device });
        self.events.push(event);
        self.signals.extend(signals);
        Ok(true)
    }

    fn swap_counted(&mut self, swap: Swap, counts: &[Count]) -> Result<Counted, Error> {
        let is_full = |count: &&Count| self.counters.get(&count.counter).is_some_and(|sent| *sent >= count.max);
        if let Some(full) = counts.iter().filter(is_full).max_by_key(|count| count.ends) {
            return Ok(Counted::Full(full.clone()));
        }
        if !self.swap(swap)? {
            return Ok(Counted::Lost);
        }
        for count in counts {
            let sent = self.counters.entry(count.counter.clone()).or_default();
            *sent = sent.saturating_add(1);
        }
        Ok(Counted::Stored)
    }

    fn audit(&mut self, event: Event) -> Result<(), Error> {
        self.events.push(event);
        Ok(())
    }

    fn list(&mut self, query: &Query) -> Result<Page, Error> {
        let is_found = |row: &&Row| query.filter.matches(row) && !(query.excludes_deleted && row.deleted);
        let mut rows: Vec<Row> = self.entries.values().map(|entry| &entry.row).filter(is_found).cloned().collect();
        let position = |row: &Row| query.sort.position(row);
        rows.sort_by(|one, other| query.compare(one, other));
        let total = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let (passed, total) = match &query.start {
            PageStart::Offset(offset) => (usize::try_from(*offset).unwrap_or(usize::MAX), Some(total)),
            PageStart::After(None) => (0, Some(total)),
            PageStart::After(Some(last)) => (rows.partition_point(|row| query.sort.compare(&position(row), last).is_le()), None),
        };
        rows.drain(..passed.min(rows.len()));
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        Ok(Page { total, rows, has_more })
    }

    fn admit(&mut self, cost_seconds: u64, now: u64) -> Result<u64, Error> {
        let (allowance, wait) = self.allowance.spend(cost_seconds, now);
        self.allowance = allowance;
        Ok(wait)
    }

    fn find(&mut self, search: &TokenSearch) -> Result<FoundTokens, Error> {
        let mut found = FoundTokens::default();
        for entry in self.entries.values() {
            found.look_at(search, std::slice::from_ref(entry));
        }
        Ok(found)
    }

    fn check_user(&mut self, _user: &str) -> Result<bool, Error> {
        Ok(true)
    }

    fn deliver(&mut self, message: &Message) -> Result<DeliveryResult, Error> {
        self.delivered.push((message.kind, message.to.clone(), message.code.to_string()));
        Ok(Ok(()))
    }
}
