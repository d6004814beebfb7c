//! Any requests to the SCIM layer, one after another on one store: what must hold of each answer.

use arbitrary::Arbitrary;
use keyfob::{Kind, Lock, Status};
use keyfob_scim::{MemoryStore, Method, Profile, Request, Roles, Service, Settings, Store};

use crate::seeded::Seeded;

#[derive(Arbitrary, Debug)]
pub struct Input {
    rfc: bool,
    requests: Vec<Sent>,
}

#[derive(Arbitrary, Debug)]
struct Sent {
    method: u8,
    path: Path,
    query: String,
    content_type: Option<String>,
    body: Body,
    roles: u8,
    later: u16,
}

#[derive(Arbitrary, Debug)]
enum Path {
    Devices,
    Search,
    Device(u8),
    Request(u8),
    Response(u8),
    Any(String),
    Renew(u8),
}

#[derive(Arbitrary, Debug)]
enum Body {
    Create(u8, String),
    Patch(u8, String),
    Pin(String),
    Right,
    Any(Vec<u8>),
    Count(u8),
}

const ROLES: [Roles; 5] = [Roles::QUERY, Roles::MANAGE, Roles::CANCEL, Roles::UNLOCK, Roles::VERIFY];

fn body(body: &Body, store: &MemoryStore) -> Vec<u8> {
    let text = |text: &String| serde_json::Value::from(text.as_str());
    let attributes = ["status", "phone", "email", "pin", "externalId", "user", "type", "fails"];
    match body {
        // An image for each would be most of the work.
        Body::Create(kind, value) => match kind % 5 {
            0 => serde_json::json!({"type": "SMS", "user": "a", "phone": value}),
            1 => serde_json::json!({"type": "EMAIL", "user": value, "email": "a@example.com"}),
            2 => serde_json::json!({"type": "PIN", "user": "a", "pin": "123456789", "externalId": value}),
            3 => serde_json::json!({"type": "RECOVERY", "user": "a", "recoveryCodeCount": kind / 5, "externalId": value}),
            _ => serde_json::json!({"type": "SMS", "user": "a", "phone": "666555444"}),
        },
        Body::Patch(at, value) => {
            let (op, at) = (["replace", "add", "remove"][usize::from(at % 3)], usize::from(at / 3) % attributes.len());
            serde_json::json!({"Operations": [{"op": op, "path": attributes[at], "value": text(value)}]})
        }
        Body::Pin(pin) => serde_json::json!({ "pin": pin }),
        Body::Right => serde_json::json!({"pin": store.delivered.last().map_or("", |(_, _, code)| code)}),
        Body::Any(bytes) => return bytes.clone(),
        Body::Count(count) => serde_json::json!({ "recoveryCodeCount": count }),
    }
    .to_string()
    .into_bytes()
}

pub fn run(input: Input) {
    let profile = if input.rfc { Profile::Rfc } else { Profile::Soffid };
    let settings = Settings { profile, kinds: Kind::ALL.to_vec(), ..Settings::default() };
    let Lock::Hard { max_fails: limit } = settings.policy.lock() else { return };
    let service = Service::new(settings, Seeded(1));
    let mut store = MemoryStore::default();
    let mut now = 1_700_000_000;
    for sent in &input.requests {
        now += u64::from(sent.later);
        let method = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete][usize::from(sent.method % 5)];
        let path = match &sent.path {
            Path::Devices => "/OtpDevice".to_owned(),
            Path::Search => "/OtpDevice/.search".to_owned(),
            Path::Device(id) => format!("/OtpDevice/{}", id % 8),
            Path::Request(id) => format!("/OtpDevice/{}/requestChallenge", id % 8),
            Path::Response(id) => format!("/OtpDevice/{}/responseChallenge", id % 8),
            Path::Any(path) => path.clone(),
            Path::Renew(id) => format!("/OtpDevice/{}/renewCodes", id % 8),
        };
        let roles = ROLES.into_iter().enumerate().filter(|(bit, _)| sent.roles >> bit & 1 == 0).map(|(_, role)| role);
        let roles = roles.fold(Roles::NONE, Roles::union);
        let body = body(&sent.body, &store);
        let events = store.events.len();
        let before: Vec<_> = (1..8).map(|id| store.get(id).unwrap()).collect();
        let request = Request {
            content_type: sent.content_type.as_deref(),
            body: &body,
            ..Request::new(method, &path, now).with_query(&sent.query).with_roles(roles)
        };
        let response = service.run(request.clone(), &mut store);
        let after: Vec<_> = (1..8).map(|id| store.get(id).unwrap()).collect();
        assert!([200, 201, 204, 400, 403, 404, 405, 409, 415, 429, 501].contains(&response.status), "{}", response.text());
        if response.status == 204 {
            assert!(response.body.is_empty());
            continue;
        }
        let answer: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        if response.status >= 400 {
            assert_eq!(answer["status"], response.status.to_string());
            assert_eq!((before == after, store.events.len()), (true, events), "a refusal changes nothing");
        }
        if let Some(cursor) = answer["nextCursor"].as_str().filter(|_| method == Method::Get) {
            walk(&service, &mut store, &request, cursor);
        }
        // Codes come out when they are made.
        let makes_codes = response.status == 201 || path.contains("renewCodes") || path.contains('%');
        assert!(makes_codes || !response.text().contains("\"recoveryCodes\":["), "{path}: {}", response.text());
        // Each change of a device is in the trail.
        assert!(before == after || store.events.len() > events);
        for entry in after.into_iter().flatten() {
            assert!(entry.row.fails <= limit && (entry.row.fails < limit || entry.row.status != Status::Created));
            assert_eq!((entry.row.status, entry.row.fails), (entry.device.status(), entry.device.fails()));
        }
        if roles == Roles::NONE && response.status < 300 {
            assert!(!path.contains("OtpDevice") || path.contains("ResourceTypes") || path.contains("Schemas"), "{path}");
        }
    }
}

/// Goes on with a walk: it ends, and has no device twice.
fn walk(service: &Service<Seeded>, store: &mut MemoryStore, first: &Request<'_>, cursor: &str) {
    let rest: Vec<&str> = first.query.split('&').filter(|pair| pair.split('=').next() != Some("cursor")).collect();
    let (mut next, mut seen) = (Some(cursor.to_owned()), std::collections::HashSet::new());
    while let Some(cursor) = next {
        let query = format!("{}&cursor={cursor}", rest.join("&"));
        let response = service.run(first.clone().with_query(&query), store);
        let page: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
        // The name was encoded, so it is repeated.
        if response.status == 400 && first.query.contains('%') {
            return;
        }
        assert_eq!(response.status, 200, "{page}");
        let devices = page["Resources"].as_array().unwrap();
        assert!(devices.iter().all(|device| seen.insert(device["id"].to_string())), "{page}");
        next = page["nextCursor"].as_str().map(str::to_owned);
    }
}
