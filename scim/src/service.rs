//! From a request to its operation: routes, methods, roles.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use keyfob::rand_core::TryCryptoRng;
use serde::Serialize;

use crate::answer::Answer;
use crate::request::Unmet;
use crate::resource::{Resource, Selection};
use crate::step::{Step, Store};
use crate::{Entry, Error, Method, Profile, Request, Roles, Settings, body, discovery, list, request};

/// How often an entry that others keep changing is read again before giving up.
pub(crate) const TRIES: u32 = 1000;

/// A change needs one of these; which, depends on what it changes.
const CHANGING: Roles = Roles::MANAGE.and(Roles::CANCEL).and(Roles::UNLOCK);

/// A response, as far as SCIM goes.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// Headers beside those of the transport, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body, of type `application/scim+json`; empty for none. To a HEAD, a host sends its
    /// length and not the body.
    pub body: Vec<u8>,
}

impl Response {
    pub(crate) fn json(status: u16, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self { status, headers: Vec::new(), body },
            Err(error) => Error::new(500, format!("the answer could not be written: {error}")).into(),
        }
    }

    /// With one more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap_or_default()
    }
}

// The body may be a verdict, or the image of a secret.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status).field("headers", &self.headers).finish_non_exhaustive()
    }
}

impl From<Error> for Response {
    fn from(error: Error) -> Self {
        let response = Self { status: error.status, headers: Vec::new(), body: error.to_json() };
        match error.retry_after {
            Some(seconds) => response.with_header("retry-after", seconds.to_string()),
            None => response,
        }
    }
}

impl From<Error> for Step {
    fn from(error: Error) -> Self {
        Self::Done(error.into())
    }
}

impl From<Unmet> for Step {
    fn from(unmet: Unmet) -> Self {
        match unmet {
            Unmet::Failed => Error::new(412, "nothing here has an ETag, so If-Match and If-None-Match can only have *").into(),
            Unmet::NotModified => Self::Done(Response { status: 304, headers: Vec::new(), body: Vec::new() }),
        }
    }
}

/// Who asks, from where and when: what later steps need of a request.
pub(crate) struct Context {
    pub(crate) base: String,
    pub(crate) actor: String,
    pub(crate) roles: Roles,
    pub(crate) now: u64,
    pub(crate) unmet: Option<Unmet>,
}

/// The operations on devices. Keeps no state: cheap to clone.
#[derive(Clone, Debug)]
pub struct Service<R> {
    pub(crate) settings: Arc<Settings>,
    pub(crate) rng: R,
}

/// What a path below the base names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target<'p> {
    /// The base itself: every resource there is.
    Root,
    Devices,
    Search,
    Device(i64),
    RequestChallenge(i64),
    ResponseChallenge(i64),
    Resync(i64),
    Discovery(&'p str, Option<&'p str>),
}

impl<'p> Target<'p> {
    /// Of the decoded segments of a path: a slash that was encoded parts none.
    fn of(segments: &'p [Cow<'_, str>]) -> Result<Self, Error> {
        let segments: Vec<&str> = segments.iter().map(|segment| &**segment).collect();
        Self::named(&segments).ok_or_else(|| match segments.as_slice() {
            // RFC 7644 section 3.11.
            ["Me", ..] => Error::new(501, "accounts are no resources here"),
            // Section 3.7.
            ["Bulk"] => Error::new(501, "there are no bulk operations here; send each by itself"),
            _ => Error::new(404, "there is nothing at this address"),
        })
    }

    fn named(segments: &[&'p str]) -> Option<Self> {
        // An id has one form.
        let id = |text: &str| text.parse().ok().filter(|id: &i64| *id > 0 && id.to_string() == text);
        match segments {
            [] => Some(Self::Root),
            ["OtpDevice"] => Some(Self::Devices),
            // Of all types of resources there is but one.
            ["OtpDevice", ".search"] | [".search"] => Some(Self::Search),
            ["OtpDevice", text] => id(text).map(Self::Device),
            ["OtpDevice", text, "requestChallenge"] => id(text).map(Self::RequestChallenge),
            ["OtpDevice", text, "responseChallenge"] => id(text).map(Self::ResponseChallenge),
            ["OtpDevice", text, "resync"] => id(text).map(Self::Resync),
            [name @ ("ServiceProviderConfig" | "ResourceTypes" | "Schemas")] => Some(Self::Discovery(name, None)),
            [name @ ("ResourceTypes" | "Schemas"), id] => Some(Self::Discovery(name, Some(id))),
            _ => None,
        }
    }

    const fn allowed(self) -> &'static str {
        match self {
            Self::Root | Self::Discovery(..) => "GET, HEAD",
            Self::Devices => "GET, HEAD, POST",
            // To read its head would send a code.
            Self::RequestChallenge(_) => "GET, POST",
            Self::Search | Self::ResponseChallenge(_) | Self::Resync(_) => "POST",
            Self::Device(_) => "GET, HEAD, PUT, PATCH, DELETE",
        }
    }

    fn not_allowed(self) -> Response {
        let allowed = self.allowed();
        let error = Error::new(405, format!("this address takes {allowed} only"));
        Response::from(error).with_header("allow", allowed.to_owned())
    }
}

/// The decoded segments of a path.
fn segments(path: &str) -> Result<Vec<Cow<'_, str>>, Error> {
    path.split('/').filter(|segment| !segment.is_empty()).map(request::decode).collect()
}

/// The answer to a method that is no [`Method`], at a path below the base: 405 with what the
/// address takes, or what any method gets there.
pub fn not_allowed(path: &str) -> Response {
    let answer = segments(path).and_then(|segments| Target::of(&segments).map(Target::not_allowed));
    answer.unwrap_or_else(Response::from)
}

/// The name of what a request asks for, for the numbers that a host keeps: `unknown` where there is
/// nothing at a path below the base.
pub fn operation(method: Option<Method>, path: &str) -> &'static str {
    let Ok(segments) = segments(path) else { return "unknown" };
    match (Target::of(&segments), method) {
        (Ok(Target::Devices), Some(Method::Post)) => "create",
        (Ok(Target::Root | Target::Devices | Target::Search), _) => "list",
        (Ok(Target::Device(_)), _) => "device",
        (Ok(Target::RequestChallenge(_)), _) => "requestChallenge",
        (Ok(Target::ResponseChallenge(_)), _) => "responseChallenge",
        (Ok(Target::Resync(_)), _) => "resync",
        (Ok(Target::Discovery(..)), _) => "discovery",
        (Err(_), _) => "unknown",
    }
}

impl<R: TryCryptoRng + Clone + Send + Sync + 'static> Service<R> {
    /// A service with these settings, which draws secrets and positions from `rng`: the operating
    /// system's, as a rule.
    pub fn new(settings: Settings, rng: R) -> Self {
        Self { settings: Arc::new(settings), rng }
    }

    /// Begins a request. Nothing of the request is needed after this.
    #[expect(clippy::needless_pass_by_value, reason = "a request is used up by it")]
    pub fn handle(&self, request: Request<'_>) -> Step {
        self.route(&request).unwrap_or_else(Step::from)
    }

    /// Serves a request from a store that answers at once.
    pub fn run(&self, request: Request<'_>, store: &mut impl Store) -> Response {
        let mut step = self.handle(request);
        loop {
            let next = match step {
                Step::Done(response) => return response,
                Step::Get { id, then, .. } => store.get(id).map(then),
                Step::Insert { entry, name, event, then } => store.insert(*entry, name, event).map(|entry| then(Box::new(entry))),
                Step::Swap { swap, then } => store.swap(*swap).map(then),
                Step::Record { event, then } => store.record(event).map(then),
                Step::List { query, then } => store.list(&query).map(then),
                Step::User { name, then } => store.user(&name).map(then),
                Step::Deliver { message, then } => store.deliver(&message).map(then),
            };
            step = next.unwrap_or_else(Step::from);
        }
    }

    fn route(&self, request: &Request<'_>) -> Result<Step, Error> {
        let segments = segments(request.path)?;
        let target = Target::of(&segments)?;
        let parameters = request::parameters(request.query)?;
        let context = Context {
            base: request.base.clone().into_owned(),
            actor: request.actor.clone().into_owned(),
            roles: request.roles,
            now: request.now,
            unmet: request.unmet(),
        };
        let encoding = request.content_encoding.filter(|coding| !coding.trim().eq_ignore_ascii_case("identity"));
        if encoding.is_some() && !request.body.is_empty() {
            let error = Error::new(415, "Content-Encoding: must be identity; send the body as it is");
            return Ok(Step::Done(Response::from(error).with_header("accept-encoding", "identity".to_owned())));
        }
        let object = || body::object(request.content_type, request.body);
        let method = match (target, request.method) {
            (Target::RequestChallenge(_), method) => method,
            (_, Method::Head) => Method::Get,
            (_, method) => method,
        };
        let unmet = context.unmet;
        let step = match (target, method) {
            (Target::Root | Target::Devices, Method::Get) => {
                request.roles.require(Roles::QUERY)?;
                self.list(context, &parameters)
            }
            (Target::Devices, Method::Post) => {
                request.roles.require(Roles::MANAGE)?;
                self.create(context, request, &parameters)
            }
            (Target::Search, Method::Post) => {
                request.roles.require(Roles::QUERY)?;
                self.search_body(context, &object()?, &parameters)
            }
            (Target::Device(id), Method::Get) => {
                request.roles.require(Roles::QUERY)?;
                let selection = list::selection(&parameters)?;
                let profile = self.settings.profile;
                Ok(self.entry(context.unmet, id, false, move |entry| Ok(shown(profile, &context, &entry, selection))))
            }
            (Target::Device(id), Method::Put) => {
                request.roles.require_any(CHANGING)?;
                self.put(context, id, &object()?, list::selection(&parameters)?)
            }
            (Target::Device(id), Method::Patch) => {
                request.roles.require_any(CHANGING)?;
                self.patch(context, id, &object()?, list::selection(&parameters)?)
            }
            (Target::Device(id), Method::Delete) => {
                request.roles.require(Roles::CANCEL)?;
                Ok(self.delete(context, id, TRIES))
            }
            (Target::RequestChallenge(id), Method::Get | Method::Post) => {
                request.roles.require(Roles::VERIFY)?;
                let is_call = match parameters.get("channel").map(String::as_str) {
                    None | Some("message") => false,
                    Some("voice") => true,
                    Some(_) => return Err(Error::value("channel: must be message or voice")),
                };
                Ok(self.request_challenge(context, id, is_call, TRIES))
            }
            (Target::ResponseChallenge(id), Method::Post) => {
                request.roles.require(Roles::VERIFY)?;
                Ok(self.judge(context, id, Answer::code(&object()?)?, TRIES))
            }
            (Target::Resync(id), Method::Post) => {
                request.roles.require(Roles::VERIFY)?;
                Ok(self.judge(context, id, Answer::two(&object()?)?, TRIES))
            }
            // RFC 7644 section 4.
            (Target::Discovery(..), Method::Get) if parameters.contains_key("filter") => {
                Err(Error::new(403, "what the service says of itself is not searched"))
            }
            (Target::Discovery(name, id), Method::Get) => discovery::get(name, id, &context.base, &self.settings).map(Step::Done),
            _ => Ok(Step::Done(target.not_allowed())),
        }?;
        Ok(match (unmet, &step) {
            // Whether a device is there shows when it is read.
            (Some(unmet), Step::Done(Response { status: ..=299, .. }) | Step::List { .. } | Step::User { .. }) => unmet.into(),
            _ => step,
        })
    }

    /// Reads an entry and goes on with it; 404 if there is none that the profile shows, 412 or 304
    /// if it was asked for in another state.
    pub(crate) fn entry(
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
}

/// A device as the answer: to whom that may not read devices, its id and status.
pub(crate) fn shown(profile: Profile, context: &Context, entry: &Entry, selection: Selection) -> Step {
    let selection = if context.roles.has(Roles::QUERY) { selection } else { selection.of_change() };
    Step::Done(Response::json(200, &Resource::new(&entry.row, profile, &context.base, selection)))
}

/// One try less, or 503 if there is none left: others keep changing the same device.
pub(crate) fn again(tries: u32) -> Result<u32, Error> {
    tries.checked_sub(1).ok_or_else(|| Error::new(503, "this device is being changed by too many others; try again"))
}
