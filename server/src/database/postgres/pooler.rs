//! Poolers between this process and a server. Each connection needs a session of its own there.
//! Otherwise its settings, such as the statement timeout, would apply to other clients.

use tokio_postgres::Client;

/// How often two sessions are compared, since other clients of the pooler may hide a shared session
/// once.
const MAX_COMPARISONS: usize = 3;

/// The error of a pooler that shares sessions, with advice.
pub(super) const SHARED_SESSIONS: &str = "a pooler gives one session of the server to several clients in turn (by transaction or by \
     statement), and keyfob needs its own: set pool_mode = session in PgBouncer, for this database or all";

/// Advice about a pooler, for an error of this code (PostgreSQL, appendix A).
pub(super) fn advice(code: &str) -> Option<&'static str> {
    match code {
        "26000" | "42P05" | "22012" => Some(SHARED_SESSIONS),
        // PgBouncer uses this code for everything that it refuses.
        "08P01" => Some("a pooler may be the cause: PgBouncer needs pool_mode = session, and enough connections for all clients"),
        _ => None,
    }
}

/// Whether a pooler shares sessions. Each of two open sessions gets a mark of its own. A session
/// that reads another mark is not the same server session any more, or is shared with the other
/// one. Neither happens without a pooler, or with one that pools by session.
///
/// Errors: those of the server, which leave the question open.
pub(super) async fn shares_sessions(first: &Client, second: &Client) -> Result<bool, tokio_postgres::Error> {
    for _ in 0..MAX_COMPARISONS {
        let marks = [mark(), mark()];
        let sessions = [(first, &marks[0]), (second, &marks[1])];
        // A pooler that takes its server sessions in turn loses a mark at once. A pooler that takes
        // the last one overwrites the first mark with the second.
        for (session, mark) in sessions {
            session.batch_execute(&format!("SET keyfob.session = '{mark}'")).await?;
            if !has(session, mark).await? {
                return Ok(true);
            }
        }
        if !has(first, &marks[0]).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A unique mark.
fn mark() -> String {
    format!("{:016x}{:016x}", getrandom::u64().unwrap_or_default(), getrandom::u64().unwrap_or_default())
}

async fn has(session: &Client, mark: &str) -> Result<bool, tokio_postgres::Error> {
    let rows = session.query_typed("SELECT current_setting('keyfob.session', true)", &[]).await?;
    let read: Option<String> = rows.first().map(|row| row.try_get(0)).transpose()?.flatten();
    Ok(read.as_deref() == Some(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_a_pooler_come_with_advice() {
        for code in ["26000", "42P05", "22012", "08P01"] {
            assert!(advice(code).is_some_and(|text| text.contains("pool_mode = session")), "{code}");
        }
        assert_eq!(advice("23505"), None);
    }
}
