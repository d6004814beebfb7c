//! `POST /OtpDevice`: a new device.

use data_encoding::BASE64;
use keyfob::rand_core::TryCryptoRng;
use keyfob::{Device, Factor, Kind, Status, Totp, Uri};

use crate::attribute::Attribute;
use crate::body::{self, Fields};
use crate::entry::{Entry, Naming, Row};
use crate::error::Error;
use crate::event::EventKind;
use crate::json::Value;
use crate::parameters::Parameters;
use crate::qr;
use crate::request::Request;
use crate::resource::{Resource, Selection, location};
use crate::response::Response;
use crate::service::{Context, Service};
use crate::step::Step;

/// The side of the image in pixels, if the code fits.
const IMAGE_SIDE_PIXELS: usize = 200;
/// A name as long as those of TOTP and HOTP devices, for the check before a name is given.
const LONGEST_NAME: &str = "TOTP00000000";

impl<R: TryCryptoRng + Clone + Send + Sync + 'static> Service<R> {
    /// Creates the device that a body describes.
    pub(crate) fn create(&self, context: Context, request: &Request<'_>, parameters: &Parameters) -> Result<Step, Error> {
        let selection = Selection::from_parameters(parameters)?;
        let object = body::object(request.content_type, request.body)?;
        let attributes = body::resource(&object)?;
        let kind = self.kind(&attributes)?;
        let fields = Fields::read(&attributes)?;
        let user = fields.user.clone().ok_or_else(|| Error::value("user: is missing"))?;
        let (entry, naming) = self.enrol(kind, fields, user.clone(), context.now)?;
        let service = self.clone();
        Ok(Step::CheckUser {
            user,
            then: Box::new(move |is_known| {
                if !is_known {
                    return Error::value(format!("user: {:?} is not known", entry.row.user)).into();
                }
                let event = context.event(EventKind::Create, &entry.row);
                Step::Insert {
                    entry: Box::new(entry),
                    naming,
                    event,
                    then: Box::new(move |entry| {
                        let image = match service.image(&entry) {
                            Ok(image) => image,
                            Err(error) => return error.into(),
                        };
                        let resource = Resource::new(&entry.row, service.settings.profile, &context.base_url, selection);
                        let response = Response::json(201, &resource.created(image, selection));
                        Step::Done(response.with_header("location", location(&context.base_url, entry.row.id)))
                    }),
                }
            }),
        })
    }

    /// The kind that a body names. Errors: 400 for none or an unknown one, for a missing attribute
    /// that the kind needs, and for an attribute of another kind.
    fn kind(&self, attributes: &[(Attribute, &Value)]) -> Result<Kind, Error> {
        let given = |wanted| attributes.iter().find(|(attribute, value)| *attribute == wanted && !value.is_null());
        let (_, kind) =
            given(Attribute::Type).ok_or_else(|| Error::value("type: is missing; it must be TOTP, HOTP, SMS, EMAIL or PIN"))?;
        let kind = body::kind(kind)?;
        if !self.settings.kinds.contains(&kind) {
            return Err(Error::value(format!("type: {kind} is switched off here")));
        }
        let of_kinds = [(Attribute::Email, Kind::Email), (Attribute::Phone, Kind::Sms), (Attribute::Pin, Kind::Pin)];
        // A missing attribute is reported first: the other one may be the same under a wrong name.
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
    fn enrol(&self, kind: Kind, fields: Fields, user: String, now: u64) -> Result<(Entry, Naming), Error> {
        let Fields { status, email, phone, pin, external_id, .. } = fields;
        let device = match (kind, pin) {
            (Kind::Pin, Some(pin)) => Device::pin(pin, &self.settings.policy, now)?,
            (Kind::Totp, _) => Device::totp(Totp::from_hotp(self.draw_secret()?).with_period(self.settings.period)?, now),
            (Kind::Hotp, _) => Device::hotp(self.draw_secret()?, 0, now),
            (Kind::Sms, _) => Device::sms(self.draw_secret()?, now),
            (Kind::Email | Kind::Pin, _) => Device::email(self.draw_secret()?, now),
        };
        let naming = Naming::for_device(kind, email.as_deref(), phone.as_deref());
        let mut entry = Entry::new(device, user);
        if let Some(status) = status.filter(|status| *status != Status::Created) {
            let mut device = entry.device.clone();
            device.set_status(status, now)?;
            entry = entry.with_device(device, now);
        }
        entry.row.email = email;
        entry.row.phone = phone;
        entry.row.external_id = external_id.flatten();
        // A device without an image cannot be enrolled, so it must not be stored.
        self.image(&Entry { row: Row { name: LONGEST_NAME.to_owned(), ..entry.row.clone() }, ..entry.clone() })?;
        Ok((entry, naming))
    }

    /// The QR code to enrol an authenticator with, as a PNG in Base64; none for other kinds.
    fn image(&self, entry: &Entry) -> Result<Option<String>, Error> {
        if !matches!(entry.device.factor(), Factor::Totp(_) | Factor::Hotp(_)) {
            return Ok(None);
        }
        let Row { name, user, .. } = &entry.row;
        // If the code does not fit, the label loses the user, and then the image grows.
        let tries = [
            (format!("{name} {user}"), qr::Size::SidePixels(IMAGE_SIDE_PIXELS)),
            (name.clone(), qr::Size::MinSidePixels(IMAGE_SIDE_PIXELS)),
        ];
        let png = tries.iter().find_map(|(account, size)| {
            // A colon separates the issuer from the account in a label.
            let account = account.replace(':', " ");
            let uri =
                Uri::new(entry.device.factor().clone(), entry.device.moving_factor(), &self.settings.issuer, &account).ok()?;
            qr::encode_png(&uri.to_text().ok()?, *size)
        });
        let png =
            png.ok_or_else(|| Error::value("issuer: is too long for a QR code, or has a colon; shorten it in the configuration"))?;
        Ok(Some(BASE64.encode(&png)))
    }
}
