//! A device as JSON, with the keys and in the order of Soffid's own responses.

use keyfob::{Device, Factor, RecoveryCodes};
use serde::ser::SerializeSeq as _;
use serde::{Serialize, Serializer};

use crate::attribute::{Attribute, SCHEMA};
use crate::date;
use crate::entry::{Entry, Row};
use crate::error::{Error, quoted};
use crate::parameters::Parameters;
use crate::settings::Profile;

/// Which attributes a response holds: a bit for each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selection(u32);

impl Default for Selection {
    fn default() -> Self {
        Self(u32::MAX)
    }
}

impl Selection {
    /// The attributes that the URL selects with `attributes` or `excludedAttributes`. Errors: those
    /// of [`read`](Self::read).
    pub(crate) fn from_parameters(parameters: &Parameters) -> Result<Self, Error> {
        let [attributes, excluded] = ["attributes", "excludedAttributes"].map(|name| parameters.names(name));
        Self::read(attributes.as_deref(), excluded.as_deref())
    }

    /// The attributes in `attributes`, or all but those in `excluded`. `id` and `schemas` are
    /// always selected. Errors: 400 for an unknown attribute, or for both lists.
    pub(crate) fn read(attributes: Option<&[String]>, excluded: Option<&[String]>) -> Result<Self, Error> {
        let bits = |list: &str, names: &[String]| {
            names.iter().filter(|name| !name.is_empty()).try_fold(0, |bits, name| match Attribute::parse(name) {
                Some(attribute) => Ok(bits | Self::bits(attribute)),
                None => Err(Error::value(format!("{list}: there is no attribute {}", quoted(name)))),
            })
        };
        match (attributes, excluded) {
            (Some(_), Some(_)) => Err(Error::value("attributes and excludedAttributes: only one of them may be given")),
            (Some(names), None) => Ok(Self(bits("attributes", names)?)),
            (None, Some(names)) => Ok(Self(!bits("excludedAttributes", names)?)),
            (None, None) => Ok(Self::default()),
        }
    }

    /// Of these, the attributes that the response to a change shows to an account that may not read
    /// devices.
    pub(crate) fn of_change(self) -> Self {
        Self(self.0 & Self::bits(Attribute::Status))
    }

    /// The bits of an attribute and its sub-attributes.
    fn bits(attribute: Attribute) -> u32 {
        let is_in = |other: Attribute| other == attribute || other.parent() == attribute;
        Attribute::ALL.iter().filter(|&&other| is_in(other)).fold(0, |bits, &other| bits | 1 << (other as u32))
    }

    /// Whether an attribute is selected.
    pub(crate) fn contains(self, attribute: Attribute) -> bool {
        self.0 & 1 << (attribute as u32) != 0
    }

    fn keeps<T>(self, attribute: Attribute, value: T) -> Option<T> {
        self.contains(attribute).then_some(value)
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Id {
    Number(i64),
    Text(String),
}

#[derive(Serialize)]
struct Links {
    #[serde(rename = "requestChallenge")]
    request: String,
    #[serde(rename = "responseChallenge")]
    response: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_modified: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<Links>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_type: Option<&'static str>,
}

/// Recovery codes as a list of texts. They are written one by one, and each is wiped.
struct CodeList<'r>(&'r RecoveryCodes);

impl Serialize for CodeList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.count().into()))?;
        for code in self.0.iter() {
            list.serialize_element(code.as_str())?;
        }
        list.end()
    }
}

/// A device in a response.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Resource<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<Meta>,
    schemas: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'r str>,
    id: Id,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_id: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "type")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fails: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<char>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_codes_left: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_codes: Option<CodeList<'r>>,
}

impl<'r> Resource<'r> {
    /// The selected attributes of a device.
    pub(crate) fn new(row: &'r Row, profile: Profile, base_url: &str, selection: Selection) -> Self {
        use Attribute as A;
        let date = |seconds| date(seconds, profile);
        let url = location(base_url, row.id);
        let links = || Links { request: format!("{url}/requestChallenge"), response: format!("{url}/responseChallenge") };
        let links = (profile == Profile::Soffid).then(links).and_then(|links| selection.keeps(A::Links, links));
        // Soffid's own responses have no times in meta.
        let time = |attribute, seconds| (profile == Profile::Rfc).then(|| selection.keeps(attribute, seconds).map(date)).flatten();
        let meta = Meta {
            created: time(A::MetaCreated, row.created),
            last_modified: time(A::LastModified, row.last_modified),
            links,
            resource_type: selection.keeps(A::ResourceType, "OtpDevice"),
            location: selection.keeps(A::Location, url),
        };
        let is_empty = [&meta.created, &meta.last_modified, &meta.location].into_iter().all(Option::is_none)
            && meta.links.is_none()
            && meta.resource_type.is_none();
        Self {
            image: None,
            last_used: row.last_used.and_then(|used| selection.keeps(A::LastUsed, used)).map(date),
            created: selection.keeps(A::Created, row.created).map(date),
            meta: (!is_empty).then_some(meta),
            schemas: [SCHEMA],
            phone: row.phone.as_deref().and_then(|phone| selection.keeps(A::Phone, phone)),
            name: selection.keeps(A::Name, &row.name),
            id: if profile == Profile::Rfc { Id::Text(row.id.to_string()) } else { Id::Number(row.id) },
            external_id: row.external_id.as_deref().and_then(|id| selection.keeps(A::ExternalId, id)),
            kind: selection.keeps(A::Type, row.kind.name()),
            user: row.has_user().then(|| selection.keeps(A::User, row.user.as_str())).flatten(),
            not_before: None,
            not_after: None,
            fails: selection.keeps(A::Fails, row.fails),
            email: row.email.as_deref().and_then(|email| selection.keeps(A::Email, email)),
            status: selection.keeps(A::Status, row.status.letter()),
            recovery_codes_left: None,
            recovery_codes: None,
        }
    }

    /// The device of an entry, whose record holds attributes that lists do not read.
    pub(crate) fn from_entry(entry: &'r Entry, profile: Profile, base_url: &str, selection: Selection) -> Self {
        let validity = entry.device.validity();
        let time = |attribute, time: Option<u64>| time.and_then(|seconds| selection.keeps(attribute, date(seconds, profile)));
        Self {
            not_before: time(Attribute::NotBefore, validity.not_before()),
            not_after: time(Attribute::NotAfter, validity.not_after()),
            recovery_codes_left: entry
                .device
                .recovery_codes_left()
                .and_then(|left| selection.keeps(Attribute::RecoveryCodesLeft, left)),
            ..Self::new(&entry.row, profile, base_url, selection)
        }
    }

    /// With the recovery codes of its device, if it has any: for the response to a request that
    /// made them.
    pub(crate) fn with_recovery_codes(mut self, device: &'r Device, selection: Selection) -> Self {
        if let Factor::Recovery(codes) = device.factor() {
            self.recovery_codes = selection.keeps(Attribute::RecoveryCodes, CodeList(codes));
        }
        self
    }

    /// The device in the response to a create: with the image, if there is one, and without links.
    pub(crate) fn created(mut self, image: Option<String>) -> Self {
        self.image = image;
        if let Some(meta) = &mut self.meta {
            meta.links = None;
        }
        self
    }
}

/// A date as the clients of a profile write it.
fn date(seconds: u64, profile: Profile) -> String {
    if profile == Profile::Rfc { date::format_iso(seconds) } else { date::format_soffid(seconds) }
}

/// The URL of a device.
pub(crate) fn location(base_url: &str, id: i64) -> String {
    format!("{base_url}/OtpDevice/{id}")
}
