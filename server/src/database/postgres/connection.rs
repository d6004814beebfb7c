//! A connection to a server: a session that is opened anew when it is lost.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, Row};

use super::error::{explained, kind, shows_sharing};
use super::pooler;
use super::prepared::Prepared;
use super::server::Server;
use super::value::{record, typed};
use crate::database::connection::Connection;
use crate::database::dialect::{Access, Dialect};
use crate::database::error::{DatabaseError, ErrorKind};
use crate::database::record::Record;
use crate::database::statement::Sql;

/// A session that was idle for this long is checked before use. A session under load never is.
const CHECK_AFTER_IDLE: Duration = Duration::from_secs(1);

/// How long that check may take. A round trip takes milliseconds.
const CHECK_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a short statement may take in a session that is not new, at most. It leaves time for
/// another try.
const SHORT_STATEMENT_TIMEOUT: Duration = Duration::from_secs(2);

/// What statements a connection runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Statements {
    /// Statements that take milliseconds, and are sent again if their outcome is unknown.
    Short,
    /// Any statements. Each may use the whole time.
    Any,
}

/// A connection to a server.
pub(crate) struct Postgres {
    server: Server,
    statements: Statements,
    runtime: Runtime,
    session: Option<Session>,
    /// From the begin of a transaction to its commit or rollback.
    is_in_transaction: bool,
    /// The deadline for all statements of a search.
    deadline: Option<Instant>,
}

struct Session {
    client: Client,
    opened: Instant,
    /// When the server last replied.
    heard: Instant,
    /// The statement timeout that the server has for this session.
    given_up: Duration,
    prepared: Prepared,
}

impl Postgres {
    /// Opens a session. Errors: no suitable host can be reached, a pooler shares sessions, or the
    /// operating system refuses.
    pub(crate) fn open(server: Server, statements: Statements) -> Result<Self, DatabaseError> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| DatabaseError::new(error.to_string()))?;
        let mut connection = Self { server, statements, runtime, session: None, is_in_transaction: false, deadline: None };
        connection.session()?;
        if !connection.server.is_checked.load(Ordering::Relaxed) {
            connection.check_pooler()?;
        }
        Ok(connection)
    }

    /// Refuses a pooler that shares sessions. The check needs a second session. If there is none to
    /// be had, the next connection checks again.
    fn check_pooler(&mut self) -> Result<(), DatabaseError> {
        let (server, Some(Session { client, .. })) = (&self.server, &self.session) else { return Ok(()) };
        let compared = self.runtime.block_on(async {
            let second = server.open().await.ok()?;
            let shared = tokio::time::timeout(server.timeout, pooler::shares_sessions(client, &second.client)).await;
            second.close().await;
            shared.ok()?.ok()
        });
        match compared {
            Some(true) => Err(DatabaseError::new(format!("{server}: {}", pooler::SHARED_SESSIONS))),
            Some(false) => {
                server.is_checked.store(true, Ordering::Relaxed);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The session, opened again if it was lost. Errors: those of the server; a transaction was
    /// lost with its session.
    fn session(&mut self) -> Result<&mut Session, DatabaseError> {
        if !self.is_alive() {
            self.session = None;
            if self.is_in_transaction {
                return Err(DatabaseError::from_kind(
                    ErrorKind::Unreached,
                    format!("{} ended the session within a transaction", self.server),
                ));
            }
            let opened = self.runtime.block_on(self.server.open());
            let opened = opened.map_err(|text| {
                DatabaseError::from_kind(ErrorKind::Unreached, format!("cannot connect to {}: {text}", self.server))
            })?;
            let now = Instant::now();
            let given_up = self.server.given_up();
            self.session =
                Some(Session { client: opened.client, opened: now, heard: now, given_up, prepared: Prepared::default() });
        }
        self.session.as_mut().ok_or_else(|| DatabaseError::new("there is no session"))
    }

    /// Whether there is a usable session, as far as is known. An idle session is checked.
    fn is_alive(&mut self) -> bool {
        let Some(session) = self.session.as_mut().filter(|session| !session.client.is_closed()) else { return false };
        if self.is_in_transaction || session.heard.elapsed() < CHECK_AFTER_IDLE {
            return true;
        }
        let limit = CHECK_TIMEOUT.min(self.server.timeout.mul_f64(0.25));
        let answer = self.runtime.block_on(async { tokio::time::timeout(limit, session.client.check_connection()).await });
        session.heard = Instant::now();
        matches!(answer, Ok(Ok(())))
    }

    /// How long a statement may take in this session.
    fn limit(&self) -> Duration {
        let timeout = self.server.timeout;
        match &self.session {
            Some(session) if self.statements == Statements::Short && session.opened.elapsed() >= timeout => {
                SHORT_STATEMENT_TIMEOUT.min(timeout.mul_f64(0.4))
            }
            _ => timeout,
        }
    }

    /// The statement timeout of the server for the next statement. Errors: the deadline of the
    /// search has passed.
    fn given_up(&self) -> Result<Duration, DatabaseError> {
        let usual = self.server.given_up();
        let Some(deadline) = self.deadline else { return Ok(usual) };
        let left = deadline.saturating_duration_since(Instant::now());
        // The server counts whole milliseconds, and 0 means no limit.
        if left < Duration::from_millis(1) {
            return Err(DatabaseError::from_kind(ErrorKind::TooLong, "the search has reached its time limit"));
        }
        Ok(left.min(usual))
    }

    /// Does work in the session, within the time limit of a statement. Closes a session whose state
    /// is in doubt.
    fn run_with<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Session) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, DatabaseError> {
        self.session()?;
        let given_up = self.given_up()?;
        let limit = self.limit().min(given_up.saturating_add(self.server.timeout.saturating_sub(self.server.given_up())));
        let Some(session) = &mut self.session else { return Err(DatabaseError::new("there is no session")) };
        let limited = async {
            session.give_up_after(given_up).await?;
            work(session).await
        };
        let done = self.runtime.block_on(async { tokio::time::timeout(limit, limited).await });
        session.heard = Instant::now();
        let error = match done {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => DatabaseError::from_kind(kind(&error), explained(&error)),
            Err(_) => DatabaseError::from_kind(ErrorKind::Unknown, format!("{} does not answer", self.server)),
        };
        if matches!(error.kind, ErrorKind::Unreached | ErrorKind::Unknown) {
            self.session = None;
        }
        Err(error)
    }

    /// Runs a statement and returns its rows. The session keeps the statement if it says so. Within
    /// a transaction it does not: what it sets up for that would be undone with the transaction, or
    /// fail it.
    fn read(&mut self, sql: &Sql) -> Result<Vec<Row>, DatabaseError> {
        if !sql.keeps_plan || self.is_in_transaction || self.server.is_shared.load(Ordering::Relaxed) {
            return self.run_with(async |session| session.client.query_typed(&sql.text, &typed(sql)).await);
        }
        let is_shared = Arc::clone(&self.server.is_shared);
        self.run_with(async |session| {
            let rows = session.prepared.run(&session.client, sql).await;
            if rows.as_ref().is_err_and(shows_sharing) && !is_shared.swap(true, Ordering::Relaxed) {
                tracing::warn!("{}; until the next start this process keeps no plans", pooler::SHARED_SESSIONS);
            }
            rows
        })
    }
}

impl Session {
    /// Sets the server's statement timeout.
    async fn give_up_after(&mut self, limit: Duration) -> Result<(), tokio_postgres::Error> {
        if self.given_up != limit {
            self.client.batch_execute(&format!("SET statement_timeout = {}", limit.as_millis())).await?;
            self.given_up = limit;
        }
        Ok(())
    }
}

impl Connection for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn end_at(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    fn rows(&mut self, sql: &Sql) -> Result<Vec<Record>, DatabaseError> {
        self.read(sql)?.iter().map(record).collect()
    }

    fn change(&mut self, sql: &Sql) -> Result<u64, DatabaseError> {
        self.run_with(async |session| session.client.execute_typed(&sql.text, &typed(sql)).await)
    }

    fn begin(&mut self, access: Access) -> Result<(), DatabaseError> {
        self.run(self.dialect().begin(access))?;
        self.is_in_transaction = true;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), DatabaseError> {
        self.run("COMMIT")?;
        self.is_in_transaction = false;
        Ok(())
    }

    fn rollback(&mut self) {
        // The server also rolls back when the session ends.
        if self.session.is_some() && self.run("ROLLBACK").is_err() {
            self.session = None;
        }
        self.is_in_transaction = false;
    }
}
