//! Filters as SQL, every value bound.

use keyfob_scim::{Attribute, Filter, Op, Query};
use sqlx::any::AnyArguments;
use sqlx::{Arguments as _, Encode, Type};

use super::dialect::Dialect;

/// A piece of SQL under construction, with the values of its parameters.
pub(crate) struct Sql {
    dialect: Dialect,
    pub(crate) text: String,
    pub(crate) values: AnyArguments,
    count: usize,
}

impl Sql {
    pub(crate) fn new(dialect: Dialect, text: &str) -> Self {
        Self { dialect, text: text.to_owned(), values: AnyArguments::default(), count: 0 }
    }

    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Binds a value and writes its parameter.
    pub(crate) fn bind<'v, T: Encode<'v, sqlx::Any> + Type<sqlx::Any>>(&mut self, value: T) -> &mut Self {
        // Only values that encoding cannot refuse are ever bound.
        if self.values.add(value).is_ok() {
            self.count = self.count.saturating_add(1);
        }
        self.text.push('$');
        self.text.push_str(&self.count.to_string());
        self
    }

    /// ` WHERE` what the query asks for.
    pub(crate) fn wanted(&mut self, query: &Query) -> &mut Self {
        self.push(" WHERE ");
        if query.live_only {
            self.push("deleted = 0 AND ");
        }
        self.filter(&query.filter)
    }

    /// ` ORDER BY`, ` LIMIT` and ` OFFSET` as the query asks for.
    pub(crate) fn page(&mut self, query: &Query) -> &mut Self {
        let (by, direction) = (column(query.sort.by), if query.sort.descending { " DESC" } else { "" });
        self.push(" ORDER BY ");
        if !query.sort.by.is_always_present() {
            self.push("(").push(by).push(" IS NULL)").push(direction).push(", ");
        }
        self.push(by).push(direction);
        if query.sort.by != Attribute::Id {
            self.push(", id");
        }
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.push(" LIMIT ").bind(number(query.limit)).push(" OFFSET ").bind(number(query.offset))
    }

    fn filter(&mut self, filter: &Filter) -> &mut Self {
        match filter {
            Filter::And(filters) => self.together(filters, " AND ", "1 = 1"),
            Filter::Or(filters) => self.together(filters, " OR ", "1 = 0"),
            Filter::Not(filter) => self.push("NOT (").filter(filter).push(")"),
            Filter::Present(attribute) => self.push(column(*attribute)).push(" IS NOT NULL"),
            Filter::Text(attribute, op, value) => self.comparison(*attribute, *op, |sql, column| sql.text(column, *op, value)),
            Filter::Number(attribute, op, value) => self.comparison(*attribute, *op, |sql, column| {
                sql.push(column).push(symbol(*op)).bind(*value);
            }),
            Filter::Anywhere(text) => {
                let (position, text) = (self.dialect.position(), text.to_ascii_lowercase());
                self.push("(").push(position).push("(lower(user_name), ").bind(text.clone()).push(") > 0 OR ");
                self.push(position).push("(lower(name), ").bind(text).push(") > 0)")
            }
        }
    }

    fn together(&mut self, filters: &[Filter], word: &str, none: &str) -> &mut Self {
        if filters.is_empty() {
            return self.push(none);
        }
        self.push("(");
        for (at, filter) in filters.iter().enumerate() {
            if at > 0 {
                self.push(word);
            }
            self.filter(filter);
        }
        self.push(")")
    }

    /// Writes a comparison so that it is true or false, and never unknown as SQL has it for what is not there.
    fn comparison(&mut self, attribute: Attribute, op: Op, write: impl FnOnce(&mut Self, &'static str)) -> &mut Self {
        let column = column(attribute);
        match (attribute.is_always_present(), op) {
            (true, _) => self.push("("),
            (false, Op::Ne) => self.push("(").push(column).push(" IS NULL OR "),
            (false, _) => self.push("(").push(column).push(" IS NOT NULL AND "),
        };
        write(self, column);
        self.push(")")
    }

    fn text(&mut self, column: &'static str, op: Op, value: &str) {
        match op {
            Op::EqCi => self.push("lower(").push(column).push(") = ").bind(value.to_ascii_lowercase()),
            Op::Co => self.push(self.dialect.position()).push("(").push(column).push(", ").bind(value.to_owned()).push(") > 0"),
            // A range, which an index answers.
            Op::Sw => {
                self.push(column).push(" >= ").bind(value.to_owned());
                match after(value) {
                    Some(end) => self.push(" AND ").push(column).push(" < ").bind(end),
                    None => self,
                }
            }
            Op::Ew => {
                let length = i64::try_from(value.chars().count()).unwrap_or(i64::MAX);
                self.push("length(").push(column).push(") >= ").bind(length);
                self.push(" AND substr(").push(column).push(", length(").push(column).push(") + 1 - ").bind(length);
                self.push(") = ").bind(value.to_owned())
            }
            _ => self.push(column).push(symbol(op)).bind(value.to_owned()),
        };
    }
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
        Attribute::Created => "created",
        Attribute::LastUsed => "last_used",
        Attribute::Email => "email",
        Attribute::Phone => "phone",
        Attribute::ExternalId => "external_id",
        // The parser lets no other attribute into a filter or an order.
        _ => "id",
    }
}
