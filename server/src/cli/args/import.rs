//! The options of the import of tokens.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use keyfob_tokens::{Columns, Format};

use super::service::ConfigArgs;

pub(super) const IMPORT: &str = "\
Without --write nothing is written: the command reads all tokens, and reports how many it would import, how many are in the store already, and why
it would refuse one. A token that was imported before stays as it is, so the command can be repeated. Each takes its serial as its name. Without a
user it is in the inventory: a PATCH of its user assigns it. After --write no other service must verify codes of these tokens: a code that it accepts
is right here once more.

Formats: PSKC (RFC 6030), OATH CSV of privacyIDEA and LinOTP, Microsoft Entra's CSV, SafeNet's XML, Yubico's log, KeePassXC's CSV, otpauth:// and
otpauth-migration:// URIs one a line or as QR codes in PNG images, and unencrypted JSON exports of Aegis, 2FAS, andOTP, FreeOTP+ and FIDO CXF.

Examples:
  keyfob import tokens.xml --key-file transport.key
  keyfob import tokens.xml --key-file transport.key --write
  keyfob import entra.csv --assign-accounts --store postgres://keyfob@db1/keyfob --write
  keyfob import list.csv --columns serial,-,secret:hex,digits --heading
  keyfob import export-1.png export-2.png --assign-accounts     QR codes, as an authenticator exports them
  keyfob import alice.xml --state alice.keyfob --write

Exit status: 0 all tokens are in the store, or would be; 1 some are refused; 2 bad use or an error, also in the middle of a file.";

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(crate) struct ImportArgs {
    /// Files with tokens, or PNG images with QR codes; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// State file to create for the only token of the files, in place of a store; never overwritten
    // "ConfigArgs" is the group that clap makes of that struct.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["ConfigArgs", "assign_accounts"])]
    pub(crate) state: Option<PathBuf>,
    /// Write the tokens [default: dry run]
    #[arg(long)]
    pub(crate) write: bool,
    /// Format of the files [default: as their first bytes show]
    #[arg(long, value_enum, value_name = "NAME")]
    pub(crate) format: Option<FileFormat>,
    /// CSV: the columns, with commas between them. Each is serial, secret:base32, secret:hex,
    /// secret:base64, type, algorithm, digits, period, counter, issuer, account, manufacturer,
    /// model, notBefore, notAfter, or - for another one
    #[arg(long, value_name = "LIST", allow_hyphen_values = true, conflicts_with = "format", value_parser = columns)]
    pub(crate) columns: Option<Columns>,
    /// CSV: the first row has names of columns
    #[arg(long, requires = "columns")]
    pub(crate) heading: bool,
    /// PSKC: file with the pre-shared key, in hexadecimal or as its bytes [default: prompt]
    #[arg(long, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,
    /// PSKC: file with the password, in its first line [default: prompt]
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// Take secrets of fewer bits than `policy.min_secret_bits`, 80 or more, for tokens that were
    /// made with them
    #[arg(long)]
    pub(crate) allow_short_secrets: bool,
    /// Assign each token to the user that its account names, as upn of Entra's file does [default:
    /// tokens have no user]
    #[arg(long)]
    pub(crate) assign_accounts: bool,
}

impl ImportArgs {
    /// The format of the files, if the options name one.
    pub(crate) fn format(&self) -> Option<Format> {
        let columns = self.columns.clone().map(|columns| if self.heading { columns.with_heading() } else { columns });
        columns.map(Format::Columns).or(self.format.map(FileFormat::format))
    }
}

/// The formats by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileFormat {
    /// PSKC: RFC 6030 and its drafts
    Pskc,
    /// XML of SafeNet
    Safenet,
    /// CSV of privacyIDEA and LinOTP: serial, secret in hexadecimal, kind, digits, interval
    OathCsv,
    /// CSV of Microsoft Entra, with its heading
    Entra,
    /// Log of Yubico's personalisation tool
    Yubico,
    /// CSV of `KeePassXC`
    #[value(name = "keepassxc")]
    KeePassXc,
    /// otpauth:// and otpauth-migration:// URIs, one a line
    Uris,
    /// JSON: a list of URIs, Aegis, 2FAS, andOTP, FreeOTP+, FIDO CXF
    Json,
}

impl FileFormat {
    const fn format(self) -> Format {
        match self {
            Self::Pskc => Format::Pskc,
            Self::Safenet => Format::SafeNet,
            Self::OathCsv => Format::OathCsv,
            Self::Entra => Format::Entra,
            Self::Yubico => Format::YubicoLog,
            Self::KeePassXc => Format::KeePassXc,
            Self::Uris => Format::Uris,
            Self::Json => Format::Json,
        }
    }
}

fn columns(text: &str) -> Result<Columns, String> {
    text.parse().map_err(|error: keyfob_tokens::ErrorKind| error.to_string())
}
