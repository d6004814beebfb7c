//! The options of the commands for signals and for the keys that sign them.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};

use super::service::ConfigArgs;
use crate::signals::{NewKey, SigningAlgorithm};

#[derive(Subcommand)]
pub(crate) enum SignalsCommand {
    /// List signals, the oldest first
    #[command(after_help = "Examples:
  keyfob signals list                            what waits and what was given up
  keyfob signals list --receiver idp --dead      what was given up, and why
  keyfob signals list --device 60 --json

Exit status: 0 listed, 1 a signal cannot be read, 2 bad use or an error.")]
    List {
        #[command(flatten)]
        config: ConfigArgs,
        /// Signals for this receiver only
        #[arg(long, value_name = "NAME")]
        receiver: Option<String>,
        /// Signals of this device only
        #[arg(long, value_name = "ID")]
        device: Option<i64>,
        /// Dead letters only
        #[arg(long)]
        dead: bool,
        /// Signals that wait only
        #[arg(long, conflicts_with = "dead")]
        waiting: bool,
        /// Print at most this many lines
        #[arg(long, value_name = "N", default_value_t = 100)]
        limit: u32,
        /// Print JSON objects, one a line
        #[arg(long)]
        json: bool,
    },
    /// Have dead letters sent again
    #[command(after_help = "Examples:
  keyfob signals retry --receiver idp            those of a receiver
  keyfob signals retry --receiver idp --device 60
  keyfob signals retry --all

They have all of signals.give_up_hours again, and may come after later ones of their device.")]
    Retry {
        #[command(flatten)]
        config: ConfigArgs,
        #[command(flatten)]
        choice: SignalChoice,
    },
    /// Delete signals, which are never sent then
    #[command(after_help = "Examples:
  keyfob signals drop --receiver idp --dead      the dead letters of a receiver
  keyfob signals drop --receiver old             all of a receiver that is no longer configured
  keyfob signals drop --all --dead")]
    Drop {
        #[command(flatten)]
        config: ConfigArgs,
        #[command(flatten)]
        choice: SignalChoice,
        /// Dead letters only
        #[arg(long)]
        dead: bool,
        /// Signals that wait only
        #[arg(long, conflicts_with = "dead")]
        waiting: bool,
    },
}

/// Which signals a command changes.
#[derive(Args)]
#[command(group(ArgGroup::new("choice").required(true).multiple(true).args(["receiver", "device", "all"])))]
pub(crate) struct SignalChoice {
    /// Signals for this receiver
    #[arg(long, value_name = "NAME")]
    pub(crate) receiver: Option<String>,
    /// Signals of this device
    #[arg(long, value_name = "ID")]
    pub(crate) device: Option<i64>,
    /// Signals for all receivers and of all devices
    #[arg(long, conflicts_with_all = ["receiver", "device"])]
    pub(crate) all: bool,
}

pub(super) const MAKE_SIGNING_KEY: &str = "\
keyfob serve makes the file itself, with a key for ES256, at its first start with a receiver. This command makes it with another key, or where the
service may not write. Only its owner can read the file.

Examples:
  keyfob make-signing-key --algorithm EdDSA
  keyfob make-signing-key --import rsa.pem --set signals.keys_file=/etc/keyfob/keyfob-signing.key";

#[derive(Args)]
pub(crate) struct MakeSigningKeyArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(flatten)]
    pub(crate) key: NewKeyArgs,
}

/// Where a new key comes from.
#[derive(Args)]
pub(crate) struct NewKeyArgs {
    /// What the new key signs with: ES256 or `EdDSA`; one for RS256 is imported [default:
    /// ES256]
    #[arg(long, value_name = "NAME", value_parser = algorithm)]
    algorithm: Option<SigningAlgorithm>,
    /// PEM file with the key to take: RSA of 2048 to 4096 bits, ECDSA on P-256 or Ed25519, in
    /// PKCS #8
    #[arg(long, value_name = "FILE", conflicts_with = "algorithm")]
    import: Option<PathBuf>,
}

impl NewKeyArgs {
    /// The key that the options ask for.
    pub(crate) fn key(&self) -> NewKey {
        match (&self.import, self.algorithm) {
            (Some(path), _) => NewKey::Imported(path.clone()),
            (None, Some(algorithm)) => NewKey::Fresh(algorithm),
            (None, None) => NewKey::default(),
        }
    }
}

pub(super) const ROTATE_SIGNING_KEY: &str = "\
A new key is published at once, and signs once it is promoted. Wait in between until all receivers have fetched the keys: an hour as a rule, a day to
be safe. Running services read the file every second. With several machines, copy the file to all after each step. A key is removed by deleting its
line, once no token that it signed is under way.

Examples:
  keyfob rotate-signing-key                      add a key for ES256, and print its id
  keyfob rotate-signing-key --import rsa.pem     add a key for RS256
  keyfob rotate-signing-key --promote KID        have it sign from now on";

#[derive(Args)]
pub(crate) struct RotateSigningKeyArgs {
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
    #[command(flatten)]
    pub(crate) key: NewKeyArgs,
    /// Add no key: have the key of this id sign
    #[arg(long, value_name = "KID", allow_hyphen_values = true, conflicts_with_all = ["algorithm", "import"])]
    pub(crate) promote: Option<String>,
}

fn algorithm(name: &str) -> Result<SigningAlgorithm, String> {
    SigningAlgorithm::from_name(name).ok_or_else(|| "must be ES256 or EdDSA; a key for RS256 is imported with --import".to_owned())
}
