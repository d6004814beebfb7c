//! Devices for a store, made much faster than the service makes them.

use std::path::Path;

use keyfob::{Device, Hotp, SealCipher, SealKey, Secret};
use rusqlite::{Connection, params};

/// The key that the service made in this folder.
pub(crate) fn seal_key(folder: &Path) -> SealKey {
    let text = std::fs::read_to_string(folder.join("keyfob.key")).unwrap();
    let [id, cipher, hex] = text.split_whitespace().collect::<Vec<_>>().try_into().unwrap();
    let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
    SealKey::for_cipher(SealCipher::from_name(cipher).unwrap(), id.parse().unwrap(), bytes.try_into().unwrap())
}

/// The sealed record of a HOTP device with this id.
pub(crate) fn record(key: &SealKey, id: i64) -> Vec<u8> {
    let mut secret = [0; 20];
    secret[..8].copy_from_slice(&id.to_le_bytes());
    let device = Device::hotp(Hotp::new(Secret::new(&secret).unwrap()), 0, 1_700_000_000);
    let mut nonce = [0; 24];
    nonce[..8].copy_from_slice(&id.to_le_bytes());
    key.seal(&device, &id.to_be_bytes(), nonce).to_vec()
}

/// The id of a device: unique, and as spread as those of new devices.
pub(crate) const fn spread_id(nth: u64) -> i64 {
    (1 << 32) + (nth.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 13).cast_signed()
}

/// Puts devices of `user1`, `user2` and so on into the store that the service made.
pub(crate) fn fill(folder: &Path, devices: u64) {
    let key = seal_key(folder);
    let mut connection = Connection::open(folder.join("keyfob.db")).unwrap();
    let transaction = connection.transaction().unwrap();
    let mut insert = transaction
        .prepare("INSERT INTO device VALUES (?1, 0, ?2, ?3, NULL, NULL, NULL, 0, 'HOTP', 'C', 0, 1700000000, NULL, ?4, NULL)")
        .unwrap();
    for nth in 1..=devices {
        let id = spread_id(nth);
        insert.execute(params![id, format!("HOTP{nth:08}"), format!("user{nth}"), record(&key, id)]).unwrap();
    }
    drop(insert);
    transaction.commit().unwrap();
}
