//! Writing lines of the audit trail.

use keyfob_scim::Event;

use super::columns::{trail, trail_key_column, trail_line_columns};
use super::rows::seconds;
use crate::database::{Connection, DatabaseError, Dialect, Sql, Type, Value};

/// The columns of a line without its number.
pub(crate) const COLUMNS: &[(&str, Type)] = match trail::COLUMNS.split_first() {
    Some((_, columns)) => columns,
    None => &[],
};

/// The values of a line without its number.
pub(crate) fn values(event: &Event) -> [Value; COLUMNS.len()] {
    [
        seconds(event.at).into(),
        event.kind.name().into(),
        (&event.actor).into(),
        event.device_id.into(),
        (&event.user).into(),
        i64::from(event.success).into(),
        (&event.reason).into(),
        event.drift.into(),
    ]
}

/// Writes the table `line` into a statement that inserts from it.
fn table<'e>(sql: &mut Sql, dialect: Dialect, events: impl Iterator<Item = &'e Event>) {
    sql.table(dialect, "line", COLUMNS, events.map(values));
}

/// The beginning of a statement that inserts lines; the database numbers them.
pub(crate) const INSERT: &str = concat!("INSERT INTO trail (", trail_line_columns!(), ") ");

/// Writes to the trail.
pub(crate) fn insert(connection: &mut dyn Connection, events: &[&Event]) -> Result<(), DatabaseError> {
    match connection.dialect() {
        Dialect::Sqlite => {
            const INSERT: &str =
                concat!("INSERT INTO trail (", trail_line_columns!(), ") VALUES (", trail_line_columns!(parameters), ")");
            for event in events {
                connection.change(&Sql::from_parts(INSERT, values(event)))?;
            }
        }
        Dialect::Postgres if events.is_empty() => {}
        Dialect::Postgres => {
            let mut sql = Sql::new("WITH ");
            table(&mut sql, connection.dialect(), events.iter().copied());
            sql.push(" ").push(INSERT).push("SELECT * FROM line");
            connection.change(&sql)?;
        }
    }
    Ok(())
}

/// Lines that come with no swap.
pub(crate) struct Lines<'e> {
    pub(crate) events: &'e [&'e Event],
    /// Their numbers in PostgreSQL, drawn before the lines are sent. A line that is sent again
    /// under its number is stored at most once. A file needs no numbers: a failed commit is undone
    /// there as long as the process lives.
    numbers: Vec<i64>,
}

impl<'e> Lines<'e> {
    pub(crate) fn new(events: &'e [&'e Event]) -> Self {
        Self { events, numbers: Vec::new() }
    }

    /// Draws the numbers unless it has them. Errors: those of the database; no line was written.
    pub(crate) fn draw(&mut self, connection: &mut dyn Connection) -> Result<(), DatabaseError> {
        const DRAW: &str = "SELECT nextval(pg_get_serial_sequence('trail', 'id')) FROM generate_series(1, $1::BIGINT)";
        if connection.dialect() == Dialect::Sqlite || self.numbers.len() == self.events.len() {
            return Ok(());
        }
        let many = i64::try_from(self.events.len()).unwrap_or(i64::MAX);
        let mut drawn = connection.rows(&Sql::from_parts(DRAW, [many.into()])).map_err(DatabaseError::uncommitted)?;
        self.numbers = drawn.iter_mut().map(|record| record.number(0)).collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Drops the numbers, so that the next try draws others.
    pub(crate) fn forget_numbers(&mut self) {
        self.numbers.clear();
    }

    /// Writes the lines. If `is_again`, skips those that an earlier try has written.
    pub(crate) fn insert(&self, connection: &mut dyn Connection, is_again: bool) -> Result<(), DatabaseError> {
        if connection.dialect() == Dialect::Sqlite || self.events.is_empty() {
            return insert(connection, self.events);
        }
        let numbered = |(number, event): (&i64, &&Event)| std::iter::once(Value::Number(*number)).chain(values(event));
        let mut sql = Sql::new("WITH ");
        sql.table(connection.dialect(), "line", &trail::COLUMNS, self.numbers.iter().zip(self.events).map(numbered));
        sql.push(concat!(" INSERT INTO trail (", trail_key_column!(), ", ", trail_line_columns!(), ") SELECT * FROM line"));
        if is_again {
            sql.push(" ON CONFLICT (id) DO NOTHING");
        }
        connection.change(&sql).map(|_| ())
    }
}
