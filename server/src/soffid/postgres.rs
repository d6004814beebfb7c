//! `SCO_DEVICE` in a PostgreSQL database of Soffid's.

use super::select::{Column, Select, SqlDialect, UserNames};
use super::source::{Field, RawRow, ReadRow, Source};
use crate::database::{Access, Connection, DatabaseError, Location, Sql};

pub(crate) struct PostgresTable {
    location: Location,
    connection: Box<dyn Connection>,
    select: Select,
    after: i64,
}

impl PostgresTable {
    /// Opens a table. All pages show it as it is at this moment. Errors: a message for people.
    pub(crate) fn open(location: &Location, table: &str, names: &UserNames<'_>) -> Result<Self, String> {
        let shown = |error: &dyn std::fmt::Display| format!("{location}: {error}");
        let mut connection = location.reader().map_err(|error| shown(&error))?;
        connection.begin(Access::Snapshot).map_err(|error| shown(&error))?;
        let select = Select::new(&mut Postgres(&mut *connection), table, names).map_err(|error| shown(&error))?;
        Ok(Self { location: location.clone(), connection, select, after: i64::MIN })
    }

    fn rows(&mut self) -> Result<Vec<ReadRow>, DatabaseError> {
        let mut sql = Sql::new(self.select.start.clone());
        sql.bind(self.after).push("::bigint").push(&self.select.end);
        let mut page = Vec::new();
        for mut record in self.connection.rows(&sql)? {
            self.after = record.number(0)?;
            let mut raw = RawRow::default();
            for (at, &field) in self.select.fields.iter().enumerate() {
                raw.set(field, record.maybe_text(at.saturating_add(1))?);
            }
            page.push(Ok(raw));
        }
        Ok(page)
    }
}

impl std::fmt::Display for PostgresTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.location.fmt(f)
    }
}

impl Source for PostgresTable {
    fn page(&mut self) -> Result<Vec<ReadRow>, String> {
        self.rows().map_err(|error| format!("{self}: {error}"))
    }

    fn restart(&mut self) -> Result<(), String> {
        self.after = i64::MIN;
        Ok(())
    }
}

struct Postgres<'c>(&'c mut dyn Connection);

impl Postgres<'_> {
    fn columns(&mut self, table: &str) -> Result<Option<(String, Vec<Column>)>, DatabaseError> {
        let mut sql = Sql::new("SELECT to_regclass(");
        sql.bind(table).push("::text)::text");
        let name = self.0.rows(&sql)?.first_mut().and_then(|record| record.maybe_text(0).transpose()).transpose()?;
        let Some(name) = name else { return Ok(None) };
        let mut sql = Sql::new("SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(");
        sql.bind(table).push("::text) AND attnum > 0 AND NOT attisdropped");
        let column = |name| Column { name, kind: String::new() };
        let columns = self.0.rows(&sql)?.iter_mut().map(|record| record.text(0).map(column)).collect::<Result<_, _>>()?;
        Ok(Some((name, columns)))
    }
}

impl SqlDialect for Postgres<'_> {
    fn describe(&mut self, table: &str) -> Result<(String, Vec<Column>), String> {
        let found = self.columns(table).map_err(|error| error.to_string())?;
        found.ok_or_else(|| format!("has no table {table}; name it with --table or --users, with its schema if need be"))
    }

    fn quoted(&self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }

    fn text(&self, column: &str, field: Field, _: &str) -> String {
        match field {
            // With any DateStyle, JSON has ISO 8601, with an offset if the column has one.
            Field::Created | Field::LastUsed => format!("to_json({column}) #>> '{{}}'"),
            _ => format!("{column}::text"),
        }
    }

    fn number(&self, column: &str) -> String {
        format!("{column}::bigint")
    }
}
