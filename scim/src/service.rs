//! What the operations share.

use std::sync::Arc;

use keyfob::rand_core::TryCryptoRng;
use keyfob::{Algorithm, Hotp, RecoveryCodes, Secret};

use crate::decision::{self, Cause};
use crate::entry::{Entry, Row};
use crate::error::Error;
use crate::event::{Event, EventKind};
use crate::precondition::Unmet;
use crate::request::Request;
use crate::resource::{Resource, Selection};
use crate::response::Response;
use crate::roles::Roles;
use crate::settings::{Profile, Settings};
use crate::signal::Signal;
use crate::step::Step;

/// How often an operation swaps an entry that others keep changing, before it gives up.
pub(crate) const MAX_SWAPS: u32 = 1000;

/// The reason in the trail for a device without a user.
const NO_USER_REASON: &str = "no user";

/// The operations on devices. It keeps no state and is cheap to clone.
#[derive(Clone, Debug)]
pub struct Service<R> {
    pub(crate) settings: Arc<Settings>,
    pub(crate) rng: R,
}

/// What the later steps of an operation need of its request.
pub(crate) struct Context {
    pub(crate) base_url: String,
    pub(crate) actor: String,
    pub(crate) roles: Roles,
    pub(crate) now: u64,
    pub(crate) unmet: Option<Unmet>,
}

impl Context {
    pub(crate) fn from_request(request: &Request<'_>) -> Self {
        Self {
            base_url: request.base_url.clone().into_owned(),
            actor: request.actor.clone().into_owned(),
            roles: request.roles,
            now: request.now,
            unmet: Unmet::from_request(request),
        }
    }

    /// The line of the audit trail for an operation on a device.
    pub(crate) fn event(&self, kind: EventKind, row: &Row) -> Event {
        Event {
            kind,
            at: self.now,
            actor: self.actor.clone(),
            device_id: row.id,
            user: row.user.clone(),
            success: true,
            reason: row.status.to_string(),
            drift: None,
        }
    }

    /// The signals of a device that is `after` now.
    pub(crate) fn signals(&self, settings: &Settings, cause: Cause<'_>, after: &Entry) -> Vec<Signal> {
        decision::signals(settings, cause, after, &self.actor, self.now)
    }
}

impl<R: TryCryptoRng + Clone + Send + Sync + 'static> Service<R> {
    /// A service with these settings. It draws secrets and positions from `rng`, which should be
    /// the operating system's.
    pub fn new(settings: Settings, rng: R) -> Self {
        Self { settings: Arc::new(settings), rng }
    }

    /// Reads an entry and continues with it. The step ends with 404 for an entry that does not
    /// exist or that the profile hides, and with 412 or 304 if the precondition fails.
    pub(crate) fn with_entry(
        &self,
        unmet: Option<Unmet>,
        id: i64,
        to_swap: bool,
        then: impl FnOnce(Entry) -> Result<Step, Error> + Send + 'static,
    ) -> Step {
        let profile = self.settings.profile;
        let is_shown = move |entry: &Entry| profile == Profile::Soffid || !entry.row.deleted;
        Step::Get {
            id,
            to_swap,
            then: Box::new(move |entry| {
                let entry = entry.filter(is_shown).ok_or_else(|| Error::new(404, format!("there is no OtpDevice {id}")));
                match (entry, unmet) {
                    (Ok(_), Some(unmet)) => unmet.into(),
                    (entry, _) => entry.and_then(then).unwrap_or_else(Step::from),
                }
            }),
        }
    }

    /// A fresh secret, with the parameters of new devices.
    pub(crate) fn draw_secret(&self) -> Result<Hotp, Error> {
        let Settings { algorithm, digits, .. } = *self.settings;
        Ok(Hotp::new(self.draw(algorithm)?).with_algorithm(algorithm).with_digits(digits))
    }

    /// So many fresh recovery codes.
    pub(crate) fn draw_codes(&self, count: u8) -> Result<RecoveryCodes, Error> {
        Ok(RecoveryCodes::random(count, &mut self.rng.clone())?)
    }

    /// A fresh secret of the size that suits an algorithm.
    pub(crate) fn draw(&self, algorithm: Algorithm) -> Result<Secret, Error> {
        Ok(Secret::random(algorithm, &mut self.rng.clone())?)
    }
}

/// The refusal of a challenge or of codes for a device without a user, with its line in the trail;
/// none for a device with one. Nothing is judged or counted.
///
/// It is an error and no verdict. A verdict of a wrong code would hide from an integrator why no
/// code of a token works that was handed out too early. The refusal tells an outsider nothing of
/// any user or code: there is no user whom such a device could let in, and only accounts with the
/// role verify get it.
pub(crate) fn refuse_without_user(context: &Context, kind: EventKind, row: &Row) -> Option<Step> {
    if row.has_user() {
        return None;
    }
    let event = Event { success: false, reason: NO_USER_REASON.to_owned(), ..context.event(kind, row) };
    let error = Error::new(409, "device: has no user, and is not usable before; assign one with a PATCH of user");
    Some(Step::Audit { event, then: Box::new(move |()| error.into()) })
}

/// The response with a device. An account that may not read devices gets the id and status only.
pub(crate) fn device_response(profile: Profile, context: &Context, entry: &Entry, selection: Selection) -> Step {
    let selection = if context.roles.contains(Roles::QUERY) { selection } else { selection.of_change() };
    Step::Done(Response::json(200, &Resource::from_entry(entry, profile, &context.base_url, selection)))
}

/// Continues if the host knows the user. The step ends with 400 for an unknown one.
pub(crate) fn if_known(user: String, then: impl FnOnce() -> Step + Send + 'static) -> Step {
    let unknown = Error::value(format!("user: {user:?} is not known"));
    Step::CheckUser { user, then: Box::new(move |is_known| if is_known { then() } else { unknown.into() }) }
}

/// How many swaps are left after one that failed. Errors: 503 for none.
pub(crate) fn swaps_left(swaps: u32) -> Result<u32, Error> {
    swaps.checked_sub(1).ok_or_else(|| Error::new(503, "too many other requests are changing this device; try again"))
}
