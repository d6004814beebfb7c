//! Verification of the response to a challenge, and resynchronization of tokens.

use keyfob::rand_core::TryCryptoRng;
use keyfob::{Attempt, Device, Kind, Policy, Reason, Status, Verdict};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::attribute::Attribute;
use crate::decision::Cause;
use crate::error::{Error, quoted};
use crate::event::{Event, EventKind};
use crate::json::{Object, Value};
use crate::response::Response;
use crate::service::{Context, Service, refuse_without_user, swaps_left};
use crate::settings::Profile;
use crate::step::{Scope, Step, Swap};
use crate::{body, code};

/// The attribute of the second code of a resynchronization.
const NEXT_PIN: &str = "nextPin";

/// What the reason of a fail ends with in the trail, if this fail locked the device.
const LOCKED_SUFFIX: &str = ", then locked";

/// The body of the response.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VerdictBody {
    success: bool,
    locked: bool,
    /// The seconds after which a throttled device takes attempts again, as in RFC 9110 section
    /// 10.2.3.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    /// How many recovery codes are left after a right one.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_codes_left: Option<u8>,
}

/// The codes of a request.
pub(crate) enum Codes {
    /// The response to a challenge.
    Response(TypedCode),
    /// Two consecutive codes of a token whose counter has run ahead or whose clock is off.
    Resync(TypedCode, TypedCode),
}

/// A code or digits of a PIN, as a person typed them.
#[derive(Default)]
pub(crate) struct TypedCode {
    text: Zeroizing<String>,
    /// Whether it came as a JSON number, which has no leading zeros.
    is_number: bool,
}

impl TypedCode {
    fn read(name: &str, value: &Value) -> Result<Self, Error> {
        Ok(Self { text: code::strip_separators(&body::digits(name, value)?), is_number: value.as_text().is_none() })
    }

    /// The code for a device. A number gets its leading zeros back, up to the length of the
    /// device's codes.
    fn padded_for(&self, device: &Device) -> Zeroizing<String> {
        if !self.is_number {
            return self.text.clone();
        }
        let pin_length = || device.positions().map_or(0, |positions| positions.count().into());
        let length = device.digits().map_or_else(pin_length, |digits| digits.get().into());
        Zeroizing::new(format!("{:0>length$}", self.text.as_str()))
    }
}

impl Codes {
    /// Reads a response, `{"pin": "123456"}`. Errors: 400.
    pub(crate) fn read_response(object: &Object) -> Result<Self, Error> {
        let [code] = read_codes(object, [Attribute::Pin.name()], "a response", r#"{"pin": "123456"}"#)?;
        Ok(Self::Response(code))
    }

    /// Reads a resynchronization, `{"pin": "123456", "nextPin": "654321"}`. Errors: 400.
    pub(crate) fn read_resync(object: &Object) -> Result<Self, Error> {
        let names = [Attribute::Pin.name(), NEXT_PIN];
        let [first, next] = read_codes(object, names, "a resynchronisation", r#"{"pin": "123456", "nextPin": "654321"}"#)?;
        Ok(Self::Resync(first, next))
    }

    fn verify<'d>(&self, device: &'d Device, policy: &Policy, now: u64) -> Result<Attempt<'d, Verdict>, Error> {
        match self {
            Self::Response(code) => Ok(device.verify(policy, code.padded_for(device).as_bytes(), now)?),
            Self::Resync(..) if !matches!(device.kind(), Kind::Totp | Kind::Hotp) => {
                Err(Error::value("only a device of type TOTP or HOTP has a clock or counter to resynchronize"))
            }
            Self::Resync(first, next) => {
                let [first, next] = [first, next].map(|code| code.padded_for(device));
                Ok(device.resync(policy, first.as_bytes(), next.as_bytes(), now)?)
            }
        }
    }

    const fn event_kind(&self) -> EventKind {
        match self {
            Self::Response(_) => EventKind::Verify,
            Self::Resync(..) => EventKind::Resync,
        }
    }
}

/// Reads the codes of these names. Other attributes than these and the common ones are refused.
fn read_codes<const N: usize>(object: &Object, names: [&str; N], what: &str, example: &str) -> Result<[TypedCode; N], Error> {
    let mut codes = [const { None }; N];
    for (given, value) in object.iter() {
        match names.iter().zip(&mut codes).find(|(name, _)| is_named(given, name)) {
            Some((name, code)) => {
                if code.replace(TypedCode::read(name, value)?).is_some() {
                    return Err(Error::syntax(format!("{name}: is repeated; give it once")));
                }
            }
            None if matches!(Attribute::parse(given), Some(Attribute::Schemas | Attribute::Meta)) => {}
            None => {
                let given = quoted(given);
                return Err(Error::syntax(format!("{what} has no attribute {given}; it is {example}")));
            }
        }
    }
    if let Some((name, _)) = names.iter().zip(&codes).find(|(_, code)| code.is_none()) {
        return Err(Error::value(format!("{name}: is missing")));
    }
    Ok(codes.map(Option::unwrap_or_default))
}

/// Whether a member has this name, in any case. An attribute of the schema may have the URN as a
/// prefix.
fn is_named(given: &str, name: &str) -> bool {
    given.eq_ignore_ascii_case(name) || Attribute::parse(given).is_some_and(|attribute| attribute.name() == name)
}

/// The reason in the trail. The line of the fail that locks a device says so: the column of the
/// status has no history.
fn reason(verdict: &Verdict, has_locked: bool) -> String {
    let reason = verdict.reason();
    // A limit that was lowered locks at the next attempt, which is not judged.
    let is_fail = has_locked && reason != Reason::Locked;
    if is_fail { format!("{reason}{LOCKED_SUFFIX}") } else { reason.name().to_owned() }
}

impl<R: TryCryptoRng + Clone + Send + Sync + 'static> Service<R> {
    /// Verifies codes.
    pub(crate) fn verify(&self, context: Context, id: i64, codes: Codes, swaps: u32) -> Step {
        let service = self.clone();
        self.with_entry(context.unmet, id, true, move |entry| {
            if let Some(step) = refuse_without_user(&context, codes.event_kind(), &entry.row) {
                return Ok(step);
            }
            let attempt = codes.verify(&entry.device, &service.settings.policy, context.now)?;
            let is_changed = attempt.is_changed();
            let (device, held) = attempt.split();
            // The event holds the verdict. A host commits it together with the record, and the
            // response comes out after that.
            let verdict = held.release();
            let has_locked = entry.device.status() != Status::Locked && device.status() == Status::Locked;
            let event = Event {
                success: verdict.is_right(),
                reason: reason(&verdict, has_locked),
                drift: verdict.drift(),
                ..context.event(codes.event_kind(), &entry.row)
            };
            // Soffid's own responses have two members. Only recovery codes, which it lacks, add
            // one.
            let retry_at = verdict.retry_at().filter(|_| service.settings.profile == Profile::Rfc);
            let body = VerdictBody {
                success: verdict.is_right(),
                locked: verdict.is_locked(),
                retry_after: retry_at.map(|time| time.saturating_sub(context.now)),
                recovery_codes_left: verdict.recovery_codes_left().filter(|_| verdict.is_right()),
            };
            let respond = move || Step::Done(Response::json(200, &body));
            if !is_changed {
                return Ok(Step::Audit { event, then: Box::new(move |()| respond()) });
            }
            let before = (entry.row.status, entry.row.last_used);
            let next = entry.with_device(device, context.now);
            let signals = context.signals(&service.settings, Cause::Answer { before: before.0 }, &next);
            let scope = if before == (next.row.status, next.row.last_used) { Scope::Record } else { Scope::State };
            Ok(Step::Swap {
                swap: Box::new(Swap { entry: next, scope, claims_serial: false, event, signals }),
                then: Box::new(move |is_swapped| match (is_swapped, swaps_left(swaps)) {
                    (true, _) => respond(),
                    (false, Ok(swaps)) => service.verify(context, id, codes, swaps),
                    (false, Err(error)) => error.into(),
                }),
            })
        })
    }
}
