//! Channels with several servers.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::sink::{Got, Manner, answer, certificate, closed, gateway, gateway_at, smtp};
use super::{CODE, Channel, attributes, delivery, logged, message, text};
use crate::delivery::{Delivery, Error};

const NUMBER: &str = "+34 600 112 233";
const ADDRESS: &str = "bob@example.org";
/// A server whose refusal takes longer comes last, as one without an answer. A test that a busy
/// machine held up for so long begins again.
const REFUSAL_TIME: Duration = Duration::from_secs(1);

/// A table of the list `[[sms]]` for a gateway on this machine.
fn sms(port: u16, more: &str) -> String {
    format!("[[sms]]\nurl = 'http://127.0.0.1:{port}/sesame'\nbody = 'to=${{PHONE}}&code=${{PIN}}'\n{more}\n")
}

/// A table of the list `[[email]]` for a server on this machine.
fn email(port: u16, more: &str) -> String {
    format!("[[email]]\nserver = '127.0.0.1'\nport = {port}\nsecurity = 'none'\nfrom = 'otp@example.com'\n{more}\n")
}

/// Sends by a channel. Neither errors nor the log show the code, the address or the path of a URL.
async fn send(delivery: &Delivery, channel: Channel) -> (Result<(), Error>, String) {
    let attributes = attributes();
    let to = if channel == Channel::Email { ADDRESS } else { NUMBER };
    let (lines, guard) = logged();
    let sent = delivery.send(&message(channel, to, &attributes)).await;
    drop(guard);
    let log = text(&lines);
    let shown = format!("{log}{}", sent.as_ref().err().map(ToString::to_string).unwrap_or_default());
    assert!([CODE, "sesame", NUMBER, ADDRESS].iter().all(|secret| !shown.contains(secret)), "{shown}");
    (sent, log)
}

async fn send_sms(delivery: &Delivery) -> Result<(), Error> {
    send(delivery, Channel::Sms).await.0
}

/// The number of messages with the code that a server got.
fn messages(got: &Got) -> usize {
    got.all().iter().filter(|text| text.contains(CODE)).count()
}

fn attempts(delivery: &Delivery, gateway: &str) -> [u64; 2] {
    attempts_by("sms", delivery, gateway)
}

fn attempts_by(channel: &str, delivery: &Delivery, server: &str) -> [u64; 2] {
    ["sent", "failed"].map(|outcome| {
        let labels = [("channel", channel.to_owned()), ("gateway", server.to_owned()), ("outcome", outcome.to_owned())];
        delivery.attempts().get_or_create(&labels).get()
    })
}

#[tokio::test]
async fn second_gateway_gets_the_code_once_whatever_fails_at_the_first() {
    let (tls, _) = certificate();
    let (_, other) = certificate();
    let untrusted = gateway(answer("200 OK", ""), Some(tls)).await.0;
    let untrusted = format!("[[sms]]\nurl = 'https://localhost:{untrusted}/${{PIN}}'\nca_file = {:?}\n", other.path());
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nque".to_owned();
    let mut cases = vec![(untrusted, "TLS"), (sms(closed().await, ""), "refused")];
    for (said, more, reason) in [
        (answer("500 Oops", ""), "", "answered 500"),
        (answer("503 Busy", ""), "", "answered 503"),
        (answer("400 Bad Request", ""), "", "answered 400"),
        (answer("401 Unauthorized", ""), "", "answered 401"),
        (answer("302 Found", ""), "", "redirects"),
        (answer("200 OK", "no credit"), "success_text = 'queued'", "without the text of sms[1].success_text"),
        (Some(cut), "success_text = 'queued'", "closed the connection"),
        (Some(String::new()), "", "connection"),
        (None, "timeout = 0.3", "no answer within 300ms"),
    ] {
        cases.push((sms(gateway(said, None).await.0, more), reason));
    }
    for (first, reason) in cases {
        let (port, got) = gateway(answer("200 OK", ""), None).await;
        let delivery = delivery(&(first + &sms(port, "")));
        let (sent, log) = send(&delivery, Channel::Sms).await;
        sent.unwrap_or_else(|error| panic!("{reason}: {error}"));
        assert_eq!((messages(&got), got.all().len()), (1, 1), "{reason}");
        let warnings: Vec<_> = log.lines().filter(|line| line.contains("WARN")).collect();
        assert_eq!(warnings.len(), 1, "{log}");
        for part in ["delivery by SMS: ", reason, "; the next of the list is tried", "user=\"alice\""] {
            assert!(warnings[0].contains(part), "{part}: {log}");
        }
        assert_eq!([attempts(&delivery, "1"), attempts(&delivery, "2")], [[0, 1], [1, 0]], "{reason}");
    }
}

#[tokio::test]
async fn second_mail_server_gets_the_code_once_whatever_fails_at_the_first() {
    let (tls, _) = certificate();
    let (_, other) = certificate();
    let (untrusted, _) = smtp(Manner { tls: Some(tls), ..Manner::default() }).await;
    let untrusted =
        format!("[[email]]\nserver = 'localhost'\nport = {untrusted}\nca_file = {:?}\nfrom = 'otp@example.com'\n", other.path());
    let mut cases = vec![(untrusted, "TLS"), (email(closed().await, ""), "refused")];
    for (begin, said, reason) in [
        ("RCPT", "550 5.1.1 no such user", "answered 550 5.1.1"),
        ("RCPT", "451 later", "answered 451"),
        (".", "554 spam: Your code is 804317", "answered 554"),
        ("MAIL", "", ""),
        (".", "", ""),
        ("EHLO", "-", "no answer within 300ms"),
    ] {
        let (port, _) = smtp(Manner { answers: vec![(begin, said)], ..Manner::default() }).await;
        // A busy machine may take longer for the others.
        cases.push((email(port, if said == "-" { "timeout = 0.3" } else { "" }), reason));
    }
    for (first, reason) in cases {
        let (port, got) = smtp(Manner::default()).await;
        let (sent, log) = send(&delivery(&(first + &email(port, ""))), Channel::Email).await;
        sent.unwrap_or_else(|error| panic!("{reason}: {error}"));
        assert_eq!(messages(&got), 1, "{reason}");
        assert!(log.contains("delivery by e-mail: ") && log.contains(reason), "{log}");
    }
}

#[tokio::test]
async fn others_get_nothing_while_the_first_takes_messages() {
    let [(first, got), (second, none), (call, calls)] =
        [gateway(answer("200 OK", ""), None).await, gateway(answer("200 OK", ""), None).await, gateway(None, None).await];
    let delivery = delivery(&(sms(first, "") + &sms(second, "") + &sms(call, "").replace("sms", "voice")));
    for count in 1..4 {
        let (sent, log) = send(&delivery, Channel::Sms).await;
        sent.unwrap();
        assert!(messages(&got) == count && !log.contains("WARN"), "{log}");
    }
    assert_eq!((none.all().len(), calls.all().len()), (0, 0));
    assert_eq!([attempts(&delivery, "1"), attempts(&delivery, "2")], [[3, 0], [0, 0]]);
}

#[tokio::test]
async fn error_names_every_server_and_its_reason_in_order() {
    let mut ports = Vec::new();
    for status in ["400 Bad Request", "403 Forbidden", "503 Busy"] {
        ports.push(gateway(answer(status, ""), None).await);
    }
    let tables = |names: [&str; 3]| -> String { ports.iter().zip(names).map(|((port, _), more)| sms(*port, more)).collect() };
    let error = send_sms(&delivery(&tables(["", "name = 'acme'", ""]))).await.unwrap_err();
    let ports: Vec<_> = ports.iter().map(|(port, got)| (port, got.clone())).collect();
    let [first, second, third] = [ports[0].0, ports[1].0, ports[2].0];
    assert_eq!(
        error.to_string(),
        format!(
            "127.0.0.1:{first} (not encrypted): answered 400 Bad Request; then acme at 127.0.0.1:{second} (not encrypted): answered 403 \
             Forbidden; then 127.0.0.1:{third} (not encrypted): answered 503 Service Unavailable"
        )
    );
    assert_eq!(
        error.client_text(),
        "gateway 1: answered 400 Bad Request; then gateway acme: answered 403 Forbidden; then gateway 3: answered 503 Service Unavailable"
    );
    assert!(error.is_transient(), "one of them may pass");
    assert!(ports.iter().all(|(_, got)| messages(got) == 1));
    let error = send_sms(&delivery(&(sms(*first, "") + &sms(*second, "")))).await.unwrap_err();
    assert!(!error.is_transient(), "{error}");
}

#[tokio::test]
async fn clients_read_of_no_host_whatever_fails() {
    let (tls, _) = certificate();
    let (_, other) = certificate();
    let untrusted = gateway(answer("200 OK", ""), Some(tls)).await.0;
    let https = format!("url = 'https://localhost:{untrusted}/s'\nbody = '${{PIN}}'\nca_file = {:?}", other.path());
    let down = closed().await;
    for toml in [
        format!("[sms]\n{https}"),
        sms(down, ""),
        "[sms]\nurl = 'https://gateway.invalid/s'\nbody = '${PIN}'\ntimeout = 2".to_owned(),
        sms(gateway(None, None).await.0, "timeout = 0.3"),
        sms(gateway(Some(String::new()), None).await.0, ""),
        sms(gateway(answer("200 OK", "no credit"), None).await.0, "success_text = 'queued'"),
    ] {
        let error = send_sms(&delivery(&toml)).await.unwrap_err();
        let (log, shown) = (error.to_string(), error.client_text());
        assert!(["127.0.0.1:", "localhost:", "gateway.invalid:"].iter().any(|host| log.starts_with(host)), "{log}");
        assert!(shown.starts_with("gateway 1: "), "{shown}");
        assert!(["127.0.0.1", "localhost", "invalid"].iter().all(|host| !shown.contains(host)), "{shown}");
        assert!(!shown.contains(&down.to_string()), "{shown}");
    }
    let error = send(&delivery(&email(down, "")), Channel::Email).await.0.unwrap_err();
    assert_eq!(error.client_text(), "mail server 1: no connection, or it broke; the log has the cause");
}

#[tokio::test]
async fn gateway_that_does_not_answer_holds_up_one_message_and_then_comes_last() {
    let (silent, asked) = gateway(None, None).await;
    let (port, got) = gateway(answer("200 OK", ""), None).await;
    let delivery = delivery(&(sms(silent, "timeout = 0.5") + &sms(port, "")));
    let start = Instant::now();
    send_sms(&delivery).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(500));
    for _ in 0..3 {
        send_sms(&delivery.clone()).await.unwrap();
    }
    // The others did not wait for it. On a busy machine its time may end before it reads anything.
    assert_eq!([attempts(&delivery, "1"), attempts(&delivery, "2")], [[0, 1], [4, 0]]);
    assert!(asked.all().len() <= 1 && messages(&got) == 4);
}

#[tokio::test]
async fn gateway_that_comes_last_is_tried_if_all_others_fail_and_is_first_again_when_it_answers() {
    let down = closed().await;
    let (port, failing) = gateway(answer("500 Oops", ""), None).await;
    let delivery = delivery(&(sms(down, "") + &sms(port, "")));
    let order = |error: Error| {
        let text = error.to_string();
        text.find("refused") < text.find("answered 500")
    };
    assert!(order(send_sms(&delivery).await.unwrap_err()));
    assert!(!order(send_sms(&delivery).await.unwrap_err()), "the first rests");
    let (_, got) = gateway_at(down, answer("200 OK", ""), None).await;
    let (sent, log) = send(&delivery, Channel::Sms).await;
    sent.unwrap();
    assert!(log.contains("INFO") && log.contains(&format!("127.0.0.1:{down} (not encrypted) answers again")), "{log}");
    assert_eq!((messages(&failing), messages(&got)), (3, 1));
    let (sent, log) = send(&delivery, Channel::Sms).await;
    sent.unwrap();
    assert!(!log.contains("answers again"), "{log}");
    assert_eq!((messages(&failing), messages(&got)), (3, 2));
}

#[tokio::test]
async fn mail_server_that_does_not_answer_comes_last_and_one_that_refuses_does_not() {
    for (begin, said, asked_again) in
        [("MAIL", "-", false), ("MAIL", "", false), ("MAIL", "nonsense", false), ("MAIL", "451 later", true)]
    {
        let (delivery, asked, got) = loop {
            let (first, asked) = smtp(Manner { answers: vec![(begin, said)], ..Manner::default() }).await;
            let (second, got) = smtp(Manner::default()).await;
            let timeout = if said == "-" { "timeout = 0.5" } else { "" };
            let delivery = delivery(&(email(first, timeout) + &email(second, "")));
            let start = Instant::now();
            for _ in 0..2 {
                send(&delivery, Channel::Email).await.0.unwrap();
            }
            if !asked_again || start.elapsed() < REFUSAL_TIME {
                break (delivery, asked, got);
            }
        };
        let tries = if asked_again { 2 } else { 1 };
        assert_eq!([attempts_by("email", &delivery, "1"), attempts_by("email", &delivery, "2")], [[0, tries], [2, 0]], "{said}");
        let commands = asked.all().iter().filter(|line| line.starts_with("MAIL")).count();
        // On a busy machine the time may end before the command.
        assert!((commands == usize::try_from(tries).unwrap() || (said == "-" && commands == 0)) && messages(&got) == 2, "{said}");
    }
}

#[tokio::test]
async fn gateway_that_is_not_at_work_or_fails_late_comes_last() {
    // It refuses after more than a second.
    let late = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut ports = vec![(late.local_addr().unwrap().port(), None)];
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = late.accept().await {
            assert_ne!(stream.read(&mut [0; 4096]).await.unwrap(), 0);
            tokio::time::sleep(Duration::from_millis(1100)).await;
            stream.write_all(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n").await.unwrap();
        }
    });
    for status in ["502 Bad Gateway", "503 Busy", "504 Gateway Timeout"] {
        let (port, got) = gateway(answer(status, ""), None).await;
        ports.push((port, Some(got)));
    }
    for (first, asked) in ports {
        let (second, got) = gateway(answer("200 OK", ""), None).await;
        let delivery = delivery(&(sms(first, "") + &sms(second, "")));
        for _ in 0..3 {
            send_sms(&delivery).await.unwrap();
        }
        assert_eq!([attempts(&delivery, "1"), attempts(&delivery, "2")], [[0, 1], [3, 0]], "{first}");
        assert_eq!((asked.map_or(1, |asked| messages(&asked)), messages(&got)), (1, 3));
    }
}

#[tokio::test]
async fn gateway_that_refuses_keeps_its_place() {
    loop {
        let (first, refusing) = gateway(answer("500 Oops", ""), None).await;
        let (second, got) = gateway(answer("200 OK", ""), None).await;
        let delivery = delivery(&(sms(first, "name = 'main'") + &sms(second, "name = 'spare'")));
        let start = Instant::now();
        for _ in 0..3 {
            send_sms(&delivery).await.unwrap();
        }
        if start.elapsed() < REFUSAL_TIME {
            assert_eq!((messages(&refusing), messages(&got)), (3, 3));
            assert_eq!([attempts(&delivery, "main"), attempts(&delivery, "spare")], [[0, 3], [3, 0]]);
            return;
        }
    }
}

#[tokio::test]
async fn message_that_a_template_cannot_take_goes_to_a_gateway_that_can_and_counts_against_none() {
    let (first, none) = gateway(answer("200 OK", ""), None).await;
    let (second, got) = gateway(answer("200 OK", ""), None).await;
    let abroad = sms(first, "").replace("${PHONE}", "${PHONE_E164}");
    let attributes = attributes();
    let both = delivery(&(abroad.clone() + &sms(second, "")));
    both.send(&message(Channel::Sms, "600 112 233", &attributes)).await.unwrap();
    assert_eq!((none.all().len(), messages(&got)), (0, 1));
    assert_eq!([attempts(&both, "1"), attempts(&both, "2")], [[0, 0], [1, 0]]);
    let second = sms(second, "headers = { X = '${nobody}' }");
    let error = delivery(&(abroad + &second)).send(&message(Channel::Sms, "600 112 233", &attributes)).await.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("sms[1].body: the user's telephone number must begin with + or 00"), "{text}");
    assert!(text.ends_with("; then sms[2].headers.x: the user has no attribute nobody") && !error.is_transient(), "{text}");
    assert_eq!((none.all().len(), messages(&got)), (0, 1));
}

#[tokio::test]
async fn malformed_address_is_reported_once_for_all_servers() {
    let [(first, got), (second, others)] = [smtp(Manner::default()).await, smtp(Manner::default()).await];
    let delivery = delivery(&(email(first, "") + &email(second, "")));
    let attributes = attributes();
    let error = delivery.send(&message(Channel::Email, "bob", &attributes)).await.unwrap_err();
    assert_eq!(error.to_string(), "the user's e-mail address is malformed");
    assert!(!error.is_transient() && got.all().is_empty() && others.all().is_empty());
}
