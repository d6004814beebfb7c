//! Shared by the test files: a generator, a host with a store in memory, and a store that fails on
//! purpose.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keyfob::rand_core::{TryCryptoRng, TryRng};
use keyfob::{Factor, Kind};
use keyfob_scim::{
    Count, Counted, DeliveryResult, Entry, Error, Event, FoundTokens, MemoryStore, Message, Method, Naming, Page, Profile, Query,
    Request, Response, Roles, Service, Settings, Signal, Store, Swap, TokenSearch,
};
use serde_json::Value;

/// The time of the tests, in Unix seconds.
pub const NOW: u64 = 1_700_000_000;

/// The URL of the base.
pub const BASE: &str = "http://otp.example.com:8080/soffid/webservice/scim2/v1";

/// A generator whose clones share one sequence (`SplitMix64`). It is reproducible, and no source of
/// secrets.
#[derive(Clone, Debug, Default)]
pub struct Seeded(Arc<AtomicU64>);

impl TryRng for Seeded {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|number| (number >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut number = self.0.fetch_add(STEP, Ordering::SeqCst).wrapping_add(STEP);
        number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(number ^ number >> 31)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.iter_mut().try_for_each(|byte| self.try_next_u64().map(|number| *byte = number.to_le_bytes()[0]))
    }
}

impl TryCryptoRng for Seeded {}

/// A store in memory that fails on purpose.
#[derive(Default)]
pub struct Flaky {
    pub memory: MemoryStore,
    /// The number of swaps that lose to another request. Before each, `rival` changes the device,
    /// if it is set.
    pub conflicts: u32,
    pub rival: Option<fn(&mut MemoryStore, i64)>,
    /// Whether entries and events cannot be stored.
    pub full: bool,
    /// Whether messages are not accepted.
    pub unreachable: bool,
    /// The unknown users.
    pub strangers: Vec<String>,
    /// The number of swaps.
    pub swaps: u32,
    /// The number of messages by telephone call.
    pub calls: u32,
}

fn full() -> Error {
    Error::new(503, "the disk is full")
}

impl Flaky {
    /// Whether a swap loses to another request. Errors: the disk is full.
    fn loses(&mut self, swap: &Swap) -> Result<bool, Error> {
        self.swaps += 1;
        if self.full {
            return Err(full());
        }
        let Some(left) = self.conflicts.checked_sub(1) else { return Ok(false) };
        self.conflicts = left;
        if let Some(rival) = self.rival {
            rival(&mut self.memory, swap.entry.row.id);
        }
        Ok(true)
    }
}

impl Store for Flaky {
    fn get(&mut self, id: i64) -> Result<Option<Entry>, Error> {
        self.memory.get(id)
    }

    fn insert(&mut self, entry: Entry, naming: Naming, event: Event, signals: Vec<Signal>) -> Result<Entry, Error> {
        if self.full { Err(full()) } else { self.memory.insert(entry, naming, event, signals) }
    }

    fn swap(&mut self, swap: Swap) -> Result<bool, Error> {
        if self.loses(&swap)? { Ok(false) } else { self.memory.swap(swap) }
    }

    fn swap_counted(&mut self, swap: Swap, counts: &[Count]) -> Result<Counted, Error> {
        if self.loses(&swap)? { Ok(Counted::Lost) } else { self.memory.swap_counted(swap, counts) }
    }

    fn audit(&mut self, event: Event) -> Result<(), Error> {
        if self.full { Err(full()) } else { self.memory.audit(event) }
    }

    fn list(&mut self, query: &Query) -> Result<Page, Error> {
        self.memory.list(query)
    }

    fn admit(&mut self, cost_seconds: u64, now: u64) -> Result<u64, Error> {
        if self.full { Err(full()) } else { self.memory.admit(cost_seconds, now) }
    }

    fn find(&mut self, search: &TokenSearch) -> Result<FoundTokens, Error> {
        self.memory.find(search)
    }

    fn check_user(&mut self, user: &str) -> Result<bool, Error> {
        Ok(!self.strangers.iter().any(|stranger| stranger == user))
    }

    fn deliver(&mut self, message: &Message) -> Result<DeliveryResult, Error> {
        self.calls += u32::from(message.is_call);
        self.memory.deliver(message).map(|done| if self.unreachable { Err("the gateway is away".to_owned()) } else { done })
    }
}

/// A service on a store, with a fixed clock.
pub struct Host {
    pub service: Service<Seeded>,
    pub settings: Settings,
    pub store: Flaky,
    pub roles: Roles,
    pub now: u64,
}

impl Default for Host {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

impl Host {
    pub fn new(settings: Settings) -> Self {
        let service = Service::new(settings.clone(), Seeded::default());
        Self { service, settings, store: Flaky::default(), roles: Roles::ALL, now: NOW }
    }

    pub fn rfc() -> Self {
        Self::new(Settings { profile: Profile::Rfc, kinds: Profile::Rfc.default_kinds(), ..Settings::default() })
    }

    /// Sends a request: `body` as JSON, or none if it is empty.
    pub fn send(&mut self, method: Method, url: &str, body: &str) -> Reply {
        let typed = (!body.is_empty()).then_some("application/scim+json");
        self.send_typed(method, url, typed, body.as_bytes())
    }

    pub fn send_typed(&mut self, method: Method, url: &str, content_type: Option<&str>, body: &[u8]) -> Reply {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let request = Request {
            content_type,
            body,
            base_url: BASE.into(),
            actor: "tester".into(),
            ..Request::new(method, path, self.now).with_query(query).with_roles(self.roles)
        };
        Reply(self.service.run(request, &mut self.store))
    }

    pub fn get(&mut self, url: &str) -> Reply {
        self.send(Method::Get, url, "")
    }

    pub fn post(&mut self, url: &str, body: &str) -> Reply {
        self.send(Method::Post, url, body)
    }

    pub fn patch(&mut self, id: i64, body: &str) -> Reply {
        self.send(Method::Patch, &format!("/OtpDevice/{id}"), body)
    }

    /// One operation of a PATCH.
    pub fn replace(&mut self, id: i64, attribute: &str, value: &str) -> Reply {
        self.patch(id, &format!(r#"{{"Operations": [{{"op": "replace", "path": "{attribute}", "value": "{value}"}}]}}"#))
    }

    /// Creates a device, and returns its id.
    pub fn create(&mut self, body: &str) -> i64 {
        let reply = self.post("/OtpDevice", body).ok(201);
        reply["id"].as_i64().or_else(|| reply["id"].as_str()?.parse().ok()).unwrap()
    }

    /// One device of each kind, in the order of [`Kind::ALL`]. They work where their kind has been
    /// switched off.
    pub fn create_all(&mut self) -> [i64; 6] {
        let settings = Settings { kinds: Kind::ALL.to_vec(), ..self.settings.clone() };
        let own = std::mem::replace(&mut self.service, Service::new(settings, Seeded::default()));
        let ids = [TOTP, HOTP, SMS, EMAIL, PIN, RECOVERY].map(|body| self.create(body));
        self.service = own;
        ids
    }

    pub fn entry(&mut self, id: i64) -> Entry {
        self.store.get(id).unwrap().unwrap()
    }

    pub fn challenge(&mut self, id: i64) -> Reply {
        self.get(&format!("/OtpDevice/{id}/requestChallenge"))
    }

    /// Sends the response to a challenge.
    pub fn answer(&mut self, id: i64, code: &str) -> Reply {
        self.post(&format!("/OtpDevice/{id}/responseChallenge"), &format!(r#"{{"pin": "{code}"}}"#))
    }

    /// Requests a challenge, and returns the right code.
    pub fn right(&mut self, id: i64) -> String {
        self.challenge(id).ok(200);
        let device = self.entry(id).device;
        match device.factor() {
            Factor::Totp(totp) => totp.generate(self.now).unwrap().as_str().to_owned(),
            Factor::Hotp(hotp) => hotp.generate(device.moving_factor()).as_str().to_owned(),
            Factor::Sms(_) | Factor::Email(_) => self.store.memory.delivered.last().unwrap().2.clone(),
            Factor::Pin(pin) => {
                device.positions().unwrap().iter().map(|number| char::from(pin.expose()[usize::from(number) - 1])).collect()
            }
            // The tests use them in their order.
            Factor::Recovery(codes) => {
                let used = codes.count() - device.recovery_codes_left().unwrap();
                codes.iter().nth(used.into()).unwrap().as_str().to_owned()
            }
        }
    }

    /// Fails until the device is locked.
    pub fn lock(&mut self, id: i64) {
        for _ in 0..10 {
            self.answer(id, WRONG).verdict(false);
        }
        assert_eq!(self.entry(id).row.status, keyfob::Status::Locked);
    }
}

pub const TOTP: &str = r#"{"type": "TOTP", "user": "franck"}"#;
pub const HOTP: &str = r#"{"type": "HOTP", "user": "franck"}"#;
pub const SMS: &str = r#"{"type": "SMS", "user": "dilbert", "phone": "6665552222"}"#;
pub const EMAIL: &str = r#"{"type": "EMAIL", "user": "dilbert", "email": "dilbert@example.com"}"#;
pub const PIN: &str = r#"{"type": "PIN", "user": "dilbert", "pin": "123456789"}"#;

pub const RECOVERY: &str = r#"{"type": "RECOVERY", "user": "dilbert"}"#;

/// A PATCH for a device that was used while a clock was ahead.
pub const FORGET_STEPS: &str = r#"{"Operations": [{"op": "remove", "path": "stepsAhead"}]}"#;

/// A wrong code for every device.
pub const WRONG: &str = "no code";

/// A response to check.
#[derive(Debug)]
pub struct Reply(pub Response);

impl Reply {
    /// The body of a response that must have this status.
    pub fn ok(&self, status: u16) -> Value {
        assert_eq!(self.0.status, status, "{}", self.0.text());
        serde_json::from_str(self.0.text()).unwrap()
    }

    /// The detail of an error that must have this status and keyword, and the form of RFC 7644
    /// section 3.12.
    pub fn refused(&self, status: u16, scim_type: Option<&str>) -> String {
        let body = self.ok(status);
        assert_eq!(body["schemas"], serde_json::json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        assert_eq!(body["status"], status.to_string());
        assert_eq!(body.get("scimType").and_then(Value::as_str), scim_type, "{body}");
        body["detail"].as_str().unwrap().to_owned()
    }

    /// A refusal with status 400 and this keyword.
    pub fn bad(&self, scim_type: &str) -> String {
        self.refused(400, Some(scim_type))
    }

    /// A verdict. Returns whether it says that the device is locked.
    pub fn verdict(&self, success: bool) -> bool {
        let body = self.ok(200);
        let left = usize::from(body.get("recoveryCodesLeft").is_some());
        assert_eq!(body.as_object().unwrap().len(), 2 + left);
        assert_eq!(body["success"], success);
        body["locked"].as_bool().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}
