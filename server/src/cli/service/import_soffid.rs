//! `keyfob import-soffid`: imports devices of Soffid's into the store.

use std::path::Path;
use std::process::ExitCode;

use jiff::tz::TimeZone;

use super::configuration::configured;
use super::import_store::{ImportStore, Progress, print};
use crate::cli::args::ImportSoffidArgs;
use crate::cli::clock::now;
use crate::cli::output::{self, note};
use crate::cli::result::Result;
use crate::config::Config;
use crate::database::{Location, Options};
use crate::soffid::{self, DelimitedFile, FileOptions, MySqlTable, PostgresTable, Rules, Source, UserNames};
use crate::store::Preview;

pub(crate) fn run(args: &ImportSoffidArgs) -> Result<ExitCode> {
    let config = configured(&args.config)?;
    let zone = args
        .time_zone
        .as_deref()
        .map_or(Ok(TimeZone::UTC), TimeZone::get)
        .map_err(|error| format!("--time-zone: {error}; give a name as Europe/Madrid"))?;
    let rules = Rules {
        settings: &config.settings,
        users: config.users.as_ref(),
        tenant: args.tenant.as_deref(),
        zone: &zone,
        hotp: (args.hotp_digits, args.hotp_algorithm),
        now: now()?,
        corrects_names: args.correct_names,
        writes: args.write,
    };
    let mut source = source(args, &config)?;
    if args.time_zone.is_none() {
        note("times are read as UTC; --time-zone names another");
    }
    // Inspected before any file is created.
    let mut preview = Preview::open(&config.store)?;
    let mut inspection = soffid::inspect(&mut *source, &rules, &mut preview, &mut print)?;
    drop(preview);
    if args.write {
        write(&mut *source, &rules, &mut inspection, &config)?;
    }
    output::print(inspection.report.summary().as_bytes())?;
    Ok(ExitCode::from(u8::from(inspection.report.refused > 0 || inspection.report.differ > 0)))
}

fn source(args: &ImportSoffidArgs, config: &Config) -> Result<Box<dyn Source>> {
    let (column, users) = (args.user_column.as_deref(), args.users.as_deref());
    let names = column.map_or(UserNames::Table(users), UserNames::Column);
    let is_postgres = args.from.starts_with("postgres://") || args.from.starts_with("postgresql://");
    if (is_postgres || soffid::is_mysql(&args.from)) && (args.dialect.is_some() || args.null.is_some()) {
        return Err("--dialect and --null: say how a file is written; leave them out where --from is a database".into());
    }
    if soffid::is_mysql(&args.from) {
        let (password, timeout) = (std::env::var("MYSQL_PWD").ok(), config.database.timeout);
        return Ok(Box::new(MySqlTable::open(&args.from, password, timeout, &args.table, &names)?));
    }
    if is_postgres {
        // The password of the store is not that of Soffid's database.
        let options = Options { password: std::env::var("PGPASSWORD").ok(), ..config.database.clone() };
        let location = Location::parse(&args.from, &options).map_err(|error| format!("--from: {error}"))?;
        return Ok(Box::new(PostgresTable::open(&location, &args.table, &names)?));
    }
    if let Some(error) = foreign_url(&args.from) {
        return Err(error.into());
    }
    let options =
        FileOptions { user_column: column, users: users.map(Path::new), quoting: args.dialect, null: args.null.as_deref() };
    Ok(Box::new(DelimitedFile::open(Path::new(&args.from), options)?))
}

/// The error for a URL that the import cannot read; none for a path. It repeats no part of the URL,
/// which may hold a password.
fn foreign_url(from: &str) -> Option<String> {
    let scheme = match from.strip_prefix("jdbc:") {
        Some(rest) => rest.split(':').next()?,
        None => from.split_once("://")?.0,
    };
    if !scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-')) {
        return None;
    }
    let remedy = match scheme {
        "postgres" | "postgresql" => "write it as postgres://USER@HOST/DATABASE",
        "mysql" | "mariadb" => "write it as mysql://USER@HOST/DATABASE",
        "file" => "give the path alone",
        _ => "export the tables to files of comma-separated values, and give their paths with --from and --users",
    };
    Some(format!("--from: {} is not read; {remedy}", if from.starts_with("jdbc:") { "a URL of JDBC" } else { "this URL" }))
}

fn write(source: &mut dyn Source, rules: &Rules<'_>, inspection: &mut soffid::Inspection, config: &Config) -> Result<()> {
    let target = ImportStore::open(config)?;
    let progress = Progress::new("rows");
    let mut print = |line: &str| progress.print(line);
    let written = soffid::write(source, rules, inspection, target.parts(), &mut print, &mut |rows| progress.add(rows));
    progress.end();
    target.close();
    Ok(written?)
}
