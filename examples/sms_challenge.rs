//! An SMS challenge: the service sends a code, and the user types it once within ten minutes. The
//! same calls serve e-mail, with `Device::email`.
//!
//! ```sh
//! cargo run --example sms_challenge
//! ```

use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

use getrandom::SysRng;
use keyfob::{Algorithm, Challenge, Device, Hotp, Policy, Record, Secret, Verdict};

/// A row of the host's own table.
struct Account {
    phone: &'static str,
    record: Record,
}

fn main() -> Result<(), Box<dyn Error>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let mut account = enrol("+34600000000", now)?;
    request(&mut account, now, |phone, code| println!("To {phone}: your code is {code}"))?;
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed)?;
    let verdict = respond(&mut account, typed.trim(), now)?;
    println!("{}", if verdict.is_right() { "right" } else { "wrong" });
    Ok(())
}

/// The secret of a telephone stays in the service: nothing is shown.
fn enrol(phone: &'static str, now: u64) -> Result<Account, keyfob::Error> {
    let hotp = Hotp::new(Secret::random(Algorithm::Sha1, &mut SysRng)?);
    Ok(Account { phone, record: Device::sms(hotp, now).to_record() })
}

/// Makes a code, or takes the pending one if it is less than a minute old, and sends it.
fn request(account: &mut Account, now: u64, send: impl FnOnce(&str, &str)) -> Result<(), keyfob::Error> {
    let device = Device::from_bytes(account.record.as_bytes())?;
    let challenge = device.challenge(&Policy::default(), &mut SysRng, now)?.commit(|next| {
        account.record = next.to_record();
        Ok::<(), keyfob::Error>(())
    })?;
    // Stored first, sent second: a code that is not stored would never be right.
    if let Challenge::Message { code, .. } = challenge {
        send(account.phone, code.as_str());
    }
    Ok(())
}

/// Judges what the user typed.
fn respond(account: &mut Account, typed: &str, now: u64) -> Result<Verdict, keyfob::Error> {
    let device = Device::from_bytes(account.record.as_bytes())?;
    device.verify(&Policy::default(), typed.as_bytes(), now)?.commit(|next| {
        account.record = next.to_record();
        Ok(())
    })
}

#[test]
fn a_code_is_right_once_and_for_ten_minutes() {
    let mut account = enrol("+34600000000", 1_700_000_000).unwrap();
    let mut ask = |now| {
        let mut sent = String::new();
        request(&mut account, now, |_, code| code.clone_into(&mut sent)).unwrap();
        let verdict = respond(&mut account, &sent, now + 599).unwrap();
        let again = respond(&mut account, &sent, now + 599).unwrap();
        (verdict.is_right(), again.is_right())
    };
    assert_eq!(ask(1_700_000_000), (true, false));
    assert_eq!(ask(1_700_001_000), (true, false));
    let mut sent = String::new();
    request(&mut account, 1_700_002_000, |_, code| code.clone_into(&mut sent)).unwrap();
    assert!(!respond(&mut account, &sent, 1_700_002_600).unwrap().is_right());
}
