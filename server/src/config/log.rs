//! The filter of the log.

use tracing_subscriber::EnvFilter;

use super::names::nearest;

/// The levels, and `off`.
const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// Names of levels in other programs, and the level here.
const FOREIGN_LEVELS: [(&str, &str); 6] =
    [("err", "error"), ("critical", "error"), ("fatal", "error"), ("warning", "warn"), ("notice", "info"), ("verbose", "debug")];

/// Reads a level, or a list of `target=level` with commas. Refuses a word that is no level: it
/// would be read as a target, and silence everything else.
///
/// Errors: a message for people.
pub(crate) fn filter(text: &str) -> Result<EnvFilter, String> {
    let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
    let is_known = |word: &&str| is_level(word) || word.contains('=');
    if let Some(word) = text.split(',').map(str::trim).find(|word| !is_known(word)) {
        let foreign = FOREIGN_LEVELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, level)| *level);
        let meant = foreign.or_else(|| nearest(word, LEVELS.into_iter()));
        let meant = meant.map(|level| format!("; did you mean {level}?")).unwrap_or_default();
        return Err(format!("must be one of {}, or a filter such as info,keyfob_server=debug{meant}", LEVELS.join(", ")));
    }
    EnvFilter::try_new(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::filter;

    #[test]
    fn log_is_a_level_or_a_filter() {
        for text in [
            "info",
            "WARN",
            "Trace",
            "off",
            "info,keyfob_server=debug",
            "off,keyfob_server=info",
            "keyfob_server[request{id=1}]=debug,warn",
        ] {
            assert!(filter(text).is_ok(), "{text}: {:?}", filter(text).err());
        }
        for (text, meant) in [
            ("warning", Some("did you mean warn?")),
            ("verbose", Some("did you mean debug?")),
            ("Fatal", Some("did you mean error?")),
            ("inof", Some("did you mean info?")),
            ("warning,keyfob_server=debug", Some("did you mean warn?")),
            ("offf", Some("did you mean off?")),
            ("keyfob_server", None),
            ("info,hyper", None),
            ("info,", None),
            ("", None),
            ("3", None),
        ] {
            let error = filter(text).map(|_| ()).expect_err(text);
            assert!(error.starts_with("must be one of error, warn, info, debug, trace, off, or a filter"), "{text}: {error}");
            assert_eq!(error.split_once("; ").map(|(_, meant)| meant), meant, "{text}");
        }
        for text in ["keyfob_server=loud", "=info=", "keyfob_server=warning"] {
            assert!(filter(text).is_err(), "{text}");
        }
    }
}
