//! A store that refuses writes: there is no verdict and no change, and the service recovers by
//! itself.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::client::Response;
use super::process::{PASSWORD, Run, Server, folder, hotp, judged, keyfob, log, program, secret, trail};

/// Refused for the time being: no verdict, and when to try again.
#[track_caller]
fn is_unavailable(answer: &Response) {
    let detail = answer.refused(503);
    assert!(!detail.contains("success") && !answer.text().contains("locked"), "{detail}");
    assert_eq!(answer.header("retry-after"), Some("1"));
}

/// What `/ready` answers to a client without an account.
#[track_caller]
fn readiness(server: &Server) -> u16 {
    let answer = server.anonymous().send("GET", "/ready", "", b"").expect("an answer");
    if answer.status != 200 {
        is_unavailable(&answer);
        assert!(answer.text().contains("the log has the error"), "{}", answer.text());
    }
    answer.status
}

/// Waits until the service is ready. Nothing else is asked: a load balancer sends no requests to
/// one that is not.
fn becomes_ready(server: &Server) {
    let until = Instant::now() + Duration::from_secs(60);
    while readiness(server) != 200 {
        assert!(Instant::now() < until, "it is not ready");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn locked_store_answers_503_and_loses_nothing() {
    let folder = folder();
    let server = Server::start(folder.path(), &["--set", "log=warn"]);
    let mut client = server.admin();
    let (path, created) = client.create(&json!({"type": "HOTP", "user": "franck"}));
    let codes = hotp(&secret(folder.path(), &created), 2);
    let before = client.device(&path);

    let other = rusqlite::Connection::open(folder.path().join("keyfob.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    // All wait at once, and longer than the service waits for the lock.
    let admin = &client;
    thread::scope(|scope| {
        for pin in [&codes[0], "12345"] {
            let (mut client, path) = (admin.another(), &path);
            scope.spawn(move || is_unavailable(&client.answer(path, pin)));
        }
        let (mut client, path) = (admin.another(), &path);
        scope.spawn(move || is_unavailable(&client.status(path, "D")));
        // Readers do not wait.
        let mut client = admin.another();
        assert_eq!(client.device(path), before);
        assert_eq!(client.get("/OtpDevice").ok(200)["totalResults"], 1);
    });
    assert_eq!(client.device(&path), before);
    is_unavailable(&client.post("/OtpDevice", &json!({"type": "HOTP", "user": "franck"})));
    assert_eq!(readiness(&server), 503);
    other.execute_batch("ROLLBACK").unwrap();
    becomes_ready(&server);

    assert_eq!(client.device(&path), before);
    assert_eq!(client.answer(&path, "12345").verdict(), (false, false));
    assert_eq!(client.answer(&path, &codes[0]).verdict(), (true, false));
    assert_eq!(client.answer(&path, &codes[0]).verdict(), (false, false));
    let trail = trail(folder.path(), &path);
    assert_eq!(["right", "wrong", "replayed"].map(|reason| judged(&trail, reason)), [1, 1, 1]);
    assert_eq!(client.get("/OtpDevice").ok(200)["totalResults"], 1);
}

/// Refused at the commit: that nothing was changed must not be told, since a log that was written
/// and not flushed comes back after a crash.
#[track_caller]
fn is_open(answer: &Response) {
    is_unavailable(answer);
    assert!(answer.text().contains("not known") && !answer.text().contains("nothing was changed"), "{}", answer.text());
}

/// Starts the service so that no file of its may grow beyond so many KiB, until that is lifted.
fn start_small(folder: &Path, limit: u64) -> Server {
    let serve = keyfob(folder, &["serve", "--listen", "127.0.0.1:0", "--set", "log=off"]);
    let mut command = Command::new("bash");
    // Without a reader of the signal, a write beyond the limit fails as one to a full disk does.
    command.args(["-c", &format!("trap '' XFSZ; ulimit -S -f {limit}; exec \"$@\""), "bash"]);
    command.arg(serve.get_program()).args(serve.get_args()).current_dir(folder);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KEYFOB_")) {
        command.env_remove(name);
    }
    command.env("KEYFOB_ADMIN_PASSWORD", PASSWORD).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    Server::spawn(command)
}

#[test]
fn full_disk_loses_no_fail_and_no_code() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let (path, created) = server.admin().create(&json!({"type": "HOTP", "user": "franck"}));
    let guessed = server.admin().create(&json!({"type": "HOTP", "user": "franck"})).0;
    server.admin().answer(&guessed, "12345").verdict();
    let filler = server.admin().create(&json!({"type": "HOTP", "user": "franck"})).0;
    (0..10).for_each(|_| assert!(!server.admin().answer(&filler, "12345").verdict().0));
    let codes = hotp(&secret(folder.path(), &created), 1);
    server.stop();

    // The log that SQLite writes ahead grows with each commit, and soon to this.
    let server = start_small(folder.path(), 64);
    let mut client = server.admin();
    let mut made = 0;
    let refused = loop {
        let answer = client.post("/OtpDevice", &json!({"type": "HOTP", "user": "franck"}));
        if answer.status != 201 {
            break answer;
        }
        made += 1;
        assert!(made < 1000, "the limit is none");
    };
    is_open(&refused);
    // What is left takes a smaller commit: that of a locked device's answers, which write to the
    // trail only, is the smallest.
    let filler = (0..1000).map(|_| client.answer(&filler, "12345")).find(|answer| answer.status != 200);
    is_open(&filler.expect("a limit"));
    let before = [client.device(&path), client.device(&guessed)];
    for _ in 0..2 {
        is_open(&client.answer(&path, &codes[0]));
        is_open(&client.answer(&guessed, "12345"));
        is_open(&client.status(&path, "D"));
        assert_eq!([client.device(&path), client.device(&guessed)], before);
    }
    assert_eq!(client.get("/OtpDevice").ok(200)["totalResults"], made + 3);
    assert_eq!(client.send("GET", "/health", "", b"").expect("an answer").status, 200);
    // Also after trial writes.
    for _ in 0..4 {
        assert_eq!(readiness(&server), 503);
    }

    // Room is made while it runs.
    program("prlimit", "util-linux", &["--pid", &server.id(), "--fsize=unlimited"]);
    becomes_ready(&server);
    assert_eq!(client.answer(&guessed, "12345").verdict(), (false, false));
    assert_eq!(client.device(&guessed)["fails"], 2);
    assert_eq!(client.answer(&path, &codes[0]).verdict(), (true, false));
    assert_eq!(client.answer(&path, &codes[0]).verdict(), (false, false));
    server.stop();
    let server = Server::start(folder.path(), &[]);
    let mut client = server.admin();
    assert_eq!((&client.device(&guessed)["fails"], &client.device(&path)["fails"]), (&json!(2), &json!(0)));
    assert_eq!(judged(&trail(folder.path(), &guessed), "wrong"), 2);
    client.create(&json!({"type": "HOTP", "user": "franck"}));
    assert_eq!(client.get("/OtpDevice").ok(200)["totalResults"], made + 4);
}

/// Two that are started at once would else fill one store with devices of which each can read its
/// own.
#[test]
fn a_store_without_devices_knows_its_key() {
    let (folder, other) = (folder(), folder());
    let store = format!("sqlite://{}", folder.path().join("keyfob.db").display());
    let first = Server::start(folder.path(), &[]);
    let run = Run::from_command(keyfob(other.path(), &["serve", "--listen", "127.0.0.1:0", "--store", &store]), "");
    assert_eq!((run.status, run.out.as_str()), (Some(2), ""), "{run:?}");
    assert!(run.err.contains("keyfob.key is missing, and the store needs it"), "{run:?}");
    assert!(!other.path().join("keyfob.key").exists());
    first.stop();
    // A new key becomes the store's, and then the old one is needed no more.
    let rotated = Run::from_command(keyfob(folder.path(), &["rotate-key", "--wait", "0"]), "").well();
    assert!(rotated.contains("No record is under key 1 any more"), "{rotated}");
    let key = folder.path().join("keyfob.key");
    let text = fs::read_to_string(&key).unwrap();
    fs::write(&key, text.lines().next().unwrap()).unwrap();
    Server::start(folder.path(), &[]).stop();
    fs::write(&key, text.lines().nth(1).unwrap()).unwrap();
    let run = Run::from_command(keyfob(folder.path(), &["serve", "--listen", "127.0.0.1:0"]), "");
    assert!(run.err.contains("keyfob.key lacks key 2"), "{run:?}");
}

/// Who could read it goes on reading it, and a link stays one.
#[test]
fn a_key_file_keeps_its_owner_its_mode_and_its_links() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};

    let (folder, elsewhere) = (folder(), folder());
    Server::start(folder.path(), &[]).stop();
    let (link, key) = (folder.path().join("keyfob.key"), elsewhere.path().join("real.key"));
    fs::rename(&link, &key).unwrap();
    symlink(&key, &link).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let is_root = fs::metadata(&key).unwrap().uid() == 0;
    if is_root {
        chown(&key, Some(65534), Some(65534)).unwrap();
    }
    let before = fs::metadata(&key).unwrap();
    Run::from_command(keyfob(folder.path(), &["rotate-key", "--wait", "0"]), "").well();
    let after = fs::metadata(&key).unwrap();
    assert_eq!((after.mode(), after.uid(), after.gid()), (before.mode(), before.uid(), before.gid()));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&key).unwrap().lines().count(), 2);
    let names = |folder: &Path| fs::read_dir(folder).unwrap().count();
    assert_eq!(names(elsewhere.path()), 1, "nothing is left beside it");
}

/// Whatever its time and its length say, and also if it could not be read for a while.
#[test]
fn key_file_is_read_every_second() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let mut client = server.admin();
    let path = client.create(&json!({"type": "HOTP", "user": "franck"})).0;
    let key = folder.path().join("keyfob.key");
    let (old, time) = (fs::read_to_string(&key).unwrap(), fs::metadata(&key).unwrap().modified().unwrap());
    let other = old.replacen("1 ", "2 ", 1);
    let write = |text: &str, line_part: &str| {
        let lines = || log(folder.path()).lines().filter(|line| line.contains(line_part)).count();
        let before = lines();
        fs::write(&key, text).unwrap();
        fs::File::options().write(true).open(&key).unwrap().set_modified(time).unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        while lines() == before {
            assert!(Instant::now() < until, "{line_part}");
            thread::sleep(Duration::from_millis(50));
        }
    };
    write(&format!("{old}{other}"), "keys [1, 2]");
    write(&"x".repeat(old.len() + other.len()), "each line must be");
    write(&format!("{other}{old}"), "keys [2, 1]");
    // Another store's, whose first key has the same number.
    write(&format!("2 {}", "ab".repeat(32)), "does not open");
    client.get(&path).ok(200);
    write(&format!("# as before\n{other}{old}"), "keys [2, 1]");
    client.create(&json!({"type": "HOTP", "user": "franck"}));
    let resealed = Run::from_command(keyfob(folder.path(), &["rotate-key", "--reseal-only"]), "").well();
    assert!(resealed.starts_with("1 records sealed under key 2"), "{resealed}");
    server.stop();
}

#[test]
fn store_with_a_missing_or_a_wrong_key_is_not_opened() {
    let (folder, other) = (folder(), folder());
    let folder = folder.path();
    // A key of another service, under the same number.
    Server::start(other.path(), &[]).stop();
    let server = Server::start(folder, &[]);
    let (path, created) = server.admin().create(&json!({"type": "HOTP", "user": "franck"}));
    let codes = hotp(&secret(folder, &created), 1);
    server.stop();
    let (key, kept) = (folder.join("keyfob.key"), folder.join("kept.key"));
    fs::rename(&key, &kept).unwrap();
    for args in [&["serve", "--listen", "127.0.0.1:0"][..], &["account", "list"], &["audit"]] {
        let run = Run::from_command(keyfob(folder, args), "");
        assert_eq!((run.status, run.out.as_str()), (Some(2), ""), "{run:?}");
        assert!(run.err.contains("keyfob.key is missing") && !key.exists(), "{run:?}");
    }

    fs::copy(other.path().join("keyfob.key"), &key).unwrap();
    for args in [&["serve", "--listen", "127.0.0.1:0"][..], &["audit"]] {
        let run = Run::from_command(keyfob(folder, args), "");
        assert_eq!((run.status, run.out.as_str()), (Some(2), ""), "{run:?}");
        assert!(run.err.contains("keyfob.key is not that of the store"), "{run:?}");
    }
    fs::rename(&kept, &key).unwrap();
    let server = Server::start(folder, &[]);
    let device = server.admin().device(&path);
    assert_eq!((&device["fails"], &device["status"]), (&json!(0), &json!("C")));
    assert_eq!(server.admin().answer(&path, &codes[0]).verdict(), (true, false));
}
