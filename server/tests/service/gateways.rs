//! Channels with a list of gateways.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::runtime::Runtime;

use super::process::{Run, Server, folder, keyfob, log, trail};
use super::settings::{check, problem_keys};
use super::sink::{self, Got};
use super::walk::code;

const NUMBER: &str = "+34 600 112 233";

/// Two gateways for text messages, and the configuration with both.
struct Gateways {
    first: Got,
    second: Got,
    /// Host and port of both, as messages show them.
    shown: [String; 2],
    /// They live as long as it.
    _runtime: Runtime,
}

impl Gateways {
    /// Opens them with their answers, none for silence, and writes the configuration.
    fn open(folder: &Path, first: Option<String>, second: Option<String>) -> Self {
        let runtime = Runtime::new().unwrap();
        let (a, first) = runtime.block_on(sink::gateway(first, None));
        let (b, second) = runtime.block_on(sink::gateway(second, None));
        let table = |port: u16, more: &str| {
            format!("[[sms]]\nurl = 'http://127.0.0.1:{port}/sesame'\nbody = 'to=${{PHONE}}&code=${{PIN}}.'\n{more}\n")
        };
        let list = table(a, "timeout = 3") + &table(b, "name = 'spare'\nheaders = { Authorization = 'sesame' }");
        fs::write(folder.join("keyfob.toml"), ["development = false\n", &list].concat()).unwrap();
        let shown = [format!("127.0.0.1:{a} (not encrypted)"), format!("spare at 127.0.0.1:{b} (not encrypted)")];
        Self { first, second, shown, _runtime: runtime }
    }
}

fn challenges(folder: &Path, path: &str) -> usize {
    trail(folder, path).iter().filter(|line| line["event"] == "otp-challenge").count()
}

#[track_caller]
fn assert_attempts(server: &Server, wanted: [(&str, &str, u32); 4]) {
    let metrics = server.anonymous().send("GET", "/metrics", "", b"").expect("an answer");
    for (gateway, outcome, count) in wanted {
        let name = "keyfob_delivery_attempts_total";
        let line = format!("{name}{{channel=\"sms\",gateway=\"{gateway}\",outcome=\"{outcome}\"}} {count}");
        assert!(metrics.text().lines().any(|it| it == line), "{line}: {}", metrics.text());
    }
}

#[test]
fn code_of_the_second_gateway_is_right_and_is_one_challenge() {
    let folder = folder();
    let folder = folder.path();
    let gateways = Gateways::open(folder, None, sink::answer("200 OK", ""));
    let mut server = Server::start(folder, &["--config", "keyfob.toml"]);
    assert_eq!(server.greeting("  delivery    SMS 1: "), gateways.shown[0]);
    assert_eq!(server.greeting("  delivery    SMS 2: "), gateways.shown[1]);
    assert_attempts(&server, [("1", "sent", 0), ("1", "failed", 0), ("spare", "sent", 0), ("spare", "failed", 0)]);
    let mut client = server.admin();
    let path = client.create(&json!({"type": "SMS", "user": "dilbert", "phone": NUMBER})).0;
    let start = Instant::now();
    client.get(&format!("{path}/requestChallenge")).ok(200);
    assert!(start.elapsed() >= Duration::from_secs(3), "the first has its time");
    let sent = code(&gateways.second);
    // A gateway that says nothing may have sent its message all the same.
    assert_eq!(code(&gateways.first), sent);
    assert_eq!((gateways.first.all().len(), gateways.second.all().len(), challenges(folder, &path)), (1, 1, 1));
    assert_eq!(client.answer(&path, &sent).verdict(), (true, false));
    assert_eq!(client.answer(&path, &sent).verdict(), (false, false), "two messages are one code");
    // The next login does not wait for the first gateway.
    let other = client.create(&json!({"type": "SMS", "user": "dilbert", "phone": NUMBER})).0;
    client.get(&format!("{other}/requestChallenge")).ok(200);
    assert_eq!(client.answer(&other, &code(&gateways.second)).verdict(), (true, false));
    assert_eq!(gateways.first.all().len(), 1, "it was not asked");

    assert_attempts(&server, [("1", "sent", 0), ("1", "failed", 1), ("spare", "sent", 2), ("spare", "failed", 0)]);
    let metrics = server.anonymous().send("GET", "/metrics", "", b"").expect("an answer");
    assert!(metrics.text().contains("keyfob_deliveries_total{channel=\"sms\",outcome=\"sent\"} 2"), "{}", metrics.text());
    assert!(!metrics.text().contains("keyfob_deliveries_total{channel=\"sms\",outcome=\"failed\"}"), "{}", metrics.text());
    server.stop();
    let log = log(folder);
    let line = format!("delivery by SMS: {}: no answer within 3s; the next of the list is tried", gateways.shown[0]);
    assert_eq!(log.matches(&line).count(), 1, "{log}");
    assert!(!log.contains(&sent) && !log.contains(NUMBER) && !log.contains("sesame"), "{log}");
}

#[test]
fn message_that_no_gateway_takes_is_one_502_with_all_reasons_and_no_fail() {
    let folder = folder();
    let folder = folder.path();
    let gateways = Gateways::open(folder, sink::answer("400 Bad Request", ""), sink::answer("503 Busy", ""));
    let server = Server::start(folder, &["--config", "keyfob.toml"]);
    let mut client = server.admin();
    let path = client.create(&json!({"type": "SMS", "user": "dilbert", "phone": NUMBER})).0;
    let detail = client.get(&format!("{path}/requestChallenge")).refused(502);
    let [first, second] = &gateways.shown;
    let reasons = format!("{first}: answered 400 Bad Request; then {second}: answered 503 Service Unavailable");
    let shown = "gateway 1: answered 400 Bad Request; then gateway spare: answered 503 Service Unavailable";
    assert_eq!(detail, format!("the code could not be delivered: {shown}; request it again"), "no host and no port");
    assert_eq!((challenges(folder, &path), &client.device(&path)["fails"]), (1, &json!(0)));
    let sent = code(&gateways.first);
    assert_eq!(code(&gateways.second), sent);
    // Asked again, it is the same code still.
    client.get(&format!("{path}/requestChallenge")).refused(502);
    assert_eq!([code(&gateways.first), code(&gateways.second)], [sent.clone(), sent.clone()]);
    assert_eq!((gateways.first.all().len(), gateways.second.all().len()), (2, 2));
    assert_attempts(&server, [("1", "sent", 0), ("1", "failed", 2), ("spare", "sent", 0), ("spare", "failed", 2)]);
    server.stop();
    let log = log(folder);
    assert_eq!(log.matches(&format!("delivery by SMS failed: {reasons}")).count(), 2, "{log}");
    assert!(!log.contains(&sent) && !log.contains(NUMBER) && !log.contains("sesame"), "{log}");
}

#[test]
fn problems_and_settings_of_a_list_are_shown_by_place() {
    let folder = folder();
    let folder = folder.path();
    let file = folder.join("keyfob.toml");
    let right = "[[sms]]\nname = 'main'\nurl = 'https://a.example/?key=sesame'\nbody = '${PIN}'\n\n\
                 [[sms]]\nurl = 'https://b.example/'\nheaders = { Authorization = 'sesame' }\nbody = '${PIN}'\ntimeout = 5\n";
    fs::write(&file, right).unwrap();
    assert_eq!(check(folder, &["--config", "keyfob.toml"], &[]).well(), "The configuration is valid.\n");
    let shown = Run::from_command(keyfob(folder, &["config", "--effective", "--config", "keyfob.toml"]), "").well();
    assert!(
        shown.ends_with(
            "\n\n[[sms]]\nname = \"main\"\nurl = \"***\"\nbody = \"***\"\n\n\
             [[sms]]\nurl = \"***\"\nheaders = \"***\"\nbody = \"***\"\ntimeout = 5\n"
        ),
        "{shown}"
    );
    // Its example of several servers is one.
    let example = Run::from_command(keyfob(folder, &["config"]), "").well();
    assert!(example.contains("# For several servers write [[sms]] once for each, in the order of use.\n#[sms]\n"), "{example}");
    let wrong = right.replace("https://b", "http://b").replace("main", "1").replace("${PIN}", "${PIN}${nobody}");
    fs::write(&file, format!("{wrong}colour = 'red'\n[users.alice]\n")).unwrap();
    let run = check(folder, &["--config", "keyfob.toml"], &[]);
    let keys = ["sms[1].body", "sms[1].name", "sms[2].body", "sms[2].colour", "sms[2].url"];
    assert_eq!(problem_keys(&run), keys, "{run:?}");
    assert!(!run.err.contains("sesame"), "{run:?}");
    // Lists are in the file only, as tables are.
    fs::write(&file, right).unwrap();
    let run = check(folder, &["--config", "keyfob.toml", "--set", "sms.timeout=5"], &[("KEYFOB_SMS_URL", "https://c.example/")]);
    assert_eq!(problem_keys(&run), ["KEYFOB_SMS_URL", "sms.timeout"], "{run:?}");
}
