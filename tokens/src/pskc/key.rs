//! One key of a PSKC file, as a token.

use keyfob::Algorithm;
use zeroize::Zeroizing;

use crate::pskc::container::Container;
use crate::text::{base64, date, decimal, digits, hash, ocra_hash, some};
use crate::token::PinPolicy;
use crate::xml::Element;
use crate::{ErrorKind, Kind, RawSecret, Token};

pub(crate) const INFO: &str = "the device's information";

/// What a package says once for all of its keys.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) serial: Option<String>,
    manufacturer: Option<String>,
    model: Option<String>,
    account: Option<String>,
    /// From when and until when its keys may be used.
    validity: Result<[Option<u64>; 2], ErrorKind>,
}

impl Default for Device {
    fn default() -> Self {
        Self { serial: None, manufacturer: None, model: None, account: None, validity: Ok([None; 2]) }
    }
}

impl Device {
    /// Takes `DeviceInfo`, or `DeviceId` of the drafts.
    pub(crate) fn new(info: Element<'_>) -> Self {
        let text = |name| info.child_text(name).and_then(some);
        let dates = || Ok([child_date(info, &["StartDate"])?, child_date(info, &["ExpiryDate", "Expiry"])?]);
        Self {
            serial: text("SerialNo"),
            manufacturer: text("Manufacturer"),
            model: text("Model"),
            account: text("UserId"),
            validity: dates(),
        }
    }

    /// The device of keys whose information came too late.
    pub(crate) fn late() -> Self {
        Self { validity: Err(ErrorKind::Order(INFO)), ..Self::default() }
    }
}

/// The serial number of a key: the device's, else its own id.
pub(crate) fn serial(device: &Device, key: Element<'_>) -> Option<String> {
    device.serial.clone().or_else(|| id(key))
}

fn id(key: Element<'_>) -> Option<String> {
    ["Id", "KeyId", "SecretId"].into_iter().find_map(|name| key.attribute(name)).and_then(some)
}

/// A value of `Data`: as the file has it, or decrypted.
enum Value<'t> {
    Text(&'t str),
    Bytes(Zeroizing<Vec<u8>>),
}

pub(crate) fn token(key: Element<'_>, device: &Device, container: &mut Container) -> Result<Token, ErrorKind> {
    let algorithm = ["Algorithm", "KeyAlgorithm", "SecretAlgorithm"].into_iter().find_map(|name| key.attribute(name));
    let (kind, profile_suite) = kind(algorithm.ok_or(ErrorKind::Missing("the key's algorithm"))?)?;
    let parameters = key.any_child(&["AlgorithmParameters", "Usage"]);

    let mut token = Token::new(kind, secret(key, container)?);
    token.serial = serial(device, key);
    token.id = id(key);
    token.issuer = key.child_text("Issuer").and_then(some);
    token.account = key.child_text("UserId").and_then(some).or_else(|| device.account.clone());
    token.manufacturer.clone_from(&device.manufacturer);
    token.model.clone_from(&device.model);
    set_suite(&mut token, parameters, profile_suite)?;
    if let Some(format) = parameters.and_then(|parameters| parameters.child("ResponseFormat")) {
        set_format(&mut token, format)?;
    }
    let mut number = |name: &str| data(key, name).map(|element| value(element, container)).transpose().map(Option::flatten);
    if kind == Kind::Totp {
        if let Some(time) = number("Time")? {
            token.t0 = in_range(integer(&time, "the time")?, "the time")?;
        }
        if let Some(interval) = number("TimeInterval")? {
            token.period = Some(in_range(integer(&interval, "the time interval")?, "the time interval")?);
        }
        token.drift = number("TimeDrift")?.map(|steps| drift(&steps, token.period)).transpose()?;
    } else if let Some(counter) = number("Counter")? {
        token.counter = Some(in_range(integer(&counter, "the counter")?, "the counter")?);
    }
    set_policy(&mut token, key)?;
    let [not_before, not_after] = device.validity.clone()?;
    token.not_before = not_before.max(token.not_before);
    token.not_after = [not_after, token.not_after].into_iter().flatten().min();
    token.checked()
}

/// What the key computes, and the suite that the drafts put into the algorithm's name.
fn kind(algorithm: &str) -> Result<(Kind, Option<&str>), ErrorKind> {
    let at = algorithm.rfind("OCRA-1:").or_else(|| algorithm.rfind("ocra-1:"));
    if let Some(suite) = at.and_then(|at| algorithm.get(at..)) {
        return Ok((Kind::Ocra, Some(suite)));
    }
    let name = algorithm.rsplit(['#', ':']).next().unwrap_or(algorithm).trim();
    let kind = Kind::from_name(name).ok_or_else(|| ErrorKind::KeyAlgorithm(algorithm.to_owned()))?;
    Ok((kind, None))
}

/// The element of a value: `Data/Secret`, or `Data Name="SECRET"` of the drafts.
fn data<'t>(key: Element<'t>, name: &str) -> Option<Element<'t>> {
    let draft = match name {
        "TimeInterval" => "TIME_INTERVAL",
        "TimeDrift" => "TIME_DRIFT",
        name => name,
    };
    let mut all = key.children().filter(|child| child.is("Data"));
    all.find_map(|data| match data.attribute("Name") {
        Some(named) => named.eq_ignore_ascii_case(draft).then_some(data),
        None => data.child(name),
    })
}

fn value<'t>(element: Element<'t>, container: &mut Container) -> Result<Option<Value<'t>>, ErrorKind> {
    let mac = element.any_child(&["ValueMAC", "ValueDigest"]);
    match (element.child("PlainValue"), element.child("EncryptedValue"), element.child("Value")) {
        (None, Some(encrypted), None) => container.decrypt(encrypted, mac).map(Value::Bytes).map(Some),
        (None, None, Some(value)) if container.encrypts_values() && mac.is_some() => {
            container.decrypt_value(value.text(), mac).map(Value::Bytes).map(Some)
        }
        (Some(plain), None, None) | (None, None, Some(plain)) => Ok(Some(Value::Text(plain.text()))),
        // Some writers leave PlainValue out.
        (None, None, None) => Ok(Some(Value::Text(element.text()))),
        _ => Err(ErrorKind::Repeated("a value")),
    }
    .map(|value| value.filter(|value| !matches!(value, Value::Text(""))))
}

fn secret(key: Element<'_>, container: &mut Container) -> Result<RawSecret, ErrorKind> {
    let element = data(key, "Secret");
    match element.map(|element| value(element, container)).transpose()?.flatten() {
        Some(Value::Text(text)) => base64(text).map(RawSecret::from).ok_or(ErrorKind::Secret("Base64")),
        Some(Value::Bytes(bytes)) => Ok(bytes.into()),
        None if key.child("KeyReference").is_some() || key.child("KeyProfileId").is_some() => Err(ErrorKind::Reference),
        None => Err(ErrorKind::Missing("the secret")),
    }
}

/// A number: decimal as the schema has it, or Base64 of decimal digits or of a big-endian number;
/// decrypted ones are the latter two.
fn integer(value: &Value<'_>, field: &'static str) -> Result<i128, ErrorKind> {
    match value {
        Value::Text(text) => {
            let (sign, digits) = text.strip_prefix('-').map_or((1, *text), |rest| (-1, rest));
            match decimal::<u64>(digits, field) {
                Ok(number) => Ok(i128::from(number).saturating_mul(sign)),
                Err(ErrorKind::Number(_)) => {
                    let bytes = base64(text).ok_or(ErrorKind::Number(field))?;
                    // Any word of four letters is Base64: without padding it must begin with 0.
                    let is_word = !text.ends_with('=') && bytes.first() != Some(&0) && !bytes.iter().all(u8::is_ascii_digit);
                    if is_word { Err(ErrorKind::Number(field)) } else { binary(&bytes, field) }
                }
                Err(error) => Err(error),
            }
        }
        Value::Bytes(bytes) => binary(bytes, field),
    }
}

fn binary(bytes: &[u8], field: &'static str) -> Result<i128, ErrorKind> {
    if bytes.is_empty() {
        return Err(ErrorKind::Number(field));
    }
    if bytes.iter().all(u8::is_ascii_digit) {
        return decimal::<u64>(str::from_utf8(bytes).unwrap_or_default(), field).map(i128::from);
    }
    if bytes.iter().rev().skip(8).any(|&byte| byte != 0) {
        return Err(ErrorKind::Range(field));
    }
    Ok(bytes.iter().rev().take(8).rev().fold(0_i128, |number, &byte| (number << 8) | i128::from(byte)))
}

/// The drift in steps. privacyIDEA writes seconds instead, with a decimal point.
#[expect(clippy::cast_possible_truncation, reason = "as small as it is let be")]
fn drift(value: &Value<'_>, period: Option<u32>) -> Result<i64, ErrorKind> {
    const FIELD: &str = "the time drift";
    match value {
        Value::Text(text) if text.contains('.') => {
            let seconds: f64 = text.parse().map_err(|_| ErrorKind::Number(FIELD))?;
            let steps = (seconds / f64::from(period.unwrap_or(30).max(1))).round();
            let is_small = steps.abs() <= f64::from(i32::MAX);
            if is_small { Ok(steps as i64) } else { Err(ErrorKind::Range(FIELD)) }
        }
        // The schema has 32 bits. pskctool writes a drift below 0 as one of 4,294,967,295 and less.
        _ => in_range::<i32>(integer(value, FIELD)?, FIELD).map(i64::from),
    }
}

fn in_range<T: TryFrom<i128>>(number: i128, field: &'static str) -> Result<T, ErrorKind> {
    T::try_from(number).map_err(|_| ErrorKind::Range(field))
}

/// The hash, from Suite's text or its attribute. Nothing said is SHA-1, as the RFC has it; what is
/// not understood is an error, never SHA-1.
fn set_suite(token: &mut Token, parameters: Option<Element<'_>>, profile: Option<&str>) -> Result<(), ErrorKind> {
    let suite = parameters.and_then(|parameters| parameters.child("Suite"));
    let text = suite.map(Element::text).filter(|text| !text.is_empty());
    let named = suite.and_then(|suite| suite.attribute("hashalgo")).filter(|name| !name.is_empty());
    let unknown = |name: &str| ErrorKind::Suite(name.to_owned());
    match token.kind {
        Kind::Ocra => {
            let suite = text.or(profile).ok_or(ErrorKind::Missing("the suite"))?;
            token.algorithm = ocra_hash(suite).ok_or_else(|| unknown(suite))?;
            token.suite = some(suite);
        }
        Kind::Totp | Kind::Hotp => {
            let hash = |name: &str| hash(name).ok_or_else(|| unknown(name));
            token.algorithm = match (text, named) {
                (Some(text), Some(named)) if hash(text)? != hash(named)? => return Err(ErrorKind::Repeated("the hash")),
                (Some(name), _) | (None, Some(name)) => hash(name)?,
                (None, None) => Algorithm::Sha1,
            };
        }
        Kind::Pin => {}
    }
    Ok(())
}

fn set_format(token: &mut Token, format: Element<'_>) -> Result<(), ErrorKind> {
    let length = format.attribute("Length").map(|text| decimal::<u64>(text, "the length of the codes")).transpose()?;
    match token.kind {
        Kind::Pin => {}
        // The suite says how long responses are.
        Kind::Ocra => token.digits = length.and_then(|length| digits(length).ok()),
        Kind::Totp | Kind::Hotp => {
            let encoding = format.attribute("Encoding").or_else(|| format.attribute("Format"));
            if encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case("DECIMAL")) {
                return Err(ErrorKind::CodeFormat("are not decimal"));
            }
            let check = format.attribute("CheckDigits").or_else(|| format.attribute("CheckDigit"));
            if check.map(boolean).transpose()? == Some(true) {
                return Err(ErrorKind::CodeFormat("have a check digit"));
            }
            if let Some(length) = length {
                token.digits = Some(digits(length)?);
            }
        }
    }
    Ok(())
}

fn boolean(text: &str) -> Result<bool, ErrorKind> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(ErrorKind::Boolean("the check digit")),
    }
}

fn child_date(element: Element<'_>, names: &[&str]) -> Result<Option<u64>, ErrorKind> {
    let child = element.any_child(names).map(Element::text).filter(|text| !text.is_empty());
    child.map(|text| date(text, "a start or expiry date")).transpose()
}

/// Section 5 of the RFC: a key whose policy is not understood must not be used.
fn set_policy(token: &mut Token, key: Element<'_>) -> Result<(), ErrorKind> {
    token.not_before = child_date(key, &["StartDate"])?;
    token.not_after = child_date(key, &["ExpiryDate"])?;
    let Some(policy) = key.child("Policy") else { return Ok(()) };
    let mut usages = policy.children().filter(|child| child.is("KeyUsage")).map(Element::text).peekable();
    let needed = if token.kind == Kind::Ocra { "CR" } else { "OTP" };
    if token.kind != Kind::Pin && usages.peek().is_some() && !usages.any(|usage| usage.eq_ignore_ascii_case(needed)) {
        return Err(ErrorKind::Policy(format!("KeyUsage without {needed}")));
    }
    for child in policy.children() {
        match child.name().to_ascii_lowercase().as_str() {
            "startdate" => token.not_before = child_date(policy, &["StartDate"])?,
            "expirydate" => token.not_after = child_date(policy, &["ExpiryDate"])?,
            "numberoftransactions" => token.max_transactions = Some(decimal(child.text(), "the number of transactions")?),
            "pinpolicy" => token.pin_policy = Some(pin_policy(child)?),
            "keyusage" => {}
            _ => return Err(ErrorKind::Policy(child.name().to_owned())),
        }
    }
    Ok(())
}

fn pin_policy(element: Element<'_>) -> Result<PinPolicy, ErrorKind> {
    let text = |name| element.attribute(name).and_then(some);
    let number = |name| element.attribute(name).map(|text| decimal(text, "the PIN policy")).transpose();
    Ok(PinPolicy {
        key_id: text("PINKeyId"),
        usage_mode: text("PINUsageMode"),
        encoding: text("PINEncoding"),
        min_length: number("MinLength")?,
        max_length: number("MaxLength")?,
        max_failed_attempts: number("MaxFailedAttempts")?,
    })
}
