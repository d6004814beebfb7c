//! The request of a challenge.

use keyfob::rand_core::TryCryptoRng;
use keyfob::{Challenge, Device, Factor, Kind, Positions};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::pause;
use crate::service::{Context, Response, Service, again};
use crate::step::{Message, Scope, Step, Swap};
use crate::{Entry, Error, EventKind};

/// The cell of an answer that is typed whole.
const CODE: &str = "PIN";
/// Shown at a position of a PIN that is not asked.
const NOT_ASKED: char = '\u{25ab}';
/// A larger one, for numbers that are no sign.
const ASKED: char = '\u{25a0}';

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked<'a> {
    cell: String,
    card_number: &'a str,
}

impl<R: TryCryptoRng + Clone + Send + Sync + 'static> Service<R> {
    /// Asks for an answer: sends the code of an SMS or EMAIL device, draws the positions of a PIN.
    pub(crate) fn request_challenge(&self, context: Context, id: i64, is_call: bool, tries: u32) -> Step {
        let service = self.clone();
        self.entry(context.unmet, id, true, move |entry| {
            if is_call && entry.row.kind != Kind::Sms {
                return Err(Error::value("channel: only a device of type SMS can be called"));
            }
            let attempt = entry.device.challenge(&service.settings.policy, &mut service.rng.clone(), context.now)?;
            let pause = service.settings.message_pause;
            let is_paused = pause > 0 && matches!(entry.row.kind, Kind::Sms | Kind::Email);
            if is_paused {
                pause::check(&entry.device, &service.settings, context.now)?;
            }
            let is_changed = attempt.is_changed();
            let (mut device, held) = attempt.split();
            if is_paused && !is_changed {
                pause::begin(&mut device, context.now)?;
            }
            let event = context.event(EventKind::Challenge, &entry.row);
            let next = entry.with_device(device, context.now);
            if !is_paused && !is_changed {
                // Nothing to store but the trail.
                return Ok(Step::Record { event, then: Box::new(move |()| asked(next, held.release(), is_call, pause)) });
            }
            Ok(Step::Swap {
                swap: Box::new(Swap { entry: next.clone(), scope: Scope::Record, event }),
                then: Box::new(move |stored| match (stored, again(tries)) {
                    (true, _) => asked(next, held.release(), is_call, pause),
                    (false, Ok(tries)) => service.request_challenge(context, id, is_call, tries),
                    (false, Err(error)) => error.into(),
                }),
            })
        })
    }
}

/// The answer to a request: what to type where. A code goes out first.
fn asked(entry: Entry, challenge: Challenge, is_call: bool, pause: u32) -> Step {
    let answer = |cell: String, name: &str| Step::Done(Response::json(200, &Asked { cell, card_number: name }));
    match challenge {
        Challenge::Authenticator => answer(CODE.to_owned(), &entry.row.name),
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
                Ok(()) => answer(CODE.to_owned(), &entry.row.name),
                // It may have gone out all the same, as after a time-out: the pause holds.
                Err(fault) => {
                    let error = Error::new(502, format!("the code could not be delivered: {fault}"));
                    if pause == 0 { error.into() } else { error.with_retry_after(pause.into()).into() }
                }
            }),
        },
    }
}

/// One sign for each position of a PIN: its number where it is asked, else a small square. Where
/// all are asked, what every code has.
fn cell(device: &Device, positions: Positions) -> String {
    let Factor::Pin(pin) = device.factor() else { return String::new() };
    if usize::from(positions.count()) == pin.expose().len() {
        return CODE.to_owned();
    }
    let signs = (1..).zip(pin.expose()).map(|(number, _)| if positions.contains(number) { sign(number) } else { NOT_ASKED });
    "digits ".chars().chain(signs).collect()
}

/// A number as one sign: a digit or a number in a circle; beyond those, a full square.
fn sign(number: u8) -> char {
    let (first, begins) = match number {
        1..=9 => ('1', 1),
        10..=20 => ('\u{2469}', 10),
        21..=35 => ('\u{3251}', 21),
        36..=50 => ('\u{32b1}', 36),
        _ => return ASKED,
    };
    char::from_u32(u32::from(first).saturating_add(number.saturating_sub(begins).into())).unwrap_or(ASKED)
}
