//! `keyfob find`: the device of a token without a label.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use keyfob_scim::{Filter, FoundToken, FoundTokens, TokenSearch};
use serde_json::{Value, json};

use super::configuration::configured_store;
use super::open::with_store;
use crate::cli::args::FindArgs;
use crate::cli::clock::now;
use crate::cli::input;
use crate::cli::output::{self, note};
use crate::cli::result::Result;
use crate::config::Config;
use crate::store::word;

/// The actor in the trail.
const ACTOR: &str = "find";
/// The account on whose behalf the store is searched: none, since this command has no account.
const OPERATOR: &str = "";
/// How long a search takes before it shows its progress.
const QUIET_PERIOD: Duration = Duration::from_secs(1);

pub(crate) fn run(args: &FindArgs) -> Result<ExitCode> {
    let config = configured_store(&args.config)?;
    let search = search(args, &config)?;
    let found = with_store(&config, async |store| {
        // Drawn on a terminal only.
        let (began, bar) = (Instant::now(), ProgressBar::new_spinner());
        let progress = |searched| {
            if began.elapsed() >= QUIET_PERIOD {
                bar.tick();
                bar.set_message(format!("{searched} devices"));
            }
        };
        let found = store.find(OPERATOR, search.clone(), progress).await;
        bar.finish_and_clear();
        let found = found?;
        // Before the answer is shown.
        store.audit(found.event(ACTOR, now()?)).await?;
        Ok(found)
    })?;
    if found.unreadable > 0 {
        note(&format!("{} devices cannot be read, and were not searched", found.unreadable));
    }
    if args.json {
        output::print(&output::json_line(object(&found, &search))?)?;
    } else {
        output::print(text(&found, &search).as_bytes())?;
    }
    Ok(ExitCode::from(u8::from(found.total == 0)))
}

/// The search for the codes of the arguments, or of standard input.
fn search(args: &FindArgs, config: &Config) -> Result<TokenSearch> {
    let filter = args.filter.clone().unwrap_or(Filter::ALL);
    let policy = config.settings.policy;
    let read = |argument: Option<&std::ffi::OsString>, prompt| input::read_code(argument.map(AsRef::as_ref), prompt);
    let search = match (args.one_code, args.codes.as_slice()) {
        (true, [_, _]) => return Err("--one-code: takes one code; leave the option out to search by two".into()),
        (false, [_]) => return Err("CODE: must be two codes in a row; --one-code searches by one alone".into()),
        (true, codes) => {
            let code = read(codes.first(), "Code: ")?;
            TokenSearch::for_code(filter, policy, str::from_utf8(&code).unwrap_or_default(), now()?)
        }
        (false, codes) => {
            let (first, second) = (read(codes.first(), "Code: ")?, read(codes.get(1), "Next code: ")?);
            let [first, second] = [&first, &second].map(|code| str::from_utf8(code).unwrap_or_default());
            TokenSearch::for_two_codes(filter, policy, [first, second], now()?)
        }
    };
    search.map_err(|error| error.detail.into())
}

/// Lines for people. Names are quoted and escaped, as in the trail.
fn text(found: &FoundTokens, search: &TokenSearch) -> String {
    let line = |FoundToken { row, drift }: &FoundToken| {
        let user = if row.has_user() { format!("of {:?}", row.user) } else { "without a user".to_owned() };
        format!("device {} {:?} {user}: {}, {}, drift {drift}\n", row.id, row.name, row.kind.name(), word(row.status))
    };
    let lines: String = found.tokens.iter().map(line).collect();
    let listed = u64::try_from(found.tokens.len()).unwrap_or(u64::MAX);
    let rest = match found.total.saturating_sub(listed) {
        0 if listed == 0 => "not found\n".to_owned(),
        0 => String::new(),
        more => format!("and {more} more\n"),
    };
    format!("{lines}{rest}{}\n", found.odds(search))
}

fn object(found: &FoundTokens, search: &TokenSearch) -> Value {
    let device = |FoundToken { row, drift }: &FoundToken| {
        json!({
            "id": row.id,
            "name": row.name,
            "user": row.has_user().then_some(&row.user),
            "kind": row.kind.name(),
            "status": word(row.status),
            "drift": drift,
        })
    };
    json!({
        "devices": found.tokens.iter().map(device).collect::<Vec<_>>(),
        "total": found.total,
        "searched": found.searched,
        "unreadable": found.unreadable,
        "chance": f64::from(found.chance(search).parts_per_billion()) / 1e9,
        "odds": found.odds(search),
    })
}
