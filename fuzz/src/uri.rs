//! Any text as an otpauth URI and as a secret: what may be written reads the same.

use keyfob::{Secret, Uri};

pub fn run(text: &str) {
    if let Ok(uri) = Uri::parse(text) {
        let _ = uri.to_device(0);
        let Ok(written) = uri.to_text() else {
            assert!(uri.account() == *"" || format!("{}{}", uri.issuer(), uri.account()).contains(':'), "only labels are refused");
            return;
        };
        assert_eq!(written.len(), uri.len());
        let again = Uri::parse(&written).expect("what is written is right");
        assert_eq!((again.factor(), again.counter()), (uri.factor(), uri.counter()));
        assert_eq!((again.issuer(), again.account()), (uri.issuer(), uri.account()));
        assert_eq!(again.account().to_string(), uri.account().to_string());
        assert_eq!(again.to_text(), Ok(written));
    }
    if let Ok(secret) = Secret::from_base32(text) {
        assert_eq!(Secret::from_base32(&secret.to_base32()).as_ref(), Ok(&secret));
    }
    if let Ok(secret) = Secret::from_hex(text) {
        assert_eq!(Secret::from_hex(&secret.to_hex()).as_ref(), Ok(&secret));
    }
}
