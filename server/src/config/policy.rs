//! The section `policy`: the rules for judging codes.

use std::ops::RangeInclusive;

use keyfob::{Lock, PinPositions, Policy};

use super::reader::TableReader;
use crate::store::JOB_TIMEOUT;

/// The range of `policy.clock_skew`. A request gets its time on arrival, and then waits for the
/// store. With fewer seconds, a request judged after a later one would look as if its clock were
/// behind.
const CLOCK_SKEW_SECONDS: RangeInclusive<u32> = 5..=3600;
const _: () = assert!(*CLOCK_SKEW_SECONDS.start() as u64 >= JOB_TIMEOUT.as_secs());

/// The range of `policy.min_secret_bits`: the engine takes no shorter secret, and no key needs a
/// longer one.
const MIN_SECRET_BITS: RangeInclusive<u16> = 80..=256;

/// The longest delay of a throttle without `policy.throttle_max_delay`.
const MAX_DELAY_SECONDS: u32 = 3600;

/// Reads the fewest bits of a secret that a client gives.
pub(super) fn read_min_secret_bits(table: &mut TableReader, default: u16) -> u16 {
    let bits = table.take_or("min_secret_bits", || default);
    if !MIN_SECRET_BITS.contains(&bits) {
        table.reject("min_secret_bits", "must be 80 to 256 bits");
    }
    bits
}

/// Reads the section: a preset, and the keys that differ from it.
pub(super) fn read(table: &mut TableReader) -> Option<Policy> {
    let preset = table.take_choice("preset", &[("keyfob", Policy::default()), ("soffid", Policy::soffid())]).unwrap_or_default();
    let mut builder = preset.to_builder();
    macro_rules! each {
        ($($name:literal $method:ident)*) => { $(if let Some(value) = table.take($name) { builder = builder.$method(value); })* };
    }
    each!("window" window "look_ahead" look_ahead "resync_window" resync_window "max_drift" max_drift);
    each!("first_window" first_window);
    each!("code_lifetime" code_lifetime "code_reuse" code_reuse "pin_min_length" pin_min_length);
    if let Some(seconds) = table.take("clock_skew") {
        if CLOCK_SKEW_SECONDS.contains(&seconds) {
            builder = builder.clock_skew(seconds);
        } else {
            table.reject(
                "clock_skew",
                "must be 5 to 3600 seconds; a request may wait 5 seconds for the store, and is then judged after later ones",
            );
        }
    }
    let max_fails = table.take_or("max_fails", || preset.lock().max_fails());
    let longest = table.take("throttle_max_delay");
    let first = table.take("throttle_first_delay");
    let total_fails = table.take("throttle_total");
    for (key, is_given) in [("throttle_max_delay", longest.is_some()), ("throttle_total", total_fails.is_some())] {
        if is_given && first.is_none() {
            table.reject(key, "needs policy.throttle_first_delay");
        }
    }
    let max_delay = longest.unwrap_or(MAX_DELAY_SECONDS);
    let lock = match (first, total_fails) {
        (None, _) => Lock::Hard { max_fails },
        (Some(first_delay), None) => Lock::Throttle { max_fails, first_delay, max_delay },
        (Some(first_delay), Some(total_fails)) => Lock::ThrottleThenLock { max_fails, first_delay, max_delay, total_fails },
    };
    builder = builder.lock(lock);
    if let Some(positions) = table.take::<u8>("pin_positions") {
        builder = builder.pin_positions(if positions == 0 { PinPositions::All } else { PinPositions::Count(positions) });
    }
    // One in this many guessers may succeed before the lock.
    if let Some(one_in) = table.take::<u32>("guess_bound") {
        builder = builder.guess_bound(keyfob::GuessChance::one_in(one_in));
    }
    if let Some(one_in) = table.take::<u32>("pin_guess_bound") {
        builder = builder.pin_guess_bound(keyfob::GuessChance::one_in(one_in));
    }
    let error = match builder.build() {
        Ok(policy) => return Some(policy),
        Err(error) => error,
    };
    let key = key_of(error).unwrap_or_default();
    match guess_bound_message(error, lock) {
        Some(message) => table.reject(key, message),
        None => table.reject_by_engine(key, error),
    }
    None
}

/// The key of an error of a policy; none for the other errors, which no policy has.
const fn key_of(error: keyfob::Error) -> Option<&'static str> {
    use keyfob::Error as E;
    Some(match error {
        E::Window => "window",
        E::LookAhead => "look_ahead",
        E::ResyncWindow => "resync_window",
        E::MaxDrift => "max_drift",
        E::FirstWindow => "first_window",
        E::MaxFails => "max_fails",
        E::FirstDelay => "throttle_first_delay",
        E::MaxDelay => "throttle_max_delay",
        E::TotalFails => "throttle_total",
        E::CodeLifetime => "code_lifetime",
        E::CodeReuse => "code_reuse",
        E::PinMinLength => "pin_min_length",
        E::ClockSkew => "clock_skew",
        E::PinPositions => "pin_positions",
        E::GuessBound => "guess_bound",
        E::PinGuessBound => "pin_guess_bound",
        // All by name, so that a new error of the engine compiles only here with a key or without.
        E::SecretLength
        | E::SecretBase32
        | E::SecretHex
        | E::Algorithm
        | E::Digits
        | E::Period
        | E::Status
        | E::Kind
        | E::WrongKind
        | E::PinLength
        | E::PinDigits
        | E::RecoveryCodeCount
        | E::Clock
        | E::Validity
        | E::Exhausted
        | E::RecordForeign
        | E::RecordNewer
        | E::RecordLength
        | E::RecordDamaged
        | E::Locked
        | E::Throttled
        | E::Disabled
        | E::OutsideValidity
        | E::NoDrift
        | E::ClockWasAhead
        | E::NoChallenge
        | E::Randomness
        | E::BufferTooSmall
        | E::UriType
        | E::UriT0
        | E::UriLabel
        | E::UriEncoding
        | E::UriNoSecret
        | E::UriCounter
        | E::UriRepeated
        | E::SealForeign
        | E::SealNewer
        | E::SealBroken
        | E::SealKeyId
        | E::SoffidParameters => return None,
    })
}

/// The message for an exceeded bound on guessing, with the names of the keys; none for other
/// errors. The engine's own text speaks of a chance, which grows as the N of the keys falls.
const fn guess_bound_message(error: keyfob::Error, lock: Lock) -> Option<&'static str> {
    use keyfob::Error as E;
    Some(match (error, lock) {
        (E::GuessBound, Lock::Hard { .. }) => {
            "more than 1 in N people who guess codes of six digits would succeed before the lock; lower policy.window, policy.first_window, \
             policy.look_ahead or policy.max_fails, or lower policy.guess_bound (1 in N): a lower number allows more, 0 any"
        }
        (E::GuessBound, Lock::ThrottleThenLock { .. }) => {
            "more than 1 in N people who guess codes of six digits would succeed before the lock; lower policy.throttle_total, policy.window, \
             policy.first_window or policy.look_ahead, or lower policy.guess_bound (1 in N): a lower number allows more, 0 any"
        }
        (E::GuessBound, Lock::Throttle { .. }) => {
            "more than 1 in N people who guess codes of six digits would succeed within a year of policy.throttle_first_delay, which never locks; set \
             policy.throttle_total, raise policy.throttle_max_delay, or lower policy.guess_bound (1 in N): a lower number allows more, 0 any"
        }
        (E::PinGuessBound, Lock::Hard { .. }) => {
            "more than 1 in N people who guess the positions asked of a PIN would succeed before the lock; raise policy.pin_positions, lower \
             policy.max_fails, or lower policy.pin_guess_bound (1 in N): a lower number allows more, 0 any"
        }
        (E::PinGuessBound, Lock::ThrottleThenLock { .. }) => {
            "more than 1 in N people who guess the positions asked of a PIN would succeed before the lock; raise policy.pin_positions, lower \
             policy.throttle_total, or lower policy.pin_guess_bound (1 in N): a lower number allows more, 0 any"
        }
        (E::PinGuessBound, Lock::Throttle { .. }) => {
            "more than 1 in N people who guess the positions asked of a PIN would succeed within a year of policy.throttle_first_delay, which never locks; \
             set policy.throttle_total, raise policy.pin_positions, or lower policy.pin_guess_bound (1 in N): a lower number allows more, 0 any"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use keyfob::{Digits, Kind, Lock, Policy};

    use super::super::{Config, catalog};

    #[test]
    fn every_key_of_the_policy_is_named_by_its_problem() {
        let mut tested = BTreeSet::new();
        for (lines, key) in [
            ("preset = 'strict'", "policy.preset"),
            ("window = 1001", "policy.window"),
            ("look_ahead = 1001", "policy.look_ahead"),
            ("resync_window = 0", "policy.resync_window"),
            ("max_drift = 1001", "policy.max_drift"),
            ("first_window = 2", "policy.first_window"),
            ("min_secret_bits = 79", "policy.min_secret_bits"),
            ("min_secret_bits = 257", "policy.min_secret_bits"),
            ("max_fails = 0", "policy.max_fails"),
            ("throttle_first_delay = 0", "policy.throttle_first_delay"),
            ("throttle_max_delay = 60", "policy.throttle_max_delay"),
            ("throttle_first_delay = 2\nthrottle_max_delay = 1", "policy.throttle_max_delay"),
            ("throttle_total = 50", "policy.throttle_total"),
            ("throttle_first_delay = 2\nthrottle_total = 10\npin_positions = 4", "policy.throttle_total"),
            ("throttle_first_delay = 2\nthrottle_total = 91\npin_positions = 4", "policy.guess_bound"),
            ("throttle_first_delay = 2\nthrottle_total = 90", "policy.pin_guess_bound"),
            ("code_lifetime = 0", "policy.code_lifetime"),
            ("code_reuse = 601", "policy.code_reuse"),
            ("message_pause = -1", "policy.message_pause"),
            ("pin_positions = 1", "policy.pin_positions"),
            ("pin_min_length = 3", "policy.pin_min_length"),
            ("clock_skew = 4", "policy.clock_skew"),
            ("clock_skew = 3601", "policy.clock_skew"),
            ("guess_bound = 1000000", "policy.guess_bound"),
            ("pin_guess_bound = 1000000", "policy.pin_guess_bound"),
        ] {
            let problems = Config::read(&format!("[policy]\n{lines}\n"), std::iter::empty(), &[]).unwrap_err();
            let keys: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
            assert_eq!(keys, [key], "{lines}");
            tested.insert(key);
        }
        assert_eq!(tested, catalog::keys().map(|key| key.path).filter(|path| path.starts_with("policy.")).collect());
    }

    #[test]
    fn bounds_of_the_policy_are_allowed() {
        for lines in ["min_secret_bits = 80", "min_secret_bits = 256", "clock_skew = 5", "clock_skew = 3600"] {
            assert!(Config::read(&format!("[policy]\n{lines}\n"), std::iter::empty(), &[]).is_ok(), "{lines}");
        }
        let read = |lines: &str| Config::read(&format!("[policy]\n{lines}\n"), std::iter::empty(), &[]).unwrap().settings;
        assert_eq!(read("min_secret_bits = 96").min_secret_bits, 96);
        // What server/README.md recommends.
        let policy = read("max_fails = 5\nthrottle_first_delay = 30\nthrottle_total = 90\npin_positions = 4").policy;
        let lock = Lock::ThrottleThenLock { max_fails: 5, first_delay: 30, max_delay: 3600, total_fails: 90 };
        assert_eq!(policy.lock(), lock);
        let chances =
            |policy: Policy| [Kind::Totp, Kind::Hotp, Kind::Pin].map(|kind| policy.guess_chance(kind, Digits::SIX).to_string());
        assert_eq!(chances(policy), ["1 in 3702", "1 in 1009", "1 in 111"]);
        assert_eq!(chances(Policy::default()), ["1 in 33324", "1 in 9088", "1 in 100"]);
        let endless = read("max_fails = 5\nthrottle_first_delay = 30\nguess_bound = 10\npin_guess_bound = 0").policy;
        assert_eq!(chances(endless), ["1 in 37", "1 in 10", "1 in 1"]);
        let policy = read("max_drift = 20\nfirst_window = 21\nguess_bound = 0").policy;
        assert_eq!((policy.max_drift(), policy.first_window()), (20, 21));
    }
}
