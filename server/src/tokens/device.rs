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
