//! Writes PSKC, RFC 6030: plain, or AES-256-CBC with HMAC-SHA-256.

use std::fmt::Write as _;
use std::io::Write;

use data_encoding::BASE64;
use keyfob::Algorithm;
use keyfob::rand_core::TryCryptoRng;
use quick_xml::escape::escape;
use zeroize::Zeroizing;

use crate::pskc::crypt::{AES256_CBC, Derivation, HMAC_SHA256, HmacHash, PBKDF2, encrypt_cbc, hmac_sha256};
use crate::text::write_date;
use crate::{Error, ErrorKind, Kind, Location, Token};

const KEY_BYTES: usize = 32;
const SALT_BYTES: usize = 16;
/// Room for a key of usual size, so that no copy of a secret stays behind.
const KEY_TEXT_BYTES: usize = 8192;

/// How secrets are protected in a PSKC file.
#[derive(Clone, Copy)]
pub enum PskcProtection<'k> {
    /// Not at all: whoever has the file has the secrets.
    Plain,
    /// By a pre-shared key.
    Key(&'k [u8; KEY_BYTES]),
    /// By a password.
    Password {
        /// The password.
        password: &'k str,
        /// The iterations of PBKDF2-HMAC-SHA-256; OWASP asks for 600,000.
        iterations: u32,
    },
}

impl std::fmt::Debug for PskcProtection<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain => "Plain",
            Self::Key(_) => "Key",
            Self::Password { .. } => "Password",
        })
    }
}

/// How Suite names a hash other than SHA-1: no text suits every reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PskcSuite {
    /// `HMAC-SHA256`, as most readers know it.
    #[default]
    Hmac,
    /// `SHA256`, as privacyIDEA does.
    Bare,
}

struct Secrets {
    key: Zeroizing<[u8; KEY_BYTES]>,
    mac_key: Zeroizing<[u8; KEY_BYTES]>,
}

/// Writes a PSKC file, one package for each token.
pub struct PskcWriter<W, R> {
    output: W,
    rng: R,
    secrets: Option<Secrets>,
    suite: PskcSuite,
    entry: u64,
}

impl<W, R> std::fmt::Debug for PskcWriter<W, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PskcWriter {{ entry: {}, is_encrypted: {} }}", self.entry, self.secrets.is_some())
    }
}

fn draw<const N: usize>(rng: &mut impl TryCryptoRng) -> Result<Zeroizing<[u8; N]>, ErrorKind> {
    let mut bytes = Zeroizing::new([0; N]);
    rng.try_fill_bytes(&mut *bytes).map_err(|_| ErrorKind::Randomness)?;
    if bytes.iter().all(|&byte| byte == 0) { Err(ErrorKind::Randomness) } else { Ok(bytes) }
}

impl<W: Write, R: TryCryptoRng> PskcWriter<W, R> {
    /// Begins a file. `rng` draws salt, MAC key and initialisation vectors.
    ///
    /// Errors: [`ErrorKind::Io`], [`ErrorKind::Randomness`], [`ErrorKind::Derivation`].
    pub fn new(output: W, protection: PskcProtection<'_>, suite: PskcSuite, rng: R) -> Result<Self, Error> {
        let mut writer = Self { output, rng, secrets: None, suite, entry: 0 };
        let head = writer.head(protection).map_err(|kind| Error::fatal(kind, Location::default()))?;
        writer.put(&head)?;
        Ok(writer)
    }

    /// Writes a token.
    ///
    /// Errors: [`ErrorKind::Unwritable`] for what XML cannot say, nothing is written then;
    /// [`ErrorKind::Io`], [`ErrorKind::Randomness`].
    pub fn write(&mut self, token: &Token) -> Result<(), Error> {
        self.entry = self.entry.saturating_add(1);
        let package = self.package(token);
        let place = Location { entry: Some(self.entry), line: None, serial: token.serial.clone() };
        self.put(&package.map_err(|kind| Error::new(kind, place))?)
    }

    /// Ends the file, and gives the output back.
    ///
    /// Errors: [`ErrorKind::Io`].
    pub fn finish(mut self) -> Result<W, Error> {
        self.put("</KeyContainer>\n")?;
        Ok(self.output)
    }

    fn put(&mut self, text: &str) -> Result<(), Error> {
        let written = self.output.write_all(text.as_bytes());
        written.map_err(|error| Error::fatal(ErrorKind::io(&error), Location { entry: Some(self.entry), ..Location::default() }))
    }

    fn head(&mut self, protection: PskcProtection<'_>) -> Result<String, ErrorKind> {
        let mut head = String::from(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <KeyContainer Version=\"1.0\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\" \
             xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" \
             xmlns:xenc11=\"http://www.w3.org/2009/xmlenc11#\" \
             xmlns:pkcs5=\"http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#\">\n",
        );
        let key = match protection {
            PskcProtection::Plain => return Ok(head),
            PskcProtection::Key(key) => {
                head.push_str("<EncryptionKey><ds:KeyName>Pre-shared-key</ds:KeyName></EncryptionKey>\n");
                Zeroizing::new(*key)
            }
            PskcProtection::Password { password, iterations } => {
                let salt = draw::<SALT_BYTES>(&mut self.rng)?.to_vec();
                let derivation = Derivation { salt, iterations, key_bytes: KEY_BYTES, hash: HmacHash::Sha256 };
                let derived = derivation.derive(password.as_bytes())?;
                let mut key = Zeroizing::new([0; KEY_BYTES]);
                key.copy_from_slice(&derived);
                let salt = BASE64.encode(&derivation.salt);
                head.push_str("<EncryptionKey><xenc11:DerivedKey>");
                put(&mut head, format_args!("<xenc11:KeyDerivationMethod Algorithm=\"{PBKDF2}\"><pkcs5:PBKDF2-params>"));
                put(&mut head, format_args!("<Salt xmlns=\"\"><Specified>{salt}</Specified></Salt>"));
                put(&mut head, format_args!("<IterationCount xmlns=\"\">{iterations}</IterationCount>"));
                put(&mut head, format_args!("<KeyLength xmlns=\"\">{KEY_BYTES}</KeyLength>"));
                put(&mut head, format_args!("<PRF xmlns=\"\" Algorithm=\"{HMAC_SHA256}\"/></pkcs5:PBKDF2-params>"));
                head.push_str("</xenc11:KeyDerivationMethod><xenc11:MasterKeyName>Password</xenc11:MasterKeyName>");
                head.push_str("</xenc11:DerivedKey></EncryptionKey>\n");
                key
            }
        };
        let secrets = Secrets { key, mac_key: draw(&mut self.rng)? };
        let iv = draw(&mut self.rng)?;
        let mac_key = encrypt_cbc(&secrets.key, *iv, secrets.mac_key.as_slice()).ok_or(ErrorKind::Decryption)?;
        put(&mut head, format_args!("<MACMethod Algorithm=\"{HMAC_SHA256}\"><MACKey>"));
        put_cipher_data(&mut head, &mac_key);
        head.push_str("</MACKey></MACMethod>\n");
        self.secrets = Some(secrets);
        Ok(head)
    }

    fn package(&mut self, token: &Token) -> Result<Zeroizing<String>, ErrorKind> {
        let mut text = Zeroizing::new(String::with_capacity(KEY_TEXT_BYTES));
        text.push_str("<KeyPackage>");
        if token.serial.is_some() || token.manufacturer.is_some() || token.model.is_some() {
            text.push_str("<DeviceInfo>");
            put_text(&mut text, "Manufacturer", token.manufacturer.as_deref())?;
            put_text(&mut text, "SerialNo", token.serial.as_deref())?;
            put_text(&mut text, "Model", token.model.as_deref())?;
            text.push_str("</DeviceInfo>");
        }
        let number = self.entry.to_string();
        let id = token.id.as_deref().or(token.serial.as_deref()).unwrap_or(&number);
        let kind = token.kind.name();
        let id = xml_text(id)?;
        put(&mut text, format_args!("<Key Id=\"{id}\" Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:{kind}\">"));
        put_text(&mut text, "Issuer", token.issuer.as_deref())?;
        self.put_parameters(&mut text, token)?;
        text.push_str("<Data><Secret>");
        self.put_secret(&mut text, token.secret.expose())?;
        text.push_str("</Secret>");
        put_number(&mut text, "Counter", token.counter);
        if token.kind == Kind::Totp {
            put_number(&mut text, "Time", Some(token.t0));
            put_number(&mut text, "TimeInterval", token.period);
            let drift = token.drift.map(i32::try_from).transpose();
            put_number(&mut text, "TimeDrift", drift.map_err(|_| ErrorKind::Unwritable("a drift of more than 32 bits"))?);
        }
        text.push_str("</Data>");
        put_text(&mut text, "UserId", token.account.as_deref())?;
        put_policy(&mut text, token)?;
        text.push_str("</Key></KeyPackage>\n");
        Ok(text)
    }

    fn put_parameters(&self, text: &mut String, token: &Token) -> Result<(), ErrorKind> {
        text.push_str("<AlgorithmParameters>");
        match token.kind {
            Kind::Ocra => put_text(text, "Suite", token.suite.as_deref())?,
            Kind::Totp | Kind::Hotp if token.algorithm != Algorithm::Sha1 => {
                let name = token.algorithm.name();
                let prefix = if self.suite == PskcSuite::Hmac { "HMAC-" } else { "" };
                put(text, format_args!("<Suite>{prefix}{name}</Suite>"));
            }
            Kind::Totp | Kind::Hotp | Kind::Pin => {}
        }
        let pin = token.secret.expose();
        let (length, encoding) = match (token.kind, token.digits) {
            (Kind::Pin, _) if !pin.iter().all(u8::is_ascii_digit) => (pin.len(), "ALPHANUMERIC"),
            (Kind::Pin, _) => (pin.len(), "DECIMAL"),
            (_, Some(digits)) => (usize::from(digits.get()), "DECIMAL"),
            (_, None) => {
                text.push_str("</AlgorithmParameters>");
                return Ok(());
            }
        };
        put(text, format_args!("<ResponseFormat Encoding=\"{encoding}\" Length=\"{length}\"/></AlgorithmParameters>"));
        Ok(())
    }

    fn put_secret(&mut self, text: &mut String, secret: &[u8]) -> Result<(), ErrorKind> {
        let Some(Secrets { key, mac_key }) = &self.secrets else {
            let plain = Zeroizing::new(BASE64.encode(secret));
            put(text, format_args!("<PlainValue>{}</PlainValue>", *plain));
            return Ok(());
        };
        let iv = draw(&mut self.rng)?;
        let data = encrypt_cbc(key, *iv, secret).ok_or(ErrorKind::Decryption)?;
        let mac = hmac_sha256(mac_key.as_slice(), &data).ok_or(ErrorKind::Mac)?;
        text.push_str("<EncryptedValue>");
        put_cipher_data(text, &data);
        put(text, format_args!("</EncryptedValue><ValueMAC>{}</ValueMAC>", BASE64.encode(&mac)));
        Ok(())
    }
}

/// Writing into a string does not fail.
fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(arguments);
}

fn put_cipher_data(text: &mut String, data: &[u8]) {
    let data = BASE64.encode(data);
    put(text, format_args!("<xenc:EncryptionMethod Algorithm=\"{AES256_CBC}\"/>"));
    put(text, format_args!("<xenc:CipherData><xenc:CipherValue>{data}</xenc:CipherValue></xenc:CipherData>"));
}

/// A text as XML has it; XML 1.0 has no control characters.
fn xml_text(text: &str) -> Result<std::borrow::Cow<'_, str>, ErrorKind> {
    let is_forbidden = |letter: char| letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}');
    if text.contains(is_forbidden) { Err(ErrorKind::Unwritable("a control character in a text")) } else { Ok(escape(text)) }
}

fn put_text(text: &mut String, name: &str, value: Option<&str>) -> Result<(), ErrorKind> {
    if let Some(value) = value {
        let value = xml_text(value)?;
        put(text, format_args!("<{name}>{value}</{name}>"));
    }
    Ok(())
}

fn put_number(text: &mut String, name: &str, number: Option<impl std::fmt::Display>) {
    if let Some(number) = number {
        put(text, format_args!("<{name}><PlainValue>{number}</PlainValue></{name}>"));
    }
}

fn put_policy(text: &mut String, token: &Token) -> Result<(), ErrorKind> {
    text.push_str("<Policy>");
    for (name, date) in [("StartDate", token.not_before), ("ExpiryDate", token.not_after)] {
        put_text(text, name, date.map(write_date).as_deref())?;
    }
    if let Some(policy) = &token.pin_policy {
        text.push_str("<PINPolicy");
        let (key, mode, encoding) = (&policy.key_id, &policy.usage_mode, &policy.encoding);
        for (name, value) in [("PINKeyId", key), ("PINUsageMode", mode), ("PINEncoding", encoding)] {
            if let Some(value) = value {
                let value = xml_text(value)?;
                put(text, format_args!(" {name}=\"{value}\""));
            }
        }
        let (attempts, min, max) = (policy.max_failed_attempts, policy.min_length, policy.max_length);
        for (name, value) in [("MaxFailedAttempts", attempts), ("MinLength", min), ("MaxLength", max)] {
            if let Some(value) = value {
                put(text, format_args!(" {name}=\"{value}\""));
            }
        }
        text.push_str("/>");
    }
    match token.kind {
        Kind::Totp | Kind::Hotp => text.push_str("<KeyUsage>OTP</KeyUsage>"),
        Kind::Ocra => text.push_str("<KeyUsage>CR</KeyUsage>"),
        Kind::Pin => {}
    }
    if let Some(number) = token.max_transactions {
        put(text, format_args!("<NumberOfTransactions>{number}</NumberOfTransactions>"));
    }
    text.push_str("</Policy>");
    // A PIN key without a policy needs none.
    if text.ends_with("<Policy></Policy>") {
        let len = text.len().saturating_sub("<Policy></Policy>".len());
        text.truncate(len);
    }
    Ok(())
}
