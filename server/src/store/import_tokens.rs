//! Tokens of files, stored under ids of the store's own and the serials of the files.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use keyfob::Device;
use keyfob_scim::{Entry, Error, Event, Naming, Row, Signal};

use super::columns::{device, device_record_columns, device_row_columns};
use super::handle::Store;
use super::keys::{Keys, Sealer};
use super::outbox::Drafts;
use super::rooms::Rooms;
use super::rows::{device_values, seal};
use super::writes::{draw, next};
use super::{lines, outbox, serial};
use crate::database::{Connection, DatabaseError, Dialect, Record, Sql, Type, Value, persist_transaction};

/// How many tokens are stored in one commit.
pub(crate) const PAGE_TOKENS: usize = 1000;

/// A token to be stored, with its name: its serial, or one of the store's.
#[derive(Clone, Debug)]
pub(crate) struct NewToken {
    pub(crate) entry: Entry,
    pub(crate) naming: Naming,
    /// Its signals, which get its id and its name when it is stored.
    pub(crate) signals: Vec<Signal>,
}

impl NewToken {
    pub(super) fn serial(&self) -> Option<&str> {
        match &self.naming {
            Naming::Serial(serial) => Some(serial),
            _ => None,
        }
    }
}

/// The outcome for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenOutcome {
    Stored,
    /// It was in the store already: a device with its serial has its kind and its secret. Without a
    /// serial: any device.
    Unchanged,
    /// The device was in the store, and was deleted. A new one with the counter of the file would
    /// take codes that were used.
    WasDeleted,
    /// Another device has its serial.
    SerialIsTaken,
    /// A device of another user has its secret.
    SecretIsTaken,
    /// A device of another name has its secret.
    SecretHasOtherName,
    /// The device with its serial cannot be read.
    IsUnreadable,
}

impl Store {
    /// Stores the tokens that the store does not have, each with a line of the trail and its
    /// signals, in one commit. Errors: 503.
    pub(crate) async fn import_tokens(&self, tokens: Vec<NewToken>, actor: &str, at: u64) -> Result<Vec<TokenOutcome>, Error> {
        let (tokens, actor): (Arc<[NewToken]>, Arc<str>) = (tokens.into(), actor.into());
        loop {
            let (tokens, actor, keys) = (Arc::clone(&tokens), Arc::clone(&actor), self.keys());
            let rooms = self.0.rooms.clone();
            let stored = self.submit(move |connection: &mut dyn Connection| {
                // Sealed once: a row with these bytes comes from an earlier try whose connection
                // was lost.
                let page = Page::seal(&tokens, &keys.sealer(connection)?, &rooms, &actor, at)?;
                let stored = persist_transaction(connection, |connection| page.store(connection, &keys));
                page.end(&stored);
                stored
            });
            if let Some(outcomes) = stored.await? {
                return Ok(outcomes);
            }
        }
    }
}

/// A page of tokens with their ids and records.
pub(super) struct Page {
    pub(super) tokens: Vec<NewToken>,
    records: Vec<Vec<u8>>,
    events: Vec<Event>,
    drafts: Vec<Drafts<'static>>,
}

impl Page {
    /// Gives the tokens ids in a row, so that their rows lie side by side, and seals them. Takes
    /// room for their signals.
    pub(super) fn seal(tokens: &[NewToken], sealer: &Sealer, rooms: &Rooms, actor: &str, at: u64) -> Result<Self, DatabaseError> {
        let mut tokens = tokens.to_vec();
        for (token, id) in tokens.iter_mut().zip(draw()?..) {
            token.entry.row.id = id;
        }
        let records = tokens.iter().map(|token| seal(sealer, &token.entry)).collect::<Result<_, _>>()?;
        let events = tokens.iter().map(|token| Event::for_new_device(&token.entry, actor, at)).collect();
        let drafts = tokens.iter_mut().map(|token| Drafts::new(rooms, std::mem::take(&mut token.signals)));
        let drafts = drafts.collect::<Result<_, _>>()?;
        Ok(Self { tokens, records, events, drafts })
    }

    /// Gives back the room of signals whose tokens were not stored.
    fn end(self, stored: &Result<Option<Vec<TokenOutcome>>, DatabaseError>) {
        for (number, drafts) in self.drafts.into_iter().enumerate() {
            let is_stored = |outcomes: &[TokenOutcome]| outcomes.get(number) == Some(&TokenOutcome::Stored);
            drafts.end_as(stored, |outcomes| outcomes.as_deref().is_some_and(is_stored));
        }
    }

    /// Stores the page. Returns the outcome for each token; none if another device has one of the
    /// ids.
    pub(super) fn store(&self, connection: &mut dyn Connection, keys: &Keys) -> Result<Option<Vec<TokenOutcome>>, DatabaseError> {
        // Two imports take turns, so each sees what the other one has stored.
        if !self.tokens.is_empty() {
            serial::take_turn(connection)?;
        }
        let earlier = self.earlier(connection)?;
        let is_mine = |(token, record): (&NewToken, &Vec<u8>)| earlier.get(&token.entry.row.id).is_none_or(|found| found == record);
        if !self.tokens.iter().zip(&self.records).all(is_mine) {
            return Ok(None);
        }
        let found = Found::read(connection, keys, &self.tokens)?;
        let (mut rows, mut events, mut drafts) = (Vec::new(), Vec::new(), Vec::new());
        let mut outcomes = Vec::with_capacity(self.tokens.len());
        let parts = self.tokens.iter().zip(&self.records).zip(&self.events).zip(&self.drafts);
        for (((token, record), event), draft) in parts {
            let Entry { row, version, .. } = &token.entry;
            if earlier.contains_key(&row.id) {
                outcomes.push(TokenOutcome::Stored);
                continue;
            }
            let outcome = found.outcome(token).unwrap_or(TokenOutcome::Stored);
            if outcome == TokenOutcome::Stored {
                let number = || u64::try_from(next(connection, "name")?).map_err(|error| DatabaseError::new(error.to_string()));
                let name = token.naming.clone().resolve(number)?;
                rows.push(device_values(row, &name, *version, record));
                events.push(event);
                if draft.has_rows() {
                    drafts.push((draft, Row { name, ..row.clone() }));
                }
            }
            outcomes.push(outcome);
        }
        insert(connection, rows)?;
        lines::insert(connection, &events)?;
        outbox::insert(connection, drafts.iter().map(|(draft, row)| (*draft, Some(row))))?;
        Ok(Some(outcomes))
    }

    /// The records under the ids of this page. An earlier try whose connection was lost may have
    /// stored them.
    fn earlier(&self, connection: &mut dyn Connection) -> Result<HashMap<i64, Vec<u8>>, DatabaseError> {
        let ids = || self.tokens.iter().map(|token| token.entry.row.id);
        let Some((first, last)) = ids().min().zip(ids().max()) else { return Ok(HashMap::new()) };
        let mut sql = Sql::new("SELECT id, record FROM device WHERE id BETWEEN ");
        sql.bind(first).push(" AND ").bind(last);
        connection.rows(&sql)?.iter_mut().map(|record| Ok((record.id()?, record.bytes(1)?))).collect()
    }
}

fn insert(connection: &mut dyn Connection, rows: Vec<[Value; device::COUNT]>) -> Result<(), DatabaseError> {
    match connection.dialect() {
        Dialect::Sqlite => {
            const INSERT: &str = concat!(
                "INSERT INTO device (",
                device_row_columns!(),
                ", ",
                device_record_columns!(),
                ") VALUES (",
                device_row_columns!(parameters),
                ", ",
                device_record_columns!(parameters),
                ")"
            );
            for row in rows {
                connection.change(&Sql::from_parts(INSERT, row))?;
            }
        }
        Dialect::Postgres if rows.is_empty() => {}
        Dialect::Postgres => {
            let mut sql = Sql::new("WITH ");
            sql.table(connection.dialect(), "next", &device::COLUMNS, rows.into_iter());
            sql.push(concat!(
                " INSERT INTO device (",
                device_row_columns!(),
                ", ",
                device_record_columns!(),
                ") SELECT * FROM next"
            ));
            connection.change(&sql)?;
        }
    }
    Ok(())
}

/// A device with a serial of the page, or of a user of the page.
struct Known {
    is_deleted: bool,
    /// None if it cannot be read.
    device: Option<Device>,
}

impl Known {
    fn is_same(&self, token: &NewToken) -> bool {
        self.device.as_ref().is_some_and(|device| {
            let secrets = device.generator().zip(token.entry.device.generator());
            device.kind() == token.entry.row.kind && secrets.is_some_and(|(one, other)| one.secret() == other.secret())
        })
    }
}

/// The devices that tokens of a page may be.
#[derive(Default)]
pub(super) struct Found {
    by_serial: HashMap<String, Vec<Known>>,
    /// The devices of users, for tokens without a serial.
    by_user: HashMap<String, Vec<Known>>,
}

impl Found {
    pub(super) fn read(connection: &mut dyn Connection, keys: &Keys, tokens: &[NewToken]) -> Result<Self, DatabaseError> {
        let serials = tokens.iter().filter_map(NewToken::serial);
        let users = tokens.iter().filter(|token| token.serial().is_none()).map(|token| token.entry.row.user.as_str());
        let by_serial = devices_by(connection, keys, "name", &serials.collect())?;
        Ok(Self { by_serial, by_user: devices_by(connection, keys, "user_name", &users.collect())? })
    }

    /// Compares a token with the devices of its serial. Without a serial, with those of its user.
    /// None if it is new.
    pub(super) fn outcome(&self, token: &NewToken) -> Option<TokenOutcome> {
        let Some(serial) = token.serial() else {
            let mut same = self.by_user.get(&token.entry.row.user)?.iter().filter(|known| known.is_same(token)).peekable();
            same.peek()?;
            return Some(if same.all(|known| known.is_deleted) { TokenOutcome::WasDeleted } else { TokenOutcome::Unchanged });
        };
        let known = self.by_serial.get(serial)?;
        let judge = |is_deleted: bool, if_same: TokenOutcome, otherwise: Option<TokenOutcome>| {
            let mut devices = known.iter().filter(|known| known.is_deleted == is_deleted).peekable();
            devices.peek()?;
            let (mut is_any_same, mut is_any_unreadable) = (false, false);
            for known in devices {
                is_any_same |= known.is_same(token);
                is_any_unreadable |= known.device.is_none();
            }
            match (is_any_same, is_any_unreadable) {
                (true, _) => Some(if_same),
                (false, true) => Some(TokenOutcome::IsUnreadable),
                (false, false) => otherwise,
            }
        };
        judge(false, TokenOutcome::Unchanged, Some(TokenOutcome::SerialIsTaken))
            .or_else(|| judge(true, TokenOutcome::WasDeleted, None))
    }
}

/// The devices with these values of an indexed column.
fn devices_by(
    connection: &mut dyn Connection,
    keys: &Keys,
    column: &str,
    values: &BTreeSet<&str>,
) -> Result<HashMap<String, Vec<Known>>, DatabaseError> {
    let select = format!("SELECT id, {column}, deleted, record FROM device WHERE {column}");
    let mut found: HashMap<String, Vec<Known>> = HashMap::new();
    let mut add = |records: Vec<Record>| {
        for mut record in records {
            let read = |record: &mut Record| keys.open(&record.bytes(3).ok()?, record.id().ok()?).ok();
            let known = Known { is_deleted: record.number(2)? != 0, device: read(&mut record) };
            found.entry(record.text(1)?).or_default().push(known);
        }
        Ok::<_, DatabaseError>(())
    };
    match connection.dialect() {
        _ if values.is_empty() => {}
        // In a file, a statement has no round trip, and this one serves any number of values.
        Dialect::Sqlite => {
            let mut sql = Sql::new([&select, " = $1"].concat());
            for &value in values {
                sql.values = vec![value.into()];
                add(connection.rows(&sql)?)?;
            }
        }
        Dialect::Postgres => {
            let mut sql = Sql::new(select);
            let list = Value::List(Type::Text, values.iter().copied().map(Value::from).collect());
            sql.push(" = ANY(").bind(list).push("::TEXT[])");
            add(connection.rows(&sql)?)?;
        }
    }
    Ok(found)
}
