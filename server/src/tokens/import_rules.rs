//! Judges a token of a file: it becomes a device, or is refused with a reason. No reason repeats a
//! secret.

use std::collections::BTreeMap;

use keyfob::{Device, Policy, Validity};
use keyfob_scim::{Entry, Naming, Settings};
use keyfob_tokens::{Kind, Token};

use crate::store::NewToken;

/// The shortest secret that the engine takes.
const MIN_SECRET_BITS: usize = 80;

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
    /// Sentences for people about what needs attention.
    pub(crate) remarks: Vec<String>,
}

impl Rules<'_> {
    /// Errors: why a token is refused.
    pub(super) fn judge(&self, token: &Token) -> Result<Accepted, String> {
        let (device, remarks) = self.device(token)?;
        let user = token.account.as_deref().filter(|_| self.assigns_accounts);
        if let Some(user) = user
            && self.users.is_some_and(|users| !users.contains_key(user))
        {
            return Err("its account: is no user of the configuration".to_owned());
        }
        let naming = match &token.serial {
            Some(serial) => Naming::from_serial(serial).map_err(|error| error.detail.replacen("name:", "serial:", 1))?,
            None if user.is_some() => Naming::for_device(device.kind(), None, None),
            None => return Err(without_serial(token, self.assigns_accounts).to_owned()),
        };
        let entry = Entry::from_token(device, user).map_err(|error| error.detail)?;
        Ok(Accepted { token: NewToken { entry, naming }, is_short: token.is_short(), remarks })
    }

    /// The device of a token, whatever its serial and its user, with what needs attention.
    ///
    /// Errors: why a token is refused.
    pub(crate) fn device(&self, token: &Token) -> Result<(Device, Vec<String>), String> {
        refuse_foreign(token)?;
        self.check_length(token)?;
        let factor = token.factor_allowing_short().map_err(|error| error.to_string())?;
        let policy = &self.settings.policy;
        let mut remarks = Vec::new();
        let mut device = match factor {
            keyfob::Factor::Totp(totp) => {
                let device = Device::totp(totp, self.now);
                with_drift(device, token.drift.unwrap_or(0), policy, &mut remarks)?
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

fn with_drift(device: Device, drift: i64, policy: &Policy, remarks: &mut Vec<String>) -> Result<Device, String> {
    if drift == 0 {
        return Ok(device);
    }
    let (steps, side) = (drift.unsigned_abs(), if drift > 0 { "ahead" } else { "behind" });
    let kept = i32::try_from(drift).ok().filter(|drift| drift.unsigned_abs() <= u32::from(Policy::MAX_WINDOW));
    if kept.is_none() {
        remarks.push(format!("its clock is {steps} steps {side}, more than keyfob keeps: its codes are wrong"));
    } else if steps > u64::from(policy.max_drift()) {
        let most = policy.max_drift();
        remarks.push(format!(
            "its clock is {steps} steps {side}, and policy.max_drift is {most}: its codes are wrong until that is {steps} or more"
        ));
    }
    kept.map_or(Ok(device.clone()), |drift| device.with_drift(drift)).map_err(|error| error.to_string())
}

/// Why a token without a serial cannot be taken, and what to do.
const fn without_serial(token: &Token, assigns_accounts: bool) -> &'static str {
    match (&token.account, assigns_accounts) {
        (Some(_), false) => "has no serial, and so needs a user; --assign-accounts gives it to the user that its account names",
        _ => "has neither a serial nor an account; add one of them to the file",
    }
}
