//! SQL under construction, every value bound.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::dialect::Dialect;
use super::value::{Type, Value};

/// A statement with the values of its parameters, in the order in which they appear.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sql {
    pub(crate) text: Cow<'static, str>,
    pub(crate) values: Vec<Value>,
    /// Whether a session keeps the statement with its plan.
    pub(crate) keeps_plan: bool,
}

impl Sql {
    pub(crate) fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self::from_parts(text, [])
    }

    /// A complete statement. It is for frequent statements, for which building the text would cost
    /// time. Its parameters must be numbered in the order in which they appear: for SQLite, `$2` is
    /// only a name.
    pub(crate) fn from_parts<const N: usize>(text: impl Into<Cow<'static, str>>, values: [Value; N]) -> Self {
        Self { text: text.into(), values: values.into(), keeps_plan: false }
    }

    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.to_mut().push_str(text);
        self
    }

    /// Binds a value and writes its parameter.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        let number = self.values.len().to_string();
        self.push("$").push(&number)
    }

    /// Binds values and writes their parameters in parentheses.
    pub(crate) fn tuple(&mut self, values: impl IntoIterator<Item = Value>) -> &mut Self {
        for (at, value) in values.into_iter().enumerate() {
            self.push(if at == 0 { "(" } else { ", " }).bind(value);
        }
        self.push(")")
    }

    /// Ends a frequent statement of PostgreSQL, which has the same text each time. A session keeps
    /// it, so the server parses and plans it once and not for each batch. `joint` is `WHERE` or
    /// `AND`.
    ///
    /// Its name may be the one of another statement in another process. Behind a pooler that
    /// exchanges sessions, the values of one could run the other. So the last condition of each is
    /// that a value is the digest of its text. Otherwise it divides by zero, and does nothing.
    pub(crate) fn keep_plan(&mut self, joint: &str) {
        let mut hasher = DefaultHasher::new();
        self.text.hash(&mut hasher);
        let digest = format!("{:016x}", hasher.finish());
        self.push(" ").push(joint).push(" 1 / CAST(").bind(digest.as_str()).push(" = '").push(&digest).push("' AS INT) = 1");
        self.keeps_plan = true;
    }

    /// Writes a condition: the number before it is one of these.
    pub(crate) fn among(&mut self, dialect: Dialect, numbers: impl Iterator<Item = i64>) -> &mut Self {
        match dialect {
            Dialect::Sqlite => self.push(" IN ").tuple(numbers.map(Value::Number)),
            // The text is the same for any count.
            Dialect::Postgres => {
                self.push(" = ANY(").bind(Value::List(Type::Number, numbers.map(Value::Number).collect())).push("::BIGINT[])")
            }
        }
    }

    /// Writes the same for thousands of numbers. The text is the same for any count.
    pub(crate) fn among_many(&mut self, dialect: Dialect, numbers: &[i64]) -> &mut Self {
        match dialect {
            Dialect::Sqlite => {
                let list: Vec<_> = numbers.iter().map(i64::to_string).collect();
                self.push(" IN (SELECT value FROM json_each(").bind(format!("[{}]", list.join(",")).as_str()).push("))")
            }
            Dialect::Postgres => self.among(dialect, numbers.iter().copied()),
        }
    }

    /// Writes the same for thousands of texts without characters that JSON escapes.
    pub(crate) fn among_texts(&mut self, dialect: Dialect, texts: &[String]) -> &mut Self {
        match dialect {
            Dialect::Sqlite => {
                let list = format!("[\"{}\"]", texts.join("\",\""));
                self.push(" IN (SELECT value FROM json_each(").bind(list.as_str()).push("))")
            }
            Dialect::Postgres => {
                let list = texts.iter().map(Value::from).collect();
                self.push(" = ANY(").bind(Value::List(Type::Text, list)).push("::TEXT[])")
            }
        }
    }

    /// Writes `name (columns) AS (rows)` for at least one row: a table for the rest of the
    /// statement.
    pub(crate) fn table<R: IntoIterator<Item = Value>>(
        &mut self,
        dialect: Dialect,
        name: &str,
        columns: &[(&str, Type)],
        rows: impl Iterator<Item = R>,
    ) -> &mut Self {
        self.push(name);
        for (at, (column, _)) in columns.iter().enumerate() {
            self.push(if at == 0 { " (" } else { ", " }).push(column);
        }
        self.push(") AS (");
        match dialect {
            Dialect::Sqlite => {
                for (at, row) in rows.enumerate() {
                    self.push(if at == 0 { "VALUES " } else { ", " }).tuple(row);
                }
            }
            Dialect::Postgres => {
                let mut lists = vec![Vec::new(); columns.len()];
                for row in rows {
                    lists.iter_mut().zip(row).for_each(|(list, value)| list.push(value));
                }
                for (at, (list, (_, kind))) in lists.into_iter().zip(columns).enumerate() {
                    self.push(if at == 0 { "SELECT * FROM unnest(" } else { ", " }).bind(Value::List(*kind, list));
                    self.push(match kind {
                        Type::Number => "::BIGINT[]",
                        Type::Text => "::TEXT[]",
                        Type::Bytes => "::BYTEA[]",
                    });
                }
                self.push(")");
            }
        }
        self.push(")")
    }
}
