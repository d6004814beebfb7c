//! The source of a copy, by what it says of itself.

use super::mark::mark;
use crate::database::{DatabaseError, Location};
use crate::store::schema::{self, Holds, Stage};

/// The store that is copied, by what it says of itself.
pub(super) struct Origin {
    pub(super) stage: Stage,
    /// None before the first keyfob that gives identities has opened it.
    pub(super) identity: Option<String>,
    /// The identity of the store that its devices were moved to.
    pub(super) moved_to: Option<String>,
}

/// Reads what the source says of itself. Errors: besides those of the database, there is no store,
/// or it is an unfinished copy.
pub(super) fn origin(from: &Location) -> Result<Origin, DatabaseError> {
    let mut connection = from.reader()?;
    let (stage, steps) = match schema::holds(&mut *connection)? {
        Holds::Store(Stage::Unfinished, _) => return Err(schema::unfinished()),
        Holds::Store(stage, steps) => (stage, steps),
        Holds::Nothing | Holds::Other(_) => return Err(DatabaseError::new("there is no store, and so nothing to copy")),
    };
    let has_identity = schema::has_identity(steps);
    let identity = if has_identity { schema::identity(&mut *connection)? } else { None };
    let moved_to = if has_identity { mark(&mut *connection)?.map(|mark| mark.target) } else { None };
    Ok(Origin { stage, identity, moved_to })
}
