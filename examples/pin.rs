//! A security PIN: the service asks for three of its digits, never for the whole PIN.
//!
//! ```sh
//! cargo run --example pin
//! ```

use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

use getrandom::SysRng;
use keyfob::{Challenge, Device, Pin, Policy, Positions, Record, Verdict};

fn main() -> Result<(), Box<dyn Error>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    // The user chooses the PIN; a policy refuses one of fewer than eight digits.
    let mut record = Device::pin(Pin::new(b"73194605")?, &Policy::default(), now)?.to_record();
    let positions = request(&mut record, now)?;
    println!("The PIN is 73194605. Type its digits number {:?}, without blanks:", positions.iter().collect::<Vec<_>>());
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed)?;
    let verdict = respond(&mut record, typed.trim(), now)?;
    println!("{}", if verdict.is_right() { "right" } else { "wrong" });
    Ok(())
}

/// Which digits to ask for. They stay the same until a right answer, so asking again does not lead
/// to positions whose digits were seen before.
fn request(record: &mut Record, now: u64) -> Result<Positions, keyfob::Error> {
    let device = Device::from_bytes(record.as_bytes())?;
    let challenge = device.challenge(&Policy::default(), &mut SysRng, now)?.commit(|next| {
        *record = next.to_record();
        Ok::<(), keyfob::Error>(())
    })?;
    match challenge {
        Challenge::Positions(positions) => Ok(positions),
        Challenge::Authenticator | Challenge::Message { .. } => Err(keyfob::Error::WrongKind),
    }
}

/// Judges the digits at the positions asked, from the lowest position on.
fn respond(record: &mut Record, typed: &str, now: u64) -> Result<Verdict, keyfob::Error> {
    let device = Device::from_bytes(record.as_bytes())?;
    device.verify(&Policy::default(), typed.as_bytes(), now)?.commit(|next| {
        *record = next.to_record();
        Ok(())
    })
}

#[test]
fn the_digits_asked_are_right_once() {
    let (digits, now) = ("73194605", 1_700_000_000);
    let mut record = Device::pin(Pin::new(digits.as_bytes()).unwrap(), &Policy::default(), now).unwrap().to_record();
    let positions = request(&mut record, now).unwrap();
    assert_eq!((positions.count(), request(&mut record, now).unwrap()), (3, positions));
    let typed: String = positions.iter().map(|number| digits.as_bytes()[usize::from(number) - 1] as char).collect();
    assert!(!respond(&mut record, digits, now).unwrap().is_right());
    assert!(respond(&mut record, &typed, now).unwrap().is_right());
    assert!(!respond(&mut record, &typed, now).unwrap().is_right());
}
