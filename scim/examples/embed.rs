//! A plain program with SCIM devices: no async, no server, a store in memory.
//!
//! It creates a TOTP device and sends the same code twice: the first time it is right, the second
//! time it is wrong.

use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

use getrandom::SysRng;
use keyfob::Factor;
use keyfob_scim::{MemoryStore, Method, Request, Response, Roles, Service, Settings, Store};

fn main() -> Result<(), Box<dyn Error>> {
    for response in responses()? {
        println!("{} {}", response.status, response.text());
    }
    Ok(())
}

fn responses() -> Result<[Response; 3], Box<dyn Error>> {
    let service = Service::new(Settings::default(), SysRng);
    let mut store = MemoryStore::default();
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();

    // A real host authenticates the account first, and passes on its roles.
    let send = |path: &str, body: &str, store: &mut MemoryStore| {
        let request = Request::new(Method::Post, path, now).with_roles(Roles::ALL).with_json(body.as_bytes());
        service.run(request, store)
    };

    // The response has the image to enrol an authenticator with.
    let created = send("/OtpDevice", r#"{"type": "TOTP", "user": "franck"}"#, &mut store);

    // A real authenticator shows the code.
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
