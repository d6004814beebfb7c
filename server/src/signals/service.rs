//! What a running service has of signals.

use std::path::Path;

use super::algorithm::SigningAlgorithm;
use super::config::Rules;
use super::key_file::SigningKeyFile;
use super::metrics::SignalMetrics;
use super::receiver::Receiver;
use super::signer::Signer;
use super::waiting_polls::WaitingPolls;

/// The rules of signals, what signs them, what counts them, and the polls that wait for them.
#[derive(Debug)]
pub(crate) struct Signals {
    pub(crate) rules: Rules,
    pub(crate) signer: Signer,
    pub(crate) metrics: SignalMetrics,
    pub(crate) polls: WaitingPolls,
}

impl Signals {
    /// Reads the keys that sign, and makes the first one if there is no file. Returns whether that
    /// is new.
    ///
    /// Errors: what is wrong with the file, and what to do.
    pub(crate) fn open(rules: Rules, keys_file: &Path) -> Result<(Self, bool), String> {
        let file = SigningKeyFile::new(keys_file);
        let opened = check_first(&rules, &file).and_then(|()| file.read_or_make()).and_then(|(keys, is_new)| {
            let signer = Signer::new(&rules, keys).map_err(|error| format!("{}: {error}", keys_file.display()))?;
            Ok((signer, is_new))
        });
        let (signer, is_new) = opened.map_err(|error| format!("signals.keys_file: {error}"))?;
        let names = || rules.receivers.iter().map(|receiver| receiver.name.clone());
        let (metrics, polls) = (SignalMetrics::new(names()), WaitingPolls::new(names()));
        Ok((Self { rules, signer, metrics, polls }, is_new))
    }

    /// The receiver of a name.
    pub(crate) fn receiver(&self, name: &str) -> Option<&Receiver> {
        self.rules.receivers.iter().find(|receiver| receiver.name == name).map(AsRef::as_ref)
    }
}

/// Checks that a new file, which has a key for ES256, is what the receivers want.
///
/// Errors: there is no file, and the command that makes the right one. So no file is left that this
/// command would have to replace.
fn check_first(rules: &Rules, file: &SigningKeyFile) -> Result<(), String> {
    let mut wanted = rules.receivers.iter().filter_map(|receiver| Some((&receiver.name, receiver.algorithm?)));
    let other = wanted.find(|(_, algorithm)| *algorithm != SigningAlgorithm::Es256);
    let Some((name, algorithm)) = other.filter(|_| !file.exists()) else { return Ok(()) };
    let option = match algorithm {
        SigningAlgorithm::Rs256 => "--import FILE",
        _ => "--algorithm EdDSA",
    };
    Err(file.error(&format!(
        "there is no such file, and the receiver {name} wants a key for {algorithm}; keyfob make-signing-key {option} makes it"
    )))
}
