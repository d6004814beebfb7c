//! What requests for devices need of a store.

use keyfob_scim::{Entry, Error, Event, Naming, Query, Signal, Step};

use super::filter;
use super::handle::{Read, Store};
use super::outbox::Drafts;
use super::reads::{self, Listed};
use super::searches::Claim;
use super::writes::{self, Change, Inserted, Job, Stepped};
use crate::database::Connection;

impl Store {
    /// Reads an entry. Errors: 503; 500 for a record that does not open.
    pub async fn get(&self, id: i64) -> Result<Option<Entry>, Error> {
        self.0.gets.run(|reply| Read::Entry(id, reply)).await
    }

    /// Does a step that reads a device to swap it, swaps it or writes to the trail, and the steps
    /// of this kind that follow. Returns the next step of another kind. Errors: 503; 500 for a
    /// record that does not open.
    pub(crate) async fn change(&self, step: Step) -> Result<Stepped, Error> {
        self.0.changes.run(|reply| Change::Step(Box::new(Job { step, note: None, reply }))).await
    }

    /// Stores a new entry under an id that no other device has, with its signals. Errors: 503; 409
    /// for a serial that another device has.
    pub async fn insert(
        &self,
        mut entry: Box<Entry>,
        naming: Naming,
        event: Event,
        signals: Vec<Signal>,
    ) -> Result<Box<Entry>, Error> {
        let (keys, rooms) = (self.0.keys.clone(), self.0.rooms.clone());
        let insert = move |connection: &mut dyn Connection| {
            let drafts = Drafts::new(&rooms, signals)?;
            let inserted = writes::insert(connection, &keys, writes::draw, &mut entry, &naming, &event, &drafts);
            drafts.end_as(&inserted, |inserted| *inserted == Inserted::Stored);
            Ok((inserted?, entry))
        };
        match self.submit(insert).await? {
            (Inserted::SerialIsTaken, entry) => Err(Error::serial_is_taken(&entry.row.name)),
            (_, entry) => Ok(entry),
        }
    }

    /// Searches on behalf of an account. A search that finds few devices by an index does not wait
    /// for searches that read all devices.
    ///
    /// Errors: 503.
    pub async fn list(&self, account: &str, query: &Query) -> Result<Listed, Error> {
        let claim = Claim::new(account);
        if filter::key(&query.filter).is_some() {
            let query = query.clone();
            if let Some(found) = self.0.lookups.run(&claim, move |connection| reads::look_up(connection, &query)).await? {
                return Ok(found);
            }
        }
        let query = query.clone();
        self.scan(claim, move |connection| reads::list(connection, &query)).await
    }

    /// How many devices are locked. An index counts them. Errors: 503.
    pub(crate) async fn locked_devices(&self) -> Result<u32, Error> {
        const COUNT: &str = "SELECT count(*) FROM device WHERE status = 'L'";
        let count = |connection: &mut dyn Connection| {
            let locked = connection.run(COUNT)?.first_mut().map_or(Ok(0), |record| record.number(0))?;
            Ok(u32::try_from(locked).unwrap_or(u32::MAX))
        };
        // On behalf of no account.
        self.0.lookups.run(&Claim::new(""), count).await
    }
}
