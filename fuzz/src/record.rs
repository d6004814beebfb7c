//! Any bytes as a record, with and without a right check, and as a sealed record: what is accepted
//! is canonical.

use keyfob::{Device, Policy, RECORD_SIZE, SealKey};

/// The check of docs/record-format.md, so that the fuzzer gets past it.
fn check(record: &[u8]) -> u64 {
    let odd = 0x9e37_79b9_7f4a_7c15_u64;
    let step = |sum: u64, word: u64| (sum ^ word).wrapping_mul(odd).rotate_left(29);
    let words = record[..RECORD_SIZE - 8].chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap()));
    let sums = (0..4).map(|sum| words.clone().skip(sum).step_by(4).fold(odd, step));
    let sum = sums.fold(odd, step);
    (sum ^ sum >> 32).wrapping_mul(odd)
}

pub fn run(bytes: &[u8]) {
    let _ = SealKey::new(1, [1; 32]).open(bytes, b"device");
    if let Ok(device) = Device::from_bytes(bytes) {
        assert_eq!(device.to_record().as_bytes().as_slice(), bytes);
    }
    let mut record = [0; RECORD_SIZE];
    let len = bytes.len().min(RECORD_SIZE - 8);
    record[..len].copy_from_slice(&bytes[..len]);
    record[..3].copy_from_slice(b"kf\x01");
    let sum = check(&record);
    record[RECORD_SIZE - 8..].copy_from_slice(&sum.to_le_bytes());
    if let Ok(mut device) = Device::from_bytes(&record) {
        assert_eq!(device.to_record().as_bytes(), &record);
        let now = u64::from_le_bytes(record[56..64].try_into().unwrap());
        for policy in [Policy::default(), Policy::soffid()] {
            let _ = device.verify(&policy, b"123456", now);
            let _ = device.resync(&policy, b"123456", b"654321", now);
            let _ = device.resend(&policy, now);
        }
        let _ = device.uri("issuer", "account").and_then(|uri| uri.to_text());
        let key = SealKey::new(7, [7; 32]);
        assert_eq!(key.open(&key.seal(&device, b"id", [3; 24]), b"id").as_ref(), Ok(&device));
        let _ = device.unlock(now);
    }
}
