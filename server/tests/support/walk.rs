//! A walk by cursor over HTTP, while devices are created and deleted.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::client::Client;

/// Walks with the clients by turns; between the pages a device comes and another goes.
pub(crate) fn walk(clients: &mut [Client]) {
    let create = |client: &mut Client, user: &str| client.create(&json!({"type": "HOTP", "user": user})).1["id"].as_i64().unwrap();
    let there: Vec<i64> = (0..40).map(|at| create(&mut clients[0], &format!("user{at}"))).collect();
    // Those that go are none of those that must be found.
    let mut leaving: Vec<i64> = (0..14).map(|_| create(&mut clients[0], "leaving")).collect();
    let search = "/OtpDevice?count=7&filter=user+sw+%22user%22+or+status+ne+%22D%22";
    let (mut seen, mut cursor, mut turn) = (HashMap::new(), String::new(), 0);
    let total = loop {
        let at = turn % clients.len();
        let page = clients[at].get(&format!("{search}&cursor={cursor}")).ok(200);
        for device in page["Resources"].as_array().unwrap() {
            *seen.entry(device["id"].as_i64().unwrap()).or_insert(0) += 1;
        }
        let Some(next) = page.get("nextCursor").and_then(Value::as_str) else { break page["totalResults"].clone() };
        next.clone_into(&mut cursor);
        create(&mut clients[at], "user that came");
        if let Some(id) = leaving.pop() {
            assert_eq!(clients[at].call("DELETE", &format!("/OtpDevice/{id}"), "").status, 204);
        }
        turn += 1;
    };
    assert!(turn > 5, "{turn}");
    assert_eq!(total, 54, "as many as there were when the walk began");
    assert!(there.iter().all(|id| seen.get(id) == Some(&1)), "{there:?} {seen:?}");
    assert!(seen.values().all(|times| *times == 1), "{seen:?}");

    let refused = clients[0].get(&format!("/OtpDevice?cursor={cursor}"));
    assert!(refused.refused(400).starts_with("cursor: is not a nextCursor of this search"));
    assert_eq!(refused.json()["scimType"], "invalidCursor");
}
