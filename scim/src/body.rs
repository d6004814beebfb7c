//! What bodies say of a device: read once, for create, PUT and PATCH.

use crate::attribute::Mutability;
use crate::error::quoted;
use crate::json::{Object, Value};
use crate::{Attribute, Error, ScimType};
use keyfob::{Kind, Pin, Status};

/// The longest user name, e-mail address, telephone number and external id, in bytes.
const LONGEST: usize = 255;

/// The attributes that clients may set; none is not said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields {
    pub(crate) kind: Option<Kind>,
    pub(crate) user: Option<String>,
    pub(crate) status: Option<Status>,
    pub(crate) email: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) pin: Option<Pin>,
    /// Said to be none, or what it is.
    #[expect(clippy::option_option, reason = "not said, said to be none, said to be something")]
    pub(crate) external_id: Option<Option<String>>,
    /// Whether each is asked for by itself, as in an operation of a PATCH, and not repeated from what was read.
    pub(crate) is_asked_for: bool,
}

impl Fields {
    /// Reads a resource. What is read-only is ignored (RFC 7644 section 3.3), what is unknown refused.
    pub(crate) fn read(object: &Object) -> Result<Self, Error> {
        let mut fields = Self::default();
        let mut seen = Vec::new();
        for (name, value) in members(object, crate::SCHEMA)? {
            let attribute = known(name)?;
            unseen(attribute, &mut seen)?;
            if attribute.mutability() != Mutability::ReadOnly && !value.is_null() {
                fields.set(attribute, value)?;
            }
        }
        Ok(fields)
    }

    /// Sets what one attribute says. Errors: 400 `mutability` for a read-only one, `invalidValue`.
    pub(crate) fn set(&mut self, attribute: Attribute, value: &Value) -> Result<(), Error> {
        if attribute.mutability() == Mutability::ReadOnly {
            return Err(Error::bad(ScimType::Mutability, format!("{}: is read-only", attribute.name())));
        }
        let text = text(attribute.name(), value)?;
        match attribute {
            Attribute::Type => self.kind = Some(text.parse()?),
            Attribute::Status => self.status = Some(text.parse()?),
            Attribute::User => self.user = Some(line("user", text)?),
            Attribute::Email => self.email = Some(address(text)?),
            Attribute::Phone => self.phone = Some(telephone(text)?),
            Attribute::Pin => self.pin = Some(Pin::new(text.as_bytes())?),
            Attribute::ExternalId => self.external_id = Some(Some(line("externalId", text)?)),
            _ => return Err(Error::value(format!("{}: cannot be set", attribute.name()))),
        }
        Ok(())
    }

    /// Sets what one attribute says, or unsets it where that is null. Errors: those of [`set`](Self::set) and [`unset`](Self::unset).
    pub(crate) fn change(&mut self, attribute: Attribute, value: &Value) -> Result<(), Error> {
        if value.is_null() { self.unset(attribute) } else { self.set(attribute, value) }
    }

    /// Unsets an attribute. Errors: 400 `mutability` for one that every device has or that its kind needs.
    pub(crate) fn unset(&mut self, attribute: Attribute) -> Result<(), Error> {
        match attribute {
            Attribute::ExternalId => self.external_id = Some(None),
            _ => return Err(Error::bad(ScimType::Mutability, format!("{}: cannot be removed", attribute.name()))),
        }
        Ok(())
    }
}

/// The attribute of this name. Errors: 400.
pub(crate) fn known(name: &str) -> Result<Attribute, Error> {
    Attribute::parse(name).ok_or_else(|| Error::syntax(format!("an OtpDevice has no attribute {}", quoted(name))))
}

/// Notes an attribute. Errors: 400 for one that was seen before.
pub(crate) fn unseen(attribute: Attribute, seen: &mut Vec<Attribute>) -> Result<(), Error> {
    if seen.contains(&attribute) {
        return Err(Error::syntax(format!("{}: stands there twice", attribute.name())));
    }
    seen.push(attribute);
    Ok(())
}

/// Whether a media type is JSON in UTF-8, which is its only encoding (RFC 8259 section 8.1).
fn is_json(content_type: &str) -> bool {
    let is_one_of = |text: &str, all: [&str; 2]| all.iter().any(|known| text.eq_ignore_ascii_case(known));
    let mut parts = content_type.split(';');
    let is_known = parts.next().is_some_and(|kind| is_one_of(kind.trim(), ["application/scim+json", "application/json"]));
    let mut charsets = parts.filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    is_known && charsets.all(|charset| is_one_of(charset, ["utf-8", "utf8"]))
}

/// Reads a body that must be a JSON object. Errors: 415 for another media type or charset, 400 `invalidSyntax`.
pub(crate) fn object(content_type: Option<&str>, body: &[u8]) -> Result<Object, Error> {
    if content_type.is_some_and(|text| !is_json(text)) {
        return Err(Error::new(415, "Content-Type: must be application/scim+json or application/json, in UTF-8"));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Error::syntax("body: must be a JSON object")),
        // The category and place only: the text of the fault may quote the body, and that may be a PIN.
        Err(error) => Err(Error::syntax(format!("body: is not valid JSON (line {}, column {})", error.line(), error.column()))),
    }
}

/// The members of an object but `schemas`; if that is there, it must name `wanted`.
pub(crate) fn members<'o>(object: &'o Object, wanted: &str) -> Result<impl Iterator<Item = (&'o str, &'o Value)>, Error> {
    let is_schemas = |name: &str| name.eq_ignore_ascii_case("schemas");
    let is_wanted = |value: &Value| value.as_str().is_some_and(|name| name.eq_ignore_ascii_case(wanted));
    for (_, value) in object.iter().filter(|(name, _)| is_schemas(name)) {
        if !value.as_list().is_some_and(|list| list.iter().any(is_wanted)) {
            return Err(Error::syntax(format!("schemas: must be a list with {wanted}")));
        }
    }
    Ok(object.iter().filter(move |(name, _)| !is_schemas(name)))
}

/// Which of these names this is, in any case. Errors: 400 for another one, or one that was seen before.
pub(crate) fn once(name: &str, all: &[&'static str], seen: &mut Vec<&'static str>, of: &str) -> Result<&'static str, Error> {
    let Some(known) = all.iter().find(|known| known.eq_ignore_ascii_case(name)) else {
        return Err(Error::syntax(format!("{of} has no attribute {}", quoted(name))));
    };
    if seen.contains(known) {
        return Err(Error::syntax(format!("{of} has {known} twice")));
    }
    seen.push(known);
    Ok(known)
}

/// The value, which must be text.
pub(crate) fn text<'v>(name: &str, value: &'v Value) -> Result<&'v str, Error> {
    value.as_str().ok_or_else(|| Error::value(format!("{name}: must be text")))
}

/// Text of 1 to 255 bytes without control characters.
pub(crate) fn line(name: &str, text: &str) -> Result<String, Error> {
    if text.trim().is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) {
        return Err(Error::value(format!("{name}: must be 1 to {LONGEST} bytes of text without control characters")));
    }
    Ok(text.to_owned())
}

pub(crate) fn address(text: &str) -> Result<String, Error> {
    let parts = text.split_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'));
    // What parts addresses from one another in a header stands in none: a code goes to one mailbox.
    if parts.is_none() || text.contains(char::is_whitespace) || text.contains([',', ';', ':', '<', '>', '(', ')', '"', '\\']) {
        return Err(Error::value("email: must be an e-mail address"));
    }
    line("email", text)
}

pub(crate) fn telephone(text: &str) -> Result<String, Error> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if !(3..=20).contains(&digits) || !text.bytes().all(|byte| byte.is_ascii_digit() || b"+-(). /".contains(&byte)) {
        return Err(Error::value(
            "phone: must be a telephone number of 3 to 20 digits, with spaces and +-()./ between them if you like",
        ));
    }
    line("phone", text)
}
