//! Layer 3: `otpauth://` URIs in Google Authenticator's Key URI format, what a QR code for an
//! authenticator holds.

use zeroize::{Zeroize, Zeroizing};

use crate::label::Encoding;
use crate::{Algorithm, Device, Digits, Error, Factor, Hotp, Secret, Totp, UriText};

/// An `otpauth://totp/` or `otpauth://hotp/` URI: an authenticator's parameters and secret under a
/// label.
///
/// ```
/// use keyfob::{Factor, Secret, Totp, Uri};
///
/// let totp = Totp::new(Secret::new(b"12345678901234567890")?);
/// let uri = Uri::new(Factor::Totp(totp), 0, "ACME Co", "alice@example.com")?;
/// let mut buffer = [0; 300];
/// let text = uri.write(&mut buffer)?;
/// assert_eq!(
///     text,
///     "otpauth://totp/ACME%20Co:alice%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
///      &issuer=ACME%20Co&algorithm=SHA1&digits=6&period=30"
/// );
/// let read = Uri::parse(text)?;
/// assert_eq!(read.account().to_string(), "alice@example.com");
/// assert_eq!(read.factor(), uri.factor());
/// # Ok::<(), keyfob::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Uri<'a> {
    factor: Factor,
    counter: u64,
    issuer: UriText<'a>,
    account: UriText<'a>,
}

impl<'a> Uri<'a> {
    /// Puts a TOTP or HOTP factor under a label. `counter` is that of HOTP's next code. `issuer`
    /// may be empty; authenticators show it beside `account`.
    ///
    /// Errors: [`Error::WrongKind`] for other factors, [`Error::UriT0`], [`Error::UriLabel`].
    pub fn new(factor: Factor, counter: u64, issuer: &'a str, account: &'a str) -> Result<Self, Error> {
        match &factor {
            Factor::Totp(totp) if totp.t0() != 0 => return Err(Error::UriT0),
            Factor::Totp(_) | Factor::Hotp(_) => {}
            _ => return Err(Error::WrongKind),
        }
        let text = |raw| UriText { raw, encoding: Encoding::None };
        // The format drops spaces before the account.
        let uri = Self { factor, counter, issuer: text(issuer), account: text(account.trim_start_matches(' ')) }.checked()?;
        uri.check_writable()?;
        Ok(uri)
    }

    /// Reads a URI. Unknown parameters are ignored, as is the counter of TOTP and the period of
    /// HOTP; what is missing has its default: SHA1, 6 digits, 30 seconds. Where the label and the
    /// parameter name different issuers, the parameter counts.
    ///
    /// The label is read leniently, since it decides nothing: blanks and line ends around the URI
    /// are ignored, issuer and account may be empty or hold colons. The issuer in the label ends at
    /// the colon behind the parameter's issuer, or else at the first colon. [`write`](Self::write)
    /// refuses such labels.
    ///
    /// A URI with `&amp;`, copied from the source of a web page, is refused.
    ///
    /// Errors: [`Error::UriType`], [`Error::UriLabel`], [`Error::UriEncoding`],
    /// [`Error::UriNoSecret`], [`Error::UriCounter`], [`Error::UriRepeated`], [`Error::Algorithm`],
    /// [`Error::Digits`], [`Error::Period`], [`Error::SecretBase32`], [`Error::SecretLength`].
    pub fn parse(text: &'a str) -> Result<Self, Error> {
        Self::read(text, Secret::from_base32)
    }

    /// As [`parse`](Self::parse), of a secret that may be short:
    /// [`Secret::new_allowing_short`].
    ///
    /// Errors: those of [`parse`](Self::parse).
    pub fn parse_allowing_short(text: &'a str) -> Result<Self, Error> {
        Self::read(text, Secret::from_base32_allowing_short)
    }

    fn read(text: &'a str, read_secret: fn(&str) -> Result<Secret, Error>) -> Result<Self, Error> {
        let text = text.trim();
        let rest = strip_prefix(text, "otpauth://").ok_or(Error::UriType)?;
        let (kind, rest) = rest.split_at_checked(rest.find(['/', '?']).ok_or(Error::UriType)?).unwrap_or_default();
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        let is_totp = kind.eq_ignore_ascii_case("totp");
        if !is_totp && !kind.eq_ignore_ascii_case("hotp") {
            return Err(Error::UriType);
        }
        if text.bytes().any(|byte| byte.is_ascii_control() || byte == b'#') {
            return Err(Error::UriEncoding);
        }
        let (label, query) = rest.split_once('?').unwrap_or((rest, ""));
        let [mut secret, mut issuer, mut algorithm, mut digits, mut period, mut counter] = [None; 6];
        for parameter in query.split('&') {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            // The separator as HTML writes it. Passed over as unknown, it would take the digits or
            // the period away.
            if strip_prefix(name, "amp;").is_some() {
                return Err(Error::UriEncoding);
            }
            let known = [
                ("secret", &mut secret),
                ("issuer", &mut issuer),
                ("algorithm", &mut algorithm),
                ("digits", &mut digits),
                ("period", &mut period),
                ("counter", &mut counter),
            ];
            if let Some((_, slot)) = known.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
                let value = UriText { raw: value, encoding: Encoding::Query };
                if slot.replace(value).is_some() {
                    return Err(Error::UriRepeated);
                }
            }
        }
        let secret = secret.ok_or(Error::UriNoSecret)?.read(Error::SecretBase32, read_secret)?;
        let algorithm = algorithm.map_or(Ok(Algorithm::Sha1), |text| text.read(Error::Algorithm, str::parse))?;
        let digits = digits.map_or(Ok(6), |text| text.number(Error::Digits))?;
        let digits = u8::try_from(digits).map_err(|_| Error::Digits).and_then(Digits::new)?;
        let hotp = Hotp::new(secret).with_algorithm(algorithm).with_digits(digits);
        let (factor, counter) = if is_totp {
            let period = period.map_or(Ok(30), |text| text.number(Error::Period))?;
            let period = u32::try_from(period).map_err(|_| Error::Period)?;
            (Factor::Totp(Totp::from_hotp(hotp).with_period(period)?), 0)
        } else {
            (Factor::Hotp(hotp), counter.ok_or(Error::UriCounter)?.number(Error::UriCounter)?)
        };
        let issuer = issuer.filter(|issuer| !issuer.raw.is_empty());
        let (prefix, account) = split_label(label, issuer);
        Self { factor, counter, issuer: issuer.unwrap_or(prefix), account }.checked()
    }

    /// The parameters and the secret: TOTP or HOTP.
    pub const fn factor(&self) -> &Factor {
        &self.factor
    }

    /// HOTP: the counter of the next code; TOTP: 0.
    pub const fn counter(&self) -> u64 {
        self.counter
    }

    /// Who issued the secret; may be empty.
    pub const fn issuer(&self) -> UriText<'a> {
        self.issuer
    }

    /// Whose account it is for.
    pub const fn account(&self) -> UriText<'a> {
        self.account
    }

    /// Enrols the device that the URI describes at time `now`, in Unix seconds.
    pub fn to_device(&self, now: u64) -> Device {
        match &self.factor {
            Factor::Totp(totp) => Device::totp(totp.clone(), now),
            other => Device::new(other.clone(), now, self.counter),
        }
    }

    /// The size of the text in bytes.
    #[expect(clippy::len_without_is_empty, reason = "no URI is empty")]
    pub fn len(&self) -> usize {
        let mut len = 0_usize;
        let counted = self.emit(&mut |bytes| {
            len = len.saturating_add(bytes.len());
            Ok(())
        });
        counted.map_or(0, |()| len)
    }

    /// Writes the URI into `buffer` and returns the text; [`len`](Self::len) tells how much room it
    /// needs.
    ///
    /// The text holds the secret: the caller wipes the buffer. Errors: [`Error::UriLabel`] if the
    /// URI was read with a label that others read differently (a colon in issuer or account, no
    /// account), [`Error::BufferTooSmall`]; the buffer is then wiped.
    pub fn write<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b str, Error> {
        let mut at = 0_usize;
        let written = self.check_writable().and_then(|()| {
            self.emit(&mut |bytes| {
                let end = at.saturating_add(bytes.len());
                buffer.get_mut(at..end).ok_or(Error::BufferTooSmall)?.copy_from_slice(bytes);
                at = end;
                Ok(())
            })
        });
        if written.is_err() {
            buffer.zeroize();
        }
        written?;
        str::from_utf8(buffer.get(..at).unwrap_or_default()).map_err(|_| Error::UriEncoding)
    }

    /// The text, wiped on drop.
    ///
    /// Errors: [`Error::UriLabel`], as [`write`](Self::write).
    #[cfg(feature = "alloc")]
    pub fn to_text(&self) -> Result<Zeroizing<alloc::string::String>, Error> {
        let mut buffer = Zeroizing::new(alloc::vec![0; self.len()]);
        Ok(Zeroizing::new(self.write(&mut buffer)?.into()))
    }

    fn checked(self) -> Result<Self, Error> {
        self.issuer.check()?;
        self.account.check()?;
        Ok(self)
    }

    /// The format forbids colons in issuer and account, and an account that is empty:
    /// authenticators differ in how they read those.
    fn check_writable(&self) -> Result<(), Error> {
        let has_colon = |text: UriText<'_>| text.bytes().any(|byte| byte == b':');
        if self.account.is_empty() || has_colon(self.account) || has_colon(self.issuer) {
            return Err(Error::UriLabel);
        }
        Ok(())
    }

    fn emit(&self, put: &mut impl FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        let (kind, hotp) = match &self.factor {
            Factor::Totp(totp) => ("totp", totp.hotp()),
            Factor::Hotp(hotp) => ("hotp", hotp),
            _ => return Err(Error::WrongKind),
        };
        let issuer = Some(self.issuer).filter(|issuer| !issuer.is_empty());
        put(b"otpauth://")?;
        put(kind.as_bytes())?;
        put(b"/")?;
        if let Some(issuer) = issuer {
            issuer.encode(put)?;
            put(b":")?;
        }
        self.account.encode(put)?;
        put(b"?secret=")?;
        put(hotp.secret().write_base32(&mut *Zeroizing::new([0; 104]))?.as_bytes())?;
        if let Some(issuer) = issuer {
            put(b"&issuer=")?;
            issuer.encode(put)?;
        }
        put(b"&algorithm=")?;
        put(hotp.algorithm().name().as_bytes())?;
        put(b"&digits=")?;
        put_number(u64::from(hotp.digits().get()), put)?;
        let (name, number): (&[u8], u64) = match &self.factor {
            Factor::Totp(totp) => (b"&period=", u64::from(totp.period())),
            _ => (b"&counter=", self.counter),
        };
        put(name)?;
        put_number(number, put)
    }
}

impl Device {
    /// The URI that enrols an authenticator for this device: for TOTP and HOTP, the latter from the
    /// expected counter on.
    ///
    /// Errors: as [`Uri::new`].
    pub fn uri<'a>(&self, issuer: &'a str, account: &'a str) -> Result<Uri<'a>, Error> {
        Uri::new(self.factor.clone(), if matches!(self.factor, Factor::Hotp(_)) { self.state.moving } else { 0 }, issuer, account)
    }
}

/// Splits a label into issuer and account, and drops the spaces before the account. It is split at
/// the colon, literal or encoded, behind the parameter's issuer, else at the first.
fn split_label<'a>(label: &'a str, issuer: Option<UriText<'a>>) -> (UriText<'a>, UriText<'a>) {
    let text = |raw| UriText { raw, encoding: Encoding::Label };
    let splits = || {
        (0..label.len()).filter_map(|at| {
            let (front, rest) = label.split_at_checked(at)?;
            let is_encoded = || rest.get(..3).is_some_and(|part| part.eq_ignore_ascii_case("%3A"));
            let behind = rest.strip_prefix(':').or_else(|| rest.get(3..).filter(|_| is_encoded()))?;
            Some((text(front), behind))
        })
    };
    let named = splits().find(|&(front, _)| issuer == Some(front));
    let (issuer, mut account) = named.or_else(|| splits().next()).unwrap_or((text(""), label));
    while let Some(rest) = account.strip_prefix(' ').or_else(|| account.strip_prefix("%20")) {
        account = rest;
    }
    (issuer, text(account))
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (front, rest) = text.split_at_checked(prefix.len())?;
    front.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn put_number(mut number: u64, put: &mut impl FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
    let mut digits = [b'0'; 20];
    let mut first = digits.len();
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        let [value, ..] = (number % 10).to_le_bytes();
        *digit |= value;
        number /= 10;
        first = at;
        if number == 0 {
            break;
        }
    }
    put(digits.get(first..).unwrap_or_default())
}
