//! How long a failed token waits for its next try.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// The longest pause after a first failure. Later ones double.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const MAX_PAUSE: Duration = Duration::from_secs(5 * 60);
/// The longest pause that a receiver may ask for.
const MAX_ASKED: Duration = Duration::from_secs(60 * 60);

/// The pause after this many failures in a row. A random number takes up to half of it away, so
/// that not all senders come back at once.
pub(super) fn pause(fails: u32, random: u32) -> Duration {
    let factor = 2_u32.saturating_pow(fails.saturating_sub(1));
    let longest = FIRST_PAUSE.saturating_mul(factor).min(MAX_PAUSE);
    longest.saturating_sub(longest.mul_f64(f64::from(random) / f64::from(u32::MAX) / 2.0))
}

/// The pause that a receiver asks for by `Retry-After`, in seconds or until a date (RFC 9110
/// section 10.2.3). None if it cannot be read.
pub(super) fn asked(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let pause = if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Too many digits are too many seconds.
        Duration::from_secs(value.parse().unwrap_or(u64::MAX))
    } else {
        let date = rfc2822::parse(value).ok()?.timestamp();
        let now = Timestamp::try_from(now).ok()?;
        Duration::try_from(date.duration_since(now)).unwrap_or_default()
    };
    Some(pause.min(MAX_ASKED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_minutes_less_a_random_part() {
        let longest = [1, 2, 3, 4, 8, 9, 10, 100, u32::MAX].map(|fails| pause(fails, 0).as_secs());
        assert_eq!(longest, [1, 2, 4, 8, 128, 256, 300, 300, 300]);
        assert_eq!(pause(2, u32::MAX), Duration::from_secs(1));
        assert!(pause(9, u32::MAX / 2) < pause(9, u32::MAX / 3));
    }

    #[test]
    fn receiver_may_ask_for_seconds_or_a_date_and_an_hour_at_most() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let seconds = |value| asked(value, now).map(|pause| pause.as_secs());
        assert_eq!((seconds("3"), seconds(" 0 "), seconds("3601")), (Some(3), Some(0), Some(3600)));
        assert_eq!(seconds("99999999999999999999999"), Some(3600));
        // The example of RFC 9110 section 5.6.7 is the beginning of that second.
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:47 GMT"), Some(10));
        assert_eq!(seconds("Sun, 06 Nov 1994 08:49:27 GMT"), Some(0), "it is over");
        assert_eq!(seconds("Mon, 06 Nov 2094 08:49:27 GMT"), None, "it was no Monday");
        assert_eq!(seconds("Sat, 06 Nov 2094 08:49:27 GMT"), Some(3600));
        assert_eq!((seconds(""), seconds("-1"), seconds("soon")), (None, None, None));
    }
}
