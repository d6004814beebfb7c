//! Searches for a text within users and names: the devices that may have it.
//!
//! In SQLite, the table `device_text` has an entry for each three characters of a user or a name.
//! It is behind the devices: a trigger notes a new or renamed one in `device_unindexed`, and a
//! service indexes them once they are a thousand. So a create costs one small line, and a verdict
//! nothing. A search takes what the index finds and all that is not indexed yet. The filter itself
//! is then evaluated on these devices, so the index never changes a result.
//!
//! PostgreSQL has an index of its own for this, if its extension `pg_trgm` is there.

use keyfob_scim::{Attribute, Filter, Op, Query};

use super::{filter, migrations};
use crate::database::{Connection, DatabaseError, Dialect, ErrorKind, Record, Sql};

/// How many devices may lack an entry in the index. Each search reads them all.
const MAX_UNINDEXED_DEVICES: i64 = if cfg!(test) { 5 } else { 1000 };
/// How many devices a search reads one by one. A text that more devices have is soon found in any
/// order.
const MAX_CANDIDATES: i64 = if cfg!(test) { 20 } else { 5000 };
/// How many trigrams one search looks up. For each, FTS5 keeps a page of 4 KiB in memory for each
/// of its segments, of which it has a dozen.
const MAX_TRIGRAMS: usize = 32;
/// How many devices one commit indexes. Verdicts wait for it.
const MAX_COMMIT_DEVICES: i64 = if cfg!(test) { 2 } else { 250 };

/// The statement that makes PostgreSQL's index. It has both texts in lower case, and narrows `co`
/// and `textFilter` alike.
const POSTGRES_INDEX: &str = "INDEX device_texts ON device USING gin (lower(user_name) gin_trgm_ops, lower(name) gin_trgm_ops)";

/// The ids of all devices that may match a query, if they are few: those with a text in their user
/// or name. `None` if the filter has no such part, or has a key.
pub(crate) fn candidates(connection: &mut dyn Connection, query: &Query) -> Result<Option<Vec<i64>>, DatabaseError> {
    if filter::key(&query.filter).is_some() {
        return Ok(None);
    }
    let Some(part) = contains(&query.filter) else { return Ok(None) };
    match connection.dialect() {
        Dialect::Sqlite => sqlite_candidates(connection, part),
        Dialect::Postgres => postgres_candidates(connection, part),
    }
}

fn sqlite_candidates(connection: &mut dyn Connection, part: &Filter) -> Result<Option<Vec<i64>>, DatabaseError> {
    if let Some(trigrams) = looked_up(part)
        && let Some(unindexed) = unindexed(connection)?
    {
        let mut sql = Sql::new("SELECT rowid FROM device_text WHERE device_text MATCH ");
        sql.bind(trigrams.as_str()).push(" LIMIT ").bind(MAX_CANDIDATES.saturating_add(1));
        match connection.rows(&sql) {
            Ok(records) => return few(records).map(|few| few.map(|few| few.into_iter().chain(unindexed).collect())),
            Err(error) if matches!(error.kind, ErrorKind::Damaged | ErrorKind::Refused) => {
                tracing::error!("store: the index of users and names cannot be read, and a search reads all devices: {error}");
            }
            Err(error) => return Err(error),
        }
    }
    // The index of users has the names beside them, and is much smaller than the table.
    let mut sql = Sql::new("SELECT id FROM device");
    filter::wanted_by_key(&mut sql, connection.dialect(), part);
    sql.push(" LIMIT ").bind(MAX_CANDIDATES.saturating_add(1));
    few(connection.rows(&sql)?)
}

fn postgres_candidates(connection: &mut dyn Connection, part: &Filter) -> Result<Option<Vec<i64>>, DatabaseError> {
    const IS_THERE: &str = "SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('device_texts') AND indisvalid";
    // Without a trigram, the index would read all of its entries.
    if shortest(part).is_none_or(|length| length < 3) {
        return Ok(None);
    }
    // A database with the protocol of PostgreSQL may have no such list.
    let count = connection.run(IS_THERE).and_then(|mut records| records.first_mut().map_or(Ok(0), |record| record.number(0)));
    if count.unwrap_or_default() == 0 {
        return Ok(None);
    }
    let mut sql = Sql::new("SELECT id FROM device WHERE ");
    like(&mut sql, part);
    sql.push(" LIMIT ").bind(MAX_CANDIDATES.saturating_add(1));
    few(connection.rows(&sql)?)
}

/// Writes the condition that a part looks for, without the case of letters, as the index of
/// PostgreSQL has it.
fn like(sql: &mut Sql, part: &Filter) {
    let one = |sql: &mut Sql, column: &str, text: &str| {
        sql.push("lower(").push(column).push(") LIKE ").bind(filter::pattern(&text.to_ascii_lowercase()).as_str());
    };
    match part {
        Filter::Text(Attribute::User, _, text) => one(sql, "user_name", text),
        Filter::Text(_, _, text) => one(sql, "name", text),
        Filter::UserOrNameContains(text) => {
            sql.push("(");
            one(sql, "user_name", text);
            sql.push(" OR ");
            one(sql, "name", text);
            sql.push(")");
        }
        Filter::Or(parts) => {
            for (at, part) in parts.iter().enumerate() {
                sql.push(if at == 0 { "(" } else { " OR " });
                like(sql, part);
            }
            sql.push(")");
        }
        // No other part looks for texts.
        _ => {
            sql.push("1 = 1");
        }
    }
}

/// The ids of devices, unless they are too many.
fn few(mut records: Vec<Record>) -> Result<Option<Vec<i64>>, DatabaseError> {
    if i64::try_from(records.len()).unwrap_or(i64::MAX) > MAX_CANDIDATES {
        return Ok(None);
    }
    records.iter_mut().map(|record| record.number(0)).collect::<Result<_, _>>().map(Some)
}

/// The devices without an entry, unless they are too many.
pub(super) fn unindexed(connection: &mut dyn Connection) -> Result<Option<Vec<i64>>, DatabaseError> {
    let mut sql = Sql::new("SELECT id FROM device_unindexed LIMIT ");
    sql.bind(MAX_UNINDEXED_DEVICES.saturating_add(1));
    let mut records = connection.rows(&sql)?;
    let are_many = i64::try_from(records.len()).unwrap_or(i64::MAX) > MAX_UNINDEXED_DEVICES;
    if are_many { Ok(None) } else { records.iter_mut().map(|record| record.number(0)).collect::<Result<_, _>>().map(Some) }
}

/// The part of a filter, on the level of its `and`, that looks for texts within users or names. Of
/// several it is the one with the longest text.
fn contains(filter: &Filter) -> Option<&Filter> {
    match filter {
        Filter::And(parts) => parts.iter().filter_map(contains).max_by_key(|part| shortest(part)),
        _ => shortest(filter).map(|_| filter),
    }
}

/// The length of the shortest text in a part that looks for texts only.
fn shortest(part: &Filter) -> Option<usize> {
    match part {
        Filter::Text(Attribute::User | Attribute::Name, Op::Co, text) | Filter::UserOrNameContains(text) => {
            Some(text.chars().count())
        }
        Filter::Or(parts) if !parts.is_empty() => {
            parts.iter().map(shortest).try_fold(usize::MAX, |least, length| length.map(|length| length.min(least)))
        }
        _ => None,
    }
}

/// The trigrams that a search looks up, as FTS5 writes a query: [`MAX_TRIGRAMS`] at most.
pub(super) fn looked_up(part: &Filter) -> Option<String> {
    trigrams(part, MAX_TRIGRAMS.checked_div(texts(part)).unwrap_or_default())
}

/// How many texts a part looks for, each within one column.
fn texts(part: &Filter) -> usize {
    match part {
        Filter::UserOrNameContains(_) => 2,
        Filter::Or(parts) => parts.iter().map(texts).fold(0, usize::saturating_add),
        _ => 1,
    }
}

/// At most `most` trigrams of each text that a part looks for, as FTS5 writes a query.
/// `None` for a text of fewer than three characters, and if there are too many texts.
///
/// FTS5 folds the case of each character by itself, in the index as in the query. So it finds every
/// text that contains the other, compared by bytes or without the case of ASCII letters.
fn trigrams(part: &Filter, most: usize) -> Option<String> {
    match part {
        Filter::Text(Attribute::User, _, text) => all_of("user_name", text, most),
        Filter::Text(_, _, text) => all_of("name", text, most),
        Filter::UserOrNameContains(text) => {
            Some(format!("({}) OR ({})", all_of("user_name", text, most)?, all_of("name", text, most)?))
        }
        Filter::Or(parts) => {
            let parts: Option<Vec<_>> = parts.iter().map(|part| trigrams(part, most).map(|part| format!("({part})"))).collect();
            Some(parts?.join(" OR "))
        }
        _ => None,
    }
}

/// A query for the entries that have the trigrams of a text in a column. If there are more than
/// `most`, it has some from all over the text.
fn all_of(column: &str, text: &str, most: usize) -> Option<String> {
    let chars: Vec<char> = text.chars().collect();
    let quoted = |trigram: &[char]| format!("\"{}\"", trigram.iter().collect::<String>().replace('"', "\"\""));
    let all: Vec<_> = chars.windows(3).collect();
    let step = all.len().div_ceil(most.max(1)).max(1);
    let some: Vec<_> = all.into_iter().step_by(step).take(most).map(quoted).collect();
    (!some.is_empty()).then(|| format!("{{{column}}} : ({})", some.join(" AND ")))
}

/// Indexes some of the devices without an entry, in a transaction. Returns whether there may be
/// more.
pub(super) fn index(connection: &mut dyn Connection) -> Result<bool, DatabaseError> {
    const INSERT: &str = "INSERT OR REPLACE INTO device_text (rowid, user_name, name) VALUES ($1, $2, $3)";
    let mut sql = Sql::new(
        "SELECT noted.id, user_name, name FROM (SELECT id FROM device_unindexed ORDER BY id LIMIT $1) AS noted \
         LEFT JOIN device ON device.id = noted.id",
    );
    sql.values = vec![MAX_COMMIT_DEVICES.into()];
    let mut records = connection.rows(&sql)?;
    for record in &mut records {
        let id = record.number(0)?;
        match (record.maybe_text(1), record.maybe_text(2)) {
            (Ok(Some(user)), Ok(Some(name))) => {
                let insert = Sql::from_parts(INSERT, [id.into(), user.as_str().into(), name.as_str().into()]);
                connection.change(&insert)?;
            }
            // It was removed, or its text is damaged, and no search can show it.
            _ => {
                connection.change(&Sql::from_parts("DELETE FROM device_text WHERE rowid = $1", [id.into()]))?;
            }
        }
        connection.change(&Sql::from_parts("DELETE FROM device_unindexed WHERE id = $1", [id.into()]))?;
    }
    Ok(i64::try_from(records.len()).unwrap_or(i64::MAX) == MAX_COMMIT_DEVICES)
}

/// Replaces a damaged index by an empty one, and notes all devices, in a transaction.
pub(super) fn renew(connection: &mut dyn Connection) -> Result<(), DatabaseError> {
    tracing::warn!("store: the index of users and names was damaged; it is made anew");
    connection.run("DROP TABLE device_text")?;
    connection.run(migrations::TEXT_INDEX)?;
    connection.run("INSERT INTO device_unindexed (id) SELECT id FROM device WHERE true ORDER BY id ON CONFLICT DO NOTHING")?;
    Ok(())
}

/// Makes the index of PostgreSQL, if its extension is there and the store is empty. Building it
/// for many devices takes longer than a statement may, so an operator does that. It is logged.
pub(super) fn prepare(connection: &mut dyn Connection) {
    const MISSING: &str = "SELECT count(*), (SELECT count(*) FROM (SELECT FROM device LIMIT 1) AS first) FROM pg_extension \
                           WHERE extname = 'pg_trgm' AND NOT EXISTS (SELECT FROM pg_index WHERE \
                           indexrelid = to_regclass('device_texts') AND indisvalid)";
    if connection.dialect() == Dialect::Sqlite {
        return;
    }
    // A database with the protocol of PostgreSQL may have no extensions.
    let read = |record: &mut Record| Ok((record.number(0)? > 0, record.number(1)? > 0));
    let found = connection.run(MISSING).and_then(|mut records| records.first_mut().map_or(Ok((false, true)), read));
    let advice = "searches for a text within users and names read all devices; as the owner of the tables run";
    match found {
        Ok((true, false)) => {
            match connection.run(&format!("CREATE {}", POSTGRES_INDEX.replacen("INDEX", "INDEX IF NOT EXISTS", 1))) {
                Ok(_) => tracing::info!("store: made the index device_texts, since the extension pg_trgm is there"),
                Err(error) => {
                    tracing::warn!("store: the index device_texts cannot be made: {error}; {advice} CREATE {POSTGRES_INDEX}");
                }
            }
        }
        Ok((true, true)) => {
            let concurrently = POSTGRES_INDEX.replacen("INDEX", "INDEX CONCURRENTLY", 1);
            tracing::warn!(
                "store: the extension pg_trgm is there and a valid index device_texts is not; {advice} DROP INDEX IF EXISTS \
                 device_texts; CREATE {concurrently}"
            );
        }
        Ok((false, _)) | Err(_) => {}
    }
}
