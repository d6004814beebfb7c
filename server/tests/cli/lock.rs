//! The lock of a state file: commands at the same time.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::*;

#[test]
fn right_code_is_accepted_once_of_fifty_processes() {
    let folder = Folder::new("race");
    let (path, uri) = folder.enroll("a.keyfob", &[]);
    let code = code_of(&uri, ["--now", "1000"]);
    let children: Vec<_> = (0..50).map(|_| start(command(&["verify", "--state", &path, "--now", "1000"]), &code)).collect();
    let mut statuses: Vec<_> = children.into_iter().map(|child| finish(child).status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [&[0][..], &[1; 49][..]].concat());
}

#[test]
fn wrong_code_of_forty_processes_counts_ten_times() {
    let folder = Folder::new("guess");
    let (path, uri) = folder.enroll("a.keyfob", &[]);
    let code = other_than(&code_of(&uri, ["--now", "1000"]));
    let children: Vec<_> = (0..40).map(|_| start(command(&["verify", "--state", &path, "--now", "1000"]), &code)).collect();
    let runs: Vec<_> = children.into_iter().map(finish).collect();
    assert!(runs.iter().all(|run| run.status == 1), "{runs:?}");
    assert_eq!(runs.iter().filter(|run| run.out == "wrong\n").count(), 9);
    assert_eq!((&show(&path)["status"], &show(&path)["fails"]), (&json!("L"), &json!(10)));
}

/// The notes of a process, as they come.
fn notes(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = channel();
    let err = BufReader::new(child.stderr.take().unwrap());
    thread::spawn(move || err.lines().for_each(|line| drop(sender.send(line.unwrap()))));
    receiver
}

#[track_caller]
fn expect_waiting(notes: &Receiver<String>) {
    let line = notes.recv_timeout(Duration::from_secs(60)).expect("a line while it waits");
    assert!(line.contains("a.keyfob: waits for another process that works on it"), "{line}");
}

#[test]
fn waiting_command_says_so() {
    let folder = Folder::new("waits");
    let (path, uri) = folder.enroll("a.keyfob", &[]);
    let lock = File::create(folder.path("a.keyfob.lock")).unwrap();
    for args in [&["verify", "--now", "1000", &code_of(&uri, ["--now", "1000"])][..], &["unlock", "--now", "1000"]] {
        lock.lock().unwrap();
        let mut child = start(command(&[args, &["--state", &path]].concat()), "");
        expect_waiting(&notes(&mut child));
        lock.unlock().unwrap();
        assert_eq!(finish(child).status, 0);
    }
}

#[test]
fn enrolment_waits_for_a_login_with_the_removed_device() {
    let folder = Folder::new("removed");
    let (path, _) = folder.enroll("a.keyfob", &[]);
    let lock = File::create(folder.path("a.keyfob.lock")).unwrap();
    lock.lock().unwrap();
    std::fs::remove_file(&path).unwrap();
    let mut child = start(command(&["enroll", "--json", "--state", &path]), "");
    expect_waiting(&notes(&mut child));
    assert!(!Path::new(&path).exists());
    lock.unlock().unwrap();
    assert_eq!(finish(child).status, 0);
    assert_eq!(show(&path)["status"], "C");
}

/// On other systems an open file keeps its name.
#[cfg(unix)]
#[test]
fn lock_on_a_removed_file_protects_nothing() {
    let folder = Folder::new("relocked");
    let (path, uri) = folder.enroll("a.keyfob", &[]);
    let beside = folder.path("a.keyfob.lock");
    let removed = File::create(&beside).unwrap();
    removed.lock().unwrap();
    let mut child = start(command(&["verify", "--state", &path, "--now", "1000", &code_of(&uri, ["--now", "1000"])]), "");
    let notes = notes(&mut child);
    expect_waiting(&notes);
    std::fs::remove_file(&beside).unwrap();
    let lock = File::create(&beside).unwrap();
    lock.lock().unwrap();
    removed.unlock().unwrap();
    expect_waiting(&notes);
    lock.unlock().unwrap();
    assert_eq!(finish(child).status, 0);
}
