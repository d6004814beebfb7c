//! PUT, PATCH and DELETE of a device.

use keyfob::rand_core::TryCryptoRng;
use keyfob::{Device, Error as EngineError, Factor, Kind, Status, Validity};

use crate::attribute::{Attribute, SCHEMA, without_urn};
use crate::body::{self, Fields, text};
use crate::decision::Cause;
use crate::entry::Entry;
use crate::error::{Error, ScimType, quoted};
use crate::event::{Event, EventKind};
use crate::json::{Object, Value};
use crate::mask;
use crate::repeated;
use crate::resource::Selection;
use crate::response::Response;
use crate::roles::Roles;
use crate::service::{Context, MAX_SWAPS, Service, device_response, if_known, swaps_left};
use crate::step::{Scope, Step, Swap};

/// The path by which a PATCH makes a TOTP device forget the steps that it used while a clock was
/// ahead: see [`Device::forget_steps`]. It is no attribute.
const STEPS_AHEAD_PATH: &str = "stepsAhead";

impl<R: TryCryptoRng + Clone + Send + Sync + 'static> Service<R> {
    /// Replaces the attributes that clients may set. One that the body leaves out keeps its value
    /// if every device of the kind has it.
    pub(crate) fn put(&self, context: Context, id: i64, object: &Object, selection: Selection) -> Result<Step, Error> {
        let mut fields = Fields::read(&body::resource(object)?)?;
        fields.external_id = Some(fields.external_id.flatten());
        Ok(self.update(context, id, vec![fields], selection, MAX_SWAPS))
    }

    /// Does all operations in their order, or none if one is wrong.
    pub(crate) fn patch(&self, context: Context, id: i64, object: &Object, selection: Selection) -> Result<Step, Error> {
        Ok(self.update(context, id, operations(object)?, selection, MAX_SWAPS))
    }

    fn update(&self, context: Context, id: i64, changes: Vec<Fields>, selection: Selection, swaps: u32) -> Step {
        let service = self.clone();
        self.with_entry(context.unmet, id, true, move |entry| {
            let next = changes.iter().try_fold(entry.clone(), |next, fields| {
                check_repeated(&context, &entry, fields)?;
                service.changed(&context, next, fields)
            })?;
            if next == entry {
                let event = context.event(EventKind::Update, &entry.row);
                let then = move |()| device_response(service.settings.profile, &context, &entry, selection);
                return Ok(Step::Audit { event, then: Box::new(then) });
            }
            let next = next.modified(context.now);
            let is_revived = entry.row.deleted && !next.row.deleted;
            let forgets_steps = changes.iter().any(|fields| fields.forgets_steps);
            if is_revived && forgets_steps {
                // A change has one event, and each of these must have its own.
                return Err(Error::value(format!(
                    "{STEPS_AHEAD_PATH}: the device was deleted; give it a status in a request before this one"
                )));
            }
            let kind = match () {
                // Of all changes, only this one makes a used code right.
                () if forgets_steps => EventKind::ForgetSteps,
                () if is_revived => EventKind::Revive,
                () => EventKind::Update,
            };
            // The line of a token that is taken back names the user who had it.
            let user = if next.row.has_user() { &next.row.user } else { &entry.row.user }.clone();
            let event = Event { user: user.clone(), ..context.event(kind, &next.row) };
            let is_assigned = next.row.has_user() && next.row.user != entry.row.user;
            let is_put = changes.iter().any(|fields| !fields.is_asked_for);
            let signals = context.signals(&service.settings, Cause::Update { before: &entry, is_put, forgets_steps }, &next);
            let claims_serial = is_revived && next.row.has_serial();
            let swap = Box::new(Swap { entry: next.clone(), scope: Scope::Whole, claims_serial, event, signals });
            let store = move || Step::Swap {
                swap,
                then: Box::new(move |is_swapped| match (is_swapped, swaps_left(swaps)) {
                    (true, _) => device_response(service.settings.profile, &context, &next, selection),
                    (false, Ok(swaps)) => service.update(context, id, changes, selection, swaps),
                    (false, Err(error)) => error.into(),
                }),
            };
            Ok(if is_assigned { if_known(user, store) } else { store() })
        })
    }

    /// The entry as the fields change it, if the roles allow.
    fn changed(&self, context: &Context, mut entry: Entry, fields: &Fields) -> Result<Entry, Error> {
        let (row, mut device) = (&mut entry.row, entry.device.clone());
        let mut is_managed = false;
        let mut is_allowed = false;

        if let Some(external_id) = fields.external_id.as_ref().filter(|external_id| row.external_id != **external_id) {
            row.external_id.clone_from(external_id);
            is_managed = true;
        }
        if let Some(user) = fields.user.as_ref().filter(|user| row.user != **user) {
            row.user.clone_from(user);
            is_managed = true;
        }
        // Codes that were sent to the old address must never be right, so a new address gets a new
        // secret.
        let kind = row.kind;
        let foreign = |name: &str| Error::value(format!("{name}: a device of type {kind} has none"));
        if let Some(email) = fields.email.as_ref().filter(|email| row.email.as_ref() != Some(email)) {
            let Factor::Email(_) = device.factor() else { return Err(foreign("email")) };
            device.replace_factor(&Device::email(self.draw_secret()?, context.now), context.now)?;
            row.name = format!("Email message to {}", mask::email(email));
            row.email = Some(email.clone());
            is_managed = true;
        }
        if let Some(phone) = fields.phone.as_ref().filter(|phone| row.phone.as_ref() != Some(phone)) {
            let Factor::Sms(_) = device.factor() else { return Err(foreign("phone")) };
            self.settings.message_limits.check_number(phone)?;
            device.replace_factor(&Device::sms(self.draw_secret()?, context.now), context.now)?;
            row.name = format!("SMS message to {}", mask::phone(phone));
            row.phone = Some(phone.clone());
            is_managed = true;
        }
        if let Some(pin) = &fields.pin {
            let Factor::Pin(_) = device.factor() else { return Err(foreign("pin")) };
            // Enrolment checks the length of the PIN.
            let fresh = Device::pin(pin.clone(), &self.settings.policy, context.now)?;
            device.replace_factor(&fresh, context.now)?;
            is_managed = true;
        }
        let validity = device.validity();
        let not_before = fields.not_before.unwrap_or_else(|| validity.not_before());
        let not_after = fields.not_after.unwrap_or_else(|| validity.not_after());
        let next = Validity::new(not_before, not_after)?;
        if next != validity {
            let name = if fields.not_before.is_some() { Attribute::NotBefore } else { Attribute::NotAfter }.name();
            let (Factor::Totp(_) | Factor::Hotp(_)) = device.factor() else { return Err(foreign(name)) };
            device.set_validity(next, context.now)?;
            is_managed = true;
        }
        if is_managed {
            context.roles.require(Roles::MANAGE)?;
            is_allowed = true;
        }
        if let Some(status) = fields.status {
            // A throttle, a lowered limit or a clock that was ahead close a device although its
            // status is open. A client that asks for an open status unlocks it. The status in a
            // PUT is only repeated from what was read.
            let is_closed = is_open(device.status())
                && matches!(
                    device.check_open(&self.settings.policy, context.now),
                    Err(EngineError::Throttled | EngineError::Locked | EngineError::Clock)
                );
            if is_closed && fields.is_asked_for && is_open(status) {
                context.roles.require(Roles::UNLOCK)?;
                device.unlock(context.now)?;
                is_allowed = true;
            }
            if status != device.status() {
                set_status(&mut device, status, context)?;
                is_allowed = true;
            }
            row.deleted &= status == Status::Disabled;
        }
        if fields.forgets_steps {
            context.roles.require(Roles::UNLOCK)?;
            let Factor::Totp(_) = device.factor() else { return Err(foreign(STEPS_AHEAD_PATH)) };
            device.forget_steps(context.now)?;
            is_allowed = true;
        }
        if !is_allowed {
            // A request that changes nothing needs the role of the change.
            context.roles.require_any(match fields.status {
                Some(Status::Disabled) => Roles::CANCEL,
                Some(Status::Created | Status::Validated) => Roles::MANAGE.union(Roles::UNLOCK),
                Some(Status::Locked) | None => Roles::MANAGE,
            })?;
        }
        Ok(entry.with_device(device, context.now))
    }

    /// Deletes a device: it stays in the store, with status `D`.
    pub(crate) fn delete(&self, context: Context, id: i64, swaps: u32) -> Step {
        let service = self.clone();
        self.with_entry(context.unmet, id, true, move |entry| {
            let done = || Step::Done(Response::empty(204));
            if entry.row.deleted {
                let event = context.event(EventKind::Update, &entry.row);
                return Ok(Step::Audit { event, then: Box::new(move |()| done()) });
            }
            let mut device = entry.device.clone();
            if device.status() != Status::Disabled {
                device.set_status(Status::Disabled, context.now)?;
            }
            let mut next = entry.with_device(device, context.now).modified(context.now);
            next.row.deleted = true;
            let event = context.event(EventKind::Revoke, &next.row);
            let signals = context.signals(&service.settings, Cause::Delete, &next);
            Ok(Step::Swap {
                swap: Box::new(Swap { entry: next, scope: Scope::Whole, claims_serial: false, event, signals }),
                then: Box::new(move |is_swapped| match (is_swapped, swaps_left(swaps)) {
                    (true, _) => done(),
                    (false, Ok(swaps)) => service.delete(context, id, swaps),
                    (false, Err(error)) => error.into(),
                }),
            })
        })
    }
}

/// Checks that the fields repeat the values of attributes that cannot change. An account that may
/// neither read nor manage devices may not even ask.
///
/// Errors: 400 `mutability`, 403.
fn check_repeated(context: &Context, entry: &Entry, fields: &Fields) -> Result<(), Error> {
    if fields.reveals_values() {
        context.roles.require_any(Roles::QUERY.union(Roles::MANAGE))?;
    }
    let row = &entry.row;
    let refuse = |name: &str, reason: &str| Err(Error::bad(ScimType::Mutability, format!("{name}: {reason}")));
    if fields.kind.is_some_and(|kind| kind != row.kind) {
        return refuse("type", "cannot be changed");
    }
    // A token goes from one user to another by two changes, so that the trail has a line for each.
    // A device that keyfob named is a person's own: its secret stays with the person.
    match &fields.user {
        Some(user) if user.is_empty() && row.has_user() && !row.has_serial() => {
            return refuse("user", "cannot be removed; only a token whose name is its serial can be taken back");
        }
        Some(user) if !user.is_empty() && row.has_user() && *user != row.user => {
            let other =
                if row.has_serial() { "cannot be changed; remove it in a request before this one" } else { "cannot be changed" };
            return refuse("user", other);
        }
        _ => {}
    }
    if let Some((attribute, _)) = fields.repeated.iter().find(|(attribute, value)| !repeated::is_same(*attribute, value, entry)) {
        let todo = if *attribute == Attribute::RecoveryCodes { "; POST .../renewCodes makes new ones" } else { "" };
        return refuse(attribute.name(), &format!("is read-only{todo}"));
    }
    let has = |attribute: &&Attribute| match attribute {
        Attribute::Pin => row.kind == Kind::Pin,
        attribute => row.text(**attribute).is_some(),
    };
    fields.removed.iter().find(has).map_or(Ok(()), |attribute| Err(body::cannot_be_removed(*attribute)))
}

const fn is_open(status: Status) -> bool {
    matches!(status, Status::Created | Status::Validated)
}

/// Sets a status, if the roles allow it: to disable a device needs `CANCEL`, to open a locked one
/// `UNLOCK`, and any other change `MANAGE`.
fn set_status(device: &mut Device, status: Status, context: &Context) -> Result<(), Error> {
    match (device.status(), status) {
        (_, Status::Disabled) => context.roles.require(Roles::CANCEL)?,
        (Status::Locked, _) => context.roles.require(Roles::UNLOCK)?,
        _ => context.roles.require(Roles::MANAGE)?,
    }
    match device.set_status(status, context.now) {
        // The device was locked when it was disabled, so opening it unlocks it too.
        Err(EngineError::Locked) => {
            context.roles.require(Roles::UNLOCK)?;
            device.unlock(context.now)?;
            Ok(device.set_status(status, context.now)?)
        }
        done => Ok(done?),
    }
}

/// The operations of a PATCH (RFC 7644 section 3.5.2), which Soffid's clients send without
/// `schemas`.
fn operations(object: &Object) -> Result<Vec<Fields>, Error> {
    let (mut list, mut seen) = (None, Vec::new());
    for (name, value) in body::members(object, "urn:ietf:params:scim:api:messages:2.0:PatchOp")? {
        body::once(name, &["Operations"], &mut seen, "a PATCH")?;
        list = Some(value.items());
    }
    match list {
        None | Some([]) => Err(Error::syntax("Operations: is missing or empty; a PATCH needs one or more")),
        Some(list) => list.iter().map(operation).collect(),
    }
}

fn operation(operation: &Value) -> Result<Fields, Error> {
    let operation = operation.as_object().ok_or_else(|| Error::syntax("Operations: must be a list of objects"))?;
    let (mut op, mut path, mut value, mut seen) = (None, None, None, Vec::new());
    for (name, given) in operation.iter() {
        match body::once(name, &["op", "path", "value", "name"], &mut seen, "an operation")? {
            "op" => op = Some(text("op", given)?.to_ascii_lowercase()),
            "path" if given.is_null() => {}
            "path" => path = Some(text("path", given)?),
            "value" => value = Some(given),
            // `name`, which some clients add.
            _ => {}
        }
    }
    let path = path.filter(|path| !path.is_empty() && !path.eq_ignore_ascii_case(SCHEMA));
    let mut fields = Fields { is_asked_for: true, ..Fields::default() };
    match (op.as_deref(), path, value) {
        (Some("remove"), Some(path), _) if without_urn(path).eq_ignore_ascii_case(STEPS_AHEAD_PATH) => fields.forgets_steps = true,
        (Some("remove"), Some(path), _) => fields.change(target(path)?, &Value::Null)?,
        (Some("remove"), None, _) => return Err(Error::bad(ScimType::NoTarget, "path: is missing; a remove needs one")),
        (Some("add" | "replace"), Some(path), Some(value)) => fields.change(target(path)?, value)?,
        (Some("add" | "replace"), None, value) => {
            let values = value.and_then(Value::as_object);
            let values = values.ok_or_else(|| Error::syntax("value: must be an object of attributes, since path is missing"))?;
            for (attribute, value) in body::attributes(values.iter(), no_target)? {
                fields.change(attribute, value)?;
            }
        }
        (Some("add" | "replace"), Some(_), None) => return Err(Error::syntax("value: is missing")),
        _ => return Err(Error::syntax("op: must be add, replace or remove")),
    }
    Ok(fields)
}

/// The attribute that a path names. Errors: 400 `invalidPath`.
fn target(path: &str) -> Result<Attribute, Error> {
    Attribute::parse(path).ok_or_else(|| no_target(path))
}

fn no_target(path: &str) -> Error {
    Error::bad(ScimType::InvalidPath, format!("path: an OtpDevice has no attribute {}", quoted(path)))
}
