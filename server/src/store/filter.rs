//! Filters, orders and pages as SQL.

use keyfob_scim::{Attribute, Filter, Op, PageStart, Query, Sort, SortKey, SortPosition};

use crate::database::{Dialect, Sql, Value};

/// When a device last changed. For a device without a change since the column exists, it is the
/// latest known time.
pub(crate) const LAST_MODIFIED: &str = "coalesce(last_modified, last_used, created)";

/// The part of a query's devices that a statement reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part<'q> {
    /// All devices, wherever the page begins.
    All,
    /// The devices behind a position that have its value.
    Equal(&'q SortPosition),
    /// The devices behind all that have its value.
    Beyond(&'q SortPosition),
    /// Those with a user, in an order by user.
    WithUser,
    /// Those without one, in an order by user.
    WithoutUser,
}

impl<'q> Part<'q> {
    /// The parts of a page, to be read one after another. An index finds the beginning of each,
    /// however many devices have the same value. For both at once, as `(created, id) > (?, ?)`,
    /// SQLite would read all that have the value, since `id` is its name for the row's number.
    pub(crate) fn from_query(query: &'q Query) -> Vec<Self> {
        match &query.start {
            PageStart::After(Some(last)) if query.sort.by == Attribute::Id => vec![Self::Beyond(last)],
            PageStart::After(last) if query.sort.by == Attribute::User => Self::of_users(last.as_ref(), query.sort.descending),
            PageStart::After(Some(last)) => vec![Self::Equal(last), Self::Beyond(last)],
            PageStart::After(None) | PageStart::Offset(_) => vec![Self::All],
        }
    }
}

impl<'q> Part<'q> {
    /// The parts of a page in an order by user. A device without a user has an empty one in its
    /// column, which would come first; by parts the index of users has them all in order.
    fn of_users(last: Option<&'q SortPosition>, is_descending: bool) -> Vec<Self> {
        match (last, is_descending) {
            (None, false) => vec![Self::WithUser, Self::WithoutUser],
            (None, true) => vec![Self::WithoutUser, Self::WithUser],
            (Some(last), false) if last.key.is_some() => vec![Self::Equal(last), Self::Beyond(last), Self::WithoutUser],
            (Some(last), true) if last.key.is_some() => vec![Self::Equal(last), Self::Beyond(last)],
            (Some(last), false) => vec![Self::Equal(last)],
            (Some(last), true) => vec![Self::Equal(last), Self::WithUser],
        }
    }
}

/// Writes ` WHERE` and the conditions of a part of the query. `candidates`: the ids of all devices
/// that may match, if they are known.
pub(crate) fn wanted(sql: &mut Sql, dialect: Dialect, query: &Query, candidates: Option<&[i64]>, part: Part<'_>) {
    sql.push(" WHERE ");
    if let Some(candidates) = candidates {
        sql.push("id").among_many(dialect, candidates).push(" AND ");
    }
    if query.excludes_deleted {
        sql.push("deleted = 0 AND ");
    }
    let plain = Style { dialect, sign: "" };
    let withheld = Style { dialect, sign: if dialect == Dialect::Sqlite { "+" } else { "" } };
    let key = key(&query.filter);
    // Before the filter: of two bounds of one column, an index of SQLite uses the first. A key
    // finds fewer devices than another column.
    let has_index = candidates.is_none() && key.is_none_or(|key| is_of(key, query.sort.by));
    behind(sql, if has_index { &plain } else { &withheld }, query.sort, part);
    // SQLite does not know how many devices have a value. Of two indexes it may choose the one that
    // finds half of the table.
    let is_part = |key: &&Filter| dialect == Dialect::Sqlite && !std::ptr::eq(*key, &raw const query.filter);
    if let Some(key) = key.filter(is_part) {
        filter(sql, &plain, key);
        sql.push(" AND ");
        filter(sql, &withheld, &query.filter);
    } else {
        filter(sql, if candidates.is_some() { &withheld } else { &plain }, &query.filter);
    }
}

/// Whether a key is of this attribute only.
fn is_of(key: &Filter, attribute: Attribute) -> bool {
    matches!(key, Filter::Text(of, ..) | Filter::Number(of, ..) if *of == attribute)
}

/// Writes the bounds of a part and ` AND `. Devices without a value come last, or first if the
/// order descends.
fn behind(sql: &mut Sql, style: &Style, sort: Sort, part: Part<'_>) {
    let (by, is_beyond) = (format!("{}{}", style.sign, column(sort.by)), if sort.descending { " < " } else { " > " });
    let (last, is_equal) = match part {
        Part::All => return,
        Part::Equal(last) => (last, true),
        Part::Beyond(last) => (last, false),
        Part::WithUser => {
            sql.push(&by).push(" > '' AND ");
            return;
        }
        Part::WithoutUser => {
            sql.push(&by).push(" = '' AND ");
            return;
        }
    };
    let is_of_users = sort.by == Attribute::User;
    sql.push("(");
    match &last.key {
        Some(key) if is_equal => sql.push(&by).push(" = ").bind(key),
        Some(key) if is_of_users && sort.descending => sql.push(&by).push(" > '' AND ").push(&by).push(is_beyond).bind(key),
        Some(key) if sort.descending || is_of_users || sort.by.is_always_present() => sql.push(&by).push(is_beyond).bind(key),
        Some(key) => sql.push(&by).push(is_beyond).bind(key).push(" OR ").push(&by).push(" IS NULL"),
        None if is_equal && is_of_users => sql.push(&by).push(" = ''"),
        None if is_equal => sql.push(&by).push(" IS NULL"),
        None if sort.descending => sql.push(&by).push(" IS NOT NULL"),
        None => sql.push("1 = 0"),
    };
    if is_equal {
        sql.push(" AND id > ").bind(last.id);
    }
    sql.push(") AND ");
}

/// Writes ` WHERE` and the condition of a key.
pub(crate) fn wanted_by_key(sql: &mut Sql, dialect: Dialect, key: &Filter) {
    sql.push(" WHERE ");
    filter(sql, &Style { dialect, sign: "" }, key);
}

/// Writes ` WHERE` and the conditions of the devices with ids above `after` that match a filter and
/// are not deleted: of all, or of the TOTP and HOTP devices. They are read in the order of their
/// ids: by the table itself, or by the index of the filter's key, and never by one that finds half
/// of the table.
pub(crate) fn wanted_after(sql: &mut Sql, dialect: Dialect, wanted: &Filter, is_of_tokens: bool, after: i64) {
    let plain = Style { dialect, sign: "" };
    let withheld = Style { dialect, sign: if dialect == Dialect::Sqlite { "+" } else { "" } };
    sql.push(" WHERE ");
    let key = key(wanted);
    if let Some(key) = key {
        filter(sql, &plain, key);
        sql.push(" AND ");
    }
    sql.push(if key.is_some() { withheld.sign } else { "" }).push("id > ").bind(after);
    sql.push(" AND deleted = 0 AND ");
    if is_of_tokens {
        sql.push(withheld.sign).push("kind IN ('TOTP', 'HOTP') AND ");
    }
    filter(sql, &withheld, wanted);
}

/// The key of a filter: the part by which an index finds all matches and, as a rule, little more.
/// It is one or several values of an identifying attribute, or the beginning of one. `None` if the
/// filter has no such part, so that every device must be read.
pub(crate) fn key(filter: &Filter) -> Option<&Filter> {
    match filter {
        Filter::And(parts) => parts.iter().filter_map(key).min_by_key(|key| breadth(key)),
        _ => breadth(filter).map(|_| filter),
    }
}

/// A rank of how many devices a key may find, the fewest first; `None` for what is no key.
fn breadth(filter: &Filter) -> Option<u8> {
    use Attribute as A;
    match filter {
        Filter::Number(A::Id, Op::Eq | Op::EqCi, _) => Some(0),
        Filter::Text(A::User | A::Email | A::Phone | A::ExternalId, Op::Eq, _) | Filter::Text(A::User, Op::EqCi, _) => Some(1),
        // All PINs have one name.
        Filter::Text(A::Name, Op::Eq, _) => Some(2),
        Filter::Or(parts) => {
            parts.iter().map(breadth).try_fold(0, |most, part| part.filter(|part| *part <= 2).map(|part| part.max(most)))
        }
        Filter::Text(A::User | A::Email | A::Phone | A::ExternalId | A::Name, Op::Sw, beginning) => {
            (!beginning.is_empty()).then_some(3)
        }
        _ => None,
    }
}

/// How a filter is written.
struct Style {
    dialect: Dialect,
    /// The sign before a column: in SQLite a `+` keeps its index from being used.
    sign: &'static str,
}

/// Writes ` ORDER BY`, ` LIMIT` and ` OFFSET` of a part of the query, with another limit.
pub(crate) fn page(sql: &mut Sql, query: &Query, part: Part<'_>, limit: u64) {
    let direction = if query.sort.descending { " DESC" } else { "" };
    let mut comma = " ORDER BY ";
    for &by in std::iter::once(&query.sort.by).chain(&query.then_by) {
        sql.push(comma);
        // A part of an order by user has devices with a user or without one, never both.
        let is_split = by == Attribute::User && !matches!(part, Part::All);
        if !by.is_always_present() && !is_split {
            sql.push("(").push(column(by)).push(absent(by)).push(")").push(direction).push(", ");
        }
        sql.push(column(by)).push(direction);
        comma = ", ";
    }
    if query.sort.by != Attribute::Id {
        sql.push(", id");
    }
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    sql.push(" LIMIT ").bind(number(limit));
    if let PageStart::Offset(offset) = query.start {
        sql.push(" OFFSET ").bind(number(offset));
    }
}

fn filter(sql: &mut Sql, style: &Style, wanted: &Filter) {
    match wanted {
        Filter::And(filters) => together(sql, style, filters, " AND ", "1 = 1"),
        Filter::Or(filters) => together(sql, style, filters, " OR ", "1 = 0"),
        Filter::Not(inner) => {
            sql.push("NOT (");
            filter(sql, style, inner);
            sql.push(")");
        }
        Filter::Present(attribute) => {
            sql.push(style.sign).push(column(*attribute)).push(present(*attribute));
        }
        Filter::Text(attribute, op, value) => {
            let write = |sql: &mut Sql, column| text(sql, style, column, *op, value);
            // An empty user is none, which matters where a comparison would match the empty text.
            let is_plain = *attribute == Attribute::User && !value.is_empty() && !matches!(op, Op::Lt | Op::Le);
            if is_plain {
                sql.push("(");
                write(sql, column(*attribute));
                sql.push(")");
            } else {
                comparison(sql, style, *attribute, *op, write);
            }
        }
        Filter::Number(attribute, op, value) => comparison(sql, style, *attribute, *op, |sql, column| {
            sql.push(style.sign).push(column).push(symbol(*op)).bind(*value);
        }),
        Filter::UserOrNameContains(text) => {
            let part = text.to_ascii_lowercase();
            match style.dialect {
                Dialect::Sqlite => sql.push("contains_folded(").bind(part.as_str()).push(", user_name, name)"),
                Dialect::Postgres => {
                    sql.push("(strpos(lower(user_name), ").bind(part.as_str());
                    sql.push(") > 0 OR strpos(lower(name), ").bind(part.as_str()).push(") > 0)")
                }
            };
        }
    }
}

fn together(sql: &mut Sql, style: &Style, filters: &[Filter], word: &str, none: &str) {
    if filters.is_empty() {
        sql.push(none);
        return;
    }
    for (at, inner) in filters.iter().enumerate() {
        sql.push(if at == 0 { "(" } else { word });
        filter(sql, style, inner);
    }
    sql.push(")");
}

/// Writes a comparison that is true or false. For a missing value, SQL alone would give neither.
fn comparison(sql: &mut Sql, style: &Style, attribute: Attribute, op: Op, write: impl FnOnce(&mut Sql, &'static str)) {
    let column = column(attribute);
    match (attribute.is_always_present(), op) {
        (true, _) => sql.push("("),
        (false, Op::Ne) => sql.push("(").push(style.sign).push(column).push(absent(attribute)).push(" OR "),
        (false, _) => sql.push("(").push(style.sign).push(column).push(present(attribute)).push(" AND "),
    };
    write(sql, column);
    sql.push(")");
}

/// What a column has where a device has no value of an attribute.
fn absent(attribute: Attribute) -> &'static str {
    if attribute == Attribute::User { " = ''" } else { " IS NULL" }
}

/// What a column has where a device has a value of an attribute.
fn present(attribute: Attribute) -> &'static str {
    if attribute == Attribute::User { " <> ''" } else { " IS NOT NULL" }
}

fn text(sql: &mut Sql, style: &Style, column: &'static str, op: Op, value: &str) {
    match op {
        Op::EqCi => sql.push(style.sign).push("lower(").push(column).push(") = ").bind(value.to_ascii_lowercase().as_str()),
        Op::Co => sql.push(style.dialect.position()).push("(").push(column).push(", ").bind(value).push(") > 0"),
        // A range, for which an index serves.
        Op::Sw => {
            sql.push(style.sign).push(column).push(" >= ").bind(value);
            match after(value) {
                Some(end) => sql.push(" AND ").push(style.sign).push(column).push(" < ").bind(&end),
                None => sql,
            }
        }
        Op::Ew => {
            let length = i64::try_from(value.chars().count()).unwrap_or(i64::MAX);
            sql.push("length(").push(column).push(") >= ").bind(length);
            sql.push(" AND substr(").push(column).push(", length(").push(column).push(") + 1 - CAST(").bind(length);
            sql.push(" AS INTEGER)) = ").bind(value)
        }
        _ => sql.push(style.sign).push(column).push(symbol(op)).bind(value),
    };
}

/// The pattern of LIKE for all texts that contain this one.
pub(super) fn pattern(text: &str) -> String {
    format!("%{}%", text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_"))
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

/// The first text, in the order of bytes, behind all texts that start with `prefix`, if there is
/// any.
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

impl From<&SortKey> for Value {
    fn from(key: &SortKey) -> Self {
        match key {
            SortKey::Text(text) => text.into(),
            SortKey::Number(number) => (*number).into(),
        }
    }
}
