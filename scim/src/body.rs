//! The attributes of a device in the bodies of create, PUT and PATCH.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use keyfob::{Kind, Pin, RECOVERY_CODES_MAX, Status};
use zeroize::Zeroizing;

use crate::attribute::{Attribute, Mutability, SCHEMA};
use crate::date;
use crate::error::{Error, ScimType, quoted};
use crate::json::{Object, Value};

/// The longest user name, e-mail address, telephone number and external id, in bytes.
const MAX_LINE_BYTES: usize = 255;
/// The longest local part of an e-mail address, which is before the `@`, in bytes.
const MAX_LOCAL_PART_BYTES: usize = 64;
/// The longest label of a host, in bytes.
const MAX_LABEL_BYTES: usize = 63;

/// The attributes that a client sets. None stands for one that the body leaves out.
#[derive(Clone, Default)]
pub(crate) struct Fields {
    pub(crate) kind: Option<Kind>,
    /// Empty to take the device back from its user.
    pub(crate) user: Option<String>,
    pub(crate) status: Option<Status>,
    pub(crate) email: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) pin: Option<Pin>,
    /// `Some(None)` removes it.
    #[expect(clippy::option_option, reason = "left out, removed, or set")]
    pub(crate) external_id: Option<Option<String>>,
    /// In Unix seconds; `Some(None)` removes it.
    #[expect(clippy::option_option, reason = "left out, removed, or set")]
    pub(crate) not_before: Option<Option<u64>>,
    /// In Unix seconds; `Some(None)` removes it.
    #[expect(clippy::option_option, reason = "left out, removed, or set")]
    pub(crate) not_after: Option<Option<u64>>,
    /// Attributes to remove. They are accepted only if the device has none of them.
    pub(crate) removed: Vec<Attribute>,
    /// Read-only attributes. They are accepted only with the values that the device has.
    pub(crate) repeated: Vec<(Attribute, Value)>,
    /// Whether a TOTP device shall forget the steps that it has used ahead of the present time.
    pub(crate) forgets_steps: bool,
    /// Whether the client asks for each attribute, as in a PATCH. A PUT repeats what was read.
    pub(crate) is_asked_for: bool,
}

impl Fields {
    /// Reads a resource. Read-only attributes and the name are ignored (RFC 7644 sections 3.3 and
    /// 3.5.1), and null counts as left out.
    pub(crate) fn read(attributes: &[(Attribute, &Value)]) -> Result<Self, Error> {
        let mut fields = Self::default();
        for (attribute, value) in attributes {
            if !is_read_only(*attribute) && !value.is_null() {
                fields.set(*attribute, value)?;
            }
        }
        Ok(fields)
    }

    /// Sets an attribute. Errors: 400 `invalidValue`.
    fn set(&mut self, attribute: Attribute, value: &Value) -> Result<(), Error> {
        let name = attribute.name();
        match attribute {
            Attribute::Type => self.kind = Some(kind(value)?),
            Attribute::Status => self.status = Some(text(name, value)?.parse()?),
            Attribute::User => self.user = Some(line(name, &plain(name, value)?)?),
            Attribute::Email => self.email = Some(address(text(name, value)?)?),
            Attribute::Phone => self.phone = Some(telephone(&digits(name, value)?)?),
            Attribute::Pin => self.pin = Some(Pin::new(digits(name, value)?.as_bytes())?),
            Attribute::ExternalId => self.external_id = Some(Some(line(name, &plain(name, value)?)?)),
            Attribute::NotBefore => self.not_before = Some(Some(seconds(name, value)?)),
            Attribute::NotAfter => self.not_after = Some(Some(seconds(name, value)?)),
            Attribute::RecoveryCodeCount => {
                let detail =
                    format!("{name}: can be given only when the device is created or its codes are renewed (POST .../renewCodes)");
                return Err(Error::bad(ScimType::Mutability, detail));
            }
            _ if attribute.is_for_create() => {
                return Err(Error::bad(ScimType::Mutability, format!("{name}: can be given only when the device is created")));
            }
            _ => return Err(Error::value(format!("{name}: cannot be set"))),
        }
        Ok(())
    }

    /// Sets an attribute as an operation of a PATCH does: to a value, or to null for none.
    ///
    /// Errors: 400 `mutability` for the removal of an attribute that every device has, and those of
    /// [`set`](Self::set).
    pub(crate) fn change(&mut self, attribute: Attribute, value: &Value) -> Result<(), Error> {
        match attribute {
            _ if is_read_only(attribute) => self.repeated.push((attribute, value.clone())),
            _ if !value.is_null() => self.set(attribute, value)?,
            Attribute::ExternalId => self.external_id = Some(None),
            Attribute::User => self.user = Some(String::new()),
            Attribute::NotBefore => self.not_before = Some(None),
            Attribute::NotAfter => self.not_after = Some(None),
            _ if attribute.is_for_create() => {}
            _ if attribute.is_always_present() => return Err(cannot_be_removed(attribute)),
            _ => self.removed.push(attribute),
        }
        Ok(())
    }

    /// Whether the response would reveal a value to an account that may not read devices.
    pub(crate) fn reveals_values(&self) -> bool {
        let is_known = |(attribute, _): &(Attribute, Value)| !matches!(attribute, Attribute::Id | Attribute::Schemas);
        self.kind.is_some()
            || [&self.user, &self.email, &self.phone].into_iter().any(Option::is_some)
            || self.external_id.iter().flatten().next().is_some()
            || [self.not_before, self.not_after].into_iter().any(|time| time.is_some())
            || !self.removed.is_empty()
            || self.repeated.iter().any(is_known)
    }
}

/// Whether a change can only repeat it: the name, too, once there is a device.
fn is_read_only(attribute: Attribute) -> bool {
    attribute.mutability() == Mutability::ReadOnly || attribute == Attribute::Name
}

/// The refusal to remove an attribute.
pub(crate) fn cannot_be_removed(attribute: Attribute) -> Error {
    Error::bad(ScimType::Mutability, format!("{}: cannot be removed", attribute.name()))
}

/// The attributes of a resource. Errors: 400 for other schemas, and those of [`attributes`].
pub(crate) fn resource(object: &Object) -> Result<Vec<(Attribute, &Value)>, Error> {
    attributes(members(object, SCHEMA)?, |name| Error::syntax(format!("an OtpDevice has no attribute {}", quoted(name))))
}

/// The attributes of these members: by their names, or in an object under the URN of the schema.
///
/// Errors: 400 for a repeated attribute, and that of `unknown` for a name that is no attribute.
pub(crate) fn attributes<'o>(
    members: impl Iterator<Item = (&'o str, &'o Value)>,
    unknown: fn(&str) -> Error,
) -> Result<Vec<(Attribute, &'o Value)>, Error> {
    let mut attributes: Vec<(Attribute, &Value)> = Vec::new();
    for (name, value) in members {
        let under_urn = value.as_object().filter(|_| name.eq_ignore_ascii_case(SCHEMA)).map(Object::iter);
        let itself = under_urn.is_none().then_some((name, value));
        for (name, value) in under_urn.into_iter().flatten().chain(itself) {
            let attribute = Attribute::parse(name).ok_or_else(|| unknown(name))?;
            if attributes.iter().any(|(seen, _)| *seen == attribute) {
                return Err(Error::syntax(format!("{}: is repeated; give it once", attribute.name())));
            }
            attributes.push((attribute, value));
        }
    }
    Ok(attributes)
}

/// Whether a media type is JSON in UTF-8, the only encoding of JSON (RFC 8259 section 8.1).
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

/// Reads a body that must be a JSON object. Errors: 415 for another media type or charset, 400
/// `invalidSyntax`.
pub(crate) fn object(content_type: Option<&str>, body: &[u8]) -> Result<Object, Error> {
    if content_type.is_some_and(|text| !is_json(text)) {
        return Err(Error::new(415, "Content-Type: must be application/scim+json or application/json, in UTF-8"));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Error::syntax("body: must be a JSON object")),
        // Only the place: the text of the error may quote the body, which may be a PIN.
        Err(error) => Err(Error::syntax(format!("body: is not valid JSON (line {}, column {})", error.line(), error.column()))),
    }
}

/// The members of an object except `schemas`, which must name `wanted` if it is given.
pub(crate) fn members<'o>(object: &'o Object, wanted: &str) -> Result<impl Iterator<Item = (&'o str, &'o Value)>, Error> {
    let is_schemas = |name: &str| name.eq_ignore_ascii_case("schemas");
    let is_wanted = |value: &Value| value.as_str().is_some_and(|name| name.eq_ignore_ascii_case(wanted));
    for (_, value) in object.iter().filter(|(name, _)| is_schemas(name)) {
        if !value.items().iter().any(is_wanted) {
            return Err(Error::syntax(format!("schemas: must be a list with {wanted}")));
        }
    }
    Ok(object.iter().filter(move |(name, _)| !is_schemas(name)))
}

/// The one of these names that `name` is, in any case. Errors: 400 for another name, or for one in
/// `seen`.
pub(crate) fn once(name: &str, all: &[&'static str], seen: &mut Vec<&'static str>, of: &str) -> Result<&'static str, Error> {
    let Some(known) = all.iter().find(|known| known.eq_ignore_ascii_case(name)) else {
        return Err(Error::syntax(format!("{of} has no attribute {}", quoted(name))));
    };
    if seen.contains(known) {
        return Err(Error::syntax(format!("{of} has {known} twice; give it once")));
    }
    seen.push(known);
    Ok(known)
}

/// The text of a value. Errors: 400 for another type.
pub(crate) fn text<'v>(name: &str, value: &'v Value) -> Result<&'v str, Error> {
    value.as_str().ok_or_else(|| no_text(name))
}

pub(crate) fn no_text(name: &str) -> Error {
    Error::value(format!("{name}: must be text, in quotes"))
}

/// The text of a value that is text or an integer. Errors: 400 for another type.
fn plain<'v>(name: &str, value: &'v Value) -> Result<Cow<'v, str>, Error> {
    match (value.as_str(), value.as_integer()) {
        (Some(text), _) => Ok(Cow::Borrowed(text)),
        (None, Some(number)) => Ok(Cow::Owned(number.to_string())),
        (None, None) => Err(no_text(name)),
    }
}

/// The digits of a value that is text or a number of 0 or more, which has no leading zeros. Errors:
/// 400 for another type.
pub(crate) fn digits(name: &str, value: &Value) -> Result<Zeroizing<String>, Error> {
    match (value.as_text(), value.as_integer()) {
        (Some(text), _) => Ok(text.clone()),
        (None, Some(number)) if number >= 0 => Ok(Zeroizing::new(number.to_string())),
        (None, _) => Err(no_text(name)),
    }
}

/// The Unix seconds of a date. Errors: 400 for other text, and for a date before 1970.
fn seconds(name: &str, value: &Value) -> Result<u64, Error> {
    let parsed = date::parse(text(name, value)?).and_then(|seconds| u64::try_from(seconds).ok());
    parsed.ok_or_else(|| Error::value(format!("{name}: must be a date from 1970 on: \"yyyy-MM-dd HH:mm:ss\" in UTC, or ISO 8601")))
}

/// How many recovery codes to make. Errors: 400 for anything but a number of 1 to 64.
pub(crate) fn recovery_code_count(value: &Value) -> Result<u8, Error> {
    let name = Attribute::RecoveryCodeCount.name();
    let count = digits(name, value).ok().and_then(|text| text.parse().ok());
    let is_count = |count: &u8| (1..=RECOVERY_CODES_MAX).contains(count);
    count.filter(is_count).ok_or_else(|| Error::value(format!("{name}: must be a number from 1 to {RECOVERY_CODES_MAX}")))
}

/// The kind that a value names. Errors: 400.
pub(crate) fn kind(value: &Value) -> Result<Kind, Error> {
    let kind = text(Attribute::Type.name(), value)?.parse();
    kind.map_err(|_| Error::value("type: must be TOTP, HOTP, SMS, EMAIL, PIN or RECOVERY"))
}

/// Checks that text has 1 to 255 bytes and no control characters. Errors: 400.
pub(crate) fn line(name: &str, text: &str) -> Result<String, Error> {
    if text.trim().is_empty() || text.len() > MAX_LINE_BYTES || text.chars().any(char::is_control) {
        return Err(Error::value(format!("{name}: must be 1 to {MAX_LINE_BYTES} bytes of text without control characters")));
    }
    Ok(text.to_owned())
}

/// Checks an e-mail address of one mailbox (RFC 5321 section 4.1.2, RFC 6531). Quoted local parts
/// are refused. Errors: 400.
pub(crate) fn address(text: &str) -> Result<String, Error> {
    let Some((local, domain)) = text.split_once('@').filter(|(_, domain)| !domain.contains('@')) else {
        return Err(Error::value("email: must be an e-mail address: name@example.com"));
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || is_letter_beyond_ascii(c);
    if local.len() > MAX_LOCAL_PART_BYTES || local.split('.').any(|part| part.is_empty() || !part.chars().all(is_name)) {
        return Err(Error::value(format!(
            "email: must have 1 to {MAX_LOCAL_PART_BYTES} bytes before its @: letters, digits, !#$%&'*+-/=?^_`{{|}}~, and single points between \
             them"
        )));
    }
    if !is_host(domain) {
        return Err(Error::value(
            "email: must have the name of a host behind its @: labels of 1 to 63 letters, digits and hyphens, with a point between \
             them, and no hyphen at the beginning or end of one; or an address in brackets, [192.0.2.1]",
        ));
    }
    line("email", text)
}

/// Whether this is the name of a host (RFC 1123 section 2.1), whose letters beyond ASCII are not
/// yet in punycode. `_` is allowed, since some hosts have it.
fn is_host(domain: &str) -> bool {
    if let Some(literal) = domain.strip_prefix('[') {
        return literal.strip_suffix(']').is_some_and(|address| address.parse::<Ipv4Addr>().is_ok());
    }
    let is_label = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c) || is_letter_beyond_ascii(c);
    let mut labels = domain.split('.');
    labels.all(|label| {
        let is_short = label.len() <= MAX_LABEL_BYTES || !label.is_ascii();
        is_short && !label.is_empty() && label.chars().all(is_label) && !label.starts_with('-') && !label.ends_with('-')
    }) && !domain.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a character is a letter or a mark beyond ASCII: many scripts write with marks.
fn is_letter_beyond_ascii(c: char) -> bool {
    !c.is_ascii() && !c.is_control() && !c.is_whitespace()
}

/// Checks a telephone number. Errors: 400.
pub(crate) fn telephone(text: &str) -> Result<String, Error> {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    if !(3..=20).contains(&digits) || !text.bytes().all(|byte| byte.is_ascii_digit() || b"+-(). /".contains(&byte)) {
        return Err(Error::value(
            "phone: must be a telephone number of 3 to 20 digits; spaces and +-()./ are allowed between them",
        ));
    }
    line("phone", text)
}
