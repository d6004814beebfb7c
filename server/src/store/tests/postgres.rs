//! PostgreSQL: URLs, certificates, and sessions that are lost.

use std::time::{Duration, Instant};

use super::cluster::{Cluster, limit_files};
use super::{Place, entry, insert, keys, swap, wrong_answer};
use crate::database::{Access, Connection, ErrorKind, Location, Options, Sql, transaction};
use crate::store::Store;

#[test]
fn a_url_is_refused_with_a_reason_and_shown_without_its_password() {
    let options = Options::default();
    let shown = |url: &str| Location::parse(url, &options).map(|location| location.to_string());
    let url = "postgres://otp:hunter2@db1:5433,db2:5434/keyfob?sslmode=disable";
    assert_eq!(shown(url).unwrap(), "postgres://otp@db1:5433,db2:5434/keyfob");
    assert!(!format!("{:?}", Location::parse(url, &options)).contains("hunter2"));
    for (url, reason) in [
        ("mysql://db/keyfob", "must be sqlite://FILE or postgres://"),
        ("sqlite://", "names no file"),
        ("postgres:///keyfob", "names no host"),
        ("postgres://db/keyfob?sslmode=prefer", "sslmode: must be"),
        ("postgres://db/keyfob?sslrootcert=/nowhere", "/nowhere"),
        ("postgres://db/keyfob?no_such=1", "no_such"),
        ("postgres://db:99999/keyfob", "port"),
        ("postgres://otp:hun@ter2@db/keyfob", "%40 for @"),
        ("postgres://db/keyfob?target_session_attrs=standby", "target_session_attrs: standby may be a server that takes no writes"),
        ("postgres://db/keyfob?target_session_attrs=any", "must be primary or read-write"),
        ("postgres://db/keyfob?target_session_attrs=first", "must be primary or read-write"),
        ("postgres://db/keyfob?sslcert=/nowhere", "needs sslkey"),
        ("postgres://db/keyfob?sslkey=/nowhere", "needs sslcert"),
        ("postgres://db/keyfob?sslcert=/nowhere&sslkey=/nowhere", "sslcert: /nowhere"),
        ("postgres://db/keyfob?sslmode=disable&sslcert=/nowhere&sslkey=/nowhere", "set sslmode=verify-full"),
        ("postgres://db1,db2/keyfob?hostaddr=127.0.0.1", "names 2 hosts and 1 of hostaddr"),
        ("postgres://db1,db2/keyfob?port=1", "names 2 hosts and 3 ports"),
    ] {
        let error = shown(url).unwrap_err();
        assert!(error.contains(reason) && !error.contains("ter2"), "{url}: {error}");
    }
    for url in [
        "postgres://db/keyfob?target_session_attrs=primary&sslrootcert=system",
        "postgres://db/keyfob?target_session_attrs=read-write",
        "postgres://otp:a:b/c#d%ef@db/keyfob",
    ] {
        assert!(shown(url).unwrap().ends_with("db:5432/keyfob"), "{url}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let location = Location::parse("postgres://otp:hunter2@127.0.0.1:1/keyfob", &Options::default()).unwrap();
    let error = Store::open(&location, keys()).unwrap_err();
    assert!(error.contains("postgres://otp@127.0.0.1:1/keyfob") && error.contains("refused"), "{error}");
    assert!(!error.contains("hunter2"));
}

/// A self-signed certificate for a name, and its key.
fn certificate(name: &str) -> (String, String) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

#[test]
fn a_session_is_encrypted_and_the_certificate_is_checked() {
    let (own, key) = certificate("localhost");
    let mut cluster = Cluster::start(&["fsync=off"]);
    let paths = [cluster.file("server.pem", &own), cluster.file("server.key", &key)];
    cluster.set(&["ssl=on", &format!("ssl_cert_file={}", paths[0]), &format!("ssl_key_file={}", paths[1])]);
    cluster.restart();
    let folder = tempfile::tempdir().unwrap();
    let authority = |name: &str, pem: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path.display().to_string()
    };
    let (right, wrong) = (authority("right.pem", &own), authority("wrong.pem", &certificate("localhost").0));
    let encrypted = |host: &str, query: &str| {
        let url = format!("{}?{query}", cluster.url("postgres").replace("127.0.0.1", host));
        let location = Location::parse(&url, &Options::default()).unwrap();
        let mut connection = location.writer().map_err(|error| error.to_string())?;
        let state = "SELECT ssl::TEXT FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        Ok::<_, String>(connection.run(state).unwrap()[0].text(0).unwrap())
    };
    assert_eq!(encrypted("localhost", &format!("sslmode=verify-full&sslrootcert={right}")).unwrap(), "true");
    assert_eq!(encrypted("localhost", "sslmode=disable").unwrap(), "false");
    assert_eq!(encrypted("localhost", "").unwrap(), "false", "it does not leave this machine");
    for (host, query) in [
        ("localhost", format!("sslmode=require&sslrootcert={wrong}")),
        ("127.0.0.1", format!("sslmode=require&sslrootcert={right}")),
        ("localhost", "sslmode=require".to_owned()),
    ] {
        let error = encrypted(host, &query).unwrap_err();
        assert!(error.contains("certificate"), "{host} {query}: {error}");
    }
}

#[test]
fn a_client_shows_its_certificate_to_a_server_that_asks_for_one() {
    let (own, key) = certificate("localhost");
    // The common name is the role.
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name.push(rcgen::DnType::CommonName, "postgres");
    let client_key = rcgen::KeyPair::generate().unwrap();
    let client = params.self_signed(&client_key).unwrap().pem();
    let mut cluster = Cluster::start(&["fsync=off"]);
    let hba = "hostssl all postgres 127.0.0.1/32 cert\nhostssl all postgres ::1/128 cert\n";
    let files = [("server.pem", &own), ("server.key", &key), ("client.pem", &client), ("hba", &hba.to_owned())];
    let [server, server_key, authority, hba] = files.map(|(name, text)| cluster.file(name, text));
    let settings = [("ssl_cert_file", server), ("ssl_key_file", server_key), ("ssl_ca_file", authority), ("hba_file", hba)];
    let settings = settings.map(|(name, value)| format!("{name}={value}"));
    cluster.set(&["ssl=on", &settings[0], &settings[1], &settings[2], &settings[3]]);
    cluster.restart();

    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode: u32| {
        use std::os::unix::fs::PermissionsExt as _;
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path.display().to_string()
    };
    let roots = file("roots.pem", &own, 0o644);
    let shown = file("client.pem", &client, 0o644);
    let connect = |identity: &str| {
        let url = cluster.url("postgres").replace("127.0.0.1", "localhost");
        let location = Location::parse(&format!("{url}?sslrootcert={roots}{identity}"), &Options::default())?;
        location.writer().map(drop).map_err(|error| error.to_string())
    };
    let with = |key: &str| connect(&format!("&sslcert={shown}&sslkey={key}"));
    // Without sslmode: a client certificate needs TLS, even on this machine.
    assert_eq!(with(&file("client.key", &client_key.serialize_pem(), 0o600)), Ok(()));
    let without = connect("&sslmode=require").unwrap_err();
    assert!(without.contains("certificate"), "{without}");
    for (key, reason) in [
        (file("open.key", &client_key.serialize_pem(), 0o644), "sslkey: "),
        (file("open.key", &client_key.serialize_pem(), 0o644), "chmod 600"),
        (file("other.key", &key, 0o600), "the key must be that of the first certificate"),
        (file("none.key", "no key", 0o600), "must be a private key in PEM"),
        ("/nowhere".to_owned(), "sslkey: /nowhere"),
    ] {
        let error = with(&key).unwrap_err();
        assert!(error.contains(reason), "{key}: {error}");
    }
}

#[tokio::test]
async fn a_database_that_is_not_utf_8_is_refused_with_a_cure() {
    for (database, encoding) in [("ascii", "SQL_ASCII"), ("latin", "LATIN1")] {
        let cluster = &super::CLUSTER;
        cluster.sql("postgres", &format!("CREATE DATABASE {database} ENCODING '{encoding}' TEMPLATE template0"));
        let location = Location::parse(&cluster.url(database), &Options::default()).unwrap();
        let error = Store::open(&location, keys()).unwrap_err();
        assert!(error.contains(encoding) && error.contains("ENCODING 'UTF8' TEMPLATE template0"), "{error}");
        assert_eq!(cluster.sql(database, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").trim(), "0");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_the_server_ends_are_opened_anew() {
    let place = Place::postgres();
    let store = place.open();
    let read = insert(&store, entry("alice")).await;
    for fails in 1..=5 {
        place.with(|connection| {
            let others = "SELECT pg_terminate_backend(pid)::TEXT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
            connection.run(others).unwrap()
        });
        let now = store.get(read.row.id).await.unwrap().unwrap();
        assert!(swap(&store, wrong_answer(&now)).await);
        assert_eq!(store.get(read.row.id).await.unwrap().unwrap().row.fails, fails);
        store.ready().await.unwrap();
    }
    store.close();
}

#[test]
fn a_transaction_whose_session_ends_is_not_done_in_part() {
    Place::postgres().with(|connection| {
        for access in [Access::Write, Access::Snapshot] {
            let done = transaction(connection, access, |connection| {
                let ended = connection.run("SELECT pg_terminate_backend(pg_backend_pid())::TEXT").map(|_| ());
                assert_eq!(ended.unwrap_err().kind, ErrorKind::Unknown);
                // A new session would run this as a transaction of its own.
                let made = connection.run("CREATE TABLE one (id BIGINT)").map(|_| ());
                assert_eq!(made.unwrap_err().kind, ErrorKind::Unreached);
                Ok(())
            });
            let error = done.unwrap_err();
            assert!(error.kind == ErrorKind::Unreached && error.to_string().contains("within a transaction"), "{error:?}");
            let made = "SELECT count(to_regclass('one'))";
            assert_eq!(connection.run(made).unwrap()[0].number(0).unwrap(), 0, "{access:?}");
        }
        let made = |connection: &mut dyn Connection| connection.run("CREATE TABLE one (id BIGINT)").map(|_| ());
        transaction(connection, Access::Write, made).unwrap();
    });
}

#[test]
fn a_commit_at_which_the_server_panics_may_have_been_stored() {
    let cluster = Cluster::start(&[]);
    let place = Place::postgres_on(&cluster);
    place.with(|connection| {
        connection.run("CREATE TABLE one (id BIGINT)").unwrap();
        let done = transaction(connection, Access::Write, |connection| {
            connection.run("INSERT INTO one VALUES (1)")?;
            // The flush of its log fails, as on a broken disk.
            let pid = connection.run("SELECT pg_backend_pid()")?[0].number(0)?.to_string();
            limit_files(&pid, 1024);
            Ok(())
        });
        let error = done.unwrap_err();
        assert!(error.kind == ErrorKind::Unknown && error.to_string().contains("could not write"), "{error:?}");
        // The server comes back by itself.
        let until = Instant::now() + Duration::from_secs(60);
        while let Err(error) = connection.run("SELECT count(*) FROM one") {
            assert!(Instant::now() < until, "{error}");
            std::thread::sleep(Duration::from_millis(50));
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_is_no_verdict_and_it_goes_on_afterwards() {
    let cluster = Cluster::start(&["fsync=off"]);
    cluster.sql("postgres", "CREATE DATABASE hangs");
    let options = Options { connections: 4, timeout: Duration::from_secs(1), ..Options::default() };
    let place = Place { location: Location::parse(&cluster.url("hangs"), &options).unwrap(), folder: tempfile::tempdir().unwrap() };
    let store = place.open();
    let read = insert(&store, entry("alice")).await;
    // The processes of the sessions, not only their parent.
    let pids = cluster.sql("postgres", "SELECT string_agg(pid::TEXT, ' ') FROM pg_stat_activity WHERE datname = 'hangs'");
    let signal = |name: &str| {
        let ids = pids.split_whitespace();
        assert!(std::process::Command::new("kill").args(["-s", name]).args(ids).status().unwrap().success());
    };
    cluster.signal("STOP");
    signal("STOP");
    let began = Instant::now();
    assert_eq!(store.ready().await.map_err(|error| error.status), Err(503));
    let step = keyfob_scim::Step::Swap { swap: wrong_answer(&read), then: Box::new(|_| panic!("no answer may follow")) };
    assert_eq!(store.change(step).await.map(|_| ()).map_err(|error| error.status), Err(503));
    assert!(began.elapsed() < Duration::from_secs(30), "it gave up");
    signal("CONT");
    cluster.signal("CONT");
    let until = Instant::now() + Duration::from_secs(30);
    while store.ready().await.is_err() {
        assert!(Instant::now() < until, "it does not come back");
    }
    // The statement from before the hang takes effect once, afterwards.
    let now = store.get(read.row.id).await.unwrap().unwrap();
    assert!(now.row.fails <= 1, "{now:?}");
    store.close();
}

#[test]
fn statement_keeps_its_plan_and_refuses_the_values_of_another() {
    let place = Place::postgres();
    let statement = || {
        let mut sql = Sql::new("SELECT ");
        sql.bind(7).push(" + 1").keep_plan("WHERE");
        sql
    };
    let kept = "SELECT count(*) FROM pg_prepared_statements";
    place.with(|connection| {
        for _ in 0..3 {
            assert_eq!(connection.rows(&statement()).unwrap()[0].number(0).unwrap(), 8);
        }
        assert_eq!(connection.run(kept).unwrap()[0].number(0).unwrap(), 1);
        let mut other = statement();
        *other.values.last_mut().unwrap() = "the digest of another".into();
        let error = connection.rows(&other).unwrap_err();
        assert!(error.kind == ErrorKind::Unreached && error.to_string().contains("pool_mode = session"), "{error:?}");
        // A new session, and the process trusts no name any more.
        assert_eq!(connection.rows(&statement()).unwrap()[0].number(0).unwrap(), 8);
        assert_eq!(connection.run(kept).unwrap()[0].number(0).unwrap(), 0);
        assert_eq!(connection.rows(&other).unwrap_err().kind, ErrorKind::Unreached);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn verdict_survives_a_change_of_its_table() {
    let place = Place::postgres();
    let store = place.open();
    let read = insert(&store, entry("alice")).await;
    for fails in 1..=3 {
        let now = store.get(read.row.id).await.unwrap().unwrap();
        assert!(swap(&store, wrong_answer(&now)).await);
        assert_eq!(store.get(read.row.id).await.unwrap().unwrap().row.fails, fails);
        // A table that changes makes the plan void, and not the statement.
        place.with(|connection| connection.run(&format!("ALTER TABLE device ADD COLUMN more_{fails} BIGINT")).unwrap());
    }
    store.close();
}

#[test]
fn a_statement_ends_when_the_time_of_its_search_is_over_and_the_session_goes_on() {
    Place::postgres().with(|connection| {
        let pid =
            |connection: &mut dyn Connection| connection.run("SELECT pg_backend_pid()::BIGINT").unwrap()[0].number(0).unwrap();
        let limit = |connection: &mut dyn Connection| connection.run("SHOW statement_timeout").unwrap()[0].text(0).unwrap();
        let (before, usual) = (pid(connection), limit(connection));
        assert_eq!(usual, "1800ms");
        let since = Instant::now();
        connection.end_at(since.checked_add(Duration::from_millis(300)));
        assert_eq!(connection.run("SELECT pg_sleep(1000)").unwrap_err().kind, ErrorKind::TooLong);
        assert!(since.elapsed() < Duration::from_millis(1800), "{:?}", since.elapsed());
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(connection.run("SELECT 1").unwrap_err().kind, ErrorKind::TooLong, "it is not begun any more");
        connection.end_at(since.checked_add(Duration::from_secs(1000)));
        assert_eq!(limit(connection), usual, "a search may not take longer than others");
        connection.end_at(None);
        assert_eq!((pid(connection), limit(connection)), (before, usual));
    });
}
