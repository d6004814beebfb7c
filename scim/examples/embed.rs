//! A plain program with SCIM devices: no async, no server, a store in memory.
//!
//! It creates a TOTP device and answers its challenge twice with the same code: the first time it
//! is right, the second it is not.

use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

use getrandom::SysRng;
use keyfob::Factor;
use keyfob_scim::{MemoryStore, Method, Request, Response, Roles, Service, Settings, Store};

fn main() -> Result<(), Box<dyn Error>> {
    for answer in responses()? {
        println!("{} {}", answer.status, answer.text());
    }
    Ok(())
}

fn responses() -> Result<[Response; 3], Box<dyn Error>> {
    let service = Service::new(Settings::default(), SysRng);
    let mut store = MemoryStore::default();
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();

    // What a host does for each request, once it knows what the account that asks may do.
    let send = |path: &str, body: &str, store: &mut MemoryStore| {
        let request = Request::new(Method::Post, path, now).with_roles(Roles::ALL).with_json(body.as_bytes());
        service.run(request, store)
    };

    // The answer holds the image to enrol an authenticator with.
    let created = send("/OtpDevice", r#"{"type": "TOTP", "user": "franck"}"#, &mut store);

    // In real life the authenticator shows the code.
    let entry = store.get(1)?.ok_or("the device is not stored")?;
    let Factor::Totp(totp) = entry.device.factor() else { return Err("it is no TOTP device".into()) };
    let pin = format!(r#"{{"pin": "{}"}}"#, totp.generate(now)?.as_str());

    let first = send("/OtpDevice/1/responseChallenge", &pin, &mut store);
    let second = send("/OtpDevice/1/responseChallenge", &pin, &mut store);
    Ok([created, first, second])
}

#[test]
fn code_is_right_once() {
    let [created, first, second] = responses().unwrap();
    assert_eq!(created.status, 201);
    assert_eq!(first.text(), r#"{"success":true,"locked":false}"#);
    assert_eq!(second.text(), r#"{"success":false,"locked":false}"#);
}
