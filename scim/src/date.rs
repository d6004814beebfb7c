//! Dates in the form of Soffid, `yyyy-MM-dd HH:mm:ss` in UTC, and in that of ISO 8601.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Formats Unix seconds as Soffid does, `yyyy-MM-dd HH:mm:ss` in UTC. Times after the year 9999 are
/// formatted as its end.
pub fn format_soffid(seconds: u64) -> String {
    timestamp(seconds).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Formats Unix seconds as ISO 8601 does, `yyyy-MM-ddTHH:mm:ssZ`. Times after the year 9999 are
/// formatted as its end.
pub fn format_iso(seconds: u64) -> String {
    timestamp(seconds).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn timestamp(seconds: u64) -> Timestamp {
    i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok()).unwrap_or(Timestamp::MAX)
}

/// Parses either form, or a date alone, into Unix seconds. Without an offset it is UTC. A fraction
/// of a second is dropped. None for other text.
pub fn parse(text: &str) -> Option<i64> {
    parse_exact(text).map(|(seconds, _)| seconds)
}

/// Parses the same text as [`parse`] into Unix seconds and the nanoseconds since then, 0 to
/// 999,999,999.
pub(crate) fn parse_exact(text: &str) -> Option<(i64, i32)> {
    const SECOND_NANOS: i32 = 1_000_000_000;
    let time = text.parse::<Timestamp>().ok().or_else(|| TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok())?;
    // Before 1970 both parts are negative.
    match (time.as_second(), time.subsec_nanosecond()) {
        (seconds, nanos @ ..0) => Some((seconds.checked_sub(1)?, SECOND_NANOS.checked_add(nanos)?)),
        exact => Some(exact),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_forms_are_parsed() {
        for text in [
            "2021-10-14 06:57:00",
            "2021-10-14T06:57:00Z",
            "2021-10-14T08:57:00+02:00",
            "2021-10-14T06:57:00.9Z",
            "2021-10-14T06:57",
        ] {
            assert_eq!(parse(text), Some(1_634_194_620), "{text}");
        }
        assert_eq!(parse("2021-10-14"), Some(1_634_169_600));
        assert_eq!(parse_exact("2021-10-14T06:57:00.25Z"), Some((1_634_194_620, 250_000_000)));
        assert_eq!(parse_exact("1969-12-31T23:59:58.75Z"), Some((-2, 750_000_000)));
        for wrong in ["", "yesterday", "14.10.2021", "2021-13-01 00:00:00", "1634194620", "2021-10-14 25:00:00"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert_eq!(format_soffid(1_634_194_620), "2021-10-14 06:57:00");
        assert_eq!(format_iso(1_634_194_620), "2021-10-14T06:57:00Z");
        assert_eq!(format_soffid(u64::MAX), "9999-12-30 22:00:00");
    }

    proptest! {
        #[test]
        fn formatted_times_are_parsed_back(seconds in 0..200_000_000_000_u64) {
            for text in [format_soffid(seconds), format_iso(seconds)] {
                prop_assert_eq!(parse(&text), i64::try_from(seconds).ok(), "{}", text);
            }
        }
    }
}
