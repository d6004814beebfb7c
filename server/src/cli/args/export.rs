//! The options of `keyfob export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::service::ConfigArgs;
use crate::tokens::ExportFormat;

pub(super) const EXPORT: &str = "\
Exports the secrets of all TOTP and HOTP devices that are not deleted, or of those of --filter or --device. Each has its line in the trail before
its secret is in the file. A file does not say whether a device is locked, how many fails it has, or which TOTP codes were used: see the manual.
Services may run meanwhile.

A PSKC file is encrypted with a password, which is asked for, or with the key of --key-file. All other formats hold the secrets in the clear.

Examples:
  keyfob export --output tokens.xml                              PSKC, prompt for a password
  keyfob export --output tokens.xml --key-file transport.key     PSKC, a key from openssl rand -hex 32
  keyfob export --format uris --filter 'user eq \"alice\"' --output alice.uris
  keyfob export --format migration --filter 'user eq \"alice\"' --qr-folder alice-codes
  keyfob export --state alice.keyfob --format uris --output alice.uri

Exit status: 0 all are exported; 1 some are left out, each named with its reason, or none is found; 2 bad use or an error, and no file is left.";

#[derive(Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Format of the file
    #[arg(long, value_enum, value_name = "NAME", default_value = "pskc")]
    pub(crate) format: ExportFormat,
    /// File to create; never overwritten; - is standard output
    #[arg(long, value_name = "FILE", required_unless_present = "qr_folder")]
    pub(crate) output: Option<PathBuf>,
    /// Folder to create for QR codes as PNG files: of each device for uris, of 10 devices each for
    /// migration
    #[arg(long, value_name = "FOLDER")]
    pub(crate) qr_folder: Option<PathBuf>,
    /// Write to standard output even if it is a terminal, which shows the secrets
    #[arg(long)]
    pub(crate) allow_terminal: bool,
    /// PSKC: file with a key of 32 bytes, in hexadecimal or as its bytes
    #[arg(long, value_name = "FILE", conflicts_with_all = ["password_file", "plain"])]
    pub(crate) key_file: Option<PathBuf>,
    /// PSKC: file with the password, in its first line; - is standard input [default: prompt]
    #[arg(long, value_name = "FILE", conflicts_with = "plain")]
    pub(crate) password_file: Option<PathBuf>,
    /// PSKC: do not encrypt the secrets
    #[arg(long)]
    pub(crate) plain: bool,
    /// PSKC: how the file names another hash than SHA-1
    #[arg(long, value_enum, value_name = "NAME", default_value = "hmac")]
    pub(crate) suite: Suite,
    /// Export the devices that this SCIM filter finds, such as 'user eq "alice"' [default: all]
    #[arg(long, value_name = "FILTER", conflicts_with = "device")]
    pub(crate) filter: Option<String>,
    /// Export this device only
    #[arg(long, value_name = "ID")]
    pub(crate) device: Option<i64>,
    /// Export locked and disabled devices, too; the file does not say that they are
    #[arg(long)]
    pub(crate) include_unusable: bool,
    /// Export the device of a state file; it is not changed, and there is no trail
    #[arg(long, value_name = "FILE", conflicts_with_all = ["ConfigArgs", "filter", "device"])]
    pub(crate) state: Option<PathBuf>,
    /// State file: issuer of the secret [default: keyfob]
    #[arg(long, value_name = "NAME", requires = "state")]
    pub(crate) issuer: Option<String>,
    /// State file: account of the secret [default: the name of the file]
    #[arg(long, value_name = "NAME", requires = "state")]
    pub(crate) account: Option<String>,
}

/// How a PSKC file names a hash.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Suite {
    /// HMAC-SHA256, as most readers know it
    Hmac,
    /// SHA256, as privacyIDEA reads it
    Bare,
}
