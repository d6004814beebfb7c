//! Values and rows as PostgreSQL has them.

use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, Kind, ToSql, Type, to_sql_checked};

use super::error::explained;
use crate::database::error::DatabaseError;
use crate::database::record::Record;
use crate::database::statement::Sql;
use crate::database::value::{Type as Column, Value};

/// The values of a statement with their types.
pub(super) fn typed(sql: &Sql) -> Vec<(&(dyn ToSql + Sync), Type)> {
    sql.values.iter().map(|value| (value as _, kind(value))).collect()
}

fn kind(value: &Value) -> Type {
    match value {
        // The statement gives the type.
        Value::Null | Value::Unreadable(_) => Type::UNKNOWN,
        Value::Number(_) => Type::INT8,
        Value::Text(_) => Type::TEXT,
        Value::Bytes(_) => Type::BYTEA,
        Value::List(Column::Number, _) => Type::INT8_ARRAY,
        Value::List(Column::Text, _) => Type::TEXT_ARRAY,
        Value::List(Column::Bytes, _) => Type::BYTEA_ARRAY,
    }
}

/// The values of a row.
pub(super) fn record(row: &tokio_postgres::Row) -> Result<Record, DatabaseError> {
    let read = |at: usize| row.try_get::<_, Value>(at).map_err(|error| DatabaseError::new(explained(&error)));
    (0..row.len()).map(read).collect::<Result<_, _>>().map(Record)
}

type Converted<T> = Result<T, Box<dyn std::error::Error + Sync + Send>>;

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Converted<IsNull> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Number(number) => number.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
            Self::Bytes(bytes) => bytes.to_sql(kind, out),
            Self::List(_, values) => values.to_sql(kind, out),
            Self::Unreadable(what) => Err((*what).into()),
        }
    }

    fn accepts(kind: &Type) -> bool {
        match kind.kind() {
            Kind::Array(kind) => <Self as ToSql>::accepts(kind),
            _ => [Type::INT8, Type::INT4, Type::TEXT, Type::VARCHAR, Type::BYTEA, Type::UNKNOWN].contains(kind),
        }
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Converted<Self> {
        Ok(match *kind {
            Type::INT4 => Self::Number(i32::from_sql(kind, raw)?.into()),
            Type::INT8 => Self::Number(i64::from_sql(kind, raw)?),
            Type::BYTEA => Self::Bytes(Vec::from_sql(kind, raw)?),
            _ => Self::Text(String::from_sql(kind, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> Converted<Self> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        <Self as ToSql>::accepts(kind) || *kind == Type::NAME
    }
}
