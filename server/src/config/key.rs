//! A key of the configuration, as the catalog describes it.

use toml::Value;

/// A key of the configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConfigKey {
    /// Its path: `section.key`, or the name alone.
    pub(crate) path: &'static str,
    /// Where it may be set, and how its text is read.
    pub(crate) form: Form,
    /// The value if it is not set.
    pub(crate) default: Option<&'static str>,
    /// The default, or an example if there is none.
    pub(super) example: &'static str,
    /// The unit of a number, the choices of a name, or the form of a text.
    pub(super) unit: &'static str,
    /// Its purpose in a line.
    pub(super) meaning: &'static str,
    /// Whether its value is hidden: a password, a key, or a person's data.
    pub(super) is_hidden: bool,
}

/// Where a key may be set, and how its text is read there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Text, even if it looks like a number: a password may.
    Text,
    /// A number, a list, `true` or `false`.
    Value,
    /// Any value, in the file only.
    File,
    /// A table with keys of the operator's own, in the file only.
    Table,
}

pub(super) const fn key(
    path: &'static str,
    form: Form,
    default: &'static str,
    unit: &'static str,
    meaning: &'static str,
) -> ConfigKey {
    ConfigKey { path, form, default: Some(default), example: default, unit, meaning, is_hidden: false }
}

pub(super) const fn unset(
    path: &'static str,
    form: Form,
    example: &'static str,
    unit: &'static str,
    meaning: &'static str,
) -> ConfigKey {
    ConfigKey { path, form, default: None, example, unit, meaning, is_hidden: false }
}

/// A key without a default, whose value is hidden.
pub(super) const fn hidden(
    path: &'static str,
    form: Form,
    example: &'static str,
    unit: &'static str,
    meaning: &'static str,
) -> ConfigKey {
    ConfigKey { is_hidden: true, ..unset(path, form, example, unit, meaning) }
}

impl ConfigKey {
    /// The variable that sets it; none for a key that is set in the file only.
    pub(crate) fn variable(&self) -> Option<String> {
        self.is_settable().then(|| format!("KEYFOB_{}", self.path.replace('.', "_").to_uppercase()))
    }

    /// Whether the environment and flags may set it.
    pub(crate) const fn is_settable(&self) -> bool {
        matches!(self.form, Form::Text | Form::Value)
    }

    /// The value for a text of the environment or of a flag.
    pub(crate) fn parse(&self, text: &str) -> Value {
        if self.form == Form::Text { text.into() } else { super::reader::parse_value(text) }
    }
}
