//! Recovery codes on three services that share a database, and in a store that moves.

use std::thread;

use serde_json::json;

use super::cluster::Cluster;
use super::fleet::Fleet;
use super::process::{Run, judged, keyfob};

#[test]
fn code_is_right_once_of_three_services_and_after_a_move_to_a_file_and_back() {
    let cluster = Cluster::start(&[]);
    for name in ["keyfob", "again"] {
        cluster.sql("postgres", &format!("CREATE DATABASE {name}"));
    }
    let (url, file, again) = (cluster.url("keyfob"), "sqlite://moved.db", cluster.url("again"));
    let mut fleet = Fleet::start(3, &url, &["otp.kinds=['RECOVERY']"]);
    let (path, created) = fleet.admin(0).create(&json!({"type": "RECOVERY", "user": "alice", "recoveryCodeCount": 64}));
    let codes: Vec<_> = created["recoveryCodes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    for code in &codes[..4] {
        let verdicts: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..24)
                .map(|at| {
                    let mut client = fleet.admin(at);
                    scope.spawn({
                        let path = &path;
                        move || client.answer(path, code).verdict().0
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(verdicts.iter().filter(|is_right| **is_right).count(), 1);
    }
    let trail = fleet.trail(&url, &path);
    assert_eq!((judged(&trail, "right"), judged(&trail, "replayed")), (4, 4 * 23));
    assert_eq!(fleet.admin(1).device(&path)["fails"], 0);

    let mut used = 4;
    for (from, to) in [(url.as_str(), file), (file, again.as_str())] {
        Run::from_command(keyfob(fleet.folder(), &["migrate", "--store", from, "--to", to]), "").well();
        fleet.go_to(to, &[]);
        let mut client = fleet.admin(0);
        assert_eq!(client.answer(&path, &codes[used - 1]).verdict(), (false, false));
        used += 1;
        assert_eq!(client.answer(&path, &codes[used - 1]).ok(200)["recoveryCodesLeft"], 64 - used);
        assert_eq!(client.device(&path)["fails"], 0);
    }
}
