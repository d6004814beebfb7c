//! The command line. It has no option for a secret: other users can see command lines, and shells
//! keep them.

mod device;
mod export;
mod import;
mod operation;
mod service;
mod signals;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

pub(crate) use device::{
    AuthenticatorArgs, Clock, CodeArgs, EnrollArgs, Parameters, RenewArgs, ResyncArgs, ShowArgs, UnlockArgs, VerifyArgs,
};
use export::EXPORT;
pub(crate) use export::{ExportArgs, Suite};
use import::IMPORT;
pub(crate) use import::ImportArgs;
use operation::{CONFIG, HEALTH, MAKE_KEY};
pub(crate) use operation::{ConfigPrintArgs, HealthArgs, MakeKeyArgs};
pub(crate) use service::{
    AccountCommand, AuditArgs, BackupArgs, ConfigArgs, FindArgs, ImportSoffidArgs, MigrateArgs, RestoreArgs, RotateArgs, ServeArgs,
};
use service::{FIND, IMPORT_SOFFID, RESTORE, SERVE};
use signals::{MAKE_SIGNING_KEY, ROTATE_SIGNING_KEY};
pub(crate) use signals::{MakeSigningKeyArgs, RotateSigningKeyArgs, SignalChoice, SignalsCommand};

/// One-time passwords: TOTP (RFC 6238) and HOTP (RFC 4226)
#[derive(Parser)]
#[command(name = "keyfob", version, after_help = "Exit status: 0 done or right, 1 wrong, 2 bad use or an error.")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Print the code of a secret or of a state file
    #[command(after_help = "Examples:
  keyfob code                                    prompt for a Base32 secret
  keyfob code --secret-file alice.secret --json
  keyfob code --hex --counter 7 < hotp.hex
  keyfob code --secret-file alice.uri            parameters from the otpauth URI
  keyfob code --state alice.keyfob -v            the code of a device, and for how many seconds it is right
  keyfob code --secret-file alice.secret --window 1 --now '2026-01-31 08:00:00 UTC'")]
    Code(CodeArgs),
    /// Verify a code against a secret or a state file
    #[command(after_help = "Examples:
  keyfob verify --state alice.keyfob             prompt for the code; each code is right once, ten wrong codes lock
  printf '%s\\n' \"$code\" | keyfob verify --state alice.keyfob
  keyfob verify --secret-file alice.secret 123456

Scripts pass a code on standard input, or after --: then it is never read as an option.
A recovery code with a typing error is an error and costs no fail.
Exit status: 0 right, 1 wrong, 2 bad use or an error.")]
    Verify(VerifyArgs),
    /// Create a secret, show it as a URI and a QR code, and store its device, or make recovery
    /// codes
    #[command(after_help = "Examples:
  keyfob enroll --state alice.keyfob --issuer ACME --account alice@example.com
  keyfob enroll --hotp --state token.keyfob --png token.png
  keyfob enroll --secret-file alice.uri --state alice.keyfob   take over an authenticator
  keyfob enroll --recovery --state alice.recovery              print ten recovery codes, each right once

If the output cannot be written, no file is left behind.")]
    Enroll(EnrollArgs),
    /// Show the device in a state file, without its secret
    #[command(after_help = "Example:\n  keyfob show --state alice.keyfob --json")]
    Show(ShowArgs),
    /// Make new recovery codes and print them once: the old ones end
    #[command(after_help = "Examples:
  keyfob renew --state alice.recovery
  keyfob renew --state alice.recovery --count 16 --json

The fails and a lock stay. Each run makes other codes.")]
    Renew(RenewArgs),
    /// Unlock a device and reset its fails
    #[command(after_help = "Examples:
  keyfob unlock --state alice.keyfob --json
  keyfob unlock --state alice.keyfob --forget-steps   after the clock was ahead")]
    Unlock(UnlockArgs),
    /// Resynchronize a HOTP device that has run ahead, or a TOTP device whose clock is off, by two
    /// codes in a row
    #[command(after_help = "Examples:
  keyfob resync --state token.keyfob 520489 403154
  keyfob resync --state token.keyfob --window 100 520489 403154   TOTP: up to 100 steps off

keyfob verify accepts the codes of a TOTP device by its own clock from then on.

Exit status: 0 right, 1 wrong, 2 bad use or an error.")]
    Resync(ResyncArgs),
    /// Serve devices over HTTP with SCIM 2.0, as Soffid does
    #[command(after_help = SERVE)]
    Serve(ServeArgs),
    /// Print an example of a configuration file with every key, its default and its meaning
    #[command(after_help = CONFIG)]
    Config(ConfigPrintArgs),
    /// Make a key file with a fresh sealing key
    #[command(after_help = MAKE_KEY)]
    MakeKey(MakeKeyArgs),
    /// Ask a running service whether it is alive
    #[command(after_help = HEALTH)]
    Health(HealthArgs),
    /// Add, list or remove the accounts that may use the service
    #[command(subcommand)]
    Account(AccountCommand),
    /// Show the trail of events of devices, the newest first
    #[command(after_help = "Examples:
  keyfob audit --user dilbert
  keyfob audit --device 60 --since '2026-01-31 08:00:00' --json")]
    Audit(AuditArgs),
    /// List signals that wait or were given up, have them sent again, or delete them
    #[command(subcommand)]
    Signals(SignalsCommand),
    /// Find the device of a token without a label, by two codes in a row
    #[command(after_help = FIND)]
    Find(FindArgs),
    /// Import tokens from files of their makers, of other services and of authenticators: first a
    /// dry run, then --write
    #[command(after_help = IMPORT)]
    Import(ImportArgs),
    /// Import devices from Soffid's table `SCO_DEVICE`: first a dry run, then --write
    #[command(name = "import-soffid", after_help = IMPORT_SOFFID)]
    ImportSoffid(ImportSoffidArgs),
    /// Export secrets of TOTP and HOTP devices to a token file or to QR codes
    #[command(after_help = EXPORT)]
    Export(ExportArgs),
    /// Move all devices into another store: from a file to PostgreSQL, or back
    #[command(after_help = "Example:
  keyfob migrate --store sqlite://keyfob.db --to postgres://keyfob@db1,db2/keyfob

Services may run meanwhile. The last step copies the latest changes, closes the old store and opens the new one. From then on services on the
old one answer 503 until they are started with the new store. After an interruption, run the same command again: it continues. The key stays the
same.")]
    Migrate(MigrateArgs),
    /// Back up a store in a file, while services run
    #[command(after_help = "Example:
  keyfob backup --store sqlite://keyfob.db monday.db

The key file is not in the backup: keep a copy of it in another place. Records cannot be opened without it. PostgreSQL backs up its databases
itself.")]
    Backup(BackupArgs),
    /// Restore a store in a file from a backup
    #[command(after_help = RESTORE)]
    Restore(RestoreArgs),
    /// Seal all records under a new key, while services run
    #[command(after_help = "Examples:
  keyfob rotate-key                              one machine: make a key, wait for the services, reseal
  keyfob rotate-key --reseal-only                several machines: once all have the new key first in their key files

Services and imports read the key file every second. Old keys stay in it: backups need them. After an interruption, run the same command again: it
finishes the rotation.")]
    RotateKey(RotateArgs),
    /// Make the file of the keys that sign signals
    #[command(after_help = MAKE_SIGNING_KEY)]
    MakeSigningKey(MakeSigningKeyArgs),
    /// Add a key that signs signals, or have it sign, while services run
    #[command(after_help = ROTATE_SIGNING_KEY)]
    RotateSigningKey(RotateSigningKeyArgs),
    /// Print a completion script for a shell
    #[command(after_help = "Example:\n  keyfob completions bash > /etc/bash_completion.d/keyfob")]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages of all commands into a folder
    #[command(after_help = "Example:\n  keyfob man /usr/local/share/man/man1")]
    Man {
        /// The folder; it must exist, and files of the same names are overwritten
        folder: PathBuf,
    },
}
