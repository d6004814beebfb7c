//! Judges a token of a file: it becomes a device, or is refused with a reason. No reason repeats a
//! secret.

use std::collections::BTreeMap;

use keyfob::{Device, Policy, Validity};
use keyfob_scim::{Entry, Naming, Settings, Signal};
use keyfob_tokens::{Kind, Token};

use crate::store::NewToken;

/// Who makes the devices, for the trail and the signals.
pub(crate) const IMPORT_ACTOR: &str = "import";

/// The shortest secret that the engine takes.
const MIN_SECRET_BITS: usize = 80;

const ASSIGN: &str = "--assign-accounts gives it to the user that its account names";

/// The rules for judging tokens.
pub(crate) struct Rules<'c> {
    pub(crate) settings: &'c Settings,
    /// The users that may have devices; none for any.
    pub(crate) users: Option<&'c BTreeMap<String, BTreeMap<String, String>>>,
    /// Whether secrets of fewer bits than `policy.min_secret_bits` are taken, from 80 bits on.
    pub(crate) allows_short: bool,
    /// Whether the account of a token is its user. Otherwise it is a label of the service that
    /// made the secret.
    pub(crate) assigns_accounts: bool,
    pub(crate) now: u64,
}

/// A token that becomes a device.
pub(crate) struct Accepted {
    pub(crate) token: NewToken,
    pub(crate) is_short: bool,
    /// The file has an account, which the token did not get as its user.
    pub(crate) is_unassigned: bool,
    /// Sentences for people about what needs attention.
    pub(crate) remarks: Vec<String>,
}

impl Rules<'_> {
    /// Errors: why a token is refused.
    pub(super) fn judge(&self, token: &Token) -> Result<Accepted, String> {
        let (device, mut remarks) = self.device(token)?;
        remarks.extend(beyond_policy(device.drift(), self.settings.policy.max_drift()));
        let user = token.account.as_deref().filter(|_| self.assigns_accounts);
        if let Some(user) = user
            && self.users.is_some_and(|users| !users.contains_key(user))
        {
            return Err("its account: is no user of the configuration".to_owned());
        }
        let naming = match &token.serial {
            // A name that another keyfob gave, as its export has it.
            Some(name) if user.is_some() && Naming::is_numbered(name) => Naming::for_device(device.kind(), None, None),
            Some(name) if Naming::is_numbered(name) && token.account.is_some() => {
                return Err("its name was given by a keyfob, and is no serial, so it needs a user; ".to_owned() + ASSIGN);
            }
            Some(serial) => Naming::from_serial(serial).map_err(|error| error.detail.replacen("name:", "serial:", 1))?,
            None if user.is_some() => Naming::for_device(device.kind(), None, None),
            None if token.account.is_some() => return Err("has no serial, and so needs a user; ".to_owned() + ASSIGN),
            None => return Err("has neither a serial nor an account; add one of them to the file".to_owned()),
        };
        let is_unassigned = user.is_none() && token.account.is_some();
        let entry = Entry::from_token(device, user).map_err(|error| error.detail)?;
        let signals = Signal::for_import(self.settings, &entry, IMPORT_ACTOR, self.now);
        Ok(Accepted { token: NewToken { entry, naming, signals }, is_short: token.is_short(), is_unassigned, remarks })
    }

    /// The device of a token, whatever its serial and its user, with what needs attention.
    ///
    /// Errors: why a token is refused.
    pub(crate) fn device(&self, token: &Token) -> Result<(Device, Vec<String>), String> {
        refuse_foreign(token)?;
        self.check_length(token)?;
        let factor = token.factor_allowing_short().map_err(|error| error.to_string())?;
        let mut remarks = Vec::new();
        let mut device = match factor {
            keyfob::Factor::Totp(totp) => {
                let device = Device::totp(totp, self.now);
                with_drift(device, token.drift.unwrap_or(0), &mut remarks)?
            }
            keyfob::Factor::Hotp(hotp) => Device::hotp(hotp, token.counter.unwrap_or(0), self.now),
            _ => return Err(keyfob::Error::WrongKind.to_string()),
        };
        if !self.settings.kinds.contains(&device.kind()) {
            return Err(format!("{} is switched off in the configuration", device.kind()));
        }
        let validity = Validity::new(token.not_before, token.not_after).map_err(|error| error.to_string())?;
        if validity != Validity::ALWAYS {
            device = device.with_validity(validity).map_err(|error| error.to_string())?;
            if validity.not_after().is_some_and(|last| last < self.now) {
                remarks.push("its validity is over, so none of its codes is right".to_owned());
            }
        }
        Ok((device, remarks))
    }

    fn check_length(&self, token: &Token) -> Result<(), String> {
        let bits = token.secret.expose().len().saturating_mul(8);
        let least = usize::from(self.settings.min_secret_bits);
        if bits < MIN_SECRET_BITS {
            return Err(format!("its secret has {bits} bits; it must have at least {MIN_SECRET_BITS}"));
        }
        if bits < least && !self.allows_short {
            return Err(format!(
                "its secret has {bits} bits, and policy.min_secret_bits is {least}; --allow-short-secrets takes it"
            ));
        }
        Ok(())
    }
}

/// Errors: the token asks for more than the engine does.
fn refuse_foreign(token: &Token) -> Result<(), String> {
    match token.kind {
        Kind::Totp | Kind::Hotp => {}
        Kind::Ocra => return Err("is for OCRA (RFC 6287), which keyfob does not verify".to_owned()),
        Kind::Pin => return Err("is the PIN of a token, and no token".to_owned()),
        _ => return Err("is of a kind that keyfob does not verify".to_owned()),
    }
    if let Some(limit) = token.max_transactions {
        return Err(format!("may give {limit} codes only, and keyfob does not count them; ask for a file without that limit"));
    }
    let mode = token.pin_policy.as_ref().and_then(|policy| policy.usage_mode.as_deref());
    match mode {
        None => Ok(()),
        Some(mode) if mode.eq_ignore_ascii_case("Local") => Ok(()),
        Some(_) => {
            Err("its codes contain a PIN (PINUsageMode), which keyfob does not verify; ask for tokens without it".to_owned())
        }
    }
}

fn with_drift(device: Device, drift: i64, remarks: &mut Vec<String>) -> Result<Device, String> {
    if drift == 0 {
        return Ok(device);
    }
    let kept = i32::try_from(drift).ok().filter(|drift| drift.unsigned_abs() <= u32::from(Policy::MAX_WINDOW));
    if kept.is_none() {
        let (steps, side) = (drift.unsigned_abs(), side(drift));
        remarks.push(format!("its clock is {steps} steps {side}, more than keyfob keeps: its codes are wrong"));
    }
    kept.map_or(Ok(device.clone()), |drift| device.with_drift(drift)).map_err(|error| error.to_string())
}

/// What is said of a drift that the service does not follow. A state file has no such limit.
fn beyond_policy(drift: i32, most: u16) -> Option<String> {
    let (steps, side) = (drift.unsigned_abs(), side(drift.into()));
    (steps > u32::from(most)).then(|| {
        format!(
            "its clock is {steps} steps {side}, and policy.max_drift is {most}: its codes are wrong until that is {steps} or more"
        )
    })
}

const fn side(drift: i64) -> &'static str {
    if drift > 0 { "ahead" } else { "behind" }
}

#[cfg(test)]
mod tests {
    use keyfob::{Algorithm, Digits, Factor};
    use keyfob_tokens::{PinPolicy, RawSecret};

    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn token(kind: Kind) -> Token {
        let mut token = Token::new(kind, RawSecret::new(b"12345678901234567890".to_vec()));
        token.serial = Some("A1".to_owned());
        token
    }

    fn judge_with(settings: &Settings, token: &Token) -> Result<Accepted, String> {
        Rules { settings, users: None, allows_short: false, assigns_accounts: false, now: NOW }.judge(token)
    }

    fn judge(token: &Token) -> Result<Accepted, String> {
        judge_with(&Settings::default(), token)
    }

    #[test]
    fn device_is_what_its_token_says() {
        let mut totp = token(Kind::Totp);
        (totp.algorithm, totp.digits, totp.period, totp.t0) = (Algorithm::Sha256, Some(Digits::EIGHT), Some(60), 7);
        (totp.not_before, totp.not_after, totp.drift) = (Some(NOW - 1), Some(NOW), Some(-3));
        let taken = judge(&totp).unwrap();
        let device = &taken.token.entry.device;
        let Factor::Totp(factor) = device.factor() else { panic!("{device:?}") };
        assert_eq!((factor.period(), factor.t0(), device.drift()), (60, 7, -3));
        assert_eq!((device.algorithm(), device.digits()), (Some(Algorithm::Sha256), Some(Digits::EIGHT)));
        assert_eq!((device.validity().not_before(), device.validity().not_after()), (Some(NOW - 1), Some(NOW)));
        assert_eq!((taken.token.naming, taken.token.entry.row.user.as_str()), (Naming::Serial("A1".to_owned()), ""));

        let mut hotp = token(Kind::Hotp);
        hotp.counter = Some(u64::MAX);
        assert_eq!(judge(&hotp).unwrap().token.entry.device.moving_factor(), u64::MAX);
    }

    #[test]
    fn drift_beyond_the_policy_is_taken_with_a_remark() {
        let policy = Policy::builder().max_drift(5).build().unwrap();
        let settings = Settings { policy, ..Settings::default() };
        for (drift, kept, remark) in [
            (5, 5, None),
            (-5, -5, None),
            (-6, -6, Some("its clock is 6 steps behind, and policy.max_drift is 5")),
            (1_000_000, 0, Some("its clock is 1000000 steps ahead, more than keyfob keeps")),
            (i64::MIN, 0, Some("its clock is 9223372036854775808 steps behind")),
        ] {
            let mut token = token(Kind::Totp);
            token.drift = Some(drift);
            let Accepted { token: new, remarks, .. } = judge_with(&settings, &token).unwrap();
            assert_eq!((new.entry.device.drift(), remarks.len()), (kept, usize::from(remark.is_some())), "{drift}");
            assert!(remarks.concat().starts_with(remark.unwrap_or("")), "{remarks:?}");
        }
    }

    #[test]
    fn drift_of_a_state_file_has_no_limit_of_the_policy() {
        let settings = Settings::default();
        let rules = Rules { settings: &settings, users: None, allows_short: false, assigns_accounts: false, now: NOW };
        let mut token = token(Kind::Totp);
        token.drift = Some(31);
        let (device, remarks) = rules.device(&token).unwrap();
        assert_eq!((device.drift(), remarks.len()), (31, 0), "{remarks:?}");
    }

    #[test]
    fn account_is_the_user_only_if_accounts_are_assigned() {
        let settings = Settings::default();
        let judge_as = |serial: Option<&str>, assigns_accounts| {
            let mut token = token(Kind::Totp);
            (token.serial, token.account) = (serial.map(str::to_owned), Some("alice".to_owned()));
            let rules = Rules { settings: &settings, users: None, allows_short: false, assigns_accounts, now: NOW };
            rules.judge(&token).map(|taken| (taken.token.entry.row.user, taken.is_unassigned))
        };
        assert_eq!(judge_as(Some("A1"), true), Ok(("alice".to_owned(), false)));
        assert_eq!(judge_as(Some("A1"), false), Ok((String::new(), true)));
        for serial in [None, Some("TOTP00000001")] {
            assert_eq!(judge_as(serial, true), Ok(("alice".to_owned(), false)));
            assert!(judge_as(serial, false).unwrap_err().ends_with(ASSIGN), "{serial:?}");
        }
    }

    #[test]
    fn token_whose_validity_is_over_is_taken_with_a_remark() {
        let mut token = token(Kind::Hotp);
        token.not_after = Some(NOW - 1);
        assert_eq!(judge(&token).unwrap().remarks, ["its validity is over, so none of its codes is right"]);
    }

    #[test]
    fn short_secret_is_taken_knowingly_and_from_80_bits_on_only() {
        let settings = Settings { min_secret_bits: 128, ..Settings::default() };
        let judge = |allows_short, bytes: usize| {
            let rules = Rules { settings: &settings, users: None, allows_short, assigns_accounts: false, now: NOW };
            let mut token = token(Kind::Hotp);
            token.secret = RawSecret::new(vec![7; bytes]);
            rules.judge(&token).map(|accepted| accepted.is_short)
        };
        for (allows_short, bytes, wanted) in [
            (false, 16, Ok(false)),
            (true, 16, Ok(false)),
            (true, 15, Ok(true)),
            (true, 10, Ok(true)),
            (true, 9, Err("its secret has 72 bits; it must have at least 80")),
            (false, 9, Err("its secret has 72 bits; it must have at least 80")),
            (false, 10, Err("its secret has 80 bits, and policy.min_secret_bits is 128; --allow-short-secrets takes it")),
            (false, 15, Err("its secret has 120 bits, and policy.min_secret_bits is 128; --allow-short-secrets takes it")),
        ] {
            assert_eq!(judge(allows_short, bytes), wanted.map_err(str::to_owned), "{bytes} bytes, {allows_short}");
        }
    }

    #[test]
    fn token_that_asks_for_more_is_refused() {
        type Change = fn(&mut Token);
        let changes: [(Change, &str); 7] = [
            (|token| token.kind = Kind::Ocra, "is for OCRA"),
            (|token| token.kind = Kind::Pin, "is the PIN of a token"),
            (|token| token.max_transactions = Some(9), "may give 9 codes only"),
            (
                |token| token.pin_policy = Some(PinPolicy { usage_mode: Some("Prepend".to_owned()), ..PinPolicy::default() }),
                "its codes contain a PIN",
            ),
            (|token| token.serial = Some("two\nlines".to_owned()), "serial:"),
            (|token| (token.not_before, token.not_after) = (Some(8), Some(7)), "validity"),
            (|token| token.period = Some(0), "period"),
        ];
        for (change, reason) in changes {
            let mut token = token(Kind::Totp);
            change(&mut token);
            let refused = judge(&token).err().unwrap();
            assert!(refused.contains(reason), "{reason}: {refused}");
        }
        let mut local = token(Kind::Totp);
        local.pin_policy = Some(PinPolicy { usage_mode: Some("Local".to_owned()), ..PinPolicy::default() });
        assert!(judge(&local).is_ok());
        let settings = Settings { kinds: vec![keyfob::Kind::Hotp], ..Settings::default() };
        let off = judge_with(&settings, &token(Kind::Totp)).err().unwrap();
        assert_eq!(off, "TOTP is switched off in the configuration");
    }
}
