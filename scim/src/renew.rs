//! `POST /OtpDevice/{id}/renewCodes`: new recovery codes, which end the old ones.

use keyfob::rand_core::TryCryptoRng;
use keyfob::{Device, Factor, RecoveryCodes, Status};

use crate::attribute::{Attribute, SCHEMA, without_urn};
use crate::body;
use crate::decision::Cause;
use crate::error::Error;
use crate::event::EventKind;
use crate::request::Request;
use crate::resource::{Resource, Selection};
use crate::response::Response;
use crate::roles::Roles;
use crate::service::{Context, Service, swaps_left};
use crate::step::{Scope, Step, Swap};

/// Reads how many codes a renewal makes, `{"recoveryCodeCount": 12}`; none for as many as before,
/// as for an empty body. Errors: 400.
pub(crate) fn read_count(request: &Request<'_>) -> Result<Option<u8>, Error> {
    if request.body.is_empty() {
        return Ok(None);
    }
    let object = body::object(request.content_type, request.body)?;
    let (mut count, mut seen) = (None, Vec::new());
    for (name, value) in body::members(&object, SCHEMA)? {
        let name = without_urn(name);
        body::once(name, &[Attribute::RecoveryCodeCount.name()], &mut seen, "a renewal of recovery codes")?;
        if !value.is_null() {
            count = Some(body::recovery_code_count(value)?);
        }
    }
    Ok(count)
}

impl<R: TryCryptoRng + Clone + Send + Sync + 'static> Service<R> {
    /// Replaces the recovery codes, and responds with the new ones. The fails and every lock stay.
    ///
    /// After a swap that an attempt has overtaken it draws again, so that only codes that are
    /// stored come out. One that another renewal has overtaken is refused: of two lists that were
    /// shown one would be dead. `before` are the codes that the first try found. A repeated request
    /// makes new codes again.
    pub(crate) fn renew_codes(
        &self,
        context: Context,
        id: i64,
        count: Option<u8>,
        selection: Selection,
        (before, swaps): (Option<RecoveryCodes>, u32),
    ) -> Step {
        let service = self.clone();
        self.with_entry(context.unmet, id, true, move |entry| {
            let Factor::Recovery(old) = entry.device.factor() else {
                return Err(Error::value("only a device of type RECOVERY has codes to renew"));
            };
            if entry.device.status() == Status::Disabled {
                return Err(keyfob::Error::Disabled.into());
            }
            let before = before.unwrap_or_else(|| old.clone());
            if before != *old {
                return Err(Error::new(409, "another request has just renewed the codes; renew them again if its answer is lost"));
            }
            let fresh = Device::recovery(service.draw_codes(count.unwrap_or_else(|| old.count()))?, context.now);
            let mut device = entry.device.clone();
            device.replace_factor(&fresh, context.now)?;
            let next = entry.with_device(device, context.now).modified(context.now);
            let event = context.event(EventKind::RenewCodes, &next.row);
            let signals = context.signals(&service.settings, Cause::RenewCodes, &next);
            Ok(Step::Swap {
                swap: Box::new(Swap { entry: next.clone(), scope: Scope::Record, claims_serial: false, event, signals }),
                then: Box::new(move |is_swapped| match (is_swapped, swaps_left(swaps)) {
                    (true, _) => {
                        let shown = if context.roles.contains(Roles::QUERY) { selection } else { selection.of_change() };
                        let resource = Resource::from_entry(&next, service.settings.profile, &context.base_url, shown);
                        Step::Done(Response::json_with_secret(200, &resource.with_recovery_codes(&next.device, selection)))
                    }
                    (false, Ok(swaps)) => service.renew_codes(context, id, count, selection, (Some(before), swaps)),
                    (false, Err(error)) => error.into(),
                }),
            })
        })
    }
}
