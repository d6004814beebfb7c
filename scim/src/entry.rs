//! A device as a store keeps it: the columns that are shown and searched, and the engine's record.

use std::borrow::Cow;

use keyfob::{Device, Kind, Status};

use crate::attribute::Attribute;
use crate::body;
use crate::error::Error;
use crate::mask;

/// The columns of a device: what lists show and filters search. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The store's number of the device, 1 or more.
    pub id: i64,
    /// What people are shown.
    pub name: String,
    /// The user whose device it is.
    pub user: String,
    /// EMAIL: where codes are sent.
    pub email: Option<String>,
    /// SMS: where codes are sent.
    pub phone: Option<String>,
    /// The client's name for it.
    pub external_id: Option<String>,
    /// Whether it was deleted: it stays in the store, disabled.
    pub deleted: bool,
    /// The kind, as the record says.
    pub kind: Kind,
    /// The status, as the record says.
    pub status: Status,
    /// The fails, as the record says.
    pub fails: u32,
    /// When it was enrolled, in Unix seconds, as the record says.
    pub created: u64,
    /// When it last gave a right answer, in Unix seconds, as the record says.
    pub last_used: Option<u64>,
    /// When anything that is shown of it last changed, in Unix seconds.
    pub last_modified: u64,
}

impl Row {
    /// The value of an attribute of type [`Text`](crate::ValueType::Text).
    pub fn text(&self, attribute: Attribute) -> Option<Cow<'_, str>> {
        match attribute {
            Attribute::Name => Some(Cow::Borrowed(&self.name)),
            Attribute::User => Some(Cow::Borrowed(&self.user)),
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

/// A device as a store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The columns.
    pub row: Row,
    /// How often the entry changed: what the store compares and swaps on.
    pub version: i64,
    /// The engine's device.
    pub device: Device,
}

impl Entry {
    /// A new entry, whose id and name the store will give.
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

    /// A device that another system held under this number, without a name: see [`Naming::for_device`]. User
    /// and address are held to what requests are held to; an address that its kind has no use for
    /// is dropped.
    ///
    /// Errors: 400, which names the attribute.
    pub fn from_import(id: i64, device: Device, user: &str, email: Option<&str>, phone: Option<&str>) -> Result<Self, Error> {
        let missing = |name: &str| Error::value(format!("{name}: is missing; {} needs it", device.kind()));
        let (mut to, mut number) = (None, None);
        match device.kind() {
            Kind::Email => to = Some(body::address(email.ok_or_else(|| missing("email"))?)?),
            Kind::Sms => number = Some(body::telephone(phone.ok_or_else(|| missing("phone"))?)?),
            Kind::Totp | Kind::Hotp | Kind::Pin => {}
        }
        let mut entry = Self::new(device, body::line("user", user)?);
        (entry.row.id, entry.row.email, entry.row.phone) = (id, to, number);
        Ok(entry)
    }

    /// The entry with the next state of its device, and the columns that follow from it, as of now.
    #[must_use]
    pub(crate) fn with_device(mut self, device: Device, now: u64) -> Self {
        let before = (self.row.status, self.row.fails, self.row.last_used);
        self.row.status = device.status();
        self.row.fails = device.fails();
        self.row.last_used = device.last_used();
        self.device = device;
        if before == (self.row.status, self.row.fails, self.row.last_used) { self } else { self.modified(now) }
    }

    /// The entry, of which something that is shown changed at this time.
    #[must_use]
    pub(crate) fn modified(mut self, now: u64) -> Self {
        self.row.last_modified = self.row.last_modified.max(now);
        self
    }
}

/// How a store names a new entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Naming {
    /// This prefix and the next number of the store's one sequence of names.
    Numbered(&'static str),
    /// This name.
    Fixed(String),
}

impl Naming {
    /// How a device of this kind is named, with its address masked as Soffid masks it.
    pub fn for_device(kind: Kind, email: Option<&str>, phone: Option<&str>) -> Self {
        match kind {
            Kind::Totp | Kind::Hotp => Self::Numbered(kind.name()),
            Kind::Sms => Self::Fixed(format!("SMS message to {}", mask::phone(phone.unwrap_or_default()))),
            Kind::Email => Self::Fixed(format!("Email message to {}", mask::email(email.unwrap_or_default()))),
            Kind::Pin => Self::Fixed("Security PIN".to_owned()),
        }
    }

    /// The name, given the next number of the sequence if it asks for one.
    pub fn resolve<E>(self, next: impl FnOnce() -> Result<u64, E>) -> Result<String, E> {
        match self {
            Self::Numbered(prefix) => Ok(format!("{prefix}{:08}", next()?)),
            Self::Fixed(name) => Ok(name),
        }
    }
}
