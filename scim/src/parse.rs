//! The parser of filters.
//!
//! `filter = and *("or" and)`, `and = term *("and" term)`, `term = ["not"] "(" filter ")" /
//! attribute "pr" / attribute operator value`. Words may be in any case. A value is text in single
//! or double quotes with JSON's escapes, a number, or `null`.

use std::iter::Peekable;
use std::str::CharIndices;

use crate::attribute::{Attribute, ValueType};
use crate::date;
use crate::error::{Error, quoted};
use crate::filter::{Filter, Op};

/// The longest filter, in bytes.
const MAX_FILTER_BYTES: usize = 8 * 1024;
/// The deepest nesting of parentheses. Each `not` counts as a level.
const MAX_NESTING_LEVELS: usize = 32;
/// The most comparisons of a filter.
const MAX_COMPARISONS: usize = 200;
/// The fault of text with U+0000. No device has it, and some stores cannot hold it.
const NUL_FAULT: &str = "text must not have the character U+0000";

impl Filter {
    /// Reads a filter of at most 8192 bytes, 200 comparisons and 32 levels.
    ///
    /// Errors: 400 `invalidFilter`, with the position of the error, counted in characters from 1.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_FILTER_BYTES {
            return Err(Error::filter(format!("filter: is longer than {MAX_FILTER_BYTES} bytes")));
        }
        let nul = text.find('\0');
        let mut parser =
            Parser { text, tokens: Tokens { text, chars: text.char_indices().peekable() }, next: None, comparisons: 0 };
        if let Some(at) = nul {
            return Err(parser.fault(at, NUL_FAULT));
        }
        parser.advance()?;
        let filter = parser.or(0)?;
        match parser.next {
            None => Ok(filter),
            Some((at, _)) => Err(parser.fault(at, "expected and, or, or the end")),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token<'t> {
    Open,
    Close,
    Word(&'t str),
    Text(String),
}

struct Tokens<'t> {
    text: &'t str,
    chars: Peekable<CharIndices<'t>>,
}

impl<'t> Tokens<'t> {
    /// The next token and its position. Errors: the position and what is wrong.
    fn next(&mut self) -> Result<Option<(usize, Token<'t>)>, (usize, &'static str)> {
        while self.chars.next_if(|(_, char)| char.is_whitespace()).is_some() {}
        let Some(&(at, first)) = self.chars.peek() else { return Ok(None) };
        let token = match first {
            '(' | ')' => {
                self.chars.next();
                if first == '(' { Token::Open } else { Token::Close }
            }
            '"' | '\'' => Token::Text(self.quoted(at, first)?),
            _ => {
                let ends = |char: char| char.is_whitespace() || matches!(char, '(' | ')' | '"' | '\'');
                while self.chars.next_if(|&(_, char)| !ends(char)).is_some() {}
                let end = self.chars.peek().map_or(self.text.len(), |&(end, _)| end);
                Token::Word(self.text.get(at..end).unwrap_or_default())
            }
        };
        Ok(Some((at, token)))
    }

    fn quoted(&mut self, start: usize, quote: char) -> Result<String, (usize, &'static str)> {
        let mut text = String::new();
        self.chars.next();
        while let Some((at, char)) = self.chars.next() {
            match char {
                _ if char == quote => return Ok(text),
                '\\' => match self.escape(at)? {
                    '\0' => return Err((at, NUL_FAULT)),
                    char => text.push(char),
                },
                _ => text.push(char),
            }
        }
        Err((start, "text without its closing quote"))
    }

    /// Reads an escape of JSON (RFC 8259 section 7), or that of the single quote.
    fn escape(&mut self, at: usize) -> Result<char, (usize, &'static str)> {
        const UNKNOWN_ESCAPE: &str = "an escape that JSON does not have";
        match self.chars.next().map(|(_, char)| char) {
            Some(char @ ('"' | '\'' | '\\' | '/')) => Ok(char),
            Some('b') => Ok('\u{8}'),
            Some('f') => Ok('\u{c}'),
            Some('n') => Ok('\n'),
            Some('r') => Ok('\r'),
            Some('t') => Ok('\t'),
            Some('u') => {
                let first = self.unit().ok_or((at, UNKNOWN_ESCAPE))?;
                let mut units = vec![first];
                if (0xd800..0xdc00).contains(&first) {
                    let pair = [self.chars.next(), self.chars.next()].map(|next| next.map(|(_, char)| char));
                    if pair != [Some('\\'), Some('u')] {
                        return Err((at, UNKNOWN_ESCAPE));
                    }
                    units.push(self.unit().ok_or((at, UNKNOWN_ESCAPE))?);
                }
                char::decode_utf16(units).next().and_then(Result::ok).ok_or((at, UNKNOWN_ESCAPE))
            }
            _ => Err((at, UNKNOWN_ESCAPE)),
        }
    }

    /// Reads a UTF-16 unit: four hexadecimal digits.
    fn unit(&mut self) -> Option<u16> {
        (0..4).try_fold(0_u16, |unit, _| {
            let digit = u16::try_from(self.chars.next()?.1.to_digit(16)?).ok()?;
            Some(unit << 4 | digit)
        })
    }
}

struct Parser<'t> {
    text: &'t str,
    tokens: Tokens<'t>,
    next: Option<(usize, Token<'t>)>,
    comparisons: usize,
}

impl<'t> Parser<'t> {
    /// Takes the next token, and reads the one after it.
    fn advance(&mut self) -> Result<Option<(usize, Token<'t>)>, Error> {
        let next = self.tokens.next().map_err(|(at, what)| self.fault(at, what))?;
        Ok(std::mem::replace(&mut self.next, next))
    }

    fn fault(&self, at: usize, what: &str) -> Error {
        let position = self.text.get(..at).unwrap_or(self.text).chars().count().saturating_add(1);
        Error::filter(format!("filter, character {position}: {what}"))
    }

    fn here(&self) -> usize {
        self.next.as_ref().map_or(self.text.len(), |(at, _)| *at)
    }

    /// Takes the next token if it is this word.
    fn word(&mut self, wanted: &str) -> Result<bool, Error> {
        let is_it = matches!(&self.next, Some((_, Token::Word(word))) if word.eq_ignore_ascii_case(wanted));
        if is_it {
            self.advance()?;
        }
        Ok(is_it)
    }

    fn or(&mut self, depth: usize) -> Result<Filter, Error> {
        let mut filters = vec![self.and(depth)?];
        while self.word("or")? {
            filters.push(self.and(depth)?);
        }
        Ok(join(filters, Filter::Or))
    }

    fn and(&mut self, depth: usize) -> Result<Filter, Error> {
        let mut filters = vec![self.term(depth)?];
        while self.word("and")? {
            filters.push(self.term(depth)?);
        }
        Ok(join(filters, Filter::And))
    }

    fn term(&mut self, depth: usize) -> Result<Filter, Error> {
        let at = self.here();
        if depth > MAX_NESTING_LEVELS {
            return Err(self.fault(at, &format!("more than {MAX_NESTING_LEVELS} levels of parentheses and not")));
        }
        match self.advance()? {
            Some((_, Token::Open)) => {
                let filter = self.or(depth.saturating_add(1))?;
                match self.advance()? {
                    Some((_, Token::Close)) => Ok(filter),
                    other => Err(self.fault(other.map_or(self.text.len(), |(at, _)| at), "expected )")),
                }
            }
            Some((_, Token::Word(word))) if word.eq_ignore_ascii_case("not") && matches!(self.next, Some((_, Token::Open))) => {
                Ok(Filter::Not(Box::new(self.term(depth.saturating_add(1))?)))
            }
            Some((at, Token::Word(word))) => self.comparison(at, word),
            other => Err(self.fault(other.map_or(self.text.len(), |(at, _)| at), "expected an attribute, not or (")),
        }
    }

    fn comparison(&mut self, at: usize, name: &str) -> Result<Filter, Error> {
        self.comparisons = self.comparisons.saturating_add(1);
        if self.comparisons > MAX_COMPARISONS {
            return Err(self.fault(at, &format!("more than {MAX_COMPARISONS} comparisons")));
        }
        let attribute = Attribute::parse(name).ok_or_else(|| self.fault(at, &format!("there is no attribute {}", quoted(name))))?;
        // A filter must not reveal whether there is a PIN or an image, and no store knows.
        if attribute.value_type() == ValueType::Opaque && !attribute.is_always_present() {
            return Err(self.fault(at, &format!("{} cannot be searched", attribute.name())));
        }
        if self.word("pr")? {
            return Ok(if attribute.is_always_present() { Filter::ALL } else { Filter::Present(attribute) });
        }
        let op_at = self.here();
        let op = match self.advance()? {
            Some((_, Token::Word(word))) => Op::NAMES.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(word)),
            _ => None,
        };
        let Some((name, op)) = op else {
            return Err(self.fault(op_at, "expected eq, ne, co, sw, ew, gt, ge, lt, le, eq_ci or pr"));
        };
        let value_at = self.here();
        let (value, is_quoted) = match self.advance()? {
            Some((_, Token::Text(text))) => (text, true),
            Some((_, Token::Word(word))) => (word.to_owned(), false),
            _ => return Err(self.fault(value_at, "expected a value")),
        };
        if !is_quoted && value.eq_ignore_ascii_case("null") {
            return match (op, attribute.is_always_present()) {
                (Op::Eq | Op::EqCi, false) => Ok(Filter::Not(Box::new(Filter::Present(attribute)))),
                (Op::Ne, false) => Ok(Filter::Present(attribute)),
                (Op::Eq | Op::EqCi, true) => Ok(Filter::constant(false)),
                (Op::Ne, true) => Ok(Filter::ALL),
                _ => Err(self.fault(op_at, "null takes eq, eq_ci and ne only")),
            };
        }
        // A number begins with a digit: the infinities of f64 do not.
        let is_number =
            value.trim_start_matches('-').starts_with(|first: char| first.is_ascii_digit()) && value.parse::<f64>().is_ok();
        if !is_quoted && !is_number {
            return Err(self.fault(value_at, "expected text in quotes, a number or null"));
        }
        let searches = matches!(op, Op::Co | Op::Sw | Op::Ew);
        match attribute.value_type() {
            ValueType::Text => Ok(Filter::Text(attribute, op, value)),
            ValueType::Number | ValueType::Time if searches => {
                Err(self.fault(op_at, &format!("{name} is for text, and {} is none", attribute.name())))
            }
            // An id is text to clients. Text that is no id matches no device.
            ValueType::Number if attribute == Attribute::Id && is_quoted && matches!(op, Op::Eq | Op::EqCi | Op::Ne) => {
                let id = value.parse::<i64>().ok().filter(|id| id.to_string() == value);
                Ok(id.map_or_else(|| Filter::constant(op == Op::Ne), |id| Filter::Number(attribute, op, id)))
            }
            ValueType::Number => {
                let number = value.parse().map_err(|_| self.fault(value_at, &format!("{} is an integer", attribute.name())))?;
                Ok(Filter::Number(attribute, op, number))
            }
            ValueType::Time => {
                let (seconds, nanos) = date::parse_exact(&value).ok_or_else(|| {
                    self.fault(value_at, &format!("{} is a date: \"yyyy-MM-dd HH:mm:ss\" in UTC, or ISO 8601", attribute.name()))
                })?;
                Ok(time(attribute, op, seconds, nanos))
            }
            ValueType::Constant(text) => Ok(Filter::constant(op.text(text, &value))),
            ValueType::Opaque => Err(self.fault(at, &format!("{} cannot be searched", attribute.name()))),
        }
    }
}

/// A comparison with a time. The times of devices are whole seconds: none equals a time with a
/// fraction, and those up to its second are before it.
fn time(attribute: Attribute, op: Op, seconds: i64, nanos: i32) -> Filter {
    match op {
        _ if nanos == 0 => Filter::Number(attribute, op, seconds),
        Op::Lt | Op::Le => Filter::Number(attribute, Op::Le, seconds),
        Op::Gt | Op::Ge => Filter::Number(attribute, Op::Gt, seconds),
        _ => Filter::constant(op == Op::Ne),
    }
}

/// The filter itself if there is only one, else all of them `together`.
fn join(mut filters: Vec<Filter>, together: fn(Vec<Filter>) -> Filter) -> Filter {
    match filters.pop() {
        Some(only) if filters.is_empty() => only,
        Some(last) => {
            filters.push(last);
            together(filters)
        }
        None => Filter::ALL,
    }
}
