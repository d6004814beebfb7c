//! The limits on messages, with a gateway that counts what goes out.

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::client::{BASE, Client};
use super::moments::Random;
use super::process::{Server, folder, log, trail};
use super::pump::{Outlets, check, limits, request_at_once, within_an_hour};

/// How often the service is killed.
const RUNS: usize = 15;
/// How many messages each of eight devices requests in a run.
const PER_DEVICE: usize = 8;
/// The budget of the runs: more than they request, so that each is killed before it is used up.
const BUDGET: usize = 1000;

fn start(folder: &std::path::Path) -> Server {
    Server::start(folder, &["--config", "keyfob.toml"])
}

/// The value of a metric, by its name with labels; 0 if it is missing.
fn metric(server: &Server, name: &str) -> u64 {
    let text = server.anonymous().send("GET", "/metrics", "", b"").expect("an answer");
    let line = text.text().lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    line.map_or(0, |value| value.trim_end_matches(".0").parse().expect("a whole number"))
}

#[test]
fn of_200_requests_at_once_exactly_the_limit_goes_out() {
    within_an_hour(|| {
        for (key, lines, bodies) in limits() {
            let (folder, outlets) = (folder(), Outlets::open());
            outlets.configure(folder.path(), lines);
            let server = start(folder.path());
            let mut client = server.admin();
            let paths: Vec<String> = bodies.iter().map(|body| client.create(body).0).collect();
            check(&request_at_once(&[client], &paths), 7, key);
            assert_eq!(outlets.codes().len(), 7, "{key}");
            // A restart forgets nothing.
            server.stop();
            let server = start(folder.path());
            let mut client = server.admin();
            // Once a password was right, no request waits for a check of it.
            client.device(&paths[0]);
            check(&request_at_once(&[client], &paths), 0, key);
            assert_eq!(outlets.codes().len(), 7, "{key}");
            let label = match key {
                "messages.budgets" => "limit=\"budget\",prefix=\"+34\"",
                "messages.per_number_per_day" => "limit=\"number\",prefix=\"other\"",
                "messages.per_device_per_day" => "limit=\"device\",prefix=\"other\"",
                _ => "limit=\"address\",prefix=\"\"",
            };
            assert_eq!(metric(&server, &format!("keyfob_messages_refused_total{{{label}}}")), 200, "{key}");
        }
    });
}

#[test]
fn refused_message_leaves_the_code_and_the_trail_as_they_are() {
    within_an_hour(|| {
        let (folder, outlets) = (folder(), Outlets::open());
        outlets.configure(folder.path(), "per_device_per_day = 1");
        let server = start(folder.path());
        let mut client = server.admin();
        let path = client.create(&json!({"type": "SMS", "user": "dilbert", "phone": "6665552222"})).0;
        let challenge = format!("{path}/requestChallenge");
        client.get(&challenge).ok(200);
        let (before, lines) = (client.device(&path), trail(folder.path(), &path).len());
        for _ in 0..3 {
            client.get(&challenge).refused(429);
        }
        assert_eq!((client.device(&path), trail(folder.path(), &path).len()), (before, lines));
        let codes = outlets.codes();
        assert_eq!(codes.len(), 1);
        assert_eq!(client.answer(&path, &codes[0]).verdict(), (true, false));
    });
}

#[test]
fn prefixes_refuse_numbers_and_label_the_metrics() {
    within_an_hour(|| {
        let (folder, outlets) = (folder(), Outlets::open());
        outlets.configure(folder.path(), "");
        let server = start(folder.path());
        let phones = ["+34600000000", "+88216000000", "+351912345678", "112"];
        let paths = phones.map(|phone| server.admin().create(&json!({"type": "SMS", "user": "dilbert", "phone": phone})).0);
        server.stop();
        outlets.configure(
            folder.path(),
            "region = 'ES'\nallowed_prefixes = ['+']\nrefused_prefixes = ['+882']\nbudgets = { '+34' = 2 }",
        );
        let mut server = Server::start(folder.path(), &["--config", "keyfob.toml", "--set", "log=info"]);
        assert_eq!(server.greeting("  limit       2 messages "), "an hour to +34");
        assert_eq!(server.greeting("  limit       only "), "to +");
        assert_eq!(server.greeting("  limit       none "), "to +882");
        let mut client = server.admin();
        let mut ask = |path: &str| client.get(&format!("{path}/requestChallenge"));
        ask(&paths[0]).ok(200);
        assert_eq!(server.admin().answer(&paths[0], outlets.codes().last().unwrap()).verdict(), (true, false));
        ask(&paths[0]).ok(200);
        ask(&paths[0]).refused(429);
        ask(&paths[0]).refused(429);
        let refusal = ask(&paths[1]);
        assert!(refusal.refused(409).contains("messages.refused_prefixes"));
        assert_eq!(refusal.header("retry-after"), None);
        ask(&paths[1]).refused(409);
        ask(&paths[2]).ok(200);
        ask(&paths[3]).ok(200);
        assert_eq!(outlets.codes().len(), 4);
        let created = server.admin().post("/OtpDevice", &json!({"type": "SMS", "user": "dilbert", "phone": "+88216000000"}));
        assert!(created.refused(400).starts_with("phone: "));
        let created = server.admin().post("/OtpDevice", &json!({"type": "SMS", "user": "dilbert", "phone": "112"}));
        assert!(created.refused(400).contains("messages.region"));
        assert_eq!(server.admin().device(&paths[1])["phone"], "+88216000000", "a device from before is as it was");
        for (name, value) in [
            ("messages_sent_total{prefix=\"+34\"}", 2),
            // The longest of the settings: the list takes any number.
            ("messages_sent_total{prefix=\"+\"}", 2),
            ("messages_answered_total{prefix=\"+34\"}", 1),
            ("messages_answered_total{prefix=\"+\"}", 0),
            ("messages_refused_total{limit=\"budget\",prefix=\"+34\"}", 2),
            // Two requests, and a device that should get the number.
            ("messages_refused_total{limit=\"prefix\",prefix=\"+882\"}", 3),
            ("messages_refused_total{limit=\"unread\",prefix=\"\"}", 1),
            ("message_budget_used{prefix=\"+34\"}", 2),
            ("message_budget{prefix=\"+34\"}", 2),
        ] {
            assert_eq!(metric(&server, &format!("keyfob_{name}")), value, "{name}");
        }
        let log = log(folder.path());
        assert_eq!(log.matches("the budget of a prefix is used up").count(), 1, "{log}");
        assert_eq!(log.matches("a number of a refused prefix was asked for").count(), 1, "{log}");
        assert_eq!(log.matches("a number that cannot be read was asked for").count(), 1, "{log}");
        // Each refusal by a limit, beside its request's status 429.
        assert_eq!(log.matches("a limit has refused a code limit=\"budget\"").count(), 2, "{log}");
        assert!(log.contains("+882") && !log.contains("216000000"), "{log}");
        assert!(!log.contains("600000000"), "{log}");
    });
}

#[test]
fn gateway_gets_the_number_that_the_limits_judged() {
    for (lines, phone, number) in [
        // As international numbers they would be of other prefixes.
        ("region = 'DE'\nallowed_prefixes = ['+49']", "882161234567", "49882161234567"),
        ("region = 'US'\nallowed_prefixes = ['+34']", "011 34 600000000", "34600000000"),
        ("region = 'ES'\nbudgets = { '+34' = 5 }", "600 00 00 00", "34600000000"),
        ("region = 'ES'", "600 00 00 00", "34600000000"),
        ("per_number_per_day = 5", "+352 (0)621 123456", "352621123456"),
        ("refused_prefixes = ['+882']", "+39 (0)6 1234 5678", "390612345678"),
    ] {
        let (folder, outlets) = (folder(), Outlets::open());
        outlets.configure(folder.path(), lines);
        let file = folder.path().join("keyfob.toml");
        let forms = "to=${PHONE}&e164=${PHONE_E164}&digits=${PHONE_DIGITS}&code";
        std::fs::write(&file, std::fs::read_to_string(&file).unwrap().replace("to=${PHONE}&code", forms)).unwrap();
        let server = start(folder.path());
        let mut client = server.admin();
        let path = client.create(&json!({"type": "SMS", "user": "dilbert", "phone": phone})).0;
        client.get(&format!("{path}/requestChallenge")).ok(200);
        let sent = outlets.texts().pop().unwrap();
        assert!(sent.contains(&format!("to=%2B{number}&e164=%2B{number}&digits={number}&code=")), "{lines} {phone}: {sent}");
        assert_eq!(client.device(&path)["phone"], phone, "it is shown as it was typed");
    }
}

#[test]
fn digits_too_many_make_no_other_number_of_the_same_telephone() {
    within_an_hour(|| {
        let (folder, outlets) = (folder(), Outlets::open());
        outlets.configure(folder.path(), "per_number_per_day = 1\nregion = 'DE'");
        let server = start(folder.path());
        let mut client = server.admin();
        let mut ask = |phone: &str| {
            let path = client.create(&json!({"type": "SMS", "user": "dilbert", "phone": phone})).0;
            client.get(&format!("{path}/requestChallenge"))
        };
        ask("+49 151 12345678").ok(200);
        for phone in ["+49 151 12345678 9", "0151 12345678 90", "+49 (0)151 12345678 91"] {
            assert!(ask(phone).refused(429).contains("messages.per_number_per_day"));
        }
        ask("+49 151 12345679 9").ok(200);
        assert!(outlets.texts().pop().unwrap().contains("to=%2B49151123456799&"), "the gateway gets all digits");
    });
}

/// The worst moment of a kill: each message is counted and on its way, and none has gone out.
#[test]
fn message_that_was_counted_and_not_sent_before_a_kill_stays_counted() {
    within_an_hour(|| {
        let (folder, outlets) = (folder(), Outlets::open());
        // It takes connections, and reads nothing.
        let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", deaf.local_addr().unwrap());
        outlets.configure(folder.path(), "budgets = { '+' = 7 }");
        let whole = std::fs::read_to_string(folder.path().join("keyfob.toml")).unwrap();
        let at = whole.find("url = '").unwrap() + 7;
        let end = at + whole[at..].find('\'').unwrap();
        std::fs::write(folder.path().join("keyfob.toml"), format!("{}{url}{}", &whole[..at], &whole[end..])).unwrap();
        let mut server = start(folder.path());
        let mut client = server.admin();
        let paths: Vec<String> = (10..30)
            .map(|number| client.create(&json!({"type": "SMS", "user": "dilbert", "phone": format!("+346000000{number}")})).0)
            .collect();
        let used = "keyfob_message_budget_used{prefix=\"+\"}";
        thread::scope(|scope| {
            let threads: Vec<_> = paths[..5].iter().map(|path| scope.spawn(|| pump(client.another(), path, 1))).collect();
            // An hour that begins now counts anew, and they would never be five.
            let until = Instant::now() + Duration::from_secs(60);
            while metric(&server, used) < 5 {
                assert!(Instant::now() < until, "five messages are not counted");
                thread::sleep(Duration::from_millis(5));
            }
            server.kill();
            assert_eq!(threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>(), 0, "nobody was told of a message");
        });
        std::fs::write(folder.path().join("keyfob.toml"), whole).unwrap();
        let server = start(folder.path());
        let mut client = server.admin();
        client.device(&paths[0]);
        check(&request_at_once(&[client], &paths), 2, "messages.budgets");
        assert_eq!((outlets.codes().len(), metric(&server, used)), (2, 7));
    });
}

/// Requests messages until the connection breaks, a limit refuses or there were so many. Returns
/// how many went out.
fn pump(mut client: Client, path: &str, requests: usize) -> usize {
    let mut sent = 0;
    while sent < requests
        && client.send("GET", &format!("{BASE}{path}/requestChallenge"), "", b"").is_some_and(|answer| answer.status == 200)
    {
        sent += 1;
    }
    sent
}

#[test]
fn killed_service_sends_no_more_than_the_limit() {
    within_an_hour(|| {
        let (folder, outlets) = (folder(), Outlets::open());
        outlets.configure(folder.path(), &format!("budgets = {{ '+' = {BUDGET} }}"));
        let mut server = start(folder.path());
        let paths: Vec<String> = (10..18)
            .map(|number| {
                let body = json!({"type": "SMS", "user": "dilbert", "phone": format!("+346000000{number}")});
                server.admin().create(&body).0
            })
            .collect();
        let used = |server: &Server| usize::try_from(metric(server, "keyfob_message_budget_used{prefix=\"+\"}")).unwrap();
        let (mut random, mut answered, mut at_work) = (Random(20_261_130), 0, 0);
        let most = paths.len() * PER_DEVICE;
        for run in 0..RUNS {
            let client = server.admin();
            // Once a password was right, no request waits for a check of it.
            client.another().device(&paths[0]);
            thread::scope(|scope| {
                let threads: Vec<_> = paths.iter().map(|path| scope.spawn(|| pump(client.another(), path, PER_DEVICE))).collect();
                // It is killed when so many messages have gone out, be the machine quick or busy.
                let wanted = outlets.codes().len() + usize::try_from(random.below(most.try_into().unwrap())).unwrap();
                let until = Instant::now() + Duration::from_secs(60);
                while outlets.codes().len() < wanted {
                    assert!(Instant::now() < until, "run {run}: too few messages go out");
                    thread::sleep(Duration::from_millis(1));
                }
                server.kill();
                let sent = threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>();
                answered += sent;
                at_work += usize::from(sent < most);
            });
            server = start(folder.path());
            let (sent, counted) = (outlets.codes().len(), used(&server));
            assert!(answered <= sent && sent <= counted && counted < BUDGET, "run {run}: {answered}, {sent}, {counted}");
        }
        assert!(at_work > 0, "it was killed at work");
        // The rest of the budget goes out, and no more.
        let rest = BUDGET - used(&server);
        let client = server.admin();
        client.another().device(&paths[0]);
        let sent: usize = thread::scope(|scope| {
            let threads: Vec<_> = paths.iter().map(|path| scope.spawn(|| pump(client.another(), path, BUDGET))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        let all = outlets.codes().len();
        assert!(sent == rest && answered + rest <= all && all <= BUDGET, "{sent}, {rest}, {answered}, {all}");
        assert_eq!(used(&server), BUDGET);
    });
}
