//! The target of a copy: what it may be, and its mark until the copy is finished.
//!
//! As long as a copy is unfinished, its tables have other names. So a service that runs on the
//! target finds no tables and gives no verdict. A service that starts there reads the mark.

use data_encoding::HEXLOWER;

use super::mark::{Mark, mark};
use super::origin::Origin;
use super::side::Side;
use super::tables::ALL;
use crate::database::{Access, Connection, DatabaseError, Dialect, Location, Sql, persist, transaction};
use crate::store::schema::{self, Holds, Stage};

/// The ending of the table names of an unfinished copy.
const COPY_SUFFIX: &str = "_copy";

/// What the target is before the copy.
pub(super) enum TargetState {
    /// Nothing, or an empty store.
    Empty,
    /// An unfinished copy of the source, with its own identity.
    Unfinished(String),
    /// The store that the source's devices were moved to.
    Finished,
}

/// Looks at the target without writing. Errors: what the target is, if it is not for this copy.
pub(super) fn look(from: &Location, to: &Location, origin: &Origin) -> Result<TargetState, String> {
    if let Some(file) = to.file() {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return Err(format!("{to}: {} is no folder; name a file in a folder that is there", folder.display()));
        }
        if !file.exists() {
            return Ok(TargetState::Empty);
        }
    }
    // A file that is no SQLite database is refused like any other target. An error of a server
    // stays as it is.
    let opened = to.reader().map_err(|error| if to.file().is_some() { refused(&error.to_string()) } else { error });
    opened.and_then(|mut connection| look_at(from, &mut *connection, origin)).map_err(|error| format!("{to}: {error}"))
}

fn look_at(from: &Location, connection: &mut dyn Connection, origin: &Origin) -> Result<TargetState, DatabaseError> {
    let (stage, steps) = match schema::holds(connection)? {
        Holds::Nothing => return Ok(TargetState::Empty),
        Holds::Other(what) => return Err(refused(&format!("it holds the {what}, which is not keyfob's"))),
        Holds::Store(stage, steps) => (stage, steps),
    };
    let identity = if schema::has_identity(steps) { schema::identity(connection)? } else { None };
    refuse_itself(origin.identity.as_deref(), identity.as_deref())?;
    match stage {
        Stage::Moved => Err(refused("it is a store whose devices were moved to another one by keyfob migrate")),
        Stage::Unfinished => {
            let mark = mark(connection)?.filter(|mark| origin.identity.as_ref() == Some(&mark.source));
            let mark = mark.ok_or_else(|| refused(&format!("it is an unfinished copy of another store than {from}")))?;
            if schema::is_current(steps) {
                Ok(TargetState::Unfinished(mark.target))
            } else {
                Err(refused("it is an unfinished copy by another version of keyfob, which can finish it"))
            }
        }
        Stage::Live if identity.is_some() && identity == origin.moved_to => Ok(TargetState::Finished),
        Stage::Live => {
            // A killed process may have left a store without tables.
            let contents = if steps == 0 { None } else { contents(connection, "")? };
            contents.map_or(Ok(TargetState::Empty), |what| Err(occupied(from, what)))
        }
    }
}

/// The error of a target that is not for this copy.
fn refused(what: &str) -> DatabaseError {
    DatabaseError::new(format!("{what}; nothing was written there: name an empty database or a new file"))
}

fn occupied(from: &Location, what: &str) -> DatabaseError {
    refused(&format!("it is a store with {what}, and not an unfinished copy of {from}"))
}

/// Refuses a target that has the source's identity.
fn refuse_itself(source: Option<&str>, target: Option<&str>) -> Result<(), DatabaseError> {
    if source.is_some() && source == target {
        return Err(refused("it is the store itself by another name, or made from its backup"));
    }
    Ok(())
}

/// What a store holds that a copy would overwrite.
fn contents(connection: &mut dyn Connection, suffix: &str) -> Result<Option<&'static str>, DatabaseError> {
    for (what, rows) in [
        ("devices", "device{}"),
        ("accounts", "account{}"),
        ("an audit trail", "trail{}"),
        ("a counter of device names", "sequence{} WHERE last <> 0"),
    ] {
        let sql = format!("SELECT 1 FROM {} LIMIT 1", rows.replace("{}", suffix));
        if !connection.run(&sql)?.is_empty() {
            return Ok(Some(what));
        }
    }
    Ok(None)
}

/// A marked target, written by this run of the command only.
pub(super) struct Target {
    connection: Box<dyn Connection>,
    place: String,
    mark: Mark,
    /// Whether the last transaction has begun.
    is_last: bool,
}

impl Target {
    /// Marks an empty target. Errors: it is no longer empty, or another run has marked it.
    pub(super) fn begin(from: &Location, to: &Location, source: &str) -> Result<Self, String> {
        let begin = || {
            let mut connection = to.writer()?;
            schema::migrate(&mut *connection)?;
            let run = draw()?;
            let mark = transaction(&mut *connection, Access::Write, |connection| {
                // Services that run there finish their transactions before the names change, and
                // find no tables afterwards. So the contents are final.
                rename(connection, "", COPY_SUFFIX)?;
                let target = schema::identity(connection)?;
                refuse_itself(Some(source), target.as_deref())?;
                if let Some(what) = contents(connection, COPY_SUFFIX)? {
                    return Err(occupied(from, what));
                }
                let mark = Mark { source: source.to_owned(), target: target.unwrap_or_default(), run };
                mark.write(connection)?;
                schema::set(connection, Stage::Unfinished)?;
                Ok(mark)
            })?;
            Ok((connection, mark))
        };
        let marked = begin();
        if marked.is_err() && is_marked(to, source) {
            return Err(format!("{to}: {}", in_use()));
        }
        Self::opened(to, marked)
    }

    /// Takes an unfinished copy over from an earlier run, whose writes are refused from now on.
    pub(super) fn go_on(to: &Location, source: &str) -> Result<Self, String> {
        let take = || {
            let mut connection = to.writer()?;
            let mut sql = Sql::new("UPDATE migration SET run = ");
            sql.bind(draw()?.as_str()).push(" WHERE source = ").bind(source);
            persist(&mut *connection, |connection| connection.change(&sql).map(|_| ()))?;
            let mark = mark(&mut *connection)?.filter(|mark| mark.source == source);
            Ok((connection, mark.ok_or_else(in_use)?))
        };
        Self::opened(to, take())
    }

    fn opened(to: &Location, opened: Result<(Box<dyn Connection>, Mark), DatabaseError>) -> Result<Self, String> {
        let (connection, mark) = opened.map_err(|error| format!("{to}: {error}"))?;
        Ok(Self { connection, place: to.to_string(), mark, is_last: false })
    }

    pub(super) fn mark(&self) -> &Mark {
        &self.mark
    }

    /// The tables of the copy.
    pub(super) fn side(&mut self) -> Side<'_> {
        Side::new(&mut *self.connection, COPY_SUFFIX, &self.place)
    }

    /// Writes to the copy, in a commit of its own until the last transaction begins. Errors: those
    /// of the database; another run has taken the copy over.
    pub(super) fn write<T>(&mut self, work: impl FnOnce(&mut Side<'_>) -> Result<T, DatabaseError>) -> Result<T, DatabaseError> {
        if self.is_last {
            return work(&mut self.side());
        }
        let Self { connection, place, mark, .. } = self;
        transaction(&mut **connection, Access::Write, |connection| {
            claim(connection, mark).map_err(|error| error.at(place))?;
            work(&mut Side::new(connection, COPY_SUFFIX, place))
        })
    }

    /// Begins the last transaction. Until its end, no other run can take the copy over: the source
    /// gets closed in between, and another run may have an older state of it. Errors: as those of
    /// [`Self::write`].
    pub(super) fn begin_last(&mut self) -> Result<(), DatabaseError> {
        let begun = self.connection.begin(Access::Write).and_then(|()| claim(&mut *self.connection, &self.mark));
        self.is_last = true;
        begun.map_err(|error| error.at(&self.place))
    }

    /// Whether another run has taken the copy over, or has finished it.
    pub(super) fn is_taken(&mut self) -> bool {
        mark(&mut *self.connection).is_ok_and(|mark| mark.is_none_or(|mark| mark.run != self.mark.run))
    }

    /// Gives the tables their names and removes the mark, effective with the commit of the last
    /// transaction.
    pub(super) fn open(&mut self) -> Result<(), DatabaseError> {
        open(&mut *self.connection).map_err(|error| error.at(&self.place))
    }

    /// Commits the last transaction. Without a commit, the database rolls it back when the
    /// connection ends.
    pub(super) fn commit(mut self) -> Result<(), DatabaseError> {
        self.connection.commit().map_err(|error| error.at(&self.place))
    }
}

fn open(connection: &mut dyn Connection) -> Result<(), DatabaseError> {
    rename(connection, COPY_SUFFIX, "")?;
    // New rows of the target get numbers behind the copied ones.
    if connection.dialect() == Dialect::Postgres {
        for table in ["trail", "outbox"] {
            let next = format!("SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))");
            connection.run(&next)?;
        }
    }
    // The processes that send have the leases of the source.
    connection.run("UPDATE signal_stream SET owner = NULL WHERE owner IS NOT NULL")?;
    connection.run("DELETE FROM migration")?;
    schema::set(connection, Stage::Live)
}

/// Locks the mark of this run until the commit. Errors: it is that of another run.
fn claim(connection: &mut dyn Connection, mark: &Mark) -> Result<(), DatabaseError> {
    let mut sql = Sql::new("UPDATE migration SET run = run WHERE run = ");
    sql.bind(&mark.run);
    if connection.change(&sql)? == 0 { Err(in_use()) } else { Ok(()) }
}

/// Whether there is an unfinished copy of this source.
fn is_marked(to: &Location, source: &str) -> bool {
    let read = to.reader().and_then(|mut connection| mark(&mut *connection));
    read.is_ok_and(|mark| mark.is_some_and(|mark| mark.source == source))
}

/// The error of a run while another one copies the same source into the same target.
pub(super) fn in_use() -> DatabaseError {
    DatabaseError::new("another keyfob migrate is at work on this copy, or has finished it; wait until it has ended")
}

fn rename(connection: &mut dyn Connection, from: &str, to: &str) -> Result<(), DatabaseError> {
    for table in ALL {
        connection.run(&format!("ALTER TABLE {name}{from} RENAME TO {name}{to}", name = table.name))?;
    }
    Ok(())
}

/// A unique number for this run.
fn draw() -> Result<String, DatabaseError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| DatabaseError::new(error.to_string()))?;
    Ok(HEXLOWER.encode(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Options;

    #[test]
    fn second_of_two_runs_on_an_empty_target_names_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let place =
            |name: &str| Location::parse(&format!("sqlite://{}", folder.path().join(name).display()), &Options::default()).unwrap();
        let (from, to) = (place("from"), place("to"));
        let mut source = from.writer().unwrap();
        schema::migrate(&mut *source).unwrap();
        let identity = schema::identity(&mut *source).unwrap().unwrap();
        let mut first = Target::begin(&from, &to, &identity).unwrap();
        let error = Target::begin(&from, &to, &identity).err().unwrap();
        assert!(
            error.ends_with("another keyfob migrate is at work on this copy, or has finished it; wait until it has ended"),
            "{error}"
        );
        assert!(!first.is_taken());
    }
}
