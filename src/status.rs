//! Layer 1: the kinds of device and the states they go through, under Soffid's names where it has
//! one.

use core::fmt;
use core::str::FromStr;

use crate::Error;

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A time-based authenticator (RFC 6238).
    Totp = 1,
    /// A counter-based authenticator (RFC 4226).
    Hotp = 2,
    /// Codes sent to a telephone.
    Sms = 3,
    /// Codes sent by e-mail.
    Email = 4,
    /// A security PIN of which some positions are asked.
    Pin = 5,
    /// Recovery codes, for a user who may lose the other factors (look-up secrets, NIST SP
    /// 800-63B-4 section 3.1.2). Soffid has no such kind.
    Recovery = 6,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Totp, Self::Hotp, Self::Sms, Self::Email, Self::Pin, Self::Recovery];

    /// The name, Soffid's where it has one: `TOTP`, `HOTP`, `SMS`, `EMAIL`, `PIN`, `RECOVERY`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Totp => "TOTP",
            Self::Hotp => "HOTP",
            Self::Sms => "SMS",
            Self::Email => "EMAIL",
            Self::Pin => "PIN",
            Self::Recovery => "RECOVERY",
        }
    }

    /// The kind with this number in a record and in C: 1 to 6.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|&kind| kind as u8 == number)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = Error;

    /// Reads a [`name`](Self::name). Errors: [`Error::Kind`].
    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or(Error::Kind)
    }
}

/// The state of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Status {
    /// `C`: created, no right answer yet.
    Created = b'C',
    /// `V`: validated by a right answer.
    Validated = b'V',
    /// `L`: locked after too many fails.
    Locked = b'L',
    /// `D`: disabled.
    Disabled = b'D',
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Created, Self::Validated, Self::Locked, Self::Disabled];

    /// Soffid's letter: `C`, `V`, `L` or `D`.
    pub const fn letter(self) -> char {
        self as u8 as char
    }

    /// The status of this ASCII letter.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|&status| status as u8 == number)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.letter())
    }
}

impl FromStr for Status {
    type Err = Error;

    /// Reads Soffid's letter. Errors: [`Error::Status`].
    fn from_str(text: &str) -> Result<Self, Error> {
        match text.as_bytes() {
            &[letter] => Self::from_number(letter).ok_or(Error::Status),
            _ => Err(Error::Status),
        }
    }
}
