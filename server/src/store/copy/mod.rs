//! Copies a store into another one, usually of the other kind, while services use it.
//!
//! Two databases have no common commit. So the source is closed first, and the target is opened
//! last. Whenever a move is interrupted, at most one of them gives verdicts, and the same command
//! finishes the move. Until then the target has a mark, which names the source.
//!
//! A copy of a source that stays in use shows one moment of it, whatever services write meanwhile.

mod mark;
mod origin;
mod rows;
mod side;
mod tables;
mod target;

use super::schema::{self, Stage};
use crate::database::{Access, Connection, DatabaseError, ErrorKind, Location, transaction};
use origin::origin;
use rows::Known;
pub use rows::Progress;
use side::Side;
use tables::{ALL, LARGE, SMALL};
use target::{Target, TargetState};

/// A round with at most this many changes is the last one before services are locked out.
const MAX_LAST_CHANGES: usize = 200;
/// How many rounds there are at most, since a busy source always has changes.
const MAX_ROUNDS: usize = 8;

/// The result of a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The name of each table, and how many rows both stores have. Empty if an earlier run had
    /// finished the move.
    pub tables: Vec<(&'static str, u64)>,
    /// Whether the source serves no device any more.
    pub is_moved: bool,
}

/// Copies a store into an empty one, or continues an unfinished copy, and compares both row by row.
/// Then closes the source, unless `keep`: a copy of a source in use is outdated at once. Blocks
/// until it is done.
///
/// Errors: a sentence for people. A target that is neither empty nor an unfinished copy of this
/// source is not written to.
pub fn copy(from: &Location, to: &Location, keep: bool, progress: Progress<'_>) -> Result<Copied, String> {
    if from.file().is_some_and(|file| !file.exists()) {
        return Err(format!("{from}: there is no such file, and so nothing to copy"));
    }
    if from.is_same_file(to) {
        return Err(format!("{to}: is the store itself; name an empty database or a new file"));
    }
    let of_source = |error: DatabaseError| format!("{from}: {error}");
    let mut origin = origin(from).map_err(of_source)?;
    // Before any write, even the migration of the source.
    let there = target::look(from, to, &origin)?;
    let is_unfinished = matches!(there, TargetState::Unfinished(_));
    match (origin.stage, there) {
        (Stage::Live, _) => {}
        (_, TargetState::Finished) => return Ok(Copied { tables: Vec::new(), is_moved: true }),
        (_, TargetState::Unfinished(identity)) if origin.moved_to.as_ref() == Some(&identity) => {}
        _ => return Err(of_source(schema::moved())),
    }
    let mut source = from.writer().map_err(of_source)?;
    if origin.stage == Stage::Live {
        schema::migrate(&mut *source).map_err(of_source)?;
        origin.identity = schema::identity(&mut *source).map_err(of_source)?;
    }
    let identity = origin.identity.ok_or_else(|| of_source(DatabaseError::new("it has no identity; restore it from a backup")))?;
    let mut target = if is_unfinished { Target::go_on(to, &identity)? } else { Target::begin(from, to, &identity)? };
    let place = from.to_string();
    let is_moved = !(keep && origin.stage == Stage::Live);
    let copied = match origin.stage {
        Stage::Live if keep => copy_moment(&mut *source, &place, &mut target, progress),
        Stage::Live => move_all(&mut *source, &place, &mut target, progress),
        // An earlier run has closed the source and not opened the target.
        _ => copy_all(&mut Side::new(&mut *source, "_moved", &place), &mut target, progress).map_err(DatabaseError::refused),
    };
    let again = "run the same command again, which continues the copy";
    let tables = copied.map_err(|error| match error.kind {
        ErrorKind::Unknown => format!("{error}; it is not known whether {from} was closed: {again}"),
        _ if target.is_taken() => format!("{to}: {}", target::in_use()),
        _ => format!("{error}; the copy is unfinished: {again}"),
    })?;
    target.commit().map_err(|error| {
        let closed = if is_moved { format!("{from} is closed, and ") } else { String::new() };
        format!("{error}; {closed}{to} is perhaps not open yet: {again}")
    })?;
    Ok(Copied { tables, is_moved })
}

/// How many rows of each table both stores have.
type Tables = Vec<(&'static str, u64)>;

/// Copies the source as it is at one moment.
fn copy_moment(
    source: &mut dyn Connection,
    place: &str,
    target: &mut Target,
    progress: Progress<'_>,
) -> Result<Tables, DatabaseError> {
    transaction(source, Access::Snapshot, |connection| copy_all(&mut Side::new(connection, "", place), target, progress))
        .map_err(DatabaseError::refused)
}

/// Copies a source that does not change meanwhile.
fn copy_all(source: &mut Side<'_>, target: &mut Target, progress: Progress<'_>) -> Result<Tables, DatabaseError> {
    let known = copy_large(source, target, progress)?;
    target.begin_last()?;
    finish(source, target, &known)
}

/// Copies the source while services go on, then locks them out, copies what has changed, and closes
/// the source.
///
/// Every row was compared before. A device that changes gets another version, and a line of the
/// trail never changes. So only the groups of rows whose state has changed are left to compare (see
/// [`tables::Large`]).
fn move_all(
    source: &mut dyn Connection,
    place: &str,
    target: &mut Target,
    progress: Progress<'_>,
) -> Result<Tables, DatabaseError> {
    let mut known = copy_in_use(&mut Side::new(source, "", place), target, progress).map_err(DatabaseError::refused)?;
    transaction(source, Access::Write, |connection| {
        // No service writes under the old names from here on, nor after the commit.
        let mut rename = |table| connection.run(&format!("ALTER TABLE {table} RENAME TO {table}_moved"));
        ALL.iter().try_for_each(|table| rename(table.name).map(|_| ())).map_err(|error| error.at(place))?;
        target.begin_last()?;
        let source = &mut Side::new(connection, "_moved", place);
        catch_up(source, target, &mut known, progress)?;
        let tables = finish(source, target, &known)?;
        close(connection, target).map_err(|error| error.at(place))?;
        Ok(tables)
    })
}

/// Copies the large tables until few changes are left.
fn copy_in_use(source: &mut Side<'_>, target: &mut Target, progress: Progress<'_>) -> Result<Vec<Known>, DatabaseError> {
    let mut known = copy_large(source, target, progress)?;
    for _ in 0..MAX_ROUNDS {
        if catch_up(source, target, &mut known, progress)? <= MAX_LAST_CHANGES {
            break;
        }
    }
    Ok(known)
}

fn copy_large(source: &mut Side<'_>, target: &mut Target, progress: Progress<'_>) -> Result<Vec<Known>, DatabaseError> {
    LARGE.iter().map(|large| rows::copy(source, target, large, progress)).collect()
}

fn catch_up(
    source: &mut Side<'_>,
    target: &mut Target,
    known: &mut [Known],
    progress: Progress<'_>,
) -> Result<usize, DatabaseError> {
    let mut changed = 0_usize;
    for (large, known) in LARGE.iter().zip(known) {
        changed = changed.saturating_add(rows::catch_up(source, target, large, known, progress)?);
    }
    Ok(changed)
}

/// Copies the small tables and opens the target. The commit is still to come.
fn finish(source: &mut Side<'_>, target: &mut Target, known: &[Known]) -> Result<Tables, DatabaseError> {
    let mut tables: Tables = LARGE.iter().zip(known).map(|(large, known)| (large.table.name, known.rows)).collect();
    for table in SMALL {
        tables.push((table.name, rows::replace(source, target, table)?));
    }
    target.open()?;
    Ok(tables)
}

/// Records in the source where its devices are.
fn close(source: &mut dyn Connection, target: &Target) -> Result<(), DatabaseError> {
    target.mark().write(source)?;
    schema::set(source, Stage::Moved)
}
