//! The command line. There is no option for a secret: other users see command lines, and shells keep them.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, value_parser};
use clap_complete::Shell;
use keyfob::{Algorithm, Digits, Error};
use keyfob_scim::Roles;

/// One-time passwords: TOTP (RFC 6238) and HOTP (RFC 4226)
#[derive(Parser)]
#[command(name = "keyfob", version, after_help = "Exit status: 0 done or right, 1 wrong, 2 bad use or an error.")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Print the code of a secret
    #[command(after_help = "Examples:
  keyfob code                                    prompt for a Base32 secret
  keyfob code --secret-file alice.secret --json
  keyfob code --hex --counter 7 < hotp.hex
  keyfob code --secret-file alice.uri            parameters from the otpauth URI")]
    Code(CodeArgs),
    /// Tell whether a code is right, against a secret or a state file
    #[command(after_help = "Examples:
  keyfob verify --state alice.keyfob             prompt for the code; each code is right once, ten wrong ones lock
  printf '%s\\n' \"$code\" | keyfob verify --state alice.keyfob
  keyfob verify --secret-file alice.secret 123456

Scripts pass a code on standard input, or after --, so that it is never taken for an option.
Exit status: 0 right, 1 wrong, 2 bad use or an error.")]
    Verify(VerifyArgs),
    /// Make a secret, show it as a URI and a QR code, and store its device
    #[command(after_help = "Examples:
  keyfob enroll --state alice.keyfob --issuer ACME --account alice@example.com
  keyfob enroll --hotp --state token.keyfob --png token.png
  keyfob enroll --secret-file alice.uri --state alice.keyfob   take over an authenticator")]
    Enroll(EnrollArgs),
    /// Show the device in a state file, without its secret
    #[command(after_help = "Example:\n  keyfob show --state alice.keyfob --json")]
    Show(ShowArgs),
    /// Open a locked device again and reset its fails
    #[command(after_help = "Example:\n  keyfob unlock --state alice.keyfob")]
    Unlock(UnlockArgs),
    /// Find a HOTP device that has run ahead, by two codes in a row
    #[command(after_help = "Example:\n  keyfob resync --state token.keyfob 520489 403154

The codes are searched over 100 counters. Exit status: 0 right, 1 wrong, 2 bad use or an error.")]
    Resync(ResyncArgs),
    /// Serve devices over HTTP: SCIM 2.0, as Soffid's own
    #[command(after_help = SERVE)]
    Serve(ServeArgs),
    /// Make, list or remove the accounts that may use the service
    #[command(subcommand)]
    Account(AccountCommand),
    /// Show what happened to devices, the newest first
    #[command(after_help = "Examples:
  keyfob audit --user dilbert
  keyfob audit --device 60 --since '2026-01-31 08:00:00' --json")]
    Audit(AuditArgs),
    /// Take devices over from Soffid's table `SCO_DEVICE`: look first, then write
    #[command(name = "import-soffid", after_help = IMPORT)]
    ImportSoffid(ImportArgs),
    /// Move all devices into another store: from a file to PostgreSQL, or back
    #[command(after_help = "Example:
  keyfob migrate --store sqlite://keyfob.db --to postgres://keyfob@db1,db2/keyfob

Services may run meanwhile. At the end they can change no device any more until they are started with the new store; what it takes to get
there is a last look at each device. A migration that was broken off goes on where it was. The key stays the same.")]
    Migrate(MigrateArgs),
    /// Seal all records under a new key, while services run
    #[command(after_help = "Examples:
  keyfob rotate-key                              one machine: make a key, wait for the services, seal anew
  keyfob rotate-key --reseal-only                several machines: once all have the new key first in their key files

Services read the key file anew when it changes. Old keys stay in it: backups need them.")]
    RotateKey(RotateArgs),
    /// Print a completion script for a shell
    #[command(after_help = "Example:\n  keyfob completions bash > /etc/bash_completion.d/keyfob")]
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Args)]
pub(crate) struct CodeArgs {
    #[command(flatten)]
    pub(crate) authenticator: AuthenticatorArgs,
    #[command(flatten)]
    pub(crate) clock: Clock,
    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct VerifyArgs {
    /// The code [default: prompt, or a line of standard input, after the secret if that comes from there too]
    pub(crate) code: Option<OsString>,
    /// State file of the device, in place of a secret
    // "Parameters" is the group that clap makes of that struct; of one that flattens another it makes none.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["secret_file", "hex", "t0", "counter", "Parameters"])]
    pub(crate) state: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) authenticator: AuthenticatorArgs,
    /// TOTP: steps accepted each side of the present one; HOTP: counters accepted after the expected one; 0 to 1000
    /// [default: 1 for TOTP, 10 for HOTP]
    #[arg(long, value_name = "N")]
    pub(crate) window: Option<u16>,
    #[command(flatten)]
    pub(crate) clock: Clock,
    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// The secret and its parameters.
#[derive(Args)]
pub(crate) struct AuthenticatorArgs {
    /// File with the secret or an otpauth URI; - is standard input [default: prompt, or a line of standard input]
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// The secret is hexadecimal [default: Base32]
    #[arg(long)]
    pub(crate) hex: bool,
    #[command(flatten)]
    pub(crate) parameters: Parameters,
    /// TOTP: time from which steps are counted, in Unix seconds [default: 0]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) t0: Option<u64>,
    /// HOTP instead of TOTP, with this counter [default: that of an otpauth URI]
    #[arg(long, value_name = "N")]
    pub(crate) counter: Option<u64>,
}

/// What an otpauth URI too may say; an option given here goes before it.
#[derive(Args)]
pub(crate) struct Parameters {
    /// Hash algorithm: sha1, sha256 or sha512 [default: sha1]
    #[arg(long)]
    pub(crate) algorithm: Option<Algorithm>,
    /// Digits of a code, 6 to 10 [default: 6]
    #[arg(long, value_name = "N", value_parser = digits)]
    pub(crate) digits: Option<Digits>,
    /// TOTP: length of a step in seconds, 1 or more [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = value_parser!(u32).range(1..))]
    pub(crate) period: Option<u32>,
}

#[derive(Args)]
pub(crate) struct EnrollArgs {
    /// State file to make; never overwritten [default: nothing is stored]
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// File with the secret or an otpauth URI; - is standard input [default: a new secret is drawn]
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// The secret is hexadecimal [default: Base32]
    #[arg(long, requires = "secret_file")]
    pub(crate) hex: bool,
    /// HOTP [default: TOTP, or what an otpauth URI says]
    #[arg(long)]
    pub(crate) hotp: bool,
    /// HOTP: counter of the first code [default: 0]
    #[arg(long, value_name = "N", requires = "hotp")]
    pub(crate) counter: Option<u64>,
    #[command(flatten)]
    pub(crate) parameters: Parameters,
    /// Who issues the secret, as authenticators show it [default: keyfob]
    #[arg(long, value_name = "NAME")]
    pub(crate) issuer: Option<String>,
    /// Whose account it is for, as authenticators show it [default: the environment's USER, else user]
    #[arg(long, value_name = "NAME")]
    pub(crate) account: Option<String>,
    /// PNG file to make of the QR code; never overwritten [default: the QR code is drawn below the URI]
    #[arg(long, value_name = "FILE")]
    pub(crate) png: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) clock: Clock,
    /// Print a JSON object, and draw no QR code
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct ShowArgs {
    /// State file of the device
    #[arg(long, value_name = "FILE")]
    pub(crate) state: PathBuf,
    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct UnlockArgs {
    /// State file of the device
    #[arg(long, value_name = "FILE")]
    pub(crate) state: PathBuf,
    #[command(flatten)]
    pub(crate) clock: Clock,
}

#[derive(Args)]
pub(crate) struct ResyncArgs {
    /// State file of the device
    #[arg(long, value_name = "FILE")]
    pub(crate) state: PathBuf,
    /// The code that the device shows
    pub(crate) code1: OsString,
    /// The code that it shows next
    pub(crate) code2: OsString,
    #[command(flatten)]
    pub(crate) clock: Clock,
    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

const SERVE: &str = "\
The configuration is read from the TOML file of --config or KEYFOB_CONFIG, then from the environment, then from flags; the last one that says
something counts. Each key KEY or SECTION.KEY is KEYFOB_KEY or KEYFOB_SECTION_KEY in the environment and --set KEY=VALUE as a flag. README.md
lists them all.

Examples:
  keyfob serve                                   loopback, port 8080, everything in this folder
  keyfob serve --config keyfob.toml --check      tell what is wrong, and serve nothing
  KEYFOB_ADMIN_PASSWORD=... keyfob serve --listen 127.0.0.1:9000 --set policy.window=2";

/// Where the service finds its configuration.
#[derive(Args)]
pub(crate) struct ConfigArgs {
    /// TOML file with the configuration [default: that of the variable `KEYFOB_CONFIG`]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where devices are: `sqlite://FILE` or `postgres://USER@HOST/DATABASE` [default: the file keyfob.db]
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// Set any other key of the configuration
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub(crate) set: Vec<(String, String)>,
}

#[derive(Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Where to listen [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<String>,
    /// Whom answers are written for: seed (Soffid's clients) or rfc [default: seed]
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Check the configuration, name each fault with its key, and serve nothing
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Subcommand)]
pub(crate) enum AccountCommand {
    /// Make an account, or replace the one of this name
    #[command(after_help = "Examples:
  keyfob account add soffid --roles verify,query          prompt for the password, or a line of standard input
  keyfob account add sync --roles all --token             print a fresh token, once")]
    Add {
        /// Its name
        name: String,
        /// What it may do: query, manage, cancel, unlock, verify, with commas between them, or all
        #[arg(long)]
        roles: Roles,
        /// A token made up now, in place of a password
        #[arg(long)]
        token: bool,
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// List the accounts and their roles
    List {
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Remove an account
    Remove {
        /// Its name
        name: String,
        #[command(flatten)]
        config: ConfigArgs,
    },
}

#[derive(Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Of this device only
    #[arg(long, value_name = "ID")]
    pub(crate) device: Option<i64>,
    /// Of this user's devices only
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// At this time or later: yyyy-MM-dd HH:mm:ss in UTC, or ISO 8601
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub(crate) since: Option<i64>,
    /// At most this many lines
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: u32,
    /// Print JSON objects, one a line
    #[arg(long)]
    pub(crate) json: bool,
}

const IMPORT: &str = "\
Without --write nothing is written: all rows are read, and the command tells how many it would take, which are there already, and of each row that
it would not take why. Devices keep their numbers and names. A row that was imported before is left as it is, so the command can be repeated. Once
it has written, Soffid must verify none of these codes any more: one that it accepts later is right here once more.

The database's password is that of the variable PGPASSWORD. A CSV file begins with a line of the columns' names.

Examples:
  keyfob import-soffid --from postgres://soffid@db1/soffid --time-zone Europe/Madrid
  keyfob import-soffid --from postgres://soffid@db1/soffid --time-zone Europe/Madrid --write
  keyfob import-soffid --from devices.csv --users users.csv --store postgres://keyfob@db2/keyfob --write

Exit status: 0 all rows are there, or would be; 1 some are not taken; 2 bad use or an error.";

#[derive(Args)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Soffid's database, or a CSV file with the table
    #[arg(long, value_name = "postgres://USER@HOST/DATABASE|FILE")]
    pub(crate) from: String,
    /// Write what is taken [default: only tell]
    #[arg(long)]
    pub(crate) write: bool,
    /// Database: the table with the devices
    #[arg(long, value_name = "NAME", default_value = "SCO_DEVICE")]
    pub(crate) table: String,
    /// Table, or CSV file, with `USU_ID` and `USU_CODI` of the users [default: the table `SC_USUARI`]
    #[arg(long, value_name = "NAME|FILE", conflicts_with = "user_column")]
    pub(crate) users: Option<String>,
    /// Column of the devices with the users' names [default: `USU_CODI`, where there is one]
    #[arg(long, value_name = "NAME")]
    pub(crate) user_column: Option<String>,
    /// Only rows with this `OTP_TEN_ID` [default: all, if they have the same]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) tenant: Option<String>,
    /// Time zone of Soffid's server, whose times the table holds
    #[arg(long, value_name = "NAME", default_value = "UTC")]
    pub(crate) time_zone: String,
}

#[derive(Args)]
pub(crate) struct MigrateArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// The store to move to: empty, or an unfinished copy
    #[arg(long, value_name = "URL")]
    pub(crate) to: String,
    /// Copy only: the store goes on, and the copy is behind
    #[arg(long)]
    pub(crate) keep: bool,
}

#[derive(Args)]
pub(crate) struct RotateArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Make no key: seal under the one that is first by now
    #[arg(long)]
    pub(crate) reseal_only: bool,
    /// How long services have to read the key file anew
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub(crate) wait: u64,
}

#[derive(Args)]
pub(crate) struct Clock {
    /// The time, in Unix seconds [default: the system's clock]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) now: Option<u64>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("must be KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn date(text: &str) -> Result<i64, String> {
    keyfob_scim::date::read(text).ok_or_else(|| "must be a date as 2026-01-31 or 2026-01-31 08:00:00 (UTC)".to_owned())
}

fn digits(text: &str) -> Result<Digits, Error> {
    text.parse().map_err(|_| Error::Digits).and_then(Digits::new)
}
