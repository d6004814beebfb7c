//! Whom the tokens of a receiver are about: a subject identifier (RFC 9493), with a value by
//! template.

use std::collections::BTreeSet;

use keyfob_scim::set::Subject;
use zeroize::Zeroizing;

use crate::delivery::{Check, Encoding, Template, Users};

/// A name of a user that is an e-mail address, to check templates with.
const SAMPLE: &str = "user@example.com";

/// A format of RFC 9493.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SubjectFormat {
    IssSub,
    Email,
    Opaque,
    Account,
    Uri,
}

impl SubjectFormat {
    const ALL: [(&'static str, Self); 5] = [
        ("iss_sub", Self::IssSub),
        ("email", Self::Email),
        ("opaque", Self::Opaque),
        ("account", Self::Account),
        ("uri", Self::Uri),
    ];

    /// Errors: the value has not this format.
    fn check(self, value: &str) -> Result<(), &'static str> {
        let is_line = !value.is_empty() && !value.chars().any(char::is_control);
        let is_address = |text: &str| text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
        let is_uri = |text: &str| {
            text.split_once(':').is_some_and(|(scheme, rest)| {
                !rest.is_empty()
                    && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                    && scheme.bytes().all(|c| c.is_ascii_alphanumeric() || b"+-.".contains(&c))
            }) && text.chars().all(|c| c.is_ascii_graphic())
        };
        let (is_right, message) = match self {
            Self::IssSub | Self::Opaque => (true, "must be a line of text"),
            Self::Email => (is_address(value), "must be an e-mail address"),
            Self::Account => {
                (value.strip_prefix("acct:").is_some_and(is_address) && is_uri(value), "must be as acct:${USER}@example.com")
            }
            Self::Uri => (is_uri(value), "must be a URI, as https://idp.example.com/users/${USER}"),
        };
        if is_right && is_line { Ok(()) } else { Err(message) }
    }
}

/// How the subject of a token is made.
pub(super) struct SubjectTemplate {
    format: SubjectFormat,
    value: Template,
}

impl SubjectTemplate {
    /// Errors: none, and what is wrong is noted.
    pub(super) fn new(format: &str, value: &str, users: Option<&Users>, check: &mut Check<'_>) -> Option<Self> {
        let names = SubjectFormat::ALL.map(|(name, _)| name).join(", ");
        let found = SubjectFormat::ALL.into_iter().find(|(name, _)| *name == format).map(|(_, format)| format);
        let format = check.ok("subject", found.ok_or_else(|| format!("must be one of {names}")));
        let value = check.ok("subject_value", parse(value, users));
        let subject = Self { format: format?, value: value? };
        // What an attribute may hold is not known.
        let is_known = subject.value.names().all(|name| name == "USER");
        let sample = subject.value.render(Encoding::Plain, |_| Ok(SAMPLE)).ok()?;
        if let Err(message) = subject.format.check(&sample).or_else(|error| if is_known { Err(error) } else { Ok(()) }) {
            check.wrong("subject_value", message);
        }
        Some(subject)
    }

    /// The value for a user, and its attributes if the configuration has them.
    ///
    /// Errors: the user has no such attribute, or the value has not the format.
    pub(super) fn value(&self, user: &str, users: Option<&Users>) -> Result<Zeroizing<String>, String> {
        let attributes = users.and_then(|users| users.get(user));
        let value = self.value.render(Encoding::Line, |name| {
            let attribute = || attributes.and_then(|attributes| attributes.get(name)).map(String::as_str);
            let value = if name == "USER" { Some(user) } else { attribute() };
            value.ok_or_else(|| format!("the user has no attribute {name}, which subject_value needs"))
        })?;
        self.format.check(&value).map_err(|message| format!("the subject {message}"))?;
        Ok(value)
    }

    /// The subject of a value.
    pub(super) const fn subject<'a>(&self, issuer: &'a str, value: &'a str) -> Subject<'a> {
        match self.format {
            SubjectFormat::IssSub => Subject::IssSub { issuer, subject: value },
            SubjectFormat::Email => Subject::Email(value),
            SubjectFormat::Opaque => Subject::Opaque(value),
            SubjectFormat::Account => Subject::Account(value),
            SubjectFormat::Uri => Subject::Uri(value),
        }
    }
}

impl std::fmt::Debug for SubjectTemplate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SubjectTemplate").field("format", &self.format).finish_non_exhaustive()
    }
}

/// Errors: it is no template, has no placeholder, or one without a value for any user.
fn parse(text: &str, users: Option<&Users>) -> Result<Template, String> {
    let template = Template::parse(text)?;
    let names: BTreeSet<&str> = template.names().collect();
    if names.is_empty() {
        return Err("must have a placeholder, as ${USER}: without one all users would be the same".to_owned());
    }
    let is_known = |name: &str| name == "USER" || users.is_some_and(|users| users.values().any(|user| user.contains_key(name)));
    if let Some(name) = names.into_iter().find(|name| !is_known(name)) {
        return Err(format!("has ${{{name}}}, and no user of [users] has such an attribute; ${{USER}} is the user's name"));
    }
    Ok(template)
}
