//! `SCO_DEVICE` where it is: in Soffid's own database, with the names of the users in `SC_USUARI`.

use super::source::{Columns, Field, Raw, Read, Source};
use crate::store::{Access, Connection, Fault, Location, PAGE, Sql};

/// The table with the users, unless the devices' own has their names.
const USERS: &str = "SC_USUARI";

/// Where the names of users stand.
pub(crate) enum Names<'n> {
    /// In this column of the devices' table.
    Column(&'n str),
    /// In this table, by the users' numbers.
    Table(Option<&'n str>),
}

pub(crate) struct Table {
    location: Location,
    connection: Box<dyn Connection>,
    /// The statement as far as the number behind which a page begins.
    select: String,
    order: String,
    fields: Vec<Field>,
    after: i64,
}

impl Table {
    /// Opens a table. All of it is read as it is at this moment. Errors: a sentence for people.
    pub(crate) fn open(location: &Location, table: &str, names: &Names<'_>) -> Result<Self, String> {
        let shown = |fault: &dyn std::fmt::Display| format!("{location}: {fault}");
        let mut connection = location.reader().map_err(|fault| shown(&fault))?;
        connection.begin(Access::Snapshot).map_err(|fault| shown(&fault))?;
        let (devices, columns) = describe(&mut *connection, table).map_err(|fault| shown(&fault))?;
        let own = if let Names::Column(column) = names { Some(*column) } else { None };
        let found = Columns::find(&columns, own).map_err(|fault| shown(&format!("{devices}: {fault}")))?;
        let quoted = |field| found.place(field).and_then(|place| columns.get(place)).map(|name| quote("d", name));

        let (mut user, mut join) = (quoted(Field::User), String::new());
        if let (Names::Table(users), None) = (names, &user) {
            let number = quoted(Field::UserId).ok_or_else(|| {
                shown(&format!("{devices}: has no column OTP_USU_ID; name the one with the users' names with --user-column"))
            })?;
            let (users, of_users) = describe(&mut *connection, users.unwrap_or(USERS)).map_err(|fault| shown(&fault))?;
            let column = |wanted: &str| {
                let name = of_users.iter().find(|name| name.eq_ignore_ascii_case(wanted));
                name.map(|name| quote("u", name)).ok_or_else(|| shown(&format!("{users}: has no column {wanted}")))
            };
            join = format!(" LEFT JOIN {users} u ON {} = {number}", column("USU_ID")?);
            user = Some(column("USU_CODI")?);
        }

        let (mut fields, mut texts) = (Vec::new(), Vec::new());
        for field in Field::ALL {
            let Some(column) = (if field == Field::User { user.clone() } else { quoted(field) }) else { continue };
            fields.push(field);
            texts.push(match field {
                // Whatever the session's DateStyle, JSON has ISO 8601, with an offset if the column has one.
                Field::Created | Field::LastUsed => format!("to_json({column}) #>> '{{}}'"),
                _ => format!("{column}::text"),
            });
        }
        let id = quoted(Field::Id).unwrap_or_default();
        Ok(Self {
            location: location.clone(),
            connection,
            select: format!("SELECT {id}::bigint, {} FROM {devices} d{join} WHERE {id} > ", texts.join(", ")),
            order: format!(" ORDER BY {id} LIMIT {PAGE}"),
            fields,
            after: i64::MIN,
        })
    }

    fn rows(&mut self) -> Result<Vec<Read>, Fault> {
        let mut sql = Sql::new(self.select.clone());
        sql.bind(self.after).push("::bigint").push(&self.order);
        let mut page = Vec::new();
        for mut record in self.connection.rows(&sql)? {
            self.after = record.number(0)?;
            let mut raw = Raw::default();
            for (at, &field) in self.fields.iter().enumerate() {
                raw.set(field, record.maybe_text(at.saturating_add(1))?);
            }
            page.push(Ok(raw));
        }
        Ok(page)
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.location.fmt(f)
    }
}

impl Source for Table {
    fn page(&mut self) -> Result<Vec<Read>, String> {
        self.rows().map_err(|fault| format!("{self}: {fault}"))
    }

    fn restart(&mut self) -> Result<(), String> {
        self.after = i64::MIN;
        Ok(())
    }
}

/// The name of a table as SQL takes it, and its columns.
fn describe(connection: &mut dyn Connection, table: &str) -> Result<(String, Vec<String>), Fault> {
    let mut sql = Sql::new("SELECT to_regclass(");
    sql.bind(table).push("::text)::text");
    let Some(name) = connection.rows(&sql)?.first_mut().and_then(|record| record.maybe_text(0).transpose()).transpose()? else {
        return Err(Fault::new(format!("has no table {table}; name it with --table or --users, with its schema if need be")));
    };
    let mut sql = Sql::new("SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(");
    sql.bind(table).push("::text) AND attnum > 0 AND NOT attisdropped");
    let columns = connection.rows(&sql)?.iter_mut().map(|record| record.text(0)).collect::<Result<_, _>>()?;
    Ok((name, columns))
}

fn quote(table: &str, column: &str) -> String {
    format!("{table}.\"{}\"", column.replace('"', "\"\""))
}
