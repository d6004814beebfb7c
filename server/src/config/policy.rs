//! The section `policy`: how answers are judged.

use std::ops::RangeInclusive;

use keyfob::{Lock, PinPositions, Policy};

use super::reader::Reader;
use crate::store::OLD;

/// The seconds that `policy.clock_skew` may have. A request has its time when it comes, and then
/// waits for the store: with fewer, one that is judged after a later one would be refused as that
/// of a clock that is behind.
const CLOCK_SKEWS: RangeInclusive<u32> = 5..=3600;
const _: () = assert!(*CLOCK_SKEWS.start() as u64 >= OLD.as_secs());

/// The bits that `policy.min_secret_bits` may have: the engine takes no secret of fewer, and no key
/// needs more.
const MIN_SECRET_BITS: RangeInclusive<u16> = 80..=256;

/// The fewest bits of a secret that a client gives; `default` if the section does not say.
pub(super) fn read_min_secret_bits(keys: &mut Reader, default: u16) -> u16 {
    let bits = keys.or("min_secret_bits", || default);
    if !MIN_SECRET_BITS.contains(&bits) {
        keys.fault("min_secret_bits", "must be 80 to 256 bits");
    }
    bits
}

/// The policy of a section: a preset, and what is to differ from it.
pub(super) fn read(keys: &mut Reader) -> Option<Policy> {
    let preset = keys.choice("preset", &[("keyfob", Policy::default()), ("soffid", Policy::soffid())]).unwrap_or_default();
    let mut builder = preset.to_builder();
    macro_rules! each {
        ($($name:literal $method:ident)*) => { $(if let Some(value) = keys.take($name) { builder = builder.$method(value); })* };
    }
    each!("window" window "look_ahead" look_ahead "resync_window" resync_window "max_drift" max_drift);
    each!("first_window" first_window);
    each!("code_lifetime" code_lifetime "code_reuse" code_reuse "pin_min_length" pin_min_length);
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
    let fails = keys.or("max_fails", || preset.lock().max_fails());
    let longest = keys.take("throttle_max_delay");
    let first = keys.take("throttle");
    let throttles = first.is_some();
    builder = builder.lock(match (first, longest) {
        (Some(first), longest) => Lock::Throttle { max_fails: fails, first_delay: first, max_delay: longest.unwrap_or(3600) },
        (None, None) => Lock::Hard { max_fails: fails },
        (None, Some(_)) => {
            keys.fault("throttle_max_delay", "is of use with throttle only");
            Lock::Hard { max_fails: fails }
        }
    });
    if let Some(positions) = keys.take::<u8>("pin_positions") {
        builder = builder.pin_positions(if positions == 0 { PinPositions::All } else { PinPositions::Count(positions) });
    }
    // In how many guessings of a whole lock one may succeed at the most.
    if let Some(one_in) = keys.take::<u32>("guess_bound") {
        builder = builder.guess_bound(keyfob::GuessChance::one_in(one_in));
    }
    if let Some(one_in) = keys.take::<u32>("pin_guess_bound") {
        builder = builder.pin_guess_bound(keyfob::GuessChance::one_in(one_in));
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
        E::FirstWindow => "first_window",
        E::MaxFails => "max_fails",
        E::FirstDelay => "throttle",
        E::MaxDelay => "throttle_max_delay",
        E::CodeLifetime => "code_lifetime",
        E::CodeReuse => "code_reuse",
        E::PinMinLength => "pin_min_length",
        E::PinPositions => "pin_positions",
        E::GuessBound => "guess_bound",
        E::PinGuessBound => "pin_guess_bound",
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
             policy.max_fails, or lower policy.guess_bound (1 in N): a lower number allows more, 0 any"
        }
        (E::GuessBound, true) => {
            "more than 1 in N people who guess codes of six digits would succeed within a year of policy.throttle, which never locks; remove \
             policy.throttle, raise policy.throttle_max_delay, or lower policy.guess_bound (1 in N): a lower number allows more, 0 any"
        }
        (E::PinGuessBound, false) => {
            "more than 1 in N people who guess the positions asked of a PIN would succeed before the lock; raise policy.pin_positions, lower \
             policy.max_fails, or lower policy.pin_guess_bound (1 in N): a lower number allows more, 0 any"
        }
        (E::PinGuessBound, true) => {
            "more than 1 in N people who guess the positions asked of a PIN would succeed within a year of policy.throttle, which never locks; \
             remove policy.throttle, raise policy.pin_positions, or lower policy.pin_guess_bound (1 in N): a lower number allows more, 0 any"
        }
        _ => return None,
    })
}
