//! Dispatch: from a request to its operation.

use keyfob::rand_core::TryCryptoRng;

use crate::body;
use crate::discovery;
use crate::error::Error;
use crate::method::Method;
use crate::parameters::Parameters;
use crate::renew;
use crate::request::Request;
use crate::resource::Selection;
use crate::response::Response;
use crate::roles::Roles;
use crate::routes::Target;
use crate::service::{Context, MAX_SWAPS, Service, device_response};
use crate::step::Step;
use crate::store::{self, Store};
use crate::verify::Codes;

/// A change needs one of these roles; which one depends on what it changes.
const CHANGE: Roles = Roles::MANAGE.union(Roles::CANCEL).union(Roles::UNLOCK);

impl<R: TryCryptoRng + Clone + Send + Sync + 'static> Service<R> {
    /// Begins a request. The request may be dropped after this.
    #[expect(clippy::needless_pass_by_value, reason = "a request is handled once")]
    pub fn handle(&self, request: Request<'_>) -> Step {
        self.dispatch(&request).unwrap_or_else(Step::from)
    }

    /// Serves a request from a store that answers at once.
    pub fn run(&self, request: Request<'_>, store: &mut impl Store) -> Response {
        store::drive(self.handle(request), store)
    }

    fn dispatch(&self, request: &Request<'_>) -> Result<Step, Error> {
        let target = request.route.target()?;
        let parameters = Parameters::parse(request.query)?;
        let encoding = request.content_encoding.filter(|coding| !coding.trim().eq_ignore_ascii_case("identity"));
        if encoding.is_some() && !request.body.is_empty() {
            let error = Error::new(415, "Content-Encoding: must be identity; send the body uncompressed");
            return Ok(Step::Done(Response::from(error).with_header("accept-encoding", "identity".to_owned())));
        }
        let context = Context::from_request(request);
        let unmet = context.unmet;
        let step = self.operation(target, request, &parameters, context)?;
        Ok(match (unmet, &step) {
            // Whether a device exists shows when it is read.
            (
                Some(unmet),
                Step::Done(Response { status: ..=299, .. }) | Step::List { .. } | Step::Admit { .. } | Step::CheckUser { .. },
            ) => unmet.into(),
            _ => step,
        })
    }

    /// Begins the operation of a request, if the roles allow it.
    fn operation(&self, target: &Target, request: &Request<'_>, parameters: &Parameters, context: Context) -> Result<Step, Error> {
        let roles = request.roles;
        let object = || body::object(request.content_type, request.body);
        let method = match (target, request.method) {
            (Target::RequestChallenge(_), method) => method,
            (_, Method::Head) => Method::Get,
            (_, method) => method,
        };
        match (target, method) {
            (Target::Root | Target::Devices, Method::Get) => {
                roles.require(Roles::QUERY)?;
                self.list(context, parameters)
            }
            (Target::Devices, Method::Post) => {
                roles.require(Roles::MANAGE)?;
                self.create(context, request, parameters)
            }
            (Target::Search, Method::Post) => {
                roles.require(Roles::QUERY)?;
                self.search_body(context, &object()?, parameters)
            }
            (Target::Find, Method::Post) => {
                roles.require(Roles::MANAGE)?;
                self.find(context, &object()?, Selection::from_parameters(parameters)?)
            }
            (Target::Device(id), Method::Get) => {
                roles.require(Roles::QUERY)?;
                let selection = Selection::from_parameters(parameters)?;
                let profile = self.settings.profile;
                Ok(self
                    .with_entry(context.unmet, *id, false, move |entry| Ok(device_response(profile, &context, &entry, selection))))
            }
            (Target::Device(id), Method::Put) => {
                roles.require_any(CHANGE)?;
                self.put(context, *id, &object()?, Selection::from_parameters(parameters)?)
            }
            (Target::Device(id), Method::Patch) => {
                roles.require_any(CHANGE)?;
                self.patch(context, *id, &object()?, Selection::from_parameters(parameters)?)
            }
            (Target::Device(id), Method::Delete) => {
                roles.require(Roles::CANCEL)?;
                Ok(self.delete(context, *id, MAX_SWAPS))
            }
            (Target::RequestChallenge(id), Method::Get | Method::Post) => {
                roles.require(Roles::VERIFY)?;
                let is_call = match parameters.get("channel") {
                    None | Some("message") => false,
                    Some("voice") => true,
                    Some(_) => return Err(Error::value("channel: must be message or voice")),
                };
                Ok(self.request_challenge(context, *id, is_call, MAX_SWAPS))
            }
            (Target::ResponseChallenge(id), Method::Post) => {
                roles.require(Roles::VERIFY)?;
                Ok(self.verify(context, *id, Codes::read_response(&object()?)?, MAX_SWAPS))
            }
            (Target::Resync(id), Method::Post) => {
                roles.require(Roles::VERIFY)?;
                Ok(self.verify(context, *id, Codes::read_resync(&object()?)?, MAX_SWAPS))
            }
            (Target::RenewCodes(id), Method::Post) => {
                roles.require(Roles::MANAGE)?;
                let count = renew::read_count(request)?;
                Ok(self.renew_codes(context, *id, count, Selection::from_parameters(parameters)?, (None, MAX_SWAPS)))
            }
            // RFC 7644 section 4.
            (Target::Discovery(..), Method::Get) if parameters.get("filter").is_some() => {
                Err(Error::new(403, "discovery endpoints cannot be searched; leave out filter"))
            }
            (Target::Discovery(endpoint, id), Method::Get) => {
                discovery::get(*endpoint, id.as_deref(), &context.base_url, &self.settings).map(Step::Done)
            }
            _ => Ok(Step::Done(target.method_not_allowed())),
        }
    }
}
