//! The source of a copy: its stage and its identity.

use super::mark::mark;
use crate::database::{DatabaseError, Location};
use crate::store::schema::{self, Holds, Stage};

/// The stage and the identity of the source.
pub(super) struct Origin {
    pub(super) stage: Stage,
    /// `None` for a store from before stores had identities.
    pub(super) identity: Option<String>,
    /// The identity of the store that its devices were moved to.
    pub(super) moved_to: Option<String>,
}

/// Reads the stage and the identity of the source. Errors: those of the database; there is no
/// store; it is an unfinished copy.
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
