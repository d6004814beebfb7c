//! The figures of RFC 6030, retyped: what counts of them.

mod common;

use common::{errors, read_pskc, tokens};
use keyfob::{Algorithm, Digits};
use keyfob_tokens::{ErrorKind, Keys, Kind};

const SECRET: &[u8] = b"12345678901234567890";
const KEY: [u8; 16] = [0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12];

#[test]
fn figure_2_is_a_plain_key() {
    let file = r#"<?xml version="1.0" encoding="UTF-8"?>
        <KeyContainer Version="1.0" Id="exampleID1" xmlns="urn:ietf:params:xml:ns:keyprov:pskc">
          <KeyPackage><Key Id="12345678" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:hotp">
            <Issuer>Issuer-A</Issuer>
            <Data><Secret><PlainValue>MTIzNA==
            </PlainValue></Secret></Data>
          </Key></KeyPackage>
        </KeyContainer>"#;
    let [token] = tokens(read_pskc(file, &Keys::new()));
    assert_eq!((token.kind, token.secret.expose(), token.serial.as_deref()), (Kind::Hotp, &b"1234"[..], Some("12345678")));
    assert_eq!(token.issuer.as_deref(), Some("Issuer-A"));
    assert!(token.is_short(), "32 bits");
}

const FIGURE_3_DEVICE: &str = "<DeviceInfo><Manufacturer>Manufacturer</Manufacturer><SerialNo>987654321</SerialNo>\
    <UserId>DC=example-bank,DC=net</UserId></DeviceInfo><CryptoModuleInfo><Id>CM_ID_001</Id></CryptoModuleInfo>";

#[test]
fn figure_3_has_supplementary_data() {
    let file = format!(
        r#"<KeyContainer Version="1.0" Id="exampleID1" xmlns="urn:ietf:params:xml:ns:keyprov:pskc">
        <KeyPackage>{FIGURE_3_DEVICE}<Key Id="12345678" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:hotp">
          <Issuer>Issuer</Issuer>
          <AlgorithmParameters><ResponseFormat Length="8" Encoding="DECIMAL"/></AlgorithmParameters>
          <Data><Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue></Secret>
            <Counter><PlainValue>0</PlainValue></Counter></Data>
          <UserId>UID=jsmith,DC=example-bank,DC=net</UserId>
        </Key></KeyPackage></KeyContainer>"#
    );
    let [token] = tokens(read_pskc(&file, &Keys::new()));
    assert_eq!((token.secret.expose(), token.counter, token.digits), (SECRET, Some(0), Some(Digits::EIGHT)));
    assert_eq!((token.serial.as_deref(), token.id.as_deref()), (Some("987654321"), Some("12345678")));
    assert_eq!(token.account.as_deref(), Some("UID=jsmith,DC=example-bank,DC=net"));
    assert_eq!(token.manufacturer.as_deref(), Some("Manufacturer"));
}

#[test]
fn figure_4_only_refers_to_its_secret() {
    let file = r#"<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc"><KeyPackage>
        <DeviceInfo><Manufacturer>Manufacturer</Manufacturer><SerialNo>987654321</SerialNo></DeviceInfo>
        <Key Id="12345678" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:hotp"><Issuer>Issuer</Issuer>
          <AlgorithmParameters><ResponseFormat Length="8" Encoding="DECIMAL"/></AlgorithmParameters>
          <KeyProfileId>keyProfile1</KeyProfileId><KeyReference>MasterKeyLabel</KeyReference>
          <Data><Counter><PlainValue>0</PlainValue></Counter></Data>
          <Policy><KeyUsage>OTP</KeyUsage></Policy>
        </Key></KeyPackage></KeyContainer>"#;
    let [error] = errors(read_pskc(file, &Keys::new()));
    assert_eq!(error.kind(), &ErrorKind::Reference);
}

#[test]
fn figure_5_has_a_key_and_its_pin_under_one_serial() {
    let file = r#"<KeyContainer Version="1.0" Id="exampleID1" xmlns="urn:ietf:params:xml:ns:keyprov:pskc">
        <KeyPackage><DeviceInfo><Manufacturer>Manufacturer</Manufacturer><SerialNo>987654321</SerialNo></DeviceInfo>
          <Key Id="12345678" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:hotp"><Issuer>Issuer</Issuer>
            <AlgorithmParameters><ResponseFormat Length="8" Encoding="DECIMAL"/></AlgorithmParameters>
            <Data><Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue></Secret>
              <Counter><PlainValue>0</PlainValue></Counter></Data>
            <Policy><PINPolicy MinLength="4" MaxLength="4" PINKeyId="123456781" PINEncoding="DECIMAL" PINUsageMode="Local"/>
              <KeyUsage>OTP</KeyUsage></Policy>
          </Key></KeyPackage>
        <KeyPackage><DeviceInfo><Manufacturer>Manufacturer</Manufacturer><SerialNo>987654321</SerialNo></DeviceInfo>
          <Key Id="123456781" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:pin"><Issuer>Issuer</Issuer>
            <AlgorithmParameters><ResponseFormat Length="4" Encoding="DECIMAL"/></AlgorithmParameters>
            <Data><Secret><PlainValue>MTIzNA==</PlainValue></Secret></Data>
          </Key></KeyPackage></KeyContainer>"#;
    let [key, pin] = tokens(read_pskc(file, &Keys::new()));
    assert_eq!((key.kind, pin.kind), (Kind::Hotp, Kind::Pin));
    assert_eq!((key.serial.as_deref(), pin.serial.as_deref()), (Some("987654321"), Some("987654321")));
    let policy = key.pin_policy.expect("a PIN policy");
    assert_eq!((policy.key_id, policy.min_length, policy.usage_mode.as_deref()), (pin.id, Some(4), Some("Local")));
    assert_eq!(pin.secret.expose(), b"1234");
}

const FIGURE_6: &str = r#"<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc"
      xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns:xenc="http://www.w3.org/2001/04/xmlenc#">
    <EncryptionKey><ds:KeyName>Pre-shared-key</ds:KeyName></EncryptionKey>
    <MACMethod Algorithm="http://www.w3.org/2000/09/xmldsig#hmac-sha1"><MACKey>
      <xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>
      <xenc:CipherData><xenc:CipherValue>
        ESIzRFVmd4iZABEiM0RVZgKn6WjLaTC1sbeBMSvIhRejN9vJa2BOlSaMrR7I5wSX
      </xenc:CipherValue></xenc:CipherData></MACKey></MACMethod>
    <KeyPackage><DeviceInfo><Manufacturer>Manufacturer</Manufacturer><SerialNo>987654321</SerialNo></DeviceInfo>
      <Key Id="12345678" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:hotp"><Issuer>Issuer</Issuer>
        <AlgorithmParameters><ResponseFormat Length="8" Encoding="DECIMAL"/></AlgorithmParameters>
        <Data><Secret><EncryptedValue>
            <xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>
            <xenc:CipherData><xenc:CipherValue>
              AAECAwQFBgcICQoLDA0OD+cIHItlB3Wra1DUpxVvOx2lef1VmNPCMl8jwZqIUqGv
            </xenc:CipherValue></xenc:CipherData></EncryptedValue>
            <ValueMAC>Su+NvtQfmvfJzF6bmQiJqoLRExc=</ValueMAC></Secret>
          <Counter><PlainValue>0</PlainValue></Counter></Data>
      </Key></KeyPackage></KeyContainer>"#;

#[test]
fn figure_6_is_encrypted_with_a_pre_shared_key() {
    let [token] = tokens(read_pskc(FIGURE_6, &Keys::new().with_key(&KEY)));
    assert_eq!(token.secret.expose(), SECRET);

    let [error] = errors(read_pskc(FIGURE_6, &Keys::new()));
    assert_eq!((error.kind(), error.is_fatal()), (&ErrorKind::KeyMissing, true));
    let [error] = errors(read_pskc(FIGURE_6, &Keys::new().with_key(&[1; 16])));
    assert!(matches!(error.kind(), ErrorKind::WrongKey | ErrorKind::Mac), "{error}");
    let [error] = errors(read_pskc(FIGURE_6, &Keys::new().with_key(&KEY[..15])));
    assert_eq!(error.kind(), &ErrorKind::WrongKey);
    // A changed value is never decrypted: its MAC is wrong.
    let changed = FIGURE_6.replace("AAECAwQF", "AAECAwQG");
    let [error] = errors(read_pskc(&changed, &Keys::new().with_key(&KEY)));
    assert_eq!((error.kind(), error.is_fatal()), (&ErrorKind::Mac, false));
    let without = FIGURE_6.replace("<ValueMAC>Su+NvtQfmvfJzF6bmQiJqoLRExc=</ValueMAC>", "");
    let [error] = errors(read_pskc(&without, &Keys::new().with_key(&KEY)));
    assert_eq!(error.kind(), &ErrorKind::MacMissing);
}

#[test]
fn figure_7_is_encrypted_with_a_password() {
    let file = r#"<pskc:KeyContainer xmlns:pskc="urn:ietf:params:xml:ns:keyprov:pskc" xmlns:xenc11="http://www.w3.org/2009/xmlenc11#"
        xmlns:pkcs5="http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#" xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" Version="1.0">
      <pskc:EncryptionKey><xenc11:DerivedKey>
        <xenc11:KeyDerivationMethod Algorithm="http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#pbkdf2">
          <pkcs5:PBKDF2-params><Salt><Specified>Ej7/PEpyEpw=</Specified></Salt><IterationCount>1000</IterationCount>
            <KeyLength>16</KeyLength><PRF/></pkcs5:PBKDF2-params></xenc11:KeyDerivationMethod>
        <xenc:ReferenceList><xenc:DataReference URI='#ED'/></xenc:ReferenceList>
        <xenc11:MasterKeyName>My Password 1</xenc11:MasterKeyName></xenc11:DerivedKey></pskc:EncryptionKey>
      <pskc:MACMethod Algorithm="http://www.w3.org/2000/09/xmldsig#hmac-sha1"><pskc:MACKey>
        <xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>
        <xenc:CipherData><xenc:CipherValue>2GTTnLwM3I4e5IO5FkufoOEiOhNj91fhKRQBtBJYluUDsPOLTfUvoU2dStyOwYZx
        </xenc:CipherValue></xenc:CipherData></pskc:MACKey></pskc:MACMethod>
      <pskc:KeyPackage><pskc:DeviceInfo><pskc:Manufacturer>TokenVendorAcme</pskc:Manufacturer>
          <pskc:SerialNo>987654321</pskc:SerialNo></pskc:DeviceInfo>
        <pskc:Key Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:hotp" Id="123456"><pskc:Issuer>Example-Issuer</pskc:Issuer>
          <pskc:AlgorithmParameters><pskc:ResponseFormat Length="8" Encoding="DECIMAL"/></pskc:AlgorithmParameters>
          <pskc:Data><pskc:Secret><pskc:EncryptedValue Id="ED">
              <xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>
              <xenc:CipherData><xenc:CipherValue>oTvo+S22nsmS2Z/RtcoF8Hfh+jzMe0RkiafpoDpnoZTjPYZu6V+A4aEn032yCr4f
              </xenc:CipherValue></xenc:CipherData></pskc:EncryptedValue>
            <pskc:ValueMAC>LP6xMvjtypbfT9PdkJhBZ+D6O4w=</pskc:ValueMAC></pskc:Secret></pskc:Data>
        </pskc:Key></pskc:KeyPackage></pskc:KeyContainer>"#;
    let [token] = tokens(read_pskc(file, &Keys::new().with_password("qwerty")));
    assert_eq!((token.secret.expose(), token.issuer.as_deref()), (SECRET, Some("Example-Issuer")));
    let [error] = errors(read_pskc(file, &Keys::new()));
    assert_eq!(error.kind(), &ErrorKind::PasswordMissing);
    let [error] = errors(read_pskc(&file.replace(">1000<", ">4000000000<"), &Keys::new().with_password("qwerty")));
    assert!(matches!(error.kind(), ErrorKind::Derivation(_)), "{error}");
    let [error] = errors(read_pskc(file, &Keys::new().with_password("asdf")));
    assert!(matches!(error.kind(), ErrorKind::WrongKey | ErrorKind::Mac), "{error}");
}

#[test]
fn figure_8_is_encrypted_for_a_certificate() {
    let file = r#"<KeyContainer xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns="urn:ietf:params:xml:ns:keyprov:pskc"
        xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" id="KC0001" Version="1.0">
        <EncryptionKey><ds:X509Data><ds:X509Certificate>MIIB5zCCAVCgAwIBAgIESZp/vDANBgkqhkiG9w0BAQUFADA4M
        </ds:X509Certificate></ds:X509Data></EncryptionKey><KeyPackage/></KeyContainer>"#;
    let [error] = errors(read_pskc(file, &Keys::new().with_key(&KEY)));
    assert_eq!((error.kind(), error.is_fatal()), (&ErrorKind::Certificate, true));
}

#[test]
fn figure_9_is_read_although_signatures_are_not_checked() {
    let file = r#"<KeyContainer xmlns="urn:ietf:params:xml:ns:keyprov:pskc" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Version="1.0">
        <KeyPackage><DeviceInfo><Manufacturer>TokenVendorAcme</Manufacturer><SerialNo>0755225266</SerialNo></DeviceInfo>
        <Key Id="123" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:hotp"><Issuer>Example-Issuer</Issuer>
          <AlgorithmParameters><ResponseFormat Length="6" Encoding="DECIMAL"/></AlgorithmParameters>
          <Data><Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue></Secret><Counter><PlainValue>0</PlainValue></Counter></Data>
        </Key></KeyPackage>
        <ds:Signature><ds:SignedInfo><ds:Reference URI='#Device'><ds:DigestValue>j6lwx3rvEPO0vKtMup4NbeVu8nk=</ds:DigestValue>
        </ds:Reference></ds:SignedInfo><ds:SignatureValue>j6lwx3rvEPO0vKtMup4NbeVu8nk=</ds:SignatureValue></ds:Signature></KeyContainer>"#;
    let [token] = tokens(read_pskc(file, &Keys::new()));
    assert_eq!((token.serial.as_deref(), token.secret.expose()), (Some("0755225266"), SECRET));
}

#[test]
fn figure_10_has_several_keys_for_one_device() {
    let key = |id: u8, start: &str, end: &str| {
        format!(
            r#"<Key Id="{id}" Algorithm="urn:ietf:params:xml:ns:keyprov:pskc:hotp"><Issuer>Issuer</Issuer>
            <AlgorithmParameters><ResponseFormat Length="8" Encoding="DECIMAL"/></AlgorithmParameters>
            <Data><Secret><PlainValue>MTIzNDU2Nzg5MDEyMzQ1Njc4OTA=</PlainValue></Secret><Counter><PlainValue>0</PlainValue></Counter></Data>
            <Policy><StartDate>{start}T00:00:00Z</StartDate><ExpiryDate>{end}T00:00:00Z</ExpiryDate></Policy></Key>"#
        )
    };
    let device = |serial: &str, keys: &str| {
        format!(
            "<KeyPackage><DeviceInfo><Manufacturer>TokenVendorAcme</Manufacturer><SerialNo>{serial}</SerialNo></DeviceInfo>{keys}</KeyPackage>"
        )
    };
    let packages = [
        device("654321", &key(1, "2006-05-01", "2006-05-31")),
        device("123456", &key(2, "2006-05-01", "2006-05-31")),
        device("9999999", &[key(3, "2006-03-01", "2006-03-31"), key(4, "2006-04-01", "2006-04-30")].concat()),
    ];
    let file =
        format!(r#"<KeyContainer Version="1.0" xmlns="urn:ietf:params:xml:ns:keyprov:pskc">{}</KeyContainer>"#, packages.concat());
    let tokens: [_; 4] = tokens(read_pskc(&file, &Keys::new()));
    let serials: Vec<_> = tokens.iter().filter_map(|token| token.serial.as_deref()).collect();
    assert_eq!(serials, ["654321", "123456", "9999999", "9999999"]);
    assert_eq!((tokens[3].id.as_deref(), tokens[3].algorithm), (Some("4"), Algorithm::Sha1));
    assert_eq!((tokens[3].not_before, tokens[3].not_after), (Some(1_143_849_600), Some(1_146_355_200)));
}
