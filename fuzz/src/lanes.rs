//! Every platform of the HMAC of a window against RustCrypto's hmac, and the search over it against
//! its definition.

use arbitrary::Arbitrary;
use hmac::{Hmac, KeyInit, Mac};
use keyfob::{Algorithm, Hotp, Secret};

#[derive(Arbitrary, Debug)]
pub struct Input {
    secret: [u8; 64],
    length: u8,
    first: u64,
    count: u8,
    /// The code looked for is that of this counter after the first.
    place: u8,
    algorithm: u8,
}

fn hmac<M: Mac + KeyInit>(key: &[u8], counter: u64) -> u32 {
    let mut mac = <M as KeyInit>::new_from_slice(key).unwrap();
    mac.update(&counter.to_be_bytes());
    let mac = mac.finalize().into_bytes();
    let offset = usize::from(mac[mac.len() - 1] & 15);
    u32::from_be_bytes(mac[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff
}

pub fn run(input: Input) {
    let secret = &input.secret[..16 + usize::from(input.length) % 49];
    let algorithm = Algorithm::ALL[usize::from(input.algorithm) % 3];
    let reference = |at: u8| {
        let counter = input.first.wrapping_add(at.into());
        match algorithm {
            Algorithm::Sha1 => hmac::<Hmac<sha1::Sha1>>(secret, counter),
            Algorithm::Sha256 => hmac::<Hmac<sha2::Sha256>>(secret, counter),
            Algorithm::Sha512 => hmac::<Hmac<sha2::Sha512>>(secret, counter),
        }
    };
    let expected: Vec<u32> = (0..=input.count % 80).map(reference).collect();
    let hotp = Hotp::new(Secret::new(secret).unwrap()).with_algorithm(algorithm);
    let keyed = hotp.keyed();
    let mut values = vec![0; expected.len()];
    // More platforms than any processor has.
    for platform in 0..16 {
        values.fill(0);
        if let Some(name) = keyed.compute_on(platform, input.first, &mut values) {
            assert_eq!(values, expected, "{name}");
        }
    }

    let six = |truncated: u32| truncated % 1_000_000;
    let code = six(reference(input.place % 100));
    let text = format!("{code:06}");
    assert_eq!(hotp.generate(input.first.wrapping_add((input.place % 100).into())).as_str(), text);
    if let Some(last) = input.first.checked_add(expected.len() as u64 - 1) {
        let place = expected.iter().position(|&value| six(value) == code).map(|at| input.first + at as u64);
        assert_eq!(hotp.search(text.as_bytes(), input.first..=last), place);
        assert_eq!(keyed.search(text.as_bytes(), input.first..=last), place);
    }
}
