//! `SCO_DEVICE` in a file of delimited text. Its first line has the names of the columns.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::delimited::{Cell, Error, Format, Quoting, Reader};
use super::format::{self, column, message};
use super::source::{Columns, Field, RawRow, ReadRow, Source, USERS_COLUMNS, UnreadableRow, missing_columns};
use crate::store::PAGE_DEVICES;

/// The word that some programs write for NULL. As the value of a text it may be a name.
const NULL_WORD: &str = "NULL";

/// The options for reading files.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FileOptions<'t> {
    /// The column of the devices with the users' names; none for `USU_CODI`.
    pub(crate) user_column: Option<&'t str>,
    /// The file of the users' names by their numbers.
    pub(crate) users: Option<&'t Path>,
    /// The meaning of quotes and backslashes; none to find it out from the files.
    pub(crate) quoting: Option<Quoting>,
    /// The unquoted text that means NULL; none if that is not known.
    pub(crate) null: Option<&'t str>,
}

pub(crate) struct DelimitedFile {
    path: PathBuf,
    format: Format,
    rows: Reader<BufReader<File>>,
    names: Vec<String>,
    columns: Columns,
    /// The users by their numbers, if their names are in another file.
    users: Option<HashMap<String, String>>,
    null: Option<String>,
}

impl DelimitedFile {
    /// Opens a file, and the users' file if there is one. Errors: a message for people.
    pub(crate) fn open(path: &Path, options: FileOptions<'_>) -> Result<Self, String> {
        let in_file = |error: String| format!("{}: {error}", path.display());
        let format = format::find(path, options.quoting).map_err(in_file)?;
        let (rows, names) = format::open(path, format).map_err(in_file)?;
        check_header(&names).map_err(in_file)?;
        let columns = Columns::find(&names, options.user_column, options.users.is_some()).map_err(in_file)?;
        let users = options.users.map(|users| self::users(users, options)).transpose()?;
        Ok(Self { path: path.to_owned(), format, rows, names, columns, users, null: options.null.map(str::to_owned) })
    }

    /// The next row; none at the end.
    fn row(&mut self) -> Result<Option<ReadRow>, String> {
        let read = self.rows.read();
        let line = Some(self.rows.row());
        match read {
            Ok(false) => Ok(None),
            Ok(true) if self.rows.len() != self.names.len() => {
                let reason = format!("has {} fields, and the first line {}", self.rows.len(), self.names.len());
                Ok(Some(Err(UnreadableRow { line, reason })))
            }
            Ok(true) => self.raw(line).map(Some),
            Err(Error::Row(place, what)) => {
                let reason = format!("{}: {what}", column(place, &self.names));
                Ok(Some(Err(UnreadableRow { line, reason })))
            }
            Err(fault) => Err(format!("{self}: {}", message(&fault, &self.names))),
        }
    }

    fn raw(&self, line: Option<u64>) -> Result<ReadRow, String> {
        let mut raw = RawRow { line, ..RawRow::default() };
        for field in Field::ALL {
            let Some(place) = self.columns.position(field) else { continue };
            let Some(cell) = self.rows.get(place) else { continue };
            let Ok(text) = str::from_utf8(cell.text) else {
                let reason = format!("{}: is not UTF-8; convert the file, as with iconv -f LATIN1 -t UTF-8", field.name());
                return Ok(Err(UnreadableRow { line, reason }));
            };
            let is_null = is_null(cell, self.null.as_deref(), field.may_be_word()).map_err(|reason| {
                let place = (line.unwrap_or_default(), place);
                format!("{self}: line {}, {}: {reason}", place.0, column(place, &self.names))
            })?;
            raw.set(field, (!is_null).then(|| text.to_owned()));
        }
        if let (None, Some(users)) = (raw.get(Field::User), &self.users) {
            let name = raw.get(Field::UserId).and_then(|id| users.get(id)).cloned();
            raw.set(Field::User, name);
        }
        Ok(Ok(raw))
    }
}

impl std::fmt::Display for DelimitedFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.path.display().fmt(f)
    }
}

impl Source for DelimitedFile {
    fn page(&mut self) -> Result<Vec<ReadRow>, String> {
        let mut page = Vec::new();
        while page.len() < PAGE_DEVICES
            && let Some(row) = self.row()?
        {
            page.push(row);
        }
        Ok(page)
    }

    fn restart(&mut self) -> Result<(), String> {
        let (rows, names) = format::open(&self.path, self.format).map_err(|fault| format!("{self}: {fault}"))?;
        if names != self.names {
            return Err(format!("{self}: has other columns than before; start again when no program writes it"));
        }
        self.rows = rows;
        Ok(())
    }
}

/// Whether a cell means NULL. Errors: the options must say so.
fn is_null(cell: Cell<'_>, null: Option<&str>, may_be_word: bool) -> Result<bool, String> {
    if cell.is_quoted {
        return Ok(false);
    }
    let text = cell.text.trim_ascii();
    let is_word = text.eq_ignore_ascii_case(NULL_WORD.as_bytes());
    match null {
        Some(null) if text == null.as_bytes() => Ok(true),
        _ if is_word && !may_be_word => Ok(true),
        None if is_word => Err(
            "the word NULL may be text or mean NULL; give --null NULL if it means NULL in this file, or --null '' if it is text"
                .to_owned(),
        ),
        _ => Ok(false),
    }
}

/// Checks that these are names of columns. Errors: none is, or all are in one cell.
fn check_header(names: &[String]) -> Result<(), String> {
    let is_name = |name: &String| {
        let name = name.to_ascii_uppercase();
        name.starts_with("OTP_") || name.starts_with("USU_")
    };
    if names.len() > 1 && names.iter().any(is_name) {
        return Ok(());
    }
    Err("has no names of columns: its first line must have them, with commas, semicolons or tabs between them. MariaDB and MySQL write no \
         such line with INTO OUTFILE and --tab: add it"
        .to_owned())
}

/// Reads the names of the users by their numbers.
fn users(path: &Path, options: FileOptions<'_>) -> Result<HashMap<String, String>, String> {
    let in_file = |error: String| format!("{}: {error}", path.display());
    let format = format::find(path, options.quoting).map_err(in_file)?;
    let (mut rows, names) = format::open(path, format).map_err(in_file)?;
    check_header(&names).map_err(in_file)?;
    let place = |wanted: &str| names.iter().position(|known| known.eq_ignore_ascii_case(wanted));
    let [Some(id), Some(name)] = USERS_COLUMNS.map(place) else {
        let missing: Vec<_> = USERS_COLUMNS.into_iter().filter(|wanted| place(wanted).is_none()).collect();
        return Err(in_file(missing_columns(&missing)));
    };
    let mut users = HashMap::new();
    while rows.read().map_err(|error| in_file(message(&error, &names)))? {
        let line = rows.row();
        let text = |at: usize| match rows.get(at) {
            _ if rows.len() != names.len() => {
                Err(in_file(format!("line {line}: has {} fields, and the first line {}", rows.len(), names.len())))
            }
            Some(cell) => {
                let shown = |reason: &str| in_file(format!("line {line}, {}: {reason}", column((line, at), &names)));
                let is_null = is_null(cell, options.null, at == name).map_err(|reason| shown(&reason))?;
                let text = str::from_utf8(cell.text)
                    .map_err(|_| shown("is not UTF-8; convert the file, as with iconv -f LATIN1 -t UTF-8"))?;
                Ok((!is_null).then(|| text.trim().to_owned()))
            }
            None => Ok(None),
        };
        if let (Some(id), Some(name)) = (text(id)?, text(name)?) {
            users.insert(id, name);
        }
    }
    Ok(users)
}
