//! The statement that reads `SCO_DEVICE` and the users' names in `SC_USUARI`, for each database.

use super::source::{Columns, Field, USERS_COLUMNS, missing_columns};
use crate::store::PAGE_DEVICES;

/// The default table of the users' names, if the devices' table has none.
const USERS_TABLE: &str = "SC_USUARI";

/// Where the users' names are.
pub(crate) enum UserNames<'n> {
    /// In this column of the devices' table.
    Column(&'n str),
    /// In this table, by the users' numbers.
    Table(Option<&'n str>),
}

/// A column of a table.
pub(crate) struct Column {
    pub(crate) name: String,
    /// The database's name of its type; empty if the type does not matter.
    pub(crate) kind: String,
}

/// The differences between databases in SQL and in their catalogs.
pub(crate) trait SqlDialect {
    /// The name of a table as SQL takes it, and its columns. Errors: a message for people.
    fn describe(&mut self, table: &str) -> Result<(String, Vec<Column>), String>;

    /// A column's name as SQL takes it.
    fn quoted(&self, name: &str) -> String;

    /// A column as text; a time in ISO 8601 or as MySQL writes it, with an offset if the column has
    /// one.
    fn text(&self, column: &str, field: Field, kind: &str) -> String;

    /// A column as a number.
    fn number(&self, column: &str) -> String;
}

/// The statement for a page. The number of the last device of the page before is missing.
pub(crate) struct Select {
    /// The text before that number. The first column is the number of the device, the others are
    /// the fields.
    pub(crate) start: String,
    /// The text behind it.
    pub(crate) end: String,
    pub(crate) fields: Vec<Field>,
}

impl Select {
    /// Makes the statement for a table. Errors: a message for people.
    pub(crate) fn new(catalog: &mut dyn SqlDialect, table: &str, names: &UserNames<'_>) -> Result<Self, String> {
        let (devices, columns) = catalog.describe(table)?;
        let own = if let UserNames::Column(column) = names { Some(*column) } else { None };
        let all: Vec<_> = columns.iter().map(|column| column.name.clone()).collect();
        let found = Columns::find(&all, own, own.is_none()).map_err(|fault| format!("{devices}: {fault}"))?;
        let place = |field| found.position(field).and_then(|place| columns.get(place));
        let quoted = |catalog: &dyn SqlDialect, field| place(field).map(|column| format!("d.{}", catalog.quoted(&column.name)));

        let (mut user, mut join) = (quoted(catalog, Field::User), String::new());
        if let (UserNames::Table(users), None, Some(number)) = (names, &user, quoted(catalog, Field::UserId)) {
            let (users, of_users) = catalog.describe(users.unwrap_or(USERS_TABLE))?;
            let place = |wanted: &str| of_users.iter().find(|column| column.name.eq_ignore_ascii_case(wanted));
            let [Some(id), Some(name)] = USERS_COLUMNS.map(place) else {
                let missing: Vec<_> = USERS_COLUMNS.into_iter().filter(|wanted| place(wanted).is_none()).collect();
                return Err(format!("{users}: {}", missing_columns(&missing)));
            };
            join = format!(" LEFT JOIN {users} u ON u.{} = {number}", catalog.quoted(&id.name));
            user = Some(format!("u.{}", catalog.quoted(&name.name)));
        }

        let (mut fields, mut texts) = (Vec::new(), Vec::new());
        for field in Field::ALL {
            let column = if field == Field::User { user.clone() } else { quoted(catalog, field) };
            let Some(column) = column else { continue };
            let kind = place(field).map(|column| column.kind.as_str()).unwrap_or_default();
            fields.push(field);
            texts.push(catalog.text(&column, field, kind));
        }
        let id = quoted(catalog, Field::Id).unwrap_or_default();
        Ok(Self {
            start: format!("SELECT {}, {} FROM {devices} d{join} WHERE {id} > ", catalog.number(&id), texts.join(", ")),
            end: format!(" ORDER BY {id} LIMIT {PAGE_DEVICES}"),
            fields,
        })
    }
}
