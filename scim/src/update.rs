//! PUT, PATCH and DELETE of a device.

use keyfob::rand_core::TryCryptoRng;
use keyfob::{Device, Error as Fault, Factor, Status};

use crate::body::{self, Fields, text};
use crate::error::quoted;
use crate::json::{Object, Value};
use crate::resource::Selection;
use crate::service::{Context, Response, Service, TRIES, again, shown};
use crate::step::{Scope, Step, Swap};
use crate::{Attribute, Entry, Error, EventKind, Roles, SCHEMA, ScimType, mask};

impl<R: TryCryptoRng + Clone + Send + Sync + 'static> Service<R> {
    /// Replaces what clients may set. What the body leaves out keeps its value if every device of the kind has it.
    pub(crate) fn put(&self, context: Context, id: i64, object: &Object, selection: Selection) -> Result<Step, Error> {
        let mut fields = Fields::read(object)?;
        fields.external_id = Some(fields.external_id.flatten());
        Ok(self.update(context, id, vec![fields], selection, TRIES))
    }

    /// Does one operation after another: all of them or, where one is wrong, none.
    pub(crate) fn patch(&self, context: Context, id: i64, object: &Object, selection: Selection) -> Result<Step, Error> {
        Ok(self.update(context, id, operations(object)?, selection, TRIES))
    }

    fn update(&self, context: Context, id: i64, changes: Vec<Fields>, selection: Selection, tries: u32) -> Step {
        let service = self.clone();
        self.entry(id, true, move |entry| {
            let next = changes.iter().try_fold(entry.clone(), |entry, fields| service.changed(&context, entry, fields))?;
            if next == entry {
                return Ok(shown(service.settings.profile, &context, &entry, selection));
            }
            let is_revived = entry.row.deleted && !next.row.deleted;
            let event = context.event(if is_revived { EventKind::Revive } else { EventKind::Update }, &next.row);
            let swap = Box::new(Swap { entry: next.clone(), scope: Scope::Whole, event });
            Ok(Step::Swap {
                swap,
                then: Box::new(move |stored| match (stored, again(tries)) {
                    (true, _) => shown(service.settings.profile, &context, &next, selection),
                    (false, Ok(tries)) => service.update(context, id, changes, selection, tries),
                    (false, Err(error)) => error.into(),
                }),
            })
        })
    }

    /// The entry as the fields change it, if the roles allow.
    fn changed(&self, context: &Context, mut entry: Entry, fields: &Fields) -> Result<Entry, Error> {
        let fixed = |name: &str, given: Option<&str>, has: &str| match given {
            Some(given) if given != has => Err(Error::bad(ScimType::Mutability, format!("{name}: cannot be changed"))),
            _ => Ok(()),
        };
        fixed("type", fields.kind.map(keyfob::Kind::name), entry.row.kind.name())?;
        fixed("user", fields.user.as_deref(), &entry.row.user)?;
        let (row, mut device) = (&mut entry.row, entry.device.clone());
        let mut is_managed = false;

        if let Some(external_id) = fields.external_id.as_ref().filter(|external_id| row.external_id != **external_id) {
            row.external_id.clone_from(external_id);
            is_managed = true;
        }
        // A new address proves nothing of the old one's codes: the secret is drawn anew, and what was sent before is never right.
        let kind = row.kind;
        let foreign = |name: &str| Error::value(format!("{name}: a device of type {kind} has none"));
        if let Some(email) = fields.email.as_ref().filter(|email| row.email.as_ref() != Some(email)) {
            let Factor::Email(_) = device.factor() else { return Err(foreign("email")) };
            device.replace_factor(&Device::email(self.draw()?, context.now), context.now)?;
            row.name = format!("Email message to {}", mask::email(email));
            row.email = Some(email.clone());
            is_managed = true;
        }
        if let Some(phone) = fields.phone.as_ref().filter(|phone| row.phone.as_ref() != Some(phone)) {
            let Factor::Sms(_) = device.factor() else { return Err(foreign("phone")) };
            device.replace_factor(&Device::sms(self.draw()?, context.now), context.now)?;
            row.name = format!("SMS message to {}", mask::phone(phone));
            row.phone = Some(phone.clone());
            is_managed = true;
        }
        if let Some(pin) = &fields.pin {
            let Factor::Pin(_) = device.factor() else { return Err(foreign("pin")) };
            // Enrolling it checks its length.
            let fresh = Device::pin(pin.clone(), &self.settings.policy, context.now)?;
            device.replace_factor(&fresh, context.now)?;
            is_managed = true;
        }
        if is_managed {
            context.roles.require(Roles::MANAGE)?;
        }
        if let Some(status) = fields.status {
            // A throttle, a limit that was lowered and a clock that was ahead close a device whose status is an open one: to ask for that
            // unlocks it. Who puts a whole device says its status as it was read, which is no wish.
            let is_closed = is_open(device.status())
                && matches!(
                    device.check_open(&self.settings.policy, context.now),
                    Err(Fault::Throttled | Fault::Locked | Fault::Clock)
                );
            if is_closed && fields.is_asked_for && is_open(status) {
                context.roles.require(Roles::UNLOCK)?;
                device.unlock(context.now)?;
            }
            if status != device.status() {
                set_status(&mut device, status, context)?;
            }
            row.deleted &= status == Status::Disabled;
        }
        Ok(entry.with_device(device))
    }

    /// Disables a device for good: it stays in the store with status `D`.
    pub(crate) fn delete(&self, context: Context, id: i64, tries: u32) -> Step {
        let service = self.clone();
        self.entry(id, true, move |entry| {
            let done = || Step::Done(Response { status: 204, headers: Vec::new(), body: Vec::new() });
            if entry.row.deleted {
                return Ok(done());
            }
            let mut device = entry.device.clone();
            if device.status() != Status::Disabled {
                device.set_status(Status::Disabled, context.now)?;
            }
            let mut next = entry.with_device(device);
            next.row.deleted = true;
            let event = context.event(EventKind::Revoke, &next.row);
            Ok(Step::Swap {
                swap: Box::new(Swap { entry: next, scope: Scope::Whole, event }),
                then: Box::new(move |stored| match (stored, again(tries)) {
                    (true, _) => done(),
                    (false, Ok(tries)) => service.delete(context, id, tries),
                    (false, Err(error)) => error.into(),
                }),
            })
        })
    }
}

const fn is_open(status: Status) -> bool {
    matches!(status, Status::Created | Status::Validated)
}

/// Sets a status by the roles: disabling is to cancel, leaving a lock to unlock, the rest to manage.
fn set_status(device: &mut Device, status: Status, context: &Context) -> Result<(), Error> {
    match (device.status(), status) {
        (_, Status::Disabled) => context.roles.require(Roles::CANCEL)?,
        (Status::Locked, _) => context.roles.require(Roles::UNLOCK)?,
        _ => context.roles.require(Roles::MANAGE)?,
    }
    match device.set_status(status, context.now) {
        // It was locked when it was disabled: to open it is to unlock it too.
        Err(Fault::Locked) => {
            context.roles.require(Roles::UNLOCK)?;
            device.unlock(context.now)?;
            Ok(device.set_status(status, context.now)?)
        }
        done => Ok(done?),
    }
}

/// The operations of a PATCH (RFC 7644 section 3.5.2), which Soffid's clients send without `schemas`.
fn operations(object: &Object) -> Result<Vec<Fields>, Error> {
    let (mut list, mut seen) = (None, Vec::new());
    for (name, value) in body::members(object, "urn:ietf:params:scim:api:messages:2.0:PatchOp")? {
        body::once(name, &["Operations"], &mut seen, "a PATCH")?;
        list = value.as_list();
    }
    let Some(list) = list else { return Err(Error::syntax("Operations: is missing, or not a list")) };
    list.iter().map(operation).collect()
}

fn operation(operation: &Value) -> Result<Fields, Error> {
    let Value::Object(operation) = operation else { return Err(Error::syntax("Operations: must be a list of objects")) };
    let (mut op, mut path, mut value, mut seen) = (None, None, None, Vec::new());
    for (name, given) in operation.iter() {
        match body::once(name, &["op", "path", "value"], &mut seen, "an operation")? {
            "op" => op = Some(text("op", given)?.to_ascii_lowercase()),
            "path" if given.is_null() => {}
            "path" => path = Some(text("path", given)?),
            _ => value = Some(given),
        }
    }
    let path = path.filter(|path| !path.eq_ignore_ascii_case(SCHEMA));
    let mut fields = Fields { is_asked_for: true, ..Fields::default() };
    match (op.as_deref(), path, value) {
        (Some("remove"), Some(path), _) => fields.unset(target(path)?)?,
        (Some("remove"), None, _) => return Err(Error::bad(ScimType::NoTarget, "path: is missing; a remove needs one")),
        (Some("add" | "replace"), Some(path), Some(value)) => fields.change(target(path)?, value)?,
        (Some("add" | "replace"), None, Some(Value::Object(values))) => {
            let mut seen = Vec::new();
            for (name, value) in values.iter() {
                let attribute = target(name)?;
                body::unseen(attribute, &mut seen)?;
                fields.change(attribute, value)?;
            }
        }
        (Some("add" | "replace"), None, _) => {
            return Err(Error::syntax("value: must be an object of attributes, since path is missing"));
        }
        (Some("add" | "replace"), Some(_), None) => return Err(Error::syntax("value: is missing")),
        _ => return Err(Error::syntax("op: must be add, replace or remove")),
    }
    Ok(fields)
}

/// The attribute that a path names. Errors: 400 `invalidPath`.
fn target(path: &str) -> Result<Attribute, Error> {
    let fault = || Error::bad(ScimType::InvalidPath, format!("path: an OtpDevice has no attribute {}", quoted(path)));
    Attribute::parse(path).ok_or_else(fault)
}
