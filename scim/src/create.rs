//! `POST /OtpDevice`: a new device.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use keyfob::rand_core::TryCryptoRng;
use keyfob::{Device, Factor, Hotp, Kind, Secret, Status, Totp, Uri};

use crate::body::{self, Fields};
use crate::entry::{Entry, Name};
use crate::json::Value;
use crate::list::selection;
use crate::resource::{Resource, location};
use crate::service::{Context, Response, Service};
use crate::step::Step;
use crate::{Attribute, Error, Event, EventKind, Request, Row, qr};

/// The side of the image in pixels.
const IMAGE: usize = 200;

impl<R: TryCryptoRng + Clone + Send + Sync + 'static> Service<R> {
    pub(crate) fn create(
        &self,
        context: Context,
        request: &Request<'_>,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Step, Error> {
        let selection = selection(parameters)?;
        let object = body::object(request.content_type, request.body)?;
        let attributes = body::resource(&object)?;
        let kind = self.kind(&attributes)?;
        let fields = Fields::read(&attributes)?;
        let name = fields.user.clone().ok_or_else(|| Error::value("user: is missing"))?;
        let (entry, naming) = self.enrol(kind, fields, name.clone(), context.now)?;
        let service = self.clone();
        Ok(Step::User {
            name,
            then: Box::new(move |is_known| {
                if !is_known {
                    return Error::value(format!("user: {:?} is not known", entry.row.user)).into();
                }
                let event = context.event(EventKind::Create, &entry.row);
                Step::Insert {
                    entry: Box::new(entry),
                    name: naming,
                    event,
                    then: Box::new(move |entry| {
                        let image = match service.image(&entry) {
                            Ok(image) => image,
                            Err(error) => return error.into(),
                        };
                        let resource = Resource::new(&entry.row, service.settings.profile, &context.base, selection);
                        let response = Response::json(201, &resource.created(image, selection));
                        Step::Done(response.with_header("location", location(&context.base, entry.row.id)))
                    }),
                }
            }),
        })
    }

    /// The kind that a body names. Errors: 400 for none, and where it has not what devices of that
    /// kind need, or more.
    fn kind(&self, attributes: &[(Attribute, &Value)]) -> Result<Kind, Error> {
        let given = |wanted| attributes.iter().find(|(attribute, value)| *attribute == wanted && !value.is_null());
        let (_, kind) =
            given(Attribute::Type).ok_or_else(|| Error::value("type: is missing; it must be TOTP, HOTP, SMS, EMAIL or PIN"))?;
        let kind = body::kind(kind)?;
        if !self.settings.kinds.contains(&kind) {
            return Err(Error::value(format!("type: {kind} is switched off here")));
        }
        let of_kinds = [(Attribute::Email, Kind::Email), (Attribute::Phone, Kind::Sms), (Attribute::Pin, Kind::Pin)];
        // What is missing comes first: it may stand there under another name.
        let missing = of_kinds.iter().find(|(attribute, of)| *of == kind && given(*attribute).is_none());
        if let Some((attribute, _)) = missing {
            return Err(Error::value(format!("{}: is missing; {kind} needs it", attribute.name())));
        }
        match of_kinds.iter().find(|(attribute, of)| *of != kind && given(*attribute).is_some()) {
            Some((attribute, of)) => Err(Error::value(format!("{}: is for {of} only", attribute.name()))),
            None => Ok(kind),
        }
    }

    /// The new device that a body describes.
    fn enrol(&self, kind: Kind, fields: Fields, user: String, now: u64) -> Result<(Entry, Name), Error> {
        let Fields { status, email, phone, pin, external_id, .. } = fields;
        let device = match (kind, pin) {
            (Kind::Pin, Some(pin)) => Device::pin(pin, &self.settings.policy, now)?,
            (Kind::Totp, _) => Device::totp(Totp::from_hotp(self.draw()?).with_period(self.settings.period)?, now),
            (Kind::Hotp, _) => Device::hotp(self.draw()?, 0, now),
            (Kind::Sms, _) => Device::sms(self.draw()?, now),
            (Kind::Email | Kind::Pin, _) => Device::email(self.draw()?, now),
        };
        let name = Name::of(kind, email.as_deref(), phone.as_deref());
        let mut entry = Entry::new(device, user);
        if let Some(status) = status.filter(|status| *status != Status::Created) {
            let mut device = entry.device.clone();
            device.set_status(status, now)?;
            entry = entry.with_device(device, now);
        }
        entry.row.email = email;
        entry.row.phone = phone;
        entry.row.external_id = external_id.flatten();
        // Before it is stored: nobody is left with a device that cannot be enrolled.
        self.image(&Entry { row: Row { name: "TOTP00000000".to_owned(), ..entry.row.clone() }, ..entry.clone() })?;
        Ok((entry, name))
    }

    /// A fresh secret with the parameters of new devices.
    pub(crate) fn draw(&self) -> Result<Hotp, Error> {
        let secret = Secret::random(self.settings.algorithm, &mut self.rng.clone())?;
        Ok(Hotp::new(secret).with_algorithm(self.settings.algorithm).with_digits(self.settings.digits))
    }

    /// The QR code to enrol an authenticator with, as a PNG in Base64; none for other kinds.
    fn image(&self, entry: &Entry) -> Result<Option<String>, Error> {
        if !matches!(entry.device.factor(), Factor::Totp(_) | Factor::Hotp(_)) {
            return Ok(None);
        }
        let Row { name, user, .. } = &entry.row;
        // First the label gets shorter, without the user; then the image gets larger.
        let tries = [(format!("{name} {user}"), qr::Size::Side(IMAGE)), (name.clone(), qr::Size::SideOrMore(IMAGE))];
        let png = tries.iter().find_map(|(account, size)| {
            // A colon would end the label's issuer.
            let account = account.replace(':', " ");
            let uri =
                Uri::new(entry.device.factor().clone(), entry.device.moving_factor(), &self.settings.issuer, &account).ok()?;
            qr::png(&uri.to_text().ok()?, *size)
        });
        let png =
            png.ok_or_else(|| Error::value("issuer: is too long for a QR code, or has a colon; shorten it in the configuration"))?;
        Ok(Some(BASE64.encode(&png)))
    }
}

impl Context {
    /// The line of the trail for something done to a device.
    pub(crate) fn event(&self, kind: EventKind, row: &Row) -> Event {
        Event {
            kind,
            at: self.now,
            actor: self.actor.clone(),
            device: row.id,
            user: row.user.clone(),
            success: true,
            reason: row.status.to_string(),
            drift: None,
        }
    }
}
