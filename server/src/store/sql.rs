//! SQL under construction, every value bound, and the rows that come back: the same for every kind of database.

use std::fmt;

/// A value that is bound or read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Number(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A statement with the values of its parameters, which are numbered as they come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sql {
    pub(crate) text: String,
    pub(crate) values: Vec<Value>,
}

impl Sql {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Binds a value and writes its parameter.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
        self
    }

    /// Binds values and writes their parameters in parentheses.
    pub(crate) fn tuple<const N: usize>(&mut self, values: [Value; N]) -> &mut Self {
        for (at, value) in values.into_iter().enumerate() {
            self.push(if at == 0 { "(" } else { ", " }).bind(value);
        }
        self.push(")")
    }
}

/// What the database could not do, in its own words: for the log.
#[derive(Clone, Debug)]
pub(crate) struct Fault(pub(crate) String);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A row that was read.
#[derive(Clone, Debug)]
pub(crate) struct Record(pub(crate) Vec<Value>);

impl Record {
    /// Takes a column; another type than asked for is a fault of the store.
    fn take<T>(&mut self, at: usize, read: impl FnOnce(Value) -> Option<T>) -> Result<T, Fault> {
        let value = self.0.get_mut(at).map(|value| std::mem::replace(value, Value::Null));
        value.and_then(read).ok_or_else(|| Fault(format!("column {at} has another type than it should")))
    }

    pub(crate) fn number(&mut self, at: usize) -> Result<i64, Fault> {
        self.take(at, |value| if let Value::Number(number) = value { Some(number) } else { None })
    }

    pub(crate) fn text(&mut self, at: usize) -> Result<String, Fault> {
        self.take(at, |value| if let Value::Text(text) = value { Some(text) } else { None })
    }

    pub(crate) fn bytes(&mut self, at: usize) -> Result<Vec<u8>, Fault> {
        self.take(at, |value| if let Value::Bytes(bytes) = value { Some(bytes) } else { None })
    }

    pub(crate) fn maybe_number(&mut self, at: usize) -> Result<Option<i64>, Fault> {
        self.take(at, |value| match value {
            Value::Null => Some(None),
            Value::Number(number) => Some(Some(number)),
            _ => None,
        })
    }

    pub(crate) fn maybe_text(&mut self, at: usize) -> Result<Option<String>, Fault> {
        self.take(at, |value| match value {
            Value::Null => Some(None),
            Value::Text(text) => Some(Some(text)),
            _ => None,
        })
    }
}

/// A connection to a database, owned by one thread.
pub(crate) trait Connection {
    /// Runs a statement and returns its rows.
    fn rows(&mut self, sql: &Sql) -> Result<Vec<Record>, Fault>;

    /// Does `work` in one transaction that writes: all of it durably, or nothing.
    fn transaction<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault>;

    /// The function that tells where one text stands in another, from 1.
    fn position() -> &'static str;

    /// Puts the types of columns into the text of a migration.
    fn types(sql: &str) -> String;

    /// Runs a statement without parameters.
    fn run(&mut self, text: &str) -> Result<Vec<Record>, Fault> {
        self.rows(&Sql::new(text))
    }
}
