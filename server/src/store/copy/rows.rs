//! The rows of a copy: read on both sides, compared, and written where they differ.

use std::collections::BTreeMap;

use super::super::batch;
use super::super::sql::{Connection, Fault, Sql, Type, Value};
use super::Progress;
use super::target::Target;

/// How many rows are read or written in one statement: few enough for any statement limit, and for
/// SQLite's limit of parameters.
const PAGE: usize = 500;
/// How many rows the groups of one statement are made of.
const LISTED: usize = 5000;

/// A table by its key, which is its first column.
pub(super) struct Table {
    pub(super) name: &'static str,
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
const KEY_CHECK: Table =
    Table { name: "key_check", columns: &[("key_id", Type::Number), ("value", Type::Bytes), ("retiring", Type::Number)] };

/// All tables, in the order in which services lock them, so that seldom one waits for one that
/// waits for it.
pub(super) const ALL: [&Table; 5] = [&DEVICE, &SEQUENCE, &TRAIL, &ACCOUNT, &KEY_CHECK];

/// Those that are written anew as a whole.
pub(super) const SMALL: [&Table; 3] = [&ACCOUNT, &SEQUENCE, &KEY_CHECK];

/// A table of which only what has changed is read again, by groups of rows that have their ids side
/// by side.
///
/// Of each group there is one number, its state, which is another one when rows of it have changed,
/// come or gone. So no order of commits matters: in PostgreSQL a line of the trail gets its id
/// before its commit, and may come after lines with higher ids; its group tells.
pub(super) struct Large {
    pub(super) table: Table,
    /// How many ids a group has.
    span: i64,
    /// The column that its state is made of, besides the id.
    column: &'static str,
    /// The state in SQL.
    state: &'static str,
    /// What a row adds to the state, from its id and that column.
    part: fn(i64, i64) -> i64,
}

impl Large {
    fn group_of(&self, id: i64) -> i64 {
        id.checked_div(self.span).unwrap_or(id)
    }
}

/// A device's version is another one after each change of it.
const DEVICES: Large = Large { table: DEVICE, span: 1, column: "version", state: "max(version)", part: |_, version| version };

/// A line never changes. Which ids a group has, and the sum of their times, stand in different bits
/// of one number: the sum of 100 times has no more than 42 bits until the year 4000. The ids tell
/// what came or went, and the times tell lines from those whose ids SQLite gave again after all
/// lines were deleted.
const LINES: Large = Large {
    table: TRAIL,
    span: 100,
    column: "at",
    state: "CAST(sum((id % 100 + 1) * 4398046511104 + at) AS BIGINT)",
    part: |id, at| id.wrapping_rem(100).wrapping_add(1).wrapping_mul(1 << 42).wrapping_add(at),
};

pub(super) const LARGE: [Large; 2] = [DEVICES, LINES];

/// What the target holds of a large table: 16 bytes a group.
#[derive(Default)]
pub(super) struct Known {
    pub(super) rows: u64,
    /// The states of groups by their number, which is that of their first id divided by their span.
    groups: BTreeMap<i64, i64>,
}

impl Known {
    /// Adds rows of a large table to the states of their groups.
    fn add(&mut self, large: &Large, rows: &[Row]) -> Result<(), Fault> {
        let at = large.table.columns.iter().position(|(name, _)| *name == large.column).unwrap_or_default();
        for row in rows {
            let (id, other) = (number(row, 0)?, number(row, at)?);
            let state = self.groups.entry(large.group_of(id)).or_default();
            *state = state.wrapping_add((large.part)(id, other));
        }
        self.rows = self.rows.saturating_add(count(rows));
        Ok(())
    }
}

/// One of the two stores.
pub(super) struct Side<'c> {
    connection: &'c mut dyn Connection,
    /// What the names of its tables end with.
    suffix: &'static str,
    /// Where it is, for errors.
    place: &'c str,
}

type Row = Vec<Value>;

impl<'c> Side<'c> {
    pub(super) fn new(connection: &'c mut dyn Connection, suffix: &'static str, place: &'c str) -> Self {
        Self { connection, suffix, place }
    }

    fn rows(&mut self, sql: &Sql) -> Result<Vec<Row>, Fault> {
        let records = self.connection.rows(sql).map_err(|fault| fault.at(self.place))?;
        Ok(records.into_iter().map(|record| record.0).collect())
    }

    fn change(&mut self, sql: &Sql) -> Result<(), Fault> {
        self.connection.change(sql).map(|_| ()).map_err(|fault| fault.at(self.place))
    }

    fn select(&self, table: &Table) -> Sql {
        let mut sql = Sql::new("SELECT ");
        columns(&mut sql, table).push(" FROM ").push(table.name).push(self.suffix);
        sql
    }

    /// The first rows behind a key, or of all, in the order of their keys.
    fn page(&mut self, table: &Table, after: Option<Value>) -> Result<Vec<Row>, Fault> {
        let mut sql = self.select(table);
        if let Some(after) = after {
            sql.push(" WHERE ").push(key(table)).push(" > ").bind(after);
        }
        sql.push(" ORDER BY ").push(key(table)).push(" LIMIT ").bind(limit(PAGE));
        self.rows(&sql)
    }

    /// The rows that have these ids.
    fn with(&mut self, table: &Table, ids: &[i64]) -> Result<Vec<Row>, Fault> {
        let mut sql = self.select(table);
        sql.push(" WHERE ").push(key(table)).among(self.connection.dialect(), ids.iter().copied());
        self.rows(&sql)
    }

    /// The numbers and states of groups, from one on.
    fn groups(&mut self, large: &Large, first: i64) -> Result<Vec<(i64, i64)>, Fault> {
        let Large { table: Table { name, .. }, span, column, state, .. } = large;
        let suffix = self.suffix;
        let mut sql = Sql::new(format!("SELECT id / {span}, {state} FROM (SELECT id, {column} FROM {name}{suffix} WHERE id >= "));
        sql.bind(first.saturating_mul(*span)).push(" ORDER BY id LIMIT ").bind(limit(LISTED)).push(") AS listed GROUP BY 1");
        let mut groups: Vec<_> =
            self.rows(&sql)?.iter().map(|row| Ok((number(row, 0)?, number(row, 1)?))).collect::<Result<_, Fault>>()?;
        // To sort the rows for it would take the database longer.
        groups.sort_unstable();
        // The last one may go on behind what was listed, but not if it is the only one: no group
        // has so many rows.
        if groups.len() > 1 {
            groups.pop();
        }
        Ok(groups)
    }

    fn insert(&mut self, table: &Table, rows: &[Row]) -> Result<(), Fault> {
        check(table, rows)?;
        let mut sql = Sql::new("WITH ");
        sql.table(self.connection.dialect(), "next", table.columns, rows.iter().cloned());
        columns(sql.push(" INSERT INTO ").push(table.name).push(self.suffix).push(" ("), table).push(") SELECT * FROM next");
        self.change(&sql)
    }

    fn delete(&mut self, table: &Table, ids: &[i64]) -> Result<(), Fault> {
        let mut sql = Sql::new("DELETE FROM ");
        sql.push(table.name).push(self.suffix).push(" WHERE ").push(key(table));
        sql.among(self.connection.dialect(), ids.iter().copied());
        self.change(&sql)
    }
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

/// Copies a large table, and compares each row.
pub(super) fn copy(source: &mut Side<'_>, target: &mut Target, large: &Large, progress: Progress<'_>) -> Result<Known, Fault> {
    let (table, mut known, mut after) = (&large.table, Known::default(), None);
    loop {
        let (mut here, mut there) = (source.page(table, after.clone())?, target.side().page(table, after)?);
        // As far as both pages reach. Where both are the last ones, that is the end.
        let end =
            [&here, &there].into_iter().filter(|page| page.len() == PAGE).filter_map(|page| page.last()?.first()).min().cloned();
        for page in [&mut here, &mut there] {
            page.retain(|row| end.as_ref().is_none_or(|end| row.first() <= Some(end)));
        }
        settle(target, table, &here, &there)?;
        known.add(large, &here)?;
        progress(table.name, known.rows);
        match end {
            Some(end) => after = Some(end),
            None => return Ok(known),
        }
    }
}

/// Copies the groups of a large table that are not as they are known, and compares each of their
/// rows. Returns how many groups those were.
pub(super) fn catch_up(
    source: &mut Side<'_>,
    target: &mut Target,
    large: &Large,
    known: &mut Known,
    progress: Progress<'_>,
) -> Result<usize, Fault> {
    let changed = changed(source, large, known)?;
    let per_page = usize::try_from(large.span).ok().and_then(|span| PAGE.checked_div(span)).unwrap_or(1).max(1);
    for groups in changed.chunks(per_page) {
        let first = |group: i64| group.saturating_mul(large.span);
        let ids: Vec<i64> = groups.iter().flat_map(|group| first(*group)..first(group.saturating_add(1))).collect();
        let (here, there) = (source.with(&large.table, &ids)?, target.side().with(&large.table, &ids)?);
        settle(target, &large.table, &here, &there)?;
        // What the target holds, and not what was listed: services may have gone on in between.
        for group in groups {
            known.groups.remove(group);
        }
        known.rows = known.rows.saturating_sub(count(&there));
        known.add(large, &here)?;
        progress(large.table.name, known.rows);
    }
    Ok(changed.len())
}

/// The groups that are not as they are known.
fn changed(source: &mut Side<'_>, large: &Large, known: &Known) -> Result<Vec<i64>, Fault> {
    let (mut changed, mut first) = (Vec::new(), large.group_of(i64::MIN));
    loop {
        let groups = source.groups(large, first)?;
        let Some((last, _)) = groups.last().copied() else {
            changed.extend(known.groups.range(first..).map(|(group, _)| *group));
            return Ok(changed);
        };
        let mut old = known.groups.range(first..=last).peekable();
        for (group, state) in groups {
            while let Some((gone, _)) = old.next_if(|(old, _)| **old < group) {
                changed.push(*gone);
            }
            if old.next_if(|(old, _)| **old == group) != Some((&group, &state)) {
                changed.push(group);
            }
        }
        first = last.saturating_add(1);
    }
}

/// Makes rows of the target those of the source, and reads back what it wrote.
fn settle(target: &mut Target, table: &Table, here: &[Row], there: &[Row]) -> Result<(), Fault> {
    let by_key = |rows: &'_ [Row]| -> BTreeMap<Value, Row> {
        rows.iter().filter_map(|row| Some((row.first()?.clone(), row.clone()))).collect()
    };
    let (source, old) = (by_key(here), by_key(there));
    let wanted: Vec<Row> = here.iter().filter(|row| row.first().and_then(|key| old.get(key)) != Some(row)).cloned().collect();
    let stale: Vec<i64> =
        old.iter().filter(|(key, row)| source.get(key) != Some(row)).map(|(_, row)| number(row, 0)).collect::<Result<_, _>>()?;
    if wanted.is_empty() && stale.is_empty() {
        return Ok(());
    }
    target.write(|target| {
        if !stale.is_empty() {
            target.delete(table, &stale)?;
        }
        if wanted.is_empty() { Ok(()) } else { target.insert(table, &wanted) }
    })?;
    let ids: Vec<i64> = wanted.iter().map(|row| number(row, 0)).collect::<Result<_, _>>()?;
    let mut found = if ids.is_empty() { Vec::new() } else { target.side().with(table, &ids)? };
    found.sort_unstable();
    if found == by_key(&wanted).into_values().collect::<Vec<_>>() { Ok(()) } else { Err(differs(table)) }
}

/// Copies a small table as a whole, and compares it. Returns how many rows it has.
pub(super) fn replace(source: &mut Side<'_>, target: &mut Target, table: &Table) -> Result<u64, Fault> {
    let rows = all(source, table)?;
    target.write(|target| {
        let sql = format!("DELETE FROM {}{}", table.name, target.suffix);
        target.change(&Sql::new(sql))?;
        rows.chunks(PAGE).try_for_each(|rows| target.insert(table, rows))
    })?;
    if all(&mut target.side(), table)? == rows { Ok(count(&rows)) } else { Err(differs(table)) }
}

fn all(side: &mut Side<'_>, table: &Table) -> Result<Vec<Row>, Fault> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = side.page(table, after)?;
        after = page.last().and_then(|row| row.first()).cloned();
        all.extend(page);
        if after.is_none() {
            return Ok(all);
        }
    }
}

fn differs(table: &Table) -> Fault {
    Fault::new(format!("table {}: the target gives back other rows than it was given; is its database damaged?", table.name))
}

fn key(table: &Table) -> &'static str {
    table.columns.first().map_or("", |(name, _)| *name)
}

fn columns<'s>(sql: &'s mut Sql, table: &Table) -> &'s mut Sql {
    for (at, (column, _)) in table.columns.iter().enumerate() {
        sql.push(if at == 0 { "" } else { ", " }).push(column);
    }
    sql
}

fn number(row: &Row, at: usize) -> Result<i64, Fault> {
    match row.get(at) {
        Some(Value::Number(number)) => Ok(*number),
        _ => Err(Fault::new(format!("column {at} has another type than it should"))),
    }
}

fn count(rows: &[Row]) -> u64 {
    u64::try_from(rows.len()).unwrap_or(u64::MAX)
}

fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
