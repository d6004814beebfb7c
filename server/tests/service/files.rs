//! Files of a store that are deleted or replaced while the service runs: no verdict comes from a
//! file that is not the store any more.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::client::Client;
use super::process::{Server, folder, hotp, log, secret};

/// The lines that the log has of it.
fn reports(folder: &Path) -> usize {
    let log = log(folder);
    assert!(!log.contains("panicked"), "{log}");
    log.lines().filter(|line| line.contains("ERROR") && line.contains("store: ")).count()
}

/// Everything that needs the store is refused, and says why.
#[track_caller]
fn is_gone(client: &mut Client, path: &str, code: &str) {
    for answer in [
        client.answer(path, code),
        client.get(path),
        client.get("/OtpDevice"),
        client.get("/OtpDevice?filter=user+eq+%22franck%22"),
        client.status(path, "D"),
        client.post("/OtpDevice", &json!({"type": "HOTP", "user": "franck"})),
        client.send("GET", "/ready", "", b"").expect("an answer"),
    ] {
        let detail = answer.refused(503);
        assert!(detail.contains("was deleted or replaced") && detail.contains("no verdict is given"), "{detail}");
        assert!(!answer.text().contains("success"), "{answer:?}");
    }
    assert_eq!(client.send("GET", "/health", "", b"").expect("an answer").status, 200);
}

#[test]
fn deleted_database_is_served_no_more() {
    let folder = folder();
    let server = Server::start(folder.path(), &["--set", "log=error"]);
    let mut client = server.admin();
    let (path, created) = client.create(&json!({"type": "HOTP", "user": "franck"}));
    let codes = hotp(&secret(folder.path(), &created), 2);
    assert_eq!(client.answer(&path, &codes[0]).verdict(), (true, false));
    let (database, elsewhere) = (folder.path().join("keyfob.db"), folder.path().join("elsewhere.db"));
    fs::rename(&database, &elsewhere).unwrap();
    is_gone(&mut client, &path, &codes[1]);
    // The service cannot know what happened to it meanwhile.
    fs::rename(&elsewhere, &database).unwrap();
    is_gone(&mut client, &path, &codes[1]);
    assert_eq!(reports(folder.path()), 1, "{}", log(folder.path()));
    server.stop();
    let server = Server::start(folder.path(), &[]);
    assert_eq!(server.admin().answer(&path, &codes[0]).verdict(), (false, false), "what was answered is there");
    assert_eq!(server.admin().answer(&path, &codes[1]).verdict(), (true, false));
}

#[test]
fn copy_restored_under_a_running_service_is_not_served() {
    for is_noticed in [true, false] {
        let folder = folder();
        let server = Server::start(folder.path(), &["--set", "log=error"]);
        let mut client = server.admin();
        let (path, created) = client.create(&json!({"type": "HOTP", "user": "franck"}));
        let codes = hotp(&secret(folder.path(), &created), 3);
        let (database, copy) = (folder.path().join("keyfob.db"), folder.path().join("copy.db"));
        let backup = rusqlite::Connection::open(&database).unwrap();
        backup.execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
        drop(backup);
        assert_eq!(client.answer(&path, &codes[0]).verdict(), (true, false));
        for _ in 0..20 {
            client.create(&json!({"type": "HOTP", "user": "dilbert"}));
        }
        fs::rename(&copy, &database).unwrap();
        if is_noticed {
            is_gone(&mut client, &path, &codes[1]);
            assert_eq!(reports(folder.path()), 1, "{}", log(folder.path()));
        }
        // As a service manager does it, with the log of the old file still there.
        server.stop();
        let server = Server::start(folder.path(), &[]);
        let mut client = server.admin();
        assert_eq!(client.get("/OtpDevice").ok(200)["totalResults"], 1, "the copy and nothing else");
        assert_eq!(client.answer(&path, &codes[0]).verdict(), (true, false), "it is as old as that");
        server.stop();
        let found: String =
            rusqlite::Connection::open(&database).unwrap().query_row("PRAGMA integrity_check", (), |row| row.get(0)).unwrap();
        assert_eq!(found, "ok");
    }
}

#[test]
fn deleted_log_of_a_database_ends_its_service() {
    for name in ["keyfob.db-wal", "keyfob.db-shm"] {
        let folder = folder();
        let server = Server::start(folder.path(), &["--set", "log=error"]);
        let mut client = server.admin();
        let (path, created) = client.create(&json!({"type": "HOTP", "user": "franck"}));
        let codes = hotp(&secret(folder.path(), &created), 2);
        assert_eq!(client.answer(&path, &codes[0]).verdict(), (true, false));
        fs::remove_file(folder.path().join(name)).unwrap();
        is_gone(&mut client, &path, &codes[1]);
        assert_eq!(reports(folder.path()), 1, "{}", log(folder.path()));
        server.stop();
        let server = Server::start(folder.path(), &[]);
        assert_eq!(server.admin().answer(&path, &codes[0]).verdict(), (false, false), "{name}: what was answered is there");
        assert_eq!(server.admin().answer(&path, &codes[1]).verdict(), (true, false));
    }
}

#[test]
fn second_service_with_a_new_store_in_place_leaves_the_first_without() {
    let folder = folder();
    let first = Server::start(folder.path(), &["--set", "log=error"]);
    let mut client = first.admin();
    let (path, created) = client.create(&json!({"type": "HOTP", "user": "franck"}));
    let codes = hotp(&secret(folder.path(), &created), 1);
    fs::remove_file(folder.path().join("keyfob.db")).unwrap();
    is_gone(&mut client, &path, &codes[0]);
    let mut second = Server::start(folder.path(), &[]);
    assert_eq!(second.admin().get("/OtpDevice").ok(200)["totalResults"], 0);
    let (path, created) = second.admin().create(&json!({"type": "HOTP", "user": "dilbert"}));
    is_gone(&mut client, &path, &codes[0]);
    // Its end takes nothing of the other's away.
    first.stop();
    let codes = hotp(&secret(folder.path(), &created), 1);
    assert_eq!(second.admin().answer(&path, &codes[0]).verdict(), (true, false));
    second.kill();
    let second = Server::start(folder.path(), &[]);
    assert_eq!(second.admin().answer(&path, &codes[0]).verdict(), (false, false));
    second.stop();
}
