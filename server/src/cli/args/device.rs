//! The options of the commands that need no service.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::RangedI64ValueParser;
use clap::{Args, value_parser};
use keyfob::{Algorithm, Digits, Error};
use keyfob_scim::date;

#[derive(Args)]
pub(crate) struct CodeArgs {
    /// State file of the device, in place of a secret; it is not changed
    // "Parameters" is the group that clap makes of that struct; of one that flattens another it
    // makes none.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["secret_file", "hex", "allow_short_secrets", "t0", "counter", "Parameters"])]
    pub(crate) state: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) authenticator: AuthenticatorArgs,
    /// Print all codes that keyfob verify --window N accepts, one a line (TOTP: N steps each side
    /// of the current one; HOTP: N counters after the first), 0 to 1000 [default: 0]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true, value_parser = value_parser!(u16).range(..=1000))]
    pub(crate) window: u16,
    #[command(flatten)]
    pub(crate) clock: Clock,
    /// After each code, print when it is right and the seconds left (HOTP: its counter)
    #[arg(long, short, conflicts_with = "json")]
    pub(crate) verbose: bool,
    /// Print JSON objects, one a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct VerifyArgs {
    /// The code, with or without blanks and hyphens [default: prompt, or a line of standard input,
    /// after the secret if that comes from there too]
    pub(crate) code: Option<OsString>,
    /// State file of the device, in place of a secret
    // "Parameters" is the group that clap makes of that struct; of one that flattens another it
    // makes none.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["secret_file", "hex", "allow_short_secrets", "t0", "counter", "Parameters"])]
    pub(crate) state: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) authenticator: AuthenticatorArgs,
    /// Steps accepted each side of the current one (TOTP), or counters accepted after the expected
    /// one (HOTP), 0 to 1000 [default: 1 for TOTP, 10 for HOTP]
    #[arg(long, value_name = "N")]
    pub(crate) window: Option<u16>,
    /// TOTP: learn from each right code by how many steps the authenticator's clock is off, up to
    /// this many, and accept the codes around that, too; 0 to 1000, 0 learns and follows none
    /// [default: 1000 once a drift was learned, as by keyfob resync, else 0]
    #[arg(long, value_name = "STEPS", requires = "state")]
    pub(crate) max_drift: Option<u16>,
    #[command(flatten)]
    pub(crate) clock: Clock,
    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// The secret and its parameters.
#[derive(Args)]
pub(crate) struct AuthenticatorArgs {
    /// File with the secret or an otpauth URI; - is standard input [default: prompt, or standard
    /// input]
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// The secret is hexadecimal [default: Base32]
    #[arg(long)]
    pub(crate) hex: bool,
    /// Take a secret of 80 to 127 bits, for a token that was made with one
    #[arg(long)]
    pub(crate) allow_short_secrets: bool,
    #[command(flatten)]
    pub(crate) parameters: Parameters,
    /// TOTP: the time of step 0, in the form of --now [default: 0]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) t0: Option<u64>,
    /// HOTP instead of TOTP, with this counter [default: that of an otpauth URI]
    #[arg(long, value_name = "N")]
    pub(crate) counter: Option<u64>,
}

/// The parameters that an otpauth URI may have as well. Options override it.
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
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(crate) struct EnrollArgs {
    /// State file to create; never overwritten [default: nothing is stored]
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// File with the secret or an otpauth URI; - is standard input [default: a new random secret]
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// The secret is hexadecimal [default: Base32]
    #[arg(long, requires = "secret_file")]
    pub(crate) hex: bool,
    /// Take a secret of 80 to 127 bits, for a token that was made with one
    #[arg(long, requires = "secret_file")]
    pub(crate) allow_short_secrets: bool,
    /// Enroll for HOTP [default: TOTP, or the kind of an otpauth URI]
    #[arg(long)]
    pub(crate) hotp: bool,
    /// Make recovery codes, for a user who has lost every other factor, and print them once
    // "Parameters" is the group that clap makes of that struct.
    #[arg(long, requires = "state", conflicts_with_all = ["secret_file", "hotp", "Parameters", "issuer", "account", "png"])]
    pub(crate) recovery: bool,
    /// Recovery codes to make, 1 to 64 [default: 10]
    #[arg(long, value_name = "N", requires = "recovery", value_parser = code_count())]
    pub(crate) count: Option<u8>,
    /// HOTP: counter of the first code [default: 0]
    #[arg(long, value_name = "N", requires = "hotp")]
    pub(crate) counter: Option<u64>,
    #[command(flatten)]
    pub(crate) parameters: Parameters,
    /// Issuer of the secret, for authenticators to show [default: keyfob]
    #[arg(long, value_name = "NAME")]
    pub(crate) issuer: Option<String>,
    /// Account of the secret, for authenticators to show [default: the environment's USER, else
    /// user]
    #[arg(long, value_name = "NAME")]
    pub(crate) account: Option<String>,
    /// PNG file to create for the QR code; never overwritten [default: the QR code is drawn below
    /// the URI]
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
    #[command(flatten)]
    pub(crate) clock: Clock,
    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct UnlockArgs {
    /// State file of the device
    #[arg(long, value_name = "FILE")]
    pub(crate) state: PathBuf,
    /// Forget the steps after the current one, for TOTP that was used while the clock was ahead.
    /// Codes are right again from the next step on; the current code stays refused. Used codes of
    /// later steps are right once more when their time comes
    #[arg(long)]
    pub(crate) forget_steps: bool,
    #[command(flatten)]
    pub(crate) clock: Clock,
    /// Print the device as a JSON object, as keyfob show does
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct ResyncArgs {
    /// State file of the device
    #[arg(long, value_name = "FILE")]
    pub(crate) state: PathBuf,
    /// The code that the device shows
    pub(crate) code1: OsString,
    /// The next code that it shows
    pub(crate) code2: OsString,
    /// Counters to search from the expected one on, 1 to 10000 (HOTP), or steps each side of the
    /// current one, 1 to 1000 (TOTP) [default: 100 for HOTP; 20 for TOTP, plus the drift that was
    /// learned before]
    #[arg(long, value_name = "N")]
    pub(crate) window: Option<u16>,
    #[command(flatten)]
    pub(crate) clock: Clock,
    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct RenewArgs {
    /// State file of the device
    #[arg(long, value_name = "FILE")]
    pub(crate) state: PathBuf,
    /// Recovery codes to make, 1 to 64 [default: as many as before]
    #[arg(long, value_name = "N", value_parser = code_count())]
    pub(crate) count: Option<u8>,
    #[command(flatten)]
    pub(crate) clock: Clock,
    /// Print a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Clock {
    /// The time: Unix seconds or a date, in UTC without an offset, such as '2026-01-31 08:00:00' or
    /// 2026-01-31T09:00:00+01:00 [default: the system's clock]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) now: Option<u64>,
}

/// Reads a number of recovery codes.
fn code_count() -> RangedI64ValueParser<u8> {
    value_parser!(u8).range(1..=64)
}

pub(super) fn digits(text: &str) -> Result<Digits, Error> {
    text.parse().map_err(|_| Error::Digits).and_then(Digits::new)
}

/// Reads Unix seconds or a date into Unix seconds.
pub(super) fn time(text: &str) -> Result<u64, String> {
    if let Ok(seconds) = text.parse() {
        return Ok(seconds);
    }
    let utc = ["UTC", "utc", "GMT"].iter().find_map(|zone| text.strip_suffix(zone));
    let read = utc.map_or_else(|| date::parse(text), |text| date::parse(&[text.trim_end(), "Z"].concat()));
    let seconds =
        read.ok_or("must be Unix seconds, or a date such as 2026-01-31, '2026-01-31 08:00:00 UTC' or 2026-01-31T09:00:00+01:00")?;
    u64::try_from(seconds).map_err(|_| "must not be before 1970".to_owned())
}
