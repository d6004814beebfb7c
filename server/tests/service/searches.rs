//! Long searches: they are given up, and hold up no others.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::client::Client;
use super::process::{Run, Server, folder, keyfob, log};

/// Fills a store with devices that cannot be used, much faster than a service makes real ones.
pub(crate) fn fill(database: &std::path::Path, devices: u32) {
    let connection = rusqlite::Connection::open(database).unwrap();
    let rows = format!("WITH RECURSIVE n (i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < {})", devices + 999);
    let values = "SELECT i, 0, 'Security PIN', 'somebody with a name ' || i, 0, 'PIN', 'V', 0, 1600000000 + i, x'00' FROM n";
    connection
        .execute_batch(&format!(
            "INSERT INTO device (id, version, name, user_name, deleted, kind, status, fails, created, record) {rows} {values};"
        ))
        .unwrap();
}

/// A filter that no index answers, as long as one may be.
pub(crate) fn long() -> String {
    (0..190).map(|number| format!("user+co+%22nobody{number}%22")).collect::<Vec<_>>().join("+or+")
}

#[test]
fn a_flood_of_long_searches_holds_up_no_search_by_an_index() {
    let folder = folder();
    let server = Server::start(folder.path(), &["--set", "log=error"]);
    let mut client = server.admin();
    let (path, _) = client.create(&json!({"type": "HOTP", "user": "alice"}));
    fill(&folder.path().join("keyfob.db"), 60_000);
    let other = Run::from_command(keyfob(folder.path(), &["account", "add", "other", "--roles", "query", "--token"]), "").well();
    let mut other = Client::bearer(server.address, other.trim());
    let list = format!("/OtpDevice?filter={}", long());
    let by_id = format!("id+eq+{}", path.rsplit('/').next().unwrap());
    let admin = &client;
    let answers: Vec<_> = thread::scope(|scope| {
        let searches: Vec<_> = (0..20)
            .map(|_| {
                let (mut client, list) = (admin.another(), &list);
                scope.spawn(move || {
                    let since = Instant::now();
                    (client.get(list), since.elapsed())
                })
            })
            .collect();
        let mut client = admin.another();
        let mut asked = 0;
        while !searches.iter().all(thread::ScopedJoinHandle::is_finished) {
            for filter in ["user+eq+%22alice%22", "type+eq+%22HOTP%22+and+user+sw+%22alice%22", &by_id] {
                assert_eq!(client.get(&format!("/OtpDevice?filter={filter}")).ok(200)["totalResults"], 1, "{filter}");
            }
            // Nor does one account hold up another, whatever that searches for.
            assert_eq!(other.get("/OtpDevice?count=1&filter=type+eq+%22HOTP%22").ok(200)["totalResults"], 1);
            assert_eq!(client.device(&path)["user"], "alice");
            asked += 1;
        }
        assert!(asked > 0);
        searches.into_iter().map(|search| search.join().unwrap()).collect()
    });
    let (mut took, mut waited) = (0, 0);
    for (answer, time) in &answers {
        assert!(*time < Duration::from_secs(15), "it ends after five seconds: {time:?}");
        if answer.status == 200 {
            continue;
        }
        let detail = answer.refused(503);
        match (detail.contains("took longer than 5 seconds"), detail.contains("waited for others for 5 seconds")) {
            (true, false) => took += 1,
            (false, true) => waited += 1,
            _ => panic!("{detail}"),
        }
        assert!(detail.contains("name a user") && !detail.contains("not available"), "{detail}");
    }
    assert!(took > 0 && waited > 0, "they were no flood: {took} {waited}");
    assert!(log(folder.path()).is_empty(), "what took long is no fault of the store");
}
