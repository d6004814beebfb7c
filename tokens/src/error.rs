//! Why an entry or a file was refused, and where in the file that is.

use std::fmt;
use std::io;

/// Why an entry of a file, or the rest of a file, was refused. The text names the place, says what
/// is wrong and what to do. It never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    location: Location,
    fatal: bool,
}

impl Error {
    pub(crate) const fn new(kind: ErrorKind, location: Location) -> Self {
        Self { kind, location, fatal: false }
    }

    /// An error that ends the reading of the file.
    pub(crate) const fn fatal(kind: ErrorKind, location: Location) -> Self {
        Self { kind, location, fatal: true }
    }

    /// What is wrong.
    pub const fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// Where it is in the file.
    pub const fn location(&self) -> &Location {
        &self.location
    }

    /// Whether reading ends here. Otherwise the next entry follows.
    pub const fn is_fatal(&self) -> bool {
        self.fatal
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.location != Location::default() {
            write!(f, "{}: ", self.location)?;
        }
        self.kind.fmt(f)
    }
}

impl std::error::Error for Error {}

/// A place in a file. What the format cannot say is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// The line, from 1.
    pub line: Option<u64>,
    /// The number of the entry, from 1, with those that were refused or passed over.
    pub entry: Option<u64>,
    /// The serial number or, where a format has none, the name.
    pub serial: Option<String>,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.entry, self.line) {
            (Some(entry), Some(line)) => write!(f, "entry {entry}, line {line}")?,
            (Some(entry), None) => write!(f, "entry {entry}")?,
            (None, Some(line)) => write!(f, "line {line}")?,
            (None, None) => f.write_str("file")?,
        }
        match &self.serial {
            Some(serial) if !serial.is_empty() => write!(f, " ({})", Quoted(serial)),
            _ => Ok(()),
        }
    }
}

/// What is wrong with an entry or a file. Texts in it are names from the file, never secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Reading or writing failed: the operating system's message.
    Io(String),
    /// No format that this crate reads.
    UnknownFormat,
    /// The file ends in the middle.
    Truncated,
    /// The file is not UTF-8.
    Encoding,
    /// XML that is not well-formed.
    Xml,
    /// JSON that is not well-formed, with the parser's position.
    Json {
        /// The column of the line, from 1.
        column: u64,
    },
    /// A document type declaration or an entity, which these formats do not have.
    Entity,
    /// Elements nested too deeply.
    Nesting,
    /// An element, a line or a file beyond its bound, and the bound in bytes.
    Size(usize),
    /// More entries than a file may have, and how many it may have.
    Entries(usize),
    /// XML or JSON of another format.
    Root(String),
    /// A version of the format that this crate does not read.
    Version(String),
    /// A backup of the named app that is encrypted with a password.
    EncryptedBackup(&'static str),
    /// A PSKC file whose keys are encrypted for a certificate.
    Certificate,
    /// A PSKC file that needs a pre-shared key.
    KeyMissing,
    /// A PSKC file that needs a password.
    PasswordMissing,
    /// The pre-shared key or the password does not fit the file.
    WrongKey,
    /// A derivation of a key from a password that is incomplete, unknown or too costly.
    Derivation(&'static str),
    /// A cipher that this crate does not read.
    Cipher(String),
    /// A MAC algorithm that this crate does not know.
    MacAlgorithm(String),
    /// An encrypted value without a MAC.
    MacMissing,
    /// A value whose MAC does not fit.
    Mac,
    /// A value that cannot be decrypted.
    Decryption,
    /// The named field is missing.
    Missing(&'static str),
    /// The named field occurs twice, or in two forms.
    Repeated(&'static str),
    /// The named field does not come in the order of the format.
    Order(&'static str),
    /// The named field is not a number.
    Number(&'static str),
    /// The named field is a number beyond its range.
    Range(&'static str),
    /// The named field is not a date.
    Date(&'static str),
    /// The named field is not true or false.
    Boolean(&'static str),
    /// A secret that is not in the encoding of its format.
    Secret(&'static str),
    /// A secret of 65 to 128 bytes for HMAC-SHA-512, which no RFC 2104 hash shortens.
    SecretLength,
    /// A kind of token or an algorithm whose codes the engine does not compute.
    KeyAlgorithm(String),
    /// A hash algorithm other than SHA-1, SHA-256 and SHA-512.
    Hash(String),
    /// A suite that is neither a hash algorithm nor a suite of OCRA.
    Suite(String),
    /// A number of digits outside 6 to 10.
    Digits,
    /// Codes that are not decimal digits, or that have a check digit.
    CodeFormat(&'static str),
    /// A secret that lies elsewhere: a PSKC key that only refers to it.
    Reference,
    /// A policy that the engine cannot keep.
    Policy(String),
    /// A row with fewer or more columns than the format has.
    Columns,
    /// A heading that the format needs, or a column mapping that is not understood.
    Heading(String),
    /// An otpauth URI that the engine refuses.
    Uri(keyfob::Error),
    /// Batches of a migration that are missing: their numbers, from 1, of how many.
    Batches {
        /// The numbers that are missing, from 1.
        missing: Vec<u32>,
        /// How many there should be.
        count: u32,
    },
    /// A payload of a migration that is not what the format says.
    Payload,
    /// What the format to write cannot say.
    Unwritable(&'static str),
    /// The generator of randomness failed.
    Randomness,
}

impl ErrorKind {
    pub(crate) fn io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated,
            io::ErrorKind::InvalidData => Self::Encoding,
            _ => Self::Io(error.to_string()),
        }
    }
}

/// A text of the file in a message: short, and without control characters.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        const MAX_CHARS: usize = 80;
        for letter in self.0.chars().take(MAX_CHARS) {
            f.write_char(if letter.is_control() { '\u{fffd}' } else { letter })?;
        }
        if self.0.chars().nth(MAX_CHARS).is_some() { f.write_str("...") } else { Ok(()) }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Io(message) => return write!(f, "reading or writing failed ({}): try again", Quoted(message)),
            Self::UnknownFormat => "the format is not known: name it, or map the columns of a CSV file",
            Self::Truncated => "the file ends in the middle: fetch or copy it again",
            Self::Encoding => "the file is not UTF-8: save it as UTF-8",
            Self::Xml => "the XML is not well-formed: fetch or export the file again",
            Self::Json { column } => {
                return write!(f, "the JSON is not well-formed at column {column}: export the file again");
            }
            Self::Entity => "the XML has a document type or an entity, which is refused: remove the declaration",
            Self::Nesting => "the elements are nested too deeply: this is not a token file",
            Self::Size(bytes) => return write!(f, "the element, line or file is larger than {bytes} bytes: split or shorten it"),
            Self::Entries(most) => return write!(f, "the file has more than {most} entries: split it"),
            Self::Root(name) => {
                return write!(f, "the file starts with {}, which is no format known here: export another format", Quoted(name));
            }
            Self::Version(version) => {
                return write!(f, "version {} of the format is not known: export an older version", Quoted(version));
            }
            Self::EncryptedBackup(app) => {
                return write!(f, "this backup of {app} is encrypted with a password: export one without a password");
            }
            Self::Certificate => {
                "the secrets are encrypted for a certificate (RSA): ask for a file with a pre-shared key, or decrypt it first"
            }
            Self::KeyMissing => "the secrets are encrypted with a pre-shared key: give that key",
            Self::PasswordMissing => "the secrets are encrypted with a password: give that password",
            Self::WrongKey => "the pre-shared key or password does not fit this file: check it, and that it is complete",
            Self::Derivation(why) => return write!(f, "the key cannot be derived from the password: {why}"),
            Self::Cipher(name) => {
                return write!(f, "the cipher {} is not supported: ask for AES-CBC or AES key wrap", Quoted(name));
            }
            Self::MacAlgorithm(name) => {
                return write!(f, "the MAC algorithm {} is not supported: ask for HMAC-SHA-256", Quoted(name));
            }
            Self::MacMissing => "an encrypted value has no MAC, so a wrong key would go unseen: ask for a file with MACs",
            Self::Mac => "the MAC of a value does not fit: the key is wrong, or the value was changed",
            Self::Decryption => "a value cannot be decrypted: the key is wrong, or the value is damaged",
            Self::Missing(field) => return write!(f, "{field} is missing: add it"),
            Self::Repeated(field) => return write!(f, "{field} occurs twice: remove one"),
            Self::Order(field) => return write!(f, "{field} comes too late: move it before the key"),
            Self::Number(field) => return write!(f, "{field} is not a number: correct it"),
            Self::Range(field) => return write!(f, "{field} is out of range: correct it"),
            Self::Date(field) => return write!(f, "{field} is not a date of the form 2030-12-31T00:00:00Z: correct it"),
            Self::Boolean(field) => return write!(f, "{field} is neither true nor false: correct it"),
            Self::Secret(encoding) => return write!(f, "the secret is not {encoding}: check the file and its format"),
            Self::SecretLength => "a secret of 65 to 128 bytes cannot be used with SHA-512: enrol a token with at most 64 bytes",
            Self::KeyAlgorithm(name) => {
                return write!(f, "tokens of the kind {} are not supported: use a HOTP or TOTP token instead", Quoted(name));
            }
            Self::Hash(name) => {
                return write!(f, "the hash algorithm {} is not supported: it must be SHA1, SHA256 or SHA512", Quoted(name));
            }
            Self::Suite(name) => {
                return write!(f, "the suite {} is not known: it must be SHA1, SHA256, SHA512 or an OCRA suite", Quoted(name));
            }
            Self::Digits => "codes must have 6 to 10 digits: correct the length",
            Self::CodeFormat(why) => return write!(f, "the codes {why}, which is not supported: ask for plain decimal codes"),
            Self::Reference => "the file only refers to the secret: ask for a file that holds the secret itself",
            Self::Policy(name) => {
                return write!(f, "the policy {} cannot be kept here, and a key must not be used without it", Quoted(name));
            }
            Self::Columns => "the row has too few columns: check the format and the separator",
            Self::Heading(column) => return write!(f, "the column {} is not known: correct the columns", Quoted(column)),
            Self::Uri(error) => return write!(f, "the URI is refused: {error}"),
            Self::Batches { missing, count } => {
                let numbers: Vec<_> = missing.iter().take(20).map(ToString::to_string).collect();
                return write!(f, "of {count} QR codes these are missing: {}; add them", numbers.join(", "));
            }
            Self::Payload => "the data of the migration is damaged: scan the QR code again",
            Self::Unwritable(why) => return write!(f, "the format cannot say this: {why}; choose another format"),
            Self::Randomness => "the generator of randomness failed: try again",
        };
        f.write_str(text)
    }
}
