//! Opens a file of tokens, and tells its format.

use std::fs::File;
use std::io::{self, BufRead, Cursor, Read};
use std::path::Path;

use keyfob_tokens::{Error, ErrorKind, Format, Keys, Location, Token, Tokens, read};
use zeroize::Zeroizing;

use super::import_images::{PNG_SIGNATURE, append_texts};
use crate::file::{self, Wiped};

/// The bytes that show the format of a file.
const START_BYTES: u64 = 4096;

/// The size of the buffer that a file is read through.
const BUFFER_BYTES: usize = 64 * 1024;

/// The most bytes of an image.
const MAX_IMAGE_BYTES: usize = 16 << 20;

/// A file whose tokens are to be read.
pub(crate) struct TokenFile {
    name: String,
    /// The first item of the file, once it was looked at.
    first: Option<Result<Token, Error>>,
    tokens: Tokens<Box<dyn BufRead>>,
}

impl TokenFile {
    /// Opens a file. Its format is found out unless it is given.
    ///
    /// Errors: a message for people.
    pub(crate) fn open(path: &Path, format: Option<&Format>, keys: &Keys) -> Result<Self, String> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|error| format!("{name}: {error}"))?;
        Self::new(name, file, format, keys)
    }

    /// Reads a file of this name from a source, as [`open`](Self::open) does.
    ///
    /// Errors: a message for people.
    pub(crate) fn new(name: String, mut source: impl Read + 'static, format: Option<&Format>, keys: &Keys) -> Result<Self, String> {
        // Room enough not to grow: growing would leave copies of secrets behind.
        let mut start = Zeroizing::new(Vec::with_capacity(usize::try_from(START_BYTES).unwrap_or_default().saturating_mul(2)));
        source.by_ref().take(START_BYTES).read_to_end(&mut start).map_err(|error| format!("{name}: {error}"))?;
        let format = format.cloned().or_else(|| Format::detect(&start)).ok_or_else(|| unknown(&name, &start))?;
        let bytes: Box<dyn BufRead> = Box::new(Cursor::new(start).chain(Buffer::new(source)));
        Ok(Self { name, first: None, tokens: read(format, bytes, keys) })
    }

    /// Opens images with QR codes, as if their texts were the lines of one file: the batches of a
    /// migration may be on several.
    ///
    /// Errors: a message for people.
    pub(crate) fn open_images(paths: &[&Path], keys: &Keys) -> Result<Self, String> {
        let mut texts = Zeroizing::default();
        for path in paths {
            let image = File::open(path).and_then(|mut file| file::read(&mut file, MAX_IMAGE_BYTES));
            let image = image.map_err(|error| error.to_string()).and_then(|image| append_texts(&image, &mut texts));
            image.map_err(|error| format!("{}: {error}", path.display()))?;
        }
        let name = paths.first().map(|path| path.display().to_string()).unwrap_or_default();
        let name = if paths.len() > 1 { "QR codes".to_owned() } else { name };
        Self::new(name, Cursor::new(texts), Some(&Format::Uris), keys)
    }

    /// Whether a file is an image with QR codes. One that cannot be read is none, and neither is a
    /// pipe: what is read of it here would be missing later.
    pub(crate) fn is_image(path: &Path) -> bool {
        let mut start = [0; PNG_SIGNATURE.len()];
        file::open_regular(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == PNG_SIGNATURE
    }

    /// The name of the file, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the file needs a key or a password that was not given: the error that says which.
    pub(crate) fn needed_key(&mut self) -> Option<ErrorKind> {
        self.first = self.first.take().or_else(|| self.tokens.next());
        let kind = self.first.as_ref()?.as_ref().err()?.kind();
        matches!(kind, ErrorKind::KeyMissing | ErrorKind::PasswordMissing).then(|| kind.clone())
    }

    /// Where the last item was in the file.
    pub(super) fn location(&self) -> &Location {
        self.tokens.location()
    }
}

impl Iterator for TokenFile {
    type Item = Result<Token, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.first.take().or_else(|| self.tokens.next())
    }
}

/// The error for a file whose format cannot be told.
fn unknown(name: &str, start: &[u8]) -> String {
    if start.is_empty() {
        return format!("{name}: is empty");
    }
    if start.starts_with(PNG_SIGNATURE) || start.starts_with(b"\xff\xd8\xff") {
        return format!("{name}: is an image; give it as a PNG file, or the lines that zbarimg -q --raw FILE prints");
    }
    format!(
        "{name}: its format is not known; name it with --format (pskc, safenet, oath-csv, entra, yubico, keepassxc, uris or json), or the \
         columns of a CSV file with --columns"
    )
}

/// A buffered reader whose buffer is wiped.
struct Buffer<R> {
    source: R,
    bytes: Wiped,
    start: usize,
    end: usize,
}

impl<R: Read> Buffer<R> {
    fn new(source: R) -> Self {
        Self { source, bytes: Zeroizing::new(vec![0; BUFFER_BYTES]), start: 0, end: 0 }
    }
}

impl<R: Read> Read for Buffer<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(out)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: Read> BufRead for Buffer<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.start >= self.end {
            match self.source.read(&mut self.bytes) {
                Ok(read) => {
                    (self.start, self.end) = (0, read);
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.bytes.get(self.start..self.end).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.start = self.start.saturating_add(amount).min(self.end);
    }
}
