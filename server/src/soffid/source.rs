//! Rows as a source gives them, before anybody has judged them.

use zeroize::Zeroizing;

/// A column of `SCO_DEVICE` that is read, and the name of the user, which stands in another table
/// as a rule.
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

    /// Whether the word NULL may be its text: it is neither a number nor a date, nor an algorithm.
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

    /// Whether a source without it is refused: what else is missing would be taken for NULL, and
    /// used codes would be right again.
    const fn is_needed(self) -> bool {
        matches!(
            self,
            Self::Id | Self::Type | Self::Status | Self::Fails | Self::AuthKey | Self::LastCounter | Self::LastUsed | Self::Created
        )
    }
}

/// The columns of `SC_USUARI` that are read: the number of a user, and the name.
pub(crate) const USERS_COLUMNS: [&str; 2] = ["USU_ID", "USU_CODI"];

/// Says that these columns are missing.
pub(crate) fn lacks(missing: &[&str]) -> String {
    format!("has no column{} {}", if missing.len() == 1 { "" } else { "s" }, missing.join(", "))
}

/// Where the columns are that a source has.
#[derive(Clone, Debug)]
pub(crate) struct Columns([Option<usize>; Field::ALL.len()]);

impl Columns {
    /// Finds them among these names, in any case. The user's name stands in the column `user`, or
    /// in another source by the user's number if that `has_users`. Errors: all that are missing,
    /// and what to do.
    pub(crate) fn find(names: &[String], user: Option<&str>, has_users: bool) -> Result<Self, String> {
        let place = |name: &str| names.iter().position(|known| known.trim().eq_ignore_ascii_case(name));
        let columns = Self(Field::ALL.map(|field| match (field, user) {
            (Field::User, Some(user)) => place(user),
            (field, _) => place(field.name()),
        }));
        let needed = Field::ALL.into_iter().filter(|&field| field.is_needed() && !columns.has(field));
        let mut missing: Vec<&str> = needed.map(Field::name).collect();
        let has_user = columns.has(Field::User) || (user.is_none() && has_users && columns.has(Field::UserId));
        if !has_user {
            missing.push(user.unwrap_or(if has_users { Field::UserId.name() } else { Field::User.name() }));
        }
        if missing.is_empty() {
            return Ok(columns);
        }
        let mut reason = lacks(&missing);
        if !has_user && user.is_none() {
            reason.push_str("; name the one that has the users' names with --user-column");
            if !has_users {
                reason.push_str(", or give --users FILE with the columns USU_ID and USU_CODI of SC_USUARI");
            }
        }
        Err(reason)
    }

    pub(crate) fn has(&self, field: Field) -> bool {
        self.place(field).is_some()
    }

    pub(crate) fn place(&self, field: Field) -> Option<usize> {
        self.0.get(field as usize).copied().flatten()
    }
}

/// A row: the text of each field, none for NULL and for a column that is not there. Wiped on drop,
/// for some of it is secret.
#[derive(Default)]
pub(crate) struct Raw {
    /// The line of a file on which it begins, from 1.
    pub(crate) line: Option<u64>,
    pub(crate) fields: [Option<Zeroizing<String>>; Field::ALL.len()],
}

impl Raw {
    /// What a field says, without blanks around it; none for nothing.
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

/// What was read where a row should be: one, or why it is none.
pub(crate) type Read = Result<Raw, NoRow>;

/// Why there is no row.
pub(crate) struct NoRow {
    /// The line of a file on which it would begin, from 1.
    pub(crate) line: Option<u64>,
    pub(crate) reason: String,
}

/// Where rows come from; shown by its name.
pub(crate) trait Source: std::fmt::Display {
    /// The next rows; none at the end. Errors: a sentence for people.
    fn page(&mut self) -> Result<Vec<Read>, String>;

    /// Goes back to the first row.
    fn restart(&mut self) -> Result<(), String>;
}
