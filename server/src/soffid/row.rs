//! Judges a row: it becomes a device, or is refused with a reason. No reason repeats a value: a
//! secret may stand in the wrong column.

use std::collections::BTreeMap;

use getrandom::SysRng;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use keyfob::{Algorithm, Digits, Error, Kind, Secret, SoffidRow, Status};
use keyfob_scim::{Entry, Naming, Settings};
use zeroize::Zeroizing;

use super::password::{self, PinError};
use super::source::{Field, RawRow};
use crate::store::{Imported, MAX_ZONE_DIFFERENCE_SECONDS};

/// The highest number of a device. JSON's numbers are exact up to twice that.
const MAX_ID: i64 = (1 << 52) - 1;

/// The rules for judging rows.
pub(crate) struct Rules<'c> {
    pub(crate) settings: &'c Settings,
    /// The users that may have devices; none for any.
    pub(crate) users: Option<&'c BTreeMap<String, BTreeMap<String, String>>>,
    /// The number of the tenant to import; none if the rows have one tenant only.
    pub(crate) tenant: Option<&'c str>,
    /// The time zone of times without an offset.
    pub(crate) zone: &'c TimeZone,
    /// Digits and algorithm of HOTP rows that have neither. Old versions of Soffid's add-on wrote
    /// such rows, and read both from its configuration.
    pub(crate) hotp: (Digits, Algorithm),
    pub(crate) now: u64,
    /// Whether devices in the store get the users and names of their rows.
    pub(crate) corrects_names: bool,
    /// Whether the second pass follows.
    pub(crate) writes: bool,
}

/// A row that becomes a device.
pub(crate) struct Accepted {
    pub(crate) device: Imported,
    /// The number in its name, if it has one.
    pub(crate) number: u64,
    /// A challenge was open, which is lost: the next one is a new one.
    pub(crate) loses_challenge: bool,
    /// The row has as many fails as lock here, or more. Fewer are counted, so that one guess is
    /// left.
    pub(crate) loses_fails: bool,
    /// Digits or algorithm were NULL, and are assumed.
    pub(crate) is_assumed: bool,
}

impl Rules<'_> {
    /// Errors: why a row is refused, with the name of its column.
    pub(crate) fn judge(&self, raw: &RawRow) -> Result<Accepted, String> {
        let id = number(raw, Field::Id)?.filter(|id| (1..=MAX_ID).contains(id));
        let id = id.ok_or_else(|| column_error(Field::Id, "must be a number from 1 to 4503599627370495"))?;
        let user = raw.get(Field::User).ok_or("the user: has no name")?;
        if self.users.is_some_and(|users| !users.contains_key(user)) {
            return Err("the user: is not known in the configuration".to_owned());
        }
        let kind = raw.get(Field::Type).unwrap_or_default().to_ascii_uppercase();
        // Soffid has no recovery codes.
        let kind = kind.parse().ok().filter(|kind| *kind != Kind::Recovery);
        let kind = kind.ok_or_else(|| column_error(Field::Type, "must be TOTP, HOTP, SMS, EMAIL or PIN"))?;
        let pin = if kind == Kind::Pin { self.pin(raw)? } else { Zeroizing::default() };
        let row = self.row(raw, kind, str::from_utf8(&pin).unwrap_or_default())?;
        // The codes of SMS and e-mail devices come from a secret of their own.
        let drawn = Secret::random(self.settings.algorithm, &mut SysRng).map_err(|error| error.to_string())?;
        let device = row.import(drawn.expose()).map_err(engine_error)?;
        let (email, phone) = (raw.get(Field::Email), raw.get(Field::Phone));
        let mut entry = Entry::from_import(id, device, user, email, phone).map_err(|error| error.detail)?;
        let name = raw.get(Field::Name).filter(|name| name.len() <= 255 && !name.chars().any(char::is_control));
        entry.row.name = name.map(str::to_owned).unwrap_or_default();
        Ok(Accepted {
            number: sequence_number(&entry.row.name),
            loses_challenge: !matches!(kind, Kind::Totp | Kind::Hotp) && raw.get(Field::AuthKey).is_some(),
            loses_fails: row.counted_fails() != row.fails,
            is_assumed: matches!(kind, Kind::Totp | Kind::Hotp)
                && (raw.get(Field::Algorithm).is_none() || raw.get(Field::Digits).is_none()),
            device: Imported { entry, name: name.is_none().then(|| Naming::for_device(kind, email, phone)) },
        })
    }

    /// Whether a row belongs to another tenant, whose users may have the same names. Errors: the
    /// rows have several tenants, and none was chosen.
    pub(crate) fn is_elsewhere(&self, raw: &RawRow, first: &mut Option<String>) -> Result<bool, String> {
        let Some(tenant) = raw.get(Field::Tenant) else { return Ok(false) };
        match self.tenant {
            Some(wanted) => Ok(tenant != wanted),
            None if first.get_or_insert_with(|| tenant.to_owned()) == tenant => Ok(false),
            None => Err(column_error(Field::Tenant, "is not the first row's; import one tenant at a time, with --tenant")),
        }
    }

    fn row<'r>(&'r self, raw: &'r RawRow, kind: Kind, pin: &'r str) -> Result<SoffidRow<'r>, String> {
        let (digits, algorithm) = (number(raw, Field::Digits)?, raw.get(Field::Algorithm));
        let otherwise = match kind {
            // Such rows have neither: the service makes their codes.
            Kind::Sms | Kind::Email => Some((self.settings.digits, self.settings.algorithm)),
            Kind::Hotp if digits.is_none() && algorithm.is_none() => Some(self.hotp),
            _ => None,
        };
        // Without a lock all fails count.
        let max_fails = self.settings.policy.lock().locking_fail().unwrap_or(u32::MAX);
        Ok(SoffidRow {
            kind,
            status: status(raw)?,
            fails: number(raw, Field::Fails)?.unwrap_or(0),
            created: self.time(raw, Field::Created)?.ok_or_else(|| column_error(Field::Created, "is missing"))?,
            last_used: self.time(raw, Field::LastUsed)?,
            last_issued: None,
            last_counter: if kind == Kind::Pin { None } else { number(raw, Field::LastCounter)? },
            auth_key: raw.get(Field::AuthKey).unwrap_or_default(),
            pin,
            digits: digits.or(otherwise.map(|(digits, _)| digits.get().into())),
            algorithm: algorithm.or(otherwise.map(|(_, algorithm)| algorithm.hmac_name())),
            max_fails,
        })
    }

    fn pin(&self, raw: &RawRow) -> Result<Zeroizing<Vec<u8>>, String> {
        let text = raw.get(Field::Pin).ok_or_else(|| column_error(Field::Pin, "is missing; PIN needs it"))?;
        let digits = password::digits(text).map_err(|error| match error {
            PinError::Unreadable => column_error(Field::Pin, "is neither digits nor an encoding of digits by Soffid's Password"),
            PinError::Ambiguous => {
                column_error(Field::Pin, "may be digits or an encoding of other digits by Soffid's Password; set another PIN")
            }
        })?;
        if digits.len() < self.settings.policy.pin_min_length().into() {
            return Err(column_error(Field::Pin, "has fewer digits than policy.pin_min_length"));
        }
        Ok(digits)
    }

    /// Reads a time. It must not lie in the future: the engine would conclude that the clock was
    /// set back.
    fn time(&self, raw: &RawRow, field: Field) -> Result<Option<u64>, String> {
        let Some(text) = raw.get(field) else { return Ok(None) };
        let moment = text.parse::<Timestamp>();
        let has_offset = moment.is_ok();
        let time = moment.or_else(|_| self.zone.to_timestamp(text.parse::<DateTime>()?));
        let seconds = time.ok().and_then(|time| u64::try_from(time.as_second()).ok());
        let seconds = seconds.ok_or_else(|| column_error(field, "must be a date as 2026-01-31 08:00:00"))?;
        if seconds > self.now.saturating_add(self.settings.policy.clock_skew().into()) {
            let is_of_a_zone = !has_offset && seconds.saturating_sub(self.now) <= MAX_ZONE_DIFFERENCE_SECONDS;
            return Err(column_error(
                field,
                if is_of_a_zone {
                    "lies ahead; name the time zone of Soffid's server with --time-zone"
                } else {
                    "lies ahead; correct the row, or the clock of this machine"
                },
            ));
        }
        Ok(Some(seconds))
    }
}

fn column_error(field: Field, fault: impl std::fmt::Display) -> String {
    format!("{}: {fault}", field.name())
}

fn number<T: std::str::FromStr>(raw: &RawRow, field: Field) -> Result<Option<T>, String> {
    raw.get(field).map(str::parse).transpose().map_err(|_| column_error(field, "must be a number of 0 or more, and not too large"))
}

/// Reads a status: its letter, or its name in Soffid's sources.
fn status(raw: &RawRow) -> Result<Status, String> {
    let text = raw.get(Field::Status).unwrap_or_default().to_ascii_uppercase();
    match text.as_str() {
        "CREATED" => Ok(Status::Created),
        "VALIDATED" => Ok(Status::Validated),
        "LOCKED" => Ok(Status::Locked),
        "DISABLED" => Ok(Status::Disabled),
        letter => letter.parse().map_err(|error| column_error(Field::Status, error)),
    }
}

/// An error of the engine, with the name of its column.
fn engine_error(error: Error) -> String {
    let field = match error {
        Error::SecretLength | Error::SecretBase32 => Field::AuthKey,
        Error::Algorithm => return column_error(Field::Algorithm, "must be HmacSHA1, HmacSHA256 or HmacSHA512"),
        Error::Digits => Field::Digits,
        Error::PinLength | Error::PinDigits => Field::Pin,
        other => return other.to_string(),
    };
    column_error(field, error)
}

/// The number in the name of a TOTP or HOTP device; 0 for other names. One sequence numbers both.
fn sequence_number(name: &str) -> u64 {
    let digits = [Kind::Totp, Kind::Hotp].iter().find_map(|kind| name.strip_prefix(kind.name()));
    digits
        .filter(|digits| digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .map_or(0, |digits| digits.parse().unwrap_or(0))
}
