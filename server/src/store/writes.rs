//! What changes the store: new entries, and batches of swaps with their lines of the trail.

use std::collections::HashSet;

use keyfob_scim::{Entry, Event, Name, Row, Swap};
use sqlx::{Any, AssertSqlSafe, Row as _, Transaction};

use super::batch::Job;
use super::sql::Sql;
use super::{Shared, fail};

/// A job for the writers.
pub(crate) enum Change {
    /// Puts an entry in the place of another.
    Swap(Box<Swap>),
    /// Writes to the trail only.
    Record(Event),
}

impl Change {
    const fn event(&self) -> &Event {
        match self {
            Self::Swap(swap) => &swap.event,
            Self::Record(event) => event,
        }
    }
}

impl Shared {
    /// Commits a batch and then answers it: of several swaps of one device the first that came, of the others that they lost.
    pub(crate) async fn change(&self, jobs: Vec<Job<Change, bool>>) {
        let mut devices = HashSet::new();
        let (jobs, lost): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| match &job.input {
            Change::Swap(swap) => devices.insert(swap.entry.row.id),
            Change::Record(_) => true,
        });
        match self.commit(&jobs).await {
            Ok(stored) => {
                for Job { input, answer } in jobs {
                    let done = match &input {
                        Change::Swap(swap) => stored.contains(&swap.entry.row.id),
                        Change::Record(_) => true,
                    };
                    // Whoever went away needs no answer.
                    let _ = answer.send(Ok(done));
                }
            }
            Err(error) => fail(jobs, error),
        }
        // After the commit: they read the winner's version, and not once more the one they lost with.
        for job in lost {
            let _ = job.answer.send(Ok(false));
        }
    }

    /// Writes a batch in one transaction. Returns the devices that were swapped.
    async fn commit(&self, jobs: &[Job<Change, bool>]) -> Result<HashSet<i64>, sqlx::Error> {
        let mut transaction = self.writes.begin_with(self.dialect.begin()).await?;
        let mut swaps: Vec<&Swap> =
            jobs.iter().filter_map(|job| if let Change::Swap(swap) = &job.input { Some(&**swap) } else { None }).collect();
        // All writers lock rows in the same order, so that none waits for one that waits for it.
        swaps.sort_unstable_by_key(|swap| swap.entry.row.id);
        let (states, wholes): (Vec<_>, Vec<_>) = swaps.into_iter().partition(|swap| swap.only_state);
        let mut stored = HashSet::new();
        if !states.is_empty() {
            stored = self.swap_states(&mut transaction, &states).await?;
        }
        for swap in wholes {
            if self.swap_whole(&mut transaction, &swap.entry).await? {
                stored.insert(swap.entry.row.id);
            }
        }
        let happened = jobs.iter().filter(|job| match &job.input {
            Change::Swap(swap) => stored.contains(&swap.entry.row.id),
            Change::Record(_) => true,
        });
        let events: Vec<&Event> = happened.map(|job| job.input.event()).collect();
        self.write_trail(&mut transaction, &events).await?;
        transaction.commit().await?;
        Ok(stored)
    }

    /// Swaps the records of many devices, and the columns that follow from them, in one statement.
    async fn swap_states(&self, transaction: &mut Transaction<'_, Any>, swaps: &[&Swap]) -> Result<HashSet<i64>, sqlx::Error> {
        let mut sql = Sql::new(self.dialect, "WITH next (id, version, status, fails, last_used, record) AS (VALUES ");
        for (at, Swap { entry, .. }) in swaps.iter().enumerate() {
            let Row { id, status, fails, last_used, .. } = entry.row;
            sql.push(if at == 0 { "(" } else { ", (" }).bind(id).push(", ").bind(entry.version).push(", ").bind(status.to_string());
            sql.push(", ").bind(i64::from(fails)).push(", ").bind(last_used.map(time)).push(", ").bind(self.seal(entry)?).push(")");
        }
        sql.push(
            ") UPDATE device SET version = device.version + 1, status = next.status, fails = next.fails, last_used = next.last_used, \
             record = next.record FROM next WHERE device.id = next.id AND device.version = next.version RETURNING device.id",
        );
        let rows = sqlx::query_with(AssertSqlSafe(sql.text), sql.values).fetch_all(&mut **transaction).await?;
        rows.iter().map(|row| row.try_get(0)).collect()
    }

    async fn swap_whole(&self, transaction: &mut Transaction<'_, Any>, entry: &Entry) -> Result<bool, sqlx::Error> {
        let query = sqlx::query(
            "UPDATE device SET version = version + 1, name = $1, email = $2, phone = $3, external_id = $4, deleted = $5, status = $6, \
             fails = $7, last_used = $8, record = $9 WHERE id = $10 AND version = $11",
        );
        let Entry { row, version, .. } = entry;
        let query = query.bind(&row.name).bind(row.email.clone()).bind(row.phone.clone()).bind(row.external_id.clone());
        let query = query.bind(i64::from(row.deleted)).bind(row.status.to_string()).bind(i64::from(row.fails));
        let query = query.bind(row.last_used.map(time)).bind(self.seal(entry)?).bind(row.id).bind(*version);
        Ok(query.execute(&mut **transaction).await?.rows_affected() == 1)
    }

    /// Stores a new entry under the next number.
    pub(crate) async fn insert(&self, mut entry: Box<Entry>, name: Name, event: Event) -> Result<Box<Entry>, sqlx::Error> {
        let mut transaction = self.writes.begin_with(self.dialect.begin()).await?;
        entry.row.id = next(&mut transaction, "device").await?;
        let number = match &name {
            Name::Numbered(_) => next(&mut transaction, "name").await?,
            Name::Fixed(_) => 0,
        };
        entry.row.name = name.text(|| u64::try_from(number).map_err(|error| sqlx::Error::Decode(error.into())))?;
        let query = sqlx::query(
            "INSERT INTO device (id, version, name, user_name, email, phone, external_id, deleted, kind, status, fails, created, \
             last_used, record) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        );
        let Entry { row, version, .. } = &*entry;
        let query =
            query.bind(row.id).bind(*version).bind(&row.name).bind(&row.user).bind(row.email.clone()).bind(row.phone.clone());
        let query =
            query.bind(row.external_id.clone()).bind(i64::from(row.deleted)).bind(row.kind.name()).bind(row.status.to_string());
        let query = query.bind(i64::from(row.fails)).bind(time(row.created)).bind(row.last_used.map(time)).bind(self.seal(&entry)?);
        query.execute(&mut *transaction).await?;
        self.write_trail(&mut transaction, &[&Event { device: entry.row.id, ..event }]).await?;
        transaction.commit().await?;
        Ok(entry)
    }

    fn seal(&self, entry: &Entry) -> Result<Vec<u8>, sqlx::Error> {
        self.keys.seal(&entry.device, entry.row.id).map_err(|error| sqlx::Error::Encode(error.into()))
    }

    async fn write_trail(&self, transaction: &mut Transaction<'_, Any>, events: &[&Event]) -> Result<(), sqlx::Error> {
        if events.is_empty() {
            return Ok(());
        }
        let mut sql =
            Sql::new(self.dialect, "INSERT INTO trail (at, event, actor, device, user_name, success, reason, drift) VALUES ");
        for (at, event) in events.iter().enumerate() {
            sql.push(if at == 0 { "(" } else { ", (" }).bind(time(event.at)).push(", ").bind(event.kind.name());
            sql.push(", ").bind(event.actor.clone()).push(", ").bind(event.device).push(", ").bind(event.user.clone());
            sql.push(", ")
                .bind(i64::from(event.success))
                .push(", ")
                .bind(event.reason.clone())
                .push(", ")
                .bind(event.drift)
                .push(")");
        }
        sqlx::query_with(AssertSqlSafe(sql.text), sql.values).execute(&mut **transaction).await?;
        Ok(())
    }
}

/// The next number of a sequence.
async fn next(transaction: &mut Transaction<'_, Any>, name: &str) -> Result<i64, sqlx::Error> {
    let query = sqlx::query_scalar("UPDATE sequence SET last = last + 1 WHERE name = $1 RETURNING last");
    query.bind(name).fetch_one(&mut **transaction).await
}

/// Unix seconds as a column has them.
fn time(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}
