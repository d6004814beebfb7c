//! The keys that encrypted files of tokens need, and opening such files with them.

use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER_PERMISSIVE;
use keyfob_tokens::{ErrorKind, Format, Keys};
use zeroize::Zeroizing;

use crate::cli::args::ImportArgs;
use crate::cli::input::{self, MAX_INPUT_BYTES};
use crate::cli::result::Result;
use crate::cli::terminal;
use crate::file::{self, Wiped};
use crate::tokens::TokenFile;

/// The sizes of AES keys.
const KEY_SIZES: [usize; 3] = [16, 24, 32];

/// The pre-shared key and the password, from files or asked for.
pub(super) struct TransportKeys {
    keys: Keys,
    /// Whether a file or a person gave them.
    has_key: bool,
    has_password: bool,
}

impl TransportKeys {
    /// Reads the files that the options name.
    pub(super) fn read(args: &ImportArgs) -> Result<Self> {
        let mut keys = Self { keys: Keys::new(), has_key: false, has_password: false };
        if let Some(path) = &args.key_file {
            let key = read_key(&read_file(path)?).ok_or_else(|| format!("--key-file: {}: {KEY_FORM}", path.display()))?;
            keys.add_key(&key);
        }
        if let Some(path) = &args.password_file {
            let text = read_file(path)?;
            let line = text.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
            keys.add_password(line).map_err(|error| format!("--password-file: {}: {error}", path.display()))?;
        }
        Ok(keys)
    }

    fn add_key(&mut self, key: &[u8]) {
        (self.keys, self.has_key) = (std::mem::take(&mut self.keys).with_key(key), true);
    }

    fn add_password(&mut self, password: &[u8]) -> std::result::Result<(), &'static str> {
        if password.is_empty() {
            return Err("must hold the password in its first line");
        }
        let text = str::from_utf8(password).map_err(|_| "must be text in UTF-8")?;
        (self.keys, self.has_password) = (std::mem::take(&mut self.keys).with_password(text), true);
        Ok(())
    }

    /// Asks a person for what a file needs. Returns whether that helps.
    fn ask(&mut self, needed: &ErrorKind, name: &str) -> Result<bool> {
        match needed {
            ErrorKind::KeyMissing if !self.has_key => {
                let line = terminal::read_hidden_line(&format!("Pre-shared key of {name}, in hexadecimal: "))?;
                let key = read_key(&line).ok_or_else(|| format!("terminal: the key {KEY_FORM}"))?;
                self.add_key(&key);
                Ok(true)
            }
            ErrorKind::PasswordMissing if !self.has_password => {
                let line = terminal::read_hidden_line(&format!("Password of {name}: "))?;
                self.add_password(&line).map_err(|error| format!("terminal: {error}"))?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

/// The files of a command line, to be opened one after the other. Images with QR codes are one of
/// them.
pub(super) fn sources(args: &ImportArgs) -> Vec<TokenSource<'_>> {
    let is_image = |path: &&Path| args.format().is_none() && TokenFile::is_image(path);
    let (images, files): (Vec<&Path>, Vec<&Path>) = args.files.iter().map(PathBuf::as_path).partition(is_image);
    let images = Some(images).filter(|images| !images.is_empty()).map(TokenSource::Images);
    files.into_iter().map(TokenSource::File).chain(images).collect()
}

/// What is read as one file.
pub(super) enum TokenSource<'p> {
    File(&'p Path),
    Images(Vec<&'p Path>),
}

impl TokenSource<'_> {
    /// Opens it. If it needs a key and there is a terminal, asks for the key. A pipe cannot be read
    /// again with the key, so none is asked for.
    pub(super) fn open(&self, format: Option<&Format>, keys: &mut TransportKeys) -> Result<TokenFile> {
        let path = match self {
            Self::Images(paths) => return Ok(TokenFile::open_images(paths, &keys.keys)?),
            Self::File(path) if *path == Path::new("-") => {
                let source = input::standard_input().map_err(|error| format!("standard input: {error}"))?;
                return Ok(TokenFile::new("standard input".to_owned(), source, format, &keys.keys)?);
            }
            Self::File(path) => path,
        };
        let mut file = TokenFile::open(path, format, &keys.keys)?;
        if io::stdin().is_terminal()
            && path.is_file()
            && let Some(needed) = file.needed_key()
            && keys.ask(&needed, file.name())?
        {
            file = TokenFile::open(path, format, &keys.keys)?;
        }
        Ok(file)
    }
}

const KEY_FORM: &str = "must be a key of 16, 24 or 32 bytes, in hexadecimal or as its bytes";

/// A key as text in hexadecimal, or as its bytes.
fn read_key(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let is_key = |key: &Zeroizing<Vec<u8>>| KEY_SIZES.contains(&key.len());
    let text: Zeroizing<Vec<u8>> =
        Zeroizing::new(bytes.iter().copied().filter(|byte| !matches!(byte, b' ' | b':' | b'\n' | b'\r')).collect());
    let decoded = HEXLOWER_PERMISSIVE.decode(&text).ok().map(Zeroizing::new).filter(is_key);
    decoded.or_else(|| Some(Zeroizing::new(bytes.to_vec())).filter(is_key))
}

fn read_file(path: &Path) -> Result<Wiped> {
    let read = File::open(path).and_then(|mut file| file::read(&mut file, MAX_INPUT_BYTES));
    Ok(read.map_err(|error| format!("{}: {error}", path.display()))?)
}
