//! The answer to a challenge, and the two codes that find a HOTP authenticator again.

use keyfob::rand_core::TryCryptoRng;
use keyfob::{Attempt, Device, Kind, Policy, Verdict};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::error::quoted;
use crate::json::{Object, Value};
use crate::service::{Context, Response, Service, again};
use crate::step::{Scope, Step, Swap};
use crate::{Attribute, Error, Event, EventKind, body, code};

/// The attribute of the second code.
const NEXT: &str = "nextPin";

#[derive(Serialize)]
struct Told {
    success: bool,
    locked: bool,
}

/// What was typed.
pub(crate) enum Answer {
    /// To a challenge.
    Code(Typed),
    /// Two codes in a row of a HOTP authenticator that has run ahead.
    Two(Typed, Typed),
}

/// A code or digits of a PIN.
#[derive(Default)]
pub(crate) struct Typed {
    text: Zeroizing<String>,
    /// A number of JSON's, which has no zeros in front.
    is_number: bool,
}

impl Typed {
    fn read(name: &str, value: &Value) -> Result<Self, Error> {
        Ok(Self { text: code::digits(&body::digits(name, value)?), is_number: value.as_text().is_none() })
    }

    /// The answer to a device: a number gets back the zeros in front that one of the right length
    /// has.
    fn answer(&self, device: &Device) -> Zeroizing<String> {
        if !self.is_number {
            return self.text.clone();
        }
        let of_pin = || device.positions().map_or(0, |positions| positions.count().into());
        let length = device.digits().map_or_else(of_pin, |digits| digits.get().into());
        Zeroizing::new(format!("{:0>length$}", self.text.as_str()))
    }
}

impl Answer {
    /// Reads an answer, `{"pin": "123456"}`. Errors: 400.
    pub(crate) fn code(object: &Object) -> Result<Self, Error> {
        let [code] = typed(object, [Attribute::Pin.name()], "a response", r#"{"pin": "123456"}"#)?;
        Ok(Self::Code(code))
    }

    /// Reads two codes, `{"pin": "123456", "nextPin": "654321"}`. Errors: 400.
    pub(crate) fn two(object: &Object) -> Result<Self, Error> {
        let [first, next] =
            typed(object, [Attribute::Pin.name(), NEXT], "a resynchronisation", r#"{"pin": "123456", "nextPin": "654321"}"#)?;
        Ok(Self::Two(first, next))
    }

    fn judge<'d>(&self, device: &'d Device, policy: &Policy, now: u64) -> Result<Attempt<'d, Verdict>, Error> {
        match self {
            Self::Code(code) => Ok(device.verify(policy, code.answer(device).as_bytes(), now)?),
            Self::Two(..) if device.kind() != Kind::Hotp => {
                Err(Error::value("only a device of type HOTP has a counter to be found again"))
            }
            Self::Two(first, next) => {
                Ok(device.resync(policy, first.answer(device).as_bytes(), next.answer(device).as_bytes(), now)?)
            }
        }
    }

    const fn event(&self) -> EventKind {
        match self {
            Self::Code(_) => EventKind::Verify,
            Self::Two(..) => EventKind::Resync,
        }
    }
}

/// What was typed, of an object that has these attributes and no others but those of every
/// resource.
fn typed<const N: usize>(object: &Object, names: [&str; N], what: &str, example: &str) -> Result<[Typed; N], Error> {
    let mut all = [const { None }; N];
    for (given, value) in object.iter() {
        let place = names.iter().zip(&mut all).find(|(name, _)| is_named(given, name));
        match place {
            Some((name, typed)) => {
                if typed.replace(Typed::read(name, value)?).is_some() {
                    return Err(Error::syntax(format!("{name}: stands there twice")));
                }
            }
            None if matches!(Attribute::parse(given), Some(Attribute::Schemas | Attribute::Meta)) => {}
            None => {
                let given = quoted(given);
                return Err(Error::syntax(format!("{what} has no attribute {given}; it is {example}")));
            }
        }
    }
    if let Some((name, _)) = names.iter().zip(&all).find(|(_, typed)| typed.is_none()) {
        return Err(Error::value(format!("{name}: is missing")));
    }
    Ok(all.map(Option::unwrap_or_default))
}

/// Names are in any case, and may have the schema before them if it is theirs.
fn is_named(given: &str, name: &str) -> bool {
    given.eq_ignore_ascii_case(name) || Attribute::parse(given).is_some_and(|attribute| attribute.name() == name)
}

impl<R: TryCryptoRng + Clone + Send + Sync + 'static> Service<R> {
    /// Judges what was typed.
    pub(crate) fn judge(&self, context: Context, id: i64, answer: Answer, tries: u32) -> Step {
        let service = self.clone();
        self.entry(context.unmet, id, true, move |entry| {
            let attempt = answer.judge(&entry.device, &service.settings.policy, context.now)?;
            let is_changed = attempt.is_changed();
            let (device, held) = attempt.split();
            // The trail is written in the same commit as the record. Nobody else learns the verdict
            // before that.
            let verdict = held.release();
            let event = Event {
                success: verdict.is_right(),
                reason: verdict.reason().name().to_owned(),
                drift: verdict.drift(),
                ..context.event(answer.event(), &entry.row)
            };
            let told = move || Step::Done(Response::json(200, &Told { success: verdict.is_right(), locked: verdict.is_locked() }));
            if !is_changed {
                return Ok(Step::Record { event, then: Box::new(move |()| told()) });
            }
            let before = (entry.row.status, entry.row.last_used);
            let next = entry.with_device(device, context.now);
            let scope = if before == (next.row.status, next.row.last_used) { Scope::Record } else { Scope::State };
            Ok(Step::Swap {
                swap: Box::new(Swap { entry: next, scope, event }),
                then: Box::new(move |stored| match (stored, again(tries)) {
                    (true, _) => told(),
                    (false, Ok(tries)) => service.judge(context, id, answer, tries),
                    (false, Err(error)) => error.into(),
                }),
            })
        })
    }
}
