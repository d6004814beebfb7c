//! A store moved into another, of another kind as a rule, while services use it until the last moment.
//!
//! Devices and the trail are copied in rounds, each of which brings the target up to what changed meanwhile. The last round runs in a
//! transaction that has renamed the source's tables: nobody else writes them any more, and once the transaction is committed nobody can, so
//! that no code is right in both. A copy that was broken off goes on where it was: what the target has already is not copied again.
//!
//! A copy of a source that is to go on is made of one moment of it, whatever is written there meanwhile.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use super::batch;
use super::key_check;
use super::location::Location;
use super::schema;
use super::sql::{Access, Connection, Dialect, Failure, Fault, Sql, Type, Value, transaction};

/// How many rows are read and written at a time.
const PAGE: usize = 500;

/// What is copied: a table by its key, which stands first.
struct Table {
    name: &'static str,
    columns: &'static [(&'static str, Type)],
}

const DEVICE: Table = Table { name: "device", columns: &batch::DEVICE };
const TRAIL: Table = Table {
    name: "trail",
    columns: &[
        ("id", Type::Number),
        ("at", Type::Number),
        ("event", Type::Text),
        ("actor", Type::Text),
        ("device", Type::Number),
        ("user_name", Type::Text),
        ("success", Type::Number),
        ("reason", Type::Text),
        ("drift", Type::Number),
    ],
};
const ACCOUNT: Table = Table {
    name: "account",
    columns: &[("name", Type::Text), ("roles", Type::Text), ("password", Type::Text), ("token", Type::Text)],
};
const SEQUENCE: Table = Table { name: "sequence", columns: &[("name", Type::Text), ("last", Type::Number)] };

/// All tables, in the order in which services lock them, so that seldom one waits for one that waits for it.
const ALL: [&Table; 4] = [&DEVICE, &SEQUENCE, &TRAIL, &ACCOUNT];

/// What was copied and compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Of each table its name, how many rows both stores have, and the SHA-256 over all that they hold, in hexadecimal.
    pub tables: Vec<(&'static str, u64, String)>,
}

/// One of the two stores.
struct Side<'c> {
    connection: &'c mut dyn Connection,
    /// What stands behind the names of its tables: those of a store that was moved are out of the reach of services.
    suffix: &'static str,
}

/// Copies a store into another, compares them, and leaves the source without devices, unless it is to be kept: a copy of one that goes on
/// is behind at once. `progress` hears how many devices were looked at, and how many there are. May block for as long as it takes.
///
/// Errors: a sentence for people; the source is as it was, unless the sentence says otherwise, and the copy can go on.
pub fn copy(from: &Location, to: &Location, keep: bool, progress: &mut dyn FnMut(u64, u64)) -> Result<Copied, String> {
    let of = |location: &Location| {
        let shown = location.to_string();
        move |fault: Fault| format!("{shown}: {fault}")
    };
    if from.file().is_some_and(|file| !file.exists()) {
        return Err(format!("{from}: there is no such file, and so nothing to copy"));
    }
    let mut source = from.writer().map_err(of(from))?;
    let mut target = to.writer().map_err(of(to))?;
    schema::migrate(&mut *source).map_err(of(from))?;
    schema::migrate(&mut *target).map_err(of(to))?;
    let target = &mut Side { connection: &mut *target, suffix: "" };
    let copied = if keep { copy_moment(&mut *source, target, progress) } else { move_all(&mut *source, target, progress) };
    copied.map_err(|fault| match fault.failure {
        Failure::Unknown if !keep => format!("{fault}; whether the devices were moved is not known: start it again, and it tells"),
        _ => fault.to_string(),
    })
}

fn copy_moment(source: &mut dyn Connection, target: &mut Side<'_>, progress: &mut dyn FnMut(u64, u64)) -> Result<Copied, Fault> {
    transaction(source, Access::Snapshot, |connection| {
        let source = &mut Side { connection, suffix: "" };
        round(source, target, progress)?;
        finish(source, target)
    })
}

fn move_all(source: &mut dyn Connection, target: &mut Side<'_>, progress: &mut dyn FnMut(u64, u64)) -> Result<Copied, Fault> {
    round(&mut Side { connection: &mut *source, suffix: "" }, target, progress)?;
    transaction(source, Access::Write, |connection| {
        let source = &mut Side { connection, suffix: "_moved" };
        for Table { name, .. } in ALL {
            source.connection.run(&format!("ALTER TABLE {name} RENAME TO {name}{}", source.suffix))?;
        }
        round(source, target, progress)?;
        let copied = finish(source, target)?;
        schema::leave(source.connection)?;
        Ok(copied)
    })
}

/// Copies the devices and the lines of the trail that the target lacks.
fn round(source: &mut Side<'_>, target: &mut Side<'_>, progress: &mut dyn FnMut(u64, u64)) -> Result<(), Fault> {
    catch_up(source, target, &DEVICE, "version", progress)?;
    // A line never changes. Their numbers are given before the commit, so those that are missing need not be the highest.
    catch_up(source, target, &TRAIL, "0", &mut |_, _| ())
}

/// Copies what is small, and compares all.
fn finish(source: &mut Side<'_>, target: &mut Side<'_>) -> Result<Copied, Fault> {
    for table in [&ACCOUNT, &SEQUENCE] {
        rows(source, table, |rows| write(target, table, rows))?;
    }
    // The records need the source's keys from now on.
    key_check::copy(source.connection, target.connection)?;
    let mut tables = Vec::new();
    for table in [&DEVICE, &TRAIL, &ACCOUNT, &SEQUENCE] {
        let (here, there) = (digest(source, table)?, digest(target, table)?);
        if here != there {
            return Err(Fault::new(format!(
                "table {}: the target has {} rows where the source has {}, or other ones; the target must be empty, or an unfinished copy",
                table.name, there.0, here.0
            )));
        }
        tables.push((table.name, here.0, here.1));
    }
    // Lines that the target numbers itself go on behind those that it was given.
    if target.connection.dialect() == Dialect::Postgres {
        target.connection.run("SELECT setval(pg_get_serial_sequence('trail', 'id'), (SELECT max(id) FROM trail))")?;
    }
    Ok(Copied { tables })
}

/// Copies the rows of which the target has an older version or none.
fn catch_up(
    source: &mut Side<'_>,
    target: &mut Side<'_>,
    table: &Table,
    version: &str,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), Fault> {
    let count = format!("SELECT count(*) FROM {}{}", table.name, source.suffix);
    let total = source.connection.run(&count)?.first_mut().map_or(Ok(0), |record| record.number(0))?;
    let total = u64::try_from(total).unwrap_or_default();
    let (mut after, mut done) = (0, 0_u64);
    loop {
        // The versions first: most of a later round is there already.
        let versions = versions(source, table, version, after, None)?;
        let Some((last, _)) = versions.last().copied() else { return Ok(()) };
        let there: HashMap<_, _> = self::versions(target, table, version, after, Some(last))?.into_iter().collect();
        let mut wanted = Vec::new();
        for (id, version) in &versions {
            match there.get(id) {
                Some(other) if other > version => {
                    return Err(Fault::new(format!("{} {id} is newer in the target: it is in use", table.name)));
                }
                Some(other) if other == version => {}
                _ => wanted.push(*id),
            }
        }
        if !wanted.is_empty() {
            let mut sql = select(source, table);
            sql.push(" WHERE id").among(source.connection.dialect(), wanted.into_iter());
            let rows = source.connection.rows(&sql)?.into_iter().map(|record| record.0).collect();
            write(target, table, rows)?;
        }
        done = done.saturating_add(u64::try_from(versions.len()).unwrap_or_default());
        progress(done, total.max(done));
        after = last;
    }
}

/// The versions of a page of rows behind an id, or of all up to another one.
fn versions(side: &mut Side<'_>, table: &Table, version: &str, after: i64, last: Option<i64>) -> Result<Vec<(i64, i64)>, Fault> {
    let mut sql = Sql::new(format!("SELECT id, {version} FROM {}{} WHERE id > ", table.name, side.suffix));
    sql.bind(after);
    match last {
        Some(last) => sql.push(" AND id <= ").bind(last),
        None => sql.push(" ORDER BY id LIMIT ").bind(i64::try_from(PAGE).unwrap_or(i64::MAX)),
    };
    side.connection.rows(&sql)?.iter_mut().map(|record| Ok((record.number(0)?, record.number(1)?))).collect()
}

fn select(side: &Side<'_>, table: &Table) -> Sql {
    let mut sql = Sql::new("SELECT ");
    for (at, (column, _)) in table.columns.iter().enumerate() {
        sql.push(if at == 0 { "" } else { ", " }).push(column);
    }
    sql.push(" FROM ").push(table.name).push(side.suffix);
    sql
}

type Row = Vec<Value>;

/// Reads all rows in the order of their keys, a page at a time.
fn rows(side: &mut Side<'_>, table: &Table, mut take: impl FnMut(Vec<Row>) -> Result<(), Fault>) -> Result<(), Fault> {
    let (key, mut after) = match table.columns.first() {
        Some((key, Type::Number)) => (*key, Value::Number(0)),
        Some((key, _)) => (*key, Value::Text(String::new())),
        None => return Ok(()),
    };
    loop {
        let mut sql = select(side, table);
        sql.push(" WHERE ").push(key).push(" > ").bind(after).push(" ORDER BY ").push(key);
        sql.push(" LIMIT ").bind(i64::try_from(PAGE).unwrap_or(i64::MAX));
        let rows: Vec<Row> = side.connection.rows(&sql)?.into_iter().map(|record| record.0).collect();
        let Some(last) = rows.last().and_then(|row| row.first()).cloned() else { return Ok(()) };
        after = last;
        take(rows)?;
    }
}

/// Writes rows, in the place of those that have their keys.
fn write(target: &mut Side<'_>, table: &Table, rows: Vec<Row>) -> Result<(), Fault> {
    check(table, &rows)?;
    let mut sql = Sql::new("WITH ");
    sql.table(target.connection.dialect(), "next", table.columns, rows.into_iter()).push(" INSERT INTO ").push(table.name);
    for (at, (column, _)) in table.columns.iter().enumerate() {
        sql.push(if at == 0 { " (" } else { ", " }).push(column);
    }
    // Without a condition, SQLite takes ON for that of a join.
    sql.push(") SELECT * FROM next WHERE true ON CONFLICT (").push(table.columns.first().map_or("", |(name, _)| *name));
    for (at, (column, _)) in table.columns.iter().skip(1).enumerate() {
        sql.push(if at == 0 { ") DO UPDATE SET " } else { ", " }).push(column).push(" = excluded.").push(column);
    }
    target.connection.rows(&sql).map(|_| ())
}

/// Errors: a row is damaged. Another database would not take it, or it would be another row there.
fn check(table: &Table, rows: &[Row]) -> Result<(), Fault> {
    for row in rows {
        let is_right = |(value, (_, kind)): &(&Value, &(&str, Type))| {
            matches!(
                (value, kind),
                (Value::Null, _) | (Value::Number(_), Type::Number) | (Value::Text(_), Type::Text) | (Value::Bytes(_), Type::Bytes)
            )
        };
        let Some((value, (column, _))) = row.iter().zip(table.columns).find(|column| !is_right(column)) else { continue };
        let key = match row.first() {
            Some(Value::Number(id)) => id.to_string(),
            Some(Value::Text(name)) => format!("{name:?}"),
            _ => "that cannot be told".to_owned(),
        };
        let what = if let Value::Unreadable(what) = value { what } else { "holds a value of another type" };
        return Err(Fault::new(format!("table {}, row {key}: column {column} {what}; mend or delete the row first", table.name)));
    }
    Ok(())
}

/// The number of rows, and a hash of all that they hold.
fn digest(side: &mut Side<'_>, table: &Table) -> Result<(u64, String), Fault> {
    let (mut hash, mut many) = (Sha256::new(), 0_u64);
    rows(side, table, |rows| {
        for value in rows.iter().flatten() {
            let (kind, bytes) = match value {
                Value::Null | Value::List(_) | Value::Unreadable(_) => (0, Vec::new()),
                Value::Number(number) => (1, number.to_be_bytes().to_vec()),
                Value::Text(text) => (2, text.as_bytes().to_vec()),
                Value::Bytes(bytes) => (3, bytes.clone()),
            };
            hash.update([kind]);
            hash.update(u64::try_from(bytes.len()).unwrap_or_default().to_be_bytes());
            hash.update(bytes);
        }
        many = many.saturating_add(u64::try_from(rows.len()).unwrap_or_default());
        Ok(())
    })?;
    Ok((many, data_encoding::HEXLOWER.encode(&hash.finalize())))
}
