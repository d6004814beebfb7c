//! Texts with placeholders: `${PIN}`, `${PIN_SPACED}`, `${PHONE}`, `${PHONE_E164}`,
//! `${PHONE_DIGITS}`, `${EMAIL}`, `${USER}`, and any other name for an attribute of the user. A `$`
//! without `{` behind it is itself.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

/// All characters but those that need no escape in any part of a URL (RFC 3986 section 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How a value is encoded in place of its placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// As it is.
    Plain,
    /// As it is, without control characters: a header or a subject.
    Line,
    /// In the path or query of a URL.
    Percent,
    /// In a form body, where a space is a plus sign.
    Form,
    /// Between the quotes of a JSON string.
    Json,
    /// In the text or a quoted attribute of XML or HTML.
    Xml,
}

/// A parsed template.
pub(crate) struct Template(Vec<Piece>);

enum Piece {
    /// May hold a password.
    Text(Zeroizing<String>),
    /// The name between the braces.
    Value(String),
}

impl Template {
    /// Errors: what is wrong with the first bad placeholder.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${") {
            let (name, after) = behind.split_once('}').ok_or("has ${ without }")?;
            if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || "_-.:".contains(c)) {
                return Err("has a placeholder whose name is not letters, digits, _ - . and : only".to_owned());
            }
            // Such a name means the code, and would be read as an attribute.
            if ["PIN", "PIN_SPACED"].iter().any(|code| name.eq_ignore_ascii_case(code) && name != *code) {
                return Err(format!("has ${{{name}}}, which must be ${{{}}}", name.to_ascii_uppercase()));
            }
            pieces.push(Piece::Text(Zeroizing::new(before.to_owned())));
            pieces.push(Piece::Value(name.to_owned()));
            rest = after;
        }
        pieces.push(Piece::Text(Zeroizing::new(rest.to_owned())));
        Ok(Self(pieces))
    }

    /// The text with a value for each placeholder.
    ///
    /// Errors: that of `value`, or the name of a placeholder whose value cannot be encoded.
    pub(crate) fn render<'v>(
        &self,
        encoding: Encoding,
        value: impl Fn(&str) -> Result<&'v str, String>,
    ) -> Result<Zeroizing<String>, String> {
        let mut values = Vec::new();
        // No encoding makes more than six bytes of one. With the room made at once the text never
        // moves and leaves no copy behind.
        let mut room = 0_usize;
        for piece in &self.0 {
            let (text, factor) = match piece {
                Piece::Text(text) => (text.as_str(), 1),
                Piece::Value(name) => (value(name)?, 6),
            };
            room = room.saturating_add(text.len().saturating_mul(factor));
            values.push(text);
        }
        let mut out = Zeroizing::new(String::with_capacity(room));
        for (piece, text) in self.0.iter().zip(values) {
            match piece {
                Piece::Text(_) => out.push_str(text),
                Piece::Value(name) => {
                    encode(&mut out, text, encoding)
                        .map_err(|()| format!("the value of {name} has a character that cannot be sent"))?;
                }
            }
        }
        Ok(out)
    }

    /// The names of its placeholders.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| if let Piece::Value(name) = piece { Some(name.as_str()) } else { None })
    }

    /// Whether one of its placeholders is the code.
    pub(crate) fn has_code(&self) -> bool {
        self.names().any(|name| name == "PIN" || name == "PIN_SPACED")
    }

    /// Checks that it is JSON with any values.
    ///
    /// Errors: it is not, or a placeholder is outside of quotes, where a value could add others.
    pub(super) fn check_json(&self) -> Result<(), String> {
        let mut quoted = false;
        let mut escaped = false;
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => {
                    for c in text.chars() {
                        match c {
                            _ if escaped => escaped = false,
                            '\\' => escaped = true,
                            '"' => quoted = !quoted,
                            _ => {}
                        }
                    }
                }
                Piece::Value(name) if !quoted || escaped => {
                    return Err(format!("${{{name}}} must be in a JSON string, between double quotes"));
                }
                Piece::Value(_) => {}
            }
        }
        let sample = self.render(Encoding::Json, |_| Ok("0"))?;
        // The error has line and column, and nothing of the text.
        serde_json::from_str::<serde::de::IgnoredAny>(&sample).map(drop).map_err(|error| format!("is not JSON: {error}"))
    }
}

/// Appends a value. Fails if it cannot be encoded.
fn encode(out: &mut String, value: &str, encoding: Encoding) -> Result<(), ()> {
    match encoding {
        Encoding::Line if value.chars().any(char::is_control) => return Err(()),
        Encoding::Plain | Encoding::Line => out.push_str(value),
        Encoding::Percent => out.extend(utf8_percent_encode(value, RESERVED)),
        Encoding::Form => {
            for (at, word) in value.split(' ').enumerate() {
                if at > 0 {
                    out.push('+');
                }
                out.extend(utf8_percent_encode(word, RESERVED));
            }
        }
        Encoding::Json => {
            for c in value.chars() {
                match c {
                    '"' | '\\' => out.extend(['\\', c]),
                    '\0'..='\x1f' => write!(out, "\\u{:04x}", u32::from(c)).map_err(drop)?,
                    _ => out.push(c),
                }
            }
        }
        Encoding::Xml => {
            for c in value.chars() {
                match c {
                    '&' => out.push_str("&amp;"),
                    '<' => out.push_str("&lt;"),
                    '>' => out.push_str("&gt;"),
                    // As numbers, since parsers turn white space into spaces, and HTML has no
                    // &apos;.
                    '"' | '\'' | '\t' | '\n' | '\r' => write!(out, "&#{};", u32::from(c)).map_err(drop)?,
                    // XML 1.0 cannot express these.
                    '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => return Err(()),
                    _ => out.push(c),
                }
            }
        }
    }
    Ok(())
}
