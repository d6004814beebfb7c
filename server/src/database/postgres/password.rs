//! Where the password of a server comes from: the configuration, or the places that libpq reads.

use std::error::Error as _;
use std::path::{Path, PathBuf};

use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, Error};

use super::error::explained;
use crate::database::options::Options;
use crate::file;

/// The largest password file.
const MAX_PASSWORD_FILE_BYTES: usize = 1024 * 1024;

/// The usual folders of Unix sockets. In a password file they are called `localhost`.
const SOCKET_FOLDERS: [&str; 3] = ["/var/run/postgresql", "/run/postgresql", "/tmp"];

/// What to do about a password that does not fit into a URL.
const ENCODING_ADVICE: &str = "write %40 for @, %3A for :, %2F for /, %3F for ?, %23 for # and %25 for %; or set database.password \
     (KEYFOB_DATABASE_PASSWORD), which takes it as it is";

/// Where a password comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// `database.password`, or `PGPASSWORD`.
    Given,
    /// The URL, which holds it percent-encoded.
    Url,
    /// A password file, with a password for each server. It is read for each session, so a new
    /// password needs no restart.
    File(PathBuf),
    /// Nowhere.
    Unknown,
}

impl Source {
    /// Finds the password: `database.password`, the URL, `PGPASSWORD`, then a password file. Puts
    /// it into the configuration, unless it comes from the file.
    pub(super) fn find(config: &mut Config, options: &Options) -> Self {
        if let Some(password) = &options.password {
            config.password(password);
            return Self::Given;
        }
        if config.get_password().is_some() {
            return Self::Url;
        }
        if let Some(password) = set("PGPASSWORD") {
            config.password(password.as_encoded_bytes());
            return Self::Given;
        }
        default_file().map_or(Self::Unknown, Self::File)
    }

    /// Why a server refused a session, with advice if the password is the reason.
    pub(super) fn refused(&self, error: &Error) -> String {
        // tokio-postgres has no type for this error.
        if error.source().is_some_and(|cause| cause.to_string() == "password missing") {
            return self.missing();
        }
        let text = explained(error);
        if *self == Self::Url && error.code() == Some(&SqlState::INVALID_PASSWORD) {
            return format!("{text}; in a URL a % and two digits stand for another character: {ENCODING_ADVICE}");
        }
        text
    }

    /// Advice for a server that asks for a password when none is known.
    fn missing(&self) -> String {
        let todo = "asks for a password: set database.password (KEYFOB_DATABASE_PASSWORD)";
        match self {
            Self::File(path) => match read(path) {
                Ok(Some(_)) => format!("{todo}; no line of {} fits", path.display()),
                Ok(None) => format!("{todo}, PGPASSWORD or PGPASSFILE"),
                Err(reason) => format!("{todo}; {reason}"),
            },
            _ => format!("{todo}, PGPASSWORD or PGPASSFILE"),
        }
    }
}

/// An environment variable that is set and not empty.
fn set(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The password file of libpq.
fn default_file() -> Option<PathBuf> {
    if let Some(path) = set("PGPASSFILE") {
        return Some(path.into());
    }
    if cfg!(windows) {
        set("APPDATA").map(|folder| Path::new(&folder).join("postgresql").join("pgpass.conf"))
    } else {
        set("HOME").map(|folder| Path::new(&folder).join(".pgpass"))
    }
}

/// The text of a password file, if there is one. Errors: why the file is ignored.
fn read(path: &Path) -> Result<Option<String>, String> {
    let ignored = |reason: &str| format!("the password file {} is ignored: {reason}", path.display());
    let mut opened = match file::open_regular(path) {
        Ok(opened) => opened,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(ignored(&error.to_string())),
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = opened.metadata().map_err(|error| ignored(&error.to_string()))?;
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(ignored("others have access to it; run chmod 600 on it"));
        }
    }
    let bytes = file::read(&mut opened, MAX_PASSWORD_FILE_BYTES).map_err(|error| ignored(&error.to_string()))?;
    String::from_utf8(bytes.to_vec()).map(Some).map_err(|_| ignored("it is not UTF-8"))
}

/// The password for a host in a password file. Logs a warning for a file that is ignored.
pub(super) fn look_up(path: &Path, host: &Host, port: u16, config: &Config) -> Option<String> {
    let text = read(path).unwrap_or_else(|reason| {
        tracing::warn!("{reason}");
        None
    })?;
    let host = match host {
        Host::Tcp(name) => name.as_str(),
        #[cfg(unix)]
        Host::Unix(folder) => match folder.to_str()? {
            folder if SOCKET_FOLDERS.contains(&folder) => "localhost",
            folder => folder,
        },
    };
    let user = config.get_user().unwrap_or_default();
    // The database's default name is that of the user.
    let database = config.get_dbname().unwrap_or(user);
    find(&text, [host, &port.to_string(), database, user])
}

/// The password of the first line `HOST:PORT:DATABASE:USER:PASSWORD` that matches. `*` matches
/// everything, and `\` escapes `:` and `\`.
fn find(text: &str, wanted: [&str; 4]) -> Option<String> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut rest = line;
        for wanted in wanted {
            let (field, after) = field(rest)?;
            if field != "*" && unescaped(field) != wanted {
                return None;
            }
            rest = after;
        }
        Some(unescaped(rest)).filter(|password| !password.is_empty())
    })
}

/// A field up to its colon, and the rest of the line.
fn field(line: &str) -> Option<(&str, &str)> {
    let mut is_escaped = false;
    let end = line.find(|char| {
        let ends = char == ':' && !is_escaped;
        is_escaped = char == '\\' && !is_escaped;
        ends
    })?;
    line.get(..end).zip(line.get(end.saturating_add(1)..))
}

fn unescaped(field: &str) -> String {
    let mut chars = field.chars();
    std::iter::from_fn(|| chars.next().map(|char| if char == '\\' { chars.next().unwrap_or(char) } else { char })).collect()
}

/// Detects a password with unencoded characters. The URL would end it early, and its rest would
/// show as a host or a parameter.
///
/// Errors: advice, without the password.
pub(super) fn check_encoding(url: &str) -> Result<(), String> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let is_cut = match (place.matches('@').count(), query.split_once('@')) {
        (0 | 1, Some((_, after))) => {
            let hosts = place.rsplit('@').next().unwrap_or_default().split('/').next().unwrap_or_default();
            let is_port = |port: &str| port.parse::<u16>().is_ok();
            let has_ports = hosts.split(',').all(|host| match host.rsplit_once(':') {
                Some((name, port)) => is_port(port) || name.starts_with('['),
                None => true,
            });
            !has_ports || hosts.contains(':') && !place.contains('/') && after.contains('/')
        }
        (many, _) => many > 1,
    };
    if is_cut {
        return Err(format!("the user or the password has characters that a URL cannot hold: {ENCODING_ADVICE}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_file_is_read_as_libpq_reads_it() {
        let text = "# a comment\n\
            db1:5432:keyfob:otp:first\n\
            \n\
            too:few\n\
            db2:*:*:otp:sec\\:o\\\\nd\n\
            \\:\\:1:5432:keyfob:otp:sixth\n\
            db3:5432:keyfob:otp:\n\
            *:*:*:otp:any:colon\n";
        let found = |host, port, user| find(text, [host, port, "keyfob", user]);
        assert_eq!(found("db1", "5432", "otp").as_deref(), Some("first"));
        assert_eq!(found("db2", "1", "otp").as_deref(), Some("sec:o\\nd"));
        assert_eq!(found("::1", "5432", "otp").as_deref(), Some("sixth"));
        assert_eq!(found("db1", "5433", "otp").as_deref(), Some("any:colon"));
        assert_eq!(found("db1", "5432", "other"), None);
    }

    #[test]
    fn a_password_that_is_cut_off_is_found_and_others_pass() {
        for url in [
            "postgres://otp:hun@ter2@db1/keyfob",
            "postgres://otp:hun?ter2@db1/keyfob",
            "postgres://otp:12?ter=2@db1/keyfob",
            "postgres://otp:hu/n?ter2@db1/keyfob?sslmode=disable",
            "postgres://otp:@hunter2@db1",
            "postgres://otp:h@u:n?ter2@db1/keyfob",
        ] {
            let error = check_encoding(url).expect_err(url);
            assert!(error.contains("%40 for @") && error.contains("database.password") && !error.contains("ter2"), "{error}");
        }
        for url in [
            "postgres://otp:hunter2@db1/keyfob?options=a@b/c",
            "postgres://db1:5432/keyfob?options=a@b/c",
            "postgres://[::1]:5432/keyfob?options=a@b",
            "postgres://db1?user=a@b",
            "postgres://otp:h%40u:n/t#er%2@db1,db2:5433/keyfob",
        ] {
            assert_eq!(check_encoding(url), Ok(()), "{url}");
        }
    }
}
