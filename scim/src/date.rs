//! Dates as Soffid writes them, `yyyy-MM-dd HH:mm:ss` in UTC, and as ISO 8601 does.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Writes Unix seconds. Times after the year 9999 are written as its end.
pub fn write(seconds: u64, iso: bool) -> String {
    let time = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok()).unwrap_or(Timestamp::MAX);
    if iso { time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string() } else { time.strftime("%Y-%m-%d %H:%M:%S").to_string() }
}

/// Reads either form, a date alone too, into Unix seconds; without an offset it is UTC. A part of a
/// second is dropped.
pub fn read(text: &str) -> Option<i64> {
    read_exact(text).map(|(seconds, _)| seconds)
}

/// Reads what [`read`] does, into Unix seconds and the nanoseconds since then, 0 to 999,999,999.
pub(crate) fn read_exact(text: &str) -> Option<(i64, i32)> {
    const SECOND: i32 = 1_000_000_000;
    let time = text.parse::<Timestamp>().ok().or_else(|| TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok())?;
    // Before 1970 both parts are negative.
    match (time.as_second(), time.subsec_nanosecond()) {
        (seconds, nanos @ ..0) => Some((seconds.checked_sub(1)?, SECOND.checked_add(nanos)?)),
        exact => Some(exact),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_forms_are_read() {
        for text in [
            "2021-10-14 06:57:00",
            "2021-10-14T06:57:00Z",
            "2021-10-14T08:57:00+02:00",
            "2021-10-14T06:57:00.9Z",
            "2021-10-14T06:57",
        ] {
            assert_eq!(read(text), Some(1_634_194_620), "{text}");
        }
        assert_eq!(read("2021-10-14"), Some(1_634_169_600));
        assert_eq!(read_exact("2021-10-14T06:57:00.25Z"), Some((1_634_194_620, 250_000_000)));
        assert_eq!(read_exact("1969-12-31T23:59:58.75Z"), Some((-2, 750_000_000)));
        for wrong in ["", "yesterday", "14.10.2021", "2021-13-01 00:00:00", "1634194620", "2021-10-14 25:00:00"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(write(1_634_194_620, false), "2021-10-14 06:57:00");
        assert_eq!(write(1_634_194_620, true), "2021-10-14T06:57:00Z");
        assert_eq!(write(u64::MAX, false), "9999-12-30 22:00:00");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(seconds in 0..200_000_000_000_u64, iso: bool) {
            prop_assert_eq!(read(&write(seconds, iso)), i64::try_from(seconds).ok());
        }
    }
}
