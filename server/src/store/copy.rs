//! A store moved into another, of another kind as a rule, while services use it until the last moment.
//!
//! Devices are copied in rounds, each of which brings the target up to what changed meanwhile. The last round runs in a transaction that
//! has renamed the source's table of devices: nobody else writes it any more, and once the transaction is committed nobody can, so that no
//! code is right in both. A copy that was broken off goes on where it was: what the target has already is not copied again.

use sha2::{Digest as _, Sha256};

use super::batch;
use super::location::Location;
use super::schema;
use super::sql::{Access, Connection, Dialect, Fault, Sql, Type, Value, transaction};

/// How many rows are read and written at a time.
const PAGE: usize = 500;

/// What is copied: a table by its key, which stands first.
struct Table {
    name: &'static str,
    columns: &'static [(&'static str, Type)],
}

const DEVICE: Table = Table { name: "device", columns: &batch::DEVICE };
/// The name of the source's table of devices once they are moved.
const MOVED: Table = Table { name: "device_moved", columns: DEVICE.columns };
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

/// What was copied and compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Of each table its name, how many rows both stores have, and the SHA-256 over all that they hold, in hexadecimal.
    pub tables: Vec<(&'static str, u64, String)>,
}

/// Copies a store into another, compares them, and leaves the source without devices, unless it is to be kept: a copy of one that goes on
/// is behind at once. `progress` hears how many devices were looked at, and how many there are. May block for as long as it takes.
///
/// Errors: a sentence for people; the source is as it was, and the copy can go on.
pub fn copy(from: &Location, to: &Location, keep: bool, progress: &mut dyn FnMut(u64, u64)) -> Result<Copied, String> {
    let of = |location: &Location| {
        let shown = location.to_string();
        move |fault: Fault| format!("{shown}: {fault}")
    };
    let mut source = from.writer().map_err(of(from))?;
    let mut target = to.writer().map_err(of(to))?;
    schema::migrate(&mut *source).map_err(of(from))?;
    schema::migrate(&mut *target).map_err(of(to))?;
    let (source, target) = (&mut *source, &mut *target);
    devices(source, &DEVICE, target, progress).map_err(|fault| fault.to_string())?;
    if keep {
        return rest(source, &DEVICE, target).map_err(|fault| fault.to_string());
    }
    transaction(source, Access::Write, |source| {
        source.run("ALTER TABLE device RENAME TO device_moved")?;
        devices(source, &MOVED, target, progress)?;
        let copied = rest(source, &MOVED, target)?;
        schema::leave(source)?;
        Ok(copied)
    })
    .map_err(|fault| fault.to_string())
}

/// Copies everything but the devices, and compares all.
fn rest(source: &mut dyn Connection, table: &Table, target: &mut dyn Connection) -> Result<Copied, Fault> {
    let last = target.run("SELECT coalesce(max(id), 0) FROM trail")?.first_mut().map_or(Ok(0), |record| record.number(0))?;
    rows(source, &TRAIL, Value::Number(last), |rows| write(target, &TRAIL, rows))?;
    for table in [&ACCOUNT, &SEQUENCE] {
        rows(source, table, Value::Text(String::new()), |rows| write(target, table, rows))?;
    }
    let mut tables = Vec::new();
    for (one, other) in [(table, &DEVICE), (&TRAIL, &TRAIL), (&ACCOUNT, &ACCOUNT), (&SEQUENCE, &SEQUENCE)] {
        let (here, there) = (digest(source, one)?, digest(target, other)?);
        if here != there {
            return Err(Fault::new(format!(
                "table {}: the target has {} rows where the source has {}, or other ones; the target must be empty, or an unfinished copy",
                other.name, there.0, here.0
            )));
        }
        tables.push((other.name, here.0, here.1));
    }
    // What the target numbers itself goes on behind what it was given.
    match target.dialect() {
        Dialect::Sqlite => {
            target.run("UPDATE sequence SET last = max(last, (SELECT coalesce(max(id), 0) FROM device)) WHERE name = 'device'")?
        }
        Dialect::Postgres => target.run("SELECT setval(pg_get_serial_sequence('trail', 'id'), (SELECT max(id) FROM trail))")?,
    };
    Ok(Copied { tables })
}

/// Copies the devices of which the target has an older version or none.
fn devices(
    source: &mut dyn Connection,
    table: &Table,
    target: &mut dyn Connection,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), Fault> {
    let total =
        source.run(&format!("SELECT count(*) FROM {}", table.name))?.first_mut().map_or(Ok(0), |record| record.number(0))?;
    let total = u64::try_from(total).unwrap_or_default();
    let (mut after, mut done) = (0, 0_u64);
    loop {
        // The versions first: most of a later round is there already.
        let versions = versions(source, table.name, after, None)?;
        let Some((last, _)) = versions.last().copied() else { return Ok(()) };
        let there: std::collections::HashMap<_, _> = self::versions(target, DEVICE.name, after, Some(last))?.into_iter().collect();
        let mut wanted = Vec::new();
        for (id, version) in &versions {
            match there.get(id) {
                Some(other) if other > version => {
                    return Err(Fault::new(format!("device {id} is newer in the target: it is in use")));
                }
                Some(other) if other == version => {}
                _ => wanted.push(*id),
            }
        }
        if !wanted.is_empty() {
            let mut sql = select(table);
            sql.push(" WHERE id").among(source.dialect(), wanted.into_iter());
            let rows = source.rows(&sql)?.into_iter().map(|record| record.0).collect();
            write(target, &DEVICE, rows)?;
        }
        done = done.saturating_add(u64::try_from(versions.len()).unwrap_or_default());
        progress(done, total.max(done));
        after = last;
    }
}

/// The versions of a page of devices behind an id, or of all up to another one.
fn versions(connection: &mut dyn Connection, table: &str, after: i64, last: Option<i64>) -> Result<Vec<(i64, i64)>, Fault> {
    let mut sql = Sql::new("SELECT id, version FROM ");
    sql.push(table).push(" WHERE id > ").bind(after);
    match last {
        Some(last) => sql.push(" AND id <= ").bind(last),
        None => sql.push(" ORDER BY id LIMIT ").bind(i64::try_from(PAGE).unwrap_or(i64::MAX)),
    };
    connection.rows(&sql)?.iter_mut().map(|record| Ok((record.number(0)?, record.number(1)?))).collect()
}

fn select(table: &Table) -> Sql {
    let mut sql = Sql::new("SELECT ");
    for (at, (column, _)) in table.columns.iter().enumerate() {
        sql.push(if at == 0 { "" } else { ", " }).push(column);
    }
    sql.push(" FROM ").push(table.name);
    sql
}

type Row = Vec<Value>;

/// Reads the rows behind a key, a page at a time.
fn rows(
    connection: &mut dyn Connection,
    table: &Table,
    mut after: Value,
    mut take: impl FnMut(Vec<Row>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let key = table.columns.first().map_or("", |(name, _)| *name);
    loop {
        let mut sql = select(table);
        sql.push(" WHERE ").push(key).push(" > ").bind(after).push(" ORDER BY ").push(key);
        sql.push(" LIMIT ").bind(i64::try_from(PAGE).unwrap_or(i64::MAX));
        let rows: Vec<Row> = connection.rows(&sql)?.into_iter().map(|record| record.0).collect();
        let Some(last) = rows.last().and_then(|row| row.first()).cloned() else { return Ok(()) };
        after = last;
        take(rows)?;
    }
}

/// Writes rows, in the place of those that have their keys.
fn write(connection: &mut dyn Connection, table: &Table, rows: Vec<Row>) -> Result<(), Fault> {
    let mut sql = Sql::new("WITH ");
    sql.table(connection.dialect(), "next", table.columns, rows.into_iter()).push(" INSERT INTO ").push(table.name);
    for (at, (column, _)) in table.columns.iter().enumerate() {
        sql.push(if at == 0 { " (" } else { ", " }).push(column);
    }
    // Without a condition, SQLite takes ON for that of a join.
    sql.push(") SELECT * FROM next WHERE true ON CONFLICT (").push(table.columns.first().map_or("", |(name, _)| *name));
    for (at, (column, _)) in table.columns.iter().skip(1).enumerate() {
        sql.push(if at == 0 { ") DO UPDATE SET " } else { ", " }).push(column).push(" = excluded.").push(column);
    }
    connection.rows(&sql).map(|_| ())
}

/// The number of rows, and a hash of all that they hold.
fn digest(connection: &mut dyn Connection, table: &Table) -> Result<(u64, String), Fault> {
    let (mut hash, mut many) = (Sha256::new(), 0_u64);
    let first = match table.columns.first() {
        Some((_, Type::Number)) => Value::Number(0),
        _ => Value::Text(String::new()),
    };
    rows(connection, table, first, |rows| {
        for value in rows.iter().flatten() {
            let (kind, bytes) = match value {
                Value::Null | Value::List(_) => (0, Vec::new()),
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
