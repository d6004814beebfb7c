//! Challenges: sends a code, or asks for positions of a PIN.

use keyfob::rand_core::TryCryptoRng;
use keyfob::{Challenge, Device, Factor, Kind, Positions};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::entry::Entry;
use crate::error::Error;
use crate::event::EventKind;
use crate::limit::Judged;
use crate::pause;
use crate::response::Response;
use crate::service::{Context, Service, refuse_without_user, swaps_left};
use crate::step::{Counted, Message, Scope, Step, Swap};

/// The cell of a code that is typed whole.
const WHOLE_CODE_CELL: &str = "PIN";
/// The sign of a position that is not asked for: a small square.
const NOT_ASKED_SIGN: char = '\u{25ab}';
/// The sign of a position that is asked for, and whose number has no sign: a full square.
const ASKED_SIGN: char = '\u{25a0}';

/// The body of the response.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChallengeBody<'a> {
    cell: String,
    card_number: &'a str,
}

impl<R: TryCryptoRng + Clone + Send + Sync + 'static> Service<R> {
    /// Requests a challenge: sends the code of an SMS or EMAIL device, or draws the positions of a
    /// PIN.
    pub(crate) fn request_challenge(&self, context: Context, id: i64, is_call: bool, swaps: u32) -> Step {
        let service = self.clone();
        self.with_entry(context.unmet, id, true, move |entry| {
            if let Some(step) = refuse_without_user(&context, EventKind::Challenge, &entry.row) {
                return Ok(step);
            }
            if is_call && entry.row.kind != Kind::Sms {
                return Err(Error::value("channel: only a device of type SMS can be called"));
            }
            let attempt = entry.device.challenge(&service.settings.policy, &mut service.rng.clone(), context.now);
            let attempt = attempt.map_err(|error| refusal(error, &entry.device, context.now))?;
            let pause = service.settings.message_pause;
            let has_pause = pause > 0 && matches!(entry.row.kind, Kind::Sms | Kind::Email);
            if has_pause {
                pause::check(&entry.device, &service.settings, context.now)?;
            }
            let to = entry.row.phone.as_ref().or(entry.row.email.as_ref()).map_or("", String::as_str);
            let Judged { to, counts } = service.settings.message_limits.judge(entry.row.kind, id, to, context.now)?;
            let is_changed = attempt.is_changed();
            let (mut device, held) = attempt.split();
            if has_pause && !is_changed {
                pause::begin(&mut device, context.now)?;
            }
            let event = context.event(EventKind::Challenge, &entry.row);
            let next = entry.with_device(device, context.now);
            if !has_pause && !is_changed && counts.is_empty() {
                return Ok(Step::Audit { event, then: Box::new(move |()| respond(next, held.release(), to, is_call, pause)) });
            }
            let swap =
                Box::new(Swap { entry: next.clone(), scope: Scope::Record, claims_serial: false, event, signals: Vec::new() });
            let now = context.now;
            let then = move |outcome| match (outcome, swaps_left(swaps)) {
                (Counted::Stored, _) => respond(next, held.release(), to, is_call, pause),
                (Counted::Full(count), _) => count.refusal(now).into(),
                (Counted::Lost, Ok(swaps)) => service.request_challenge(context, id, is_call, swaps),
                (Counted::Lost, Err(error)) => error.into(),
            };
            Ok(if counts.is_empty() {
                let outcome = |is_swapped| if is_swapped { Counted::Stored } else { Counted::Lost };
                Step::Swap { swap, then: Box::new(move |is_swapped| then(outcome(is_swapped))) }
            } else {
                // A code that is sent again is counted as well, though it may change nothing else.
                Step::CountedSwap { swap, counts, then: Box::new(then) }
            })
        })
    }
}

/// The refusal of a challenge, with the time that a throttle lasts.
fn refusal(error: keyfob::Error, device: &Device, now: u64) -> Error {
    match device.throttled_until() {
        Some(until) if error == keyfob::Error::Throttled => Error::from(error).with_retry_after(until.saturating_sub(now)),
        _ => error.into(),
    }
}

/// Sends the code to `to`, if there is one to send, and responds with what to type.
fn respond(entry: Entry, challenge: Challenge, to: String, is_call: bool, pause: u32) -> Step {
    let done = |cell: String, name: &str| Step::Done(Response::json(200, &ChallengeBody { cell, card_number: name }));
    match challenge {
        Challenge::Authenticator => done(WHOLE_CODE_CELL.to_owned(), &entry.row.name),
        Challenge::Positions(positions) => done(cell(&entry.device, positions), &entry.row.name),
        Challenge::Message { code, .. } => Step::Deliver {
            message: Message {
                kind: entry.row.kind,
                is_call,
                to,
                user: entry.row.user,
                code: Zeroizing::new(code.as_str().to_owned()),
            },
            then: Box::new(move |delivered| match delivered {
                Ok(()) => done(WHOLE_CODE_CELL.to_owned(), &entry.row.name),
                // The code may have gone out all the same, as after a time-out: the pause holds.
                Err(reason) => {
                    let error = Error::new(502, format!("the code could not be delivered: {reason}"));
                    if pause == 0 { error.into() } else { error.with_retry_after(pause.into()).into() }
                }
            }),
        },
    }
}

/// One sign for each position of a PIN: its number if it is asked for, else a small square. If all
/// are asked for, the cell of a whole code.
fn cell(device: &Device, positions: Positions) -> String {
    let Factor::Pin(pin) = device.factor() else { return String::new() };
    if usize::from(positions.count()) == pin.expose().len() {
        return WHOLE_CODE_CELL.to_owned();
    }
    let signs = (1..).zip(pin.expose()).map(|(number, _)| if positions.contains(number) { sign(number) } else { NOT_ASKED_SIGN });
    "digits ".chars().chain(signs).collect()
}

/// The sign of a number: a digit, a number in a circle or, above 50, a full square.
fn sign(number: u8) -> char {
    let (first, begins) = match number {
        1..=9 => ('1', 1),
        10..=20 => ('\u{2469}', 10),
        21..=35 => ('\u{3251}', 21),
        36..=50 => ('\u{32b1}', 36),
        _ => return ASKED_SIGN,
    };
    char::from_u32(u32::from(first).saturating_add(number.saturating_sub(begins).into())).unwrap_or(ASKED_SIGN)
}
