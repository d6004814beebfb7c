//! The key file while services run: rotated, interrupted, rolled back, and unreadable.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::client::Client;
use super::process::{Run, Server, folder, keyfob, log, program};

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// Waits until something is so.
#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn until_logged(folder: &Path, what: &str) {
    until(what, || log(folder).contains(what));
}

fn keys(folder: &Path) -> String {
    fs::read_to_string(folder.join("keyfob.key")).unwrap()
}

/// The numbers of the keys in the file.
fn numbers(folder: &Path) -> Vec<u32> {
    keys(folder).lines().map(|line| line.split_once(' ').unwrap().0.parse().unwrap()).collect()
}

fn serve(folder: &Path) -> Run {
    Run::from_command(keyfob(folder, &["serve", "--listen", "127.0.0.1:0"]), "")
}

fn rotate(folder: &Path, more: &[&str]) -> Run {
    Run::from_command(keyfob(folder, &[&["rotate-key", "--wait", "2"], more].concat()), "")
}

/// A rotation that is broken off when this is dropped.
struct Rotation(Child);

impl Drop for Rotation {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a rotation that waits for an hour after each step. Returns it once it has told of the
/// first.
fn begin_rotation(folder: &Path) -> Rotation {
    let mut rotation = keyfob(folder, &["rotate-key", "--wait", "3600"]).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(rotation.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    let rotation = Rotation(rotation);
    assert!(line.contains("key 2"), "{line}");
    rotation
}

/// The key file of a `rotate-key` that was interrupted after its new key became the first.
fn put_last_first(folder: &Path) {
    let text = keys(folder);
    let mut lines: Vec<_> = text.lines().collect();
    lines.rotate_right(1);
    fs::write(folder.join("keyfob.key"), lines.join("\n") + "\n").unwrap();
}

#[test]
fn a_key_file_that_is_rolled_back_takes_no_key_from_a_service_nor_lets_one_start_without_it() {
    let folder = folder();
    let folder = folder.path();
    let server = Server::start(folder, &[]);
    let mut client = server.admin();
    let path = client.create(&json!({"type": "HOTP", "user": "franck"})).0;
    let old = keys(folder);
    drop(begin_rotation(folder));
    until_logged(folder, "keys [1, 2]");
    put_last_first(folder);
    let new = keys(folder);
    until_logged(folder, "keys [2, 1]");
    // The record of this device is sealed under key 2 from now on.
    assert!(!client.answer(&path, "12345").verdict().0);

    fs::write(folder.join("keyfob.key"), &old).unwrap();
    until_logged(folder, "keyfob.key lacks key 2");
    assert_eq!(client.device(&path)["fails"], 1);
    let another = client.create(&json!({"type": "HOTP", "user": "franck"})).0;
    thread::sleep(Duration::from_millis(2500));
    assert_eq!(log(folder).matches("keyfob.key lacks key 2").count(), 1, "reported once");
    let alone = serve(folder);
    assert_eq!((alone.status, alone.out.as_str()), (Some(2), ""), "{alone:?}");
    assert!(alone.err.contains("keyfob.key lacks key 2") && alone.err.contains("restore the missing line"), "{alone:?}");
    let refused = rotate(folder, &[]);
    assert!(refused.status == Some(2) && refused.err.contains("keyfob.key lacks key 2"), "{refused:?}");
    assert_eq!(keys(folder), old, "no other key of that number is made");
    let run = rotate(folder, &["--reseal-only"]);
    assert!(run.status == Some(2) && run.err.contains("1 under key 2") && run.err.contains("--give-up"), "{run:?}");
    assert_eq!(client.device(&path)["fails"], 1);
    server.stop();

    fs::write(folder.join("keyfob.key"), &new).unwrap();
    let server = Server::start(folder, &[]);
    assert_eq!(server.admin().device(&path)["fails"], 1);
    assert_eq!(server.admin().device(&another)["fails"], 0);
    server.stop();
    // Without the key for good: what is sealed under it is lost, and nothing else.
    fs::write(folder.join("keyfob.key"), &old).unwrap();
    let refused = rotate(folder, &["--reseal-only", "--give-up", "1"]);
    assert!(refused.status == Some(2) && refused.err.contains("not lost"), "{refused:?}");
    let given_up = rotate(folder, &["--reseal-only", "--give-up", "2"]);
    assert!(given_up.err.contains("key 2 is given up") && given_up.err.contains("cannot be opened"), "{given_up:?}");
    let server = Server::start(folder, &[]);
    server.admin().get(&path).refused(500);
    server.admin().device(&another);
    server.stop();
}

#[test]
fn a_key_that_a_broken_rotation_put_first_for_nothing_is_not_needed() {
    let folder = folder();
    let folder = folder.path();
    Server::start(folder, &[]).stop();
    let old = keys(folder);
    drop(begin_rotation(folder));
    put_last_first(folder);
    Server::start(folder, &[]).stop();
    fs::write(folder.join("keyfob.key"), &old).unwrap();
    Server::start(folder, &[]).stop();
}

#[test]
fn second_rotation_at_once_is_refused_and_an_interrupted_one_is_finished() {
    let folder = folder();
    let folder = folder.path();
    let server = Server::start(folder, &[]);
    server.admin().create(&json!({"type": "HOTP", "user": "franck"}));
    for _ in 0..2 {
        let rotation = begin_rotation(folder);
        let other = rotate(folder, &[]);
        assert_eq!((other.status, other.out.as_str()), (Some(2), ""), "{other:?}");
        assert!(other.err.contains("another keyfob rotate-key is at work"), "{other:?}");
        assert_eq!(numbers(folder), [1, 2]);
        drop(rotation);
    }
    // Broken off behind the second step, too.
    put_last_first(folder);
    drop(begin_rotation(folder));
    let finished = rotate(folder, &[]).well();
    assert!(finished.contains("1 records sealed under key 2.\nNo record is under key 1 any more"), "{finished}");
    assert_eq!(numbers(folder), [2, 1]);
    let next = rotate(folder, &[]).well();
    assert!(next.contains("under key 3.\nNo record is under keys 2, 1 any more"), "{next}");
    assert_eq!(numbers(folder), [3, 2, 1]);
    let names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains("lock")), "{names:?}");
    server.stop();
}

#[test]
fn an_import_learns_of_a_new_key_while_it_runs() {
    let folder = folder();
    let folder = folder.path();
    Server::start(folder, &[]).stop();
    let rows = |ids: std::ops::Range<u32>, kind: &str, second: u32| -> String {
        let row = |id| format!("{id},TOTP{id:08},{kind},franck,V,0,2021-10-14 06:44:{second},,{SECRET},,,,,,6,HmacSHA1\n");
        ids.map(row).collect()
    };
    let head = "OTP_ID,OTP_NAME,OTP_TYPE,USU_CODI,OTP_STATUS,OTP_FAILS,OTP_CREATED,OTP_LASUSE,OTP_AUTKEY,OTP_LASCOU,OTP_LASISS,OTP_EMAIL,\
                OTP_PHONE,OTP_PIN,OTP_DIGITS,OTP_ALGORI\n";
    // The import waits where it tells more than a pipe holds and nobody reads: behind its first
    // pass, and within its second one.
    let (kept, last, refused) = (1..513, 4096..4609, 1500);
    let all = [rows(kept, "TOTP", 43), rows(513..4096, "TOTP", 43), rows(last, "TOTP", 43), rows(5001..5001 + refused, "FIDO", 43)];
    fs::write(folder.join("devices.csv"), head.to_owned() + &all.concat()).unwrap();
    let mut import = keyfob(folder, &["import-soffid", "--from", "devices.csv", "--write"]).spawn().unwrap();
    let mut out = BufReader::new(import.stdout.take().unwrap());
    let mut read_line = || {
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        line
    };
    assert!(read_line().contains("OTP_ID 5001"));
    fs::write(folder.join("others.csv"), head.to_owned() + &rows(513..4096, "TOTP", 44)).unwrap();
    Run::from_command(keyfob(folder, &["import-soffid", "--from", "others.csv", "--write"]), "").well();
    for _ in 1..refused {
        assert!(read_line().contains("OTP_TYPE"));
    }
    let stored = || {
        let store = rusqlite::Connection::open(folder.join("keyfob.db")).unwrap();
        store.query_row("SELECT count(*) FROM device", [], |row| row.get::<_, u32>(0)).unwrap()
    };
    until("the first pages", || stored() == 4095);
    let rotated = rotate(folder, &[]);
    for id in 513..4096 {
        assert!(read_line().contains(&format!("OTP_ID {id}, user \"franck\": OTP_ID: is the number of another device")));
    }
    assert!(read_line().starts_with("imported             1025 "));
    drop(out);
    let imported = import.wait_with_output().unwrap();
    assert_eq!(imported.status.code(), Some(1), "{imported:?}");
    assert_eq!(stored(), 4608);
    assert!(String::from_utf8(imported.stderr).unwrap().contains("keys [2, 1]"));
    assert!(rotated.well().contains("No record is under key 1 any more"));
    // And so it is.
    let new = keys(folder).lines().next().unwrap().to_owned();
    fs::write(folder.join("keyfob.key"), new).unwrap();
    let resealed = rotate(folder, &["--reseal-only"]).well();
    assert_eq!(resealed, "0 records sealed under key 2.\n");
}

#[test]
fn a_process_that_does_not_learn_of_a_new_key_keeps_the_old_one_from_being_called_free() {
    let (folder, other) = (folder(), folder());
    let store = format!("sqlite://{}", folder.path().join("keyfob.db").display());
    let server = Server::start(folder.path(), &[]);
    let (path, created) = server.admin().create(&json!({"type": "HOTP", "user": "franck"}));
    assert_eq!(created["name"], "HOTP00000001");
    fs::copy(folder.path().join("keyfob.key"), other.path().join("keyfob.key")).unwrap();
    // Its key file is another machine's, as it were, which has the new key behind the old one.
    let stale = Server::start(other.path(), &["--store", &store]);
    server.stop();
    drop(begin_rotation(folder.path()));
    fs::copy(folder.path().join("keyfob.key"), other.path().join("keyfob.key")).unwrap();
    until_logged(other.path(), "keys [1, 2]");
    put_last_first(folder.path());
    let mut rotation = keyfob(folder.path(), &["rotate-key", "--reseal-only", "--wait", "3"]).spawn().unwrap();
    let mut client = stale.admin();
    // The other process seals as long as the rotation runs.
    while rotation.try_wait().unwrap().is_none() {
        client.answer(&path, "12345").verdict();
    }
    let output = rotation.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.code() == Some(2) && err.contains("another process still seals under key 1"), "{out} {err}");
    assert!(!out.contains("No record"), "{out}");
    stale.stop();
    let resealed = rotate(folder.path(), &["--reseal-only"]).well();
    assert!(resealed.contains("No record is under key 1 any more"), "{resealed}");
}

#[test]
fn a_key_file_that_is_a_pipe_holds_up_neither_answers_nor_the_end() {
    let folder = folder();
    let folder = folder.path();
    let server = Server::start(folder, &[]);
    let mut client = server.admin();
    let path = client.create(&json!({"type": "HOTP", "user": "franck"})).0;
    let (key, kept) = (folder.join("keyfob.key"), folder.join("kept.key"));
    fs::rename(&key, &kept).unwrap();
    program("mkfifo", "coreutils", &[key.to_str().unwrap()]);
    until_logged(folder, "it must be a regular file, and is a pipe, a socket or a device; the keys stay as they were");
    for _ in 0..20 {
        // A request on a connection of its own, so that each thread of the service would get one.
        assert!(!server.admin().answer(&path, "12345").verdict().0);
    }
    assert_eq!(client.send("GET", "/ready", "", b"").expect("an answer").status, 200);
    server.stop();

    // Neither does it hold up a start.
    for kind in ["a pipe, a socket or a device", "a folder"] {
        let run = serve(folder);
        assert_eq!((run.status, run.out.as_str()), (Some(2), ""), "{run:?}");
        assert!(run.err.contains(&format!("keyfob.key: it must be a regular file, and is {kind}")), "{run:?}");
        fs::remove_file(&key).or_else(|_| fs::remove_dir(&key)).unwrap();
        fs::create_dir(&key).unwrap();
    }
    fs::remove_dir(&key).unwrap();
    fs::rename(&kept, &key).unwrap();
    Server::start(folder, &[]).stop();
}

#[test]
fn a_service_that_lacks_a_key_which_others_seal_under_is_not_ready() {
    let (folder, other) = (folder(), folder());
    let store = format!("sqlite://{}", folder.path().join("keyfob.db").display());
    let server = Server::start(folder.path(), &[]);
    fs::copy(folder.path().join("keyfob.key"), other.path().join("keyfob.key")).unwrap();
    let behind = Server::start(other.path(), &["--store", &store]);
    let ready = |server: &Server| server.anonymous().send("GET", "/ready", "", b"").expect("an answer");
    assert_eq!(ready(&behind).status, 200);
    server.admin().create(&json!({"type": "HOTP", "user": "franck"}));
    rotate(folder.path(), &[]).well();
    server.admin().create(&json!({"type": "HOTP", "user": "franck"}));
    assert_eq!(ready(&server).status, 200);
    let detail = ready(&behind).refused(503);
    assert!(detail.contains("the key file lacks key 2"), "{detail}");
    fs::copy(folder.path().join("keyfob.key"), other.path().join("keyfob.key")).unwrap();
    until("ready", || ready(&behind).status == 200);
    for server in [server, behind] {
        server.stop();
    }
}

/// A store of an earlier version, whose key has no cipher in its line, goes to XAES-256-GCM and
/// back while a service verifies.
#[test]
fn a_rotation_goes_from_one_cipher_to_the_other_and_back() {
    let folder = folder();
    let folder = folder.path();
    fs::write(folder.join("keyfob.key"), format!("1 {}\n", "0f".repeat(32))).unwrap();
    fs::set_permissions(folder.join("keyfob.key"), Permissions::from_mode(0o600)).unwrap();
    let server = Server::start(folder, &[]);
    let mut client = server.admin();
    let device = json!({"type": "HOTP", "user": "alice", "secret": SECRET});
    let (path, _) = client.create(&device);
    // The codes of RFC 4226, appendix D.
    let mut codes = ["755224", "287082", "359152"].into_iter();
    let mut log_in = |client: &mut Client| {
        let code = codes.next().unwrap();
        assert_eq!(client.answer(&path, code).verdict(), (true, false));
    };
    log_in(&mut client);
    let cipher = |line: usize| keys(folder).lines().nth(line).unwrap().split(' ').nth(1).unwrap().to_owned();
    assert!(rotate(folder, &[]).well().contains("records sealed under key 2."));
    assert_eq!(cipher(0), "xaes-256-gcm");
    log_in(&mut client);
    assert!(rotate(folder, &["--cipher", "xchacha20-poly1305"]).well().contains("records sealed under key 3."));
    assert_eq!((cipher(0), cipher(1)), ("xchacha20-poly1305".to_owned(), "xaes-256-gcm".to_owned()));
    log_in(&mut client);
    server.stop();
    let refused = rotate(folder, &["--cipher", "aes"]);
    assert!(refused.status == Some(2) && refused.err.contains("must be xchacha20-poly1305 or xaes-256-gcm"), "{refused:?}");
}

/// The key that a broken rotation made is the new one, whatever cipher is asked for now.
#[test]
fn a_rotation_finishes_with_the_cipher_that_it_began_with() {
    let folder = folder();
    let folder = folder.path();
    Server::start(folder, &[]).stop();
    drop(begin_rotation(folder));
    let refused = rotate(folder, &["--cipher", "xchacha20-poly1305"]);
    assert!(refused.status == Some(2) && refused.err.contains("--cipher: key 2 seals with xaes-256-gcm"), "{refused:?}");
    assert_eq!(numbers(folder), [1, 2]);
    assert!(rotate(folder, &["--cipher", "xaes-256-gcm"]).well().contains("records sealed under key 2."));
}
