//! The options of the commands that prepare a service and watch it.

use std::path::PathBuf;

use clap::Args;
use keyfob::SealCipher;

use super::service::{ConfigArgs, cipher};

pub(super) const CONFIG: &str = "\
Examples:
  keyfob config > keyfob.toml                    a file to begin with: all keys are comments
  keyfob config --table | grep '^policy'
  keyfob config --effective --config keyfob.toml what file, environment and flags set, without secrets";

#[derive(Args)]
pub(crate) struct ConfigPrintArgs {
    /// Print a table with a key a line
    #[arg(long)]
    pub(crate) table: bool,
    /// Print the keys that file, environment and flags set, without secrets
    #[arg(long, conflicts_with = "table")]
    pub(crate) effective: bool,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

pub(super) const MAKE_KEY: &str = "\
keyfob serve makes its key file itself where it may write. Where it may not, as with systemd's credentials or a mounted secret, this command does.
Only its owner can read the file. Keep a copy in another place: without it no device can be read.

Example:
  keyfob make-key /etc/keyfob/keyfob.key";

#[derive(Args)]
pub(crate) struct MakeKeyArgs {
    /// File to create; never overwritten
    pub(crate) file: PathBuf,
    /// How the key seals: xaes-256-gcm or xchacha20-poly1305 [default: xaes-256-gcm]
    #[arg(long, value_name = "NAME", value_parser = cipher)]
    pub(crate) cipher: Option<SealCipher>,
}

pub(super) const HEALTH: &str = "\
The command asks at the address of the configuration, from this machine. With TLS it takes the certificate of tls.certificate_file and no other.

Example:
  HEALTHCHECK CMD [\"keyfob\", \"health\"]

Exit status: 0 yes, 1 no, 2 bad use.";

#[derive(Args)]
pub(crate) struct HealthArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    /// Ask whether it is ready: whether its store answers and takes writes
    #[arg(long)]
    pub(crate) ready: bool,
}
