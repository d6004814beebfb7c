//! Two passes over one file: what the second one writes when the file, or the store, has changed
//! since the first.

use std::ops::RangeInclusive;

use jiff::tz::TimeZone;
use keyfob_scim::Settings;
use tokio::runtime::Runtime;

use super::super::{DelimitedFile, FileOptions, Report, Rules, inspect, write};
use super::{HOTP, NOW, SECRET};
use crate::database::{Location, Options};
use crate::store::{Keys, PAGE_DEVICES, Preview, Store};

const HEAD: &str = "OTP_ID,OTP_TYPE,OTP_STATUS,OTP_FAILS,OTP_AUTKEY,OTP_LASCOU,OTP_LASUSE,OTP_CREATED,USU_CODI";
const KEY: &str = "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
const FILE: &str = "devices.csv";
/// The last numbers of the first two pages.
const ENDS: [i64; 2] = [256, 512];

/// A folder with files, and a store to import them into.
struct Import {
    folder: tempfile::TempDir,
    location: Location,
    runtime: Runtime,
    store: Store,
}

/// Rows with these numbers, enrolled in this second.
fn rows(ids: RangeInclusive<i64>, second: u32) -> String {
    let row = |id| format!("{id},TOTP,V,0,{SECRET},,,2023-11-14 20:00:{second:02},user{id}\n");
    format!("{HEAD}\n{}", ids.map(row).collect::<String>())
}

impl Import {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("keyfob.db").display());
        let location = Location::parse(&url, &Options::default()).unwrap();
        let runtime = Runtime::new().unwrap();
        let store = {
            let _within = runtime.enter();
            Store::open(&location, Keys::parse(KEY).unwrap()).unwrap()
        };
        Self { folder, location, runtime, store }
    }

    /// Looks at a file, does `meanwhile`, and writes. Returns the report, or why it stopped, and
    /// the rows that were not taken.
    fn run(&self, file: &str, meanwhile: impl FnOnce()) -> (Result<Report, String>, Vec<String>) {
        self.run_as(file, false, meanwhile)
    }

    /// The same, where names are corrected or not.
    fn run_as(&self, file: &str, corrects_names: bool, meanwhile: impl FnOnce()) -> (Result<Report, String>, Vec<String>) {
        let mut printed = Vec::new();
        let done = self.pass(file, corrects_names, Some(meanwhile), &mut printed);
        (done, printed)
    }

    /// Looks at a file only. Returns the summary, and the lines above it.
    fn look(&self, file: &str, corrects_names: bool) -> (String, Vec<String>) {
        let mut printed = Vec::new();
        let report = self.pass(file, corrects_names, None::<fn()>, &mut printed).unwrap();
        (report.summary(), printed)
    }

    /// Looks at a file, and writes it if there is something to do meanwhile.
    fn pass(
        &self,
        file: &str,
        corrects_names: bool,
        meanwhile: Option<impl FnOnce()>,
        printed: &mut Vec<String>,
    ) -> Result<Report, String> {
        let (settings, zone, writes) = (Settings::default(), TimeZone::UTC, meanwhile.is_some());
        let rules =
            Rules { settings: &settings, users: None, tenant: None, zone: &zone, hotp: HOTP, now: NOW, corrects_names, writes };
        let mut tell = |line: &str| {
            printed.push(line.to_owned());
            Ok(())
        };
        let mut source = DelimitedFile::open(&self.folder.path().join(file), FileOptions::default()).unwrap();
        let mut look = inspect(&mut source, &rules, &mut Preview::open(&self.location).unwrap(), &mut tell).unwrap();
        let Some(meanwhile) = meanwhile else { return Ok(look.report) };
        meanwhile();
        write(&mut source, &rules, &mut look, (&self.runtime, &self.store), &mut tell, &mut |_| ())?;
        Ok(look.report)
    }

    fn put(&self, file: &str, text: &str) {
        std::fs::write(self.folder.path().join(file), text).unwrap();
    }

    /// The user of a device, if it is there.
    fn user(&self, id: i64) -> Option<String> {
        self.runtime.block_on(self.store.get(id)).unwrap().map(|entry| entry.row.user)
    }
}

#[test]
fn a_file_that_changes_between_the_passes_is_imported_no_further() {
    assert_eq!(PAGE_DEVICES, 256, "or the pages end elsewhere");
    let (whole, pages) = (rows(1..=600, 0), rows(1..=512, 0));
    let field = |from: &str, to: &str| whole.replace(from, to);
    for (name, before, after, last) in [
        ("it grows within its last page", &whole, rows(1..=601, 0), ENDS[1]),
        ("it grows behind its last page", &pages, rows(1..=513, 0), ENDS[1]),
        ("it grows by a line that is no row", &pages, format!("{pages}513,TOTP\n"), ENDS[1]),
        ("it shrinks within its last page", &whole, rows(1..=599, 0), ENDS[1]),
        ("it shrinks to fewer pages", &whole, rows(1..=512, 0), ENDS[1]),
        ("it shrinks to nothing", &whole, format!("{HEAD}\n"), 0),
        ("a user changes in the second page", &whole, field(",user300\n", ",other\n"), ENDS[0]),
        ("a status changes in the first row", &whole, field("\n1,TOTP,V,", "\n1,TOTP,D,"), 0),
        ("the fails of the last row change", &whole, field("\n600,TOTP,V,0,", "\n600,TOTP,V,1,"), ENDS[1]),
        ("text moves to the next field", &whole, field("\n2,TOTP,V,0,", "\n2,TOTPV,,0,"), 0),
        ("a row moves from the second page to the first", &whole, field("\n256,", "\n2560,").replace("\n257,", "\n256,"), 0),
        ("its columns change their places", &whole, field("OTP_LASCOU,OTP_LASUSE", "OTP_LASUSE,OTP_LASCOU"), 0),
    ] {
        let import = Import::new();
        import.put(FILE, before);
        let (done, _) = import.run(FILE, || import.put(FILE, &after));
        let error = done.expect_err(name);
        assert!(error.contains("devices.csv") && error.contains("start"), "{name}: {error}");
        assert!(last == 0 || error.contains(&format!("{last} devices were imported")), "{name}: {error}");
        // The pages before are there, and nothing of the one that differs.
        for id in [1, ENDS[0], ENDS[1], 600] {
            assert_eq!(import.user(id), (id <= last).then(|| format!("user{id}")), "{name}: {id}");
        }
        // Again, as the message says: what is there stays, the rest comes.
        let report = import.run(FILE, || ()).0.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(report.there, u64::try_from(last).unwrap(), "{name}");
        let rows = after.lines().filter(|line| line.contains(",TOTP,") && line.contains(SECRET)).count();
        assert_eq!(report.stored, Some(u64::try_from(rows).unwrap() - report.there), "{name}");
        import.store.close();
    }
}

#[test]
fn a_number_that_is_taken_between_the_passes_is_reported_once() {
    let import = Import::new();
    import.put(FILE, &rows(10..=12, 5));
    import.run(FILE, || ()).0.unwrap();
    // Of these, one was taken before the first pass and one is between the two; one is imported by
    // another process meanwhile.
    import.put(FILE, &rows(12..=15, 0));
    let (done, refused) = import.run(FILE, || {
        for (ids, second) in [(13..=13, 9), (14..=14, 0)] {
            import.put("other.csv", &rows(ids, second));
            assert_eq!(import.run("other.csv", || ()).0.unwrap().stored, Some(1));
        }
    });
    let report = done.unwrap();
    assert_eq!((report.stored, report.there, report.refused), (Some(1), 1, 2), "{refused:?}");
    let reason = |row, id| {
        format!("not taken: line {row}, OTP_ID {id}, user \"user{id}\": OTP_ID: is the number of another device in the store")
    };
    assert_eq!(refused, [reason(2, 12), reason(3, 13)]);
    import.store.close();
}

#[test]
fn a_repeat_in_another_time_zone_is_told_from_numbers_of_other_devices() {
    let import = Import::new();
    let file = |times: &[(&str, &str)]| {
        let row = |(at, (kind, time)): (usize, &(&str, &str))| format!("{},{kind},V,0,{SECRET},,,{time},alice\n", at + 1);
        format!("{HEAD}\n{}", times.iter().enumerate().map(row).collect::<String>())
    };
    import.put(FILE, &file(&[("TOTP", "2023-11-12 20:00:00"); 8]));
    assert_eq!(import.run(FILE, || ()).0.unwrap().stored, Some(8));
    import.put(
        FILE,
        &file(&[
            ("TOTP", "2023-11-12 19:00:00"),
            ("TOTP", "2023-11-13 01:45:00"),
            ("TOTP", "2023-11-13 11:00:00"),
            ("TOTP", "2023-11-12 20:00:00"),
            ("TOTP", "2023-11-13 11:15:00"),
            ("TOTP", "2023-11-12 19:00:01"),
            ("HOTP", "2023-11-12 19:00:00"),
            ("TOTP", "2023-11-12 04:45:00"),
        ]),
    );
    let (done, printed) = import.run(FILE, || ());
    let report = done.unwrap();
    assert_eq!((report.stored, report.there, report.refused), (Some(0), 1, 7), "{printed:?}");
    let reason = |id: u64| match id {
        1..=3 => "OTP_CREATED: imported before with another --time-zone?",
        _ => "OTP_ID: is the number of another device in the store",
    };
    let lines = [1, 2, 3, 5, 6, 7, 8].map(|id| format!("not taken: line {}, OTP_ID {id}, user \"alice\": {}", id + 1, reason(id)));
    assert_eq!(printed, lines);
    import.store.close();
}

#[test]
fn a_repeat_tells_of_wrong_names_and_corrects_them_if_it_is_told_to() {
    let import = Import::new();
    let file = |names: &[(&str, &str)]| {
        let row = |(at, (user, name)): (usize, &(&str, &str))| {
            format!("{},TOTP,V,0,{SECRET},,,2023-11-14 20:00:00,{user},{name}\n", at + 1)
        };
        format!("{HEAD},OTP_NAME\n{}", names.iter().enumerate().map(row).collect::<String>())
    };
    import.put(FILE, &file(&[("CORP//tom", "a"), ("bob", "b/'s"), ("eve", "c")]));
    import.run(FILE, || ()).0.unwrap();
    import.put(FILE, &file(&[("CORP/tom", "a"), ("bob", "b's"), ("eva", "C"), ("new", "d")]));
    // The third has both another user and another name.
    let rows = [(2, 1, "CORP/tom"), (3, 2, "bob"), (4, 3, "eva")];
    let lines = |word: &str, values: [&str; 3], end: &str| {
        let line = |((line, id, user), values): ((u64, u64, &str), &str)| {
            format!("{word}: line {line}, OTP_ID {id}, user {user:?}: {values}{end}")
        };
        rows.into_iter().zip(values).map(line).collect::<Vec<_>>()
    };
    let values = [
        r#"user is "CORP//tom" in the store, and "CORP/tom" in the row"#,
        r#"name is "b/'s" in the store, and "b's" in the row"#,
        r#"user is "eve" in the store, and "eva" in the row; name is "c" in the store, and "C" in the row"#,
    ];
    let (summary, printed) = import.look(FILE, false);
    assert_eq!(printed, lines("differs", values, "; --write --correct-names takes the row's"));
    assert!(summary.contains("left as they are") && summary.contains("--write --correct-names gives them those"), "{summary}");
    let (done, printed) = import.run(FILE, || ());
    let report = done.unwrap();
    assert_eq!((report.stored, report.there, report.differ, report.corrected), (Some(1), 3, 3, 0));
    assert_eq!(printed, lines("differs", values, "; --write --correct-names takes the row's"));
    assert!(report.summary().contains("--correct-names"), "{}", report.summary());
    assert_eq!(import.user(1).as_deref(), Some("CORP//tom"));

    let (summary, printed) = import.look(FILE, true);
    assert_eq!(printed, lines("differs", values, "; --write takes the row's"));
    assert!(summary.contains(" 1  left as they are") && summary.contains(" 3  there already with another"), "{summary}");
    assert!(summary.contains("; --write gives them those of the rows"), "{summary}");
    assert_eq!(import.user(1).as_deref(), Some("CORP//tom"), "it was looked at only");
    let before = import.runtime.block_on(import.store.get(1)).unwrap().unwrap();
    let (done, printed) = import.run_as(FILE, true, || ());
    let report = done.unwrap();
    assert_eq!((report.stored, report.there, report.differ, report.corrected), (Some(0), 4, 0, 3));
    let values = [
        r#"user was "CORP//tom", and is "CORP/tom" now"#,
        r#"name was "b/'s", and is "b's" now"#,
        r#"user was "eve", and is "eva" now; name was "c", and is "C" now"#,
    ];
    assert_eq!(printed, lines("corrected", values, ""));
    let summary = report.summary();
    assert!(
        summary.contains(" 1  left as they are") && summary.contains(" 3  there already, with user and name corr"),
        "{summary}"
    );
    let after = import.runtime.block_on(import.store.get(1)).unwrap().unwrap();
    assert_eq!((after.row.user.as_str(), after.row.name.as_str(), after.version), ("CORP/tom", "a", before.version + 1));
    let second = import.runtime.block_on(import.store.get(2)).unwrap().unwrap();
    assert_eq!((second.row.user.as_str(), second.row.name.as_str()), ("bob", "b's"));
    let report = import.run_as(FILE, true, || ()).0.unwrap();
    assert_eq!((report.there, report.differ, report.corrected), (4, 0, 0));
    import.store.close();
}
