//! One side of a copy: statements on its tables.

use super::tables::Large;
use crate::database::{Connection, DatabaseError, Sql, Type, Value};
use crate::store::columns::Table;

/// How many rows one statement reads or writes: few enough for any statement timeout and for
/// SQLite's limit of parameters.
pub(super) const PAGE_ROWS: usize = 500;
/// From how many rows one statement makes groups.
const GROUP_PAGE_ROWS: usize = 5000;

/// One of the two stores.
pub(super) struct Side<'c> {
    connection: &'c mut dyn Connection,
    /// The ending of the names of its tables.
    pub(super) suffix: &'static str,
    /// Where it is, for errors.
    place: &'c str,
}

pub(super) type Row = Vec<Value>;

impl<'c> Side<'c> {
    pub(super) fn new(connection: &'c mut dyn Connection, suffix: &'static str, place: &'c str) -> Self {
        Self { connection, suffix, place }
    }

    fn rows(&mut self, sql: &Sql) -> Result<Vec<Row>, DatabaseError> {
        let records = self.connection.rows(sql).map_err(|error| error.at(self.place))?;
        Ok(records.into_iter().map(|record| record.0).collect())
    }

    pub(super) fn change(&mut self, sql: &Sql) -> Result<(), DatabaseError> {
        self.connection.change(sql).map(|_| ()).map_err(|error| error.at(self.place))
    }

    fn select(&self, table: &Table) -> Sql {
        let mut sql = Sql::new("SELECT ");
        columns(&mut sql, table).push(" FROM ").push(table.name).push(self.suffix);
        sql
    }

    /// The first rows, or the first rows behind a key, in the order of their keys.
    pub(super) fn page(&mut self, table: &Table, after: Option<Value>) -> Result<Vec<Row>, DatabaseError> {
        let mut sql = self.select(table);
        if let Some(after) = after {
            sql.push(" WHERE ").push(key(table)).push(" > ").bind(after);
        }
        sql.push(" ORDER BY ").push(key(table)).push(" LIMIT ").bind(limit(PAGE_ROWS));
        self.rows(&sql)
    }

    /// The rows that have these ids.
    pub(super) fn rows_of(&mut self, table: &Table, ids: &[i64]) -> Result<Vec<Row>, DatabaseError> {
        let mut sql = self.select(table);
        sql.push(" WHERE ").push(key(table)).among(self.connection.dialect(), ids.iter().copied());
        self.rows(&sql)
    }

    /// The numbers and states of groups, from one on.
    pub(super) fn groups(&mut self, large: &Large, first: i64) -> Result<Vec<(i64, i64)>, DatabaseError> {
        let Large { table: Table { name, columns }, span, columns: positions, state, .. } = large;
        let listed = positions.iter().filter_map(|position| columns.get(*position)).map(|(column, _)| *column);
        let listed = std::iter::once("id").chain(listed).collect::<Vec<_>>().join(", ");
        let suffix = self.suffix;
        let mut sql = Sql::new(format!("SELECT id / {span}, {state} FROM (SELECT {listed} FROM {name}{suffix} WHERE id >= "));
        sql.bind(first.saturating_mul(*span))
            .push(" ORDER BY id LIMIT ")
            .bind(limit(GROUP_PAGE_ROWS))
            .push(") AS listed GROUP BY 1");
        let mut groups: Vec<_> =
            self.rows(&sql)?.iter().map(|row| Ok((number(row, 0)?, number(row, 1)?))).collect::<Result<_, DatabaseError>>()?;
        // Sorting in the database would take longer.
        groups.sort_unstable();
        // The last group may be incomplete, unless it is the only one: no group has that many rows.
        if groups.len() > 1 {
            groups.pop();
        }
        Ok(groups)
    }

    pub(super) fn insert(&mut self, table: &Table, rows: &[Row]) -> Result<(), DatabaseError> {
        check(table, rows)?;
        let mut sql = Sql::new("WITH ");
        sql.table(self.connection.dialect(), "next", table.columns, rows.iter().cloned());
        columns(sql.push(" INSERT INTO ").push(table.name).push(self.suffix).push(" ("), table).push(") SELECT * FROM next");
        self.change(&sql)
    }

    pub(super) fn delete(&mut self, table: &Table, ids: &[i64]) -> Result<(), DatabaseError> {
        let mut sql = Sql::new("DELETE FROM ");
        sql.push(table.name).push(self.suffix).push(" WHERE ").push(key(table));
        sql.among(self.connection.dialect(), ids.iter().copied());
        self.change(&sql)
    }
}

/// Errors: a row is damaged. Another database would refuse or change it.
fn check(table: &Table, rows: &[Row]) -> Result<(), DatabaseError> {
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
            _ => "that cannot be read".to_owned(),
        };
        let what = if let Value::Unreadable(what) = value { what } else { "holds a value of another type" };
        return Err(DatabaseError::new(format!(
            "table {}, row {key}: column {column} {what}; mend or delete the row first",
            table.name
        )));
    }
    Ok(())
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

pub(super) fn number(row: &Row, at: usize) -> Result<i64, DatabaseError> {
    match row.get(at) {
        Some(Value::Number(number)) => Ok(*number),
        _ => Err(DatabaseError::new(format!("column {at} has another type than it should"))),
    }
}

fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}
