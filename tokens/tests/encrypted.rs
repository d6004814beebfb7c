//! Encrypted PSKC beyond the figures of the RFC: key wrap, the drafts' MACs, and what is refused.

mod common;

use aes::cipher::block_padding::NoPadding;
use aes::cipher::{BlockModeEncrypt, KeyInit, KeyIvInit};
use common::{errors, read_pskc, tokens};
use hmac::{Hmac, Mac};
use keyfob_tokens::{ErrorKind, Keys};
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512};

const SECRET: &[u8] = b"12345678901234567890";
const KEY: [u8; 16] = [0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12];

/// A file with these settings and this secret.
fn file(settings: &str, secret: &str) -> String {
    format!(
        "<KeyContainer Version=\"1.0\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\">{settings}<KeyPackage>\
         <DeviceInfo><SerialNo>A1</SerialNo></DeviceInfo>\
         <Key Id=\"1\" Algorithm=\"urn:ietf:params:xml:ns:keyprov:pskc:hotp\"><Data><Secret>{secret}</Secret></Data></Key>\
         </KeyPackage></KeyContainer>"
    )
}

fn encrypted(cipher: &str, data: &[u8]) -> String {
    let data = data_encoding::BASE64.encode(data);
    format!(
        "<EncryptedValue><EncryptionMethod Algorithm=\"http://www.w3.org/{cipher}\"/>\
         <CipherData><CipherValue>{data}</CipherValue></CipherData></EncryptedValue>"
    )
}

fn hex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).expect("hex")
}

/// RFC 5649, section 6.
#[test]
fn padded_key_wrap_is_read_under_both_names() {
    let keys = Keys::new().with_key(&hex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8"));
    for (wrapped, plain) in [
        ("138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a", "c37b7e6492584340bed12207808941155068f738"),
        ("afbeb0f07dfbf5419200f2ccb50bb24f", "466f7250617369"),
    ] {
        for cipher in ["2001/04/xmlenc#kw-aes192", "2009/xmlenc11#kw-aes-192-pad"] {
            let [token] = tokens(read_pskc(&file("", &encrypted(cipher, &hex(wrapped))), &keys));
            assert_eq!(token.secret.expose(), hex(plain), "{cipher}");
        }
        let mut changed = hex(wrapped);
        changed[9] ^= 1;
        let [error] = errors(read_pskc(&file("", &encrypted("2001/04/xmlenc#kw-aes192", &changed)), &keys));
        assert_eq!(error.kind(), &ErrorKind::Decryption);
    }
    // The integrity check value without a wrapped block is no key.
    for short in ["a65959a600000000", "a6a6a6a6a6a6a6a6", "", "a6a6a6a6a6a6a6"] {
        let [error] = errors(read_pskc(&file("", &encrypted("2001/04/xmlenc#kw-aes192", &hex(short))), &keys));
        assert!(matches!(error.kind(), ErrorKind::Decryption | ErrorKind::Missing(_)), "{short}: {error}");
    }
}

const HMAC_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#hmac-sha1";
const IV: &str = "AAECAwQFBgcICQoLDA0ODw==";
const CIPHERTEXT: &str = "5wgci2UHdatrUNSnFW87HaV5/VWY08IyXyPBmohSoa8=";
const MAC_OF_PLAIN: &str = "zdrZbGBj9BDZJzunbfAG3kyZyYc=";
const MAC_OF_CIPHERTEXT: &str = "zmoVtfpiGwjqxcUsidSOJNTutP8=";

/// A file of the first drafts, as `ActivIdentity` ships it.
fn draft(mac: &str, ciphertext: &str) -> String {
    format!(
        "<KeyContainer xmlns=\"urn:ietf:params:xml:ns:keyprov:container:1.0\" version=\"1.0\">\
         <EncryptionMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#aes128-cbc\"><IV>{IV}</IV></EncryptionMethod>\
         <DigestMethod Algorithm=\"{HMAC_SHA1}\"/><Device><DeviceId><SerialNo>A1</SerialNo></DeviceId>\
         <Key KeyAlgorithm=\"http://www.ietf.org/keyprov/pskc#hotp\" KeyId=\"1\"><Data Name=\"SECRET\"><Value>{ciphertext}</Value>\
         <ValueDigest>{mac}</ValueDigest></Data><Data Name=\"COUNTER\"><Value>AAAAADHwRgM=</Value></Data></Key></Device></KeyContainer>"
    )
}

#[test]
fn macs_of_drafts_may_be_over_the_plain_value() {
    let keys = Keys::new().with_key(&KEY);
    for mac in [MAC_OF_PLAIN, MAC_OF_CIPHERTEXT] {
        let [token] = tokens(read_pskc(&draft(mac, CIPHERTEXT), &keys));
        assert_eq!((token.secret.expose(), token.counter), (SECRET, Some(837_830_147)));
    }
    // A wrong MAC, a wrong key and a damaged value are one error, so that it tells nothing more.
    let damaged = CIPHERTEXT.replace("5wgc", "6wgc");
    for (file, keys) in [
        (draft("zdrZbGBj9BDZJzunbfAG3kyZyYd=", CIPHERTEXT), &keys),
        (draft(MAC_OF_PLAIN, &damaged), &keys),
        (draft(MAC_OF_PLAIN, CIPHERTEXT), &Keys::new().with_key(&[1; 16])),
        (draft(MAC_OF_PLAIN, CIPHERTEXT), &Keys::new().with_key(&[1; 32])),
    ] {
        let [error] = errors(read_pskc(&file, keys));
        assert_eq!((error.kind(), error.is_fatal()), (&ErrorKind::Mac, false));
    }
    // The RFC's MAC is over the encrypted value alone.
    let method = format!("<MACMethod Algorithm=\"{HMAC_SHA1}\"/>");
    let data = [decode(IV), decode(CIPHERTEXT)].concat();
    let value = encrypted("2001/04/xmlenc#aes128-cbc", &data);
    let with_mac = |mac: &str| read_pskc(&file(&method, &format!("{value}<ValueMAC>{mac}</ValueMAC>")), &keys);
    let [token] = tokens(with_mac("N8Agsfe5A7WQFswmdvL/MHdd3y0="));
    assert_eq!(token.secret.expose(), SECRET);
    let [error] = errors(with_mac(MAC_OF_PLAIN));
    assert_eq!(error.kind(), &ErrorKind::Mac);
}

fn decode(base64: &str) -> Vec<u8> {
    data_encoding::BASE64.decode(base64.as_bytes()).expect("Base64")
}

/// A value of whole blocks with AES-128-CBC and a MAC.
fn value<H: hmac::EagerHash>(blocks: &[u8]) -> String
where
    Hmac<H>: Mac + KeyInit,
{
    let mut data = [&[7; 16], blocks].concat();
    let encryptor = cbc::Encryptor::<aes::Aes128>::new(&KEY.into(), &[7; 16].into());
    encryptor.encrypt_padded::<NoPadding>(&mut data[16..], blocks.len()).expect("whole blocks");
    let state = <Hmac<H> as KeyInit>::new_from_slice(&KEY).expect("a key");
    let mac = data_encoding::BASE64.encode(&state.chain_update(&data).finalize().into_bytes());
    format!("{}<ValueMAC>{mac}</ValueMAC>", encrypted("2001/04/xmlenc#aes128-cbc", &data))
}

fn method(hash: &str) -> String {
    format!("<MACMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#{hash}\"/>")
}

#[test]
fn macs_of_each_hash_are_checked() {
    let keys = Keys::new().with_key(&KEY);
    let block = [&b"12345678901234567890"[..], &[12; 12]].concat();
    let values = [
        ("hmac-sha1", value::<Sha1>(&block)),
        ("hmac-sha224", value::<Sha224>(&block)),
        ("hmac-sha256", value::<Sha256>(&block)),
        ("hmac-sha384", value::<Sha384>(&block)),
        ("hmac-sha512", value::<Sha512>(&block)),
    ];
    for (name, value) in &values {
        let [token] = tokens(read_pskc(&file(&method(name), value), &keys));
        assert_eq!(token.secret.expose(), SECRET, "{name}");
        for (other, value) in values.iter().filter(|(other, _)| other != name) {
            let [error] = errors(read_pskc(&file(&method(name), value), &keys));
            assert_eq!(error.kind(), &ErrorKind::Mac, "{name} {other}");
        }
    }
}

#[test]
fn encrypted_counters_are_digits_or_big_endian() {
    let counter = |plain: &[u8]| {
        let padding = 16 - plain.len() % 16;
        let block = [plain, &vec![u8::try_from(padding).expect("a byte"); padding]].concat();
        let data = format!("<PlainValue>MTIzNA==</PlainValue></Secret><Counter>{}</Counter><Secret>", value::<Sha1>(&block));
        let file = file(&method("hmac-sha1"), &data).replace("<Secret></Secret>", "");
        read_pskc(&file, &Keys::new().with_key(&KEY))
    };
    for (plain, number) in [
        (&b"42"[..], 42),
        (b"18446744073709551615", u64::MAX),
        (&[1, 2], 258),
        (&[0xff; 8], u64::MAX),
        (&[0, 0, 0, 0, 0, 0, 0, 0, 7], 7),
    ] {
        let [token] = tokens(counter(plain));
        assert_eq!(token.counter, Some(number), "{plain:?}");
    }
    for (plain, kind) in [
        (&[1, 0, 0, 0, 0, 0, 0, 0, 0][..], ErrorKind::Range("the counter")),
        (b"18446744073709551616", ErrorKind::Range("the counter")),
        (b"", ErrorKind::Number("the counter")),
    ] {
        let [error] = errors(counter(plain));
        assert_eq!(error.kind(), &kind, "{plain:?}");
    }
}

#[test]
fn padding_is_counted_by_its_last_byte() {
    let keys = Keys::new().with_key(&KEY);
    let block = |last: u8| [&[b'a'; 31][..], &[last]].concat();
    let padded = |blocks: &[u8]| file(&method("hmac-sha1"), &value::<Sha1>(blocks));
    // XML Encryption: the bytes before the last may be anything.
    for (last, len) in [(1, 31), (3, 29), (15, 17), (16, 16)] {
        let [token] = tokens(read_pskc(&padded(&block(last)), &keys));
        assert_eq!(token.secret.expose(), vec![b'a'; len], "{last}");
    }
    for last in [0, 17, 32, 255] {
        let [error] = errors(read_pskc(&padded(&block(last)), &keys));
        assert_eq!(error.kind(), &ErrorKind::Decryption, "{last}");
    }
    let [error] = errors(read_pskc(&padded(&[16; 16]), &keys));
    assert_eq!(error.kind(), &ErrorKind::Missing("the secret"));
    let [error] = errors(read_pskc(&padded(&[]), &keys));
    assert_eq!(error.kind(), &ErrorKind::Decryption);
}

#[test]
fn keys_of_another_length_end_the_file() {
    let wrapped = encrypted("2001/04/xmlenc#kw-aes128", &[0; 24]);
    for key in [&[1; 15][..], &[1; 24], &[1; 32]] {
        let [error] = errors(read_pskc(&file("", &wrapped), &Keys::new().with_key(key)));
        assert_eq!((error.kind(), error.is_fatal()), (&ErrorKind::WrongKey, true));
    }
    // The key fits in length, and is another one.
    let [error] = errors(read_pskc(&file("", &wrapped), &Keys::new().with_key(&[1; 16])));
    assert_eq!((error.kind(), error.is_fatal()), (&ErrorKind::Decryption, false));
}

#[test]
fn values_in_two_forms_are_refused() {
    let value = value::<Sha1>(&[16; 32]);
    let [error] = errors(read_pskc(&file(&method("hmac-sha1"), &format!("<PlainValue>AAAA</PlainValue>{value}")), &Keys::new()));
    assert_eq!(error.kind(), &ErrorKind::Repeated("a value"));
}

#[test]
fn plain_values_of_drafts_may_have_digests() {
    let cipher = "Algorithm=\"http://www.w3.org/2001/04/xmlenc#aes128-cbc\"";
    let plain = draft("AAAA", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=").replace(cipher, "Algorithm=\"NONE\"");
    let [token] = tokens(read_pskc(&plain, &Keys::new()));
    assert_eq!(token.secret.expose(), SECRET);
}

#[test]
fn macs_need_their_method() {
    let value = encrypted("2001/04/xmlenc#kw-aes192", &hex("138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a"));
    let keys = Keys::new().with_key(&hex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8"));
    let [error] = errors(read_pskc(&file("", &format!("{value}<ValueMAC>AAAA</ValueMAC>")), &keys));
    assert_eq!(error.kind(), &ErrorKind::Missing("the MAC method"));
    // Key wrap has a check of its own, but a MAC that is there must fit.
    let method = format!("<MACMethod Algorithm=\"{HMAC_SHA1}\"/>");
    let [error] = errors(read_pskc(&file(&method, &format!("{value}<ValueMAC>AAAA</ValueMAC>")), &keys));
    assert_eq!(error.kind(), &ErrorKind::Mac);
    let [_] = tokens(read_pskc(&file(&method, &value), &keys));
}

#[test]
fn keys_that_cannot_be_found_end_the_file() {
    let rsa = "<EncryptionKey><KeyInfo><KeyValue><RSAKeyValue/></KeyValue></KeyInfo></EncryptionKey>";
    let [error] = errors(read_pskc(&file(rsa, ""), &Keys::new()));
    assert_eq!((error.kind(), error.is_fatal()), (&ErrorKind::Certificate, true));
    let [error] = errors(read_pskc(&file("", &encrypted("2001/04/xmlenc#rsa-1_5", &[0; 256])), &Keys::new()));
    assert_eq!(error.kind(), &ErrorKind::Certificate);

    let derived = |method: &str, iterations: &str, len: &str, prf: &str| {
        let parameters = format!(
            "<PBKDF2-params><Salt><Specified>AAAA</Specified></Salt><IterationCount>{iterations}</IterationCount>\
             <KeyLength>{len}</KeyLength>{prf}</PBKDF2-params>"
        );
        let method = format!("<KeyDerivationMethod Algorithm=\"http://example.com/{method}\">{parameters}</KeyDerivationMethod>");
        file(&format!("<EncryptionKey><DerivedKey>{method}</DerivedKey></EncryptionKey>"), &padded_value())
    };
    let keys = Keys::new().with_password("qwerty");
    for (file, part) in [
        (derived("#scrypt", "1", "16", ""), "another method than PBKDF2"),
        (derived("#pbkdf2", "0", "16", ""), "the iterations are not 1 to 10 million"),
        (derived("#pbkdf2", "10000001", "16", ""), "the iterations are not 1 to 10 million"),
        (derived("#pbkdf2", "4294967295", "16", ""), "the iterations are not 1 to 10 million"),
        (derived("#pbkdf2", "1", "20", ""), "its length is not that of an AES key"),
        (derived("#pbkdf2", "1", "4294967295", ""), "its length is not that of an AES key"),
        (derived("#pbkdf2", "1", "4294967296", ""), "the key length is out of range"),
        (derived("#pbkdf2", "1", "16", "<PRF Algorithm=\"#hmac-md5\"/>"), "its hash is not known"),
        (derived("#pbkdf2", "1", "", ""), "the file says too little about it"),
        (derived("#pbkdf2", "4294967296", "16", ""), "the iteration count is out of range"),
        (derived("#pbkdf2", "many", "16", ""), "the iteration count is not a number"),
    ] {
        let [error] = errors(read_pskc(&file, &keys));
        assert!(error.to_string().contains(part) && error.is_fatal(), "{error}");
    }
    // One iteration is what a file may ask for.
    let [error] = errors(read_pskc(&derived("#pbkdf2", "1", "16", ""), &keys));
    assert_eq!(error.kind(), &ErrorKind::MacMissing);
}

fn padded_value() -> String {
    encrypted("2001/04/xmlenc#aes128-cbc", &[0; 32])
}
