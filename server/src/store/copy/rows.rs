//! Copying rows: they are read on both sides, compared, and written where they differ.

use std::collections::BTreeMap;

use super::side::{PAGE_ROWS, Row, Side, number};
use super::tables::Large;
use super::target::Target;
use crate::database::{DatabaseError, Sql, Value};
use crate::store::columns::Table;

/// Receives the name of a table and how many of its rows were compared so far.
pub type Progress<'p> = &'p mut dyn FnMut(&'static str, u64);

/// The state of the target's large table, in 16 bytes a group.
#[derive(Default)]
pub(super) struct Known {
    pub(super) rows: u64,
    /// The states of groups by their numbers: the first id divided by the span.
    groups: BTreeMap<i64, i64>,
}

impl Known {
    /// Adds rows of a large table to the states of their groups.
    fn add(&mut self, large: &Large, rows: &[Row]) -> Result<(), DatabaseError> {
        for row in rows {
            let id = number(row, 0)?;
            let others = large.columns.iter().map(|column| number(row, *column)).collect::<Result<Vec<_>, _>>()?;
            let state = self.groups.entry(large.group_of(id)).or_default();
            *state = state.wrapping_add((large.part)(id, &others));
        }
        self.rows = self.rows.saturating_add(count(rows));
        Ok(())
    }
}

/// Copies a large table, and compares each row.
pub(super) fn copy(
    source: &mut Side<'_>,
    target: &mut Target,
    large: &Large,
    progress: Progress<'_>,
) -> Result<Known, DatabaseError> {
    let (table, mut known, mut after) = (&large.table, Known::default(), None);
    loop {
        let (mut here, mut there) = (source.page(table, after.clone())?, target.side().page(table, after)?);
        // The key up to which both pages reach; `None` if both are the last pages.
        let end = [&here, &there]
            .into_iter()
            .filter(|page| page.len() == PAGE_ROWS)
            .filter_map(|page| page.last()?.first())
            .min()
            .cloned();
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

/// Copies the groups of a large table whose state has changed, and compares each of their rows.
/// Returns how many groups those were.
pub(super) fn catch_up(
    source: &mut Side<'_>,
    target: &mut Target,
    large: &Large,
    known: &mut Known,
    progress: Progress<'_>,
) -> Result<usize, DatabaseError> {
    let changed = changed(source, large, known)?;
    let per_page = usize::try_from(large.span).ok().and_then(|span| PAGE_ROWS.checked_div(span)).unwrap_or(1).max(1);
    for groups in changed.chunks(per_page) {
        let first = |group: i64| group.saturating_mul(large.span);
        let ids: Vec<i64> = groups.iter().flat_map(|group| first(*group)..first(group.saturating_add(1))).collect();
        let (here, there) = (source.rows_of(&large.table, &ids)?, target.side().rows_of(&large.table, &ids)?);
        settle(target, &large.table, &here, &there)?;
        // The state of the copied rows, not of the listed ones: services may have changed them in
        // between.
        for group in groups {
            known.groups.remove(group);
        }
        known.rows = known.rows.saturating_sub(count(&there));
        known.add(large, &here)?;
        progress(large.table.name, known.rows);
    }
    Ok(changed.len())
}

/// The groups whose state has changed.
fn changed(source: &mut Side<'_>, large: &Large, known: &Known) -> Result<Vec<i64>, DatabaseError> {
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

/// Makes the rows of the target equal to those of the source, and reads back what was written.
fn settle(target: &mut Target, table: &Table, here: &[Row], there: &[Row]) -> Result<(), DatabaseError> {
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
    let mut found = if ids.is_empty() { Vec::new() } else { target.side().rows_of(table, &ids)? };
    found.sort_unstable();
    if found == by_key(&wanted).into_values().collect::<Vec<_>>() { Ok(()) } else { Err(differs(table)) }
}

/// Copies a small table as a whole, and compares it. Returns how many rows it has.
pub(super) fn replace(source: &mut Side<'_>, target: &mut Target, table: &Table) -> Result<u64, DatabaseError> {
    let rows = all(source, table)?;
    target.write(|target| {
        let sql = format!("DELETE FROM {}{}", table.name, target.suffix);
        target.change(&Sql::new(sql))?;
        rows.chunks(PAGE_ROWS).try_for_each(|rows| target.insert(table, rows))
    })?;
    if all(&mut target.side(), table)? == rows { Ok(count(&rows)) } else { Err(differs(table)) }
}

fn all(side: &mut Side<'_>, table: &Table) -> Result<Vec<Row>, DatabaseError> {
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

fn differs(table: &Table) -> DatabaseError {
    DatabaseError::new(format!(
        "table {}: the target returned other rows than were written to it; check its database for damage",
        table.name
    ))
}

fn count(rows: &[Row]) -> u64 {
    u64::try_from(rows.len()).unwrap_or(u64::MAX)
}
