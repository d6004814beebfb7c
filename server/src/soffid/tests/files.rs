//! Files as programs write them: separators, quotes, escapes, NULL, and faults with their line and
//! column.

use std::path::{Path, PathBuf};

use super::super::delimited::Quoting;
use super::super::file::{DelimitedFile, FileOptions};
use super::super::source::{Field, RawRow, ReadRow, Source as _};

const HEAD: &str = "OTP_ID,OTP_TYPE,OTP_STATUS,OTP_FAILS,OTP_AUTKEY,OTP_LASCOU,OTP_LASUSE,OTP_CREATED";

/// A folder with files.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// A file with these columns beside those that are needed, and of each row what these say. If
    /// the first has quotes, all texts have.
    fn rows(&self, columns: &str, rows: &[&str]) -> PathBuf {
        let quote = if rows[0].contains('"') { "\"" } else { "" };
        let row = |(at, row): (usize, &&str)| {
            let needed = format!("{},'TOTP','V',0,'KEY',,,'x'", at + 60).replace('\'', quote);
            format!("{needed},{row}\n")
        };
        let rows: String = rows.iter().enumerate().map(row).collect();
        self.put("devices.csv", format!("{HEAD},{columns}\n{rows}").as_bytes())
    }
}

fn open(path: &Path, options: FileOptions<'_>) -> Result<DelimitedFile, String> {
    let opened = DelimitedFile::open(path, options);
    if let Err(error) = &opened {
        assert!(error.contains(path.file_name().unwrap().to_str().unwrap()), "{error}");
    }
    opened
}

fn read(path: &Path, options: FileOptions<'_>) -> Result<Vec<ReadRow>, String> {
    open(path, options)?.page()
}

/// The rows of a file without faults.
#[track_caller]
fn good(path: &Path, options: FileOptions<'_>) -> Vec<RawRow> {
    let page = read(path, options).unwrap_or_else(|error| panic!("{error}"));
    page.into_iter().map(|read| read.unwrap_or_else(|fault| panic!("{:?}: {}", fault.line, fault.reason))).collect()
}

/// The users of a file without faults.
#[track_caller]
fn users(path: &Path, options: FileOptions<'_>) -> Vec<String> {
    good(path, options).iter().map(|raw| raw.get(Field::User).unwrap_or_default().to_owned()).collect()
}

fn written(quoting: Quoting) -> FileOptions<'static> {
    FileOptions { quoting: Some(quoting), ..FileOptions::default() }
}

#[test]
fn files_are_read_as_programs_write_them() {
    let files = Files::new();
    let text = format!(
        "\u{feff}{HEAD},OTP_NAME,OTP_USU_ID\r\n60,TOTP,V,0,KEY,\\N,,x,\"a \"\"b\"\", c\",5\r\n\r\n61,TOTP\r\n62,TOTP,V,0,KEY,,,x,"
    );
    let devices = files.put("devices.csv", &[text.as_bytes(), b"\xff,6\n"].concat());
    let names = files.put("users.csv", b"usu_codi,usu_id\nalice,5\n");
    let options = FileOptions { users: Some(&names), ..FileOptions::default() };
    let mut source = open(&devices, options).unwrap();
    for _ in 0..2 {
        let page = source.page().unwrap();
        let [Ok(row), Err(short), Err(foreign)] = page.as_slice() else { panic!("{}", page.len()) };
        assert_eq!((row.line, row.get(Field::Name), row.get(Field::User)), (Some(2), Some("a \"b\", c"), Some("alice")));
        assert_eq!((row.get(Field::LastCounter), row.get(Field::LastUsed), row.get(Field::Pin)), (None, None, None));
        assert_eq!((short.line, short.reason.as_str()), (Some(4), "has 2 fields, and the first line 10"));
        assert_eq!(foreign.line, Some(5));
        assert!(foreign.reason.starts_with("OTP_NAME: is not UTF-8"), "{}", foreign.reason);
        assert!(source.page().unwrap().is_empty());
        source.restart().unwrap();
    }
    let fault = |options: FileOptions<'_>| open(&devices, options).err().expect("it is refused");
    assert!(fault(FileOptions::default()).contains("has no column USU_CODI; name the column"));
    assert!(fault(FileOptions { user_column: Some("login"), ..FileOptions::default() }).contains("has no column login"));
    let wrong = DelimitedFile::open(&devices, FileOptions { users: Some(&devices), ..FileOptions::default() }).err().unwrap();
    assert!(wrong.contains("has no columns USU_ID, USU_CODI"), "{wrong}");
    let few = files.put("few.csv", b"OTP_ID,OTP_TYPE,OTP_STATUS,OTP_FAILS,OTP_AUTKEY,OTP_CREATED\n");
    for (options, all) in [
        (FileOptions::default(), "has no columns OTP_LASCOU, OTP_LASUSE, USU_CODI; name the column"),
        (FileOptions { user_column: Some("login"), ..FileOptions::default() }, "has no columns OTP_LASCOU, OTP_LASUSE, login"),
        (
            FileOptions { users: Some(&names), ..FileOptions::default() },
            "has no columns OTP_LASCOU, OTP_LASUSE, OTP_USU_ID; name the column",
        ),
    ] {
        let error = open(&few, options).err().unwrap();
        assert!(error.contains(all), "{error}");
    }
    let nobody = files.put("nobody.csv", b"USU_NAME,USU_MAIL\n");
    let error = DelimitedFile::open(&devices, FileOptions { users: Some(&nobody), ..FileOptions::default() }).err().unwrap();
    assert!(error.ends_with("nobody.csv: has no columns USU_ID, USU_CODI"), "{error}");
    assert!(open(&files.0.path().join("none.csv"), FileOptions::default()).is_err());
    assert!(open(&files.put("empty.csv", b""), FileOptions::default()).err().unwrap().contains("is empty"));
}

#[test]
fn separators_are_found_or_named() {
    let files = Files::new();
    let text = format!("{HEAD},OTP_NAME,USU_CODI\n60,TOTP,V,0,KEY,,,x,\"a\tb;c,d\",alice\n");
    for separator in [",", ";", "\t"] {
        let body = text.replace(',', separator).replace(&format!("c{separator}d"), "c,d");
        let path = files.put("devices.csv", body.as_bytes());
        let rows = good(&path, FileOptions::default());
        assert_eq!((rows[0].line, rows[0].get(Field::Name), rows[0].get(Field::User)), (Some(2), Some("a\tb;c,d"), Some("alice")));
    }
    for (line, separator) in [("sep=,\r\n", ","), ("\u{feff}SEP=;\n", ";"), ("sep=|\n", "|")] {
        let path = files.put("devices.csv", format!("{line}{}", text.replace(',', separator)).as_bytes());
        let rows = good(&path, FileOptions::default());
        assert_eq!((rows[0].line, rows[0].get(Field::User)), (Some(3), Some("alice")), "{line:?}");
    }
    for (bytes, part) in [
        (text.replace(',', "|").into_bytes(), "with commas, semicolons or tabs between them"),
        (format!("sep=\\\n{text}").into_bytes(), "line 1: sep= must name a separator"),
        (text.replace('\n', "\r").into_bytes(), "its lines end with CR alone"),
        (text.lines().nth(1).unwrap().as_bytes().to_vec(), "MariaDB and MySQL write no such line"),
    ] {
        let error = open(&files.put("devices.csv", &bytes), FileOptions::default()).err().expect("it is refused");
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn utf_16_is_named_with_its_remedy() {
    let files = Files::new();
    let text = format!("{HEAD},USU_CODI\n60,TOTP,V,0,KEY,,,x,alice\n");
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [[&b"\xff\xfe"[..], &little].concat(), [&b"\xfe\xff"[..], &big].concat(), little, big] {
        let error = open(&files.put("devices.csv", &bytes), FileOptions::default()).err().expect("it is refused");
        assert!(error.contains("is UTF-16") && error.contains("iconv -f UTF-16 -t UTF-8"), "{error}");
    }
}

#[test]
fn backslashes_are_undone_where_the_file_shows_that_they_escape() {
    let files = Files::new();
    for (columns, rows, expected) in [
        // Of MariaDB and MySQL: \N, and nothing that they do not write.
        ("OTP_NAME,USU_CODI", &["\\N,\"CORP\\\\tom\"", "\\N,\"a\\\"b, c\\\nd\\\\\""][..], &["CORP\\tom", "a\"b, c\nd\\"][..]),
        ("OTP_NAME,USU_CODI", &["\\N,CORP\\\\tom", "\\N,a\\,b\"c\"", "x,\"a\""], &["CORP\\tom", "a,b\"c\"", "\"a\""]),
        ("OTP_NAME,USU_CODI", &["\\N,\"two\\\r\nlines\""], &["two\r\nlines"]),
        // RFC 4180 has no such quotes.
        ("OTP_NAME,USU_CODI", &["\"x\",\"a\\\"b\"", "\"x\",\"CORP\\\\tom\""], &["a\"b", "CORP\\tom"]),
        // \N is NULL in both.
        ("OTP_NAME,USU_CODI", &["\\N,\"a \"\"b\"\"\""], &["a \"b\""]),
    ] {
        assert_eq!(users(&files.rows(columns, rows), FileOptions::default()), expected, "{rows:?}");
    }
}

#[test]
fn backslashes_that_may_be_text_are_asked_for() {
    let files = Files::new();
    for (row, as_csv, as_mysql) in [
        ("x,CORP\\tom", "CORP\\tom", Some("CORP\tom")),
        ("x,CORP\\\\tom", "CORP\\\\tom", Some("CORP\\tom")),
        ("\\N,CORP\\tom", "CORP\\tom", Some("CORP\tom")),
        ("\\N,CORP\\smith", "CORP\\smith", None),
        ("\\N,\\Nancy", "\\Nancy", None),
        ("x,\"CORP\\\\ \"\"tom\"\"\"", "CORP\\\\ \"tom\"", None),
    ] {
        let path = files.rows("OTP_NAME,USU_CODI", &["\"y\",\"first\"", row]);
        let error = open(&path, FileOptions::default()).err().unwrap_or_else(|| panic!("{row}: it is taken"));
        for part in ["line 3, column USU_CODI: has a backslash", "--dialect csv", "--dialect mysql"] {
            assert!(error.contains(part), "{row}: {error}");
        }
        assert_eq!(users(&path, written(Quoting::Csv))[1], as_csv, "{row}");
        let page = read(&path, written(Quoting::MySql)).unwrap();
        match (&page[1], as_mysql) {
            (Ok(raw), Some(user)) => assert_eq!(raw.get(Field::User), Some(user), "{row}"),
            (Err(fault), None) => assert!(fault.line == Some(3) && fault.reason.starts_with("column "), "{}", fault.reason),
            (read, _) => panic!("{row}: {}", read.is_ok()),
        }
    }
    // So is the file of the users.
    let devices = files.rows("OTP_USU_ID", &["5"]);
    let names = files.put("users.csv", b"USU_ID,USU_CODI\n5,CORP\\\\tom\n");
    let options = FileOptions { users: Some(&names), ..FileOptions::default() };
    let error = DelimitedFile::open(&devices, options).err().unwrap();
    assert!(error.contains("users.csv: line 2, column USU_CODI: has a backslash"), "{error}");
    assert_eq!(users(&devices, FileOptions { quoting: Some(Quoting::MySql), ..options }), ["CORP\\tom"]);
}

#[test]
fn letters_of_a_batch_are_undone() {
    let files = Files::new();
    let text =
        format!("{HEAD}\tOTP_NAME\tUSU_CODI\n60,TOTP,V,0,KEY,NULL,NULL,x,\"a\\tb\\n\\\\c\",CORP\\\\tom\r\n").replace(',', "\t");
    let rows = good(&files.put("devices.csv", text.as_bytes()), written(Quoting::MySql));
    assert_eq!((rows[0].get(Field::Name), rows[0].get(Field::User)), (Some("\"a\tb\n\\c\""), Some("CORP\\tom")));
    assert_eq!((rows[0].get(Field::LastCounter), rows[0].get(Field::LastUsed)), (None, None));
}

#[test]
fn faulty_quotes_are_told_by_line_and_column() {
    let files = Files::new();
    for (row, column, what) in [
        ("\"Joe\" Smith,alice", "OTP_NAME", "there is text between a closing quote and the separator"),
        ("x,\"bob\"x", "USU_CODI", "there is text between a closing quote and the separator"),
        ("x,\"bob\" ", "USU_CODI", "there is text between a closing quote and the separator"),
        // INTO OUTFILE ... ESCAPED BY '' and '"'.
        ("\"a\"b\",\"bob\"", "OTP_NAME", "there is text between a closing quote and the separator"),
        ("\"N,\"bob\"", "OTP_NAME", "there is text between a closing quote and the separator"),
        ("x, \"bob\"", "USU_CODI", "there is a quote within unquoted text"),
        ("a\"b,bob", "OTP_NAME", "there is a quote within unquoted text"),
    ] {
        let page =
            read(&files.rows("OTP_NAME,USU_CODI", &["\"two\nlines\",first", row, "x,last"]), FileOptions::default()).unwrap();
        let [Ok(_), Err(fault), Ok(last)] = page.as_slice() else { panic!("{row}: {}", page.len()) };
        assert_eq!((fault.line, fault.reason.as_str()), (Some(4), format!("column {column}: {what}").as_str()), "{row}");
        assert_eq!((last.line, last.get(Field::User)), (Some(5), Some("last")), "{row}");
    }
    // What follows is not read as rows.
    for row in ["x,\"bob", &format!("\"{}\n", "long\n".repeat(1 << 18))] {
        let error = read(&files.rows("OTP_NAME,USU_CODI", &["x,first", row, "x,last"]), FileOptions::default())
            .err()
            .expect("it is refused");
        assert!(error.contains("devices.csv: line 3: ") && error.contains("quote"), "{error}");
    }
}

#[test]
fn the_word_null_is_null_in_numbers_and_dates_and_asked_for_in_texts() {
    let files = Files::new();
    let text = |word: &str| {
        let row = format!("60,TOTP,V,{word},KEY,{word},{word},x,{word},7,{word}");
        files.put(
            "devices.csv",
            format!("{HEAD},OTP_DIGITS,OTP_TEN_ID,OTP_USU_ID,USU_CODI\n{row},alice\n61,TOTP,V,0,KEY,1,x,x,6,7,8,{word}\n")
                .as_bytes(),
        )
    };
    for word in ["NULL", "null"] {
        let error = read(&text(word), FileOptions::default()).err().expect("it is asked for");
        assert!(error.contains("line 3, column USU_CODI: the word NULL") && error.contains("--null NULL"), "{error}");
        let options = FileOptions { null: Some(word), ..FileOptions::default() };
        let rows = good(&text(word), options);
        let fields = [Field::Fails, Field::LastCounter, Field::LastUsed, Field::Digits, Field::UserId];
        assert_eq!(fields.map(|field| rows[0].get(field)), [None; 5]);
        assert_eq!((rows[0].get(Field::User), rows[1].get(Field::User)), (Some("alice"), None));
        assert_eq!(users(&text(word), FileOptions { null: Some(""), ..FileOptions::default() }), ["alice", word]);
    }
    // No algorithm has that name.
    let rows = good(&files.rows("OTP_ALGORI,USU_CODI", &["NULL,alice"]), FileOptions::default());
    assert_eq!((rows[0].get(Field::Algorithm), rows[0].get(Field::User)), (None, Some("alice")));
    // Within quotes it is a text.
    assert_eq!(users(&files.rows("OTP_NAME,USU_CODI", &["\"NULL\",\"NULL\""]), FileOptions::default()), ["NULL"]);
    // So is the file of the users.
    let devices = files.rows("OTP_USU_ID", &["5"]);
    let names = files.put("users.csv", b"USU_ID,USU_CODI\n5,NULL\n");
    let options = FileOptions { users: Some(&names), ..FileOptions::default() };
    let error = DelimitedFile::open(&devices, options).err().unwrap();
    assert!(error.contains("users.csv: line 2, column USU_CODI: the word NULL"), "{error}");
    assert_eq!(users(&devices, FileOptions { null: Some("NULL"), ..options }), [""]);
    assert_eq!(users(&devices, FileOptions { null: Some("-"), ..options }), ["NULL"]);
}

/// PostgreSQL writes so with `NULL '\N'`: taken for MariaDB's without quotes, names would have
/// quotes in them.
#[test]
fn quotes_in_a_file_that_mariadb_would_write_without_are_asked_about() {
    let files = Files::new();
    let path = files.rows("USU_CODI,OTP_NAME", &[r"CORP\\tom,TOTP1", r"anna,\N"]);
    let text = std::fs::read_to_string(&path).unwrap().replace("TOTP1", "\"say \"\"hi\"\"\"");
    std::fs::write(&path, text).unwrap();
    let error = read(&path, FileOptions::default()).err().unwrap();
    assert!(error.contains("--dialect csv") && error.contains("column USU_CODI"), "{error}");
}

/// The first line may be a row, with a secret in it.
#[test]
fn the_first_line_of_a_file_without_names_is_not_repeated() {
    let files = Files::new();
    let path = files.put("devices.csv", b"60,TOTP,V,0,ABCDEFGHIJKLMNOPQRSTUVWXYZ,1\n61,TOTP,V,0,x\\y,1\n");
    let error = read(&path, FileOptions::default()).err().unwrap();
    assert!(error.contains("column 5:") && !error.contains("ABCDEF"), "{error}");
}
