//! What the placeholders of a template stand for.

use zeroize::Zeroizing;

use super::message::{Channel, Message};
use super::phone;

/// The values of placeholders in one message.
pub(super) struct Values<'a> {
    message: &'a Message<'a>,
    /// The digits of the code with spaces between them, so that a voice reads them one by one.
    spaced: Zeroizing<String>,
    /// The number as `+` and digits, and as digits.
    e164: Result<Zeroizing<String>, String>,
    digits: Result<Zeroizing<String>, String>,
}

impl<'a> Values<'a> {
    pub(super) fn new(message: &'a Message<'a>) -> Self {
        let mut spaced = Zeroizing::new(String::with_capacity(message.code.len().saturating_mul(2)));
        for (at, digit) in message.code.chars().enumerate() {
            if at > 0 {
                spaced.push(' ');
            }
            spaced.push(digit);
        }
        Self { message, spaced, e164: phone::to_e164(message.to), digits: phone::to_digits(message.to) }
    }

    /// The value of a placeholder.
    ///
    /// Errors: the name is neither built in nor an attribute of the user, or the number has no such
    /// form.
    pub(super) fn get(&self, name: &str) -> Result<&str, String> {
        match (name, self.message.channel) {
            ("PIN", _) => Ok(self.message.code),
            ("PIN_SPACED", _) => Ok(&self.spaced),
            ("USER", _) => Ok(self.message.user),
            ("EMAIL", Channel::Email) | ("PHONE", Channel::Sms | Channel::Voice) => Ok(self.message.to),
            ("PHONE_E164", Channel::Sms | Channel::Voice) => form(&self.e164),
            ("PHONE_DIGITS", Channel::Sms | Channel::Voice) => form(&self.digits),
            _ => {
                let attribute = self.message.attributes.get(name).map(String::as_str);
                attribute.ok_or_else(|| format!("the user has no attribute {name}"))
            }
        }
    }
}

/// A form of a number, as a value.
fn form(form: &Result<Zeroizing<String>, String>) -> Result<&str, String> {
    form.as_ref().map(|text| text.as_str()).map_err(Clone::clone)
}
