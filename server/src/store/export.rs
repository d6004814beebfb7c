//! What an export reads and writes: whole devices, and the lines of the trail for their secrets.

use keyfob_scim::{Error, Event};

use super::batch::settle;
use super::entries::{self, EntryPage, EntryQuery};
use super::handle::Store;
use super::searches::Claim;
use super::trail::OPERATOR;
use crate::database::Connection;

impl Store {
    /// Reads a page of whole devices. Errors: 503.
    pub(crate) async fn entries(&self, query: EntryQuery) -> Result<EntryPage, Error> {
        let keys = self.keys();
        self.scan(Claim::new(OPERATOR), move |connection| entries::page(connection, &keys, &query)).await
    }

    /// Writes lines to the trail in one commit. Errors: 503.
    pub(crate) async fn record(&self, events: Vec<Event>) -> Result<(), Error> {
        let write = move |connection: &mut dyn Connection| settle(connection, Vec::new(), &events.iter().collect::<Vec<_>>()).lines;
        self.submit(write).await
    }
}
