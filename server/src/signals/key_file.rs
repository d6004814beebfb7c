//! The file of the keys that sign tokens.

use std::path::{Path, PathBuf};

use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use zeroize::Zeroizing;

use super::algorithm::SigningAlgorithm;
use super::key_pair::KeyPair;
use super::keys::{KeySet, SigningKey, SigningKeys};
use crate::file::{self, Lock};
use crate::key_lines::KeyLines;

/// The longest PEM file.
const MAX_PEM_BYTES: usize = 64 * 1024;

/// Where a new key comes from.
#[derive(Clone, Debug)]
pub(crate) enum NewKey {
    /// It is drawn. An RSA key cannot be.
    Fresh(SigningAlgorithm),
    /// From a PEM file.
    Imported(PathBuf),
}

impl Default for NewKey {
    fn default() -> Self {
        Self::Fresh(SigningAlgorithm::Es256)
    }
}

/// What a promotion did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promotion {
    /// The key signs from now on.
    Done,
    /// It was the first of its algorithm before.
    Unneeded,
}

/// A file of signing keys, by its path. All its errors are sentences for people with the path and
/// without a key.
#[derive(Clone, Debug)]
pub(crate) struct SigningKeyFile(KeyLines);

impl SigningKeyFile {
    /// The file of a path. It need not exist.
    pub(crate) fn new(path: &Path) -> Self {
        Self(KeyLines::new(path))
    }

    /// Whether there is a file.
    pub(super) fn exists(&self) -> bool {
        self.0.exists()
    }

    /// What is wrong with the file, with its path.
    pub(super) fn error(&self, message: &str) -> String {
        self.0.error(&message)
    }

    /// Reads the keys. Blocks on the disk.
    pub(crate) fn read(&self) -> Result<SigningKeys, String> {
        self.parse(&self.0.text()?).map(SigningKeys::new)
    }

    /// Reads the keys. If there is no file, makes one with a fresh key that only its owner can
    /// read. Returns whether it is new.
    pub(crate) fn read_or_make(&self) -> Result<(SigningKeys, bool), String> {
        let is_new = !self.exists();
        if is_new {
            self.make(&NewKey::default())?;
        }
        Ok((self.read()?, is_new))
    }

    /// Makes the file with a new key that only its owner can read. Returns the key's id. Errors:
    /// there is a file; the key cannot be imported.
    pub(crate) fn make(&self, new: &NewKey) -> Result<String, String> {
        let key = new_key(new)?;
        self.0.make(&key.to_line())?;
        Ok(key.id)
    }

    /// Locks the file against changes by other processes. Errors: another process has the lock.
    pub(crate) fn lock(&self) -> Result<Lock, String> {
        self.0.lock("keyfob rotate-signing-key")
    }

    /// Adds a new key after the others: receivers learn of it, and it signs once it is promoted.
    /// Returns its id. The file must be locked.
    pub(crate) fn add(&self, new: &NewKey) -> Result<String, String> {
        let (text, key) = (self.0.text()?, new_key(new)?);
        if self.parse(&text)?.iter().any(|other| other.id == key.id) {
            return Err(self.0.error(&format!("the key {} is in it already", key.id)));
        }
        self.0.append(&text, &key.to_line())?;
        Ok(key.id)
    }

    /// Moves a key before all others of its algorithm, so that it signs. A key that is the only one
    /// of its algorithm moves to the front. The file must be locked.
    pub(crate) fn promote(&self, id: &str) -> Result<Promotion, String> {
        let keys = self.parse(&self.0.text()?)?;
        let Some(algorithm) = keys.iter().find(|key| key.id == id).map(|key| key.algorithm) else {
            let ids: Vec<_> = keys.iter().map(|key| key.id.as_str()).collect();
            return Err(self.0.error(&format!("there is no key {id} in it, but {}", ids.join(", "))));
        };
        let others = keys.iter().filter(|key| key.algorithm == algorithm && key.id != id).count();
        let first = keys.first(if others == 0 { None } else { Some(algorithm) });
        let Some(first) = first.filter(|first| first.id != id) else { return Ok(Promotion::Unneeded) };
        let is_key = |line: &str, id: &str| line.split_ascii_whitespace().next() == Some(id);
        self.0.move_before(|line| is_key(line, id), |line| is_key(line, &first.id))?;
        Ok(Promotion::Done)
    }

    fn parse(&self, text: &str) -> Result<KeySet, String> {
        KeySet::parse(text).map_err(|error| self.0.error(&error))
    }
}

fn new_key(new: &NewKey) -> Result<SigningKey, String> {
    match new {
        NewKey::Fresh(algorithm) => {
            let made = KeyPair::generate(*algorithm);
            let der = made.ok_or(
                "a key for RS256 must be imported: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 makes one",
            )??;
            SigningKey::from_pkcs8(*algorithm, &der)
        }
        NewKey::Imported(path) => import(path).map_err(|error| format!("{}: {error}", path.display())),
    }
}

/// Reads a private key from a PEM file.
fn import(path: &Path) -> Result<SigningKey, String> {
    let pem = file::open_regular(path).and_then(|mut file| file::read(&mut file, MAX_PEM_BYTES));
    let pem = pem.map_err(|error| error.to_string())?;
    let key = PrivateKeyDer::from_pem_slice(&pem)
        .map_err(|_| "it must be a PEM file with a private key that is not encrypted (BEGIN PRIVATE KEY)".to_owned())?;
    let PrivateKeyDer::Pkcs8(key) = key else {
        return Err("its key must be in PKCS #8; openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW converts it".to_owned());
    };
    let der = Zeroizing::new(key.secret_pkcs8_der().to_vec());
    let keys = SigningAlgorithm::ALL.map(|algorithm| SigningKey::from_pkcs8(algorithm, &der));
    let found = keys.into_iter().find_map(Result::ok);
    found.ok_or_else(|| "its key must be one of RSA of 2048 to 4096 bits, of ECDSA on P-256 (prime256v1), or of Ed25519".to_owned())
}
