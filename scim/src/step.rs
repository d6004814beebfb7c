//! What a request needs of its host, step by step.

use std::fmt;

use keyfob::Kind;
use zeroize::Zeroizing;

use crate::{Entry, Error, Event, Name, Page, Query, Response};

/// What follows once the host has done what was asked.
pub type Then<T> = Box<dyn FnOnce(T) -> Step + Send>;

/// The next thing to do for a request. A host that cannot do it answers with an [`Error`], 503 as a
/// rule, and drops the rest: then no verdict was told and nothing is half done.
pub enum Step {
    /// Nothing: this is the response.
    Done(Response),
    /// Read an entry.
    Get {
        /// Its number.
        id: i64,
        /// Whether it is read to be swapped, as a rule: a host may read it where it writes.
        to_swap: bool,
        /// Goes on with the entry, if there is one.
        then: Then<Option<Entry>>,
    },
    /// Give a new entry its number and name, and store it durably. No other device may have the
    /// number, or have had it: clients keep numbers, and never hear that a device is gone (RFC 7643
    /// section 3.1).
    Insert {
        /// The entry.
        entry: Box<Entry>,
        /// How to name it.
        name: Name,
        /// What to write to the trail, in the same transaction, with the new number.
        event: Event,
        /// Goes on with the entry as stored.
        then: Then<Box<Entry>>,
    },
    /// Put an entry durably in the place of the one with its number, if that still has its version.
    Swap {
        /// The entry and what to write to the trail.
        swap: Box<Swap>,
        /// Goes on with whether it was put there.
        then: Then<bool>,
    },
    /// Write to the trail only.
    Record {
        /// What happened.
        event: Event,
        /// Goes on.
        then: Then<()>,
    },
    /// Search.
    List {
        /// What for.
        query: Query,
        /// Goes on with what was found.
        then: Then<Page>,
    },
    /// Tell whether a user is known.
    User {
        /// The user's name.
        name: String,
        /// Goes on with whether it is.
        then: Then<bool>,
    },
    /// Send a code.
    Deliver {
        /// What to whom.
        message: Message,
        /// Goes on with whether it was taken.
        then: Then<Delivered>,
    },
}

/// An entry to swap in, and its line of the trail, which is written in the same transaction.
pub struct Swap {
    /// The next entry, still with the version that was read: stored, it has the next version.
    pub entry: Entry,
    /// What of the entry is another.
    pub scope: Scope,
    /// What to write to the trail.
    pub event: Event,
}

/// What of an entry is another: a store need not write the rest, nor its indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The record, the fails that follow from it, and the time of the change. So it is with a wrong
    /// answer.
    Record,
    /// Also the status and the last use. So it is with a right answer.
    State,
    /// Anything.
    Whole,
}

/// A code on its way to a person.
pub struct Message {
    /// [`Kind::Sms`] or [`Kind::Email`].
    pub kind: Kind,
    /// Whether to call the telephone and say the code, in place of a text message.
    pub is_call: bool,
    /// The telephone number or address.
    pub to: String,
    /// The user.
    pub user: String,
    /// The code: for the message only, never for a log.
    pub code: Zeroizing<String>,
}

// What a step, swap or message holds may be a verdict or a code.
impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Done(_) => "Done",
            Self::Get { .. } => "Get",
            Self::Insert { .. } => "Insert",
            Self::Swap { .. } => "Swap",
            Self::Record { .. } => "Record",
            Self::List { .. } => "List",
            Self::User { .. } => "User",
            Self::Deliver { .. } => "Deliver",
        };
        write!(f, "{name}(..)")
    }
}

impl fmt::Debug for Swap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Swap").field("id", &self.entry.row.id).field("version", &self.entry.version).finish_non_exhaustive()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("kind", &self.kind).field("user", &self.user).finish_non_exhaustive()
    }
}

/// Whether a message was taken; if not, why, without the code.
pub type Delivered = Result<(), String>;

/// A host that answers at once: for [`Service::run`](crate::Service::run). Each method does what
/// the [`Step`] of its name says.
pub trait Store {
    /// [`Step::Get`].
    fn get(&mut self, id: i64) -> Result<Option<Entry>, Error>;
    /// [`Step::Insert`].
    fn insert(&mut self, entry: Entry, name: Name, event: Event) -> Result<Entry, Error>;
    /// [`Step::Swap`].
    fn swap(&mut self, swap: Swap) -> Result<bool, Error>;
    /// [`Step::Record`].
    fn record(&mut self, event: Event) -> Result<(), Error>;
    /// [`Step::List`].
    fn list(&mut self, query: &Query) -> Result<Page, Error>;
    /// [`Step::User`].
    fn user(&mut self, name: &str) -> Result<bool, Error>;
    /// [`Step::Deliver`].
    fn deliver(&mut self, message: &Message) -> Result<Delivered, Error>;
}
