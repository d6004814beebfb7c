//! A firewall that silently forgets connections, and a first host that hangs: people still log in
//! at the first try.

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::client::Client;
use super::cluster::{Cluster, url};
use super::fleet::{Fleet, UNLOCKED, report};
use super::process::{hotp, judged, secret};
use super::proxy::Proxy;

/// After this time, a session is checked before use.
const IDLE_TIME: Duration = Duration::from_millis(1500);

#[test]
fn a_login_after_a_silent_loss_is_right_at_the_first_try_and_counted_once() {
    let cluster = Cluster::start(&[]);
    cluster.sql("postgres", "CREATE DATABASE keyfob");
    // The first host accepts connections and never responds.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = Proxy::start(cluster.port());
    let url = url(&[silent.local_addr().unwrap().port(), proxy.port], "keyfob");
    let fleet = Fleet::start(1, &url, &UNLOCKED);
    let mut client = fleet.admin(0);
    let (path, created) = client.create(&json!({"type": "HOTP", "user": "franck"}));
    let codes = hotp(&secret(fleet.folder(), &created), 5);
    let mut took = Vec::new();
    for code in &codes {
        thread::sleep(IDLE_TIME);
        proxy.lose_connections();
        let began = Instant::now();
        assert_eq!(client.answer(&path, code).verdict(), (true, false), "{code}");
        took.push(began.elapsed().as_millis());
        thread::sleep(IDLE_TIME);
        proxy.lose_connections();
        assert_eq!(client.answer(&path, code).verdict(), (false, false), "{code} was right twice");
        thread::sleep(IDLE_TIME);
        proxy.lose_connections();
        // The code accepted last is no fail.
        assert_eq!(client.device(&path)["fails"], 0);
    }
    report(&format!("milliseconds of logins after a silent loss: {took:?}"));
    let trail = fleet.trail(&url, &path);
    assert_eq!((judged(&trail, "right"), judged(&trail, "replayed")), (5, 5));
}

#[test]
fn a_pause_after_wrong_passwords_is_in_the_trail_although_the_sessions_were_ended() {
    let cluster = Cluster::start(&[]);
    cluster.sql("postgres", "CREATE DATABASE keyfob");
    let url = cluster.url("keyfob");
    let fleet = Fleet::start(1, &url, &[]);
    let client = fleet.admin(0);
    let (path, _) = client.another().create(&json!({"type": "HOTP", "user": "franck"}));
    let mut guesser = Client::basic(fleet.addresses()[0], "admin", "wrong");
    let mut guess = || guesser.get("/OtpDevice").status;
    // The fifth wrong password begins a pause.
    let before: Vec<u16> = (0..4).map(|_| guess()).collect();
    assert_eq!(before, [401; 4]);
    // All writers at once, so that every session is in use.
    thread::scope(|scope| {
        for _ in 0..8 {
            let (mut client, path) = (client.another(), &path);
            scope.spawn(move || (0..5).for_each(|_| drop(client.answer(path, "12345"))));
        }
    });
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'keyfob' AND pid <> pg_backend_pid()";
    cluster.sql("keyfob", others);
    assert_eq!(guess(), 401);
    let lines = "SELECT count(*) FROM trail WHERE event = 'account-refused' AND actor = 'admin'";
    assert_eq!(cluster.sql("keyfob", lines).trim(), "1");
}
