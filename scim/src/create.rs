//! `POST /OtpDevice`: a new device.

use data_encoding::BASE64;
use keyfob::rand_core::TryCryptoRng;
use keyfob::{Device, Factor, Hotp, Kind, Status, Totp, Uri, Validity};
use zeroize::Zeroizing;

use crate::attribute::{Attribute, Mutability};
use crate::body::{self, Fields};
use crate::decision::Cause;
use crate::entry::{Entry, Naming};
use crate::error::Error;
use crate::event::Event;
use crate::json::Value;
use crate::parameters::Parameters;
use crate::qr;
use crate::request::Request;
use crate::resource::{Resource, Selection, location};
use crate::response::Response;
use crate::service::{Context, Service, if_known};
use crate::step::Step;
use crate::token::Token;

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
        let token = Token::read(&attributes, &self.settings)?;
        let changeable: Vec<_> = attributes.iter().copied().filter(|(attribute, _)| !attribute.is_for_create()).collect();
        let fields = Fields::read(&changeable)?;
        let is_token = matches!(kind, Kind::Totp | Kind::Hotp);
        let user = match &fields.user {
            Some(user) => user.clone(),
            None if is_token && token.naming.is_some() => String::new(),
            None if is_token => return Err(Error::value("user: is missing; without it, name must be the serial of the token")),
            None => return Err(Error::value("user: is missing")),
        };
        // Whoever gives the secret has it.
        let has_image = token.secret.is_none() && selection.contains(Attribute::Image);
        let (entry, naming) = self.enrol(kind, fields, token, user.clone(), context.now)?;
        let service = self.clone();
        let insert = move || Step::Insert {
            event: Event::for_new_device(&entry, &context.actor, context.now),
            signals: context.signals(&service.settings, Cause::Create, &entry),
            entry: Box::new(entry),
            naming,
            then: Box::new(move |entry| {
                let image = match if has_image { service.image(&entry) } else { Ok(None) } {
                    Ok(image) => image,
                    Err(error) => return error.into(),
                };
                let resource = Resource::from_entry(&entry, service.settings.profile, &context.base_url, selection);
                let resource = resource.created(image).with_recovery_codes(&entry.device, selection);
                let response = Response::json_with_secret(201, &resource);
                Step::Done(response.with_header("location", location(&context.base_url, entry.row.id)))
            }),
        };
        Ok(if user.is_empty() { insert() } else { if_known(user, insert) })
    }

    /// The kind that a body names. Errors: 400 for none or an unknown one, for a missing attribute
    /// that the kind needs, and for an attribute of another kind.
    fn kind(&self, attributes: &[(Attribute, &Value)]) -> Result<Kind, Error> {
        let given = |wanted| attributes.iter().find(|(attribute, value)| *attribute == wanted && !value.is_null());
        let (_, kind) = given(Attribute::Type)
            .ok_or_else(|| Error::value("type: is missing; it must be TOTP, HOTP, SMS, EMAIL, PIN or RECOVERY"))?;
        let kind = body::kind(kind)?;
        if !self.settings.kinds.contains(&kind) {
            return Err(Error::value(format!("type: {kind} is switched off here; otp.kinds in the configuration switches it on")));
        }
        let is_of_kind = |attribute: &Attribute| attribute.kinds().contains(&kind);
        // A missing attribute is reported first: the other one may be the same under a wrong name.
        let needed = Attribute::ALL.iter().filter(|attribute| attribute.is_needed() && is_of_kind(attribute));
        if let Some(attribute) = needed.copied().find(|attribute| given(*attribute).is_none()) {
            return Err(Error::value(format!("{}: is missing; {kind} needs it", attribute.name())));
        }
        // A read-only attribute is ignored (RFC 7644 section 3.3).
        let foreign = |attribute: &Attribute| attribute.mutability() != Mutability::ReadOnly && !is_of_kind(attribute);
        match Attribute::ALL.iter().copied().filter(foreign).find(|attribute| given(*attribute).is_some()) {
            Some(attribute) => {
                let kinds: Vec<_> = attribute.kinds().iter().map(|kind| kind.name()).collect();
                Err(Error::value(format!("{}: is for {} only", attribute.name(), kinds.join(" and "))))
            }
            None => Ok(kind),
        }
    }

    /// The new device that a body describes.
    fn enrol(&self, kind: Kind, fields: Fields, token: Token, user: String, now: u64) -> Result<(Entry, Naming), Error> {
        let Fields { status, email, phone, pin, external_id, not_before, not_after, .. } = fields;
        let Token { naming, secret, algorithm, digits, period, counter, code_count } = token;
        let is_drawn = secret.is_none();
        let generator = || {
            let secret = secret.map_or_else(|| self.draw(algorithm), Ok)?;
            Ok::<_, Error>(Hotp::new(secret).with_algorithm(algorithm).with_digits(digits))
        };
        let mut device = match (kind, pin) {
            (Kind::Pin, Some(pin)) => Device::pin(pin, &self.settings.policy, now)?,
            (Kind::Totp, _) => Device::totp(Totp::from_hotp(generator()?).with_period(period)?, now),
            (Kind::Hotp, _) => Device::hotp(generator()?, counter, now),
            (Kind::Recovery, _) => Device::recovery(self.draw_codes(code_count)?, now),
            (Kind::Sms, _) => Device::sms(self.draw_secret()?, now),
            (Kind::Email | Kind::Pin, _) => Device::email(self.draw_secret()?, now),
        };
        let validity = Validity::new(not_before.flatten(), not_after.flatten())?;
        if validity != Validity::ALWAYS {
            device = device.with_validity(validity)?;
        }
        if let Some(phone) = &phone {
            self.settings.message_limits.check_number(phone)?;
        }
        let naming = match naming {
            Some(serial) if matches!(kind, Kind::Totp | Kind::Hotp) => serial,
            _ => Naming::for_device(kind, email.as_deref(), phone.as_deref()),
        };
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
        if is_drawn {
            let name = if let Naming::Serial(serial) = &naming { serial } else { LONGEST_NAME };
            self.enrolment(&entry.device, name, &entry.row.user)?;
        }
        Ok((entry, naming))
    }

    /// The QR code to enrol an authenticator with, as a PNG in Base64; none for other kinds.
    fn image(&self, Entry { device, row, .. }: &Entry) -> Result<Option<String>, Error> {
        let Some((uri, size)) = self.enrolment(device, &row.name, &row.user)? else { return Ok(None) };
        Ok(Some(BASE64.encode(&qr::encode_png(&uri, size).ok_or_else(no_image)?)))
    }

    /// The URI to enrol an authenticator with, and the size of its image; none for other kinds.
    /// Errors: 400 if no image holds it.
    fn enrolment(&self, device: &Device, name: &str, user: &str) -> Result<Option<(Zeroizing<String>, qr::Size)>, Error> {
        if !matches!(device.factor(), Factor::Totp(_) | Factor::Hotp(_)) {
            return Ok(None);
        }
        // If the code does not fit, the label loses the user, and then the image grows.
        let tries = [
            (format!("{name} {user}").trim_end().to_owned(), qr::Size::SidePixels(IMAGE_SIDE_PIXELS)),
            (name.to_owned(), qr::Size::MinSidePixels(IMAGE_SIDE_PIXELS)),
        ];
        let enrolment = tries.into_iter().find_map(|(account, size)| {
            // A colon separates the issuer from the account in a label.
            let account = account.replace(':', " ");
            let uri = Uri::new(device.factor().clone(), device.moving_factor(), &self.settings.issuer, &account).ok()?;
            let text = uri.to_text().ok()?;
            qr::fits(&text, size).then_some((text, size))
        });
        enrolment.map(Some).ok_or_else(no_image)
    }
}

fn no_image() -> Error {
    Error::value("issuer: is too long for a QR code, or has a colon; shorten it in the configuration")
}
