//! Files that MariaDB itself writes, imported: `INTO OUTFILE`, `--batch` and `--tab`.

use std::fs;
use std::path::Path;

use super::mariadb::{MariaDb, run};
use super::process::{Run, folder, keyfob};

/// As Soffid's add-on and its console make them, as far as they are read.
pub(crate) const TABLES: &str = r#"
    CREATE DATABASE soffid CHARACTER SET utf8mb4; USE soffid;
    CREATE TABLE SC_USUARI (USU_ID BIGINT PRIMARY KEY, USU_CODI VARCHAR(150) NOT NULL);
    CREATE TABLE SCO_DEVICE (OTP_ID BIGINT PRIMARY KEY, OTP_TEN_ID BIGINT NOT NULL, OTP_NAME VARCHAR(250), OTP_TYPE VARCHAR(10) NOT NULL,
        OTP_USU_ID BIGINT NOT NULL, OTP_CREATED DATETIME(3) NOT NULL, OTP_LASUSE DATETIME, OTP_AUTKEY VARCHAR(255), OTP_LASCOU BIGINT,
        OTP_FAILS INT NOT NULL, OTP_STATUS CHAR(1) NOT NULL, OTP_EMAIL VARCHAR(255), OTP_PHONE VARCHAR(255), OTP_PIN VARCHAR(255),
        OTP_DIGITS INT, OTP_ALGORI VARCHAR(255));
    INSERT INTO SC_USUARI VALUES (1, 'CORP\\tom'), (2, 'o"neil, x'), (3, 'José\\'), (4, 'NULL'), (5, '"q" ''s;');
    INSERT INTO SCO_DEVICE (OTP_ID, OTP_TEN_ID, OTP_NAME, OTP_TYPE, OTP_USU_ID, OTP_CREATED, OTP_LASUSE, OTP_AUTKEY, OTP_LASCOU, OTP_FAILS,
        OTP_STATUS, OTP_PHONE, OTP_DIGITS, OTP_ALGORI) VALUES
        (60, 1, 'of \\ "Tom", \\\\', 'TOTP', 1, '2021-10-14 06:44:43.123', '2021-10-14 06:57:00', 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', NULL, 2, 'V', NULL, 6, 'HmacSHA1'),
        (61, 1, NULL, 'SMS', 2, '2021-10-14 06:44:43', NULL, NULL, NULL, 0, 'V', '666555444', NULL, NULL),
        (62, 1, '\\N', 'HOTP', 3, '2021-10-14 06:44:43', NULL, 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', 4, 0, 'V', NULL, NULL, NULL),
        (63, 1, 'a', 'TOTP', 4, '2021-10-14 06:44:43', NULL, 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', NULL, 0, 'V', NULL, 6, 'HmacSHA1'),
        (64, 1, '', 'TOTP', 5, '2021-10-14 06:44:43', NULL, 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', NULL, 0, 'D', NULL, 8, 'HmacSHA256');"#;

const COLUMNS: [&str; 16] = [
    "OTP_ID",
    "OTP_TEN_ID",
    "OTP_NAME",
    "OTP_TYPE",
    "OTP_USU_ID",
    "OTP_CREATED",
    "OTP_LASUSE",
    "OTP_AUTKEY",
    "OTP_LASCOU",
    "OTP_FAILS",
    "OTP_STATUS",
    "OTP_EMAIL",
    "OTP_PHONE",
    "OTP_PIN",
    "OTP_DIGITS",
    "OTP_ALGORI",
];
const USERS: [&str; 2] = ["USU_ID", "USU_CODI"];

pub(crate) fn server() -> MariaDb {
    let server = MariaDb::start(&[], &[]);
    server.sql(TABLES);
    server
}

fn import(folder: &Path, more: &[&str]) -> Run {
    Run::from_command(
        keyfob(folder, &[&["import-soffid", "--from", "devices.csv", "--users", "users.csv", "--write"], more].concat()),
        "",
    )
}

/// Numbers, users and names of the devices in the store of a folder.
fn stored(folder: &Path) -> Vec<(i64, String, String)> {
    let store = rusqlite::Connection::open(folder.join("keyfob.db")).unwrap();
    let mut rows = store.prepare("SELECT id, user_name, name FROM device ORDER BY id").unwrap();
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[track_caller]
pub(crate) fn check(folder: &Path, form: &str) {
    let expected = [
        (60, "CORP\\tom", "of \\ \"Tom\", \\\\"),
        (61, "o\"neil, x", "SMS message to 66*****44"),
        (62, "José\\", "\\N"),
        (63, "NULL", "a"),
        (64, "\"q\" 's;", "TOTP00000001"),
    ];
    assert_eq!(stored(folder), expected.map(|(id, user, name)| (id, user.to_owned(), name.to_owned())), "{form}");
}

/// Puts the names of the columns before what a server wrote.
fn put(folder: &Path, name: &str, columns: &[&str], separator: &str, rows: &[u8]) {
    fs::write(folder.join(name), [columns.join(separator).as_bytes(), b"\n", rows].concat()).unwrap();
}

#[test]
fn what_into_outfile_writes_is_imported_as_the_tables_have_it() {
    let server = server();
    for (at, (form, separator)) in [
        (r#"FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"'"#, ","),
        (r#"FIELDS TERMINATED BY ',' ENCLOSED BY '"' LINES TERMINATED BY '\r\n'"#, ","),
        (r#"FIELDS TERMINATED BY ';' OPTIONALLY ENCLOSED BY '"'"#, ";"),
        ("FIELDS TERMINATED BY ','", ","),
        ("", "\t"),
    ]
    .into_iter()
    .enumerate()
    {
        let folder = folder();
        let folder = folder.path();
        for (table, name, columns) in [("SCO_DEVICE", "devices", &COLUMNS[..]), ("SC_USUARI", "users", &USERS)] {
            let path = server.path(&format!("{name}{at}"));
            server.sql(&format!("SELECT {} FROM soffid.{table} INTO OUTFILE '{}' {form}", columns.join(","), path.display()));
            put(folder, &format!("{name}.csv"), columns, separator, &fs::read(path).unwrap());
        }
        // The devices have \N; what a backslash is among the users, their file does not show. The
        // word NULL is a text: of quotes only that shows.
        let quoted = form.contains("ENCLOSED");
        let run = import(folder, &[]);
        let asked = run.err.contains("users.csv: line 2, column USU_CODI: has a backslash");
        assert!(asked && run.status == Some(2) || quoted && run.status == Some(0), "{form}: {run:?}");
        let run = import(folder, &["--dialect", "mysql"]);
        let asked = run.err.contains("users.csv: line 5, column USU_CODI: the word NULL");
        assert!(quoted && run.status == Some(0) || !quoted && asked && run.status == Some(2), "{form}: {run:?}");
        let run = import(folder, &["--dialect", "mysql", "--null", ""]);
        assert_eq!(run.status, Some(0), "{form}: {run:?}");
        check(folder, form);
    }
}

#[test]
fn what_into_outfile_writes_is_recognized_by_its_nulls() {
    let server = server();
    let (folder, path) = (folder(), server.path("devices"));
    let head = COLUMNS.map(|column| format!("'{column}'")).join(",");
    server.sql(&format!(
        "SELECT {head}, 'USU_CODI' UNION ALL SELECT {}, USU_CODI FROM soffid.SCO_DEVICE JOIN soffid.SC_USUARI ON USU_ID = OTP_USU_ID \
         INTO OUTFILE '{}' CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"'",
        COLUMNS.join(","),
        path.display()
    ));
    let file = path.to_str().unwrap();
    let run = Run::from_command(keyfob(folder.path(), &["import-soffid", "--from", file, "--write"]), "");
    assert_eq!(run.status, Some(0), "{run:?}");
    check(folder.path(), "UNION ALL");
    // An import from before, with the backslashes doubled.
    let store = rusqlite::Connection::open(folder.path().join("keyfob.db")).unwrap();
    store.execute_batch(r"UPDATE device SET user_name = 'CORP\\tom' WHERE id = 60").unwrap();
    drop(store);
    let again = Run::from_command(keyfob(folder.path(), &["import-soffid", "--from", file, "--write"]), "");
    assert!(again.status == Some(1) && again.out.contains("differs: line 2, OTP_ID 60"), "{again:?}");
    let healed = Run::from_command(keyfob(folder.path(), &["import-soffid", "--from", file, "--write", "--correct-names"]), "");
    assert!(healed.status == Some(0) && healed.out.contains("1  there already, with user and name corrected"), "{healed:?}");
    check(folder.path(), "corrected");
}

#[test]
fn what_into_outfile_writes_without_escapes_is_refused_where_quotes_stand_in_texts() {
    let server = server();
    for (at, escape) in ["", "\""].into_iter().enumerate() {
        let (folder, path) = (folder(), server.path(&format!("devices{at}")));
        server.sql(&format!(
            "SELECT {}, USU_CODI FROM soffid.SCO_DEVICE JOIN soffid.SC_USUARI ON USU_ID = OTP_USU_ID WHERE OTP_ID < 62 \
             INTO OUTFILE '{}' FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '{escape}'",
            COLUMNS.join(","),
            path.display()
        ));
        let columns = [&COLUMNS[..], &["USU_CODI"]].concat();
        put(folder.path(), "devices.csv", &columns, ",", &fs::read(path).unwrap());
        let args = ["import-soffid", "--from", "devices.csv", "--write", "--dialect", "csv", "--null", "NULL"];
        let run = Run::from_command(keyfob(folder.path(), &args), "");
        assert_eq!(run.status, Some(1), "{run:?}");
        let lines: Vec<_> = run.out.lines().filter(|line| line.starts_with("not taken: ")).collect();
        assert_eq!(lines.len(), 2, "{run:?}");
        for (line, told) in lines.iter().zip(["not taken: line 2: column OTP_", "not taken: line 3: column "]) {
            assert!(line.starts_with(told) && line.ends_with("between a closing quote and the separator"), "{run:?}");
        }
    }
}

#[test]
fn what_batch_and_tab_write_is_imported_as_the_tables_have_it() {
    let server = server();
    let batch = folder();
    for (table, name) in [("SCO_DEVICE", "devices.csv"), ("SC_USUARI", "users.csv")] {
        fs::write(batch.path().join(name), server.sql(&format!("SELECT * FROM soffid.{table}"))).unwrap();
    }
    let asked = import(batch.path(), &[]);
    assert!(asked.status == Some(2) && asked.err.contains("devices.csv: line 2, column OTP_NAME: has a backslash"), "{asked:?}");
    let asked = import(batch.path(), &["--dialect", "mysql"]);
    assert!(asked.status == Some(2) && asked.err.contains("line 5, column USU_CODI: the word NULL"), "{asked:?}");
    // In this form a user of the name NULL is no user.
    let run = import(batch.path(), &["--dialect", "mysql", "--null", "NULL"]);
    assert!(run.status == Some(1) && run.out.contains("not taken: line 5, OTP_ID 63: the user: has no name"), "{run:?}");
    server.sql("UPDATE soffid.SC_USUARI SET USU_CODI = 'null.' WHERE USU_ID = 4");
    fs::write(batch.path().join("users.csv"), server.sql("SELECT * FROM soffid.SC_USUARI")).unwrap();
    let run = import(batch.path(), &["--dialect", "mysql", "--null", "NULL"]);
    assert_eq!(run.status, Some(0), "{run:?}");
    let users: Vec<_> = stored(batch.path()).into_iter().map(|(_, user, _)| user).collect();
    assert_eq!(users, ["CORP\\tom", "o\"neil, x", "José\\", "null.", "\"q\" 's;"]);
    server.sql("UPDATE soffid.SC_USUARI SET USU_CODI = 'NULL' WHERE USU_ID = 4");

    let tab = folder();
    let dump = server.path("");
    run_dump(&server, &dump);
    for (table, name, columns) in [("SCO_DEVICE", "devices.csv", &COLUMNS[..]), ("SC_USUARI", "users.csv", &USERS)] {
        put(tab.path(), name, columns, "\t", &fs::read(dump.join(format!("{table}.txt"))).unwrap());
    }
    let run = import(tab.path(), &["--dialect", "mysql", "--null", ""]);
    assert_eq!(run.status, Some(0), "{run:?}");
    check(tab.path(), "--tab");
}

fn run_dump(server: &MariaDb, folder: &Path) {
    let tab = format!("--tab={}", folder.display());
    run(server.client("mariadb-dump").args([tab.as_str(), "soffid", "SCO_DEVICE", "SC_USUARI"]));
}
