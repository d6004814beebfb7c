//! `SCO_DEVICE` as a file of comma-separated values (RFC 4180), whose first line has the names of the columns.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use csv::{ByteRecord, ErrorKind, Reader};

use super::source::{Columns, Field, NoRow, Raw, Read, Source};
use crate::store::PAGE;

/// What programs write where there is nothing.
const NULL: &str = r"\N";

pub(crate) struct Values {
    path: PathBuf,
    reader: Reader<File>,
    names: Vec<String>,
    columns: Columns,
    /// The users by their numbers, if their names stand in another file.
    users: Option<HashMap<String, String>>,
    record: ByteRecord,
}

impl Values {
    /// Opens a file; the names of users stand in its column `user` or, by the users' numbers, in another file. Errors: a sentence for people.
    pub(crate) fn open(path: &Path, user: Option<&str>, users: Option<&Path>) -> Result<Self, String> {
        let (reader, names) = open(path)?;
        let columns = Columns::find(&names, user).map_err(|fault| format!("{}: {fault}", path.display()))?;
        let users = users.map(self::users).transpose()?;
        if !columns.has(Field::User) && (users.is_none() || !columns.has(Field::UserId)) {
            return Err(format!(
                "{}: has no column USU_CODI; name the one that has the users' names with --user-column, or give --users FILE with the \
                 columns USU_ID and USU_CODI of SC_USUARI",
                path.display()
            ));
        }
        Ok(Self { path: path.to_owned(), reader, names, columns, users, record: ByteRecord::new() })
    }

    /// The next row; none at the end.
    fn row(&mut self) -> Result<Option<Read>, String> {
        let no_row = |position: Option<&csv::Position>, reason: &str| NoRow { row: number(position), reason: reason.to_owned() };
        match self.reader.read_byte_record(&mut self.record) {
            Ok(false) => Ok(None),
            Ok(true) => {
                let position = self.record.position();
                Ok(Some(self.raw(number(position)).ok_or_else(|| no_row(position, "is not UTF-8"))))
            }
            Err(error) => match error.kind() {
                ErrorKind::UnequalLengths { pos, expected_len, len } => {
                    Ok(Some(Err(no_row(pos.as_ref(), &format!("has {len} fields, and the first row {expected_len}")))))
                }
                _ => Err(format!("{}: {error}", self.path.display())),
            },
        }
    }

    fn raw(&self, row: Option<u64>) -> Option<Raw> {
        let mut raw = Raw { row, ..Raw::default() };
        for field in Field::ALL {
            let bytes = self.columns.place(field).and_then(|place| self.record.get(place));
            let text = bytes.map(str::from_utf8).transpose().ok()?;
            raw.set(field, text.filter(|text| *text != NULL).map(str::to_owned));
        }
        if let (None, Some(users)) = (raw.get(Field::User), &self.users) {
            let name = raw.get(Field::UserId).and_then(|id| users.get(id)).cloned();
            raw.set(Field::User, name);
        }
        Some(raw)
    }
}

impl std::fmt::Display for Values {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.path.display().fmt(f)
    }
}

impl Source for Values {
    fn page(&mut self) -> Result<Vec<Read>, String> {
        let mut page = Vec::new();
        while page.len() < PAGE
            && let Some(row) = self.row()?
        {
            page.push(row);
        }
        Ok(page)
    }

    fn restart(&mut self) -> Result<(), String> {
        let (reader, names) = open(&self.path)?;
        if names != self.names {
            return Err(format!("{self}: has other columns than before; start again when no program writes it"));
        }
        self.reader = reader;
        Ok(())
    }
}

fn number(position: Option<&csv::Position>) -> Option<u64> {
    position.map(|position| position.record().saturating_add(1))
}

/// Opens a file and reads the names of its columns.
fn open(path: &Path) -> Result<(Reader<File>, Vec<String>), String> {
    let fault = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let mut reader = Reader::from_reader(File::open(path).map_err(|error| fault(&error))?);
    let names = reader.headers().map_err(|error| fault(&error))?;
    let names = names.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()).collect();
    Ok((reader, names))
}

/// Reads the names of the users by their numbers.
fn users(path: &Path) -> Result<HashMap<String, String>, String> {
    let fault = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let (mut reader, names) = open(path)?;
    let place = |name: &str| {
        let place = names.iter().position(|known| known.eq_ignore_ascii_case(name));
        place.ok_or_else(|| fault(&format!("has no column {name}")))
    };
    let (id, name) = (place("USU_ID")?, place("USU_CODI")?);
    let mut users = HashMap::new();
    for record in reader.records() {
        let record = record.map_err(|error| fault(&error))?;
        if let (Some(id), Some(name)) = (record.get(id), record.get(name)) {
            users.insert(id.trim().to_owned(), name.trim().to_owned());
        }
    }
    Ok(users)
}
