//! `SCO_DEVICE` in a MariaDB or MySQL database of Soffid's.

use std::fmt::Display;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, OptsBuilder, Row, SslOpts, Value};
use percent_encoding::percent_decode_str;
use tokio::runtime::Runtime;

use super::select::{Column, Select, SqlDialect, UserNames};
use super::source::{Field, RawRow, ReadRow, Source, UnreadableRow};
use crate::tls;

/// Statements at the start of a session. Times with a zone are shown in UTC, and all statements see
/// the same snapshot.
const SESSION_SETUP: [&str; 5] = [
    "SET NAMES utf8mb4",
    "SET SESSION sql_mode = ''",
    "SET SESSION time_zone = '+00:00'",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
];

/// Whether a URL is of this kind of database.
pub(crate) fn is_mysql(url: &str) -> bool {
    url.starts_with("mysql://") || url.starts_with("mariadb://")
}

pub(crate) struct MySqlTable {
    session: Session,
    select: Select,
    after: i64,
}

impl MySqlTable {
    /// Opens a table of `mysql://USER@HOST/DATABASE`. All pages show it as it is at this
    /// moment. No statement takes longer than `timeout`.
    ///
    /// Errors: a message for people, without the password.
    pub(crate) fn open(
        url: &str,
        password: Option<String>,
        timeout: Duration,
        table: &str,
        names: &UserNames<'_>,
    ) -> Result<Self, String> {
        let (options, shown) = options(url, password).map_err(|fault| format!("--from: {fault}"))?;
        let options = Opts::from(options);
        let has_password = options.pass().is_some_and(|password| !password.is_empty());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
        let connect = async { tokio::time::timeout(timeout, Conn::new(options)).await };
        let connection = match runtime.block_on(connect) {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => {
                let remedy = if is_denied(&error) && !has_password { "; give the password in MYSQL_PWD" } else { "" };
                return Err(format!("cannot connect to {shown}: {}{remedy}", message(&error)));
            }
            Err(_) => return Err(format!("cannot connect to {shown}: it does not answer within {timeout:?}")),
        };
        let mut session = Session { runtime, connection, shown, timeout };
        let select = Select::new(&mut session, table, names).map_err(|fault| format!("{}: {fault}", session.shown))?;
        Ok(Self { session, select, after: i64::MIN })
    }

    /// Reads the fields of a row. Its first column, the number of the device, is no field.
    fn raw(&self, row: Row) -> ReadRow {
        let mut raw = RawRow::default();
        for (&field, value) in self.select.fields.iter().zip(row.unwrap_raw().into_iter().skip(1)) {
            let Ok(text) = text(value) else {
                return Err(UnreadableRow { line: None, reason: format!("{}: is not UTF-8", field.name()) });
            };
            raw.set(field, text);
        }
        Ok(raw)
    }
}

impl Display for MySqlTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.session.shown)
    }
}

impl Source for MySqlTable {
    fn page(&mut self) -> Result<Vec<ReadRow>, String> {
        let sql = format!("{}?{}", self.select.start, self.select.end);
        let rows = self.session.rows(sql, vec![self.after.into()]).map_err(|fault| format!("{self}: {fault}"))?;
        let mut page = Vec::with_capacity(rows.len());
        for row in rows {
            let id = row.as_ref(0).cloned().and_then(|value| text(Some(value)).ok().flatten()).and_then(|id| id.parse().ok());
            self.after = id.ok_or_else(|| format!("{self}: OTP_ID: is no number"))?;
            page.push(self.raw(row));
        }
        Ok(page)
    }

    fn restart(&mut self) -> Result<(), String> {
        self.after = i64::MIN;
        Ok(())
    }
}

struct Session {
    runtime: Runtime,
    connection: Conn,
    /// The URL without the password.
    shown: String,
    timeout: Duration,
}

impl Session {
    fn rows(&mut self, sql: String, parameters: Vec<Value>) -> Result<Vec<Row>, String> {
        let Self { runtime, connection, timeout, .. } = self;
        let rows = async { tokio::time::timeout(*timeout, connection.exec(sql, parameters)).await };
        match runtime.block_on(rows) {
            Ok(rows) => rows.map_err(|error| message(&error)),
            Err(_) => Err(format!("a statement took longer than {timeout:?}; give it more time with database.timeout")),
        }
    }
}

impl SqlDialect for Session {
    fn describe(&mut self, table: &str) -> Result<(String, Vec<Column>), String> {
        let (schema, name) = table.split_once('.').map_or((None, table), |(schema, name)| (Some(schema), name));
        // Some systems tell the names of tables apart by case. The exact name comes first.
        let sql = "SELECT t.table_schema, t.table_name, c.column_name, c.data_type FROM information_schema.tables t \
                   JOIN information_schema.columns c ON c.table_schema = t.table_schema AND c.table_name = t.table_name \
                   WHERE lower(t.table_schema) = lower(coalesce(?, database())) AND lower(t.table_name) = lower(?) \
                   ORDER BY t.table_name = BINARY ? DESC, t.table_schema, t.table_name, c.ordinal_position";
        let parameters = [schema, Some(name), Some(name)].map(|text| text.map_or(Value::NULL, |text| Value::Bytes(text.into())));
        let mut found: Option<(String, Vec<Column>)> = None;
        for row in self.rows(sql.to_owned(), parameters.into())? {
            let texts: Result<Vec<_>, _> = row.unwrap_raw().into_iter().map(text).collect();
            let [schema, table, name, kind] = texts?.try_into().map_err(|_| "answers with unexpected columns")?;
            let (schema, table) = (schema.unwrap_or_default(), table.unwrap_or_default());
            let whole = format!("{}.{}", self.quoted(&schema), self.quoted(&table));
            let (known, columns) = found.get_or_insert_with(|| (whole.clone(), Vec::new()));
            if *known == whole {
                columns.push(Column { name: name.unwrap_or_default(), kind: kind.unwrap_or_default().to_ascii_lowercase() });
            }
        }
        found.ok_or_else(|| {
            format!("has no table {table} that this user may read; name it with --table or --users, with its database if need be")
        })
    }

    fn quoted(&self, name: &str) -> String {
        format!("`{}`", name.replace('`', "``"))
    }

    fn text(&self, column: &str, _: Field, kind: &str) -> String {
        match kind {
            // A moment, shown in the session's zone.
            "timestamp" => format!("concat({column}, 'Z')"),
            _ => format!("cast({column} AS char)"),
        }
    }

    fn number(&self, column: &str) -> String {
        format!("cast({column} AS char)")
    }
}

/// A value as text. Errors: it is not UTF-8.
fn text(value: Option<Value>) -> Result<Option<String>, String> {
    match value {
        Some(Value::Bytes(bytes)) => String::from_utf8(bytes).map(Some).map_err(|_| "is not UTF-8".to_owned()),
        None | Some(Value::NULL) => Ok(None),
        Some(_) => Err("is no text".to_owned()),
    }
}

/// Whether a server refuses a user: `ER_ACCESS_DENIED_ERROR` or
/// `ER_ACCESS_DENIED_NO_PASSWORD_ERROR`.
fn is_denied(error: &mysql_async::Error) -> bool {
    matches!(error, mysql_async::Error::Server(error) if matches!(error.code, 1045 | 1698))
}

fn message(error: &mysql_async::Error) -> String {
    match error {
        mysql_async::Error::Server(error) => error.message.clone(),
        // Both this error and the one in it begin with "Input/output error".
        mysql_async::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// Reads a URL. Without `ssl-mode`, a connection to this machine has no TLS, and any other has. The
/// server's certificate and its name are always checked.
fn options(url: &str, password: Option<String>) -> Result<(OptsBuilder, String), String> {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let rest = base.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
    // With such characters in a password, the parser would read a part of it as the host, and show
    // it.
    let is_encoded = rest.split('/').skip(1).all(|part| !part.contains('@')) && rest.matches('@').count() < 2;
    // Its own error text may repeat a password.
    let known = Opts::from_url(&format!("mysql://{rest}")).ok().filter(|_| is_encoded);
    let known = known.ok_or("must be mysql://USER@HOST/DATABASE; in a user or a password write @ as %40, / as %2F and : as %3A")?;
    let (mut mode, mut authorities, mut socket) = (None, None, None);
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = percent_decode_str(value).decode_utf8().map_err(|_| format!("{name}: is not UTF-8"))?.into_owned();
        match name {
            "ssl-mode" => mode = Some(value),
            "ssl-ca" => authorities = Some(value),
            "socket" => socket = Some(value),
            // Any other name may be a part of a password.
            _ if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) => {
                return Err(format!("{name}: is no parameter; there are ssl-mode, ssl-ca and socket"));
            }
            _ => return Err("has an unknown parameter; there are ssl-mode, ssl-ca and socket".to_owned()),
        }
    }
    let host = known.ip_or_hostname().trim_matches(['[', ']']).to_owned();
    let is_here = socket.is_some() || host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let has_tls = match mode.as_deref().map(str::to_ascii_uppercase).as_deref() {
        Some("DISABLED") => false,
        Some("REQUIRED" | "VERIFY_CA" | "VERIFY_IDENTITY") => true,
        Some(_) => return Err("ssl-mode: must be DISABLED or VERIFY_IDENTITY".to_owned()),
        None => !is_here || authorities.is_some(),
    };
    let tls = if has_tls { Some(tls_options(&host, authorities.as_deref())?) } else { None };
    let (user, database) = (known.user().unwrap_or_default(), known.db_name().unwrap_or_default());
    if database.is_empty() {
        return Err("names no database; it must be mysql://USER@HOST/DATABASE".to_owned());
    }
    let shown = format!("mysql://{user}@{}:{}/{database}", known.ip_or_hostname(), known.tcp_port());
    let password = known.pass().map(str::to_owned).or(password);
    let options = OptsBuilder::from_opts(known.clone())
        .pass(password)
        .socket(socket)
        .prefer_socket(false)
        .ssl_opts(tls)
        .tcp_keepalive(Some(Duration::from_secs(30)))
        .setup(SESSION_SETUP.to_vec());
    Ok((options, shown))
}

/// TLS with the authorities of the system and of a file.
fn tls_options(host: &str, authorities: Option<&str>) -> Result<SslOpts, String> {
    let trusted = tls::authorities(authorities.map(Path::new)).map_err(|fault| format!("ssl-ca: {fault}"))?;
    let trusted = trusted.iter().map(|certificate| certificate.as_ref().to_vec().into()).collect();
    // Without the brackets of an address of IPv6.
    let name = Some(host.to_owned());
    Ok(SslOpts::default().with_root_certs(trusted).with_disable_built_in_roots(true).with_danger_tls_hostname_override(name))
}
