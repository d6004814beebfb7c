//! Devices in SQLite, shared by any number of threads and processes: each attempt compares and
//! swaps on the device's revision, so that of two that send the same code one is right.
//!
//! ```sh
//! cargo run -p keyfob-server --example sqlite -- devices.db
//! ```
//!
//! The first run enrols device 1, each further run verifies a code. A real store seals its records:
//! see `SealKey` and `Next::seal`.

use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

use getrandom::SysRng;
use keyfob::{Algorithm, Device, Next, Policy, Secret, Totp, Verdict};
use rusqlite::{Connection, OptionalExtension, params};
use zeroize::Zeroizing;

/// Why an attempt was not stored.
#[derive(Debug)]
enum StoreError {
    /// Another attempt was stored since the device was read.
    Conflict,
    Sqlite(rusqlite::Error),
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: sqlite FILE")?;
    let (connection, now) = (open(path.as_ref())?, SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs());
    if read(&connection, 1)?.is_none() {
        let device = enrol(&connection, 1, now)?;
        println!("Scan this as a QR code: {}", *device.uri("ACME", "alice@example.com")?.to_text()?);
        return Ok(());
    }
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed)?;
    let verdict = verify(&connection, 1, typed.trim(), now)?;
    println!("{}", if verdict.is_right() { "right" } else { "wrong" });
    Ok(())
}

fn open(path: &std::path::Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    // A verdict is shown when its record is on the disk, not before.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE IF NOT EXISTS device (id INTEGER PRIMARY KEY, revision INTEGER NOT NULL, record BLOB NOT NULL) STRICT;",
    )?;
    Ok(connection)
}

fn enrol(connection: &Connection, id: i64, now: u64) -> Result<Device, Box<dyn Error>> {
    let device = Device::totp(Totp::new(Secret::random(Algorithm::Sha1, &mut SysRng)?), now);
    connection.execute(
        "INSERT INTO device (id, revision, record) VALUES (?1, ?2, ?3)",
        params![id, device.revision().cast_signed(), device.to_record().as_bytes()],
    )?;
    Ok(device)
}

fn read(connection: &Connection, id: i64) -> Result<Option<Device>, Box<dyn Error>> {
    let select = "SELECT record FROM device WHERE id = ?1";
    let bytes: Option<Vec<u8>> = connection.query_row(select, [id], |row| row.get(0)).optional()?;
    Ok(bytes.map(Zeroizing::new).map(|bytes| Device::from_bytes(&bytes)).transpose()?)
}

/// Stores the next device where the stored one still has the revision that was read.
fn compare_and_swap(connection: &Connection, id: i64, read: u64, next: &Next<'_>) -> Result<(), StoreError> {
    let update = "UPDATE device SET revision = ?1, record = ?2 WHERE id = ?3 AND revision = ?4";
    let record = next.to_record();
    let values = params![next.revision().cast_signed(), record.as_bytes(), id, read.cast_signed()];
    match connection.execute(update, values) {
        Ok(1) => Ok(()),
        Ok(_) => Err(StoreError::Conflict),
        Err(error) => Err(StoreError::Sqlite(error)),
    }
}

/// Judges a code. After a conflict the attempt is made again on what is stored by then.
fn verify(connection: &Connection, id: i64, typed: &str, now: u64) -> Result<Verdict, Box<dyn Error>> {
    loop {
        let device = read(connection, id)?.ok_or("there is no such device")?;
        let attempt = device.verify(&Policy::default(), typed.as_bytes(), now)?;
        match attempt.commit(|next| compare_and_swap(connection, id, device.revision(), next)) {
            Ok(verdict) => return Ok(verdict),
            Err(StoreError::Conflict) => {}
            Err(StoreError::Sqlite(error)) => return Err(error.into()),
        }
    }
}

#[test]
fn one_of_many_threads_with_the_same_code_is_right() {
    let path = std::env::temp_dir().join(format!("keyfob-example-{}.db", std::process::id()));
    let now = 1_700_000_000;
    let device = enrol(&open(&path).unwrap(), 1, now).unwrap();
    let keyfob::Factor::Totp(authenticator) = device.factor() else { panic!("not TOTP") };
    let code = authenticator.generate(now).unwrap();
    let right = std::thread::scope(|scope| {
        let attempt = || verify(&open(&path).unwrap(), 1, code.as_str(), now).unwrap().is_right();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(attempt)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).filter(|&right| right).count()
    });
    assert_eq!(right, 1);
    for ending in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{ending}", path.display()));
    }
}
