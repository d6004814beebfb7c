//! Many polls of one receiver that wait for an event.

use std::io::Write as _;
use std::sync::mpsc;

use serde_json::json;

use super::client::{Response, open};
use super::signals::{POLLER, create, receiver, send, start};

const POLL: &str = "/ssf/poll/poller";

#[test]
fn polls_of_a_receiver_that_wait_are_bounded() {
    let (folder, server) = start();
    let mut client = receiver(folder.path(), &server, POLLER);
    let request = client.head("POST", POLL, "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    let (responses, all) = mpsc::channel();
    for _ in 0..17 {
        let (request, responses, address) = (request.clone(), responses.clone(), server.address);
        std::thread::spawn(move || {
            let mut waiting = open(address).expect("a connection");
            waiting.get_mut().write_all(request.as_bytes()).expect("it is taken");
            responses.send(Response::read(&mut waiting).expect("an answer")).expect("it is received");
        });
    }
    let first = all.recv().expect("the one that is too many");
    assert_eq!(first.status, 429, "{}", first.text());
    assert!(first.text().contains("16 polls of this receiver wait already"), "{}", first.text());
    assert_eq!(first.header("retry-after"), Some("5"));
    let now = send(&mut client, "POST", POLL, r#"{"returnImmediately": true}"#);
    assert_eq!((now.status, now.json()), (200, json!({"sets": {}})), "one that does not wait is served");
    create(&server, &["ada"]);
    for response in all.iter().take(16) {
        assert_eq!(response.status, 200, "{}", response.text());
        assert_eq!(response.json()["sets"].as_object().expect("sets").len(), 1, "{response:?}");
    }
    server.stop();
}
