//! Statements that a session keeps, with their plans: see [`Sql::keep_plan`].

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio_postgres::{Client, Row, Statement};

use super::value::typed;
use crate::database::statement::Sql;

/// How long a plan is kept. The server made it for tables as large as they were then, and an empty
/// table may have grown since.
const MAX_PLAN_AGE: Duration = Duration::from_secs(10);

/// The statements that a session keeps, by their texts.
#[derive(Default)]
pub(super) struct Prepared {
    statements: HashMap<String, (Statement, Instant)>,
    is_set_up: bool,
}

impl Prepared {
    /// Runs a statement, which the session keeps from then on, and returns its rows.
    pub(super) async fn run(&mut self, client: &Client, sql: &Sql) -> Result<Vec<Row>, tokio_postgres::Error> {
        if !self.is_set_up {
            // The server would otherwise make a plan for the values of each batch, as long as that
            // looks cheaper. Servers without the setting decide for themselves. It holds for the
            // other statements of the session as well, which look up devices by key.
            let _ = client.batch_execute("SET plan_cache_mode = force_generic_plan").await;
            self.is_set_up = true;
        }
        let values = typed(sql);
        let kept = self.statements.get(&*sql.text).filter(|(_, since)| since.elapsed() < MAX_PLAN_AGE);
        let statement = if let Some((statement, _)) = kept {
            statement.clone()
        } else {
            let types: Vec<_> = values.iter().map(|(_, kind)| kind.clone()).collect();
            let statement = client.prepare_typed(&sql.text, &types).await?;
            self.statements.insert(sql.text.to_string(), (statement.clone(), Instant::now()));
            statement
        };
        let bare: Vec<_> = values.iter().map(|(value, _)| *value).collect();
        let done = client.query(&statement, &bare).await;
        if done.as_ref().is_err_and(is_outdated) {
            self.statements.remove(&*sql.text);
            return client.query_typed(&sql.text, &values).await;
        }
        done
    }
}

/// Whether an error says that the statement is not the one that was prepared: a table has changed
/// (0A000), or it is another program's and has other types (22P03). Nothing was done then.
fn is_outdated(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| ["0A000", "22P03"].contains(&code.code()))
}
