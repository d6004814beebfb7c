//! Which keys are the store's. Before there is any device a sealed nothing tells, which the first process puts there: two processes that each
//! made a key of its own would else fill one store with devices of which each can read its own.

use keyfob::{Device, Hotp, SECRET_MAX, Secret};
use keyfob_scim::Error;

use super::Store;
use super::keys::Keys;
use super::sql::{Connection, Fault, Sql};

/// No device has this number.
const ID: i64 = 0;

impl Store {
    /// Whether these keys may be those of the store: nothing that it holds says otherwise. Errors: 503.
    pub(crate) async fn opens_under(&self, keys: &Keys) -> Result<bool, Error> {
        let keys = keys.clone();
        self.look(move |connection| Ok(known(connection, &keys)? != Some(false))).await
    }

    /// Whether the keys are those of the store. Errors: 503.
    pub async fn opens(&self) -> Result<bool, Error> {
        let keys = self.0.keys.clone();
        let known = self.look(move |connection| known(connection, &keys)).await?;
        if let Some(opens) = known {
            return Ok(opens);
        }
        let keys = self.0.keys.clone();
        self.write(move |connection| {
            let mut sql = Sql::new("INSERT INTO witness (id, record) VALUES ");
            sql.tuple([ID.into(), nothing(&keys)?.into()]).push(" ON CONFLICT DO NOTHING");
            connection.change(&sql)?;
            // Another process may have been faster.
            Ok(witness(connection)?.is_some_and(|sealed| keys.open(&sealed, ID).is_ok()))
        })
        .await
    }
}

/// Whether the keys are those of the store, if it tells.
fn known(connection: &mut dyn Connection, keys: &Keys) -> Result<Option<bool>, Fault> {
    let sealed = witness(connection)?;
    if sealed.as_ref().is_some_and(|sealed| keys.open(sealed, ID).is_ok()) {
        return Ok(Some(true));
    }
    // It may be older than the keys, or damaged, and so may some of the records.
    let (mut opens, mut is_empty) = (false, true);
    for record in &mut connection.run("SELECT id, record FROM device ORDER BY id LIMIT 16")? {
        is_empty = false;
        let id = record.id()?;
        opens |= record.bytes(1).is_ok_and(|sealed| keys.open(&sealed, id).is_ok());
    }
    Ok(if sealed.is_none() && (opens || is_empty) { None } else { Some(opens) })
}

/// Seals the nothing anew, if it is not under the first key.
pub(crate) fn reseal(connection: &mut dyn Connection, keys: &Keys) -> Result<(), Fault> {
    let Some(sealed) = witness(connection)?.filter(|sealed| !keys.is_current(sealed)) else { return Ok(()) };
    let mut sql = Sql::new("UPDATE witness SET record = ");
    sql.bind(nothing(keys)?).push(" WHERE record = ").bind(sealed);
    connection.change(&sql).map(|_| ())
}

fn witness(connection: &mut dyn Connection) -> Result<Option<Vec<u8>>, Fault> {
    connection.run("SELECT record FROM witness")?.first_mut().map(|record| record.bytes(0)).transpose()
}

/// A device that nobody has.
fn nothing(keys: &Keys) -> Result<Vec<u8>, Fault> {
    let fault = |error: keyfob::Error| Fault::new(error.to_string());
    let device = Device::hotp(Hotp::new(Secret::new(&[0; SECRET_MAX]).map_err(fault)?), 0, 0);
    keys.seal(&device, ID).map_err(fault)
}
