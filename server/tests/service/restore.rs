//! A backup of a file and its restore, by the commands of the manual.

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::moments::{Random, kills};
use super::process::{Server, folder};

const MANUAL: &str = include_str!("../../README.md");
const BACK_UP: &str = r#"(umask 077; rm -f new.db; sqlite3 keyfob.db "VACUUM INTO 'new.db'" && sync new.db && mv new.db copy.db)"#;
const RESTORE: &str = "old=$(mktemp -d old.XXXXXX) && find . -maxdepth 1 -name 'keyfob.db*' -exec mv -t \"$old\" {} + && \
                       cp copy.db restored.db && mv restored.db keyfob.db";

/// A command of the manual.
fn command(folder: &Path, text: &str) -> Command {
    assert!(MANUAL.contains(text), "the manual has another command than {text}");
    let mut command = Command::new("sh");
    command.args(["-c", text]).current_dir(folder);
    command
}

#[track_caller]
fn run(folder: &Path, text: &str) {
    assert!(command(folder, text).status().expect("a shell").success(), "{text}; install the Debian package sqlite3");
}

/// Runs a command, kills it some milliseconds later, and runs it again to its end.
#[track_caller]
fn run_killed(folder: &Path, text: &str, after: u64) {
    use std::os::unix::process::CommandExt as _;
    let mut child = command(folder, text).process_group(0).spawn().expect("a shell");
    thread::sleep(Duration::from_millis(after));
    // The shell and what it runs.
    let _ =
        Command::new("kill").args(["-s", "KILL", "--", &format!("-{}", child.id())]).stderr(std::process::Stdio::null()).status();
    child.wait().expect("it ends");
    run(folder, text);
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
        run_killed(folder, BACK_UP, random.below(15));
        let lost = create(&server, "bob", 5);
        server.kill();
        run_killed(folder, RESTORE, random.below(8));
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
