//! TOTP with a file as the store. The first run enrols an authenticator, each further run verifies
//! a code:
//!
//! ```sh
//! cargo run --example totp_file -- alice.keyfob
//! ```

use std::error::Error;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use getrandom::SysRng;
use keyfob::{Algorithm, Device, Policy, RECORD_SIZE, Record, Secret, Totp, Verdict};
use zeroize::Zeroizing;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: totp_file FILE")?;
    let (path, now) = (Path::new(&path), SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs());
    if !path.exists() {
        println!("Scan this as a QR code: {}", *enrol(path, now)?);
        return Ok(());
    }
    let mut typed = String::new();
    io::stdin().read_line(&mut typed)?;
    let verdict = verify(path, &typed, now)?;
    println!("{}", if verdict.is_right() { "right" } else { "wrong" });
    Ok(())
}

/// Draws a secret, stores a device with it, and returns the URI for the authenticator.
fn enrol(path: &Path, now: u64) -> io::Result<Zeroizing<String>> {
    let totp = Totp::new(Secret::random(Algorithm::Sha1, &mut SysRng)?);
    let device = Device::totp(totp, now);
    store(path, &device.to_record())?;
    Ok(device.uri("ACME", "alice@example.com")?.to_text()?)
}

/// Judges a code. The verdict comes out only when the next record is in the file.
fn verify(path: &Path, typed: &str, now: u64) -> io::Result<Verdict> {
    let mut bytes = Zeroizing::new([0; RECORD_SIZE]);
    File::open(path)?.read_exact(bytes.as_mut_slice())?;
    let device = Device::from_bytes(bytes.as_slice())?;
    // People type blanks between the digits; to the engine a blank makes a code wrong.
    let code: String = typed.split_whitespace().collect();
    device.verify_and_store(&Policy::default(), code.as_bytes(), now, |next| store(path, &next.to_record()))
}

/// Replaces the file in one step, so that a crash leaves the old record or the new one.
///
/// This is for one process at a time. Several need a lock or a database: see `examples/sqlite.rs`.
fn store(path: &Path, record: &Record) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    // A record holds the secret.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(record.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    // The new name is in the folder, which is synced as well.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[test]
fn a_code_is_right_once() {
    let path = std::env::temp_dir().join(format!("keyfob-example-{}.keyfob", std::process::id()));
    let uri = enrol(&path, 1_700_000_000).unwrap();
    // The authenticator has scanned the URI.
    let uri = keyfob::Uri::parse(&uri).unwrap();
    let keyfob::Factor::Totp(authenticator) = uri.factor() else { panic!("not a TOTP URI") };
    let code = authenticator.generate(1_700_000_060).unwrap();
    let typed = format!("{} {}\n", &code.as_str()[..3], &code.as_str()[3..]);
    assert!(verify(&path, &typed, 1_700_000_060).unwrap().is_right());
    assert!(!verify(&path, &typed, 1_700_000_060).unwrap().is_right());
    assert!(!verify(&path, "", 1_700_000_060).unwrap().is_right());
    fs::remove_file(&path).unwrap();
}
