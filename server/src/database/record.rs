//! Rows that were read.

use super::error::DatabaseError;
use super::value::{Type, Value};

/// A row that was read.
#[derive(Clone, Debug)]
pub(crate) struct Record(pub(crate) Vec<Value>);

impl Record {
    /// Takes the value of a column. Errors: the value has another type.
    fn take<T>(&mut self, at: usize, read: impl FnOnce(Value) -> Option<T>) -> Result<T, DatabaseError> {
        let value = self.0.get_mut(at).map(|value| std::mem::replace(value, Value::Null));
        if let Some(Value::Unreadable(what)) = value {
            return Err(DatabaseError::for_column(at, what));
        }
        value.and_then(read).ok_or_else(|| DatabaseError::for_column(at, "holds a value of another type"))
    }

    /// The id of the row: its first column, which is not taken out.
    pub(crate) fn id(&self) -> Result<i64, DatabaseError> {
        match self.0.first() {
            Some(Value::Number(id)) => Ok(*id),
            _ => Err(DatabaseError::for_column(0, "holds no number")),
        }
    }

    pub(crate) fn number(&mut self, at: usize) -> Result<i64, DatabaseError> {
        self.take(at, |value| if let Value::Number(number) = value { Some(number) } else { None })
    }

    pub(crate) fn text(&mut self, at: usize) -> Result<String, DatabaseError> {
        self.take(at, |value| if let Value::Text(text) = value { Some(text) } else { None })
    }

    pub(crate) fn bytes(&mut self, at: usize) -> Result<Vec<u8>, DatabaseError> {
        self.take(at, |value| if let Value::Bytes(bytes) = value { Some(bytes) } else { None })
    }

    pub(crate) fn maybe_number(&mut self, at: usize) -> Result<Option<i64>, DatabaseError> {
        self.take(at, |value| match value {
            Value::Null => Some(None),
            Value::Number(number) => Some(Some(number)),
            _ => None,
        })
    }

    pub(crate) fn maybe_text(&mut self, at: usize) -> Result<Option<String>, DatabaseError> {
        self.take(at, |value| match value {
            Value::Null => Some(None),
            Value::Text(text) => Some(Some(text)),
            _ => None,
        })
    }
}

/// Rows that were read. A damaged row is reported by itself and does not hide the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readable<T> {
    /// The rows that can be read.
    pub rows: Vec<T>,
    /// A sentence for each row that cannot be read: which row it is, and what is wrong with it.
    pub damaged: Vec<String>,
}

impl<T> Readable<T> {
    /// Reads rows of these columns. An error becomes a sentence that begins with the `name` of the
    /// row.
    pub(crate) fn new(
        records: &mut [Record],
        columns: &[(&str, Type)],
        name: impl Fn(&Record) -> String,
        read: impl Fn(&mut Record) -> Result<T, DatabaseError>,
    ) -> Self {
        let mut all = Self { rows: Vec::with_capacity(records.len()), damaged: Vec::new() };
        for record in records {
            let name = name(record);
            match read(record) {
                Ok(row) => all.rows.push(row),
                Err(error) => all.damaged.push(format!("{name} cannot be read: {}", error.in_words(columns))),
            }
        }
        all
    }
}
