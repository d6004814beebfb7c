//! A device as a token of a file.

use keyfob::{Device, Factor};
use keyfob_tokens::{Kind, RawSecret, Token};

/// What a file says of a device beside its factor and state.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Label<'l> {
    /// The name, which identifies the key in the file.
    pub(crate) name: &'l str,
    /// Whether the name is the serial of a token.
    pub(crate) is_serial: bool,
    pub(crate) issuer: &'l str,
    /// The user; empty for a device in the inventory.
    pub(crate) account: &'l str,
}

/// The token of a TOTP or HOTP device, with the counter of its next code; none for other kinds.
pub(crate) fn token(device: &Device, label: Label<'_>) -> Option<Token> {
    let (kind, hotp) = match device.factor() {
        Factor::Totp(totp) => (Kind::Totp, totp.hotp()),
        Factor::Hotp(hotp) => (Kind::Hotp, hotp),
        _ => return None,
    };
    let text = |text: &str| Some(text).filter(|text| !text.is_empty()).map(str::to_owned);
    let mut token = Token::new(kind, RawSecret::new(hotp.secret().expose().to_vec()));
    token.algorithm = hotp.algorithm();
    token.digits = Some(hotp.digits());
    if let Factor::Totp(totp) = device.factor() {
        token.period = Some(totp.period());
        token.t0 = totp.t0();
        token.drift = Some(i64::from(device.drift())).filter(|drift| *drift != 0);
    } else {
        token.counter = Some(device.moving_factor());
    }
    (token.not_before, token.not_after) = (device.validity().not_before(), device.validity().not_after());
    token.id = text(label.name);
    token.serial = text(label.name).filter(|_| label.is_serial);
    (token.issuer, token.account) = (text(label.issuer), text(label.account));
    Some(token)
}

#[cfg(test)]
mod tests {
    use keyfob::{Algorithm, Digits, Hotp, Pin, Policy, RecoveryCodes, Secret, Totp, Validity};
    use keyfob_tokens::{Format, Keys, PskcSuite, read};
    use proptest::prelude::*;
    use zeroize::Zeroizing;

    use super::*;
    use crate::tokens::{Encoder, ExportFormat, Protection};

    const LABEL: Label<'_> = Label { name: "FTK200-7", is_serial: true, issuer: "ACME", account: "CORP\\zoë" };

    fn file(format: ExportFormat, token: Token) -> Vec<u8> {
        let protection = Protection::Key(Zeroizing::new([7; 32]));
        let (mut encoder, head) = Encoder::new(format, &protection, PskcSuite::Hmac, false).unwrap();
        let mut file = head.text.to_vec();
        file.extend_from_slice(&encoder.encode(token).unwrap().text);
        encoder.finish().unwrap().iter().for_each(|piece| file.extend_from_slice(&piece.text));
        file
    }

    fn read_again(format: ExportFormat, token: &Token) -> Token {
        let file = file(format, token.clone());
        let keys = Keys::new().with_key(&[7; 32]);
        let tokens: Vec<_> = read(Format::detect(&file).unwrap(), file.as_slice(), &keys).collect();
        assert_eq!(tokens.len(), 1, "{tokens:?}");
        tokens.into_iter().next().unwrap().unwrap()
    }

    prop_compose! {
        fn hotps()(
            secret in prop::collection::vec(any::<u8>(), 10..=64),
            algorithm in prop::sample::select(vec![Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512]),
            digits in 6..=10_u8,
        ) -> Hotp {
            let secret = Secret::new_allowing_short(&secret).unwrap();
            Hotp::new(secret).with_algorithm(algorithm).with_digits(Digits::new(digits).unwrap())
        }
    }

    prop_compose! {
        fn devices()(
            hotp in hotps(),
            is_totp in any::<bool>(),
            counter in any::<u64>(),
            period in 1..=86_400_u32,
            t0 in 0..2_000_000_000_u64,
            drift in -100..=100_i32,
            not_before in prop::option::of(1..2_000_000_000_u64),
            not_after in prop::option::of(2_000_000_000..4_000_000_000_u64),
        ) -> Device {
            let device = if is_totp {
                Device::totp(Totp::from_hotp(hotp).with_period(period).unwrap().with_t0(t0), 0).with_drift(drift).unwrap()
            } else {
                Device::hotp(hotp, counter, 0)
            };
            device.with_validity(Validity::new(not_before, not_after).unwrap()).unwrap()
        }
    }

    proptest! {
        #[test]
        fn token_of_a_device_is_read_again_from_pskc_as_it_was(device in devices()) {
            let token = token(&device, LABEL).unwrap();
            prop_assert_eq!(&read_again(ExportFormat::Pskc, &token), &token);
            prop_assert_eq!(token.factor_allowing_short().unwrap(), device.factor().clone());
            prop_assert_eq!(token.counter.unwrap_or(0), if token.kind == Kind::Hotp { device.moving_factor() } else { 0 });
            prop_assert_eq!(token.drift.unwrap_or(0), i64::from(device.drift()));
            let (not_before, not_after) = (device.validity().not_before(), device.validity().not_after());
            prop_assert_eq!((token.not_before, token.not_after), (not_before, not_after));
        }

        /// Formats that say less either keep the factor and the counter, or refuse the token.
        #[test]
        fn factor_and_counter_survive_every_format_that_takes_the_token(device in devices()) {
            let token = token(&device, LABEL).unwrap();
            for format in [ExportFormat::Uris, ExportFormat::Migration, ExportFormat::OathCsv, ExportFormat::Entra] {
                let (mut encoder, _) = Encoder::new(format, &Protection::Plain, PskcSuite::Hmac, false).unwrap();
                if let Err(reason) = encoder.encode(token.clone()) {
                    prop_assert!(reason.contains("; choose") || reason.starts_with("the URI is refused"), "{}", reason);
                    continue;
                }
                let again = read_again(format, &token);
                prop_assert_eq!(again.factor_allowing_short().unwrap(), device.factor().clone());
                prop_assert_eq!(again.counter, token.counter);
            }
        }
    }

    #[test]
    fn other_kinds_have_no_token_and_given_names_are_no_serials() {
        let hotp = || Hotp::new(Secret::new(&[7; 20]).unwrap());
        let pin = Device::pin(Pin::new(b"12345678").unwrap(), &Policy::default(), 0).unwrap();
        let recovery = Device::recovery(RecoveryCodes::new(hotp().secret().clone(), 10).unwrap(), 0);
        for device in [Device::sms(hotp(), 0), Device::email(hotp(), 0), pin, recovery] {
            assert_eq!(token(&device, LABEL), None);
        }
        let device = Device::hotp(hotp(), 5, 0);
        let numbered = token(&device, Label { name: "HOTP00000035", is_serial: false, issuer: "", account: "" }).unwrap();
        assert_eq!((numbered.serial.clone(), numbered.id.as_deref(), numbered.account.clone()), (None, Some("HOTP00000035"), None));
        // These formats have nothing but the serial to name a token by.
        let oath = String::from_utf8(file(ExportFormat::OathCsv, numbered)).unwrap();
        assert!(oath.starts_with("HOTP00000035,0707") && oath.ends_with(",hotp,6,5\n"), "{oath}");
    }
}
