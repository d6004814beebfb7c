//! A program without an operating system or a heap that enrols, challenges and verifies TOTP, HOTP
//! and PIN devices. It is built to be weighed (`make size`) and to prove that the engine needs
//! neither; it has no start-up code, so it does not run.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;

use keyfob::rand_core::{TryCryptoRng, TryRng};
use keyfob::{Device, Error, Hotp, Pin, Policy, RECORD_SIZE, Secret, Totp};

/// Stands for the hardware's generator.
struct Hardware(u32);

impl TryRng for Hardware {
    type Error = Error;

    fn try_next_u32(&mut self) -> Result<u32, Error> {
        Ok(black_box(self.0))
    }

    fn try_next_u64(&mut self) -> Result<u64, Error> {
        Ok(black_box(u64::from(self.0)))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        bytes.fill(black_box(self.0.to_le_bytes()[0]));
        Ok(())
    }
}

impl TryCryptoRng for Hardware {}

/// Enrols a device of the kind that the host asks for, as its record.
fn enrol(kind: u8, bytes: &[u8], now: u64) -> Result<[u8; RECORD_SIZE], Error> {
    let device = match kind {
        0 => Device::totp(Totp::new(Secret::new(bytes)?), now),
        1 => Device::hotp(Hotp::new(Secret::new(bytes)?), 0, now),
        _ => Device::pin(Pin::new(bytes)?, &Policy::default(), now)?,
    };
    Ok(*device.to_record().as_bytes())
}

/// Reads a record, requests a challenge, judges an answer and stores the next record.
fn answer(flash: &mut [u8; RECORD_SIZE], code: &[u8], now: u64) -> Result<bool, Error> {
    let policy = Policy::default();
    let read = Device::from_bytes(flash)?;
    let (device, _) = read.challenge(&policy, &mut Hardware(1), now)?.split();
    let verdict = device.verify_and_store(&policy, code, now, |next| {
        next.write_record(flash);
        Ok::<(), Error>(())
    })?;
    Ok(verdict.is_right())
}

#[unsafe(no_mangle)]
extern "C" fn _start() -> ! {
    let (kind, bytes, now) = black_box((0, b"12345678901234567890", 0));
    if let Ok(mut flash) = enrol(kind, bytes, now) {
        let _ = black_box(answer(&mut flash, black_box(b"123456"), now));
    }
    loop {}
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}
