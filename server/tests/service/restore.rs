//! `keyfob backup` and `keyfob restore`.

use std::collections::HashSet;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::moments::{Random, kills};
use super::process::{Run, Server, folder, keyfob};

/// Runs a command to its end.
#[track_caller]
fn run(folder: &Path, args: &[&str]) -> String {
    Run::from_command(keyfob(folder, args), "").well()
}

/// Runs a command, kills it some milliseconds later, and runs it again to its end. If it ended
/// before, `undo` prepares the second run.
#[track_caller]
fn run_killed(folder: &Path, args: &[&str], after: u64, undo: impl Fn()) {
    let mut child = keyfob(folder, args).spawn().expect("it starts");
    thread::sleep(Duration::from_millis(after));
    let _ = child.kill();
    child.wait().expect("it ends");
    undo();
    run(folder, args);
}

/// Creates devices. Returns their paths and what was answered.
fn create(server: &Server, user: &str, many: usize) -> Vec<(String, Value)> {
    let mut client = server.admin();
    (0..many).map(|_| client.create(&json!({"type": "TOTP", "user": user}))).collect()
}

#[test]
fn a_restored_copy_gives_no_number_again_that_was_given_after_the_backup() {
    let folder = folder();
    let folder = folder.path();
    let mut random = Random(20_261_016);
    let mut server = Server::start(folder, &[]);
    let mut given = HashSet::new();
    let mut kept = create(&server, "alice", 20);
    for round in 0..kills() {
        let copy = format!("copy{round}.db");
        // It never overwrites a file.
        run_killed(folder, &["backup", &copy], random.below(60), || drop(std::fs::remove_file(folder.join(&copy))));
        let lost = create(&server, "bob", 5);
        server.kill();
        run_killed(folder, &["restore", &copy], random.below(60), || ());
        server = Server::start(folder, &[]);
        let mut client = server.admin();
        // Who has stored a number of before the backup finds its device, and who has one of after
        // it finds none, and no other.
        for (path, created) in &kept {
            assert_eq!(client.device(path)["name"], created["name"], "round {round}");
        }
        let new = create(&server, "carol", 5);
        for (path, _) in &lost {
            client.get(path).refused(404);
            client.answer(path, "123456").refused(404);
            client.get(&format!("{path}/requestChallenge")).refused(404);
        }
        assert_eq!(client.get("/OtpDevice?count=0").ok(200)["totalResults"], kept.len() + new.len());
        let names = |devices: &[(String, Value)]| devices.iter().map(|(_, created)| created["name"].clone()).collect::<Vec<_>>();
        assert_eq!(names(&new), names(&lost), "a name is for people, and may come again, as the manual says");
        kept.extend(new);
        let all = kept.iter().chain(&lost);
        given.extend(all.map(|(path, _)| path.clone()));
        assert_eq!(given.len(), kept.len() + 5 * usize::try_from(round + 1).unwrap(), "round {round}: each number was given once");
    }
}

#[test]
fn restore_says_what_changed_since_the_backup_and_how_long_to_wait() {
    let folder = folder();
    let folder = folder.path();
    let server = Server::start(folder, &[]);
    let kept = create(&server, "alice", 2);
    let mut client = server.admin();
    let (sms, _) = client.create(&json!({"type": "SMS", "user": "carol", "phone": "+34600000000"}));
    let said = run(folder, &["backup", "copy.db"]);
    assert!(said.starts_with("copy.db: 3 devices, 3 lines of the trail, the last of ") && said.contains("keyfob.key"), "{said}");
    let mut replace = |path: &str, what: &str, value: &str| {
        let body = json!({"Operations": [{"op": "replace", "path": what, "value": value}]});
        client.call("PATCH", path, &body.to_string()).ok(200);
    };
    replace(&kept[0].0, "status", "D");
    replace(&sms, "phone", "+34600000001");
    let lost = create(&server, "bob", 1);
    // Neither command touches a store that it must not.
    let refused = Run::from_command(keyfob(folder, &["restore", "copy.db"]), "");
    assert!(refused.status == Some(2) && refused.err.contains("stop every service"), "{refused:?}");
    assert_eq!(server.admin().get("/OtpDevice?count=0").ok(200)["totalResults"], 4);
    server.stop();
    let said = run(folder, &["restore", "copy.db"]);
    let id = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    for line in [
        format!("Device {} of \"alice\" has status C again and had D", id(&kept[0].0)),
        format!("Device {} of \"carol\" has its earlier user", id(&sms)),
        format!("Device {} of \"bob\" was created after the backup and is gone", id(&lost[0].0)),
        "Start no service before ".to_owned(),
    ] {
        assert!(said.contains(&line), "{line} in {said}");
    }
    assert!(!said.contains(&id(&kept[1].0)), "{said}");
    let old = said.lines().find_map(|line| line.strip_prefix("The store that was there is in ")).unwrap().trim_end_matches('.');
    let old = format!("sqlite://{old}/keyfob.db");
    assert_eq!(run(folder, &["audit", "--store", &old]).lines().count(), 6, "the old store can be looked at");
    let server = Server::start(folder, &[]);
    assert_eq!(server.admin().get("/OtpDevice?count=0").ok(200)["totalResults"], 3);
}

#[test]
fn backup_and_restore_refuse_what_is_no_backup_and_change_nothing() {
    let folder = folder();
    let folder = folder.path();
    let server = Server::start(folder, &[]);
    create(&server, "alice", 3);
    run(folder, &["backup", "copy.db"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(folder.join("copy.db")).unwrap().permissions().mode() & 0o777, 0o600);
    }
    server.stop();
    let copy = std::fs::read(folder.join("copy.db")).unwrap();
    let mut damaged = copy.clone();
    let middle = damaged.len() / 2;
    damaged[middle..].fill(0);
    for (name, bytes) in
        [("damaged.db", &damaged[..]), ("text.db", b"no database, but a text that is long enough"), ("empty.db", b"")]
    {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    let before = std::fs::read(folder.join("keyfob.db")).unwrap();
    for (args, wanted) in [
        (&["backup", "copy.db"][..], "copy.db: is there already"),
        (&["backup", "missing/copy.db"], "choose a folder"),
        (&["backup", "new.db", "--store", "sqlite://other.db"], "there is none"),
        (&["backup", "new.db", "--store", "postgres://keyfob@127.0.0.1:1/keyfob"], "127.0.0.1"),
        (&["restore", "copy.db", "--store", "postgres://keyfob@127.0.0.1:1/keyfob"], "pg_basebackup"),
        (&["restore", "missing.db"], "missing.db: "),
        (&["restore", "damaged.db"], "damaged.db: "),
        (&["restore", "text.db"], "not a SQLite database"),
        (&["restore", "empty.db"], "no store of keyfob"),
        (&["restore", "keyfob.db"], "is the store itself"),
        (&["restore", "copy.db", "--set", "sealing_keys_file=missing.key"], "missing.key is missing"),
    ] {
        let refused = Run::from_command(keyfob(folder, args), "");
        assert!(refused.status == Some(2) && refused.err.contains(wanted), "{args:?}: {refused:?}");
        assert!(std::fs::read(folder.join("keyfob.db")).unwrap() == before, "{args:?}");
    }
    // The key of another store.
    std::fs::write(folder.join("other.key"), format!("1 xaes-256-gcm {}\n", "07".repeat(32))).unwrap();
    std::fs::set_permissions(folder.join("other.key"), std::fs::metadata(folder.join("keyfob.key")).unwrap().permissions())
        .unwrap();
    let refused = Run::from_command(keyfob(folder, &["restore", "copy.db", "--set", "sealing_keys_file=other.key"]), "");
    assert!(refused.status == Some(2) && refused.err.contains("is not that of the store"), "{refused:?}");
    let noted = Run::from_command(keyfob(folder, &["backup", "noted.db", "--set", "sealing_keys_file=other.key"]), "");
    assert!(noted.status == Some(0) && noted.err.contains("is not that of the store"), "{noted:?}");
    for file in std::fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(
            ![".tmp", ".restored", ".lock"].iter().any(|end| name.ends_with(end)) && !name.contains(".old-"),
            "{name} was left"
        );
    }
}

#[cfg(unix)]
#[test]
fn restore_follows_a_link_to_the_store_and_gives_the_copy_its_mode() {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = folder();
    let folder = folder.path();
    let server = Server::start(folder, &[]);
    create(&server, "alice", 2);
    run(folder, &["backup", "copy.db"]);
    server.stop();
    let disk = folder.join("disk");
    std::fs::create_dir(&disk).unwrap();
    std::fs::rename(folder.join("keyfob.db"), disk.join("devices.db")).unwrap();
    std::fs::set_permissions(disk.join("devices.db"), Permissions::from_mode(0o640)).unwrap();
    symlink("disk/devices.db", folder.join("keyfob.db")).unwrap();
    run(folder, &["restore", "copy.db"]);
    assert!(folder.join("keyfob.db").symlink_metadata().unwrap().is_symlink(), "the link stays");
    assert_eq!(std::fs::metadata(disk.join("devices.db")).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(std::fs::read_dir(&disk).unwrap().count(), 2, "the store and the folder with the old one");
    let server = Server::start(folder, &[]);
    assert_eq!(server.admin().get("/OtpDevice?count=0").ok(200)["totalResults"], 2);
    server.stop();
    // A disk that is not mounted.
    std::fs::rename(&disk, folder.join("elsewhere")).unwrap();
    let refused = Run::from_command(keyfob(folder, &["restore", "copy.db"]), "");
    assert!(refused.status == Some(2) && !disk.exists() && folder.join("keyfob.db").is_symlink(), "{refused:?}");
}
