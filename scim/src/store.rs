//! A store that answers at once, and the loop over the steps for it.

use crate::entry::{Entry, Naming};
use crate::error::Error;
use crate::event::Event;
use crate::limit::Count;
use crate::query::{Page, Query};
use crate::response::Response;
use crate::search::{FoundTokens, TokenSearch};
use crate::signal::Signal;
use crate::step::{Counted, DeliveryResult, Message, Step, Swap};

/// A host that answers at once, for [`Service::run`](crate::Service::run). Each method does what
/// the [`Step`] of its name asks for.
pub trait Store {
    /// [`Step::Get`].
    fn get(&mut self, id: i64) -> Result<Option<Entry>, Error>;
    /// [`Step::Insert`].
    fn insert(&mut self, entry: Entry, naming: Naming, event: Event, signals: Vec<Signal>) -> Result<Entry, Error>;
    /// [`Step::Swap`].
    fn swap(&mut self, swap: Swap) -> Result<bool, Error>;
    /// [`Step::CountedSwap`].
    fn swap_counted(&mut self, swap: Swap, counts: &[Count]) -> Result<Counted, Error>;
    /// [`Step::Audit`].
    fn audit(&mut self, event: Event) -> Result<(), Error>;
    /// [`Step::List`].
    fn list(&mut self, query: &Query) -> Result<Page, Error>;
    /// [`Step::Admit`].
    fn admit(&mut self, cost_seconds: u64, now: u64) -> Result<u64, Error>;
    /// [`Step::Find`].
    fn find(&mut self, search: &TokenSearch) -> Result<FoundTokens, Error>;
    /// [`Step::CheckUser`].
    fn check_user(&mut self, user: &str) -> Result<bool, Error>;
    /// [`Step::Deliver`].
    fn deliver(&mut self, message: &Message) -> Result<DeliveryResult, Error>;
}

/// Does one step after another, up to the response.
pub(crate) fn drive(mut step: Step, store: &mut impl Store) -> Response {
    loop {
        let next = match step {
            Step::Done(response) => return response,
            Step::Get { id, then, .. } => store.get(id).map(then),
            Step::Insert { entry, naming, event, signals, then } => {
                store.insert(*entry, naming, event, signals).map(|entry| then(Box::new(entry)))
            }
            Step::Swap { swap, then } => store.swap(*swap).map(then),
            Step::CountedSwap { swap, counts, then } => store.swap_counted(*swap, &counts).map(then),
            Step::Audit { event, then } => store.audit(event).map(then),
            Step::List { query, then } => store.list(&query).map(then),
            Step::Admit { cost_seconds, now, then } => store.admit(cost_seconds, now).map(then),
            Step::Find { search, then } => store.find(&search).map(then),
            Step::CheckUser { user, then } => store.check_user(&user).map(then),
            Step::Deliver { message, then } => store.deliver(&message).map(then),
        };
        step = next.unwrap_or_else(Step::from);
    }
}
