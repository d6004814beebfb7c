//! The steps of a request: what it needs from its host.

use std::fmt;

use keyfob::Kind;
use zeroize::Zeroizing;

use crate::entry::{Entry, Naming};
use crate::error::Error;
use crate::event::Event;
use crate::limit::Count;
use crate::query::{Page, Query};
use crate::response::Response;
use crate::search::{FoundTokens, TokenSearch};
use crate::signal::Signal;

/// What a host calls with the result of a step: it returns the next step.
pub type Then<T> = Box<dyn FnOnce(T) -> Step + Send>;

/// What a host does next for a request. A host that cannot do it answers with an [`Error`], as a
/// rule with status 503, and drops the step: no verdict has come out then, and nothing is half
/// done.
pub enum Step {
    /// Send this response. The request is finished.
    Done(Response),
    /// Read an entry.
    Get {
        /// The id of the device.
        id: i64,
        /// Whether a [`Swap`](Self::Swap) of the entry follows as a rule. A host may then read it
        /// where it writes.
        to_swap: bool,
        /// Takes the entry, if there is one.
        then: Then<Option<Entry>>,
    },
    /// Give a new entry its id and name, and store it durably. No other device may have, or have
    /// had, this id: clients keep ids, and do not hear of the deletion of a device (RFC 7643
    /// section 3.1).
    Insert {
        /// The entry.
        entry: Box<Entry>,
        /// How to name it.
        naming: Naming,
        /// The event to add to the audit trail in the same transaction, with the new id.
        event: Event,
        /// The signals to store in the same transaction, each by [`Signal::with_new_device`].
        signals: Vec<Signal>,
        /// Takes the entry as stored.
        then: Then<Box<Entry>>,
    },
    /// Replace the entry of this id durably, if it still has this version: compare and swap.
    Swap {
        /// The next entry, and the event for the audit trail.
        swap: Box<Swap>,
        /// Takes whether the entry was replaced.
        then: Then<bool>,
    },
    /// Replace an entry as [`Swap`](Self::Swap) does, and add 1 to each counter, in one
    /// transaction, if no counter is at its most. A counter that the store does not have is at 0.
    /// The message of a request that goes on after this is counted, whether or not it is sent.
    CountedSwap {
        /// The next entry, and the event for the audit trail.
        swap: Box<Swap>,
        /// The counters, at least one, each once.
        counts: Vec<Count>,
        /// Takes whether the entry was replaced and the message counted.
        then: Then<Counted>,
    },
    /// Add an event to the audit trail, and change no entry.
    Audit {
        /// The event.
        event: Event,
        /// Continues.
        then: Then<()>,
    },
    /// Search for devices.
    List {
        /// The search.
        query: Query,
        /// Takes the devices found.
        then: Then<Page>,
    },
    /// Admit a search for a token, if the store's allowance has enough left. A host stores what
    /// [`Allowance::spend`](crate::Allowance::spend) returns, in the transaction that read it.
    Admit {
        /// What the search costs.
        cost_seconds: u64,
        /// The time of the request, in Unix seconds.
        now: u64,
        /// Takes after how many seconds there is enough: 0 if the search is admitted.
        then: Then<u64>,
    },
    /// Search for the devices that show codes. A host reads the devices and opens their records,
    /// some hundred at a time, and gives them to [`FoundTokens::look_at`].
    Find {
        /// The search.
        search: TokenSearch,
        /// Takes what was found.
        then: Then<FoundTokens>,
    },
    /// Check whether a user is known.
    CheckUser {
        /// The name of the user.
        user: String,
        /// Takes whether the user is known.
        then: Then<bool>,
    },
    /// Send a code to a person.
    Deliver {
        /// The code and its recipient.
        message: Message,
        /// Takes whether the message was accepted.
        then: Then<DeliveryResult>,
    },
}

impl From<Error> for Step {
    fn from(error: Error) -> Self {
        Self::Done(error.into())
    }
}

/// The next state of an entry, the event for the audit trail and the signals. A store writes all in
/// one transaction.
pub struct Swap {
    /// The next entry, with the version that was read. A store increments the version.
    pub entry: Entry,
    /// Which parts of the entry differ from the stored one.
    pub scope: Scope,
    /// Whether the device takes its serial back, as one that is no longer deleted. Another device
    /// of this name that is not deleted is [`Error::serial_is_taken`], which a store checks in the
    /// transaction of the swap.
    pub claims_serial: bool,
    /// The event to add to the audit trail.
    pub event: Event,
    /// The signals to store in the same transaction, in this order; none as a rule.
    pub signals: Vec<Signal>,
}

/// The outcome of a [`Step::CountedSwap`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Counted {
    /// The entry was replaced, and each counter raised.
    Stored,
    /// The store has another version of the entry. Nothing was counted.
    Lost,
    /// This counter is at its most, and nothing was changed. If several are, the one whose
    /// interval ends last.
    Full(Count),
}

/// Which parts of an entry a [`Swap`] changes. A store need not write the others, nor their
/// indexes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The engine's record, the fails and the time of the change, as after a wrong code.
    Record,
    /// Also the status and the last use, as after a right code.
    State,
    /// Any part.
    Whole,
}

/// A code on its way to a person.
pub struct Message {
    /// [`Kind::Sms`] or [`Kind::Email`].
    pub kind: Kind,
    /// Whether to call the telephone and say the code, instead of sending a text message.
    pub is_call: bool,
    /// The telephone number or address. With a [`Numbering`](crate::Numbering) a number is `+` and
    /// its digits (E.164), as the limits judged it; one that could not be read is as it was given.
    pub to: String,
    /// The user whose device it is.
    pub user: String,
    /// The code, for the message only: it belongs in no log.
    pub code: Zeroizing<String>,
}

// A step, swap or message may hold a verdict or a code.
impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Done(_) => "Done",
            Self::Get { .. } => "Get",
            Self::Insert { .. } => "Insert",
            Self::Swap { .. } => "Swap",
            Self::CountedSwap { .. } => "CountedSwap",
            Self::Audit { .. } => "Audit",
            Self::List { .. } => "List",
            Self::Admit { .. } => "Admit",
            Self::Find { .. } => "Find",
            Self::CheckUser { .. } => "CheckUser",
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

/// Whether a message was accepted for delivery. The error says why not, for people, without the
/// code.
pub type DeliveryResult = Result<(), String>;
