//! Request and response of a challenge.

use keyfob::rand_core::TryCryptoRng;
use keyfob::{Challenge, Device, Factor, Kind, Positions};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::error::quoted;
use crate::json::{Object, Value};
use crate::service::{Context, Response, Service, again};
use crate::step::{Message, Scope, Step, Swap};
use crate::{Attribute, Entry, Error, Event, EventKind};

/// Shown at a position of a PIN that is not asked.
const NOT_ASKED: char = '\u{25ab}';

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked<'a> {
    cell: String,
    card_number: &'a str,
}

#[derive(Serialize)]
struct Told {
    success: bool,
    locked: bool,
}

impl<R: TryCryptoRng + Clone + Send + Sync + 'static> Service<R> {
    /// Asks for an answer: sends the code of an SMS or EMAIL device, draws the positions of a PIN.
    pub(crate) fn request_challenge(&self, context: Context, id: i64, is_call: bool, tries: u32) -> Step {
        let service = self.clone();
        self.entry(id, true, move |entry| {
            if is_call && entry.row.kind != Kind::Sms {
                return Err(Error::value("channel: only a device of type SMS can be called"));
            }
            let attempt = entry.device.challenge(&service.settings.policy, &mut service.rng.clone(), context.now)?;
            let is_changed = attempt.is_changed();
            let (device, held) = attempt.split();
            let event = context.event(EventKind::Challenge, &entry.row);
            let next = entry.with_device(device);
            if !is_changed {
                // Nothing to store but the trail.
                return Ok(Step::Record { event, then: Box::new(move |()| asked(next, held.release(), is_call)) });
            }
            Ok(Step::Swap {
                swap: Box::new(Swap { entry: next.clone(), scope: Scope::Record, event }),
                then: Box::new(move |stored| match (stored, again(tries)) {
                    (true, _) => asked(next, held.release(), is_call),
                    (false, Ok(tries)) => service.request_challenge(context, id, is_call, tries),
                    (false, Err(error)) => error.into(),
                }),
            })
        })
    }

    /// Judges the answer in `pin`.
    pub(crate) fn response_challenge(&self, context: Context, id: i64, object: &Object, tries: u32) -> Result<Step, Error> {
        let mut answer = None;
        for (name, value) in object.iter() {
            match Attribute::parse(name) {
                Some(Attribute::Pin) => {
                    let Value::Text(text) = value else { return Err(Error::value("pin: must be text")) };
                    if answer.replace(text.clone()).is_some() {
                        return Err(Error::syntax("pin: stands there twice"));
                    }
                }
                Some(Attribute::Schemas | Attribute::Meta) => {}
                _ => {
                    let name = quoted(name);
                    return Err(Error::syntax(format!("a response has no attribute {name}; it is {{\"pin\": \"123456\"}}")));
                }
            }
        }
        let answer = answer.ok_or_else(|| Error::value("pin: is missing"))?;
        Ok(self.judge(context, id, answer, tries))
    }

    fn judge(&self, context: Context, id: i64, answer: Zeroizing<String>, tries: u32) -> Step {
        let service = self.clone();
        self.entry(id, true, move |entry| {
            let attempt = entry.device.verify(&service.settings.policy, answer.as_bytes(), context.now)?;
            let is_changed = attempt.is_changed();
            let (device, held) = attempt.split();
            // The trail is written in the same commit as the record. Nobody else learns the verdict before that.
            let verdict = held.release();
            let event = Event {
                success: verdict.is_right(),
                reason: verdict.reason().name().to_owned(),
                drift: verdict.drift(),
                ..context.event(EventKind::Verify, &entry.row)
            };
            let told = move || Step::Done(Response::json(200, &Told { success: verdict.is_right(), locked: verdict.is_locked() }));
            if !is_changed {
                return Ok(Step::Record { event, then: Box::new(move |()| told()) });
            }
            let before = (entry.row.status, entry.row.last_used);
            let next = entry.with_device(device);
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

/// The answer to a request: what to type where. A code goes out first.
fn asked(entry: Entry, challenge: Challenge, is_call: bool) -> Step {
    let answer = |cell: String, name: &str| Step::Done(Response::json(200, &Asked { cell, card_number: name }));
    match challenge {
        Challenge::Authenticator => answer("PIN".to_owned(), &entry.row.name),
        Challenge::Positions(positions) => answer(cell(&entry.device, positions), &entry.row.name),
        Challenge::Message { code, .. } => Step::Deliver {
            message: Message {
                kind: entry.row.kind,
                is_call,
                to: entry.row.phone.or(entry.row.email).unwrap_or_default(),
                user: entry.row.user,
                code: Zeroizing::new(code.as_str().to_owned()),
            },
            then: Box::new(move |delivered| match delivered {
                Ok(()) => answer("PIN".to_owned(), &entry.row.name),
                Err(fault) => Error::new(502, format!("the code could not be delivered: {fault}")).into(),
            }),
        },
    }
}

/// One sign for each position of a PIN: its number where it is asked, else a small square.
fn cell(device: &Device, positions: Positions) -> String {
    let Factor::Pin(pin) = device.factor() else { return String::new() };
    (1..).zip(pin.expose()).fold("digits ".to_owned(), |mut cell, (number, _)| {
        if positions.contains(number) {
            cell.push_str(&number.to_string());
        } else {
            cell.push(NOT_ASKED);
        }
        cell
    })
}
