//! A device in a store: the columns that clients see and search, and the engine's device.

use std::borrow::Cow;

use keyfob::{Device, Kind, Status};

use crate::attribute::Attribute;
use crate::body;
use crate::error::Error;
use crate::mask;

/// The columns of a device, which lists show and filters search. They hold no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The id that the store gave the device, 1 or more.
    pub id: i64,
    /// The name that people see.
    pub name: String,
    /// The user whose device it is; empty for a TOTP or HOTP device in the inventory, which has no
    /// user yet.
    pub user: String,
    /// EMAIL: the address that codes are sent to.
    pub email: Option<String>,
    /// SMS: the telephone number that codes are sent to.
    pub phone: Option<String>,
    /// The client's name for it.
    pub external_id: Option<String>,
    /// Whether it was deleted. A deleted device stays in the store, disabled.
    pub deleted: bool,
    /// The kind of `device`.
    pub kind: Kind,
    /// The status of `device`.
    pub status: Status,
    /// The fails of `device`.
    pub fails: u32,
    /// When `device` was enrolled, in Unix seconds.
    pub created: u64,
    /// When `device` last had a right code, in Unix seconds.
    pub last_used: Option<u64>,
    /// When any column last changed, in Unix seconds.
    pub last_modified: u64,
}

impl Row {
    /// Whether the device has a user. One without is not usable.
    pub const fn has_user(&self) -> bool {
        !self.user.is_empty()
    }

    /// Whether the name is the serial of a token, and not one that keyfob gave it.
    pub fn has_serial(&self) -> bool {
        matches!(self.kind, Kind::Totp | Kind::Hotp) && !Naming::is_numbered(&self.name)
    }

    /// The value of an attribute of type [`Text`](crate::ValueType::Text).
    pub fn text(&self, attribute: Attribute) -> Option<Cow<'_, str>> {
        match attribute {
            Attribute::Name => Some(Cow::Borrowed(&self.name)),
            Attribute::User => self.has_user().then_some(Cow::Borrowed(&self.user)),
            Attribute::Type => Some(Cow::Borrowed(self.kind.name())),
            Attribute::Status => Some(Cow::Owned(self.status.to_string())),
            Attribute::Email => self.email.as_deref().map(Cow::Borrowed),
            Attribute::Phone => self.phone.as_deref().map(Cow::Borrowed),
            Attribute::ExternalId => self.external_id.as_deref().map(Cow::Borrowed),
            _ => None,
        }
    }

    /// The value of an attribute of type [`Number`](crate::ValueType::Number) or
    /// [`Time`](crate::ValueType::Time).
    pub fn number(&self, attribute: Attribute) -> Option<i64> {
        let time = |seconds| Some(i64::try_from(seconds).unwrap_or(i64::MAX));
        match attribute {
            Attribute::Id => Some(self.id),
            Attribute::Fails => Some(self.fails.into()),
            Attribute::Created | Attribute::MetaCreated => time(self.created),
            Attribute::LastModified => time(self.last_modified),
            Attribute::LastUsed => self.last_used.and_then(time),
            _ => None,
        }
    }
}

/// A device in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The columns.
    pub row: Row,
    /// The number of changes of the entry, which a store compares before it swaps.
    pub version: i64,
    /// The engine's device.
    pub device: Device,
}

impl Entry {
    /// A new entry. The store gives it an id and a name.
    pub(crate) fn new(device: Device, user: String) -> Self {
        let row = Row {
            id: 0,
            name: String::new(),
            user,
            email: None,
            phone: None,
            external_id: None,
            deleted: false,
            kind: device.kind(),
            status: device.status(),
            fails: device.fails(),
            created: device.created(),
            last_used: device.last_used(),
            last_modified: device.last_changed(),
        };
        Self { row, version: 0, device }
    }

    /// The entry of a device from another system, which keeps its id. It has no name: see
    /// [`Naming::for_device`]. User and address are checked as in requests. An address that the
    /// kind does not use is dropped.
    ///
    /// Errors: 400, which names the attribute.
    pub fn from_import(id: i64, device: Device, user: &str, email: Option<&str>, phone: Option<&str>) -> Result<Self, Error> {
        let missing = |name: &str| Error::value(format!("{name}: is missing; {} needs it", device.kind()));
        let (mut to, mut number) = (None, None);
        match device.kind() {
            Kind::Email => to = Some(body::address(email.ok_or_else(|| missing("email"))?)?),
            Kind::Sms => number = Some(body::telephone(phone.ok_or_else(|| missing("phone"))?)?),
            Kind::Totp | Kind::Hotp | Kind::Pin | Kind::Recovery => {}
        }
        let mut entry = Self::new(device, body::line("user", user)?);
        (entry.row.id, entry.row.email, entry.row.phone) = (id, to, number);
        Ok(entry)
    }

    /// The entry of a TOTP or HOTP device from a token file. Without a user it is in the inventory.
    /// The store gives it an id, and a name by [`Naming::from_serial`] or [`Naming::for_device`].
    ///
    /// Errors: 400 for a user that no request could have, and for another kind.
    pub fn from_token(device: Device, user: Option<&str>) -> Result<Self, Error> {
        if !matches!(device.kind(), Kind::Totp | Kind::Hotp) {
            return Err(Error::value(format!("type: a token is TOTP or HOTP, and not {}", device.kind())));
        }
        let user = user.map(|user| body::line("user", user)).transpose()?;
        Ok(Self::new(device, user.unwrap_or_default()))
    }

    /// The entry with the next state of its device and the columns that depend on it.
    #[must_use]
    pub(crate) fn with_device(mut self, device: Device, now: u64) -> Self {
        let before = (self.row.status, self.row.fails, self.row.last_used);
        self.row.status = device.status();
        self.row.fails = device.fails();
        self.row.last_used = device.last_used();
        self.device = device;
        if before == (self.row.status, self.row.fails, self.row.last_used) { self } else { self.modified(now) }
    }

    /// The entry with a column that changed at this time.
    #[must_use]
    pub(crate) fn modified(mut self, now: u64) -> Self {
        self.row.last_modified = self.row.last_modified.max(now);
        self
    }
}

/// How a store names a new entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Naming {
    /// This prefix, and the next number of the store's sequence of names.
    Numbered(&'static str),
    /// This name.
    Fixed(String),
    /// The serial of a token. Another device of this name that is not deleted is
    /// [`Error::serial_is_taken`], which a store checks in the transaction of the insert.
    Serial(String),
}

impl Naming {
    /// The naming of a device of this kind. An address is masked as Soffid masks it.
    pub fn for_device(kind: Kind, email: Option<&str>, phone: Option<&str>) -> Self {
        match kind {
            Kind::Totp | Kind::Hotp => Self::Numbered(kind.name()),
            Kind::Sms => Self::Fixed(format!("SMS message to {}", mask::phone(phone.unwrap_or_default()))),
            Kind::Email => Self::Fixed(format!("Email message to {}", mask::email(email.unwrap_or_default()))),
            Kind::Pin => Self::Fixed("Security PIN".to_owned()),
            Kind::Recovery => Self::Fixed("Recovery codes".to_owned()),
        }
    }

    /// The naming of a token by its serial.
    ///
    /// Errors: 400 for a text that no name can be, and for a name as keyfob itself gives them,
    /// since a later device would have it too.
    pub fn from_serial(serial: &str) -> Result<Self, Error> {
        let serial = body::line("name", serial)?;
        if Self::is_numbered(&serial) {
            return Err(Error::value("name: TOTP or HOTP and digits are names that keyfob gives; give the serial another prefix"));
        }
        Ok(Self::Serial(serial))
    }

    /// Whether a name is one that [`Naming::Numbered`] gives, and so no serial.
    pub fn is_numbered(name: &str) -> bool {
        [Kind::Totp, Kind::Hotp]
            .iter()
            .filter_map(|kind| name.strip_prefix(kind.name()))
            .any(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// The name. `next` is called if it needs the next number of the sequence. Errors: those of
    /// `next`.
    pub fn resolve<E>(self, next: impl FnOnce() -> Result<u64, E>) -> Result<String, E> {
        match self {
            Self::Numbered(prefix) => Ok(format!("{prefix}{:08}", next()?)),
            Self::Fixed(name) | Self::Serial(name) => Ok(name),
        }
    }
}
