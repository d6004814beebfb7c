//! Encrypted PSKC beyond the figures of the RFC: key wrap, the drafts' MACs, and what is refused.

mod common;

use common::{errors, read_pskc, tokens};
use keyfob_tokens::{ErrorKind, Keys};

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
