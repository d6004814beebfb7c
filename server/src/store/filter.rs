//! Filters, orders and pages as SQL.

use keyfob_scim::{Attribute, Filter, Op, Query};

use super::sql::{Dialect, Sql};

/// When a device last changed. Of one that has not since that is kept, it is the latest time that is known.
pub(crate) const LAST_MODIFIED: &str = "coalesce(last_modified, last_used, created)";

/// Writes ` WHERE` what the query asks for.
pub(crate) fn wanted(sql: &mut Sql, dialect: Dialect, query: &Query) {
    sql.push(" WHERE ");
    if query.live_only {
        sql.push("deleted = 0 AND ");
    }
    filter(sql, dialect, &query.filter);
}

/// Writes ` ORDER BY`, ` LIMIT` and ` OFFSET` as the query asks for.
pub(crate) fn page(sql: &mut Sql, query: &Query) {
    let (by, direction) = (column(query.sort.by), if query.sort.descending { " DESC" } else { "" });
    sql.push(" ORDER BY ");
    if !query.sort.by.is_always_present() {
        sql.push("(").push(by).push(" IS NULL)").push(direction).push(", ");
    }
    sql.push(by).push(direction);
    if query.sort.by != Attribute::Id {
        sql.push(", id");
    }
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    sql.push(" LIMIT ").bind(number(query.limit)).push(" OFFSET ").bind(number(query.offset));
}

fn filter(sql: &mut Sql, dialect: Dialect, wanted: &Filter) {
    match wanted {
        Filter::And(filters) => together(sql, dialect, filters, " AND ", "1 = 1"),
        Filter::Or(filters) => together(sql, dialect, filters, " OR ", "1 = 0"),
        Filter::Not(inner) => {
            sql.push("NOT (");
            filter(sql, dialect, inner);
            sql.push(")");
        }
        Filter::Present(attribute) => {
            sql.push(column(*attribute)).push(" IS NOT NULL");
        }
        Filter::Text(attribute, op, value) => {
            comparison(sql, *attribute, *op, |sql, column| text(sql, dialect, column, *op, value));
        }
        Filter::Number(attribute, op, value) => comparison(sql, *attribute, *op, |sql, column| {
            sql.push(column).push(symbol(*op)).bind(*value);
        }),
        Filter::Anywhere(text) => {
            let text = text.to_ascii_lowercase();
            sql.push("(").push(dialect.position()).push("(lower(user_name), ").bind(&text).push(") > 0 OR ");
            sql.push(dialect.position()).push("(lower(name), ").bind(&text).push(") > 0)");
        }
    }
}

fn together(sql: &mut Sql, dialect: Dialect, filters: &[Filter], word: &str, none: &str) {
    if filters.is_empty() {
        sql.push(none);
        return;
    }
    for (at, inner) in filters.iter().enumerate() {
        sql.push(if at == 0 { "(" } else { word });
        filter(sql, dialect, inner);
    }
    sql.push(")");
}

/// Writes a comparison so that it is true or false, and never unknown as SQL has it for what is not there.
fn comparison(sql: &mut Sql, attribute: Attribute, op: Op, write: impl FnOnce(&mut Sql, &'static str)) {
    let column = column(attribute);
    match (attribute.is_always_present(), op) {
        (true, _) => sql.push("("),
        (false, Op::Ne) => sql.push("(").push(column).push(" IS NULL OR "),
        (false, _) => sql.push("(").push(column).push(" IS NOT NULL AND "),
    };
    write(sql, column);
    sql.push(")");
}

fn text(sql: &mut Sql, dialect: Dialect, column: &'static str, op: Op, value: &str) {
    match op {
        Op::EqCi => sql.push("lower(").push(column).push(") = ").bind(value.to_ascii_lowercase().as_str()),
        Op::Co => sql.push(dialect.position()).push("(").push(column).push(", ").bind(value).push(") > 0"),
        // A range, which an index answers.
        Op::Sw => {
            sql.push(column).push(" >= ").bind(value);
            match after(value) {
                Some(end) => sql.push(" AND ").push(column).push(" < ").bind(&end),
                None => sql,
            }
        }
        Op::Ew => {
            let length = i64::try_from(value.chars().count()).unwrap_or(i64::MAX);
            sql.push("length(").push(column).push(") >= ").bind(length);
            sql.push(" AND substr(").push(column).push(", length(").push(column).push(") + 1 - ").bind(length);
            sql.push(") = ").bind(value)
        }
        _ => sql.push(column).push(symbol(op)).bind(value),
    };
}

fn symbol(op: Op) -> &'static str {
    match op {
        Op::Ne => " <> ",
        Op::Gt => " > ",
        Op::Ge => " >= ",
        Op::Lt => " < ",
        Op::Le => " <= ",
        Op::Eq | Op::EqCi | Op::Co | Op::Sw | Op::Ew => " = ",
    }
}

/// The first text, in the order of bytes, behind all that start with `prefix`; none if there is none.
fn after(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            _ => char::from_u32(u32::from(last).saturating_add(1)),
        };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

/// The column of an attribute that can be searched.
fn column(attribute: Attribute) -> &'static str {
    match attribute {
        Attribute::Name => "name",
        Attribute::User => "user_name",
        Attribute::Type => "kind",
        Attribute::Status => "status",
        Attribute::Fails => "fails",
        Attribute::Created | Attribute::MetaCreated => "created",
        Attribute::LastUsed => "last_used",
        Attribute::LastModified => LAST_MODIFIED,
        Attribute::Email => "email",
        Attribute::Phone => "phone",
        Attribute::ExternalId => "external_id",
        // The parser lets no other attribute into a filter or an order.
        _ => "id",
    }
}
