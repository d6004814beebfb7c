//! `keyfob import-soffid` from Soffid's own tables, into a server and into a file.

use serde_json::json;

use super::cluster::Cluster;
use super::process::{Run, Server, folder, keyfob, totp};

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// The tables of Soffid's add-on and its console, with the columns that are read.
const TABLES: &str = "
    CREATE TABLE SC_USUARI (USU_ID BIGINT PRIMARY KEY, USU_CODI VARCHAR(150) NOT NULL);
    CREATE TABLE SCO_DEVICE (OTP_ID BIGINT PRIMARY KEY, OTP_TEN_ID BIGINT NOT NULL, OTP_NAME VARCHAR(250), OTP_TYPE VARCHAR(10) NOT NULL,
        OTP_USU_ID BIGINT NOT NULL REFERENCES SC_USUARI, OTP_CREATED TIMESTAMP NOT NULL, OTP_LASUSE TIMESTAMP, OTP_AUTKEY VARCHAR(255),
        OTP_LASCOU BIGINT, OTP_LASISS TIMESTAMP, OTP_FAILS INTEGER NOT NULL, OTP_STATUS CHAR(1) NOT NULL, OTP_EMAIL VARCHAR(255),
        OTP_PHONE VARCHAR(255), OTP_PIN VARCHAR(255), OTP_DIGITS INTEGER, OTP_ALGORI VARCHAR(255));
    INSERT INTO SC_USUARI VALUES (1, 'franck'), (2, 'agatha'), (3, 'eve');
    INSERT INTO SCO_DEVICE (OTP_ID, OTP_TEN_ID, OTP_NAME, OTP_TYPE, OTP_USU_ID, OTP_CREATED, OTP_LASUSE, OTP_AUTKEY, OTP_FAILS, OTP_STATUS,
        OTP_PHONE, OTP_PIN, OTP_DIGITS, OTP_ALGORI) VALUES
        (60, 1, 'TOTP00000035', 'TOTP', 1, '2021-10-14 06:44:43.123', '2021-10-14 06:57:00', 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', 2, 'V', NULL, NULL, 6, 'HmacSHA1'),
        (61, 1, 'SMS message to 66*****44', 'SMS', 2, '2021-10-14 11:17:52', NULL, NULL, 0, 'V', '666555444', NULL, NULL, NULL),
        (62, 1, 'Security number', 'PIN', 2, '2021-10-14 11:17:52', NULL, NULL, 0, 'C', NULL, 'EcjoC/XuZ1vKcw==', NULL, NULL),
        (63, 1, 'TOTP00000036', 'TOTP', 1, '2021-10-14 11:17:52', NULL, 'GEZDGNBVGY3TQOJQ', 0, 'V', NULL, NULL, 6, 'HmacSHA1'),
        (64, 2, 'TOTP00000001', 'TOTP', 3, '2021-10-14 11:17:52', NULL, 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', 0, 'D', NULL, NULL, 6, 'HmacSHA1');
    INSERT INTO SCO_DEVICE (OTP_ID, OTP_TEN_ID, OTP_NAME, OTP_TYPE, OTP_USU_ID, OTP_CREATED, OTP_AUTKEY, OTP_FAILS, OTP_STATUS)
        SELECT 1000 + number, 1, 'HOTP' || lpad((100 + number)::text, 8, '0'), 'HOTP', 1, '2021-10-14 11:17:52', 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', 0, 'V'
        FROM generate_series(1, 1000) number;";

fn import(folder: &std::path::Path, from: &str, more: &[&str]) -> Run {
    Run::from_command(keyfob(folder, &[&["import-soffid", "--from", from], more].concat()), "")
}

/// Whether a line of a report begins with these words.
#[track_caller]
fn reports(run: &Run, status: i32, wanted: &[&str]) {
    assert_eq!(run.status, Some(status), "{run:?}");
    for wanted in wanted {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(run.out.lines().any(|line| words(line).starts_with(wanted)), "{wanted}: {run:?}");
    }
    assert!(!run.out.contains("GEZD") && !run.out.contains("EcjoC"), "{run:?}");
}

#[test]
fn a_table_is_taken_into_a_server_and_into_a_file() {
    let cluster = Cluster::start(&["fsync=off", "datestyle=German", "timezone=Asia/Tokyo"]);
    cluster.sql("postgres", "CREATE DATABASE soffid");
    cluster.sql("soffid", TABLES);
    cluster.sql("postgres", "CREATE DATABASE keyfob");
    let (soffid, server) = (cluster.url("soffid"), cluster.url("keyfob"));
    let before = cluster.sql("soffid", "SELECT md5(string_agg(d::text, '' ORDER BY otp_id)) FROM sco_device d");
    for store in [server.as_str(), "sqlite://keyfob.db"] {
        let folder = folder();
        let zone = ["--tenant", "1", "--time-zone", "Europe/Madrid", "--store", store];
        let refused = "not taken: OTP_ID 63, user \"franck\": OTP_AUTKEY";
        let dry = import(folder.path(), &soffid, &zone);
        reports(
            &dry,
            1,
            &[
                "would be taken 1003 TOTP 1, HOTP 1000, SMS 1, PIN 1",
                "not taken 1",
                "1 of other tenants",
                "1000 without digits",
                refused,
            ],
        );
        assert_eq!(
            cluster.sql("keyfob", "SELECT count(*) FROM pg_class WHERE relname = 'device'").trim(),
            if store == server { "0" } else { "1" }
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
        let all = [&zone[..], &["--write"]].concat();
        reports(&import(folder.path(), &soffid, &all), 1, &["imported 1003", "there already 0", "not taken 1", refused]);
        reports(&import(folder.path(), &soffid, &all), 1, &["imported 0", "there already 1003", "not taken 1"]);
        // In another time zone, the creation times differ. The device may be the same, and is not
        // touched.
        let other = import(folder.path(), &soffid, &["--tenant", "1", "--store", store, "--write"]);
        reports(
            &other,
            1,
            &[
                "imported 0",
                "not taken 1004",
                "not taken: OTP_ID 60, user \"franck\": OTP_CREATED: imported before with another --time-zone?",
            ],
        );

        let server = Server::start(folder.path(), &["--store", store]);
        let mut client = server.admin();
        let device = client.device("/OtpDevice/60");
        assert_eq!((&device["created"], &device["lastUsed"]), (&json!("2021-10-14 04:44:43"), &json!("2021-10-14 04:57:00")));
        assert_eq!((&device["name"], &device["fails"], &device["user"]), (&json!("TOTP00000035"), &json!(2), &json!("franck")));
        let code = &totp(SECRET, 1)[0];
        assert_eq!(client.answer("/OtpDevice/60", code).verdict(), (true, false));
        assert_eq!(client.answer("/OtpDevice/60", code).verdict(), (false, false));
        assert_eq!(client.get("/OtpDevice?filter=id%20eq%2061").ok(200)["Resources"][0]["phone"], "666555444");
        assert_eq!(client.create(&json!({"type": "TOTP", "user": "new"})).1["name"], "TOTP00001101");
    }
    let after = cluster.sql("soffid", "SELECT md5(string_agg(d::text, '' ORDER BY otp_id)) FROM sco_device d");
    assert_eq!(after, before, "Soffid's table is as it was");
}

#[test]
fn tables_and_columns_may_have_other_names() {
    let cluster = Cluster::start(&["fsync=off"]);
    cluster.sql("postgres", "CREATE DATABASE soffid");
    cluster.sql("soffid", TABLES);
    let (soffid, folder) = (cluster.url("soffid"), folder());
    let dry = import(folder.path(), &soffid, &[]);
    reports(&dry, 1, &["not taken: OTP_ID 64, user \"eve\": OTP_TEN_ID: is not the first row's"]);
    cluster.sql(
        "soffid",
        "CREATE SCHEMA iam; ALTER TABLE sc_usuari SET SCHEMA iam; ALTER TABLE sco_device SET SCHEMA iam; DELETE FROM iam.sco_device WHERE otp_id IN (63, 64);
         CREATE TABLE iam.\"Named \"\"devices\" AS SELECT d.*, d.otp_created AT TIME ZONE 'Asia/Tokyo' AS made, usu_codi AS \"Login\" FROM iam.sco_device d
             JOIN iam.sc_usuari ON usu_id = otp_usu_id;
         ALTER TABLE iam.\"Named \"\"devices\" DROP COLUMN otp_created; ALTER TABLE iam.\"Named \"\"devices\" RENAME made TO \"Otp_Created\"",
    );
    let missing = import(folder.path(), &soffid, &[]);
    assert!(missing.status == Some(2) && missing.err.contains("has no table SCO_DEVICE; name it with --table"), "{missing:?}");
    let missing = import(folder.path(), &soffid, &["--table", "iam.sco_device"]);
    assert!(missing.status == Some(2) && missing.err.contains("has no table SC_USUARI"), "{missing:?}");
    let missing = import(folder.path(), &soffid, &["--table", "iam.sc_usuari"]);
    assert!(missing.status == Some(2) && missing.err.contains("iam.sc_usuari: has no columns OTP_ID, OTP_TYPE"), "{missing:?}");
    reports(
        &import(folder.path(), &soffid, &["--table", "IAM.SCO_DEVICE", "--users", "iam.sc_usuari"]),
        0,
        &["would be taken 1003"],
    );
    let named = ["--table", "iam.\"Named \"\"devices\"", "--user-column", "login", "--write"];
    reports(&import(folder.path(), &soffid, &named), 0, &["imported 1003"]);
    let device = Server::start(folder.path(), &[]).admin().device("/OtpDevice/60");
    assert_eq!((&device["created"], &device["user"]), (&json!("2021-10-13 21:44:43"), &json!("franck")), "a time with its zone");
}

#[test]
fn a_table_that_changes_between_the_passes_is_taken_as_it_was() {
    let cluster = Cluster::start(&["fsync=off"]);
    cluster.sql("postgres", "CREATE DATABASE soffid");
    cluster.sql("soffid", TABLES);
    cluster.sql("soffid", "DELETE FROM sco_device WHERE otp_id IN (63, 64)");
    let folder = folder();
    Server::start(folder.path(), &[]).stop();
    // The second pass begins with a write, which has to wait for this.
    let other = rusqlite::Connection::open(folder.path().join("keyfob.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let command = keyfob(folder.path(), &["import-soffid", "--from", &cluster.url("soffid"), "--write"]);
    let importing = std::thread::spawn(move || Run::from_command(command, ""));
    let reading = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'soffid' AND backend_xmin IS NOT NULL";
    while cluster.sql("postgres", reading).trim() == "0" {}
    cluster.sql(
        "soffid",
        "UPDATE sco_device SET otp_status = 'L' WHERE otp_id > 1500; DELETE FROM sco_device WHERE otp_id = 60;
         INSERT INTO sco_device SELECT 2001, 1, 'x', 'HOTP', 1, now(), NULL, otp_autkey, NULL, NULL, 0, 'V' FROM sco_device WHERE otp_id = 1001",
    );
    other.execute_batch("ROLLBACK").unwrap();
    reports(&importing.join().unwrap(), 0, &["imported 1003", "not taken 0"]);
    let server = Server::start(folder.path(), &[]);
    let mut client = server.admin();
    for (path, status) in [("/OtpDevice/60", "V"), ("/OtpDevice/1501", "V"), ("/OtpDevice/2000", "V")] {
        assert_eq!(client.device(path)["status"], status);
    }
    client.get("/OtpDevice/2001").refused(404);
}
