//! The options of the service, and of the commands that work on its store.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use keyfob::{Algorithm, Digits, SealCipher};
use keyfob_scim::{Filter, Roles};

use super::device::{digits, time};
use crate::soffid::Quoting;

pub(super) const SERVE: &str = "\
The configuration comes from the TOML file of --config or KEYFOB_CONFIG, from the environment and from flags. Flags override the environment,
which overrides the file. Each key KEY or SECTION.KEY is KEYFOB_KEY or KEYFOB_SECTION_KEY in the environment and --set KEY=VALUE as a flag.
keyfob config lists them all.

Examples:
  keyfob serve                                   loopback, port 8080, everything in this folder
  keyfob serve --config keyfob.toml --check      name all problems, and serve nothing
  KEYFOB_ADMIN_PASSWORD=... keyfob serve --listen 127.0.0.1:9000 --set policy.window=2";

/// The sources of the configuration.
#[derive(Args)]
pub(crate) struct ConfigArgs {
    /// TOML file with the configuration [default: that of the variable `KEYFOB_CONFIG`]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Store of the devices: `sqlite://FILE` or `postgres://USER@HOST/DATABASE` [default: the file
    /// keyfob.db]
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// Set any other key of the configuration
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    pub(crate) set: Vec<(String, String)>,
}

#[derive(Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Address to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<String>,
    /// Clients to answer for: soffid (Soffid's own) or rfc (those of RFC 7644) [default: soffid]
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// Check the configuration, name each problem with its key, and serve nothing
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Subcommand)]
pub(crate) enum AccountCommand {
    /// Add an account
    #[command(after_help = "Examples:
  keyfob account add soffid --roles verify,query          prompt for the password, or a line of standard input
  keyfob account add sync --roles all --token             print a new token, once
  keyfob account add sync --roles query --token --replace replace its roles and its token")]
    Add {
        /// Its name
        name: String,
        /// Its roles: query, manage, cancel, unlock, verify, separated by commas, or all
        #[arg(long)]
        roles: Roles,
        /// Create a token in place of a password
        #[arg(long)]
        token: bool,
        /// Replace the account of this name, with its roles and its password or token, if there is
        /// one
        #[arg(long)]
        replace: bool,
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
    /// Events of this device only
    #[arg(long, value_name = "ID")]
    pub(crate) device: Option<i64>,
    /// Events of this user's devices only
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// Events at this time or later: Unix seconds or a date, in UTC without an offset, such as
    /// '2026-01-31 08:00:00'
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<u64>,
    /// Print at most this many lines
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: u32,
    /// Print JSON objects, one a line
    #[arg(long)]
    pub(crate) json: bool,
}

pub(super) const FIND: &str = "\
It looks at all TOTP and HOTP devices that are not deleted, as far around their clocks and counters as the service verifies codes. No device
changes, no code is used up, and no wrong code counts. Each search is a line in the trail. The last line says how likely a match by chance is.

Examples:
  keyfob find                                    prompt for the two codes
  printf '%s\\n' 287082 359152 | keyfob find --filter 'not (user pr)'
  keyfob find --one-code --json 287082           where the token cannot show another one

Exit status: 0 found, 1 not found, 2 bad use or an error.";

#[derive(Args)]
pub(crate) struct FindArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// A code of the token, and the next one [default: lines of standard input]
    #[arg(value_name = "CODE", num_args = 0..=2)]
    pub(crate) codes: Vec<OsString>,
    /// Search by one code alone, which other tokens soon show by chance
    #[arg(long)]
    pub(crate) one_code: bool,
    /// Search only devices that match this filter of SCIM, such as 'not (user pr)' for those
    /// without a user
    #[arg(long, value_name = "FILTER", value_parser = Filter::parse)]
    pub(crate) filter: Option<Filter>,
    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

pub(super) const IMPORT_SOFFID: &str = "\
Without --write nothing is written: the command reads all rows, and reports how many it would import, how many are in the store already, and why it
would refuse a row. Devices keep their numbers and names. A row that was imported before stays as it is, so the command can be repeated. After
--write Soffid must verify none of these codes any more: a code that it accepts later is right here once more.

The database's password comes from the variable PGPASSWORD, or MYSQL_PWD for MariaDB and MySQL. A file has commas, semicolons or tabs, and begins
with a line of the columns' names. It is read more than once, so it cannot be a pipe. If it changes in between, the command stops, and imports the
rest when it is started again. The command asks for --dialect and --null if a file can be read in two ways.

Examples:
  keyfob import-soffid --from postgres://soffid@db1/soffid --time-zone Europe/Madrid
  keyfob import-soffid --from postgres://soffid@db1/soffid --time-zone Europe/Madrid --write
  keyfob import-soffid --from mysql://soffid@db1/soffid --time-zone Europe/Madrid
  keyfob import-soffid --from devices.csv --users users.csv --store postgres://keyfob@db2/keyfob --write
  keyfob import-soffid --from batch.tsv --dialect mysql --null NULL          as mariadb --batch writes it

Exit status: 0 all rows are in the store, or would be; 1 some are refused, or have another user or name there; 2 bad use or an error.";

#[derive(Args)]
pub(crate) struct ImportSoffidArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Soffid's database in PostgreSQL, MariaDB or MySQL, or a CSV file with the table
    #[arg(long, value_name = "postgres://USER@HOST/DATABASE|mysql://USER@HOST/DATABASE|FILE")]
    pub(crate) from: String,
    /// Write the rows [default: dry run]
    #[arg(long)]
    pub(crate) write: bool,
    /// Give devices in the store the users and names of their rows [default: report differences]
    #[arg(long)]
    pub(crate) correct_names: bool,
    /// Database: the table with the devices
    #[arg(long, value_name = "NAME", default_value = "SCO_DEVICE")]
    pub(crate) table: String,
    /// Table or CSV file with `USU_ID` and `USU_CODI` of the users [default: the table
    /// `SC_USUARI`]
    #[arg(long, value_name = "NAME|FILE", conflicts_with = "user_column")]
    pub(crate) users: Option<String>,
    /// Column of the devices with the users' names [default: `USU_CODI`, if there is one]
    #[arg(long, value_name = "NAME")]
    pub(crate) user_column: Option<String>,
    /// File: the meaning of a backslash [default: as the file shows, or an error that asks]
    #[arg(long, value_enum)]
    pub(crate) dialect: Option<Quoting>,
    /// File: the unquoted text that means NULL, beside an empty cell and `\N` [default: NULL in
    /// numbers and dates; asked for in texts]
    #[arg(long, value_name = "TEXT")]
    pub(crate) null: Option<String>,
    /// Import only rows with this `OTP_TEN_ID` [default: all, if they have the same]
    #[arg(long, value_name = "NUMBER")]
    pub(crate) tenant: Option<String>,
    /// Time zone of Soffid's server and of the times in the table, such as Europe/Madrid [default:
    /// UTC]
    #[arg(long, value_name = "NAME")]
    pub(crate) time_zone: Option<String>,
    /// Digits of HOTP rows without digits and algorithm: the `hotpDigits` of Soffid's old versions
    #[arg(long, value_name = "N", value_parser = digits, default_value = "6")]
    pub(crate) hotp_digits: Digits,
    /// Algorithm of such rows: the `hotpAlgorithm` of Soffid's old versions
    #[arg(long, value_name = "ALGORITHM", default_value = "sha1")]
    pub(crate) hotp_algorithm: Algorithm,
}

#[derive(Args)]
pub(crate) struct MigrateArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// The store to move to: an empty database, a new file, or an unfinished copy of this store
    #[arg(long, value_name = "URL")]
    pub(crate) to: String,
    /// Copy the store as it is now, and leave it in service; later changes are not in the copy
    #[arg(long)]
    pub(crate) copy_only: bool,
}

#[derive(Args)]
pub(crate) struct BackupArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// File to create for the backup; never overwritten
    #[arg(value_name = "FILE")]
    pub(crate) to: PathBuf,
}

pub(super) const RESTORE: &str = "\
Stop every service on the store first. The command reads the whole backup, moves the present store into a new folder beside it, and puts a copy of
the backup in its place. Then it says until when no service may start, and which devices of the present store the backup lacks or has otherwise.

Example:
  keyfob restore --store sqlite://keyfob.db monday.db";

#[derive(Args)]
pub(crate) struct RestoreArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// The backup, a file of keyfob backup
    #[arg(value_name = "FILE")]
    pub(crate) from: PathBuf,
}

#[derive(Args)]
pub(crate) struct RotateArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Make no key: reseal under the first key of the key file
    #[arg(long)]
    pub(crate) reseal_only: bool,
    /// How the new key seals: xaes-256-gcm or xchacha20-poly1305 [default: xaes-256-gcm]
    #[arg(long, value_name = "NAME", value_parser = cipher, conflicts_with = "reseal_only")]
    pub(crate) cipher: Option<SealCipher>,
    /// Give up the lost key of this number, and the devices that are sealed under it
    #[arg(long, value_name = "NUMBER", requires = "reseal_only")]
    pub(crate) give_up: Option<u32>,
    /// Time for other processes to read the key file, and to store records that they have sealed;
    /// 0 if there are none
    #[arg(long, value_name = "SECONDS", value_parser = wait_seconds, default_value = "5")]
    pub(crate) wait: u64,
}

pub(super) fn cipher(name: &str) -> Result<SealCipher, String> {
    SealCipher::from_name(name).ok_or_else(|| format!("must be {}", SealCipher::ALL.map(SealCipher::name).join(" or ")))
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("must be KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// A process asks the store once a second whether it may seal, and needs some time for sealing.
fn wait_seconds(text: &str) -> Result<u64, String> {
    let seconds = text.parse().ok().filter(|seconds| *seconds != 1);
    seconds.ok_or_else(|| "must be 2 seconds or more, or 0 if no other process uses the store".to_owned())
}
