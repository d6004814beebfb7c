//! The section `policy`: how answers are judged.

use std::ops::RangeInclusive;

use keyfob::{Asked, Lock, Policy};

use super::keys::Reader;
use crate::store::OLD;

/// The seconds that `policy.clock_skew` may have. A request has its time when it comes, and then
/// waits for the store: with fewer, one that is judged after a later one would be refused as that
/// of a clock that is behind.
const CLOCK_SKEWS: RangeInclusive<u32> = 5..=3600;
const _: () = assert!(*CLOCK_SKEWS.start() as u64 >= OLD.as_secs());

/// The policy of a section: a preset, and what is to differ from it.
pub(super) fn read(keys: &mut Reader) -> Option<Policy> {
    let preset = keys.choice("preset", &[("keyfob", Policy::default()), ("soffid", Policy::soffid())]).unwrap_or_default();
    let mut builder = preset.to_builder();
    macro_rules! each {
        ($($name:literal $method:ident)*) => { $(if let Some(value) = keys.take($name) { builder = builder.$method(value); })* };
    }
    each!("window" window "look_ahead" look_ahead "resync_window" resync_window "max_drift" max_drift);
    each!("lifetime" lifetime "reuse" reuse "pin_length" pin_len);
    if let Some(seconds) = keys.take("clock_skew") {
        if CLOCK_SKEWS.contains(&seconds) {
            builder = builder.clock_skew(seconds);
        } else {
            keys.fault(
                "clock_skew",
                "must be 5 to 3600 seconds; a request may wait 5 seconds for the store, and is then judged after later ones",
            );
        }
    }
    let fails = keys.or("fails", || preset.lock().fails());
    let longest = keys.take("throttle_longest");
    let first = keys.take("throttle");
    let throttles = first.is_some();
    builder = builder.lock(match (first, longest) {
        (Some(first), longest) => Lock::Throttle { fails, first, longest: longest.unwrap_or(3600) },
        (None, None) => Lock::Hard { fails },
        (None, Some(_)) => {
            keys.fault("throttle_longest", "is of use with throttle only");
            Lock::Hard { fails }
        }
    });
    if let Some(positions) = keys.take::<u8>("pin_positions") {
        builder = builder.asked(if positions == 0 { Asked::All } else { Asked::Positions(positions) });
    }
    // In how many guessings of a whole lock one may succeed at the most.
    if let Some(one_in) = keys.take::<u32>("guess_bound") {
        builder = builder.bound(keyfob::GuessChance::one_in(one_in));
    }
    if let Some(one_in) = keys.take::<u32>("pin_guess_bound") {
        builder = builder.pin_bound(keyfob::GuessChance::one_in(one_in));
    }
    let error = match builder.build() {
        Ok(policy) => return Some(policy),
        Err(error) => error,
    };
    match too_many_guesses(error, throttles) {
        Some(message) => keys.fault(key_of(error), message),
        None => keys.refused(key_of(error), error),
    }
    None
}

/// The key that the engine refuses a policy for.
const fn key_of(error: keyfob::Error) -> &'static str {
    use keyfob::Error as E;
    match error {
        E::Window => "window",
        E::LookAhead => "look_ahead",
        E::ResyncWindow => "resync_window",
        E::MaxDrift => "max_drift",
        E::LockFails => "fails",
        E::LockDelay => "throttle",
        E::LongestDelay => "throttle_longest",
        E::Lifetime => "lifetime",
        E::Reuse => "reuse",
        E::PolicyPinLength => "pin_length",
        E::Positions => "pin_positions",
        E::GuessBound => "guess_bound",
        E::PinBound => "pin_guess_bound",
        _ => "",
    }
}

/// What to do where a bound on guessing is exceeded, by the names of the keys; none for other
/// errors. The engine's own text speaks of a chance, which grows where N of the keys falls.
const fn too_many_guesses(error: keyfob::Error, throttles: bool) -> Option<&'static str> {
    use keyfob::Error as E;
    Some(match (error, throttles) {
        (E::GuessBound, false) => {
            "more than 1 in N people who guess codes of six digits would succeed before the lock; lower policy.window, policy.look_ahead or \
             policy.fails, or lower policy.guess_bound (1 in N): a lower number allows more, 0 any"
        }
        (E::GuessBound, true) => {
            "more than 1 in N people who guess codes of six digits would succeed within a year of policy.throttle, which never locks; remove \
             policy.throttle, raise policy.throttle_longest, or lower policy.guess_bound (1 in N): a lower number allows more, 0 any"
        }
        (E::PinBound, false) => {
            "more than 1 in N people who guess the positions asked of a PIN would succeed before the lock; raise policy.pin_positions, lower \
             policy.fails, or lower policy.pin_guess_bound (1 in N): a lower number allows more, 0 any"
        }
        (E::PinBound, true) => {
            "more than 1 in N people who guess the positions asked of a PIN would succeed within a year of policy.throttle, which never locks; \
             remove policy.throttle, raise policy.pin_positions, or lower policy.pin_guess_bound (1 in N): a lower number allows more, 0 any"
        }
        _ => return None,
    })
}
