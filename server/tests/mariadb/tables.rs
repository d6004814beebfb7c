//! `keyfob import-soffid` from Soffid's own tables in MariaDB.

use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::json;

use super::files::{TABLES, check, server};
use super::mariadb::MariaDb;
use super::process::{Run, Server, folder, keyfob};

const PASSWORD: &str = "p@ss/word";

fn import(folder: &Path, from: &str, more: &[&str]) -> Run {
    let mut command = keyfob(folder, &[&["import-soffid", "--from", from], more].concat());
    command.env("MYSQL_PWD", PASSWORD);
    Run::from_command(command, "")
}

/// Lets a user who may only read come in with the password.
fn add_reader(server: &MariaDb) {
    server.sql(&format!("CREATE USER reader@'%' IDENTIFIED BY '{PASSWORD}'; GRANT SELECT ON soffid.* TO reader@'%'"));
}

#[track_caller]
fn refused(run: &Run, told: &str) {
    assert!(run.status == Some(2) && run.err.contains(told), "{told}: {run:?}");
    assert!(!run.err.contains(PASSWORD) && !run.err.contains("p%40ss"), "{run:?}");
}

#[test]
fn a_table_is_taken_as_it_is() {
    let server = server();
    add_reader(&server);
    let url = server.url("reader", "soffid");
    let checksum = || server.sql("CHECKSUM TABLE soffid.SCO_DEVICE, soffid.SC_USUARI");
    let before = checksum();
    let socket = format!("mysql://reader@localhost/soffid?socket={}", server.socket().display());
    let own = url.replace("reader@", "reader:p%40ss%2Fword@");
    for from in [url.as_str(), &url.replace("mysql://", "mariadb://"), &socket, &own] {
        let folder = folder();
        let zone = ["--time-zone", "Europe/Madrid"];
        let dry = import(folder.path(), from, &zone);
        assert!(dry.status == Some(0) && dry.out.contains("would be taken          5  TOTP 3, HOTP 1, SMS 1"), "{dry:?}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
        let written = import(folder.path(), from, &[&zone[..], &["--write"]].concat());
        assert!(written.status == Some(0) && written.out.contains("imported                5"), "{written:?}");
        check(folder.path(), from);
        let again = import(folder.path(), from, &[&zone[..], &["--write"]].concat());
        assert!(again.status == Some(0) && again.out.contains("there already           5"), "{again:?}");
        let device = Server::start(folder.path(), &[]).admin().device("/OtpDevice/60");
        assert_eq!((&device["created"], &device["lastUsed"]), (&json!("2021-10-14 04:44:43"), &json!("2021-10-14 04:57:00")));
    }
    assert_eq!(checksum(), before, "Soffid's tables are as they were");
}

#[test]
fn tables_and_columns_may_have_other_names_and_types() {
    let server = server();
    add_reader(&server);
    server.sql(
        "SET time_zone = '+09:00'; CREATE DATABASE iam CHARACTER SET latin1; USE iam;
         CREATE TABLE `the devices` ENGINE=MyISAM AS SELECT d.*, USU_CODI AS `Log``in` FROM soffid.SCO_DEVICE d JOIN soffid.SC_USUARI ON USU_ID = OTP_USU_ID;
         ALTER TABLE `the devices` ADD made TIMESTAMP(3) NULL; UPDATE `the devices` SET made = OTP_CREATED, OTP_LASUSE = NULL;
         ALTER TABLE `the devices` DROP OTP_CREATED, RENAME COLUMN made TO Otp_Created;
         GRANT SELECT ON iam.* TO reader@'%'; FLUSH PRIVILEGES",
    );
    let (url, folder) = (server.url("reader", "soffid"), folder());
    refused(&import(folder.path(), &url, &["--table", "none"]), "has no table none");
    refused(&import(folder.path(), &url, &["--users", "none"]), "has no table none");
    refused(&import(folder.path(), &url, &["--table", "sc_usuari"]), "has no columns OTP_ID, OTP_TYPE, OTP_STATUS");
    refused(&import(folder.path(), &url, &["--user-column", "login"]), "has no column login");
    let named = import(folder.path(), &url, &["--table", "IAM.the devices", "--user-column", "log`in", "--write"]);
    assert_eq!(named.status, Some(0), "{named:?}");
    check(folder.path(), "other names");
    // A moment, which the session of the table's owner had as the time of its own zone.
    let device = Server::start(folder.path(), &[]).admin().device("/OtpDevice/60");
    assert_eq!(device["created"], json!("2021-10-13 21:44:43"));
}

#[test]
fn urls_that_lead_nowhere_are_told_without_the_password() {
    let server = server();
    add_reader(&server);
    let (url, folder) = (server.url("reader", "soffid"), folder());
    for (from, told) in [
        (server.url("nobody:p%40ss%2Fword", "soffid"), "Access denied for user 'nobody'"),
        (server.url("reader", "none"), "none"),
        (server.url("reader", ""), "names no database"),
        (url.clone() + "?ssl-mode=PREFERRED", "ssl-mode: must be DISABLED or VERIFY_IDENTITY"),
        (url.clone() + "?useSSL=false", "useSSL: is no parameter"),
        (url.clone() + "?ssl-mode=VERIFY_IDENTITY&ssl-ca=none.pem", "ssl-ca: none.pem"),
        ("mysql://reader:p@ss/word@127.0.0.1:1/soffid".to_owned(), "--from: must be mysql://USER@HOST/DATABASE"),
        ("mysql://reader:1?p@ss/word@127.0.0.1:1/soffid".to_owned(), "--from: has an unknown parameter"),
        (
            "mysql://reader@127.0.0.1:1/soffid".to_owned(),
            "cannot connect to mysql://reader@127.0.0.1:1/soffid: Input/output error: Connection refused",
        ),
    ] {
        let run = import(folder.path(), &from, &[]);
        refused(&run, told);
        assert!(!run.err.contains("MYSQL_PWD"), "a password was given: {run:?}");
    }
    for password in [None, Some("")] {
        let mut command = keyfob(folder.path(), &["import-soffid", "--from", &url]);
        command.env_remove("MYSQL_PWD").envs(password.map(|password| ("MYSQL_PWD", password)));
        let run = Run::from_command(command, "");
        assert!(run.err.contains("Access denied") && run.err.contains("; give the password in MYSQL_PWD"), "{run:?}");
    }
}

#[test]
fn another_machine_is_reached_over_tls_and_its_certificate_is_checked() {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let files = [("cert.pem", certificate.pem()), ("key.pem", key.serialize_pem())];
    let server = MariaDb::start(
        &["--ssl-cert=DIR/cert.pem", "--ssl-key=DIR/key.pem"],
        &files.each_ref().map(|(name, text)| (*name, text.as_str())),
    );
    server.sql(TABLES);
    add_reader(&server);
    server.sql("ALTER USER reader@'%' REQUIRE SSL");
    let (url, folder) = (server.url("reader", "soffid"), folder());
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    refused(&import(folder.path(), &url, &[]), "Access denied");
    refused(&import(folder.path(), &format!("{url}?ssl-mode=VERIFY_IDENTITY"), &[]), "cannot connect");
    let other = url.replace("127.0.0.1", "localhost");
    refused(&import(folder.path(), &format!("{other}?ssl-ca=ca.pem"), &[]), "cannot connect");
    let run = import(folder.path(), &format!("{url}?ssl-ca=ca.pem"), &["--write"]);
    assert_eq!(run.status, Some(0), "{run:?}");
    check(folder.path(), "TLS");
}

#[test]
fn a_table_that_changes_between_the_passes_is_taken_as_it_was() {
    let server = server();
    add_reader(&server);
    let folder = folder();
    Server::start(folder.path(), &[]).stop();
    // The second pass begins with a write, which has to wait for this.
    let other = rusqlite::Connection::open(folder.path().join("keyfob.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (place, url) = (folder.path().to_owned(), server.url("reader", "soffid"));
    let importing = std::thread::spawn(move || import(&place, &url, &["--write"]));
    let reading = "SELECT count(*) FROM information_schema.innodb_trx JOIN information_schema.processlist p ON trx_mysql_thread_id = p.id \
                   WHERE p.user = 'reader'";
    while server.sql(reading).lines().last() != Some("1") {
        assert!(!importing.is_finished(), "{:?}", importing.join());
        // What MariaDB tells of transactions stays as it was while it is asked more often than
        // every 0.1 s.
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    server.sql("UPDATE soffid.SCO_DEVICE SET OTP_STATUS = 'L'; DELETE FROM soffid.SCO_DEVICE WHERE OTP_ID = 60");
    other.execute_batch("ROLLBACK").unwrap();
    let run = importing.join().unwrap();
    assert!(run.status == Some(0) && run.out.contains("imported                5"), "{run:?}");
    check(folder.path(), "as it was");
    let devices = Server::start(folder.path(), &[]).admin().get("/OtpDevice?filter=status%20eq%20%22L%22").ok(200);
    assert_eq!(devices["totalResults"], 0);
}
