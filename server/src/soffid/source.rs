//! Rows as a source delivers them, not yet judged.

use zeroize::Zeroizing;

/// A column of `SCO_DEVICE` that the import reads. The user's name is usually in another table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Id,
    Type,
    Status,
    Fails,
    AuthKey,
    LastCounter,
    LastUsed,
    Created,
    Name,
    Email,
    Phone,
    Pin,
    Digits,
    Algorithm,
    Tenant,
    UserId,
    User,
}

impl Field {
    pub(crate) const ALL: [Self; 17] = [
        Self::Id,
        Self::Type,
        Self::Status,
        Self::Fails,
        Self::AuthKey,
        Self::LastCounter,
        Self::LastUsed,
        Self::Created,
        Self::Name,
        Self::Email,
        Self::Phone,
        Self::Pin,
        Self::Digits,
        Self::Algorithm,
        Self::Tenant,
        Self::UserId,
        Self::User,
    ];

    /// The name of its column.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Id => "OTP_ID",
            Self::Type => "OTP_TYPE",
            Self::Status => "OTP_STATUS",
            Self::Fails => "OTP_FAILS",
            Self::AuthKey => "OTP_AUTKEY",
            Self::LastCounter => "OTP_LASCOU",
            Self::LastUsed => "OTP_LASUSE",
            Self::Created => "OTP_CREATED",
            Self::Name => "OTP_NAME",
            Self::Email => "OTP_EMAIL",
            Self::Phone => "OTP_PHONE",
            Self::Pin => "OTP_PIN",
            Self::Digits => "OTP_DIGITS",
            Self::Algorithm => "OTP_ALGORI",
            Self::Tenant => "OTP_TEN_ID",
            Self::UserId => "OTP_USU_ID",
            Self::User => "USU_CODI",
        }
    }

    /// Whether the word NULL may be its value: it is no number, date or algorithm.
    pub(crate) const fn may_be_word(self) -> bool {
        !matches!(
            self,
            Self::Id
                | Self::Fails
                | Self::LastCounter
                | Self::LastUsed
                | Self::Created
                | Self::Digits
                | Self::Algorithm
                | Self::Tenant
                | Self::UserId
        )
    }

    /// Whether a source without it is refused. A missing column reads as NULL, and without these
    /// used codes would be accepted again.
    const fn is_required(self) -> bool {
        matches!(
            self,
            Self::Id | Self::Type | Self::Status | Self::Fails | Self::AuthKey | Self::LastCounter | Self::LastUsed | Self::Created
        )
    }
}

/// The columns of `SC_USUARI` that the import reads: a user's number and name.
pub(crate) const USERS_COLUMNS: [&str; 2] = ["USU_ID", "USU_CODI"];

/// The message that these columns are missing.
pub(crate) fn missing_columns(missing: &[&str]) -> String {
    format!("has no column{} {}", if missing.len() == 1 { "" } else { "s" }, missing.join(", "))
}

/// The positions of the columns in a source.
#[derive(Clone, Debug)]
pub(crate) struct Columns([Option<usize>; Field::ALL.len()]);

impl Columns {
    /// Finds them among these names, in any case. The user's name is in the column `user`, or, with
    /// `has_users`, in another source by the user's number. Errors: all missing columns, and what
    /// to do.
    pub(crate) fn find(names: &[String], user: Option<&str>, has_users: bool) -> Result<Self, String> {
        let position = |name: &str| names.iter().position(|known| known.trim().eq_ignore_ascii_case(name));
        let columns = Self(Field::ALL.map(|field| match (field, user) {
            (Field::User, Some(user)) => position(user),
            (field, _) => position(field.name()),
        }));
        let required = Field::ALL.into_iter().filter(|&field| field.is_required() && !columns.has(field));
        let mut missing: Vec<&str> = required.map(Field::name).collect();
        let has_user = columns.has(Field::User) || (user.is_none() && has_users && columns.has(Field::UserId));
        if !has_user {
            missing.push(user.unwrap_or(if has_users { Field::UserId.name() } else { Field::User.name() }));
        }
        if missing.is_empty() {
            return Ok(columns);
        }
        let mut reason = missing_columns(&missing);
        if !has_user && user.is_none() {
            reason.push_str("; name the column of the users' names with --user-column");
            if !has_users {
                reason.push_str(", or give --users FILE with the columns USU_ID and USU_CODI of SC_USUARI");
            }
        }
        Err(reason)
    }

    pub(crate) fn has(&self, field: Field) -> bool {
        self.position(field).is_some()
    }

    pub(crate) fn position(&self, field: Field) -> Option<usize> {
        self.0.get(field as usize).copied().flatten()
    }
}

/// A row: the text of each field; none for NULL and for a missing column. Wiped on drop: some of it
/// is secret.
#[derive(Default)]
pub(crate) struct RawRow {
    /// The line of the file on which the row begins, from 1.
    pub(crate) line: Option<u64>,
    pub(crate) fields: [Option<Zeroizing<String>>; Field::ALL.len()],
}

impl RawRow {
    /// The text of a field without blanks around it; none if it is empty.
    pub(crate) fn get(&self, field: Field) -> Option<&str> {
        let text = self.fields.get(field as usize)?.as_ref()?.trim();
        Some(text).filter(|text| !text.is_empty())
    }

    pub(crate) fn set(&mut self, field: Field, text: Option<String>) {
        if let Some(place) = self.fields.get_mut(field as usize) {
            *place = text.map(Zeroizing::new);
        }
    }
}

/// A row, or why it cannot be read.
pub(crate) type ReadRow = Result<RawRow, UnreadableRow>;

/// A row that cannot be read.
pub(crate) struct UnreadableRow {
    /// The line of the file on which it begins, from 1.
    pub(crate) line: Option<u64>,
    pub(crate) reason: String,
}

/// A source of rows. It displays its name.
pub(crate) trait Source: std::fmt::Display {
    /// The next rows; none at the end. Errors: a message for people.
    fn page(&mut self) -> Result<Vec<ReadRow>, String>;

    /// Goes back to the first row.
    fn restart(&mut self) -> Result<(), String>;
}
