//! E-mail to an SMTP server.

use std::time::{Duration, Instant};

use data_encoding::BASE64;

use super::sink::{Manner, certificate, closed, smtp};
use super::{CODE, Channel, attributes, delivery, message};
use crate::delivery::Failure;

const TO: &str = "bob@example.org";

/// The table `[email]` for a server on this machine.
fn email(port: u16, more: &str) -> String {
    format!("[email]\nserver = '127.0.0.1'\nport = {port}\nsecurity = 'none'\nfrom = 'keyfob <otp@example.com>'\n{more}\n")
}

async fn send(toml: &str) -> Result<(), Failure> {
    let attributes = attributes();
    let sent = delivery(toml).send(&message(Channel::Email, TO, &attributes)).await;
    if let Err(failure) = &sent {
        let text = failure.to_string();
        assert!(!text.contains(CODE) && !text.contains("open sesame"), "{text}");
    }
    sent
}

#[tokio::test]
async fn a_mail_arrives_with_its_code() {
    let (port, got) = smtp(Manner::default()).await;
    let more = "subject = 'Grüße, ${USER}'\nbody = \".\\n.. ${name}: ${PIN}\\n.\\nto ${EMAIL}\"";
    send(&email(port, more)).await.unwrap();
    let got = got.all();
    assert!(got.contains(&"MAIL FROM:<otp@example.com>".to_owned()), "{got:?}");
    assert!(got.contains(&format!("RCPT TO:<{TO}>")));
    let mail = got.iter().find(|text| text.contains("Subject:")).unwrap();
    let (head, body) = mail.split_once("\n\n").unwrap();
    for line in ["From: keyfob <otp@example.com>", "To: bob@example.org", "Auto-Submitted: auto-generated"] {
        assert!(head.lines().any(|it| it == line), "{line}: {head}");
    }
    assert!(head.contains("Date: ") && head.contains("Content-Type: text/plain; charset=utf-8"), "{head}");
    assert!(head.contains("Message-ID: <") && head.contains("@example.com>\n"), "{head}");
    assert!(head.contains("Subject: =?utf-8?b?") && !head.contains("Gr"), "{head}");
    let encoding = head.lines().find_map(|line| line.strip_prefix("Content-Transfer-Encoding: ")).unwrap();
    let body = match encoding {
        "base64" => String::from_utf8(BASE64.decode(body.replace('\n', "").as_bytes()).unwrap()).unwrap(),
        "quoted-printable" => body.replace("=\n", "").replace("=C3=B6", "ö"),
        _ => body.to_owned(),
    };
    assert_eq!(body.replace('\r', "").trim_end(), format!(".\n.. O'Hara \"<Q>\" & söhne\\: {CODE}\n.\nto {TO}"));
}

#[tokio::test]
async fn starttls_and_tls_with_a_private_authority_and_a_password() {
    let (tls, ca) = certificate();
    let password = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(password.path(), "open sesame\n").unwrap();
    for (security, at_once) in [("starttls", false), ("tls", true)] {
        let (port, got) = smtp(Manner { tls: Some(tls.clone()), at_once, ..Manner::default() }).await;
        let toml = format!(
            "[email]\nserver = 'localhost'\nport = {port}\nsecurity = '{security}'\nca_file = {:?}\nfrom = 'otp@example.com'\n\
             username = 'otp'\npassword_file = {:?}\n",
            ca.path(),
            password.path()
        );
        send(&toml).await.unwrap();
        let got = got.all();
        let place = |begin: &str| got.iter().position(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("{begin}: {got:?}"));
        assert!(place("encrypted") < place("AUTH PLAIN") && place("AUTH PLAIN") < place("MAIL"));
        assert!(got.contains(&format!("AUTH PLAIN {}", BASE64.encode(b"\0otp\0open sesame"))));
        assert!(got.iter().any(|text| text.contains(&format!("Your code is {CODE}"))));
    }
}

#[tokio::test]
async fn what_is_not_trusted_gets_nothing() {
    let (tls, _) = certificate();
    let (_, other) = certificate();
    let (port, got) = smtp(Manner { tls: Some(tls), ..Manner::default() }).await;
    let toml = format!(
        "[email]\nserver = 'localhost'\nport = {port}\nca_file = {:?}\nfrom = 'otp@example.com'\nusername = 'otp'\npassword = \
         'open sesame'\n",
        other.path()
    );
    let failure = send(&toml).await.unwrap_err();
    assert!(!failure.retry(), "{failure}");
    // Nor does a server that has no STARTTLS.
    let (port, plain) = smtp(Manner::default()).await;
    let toml = format!(
        "[email]\nserver = 'localhost'\nport = {port}\nfrom = 'otp@example.com'\nusername = 'otp'\npassword = 'open sesame'\n"
    );
    let failure = send(&toml).await.unwrap_err();
    assert!(!failure.retry() && failure.to_string().contains("STARTTLS"), "{failure}");
    for line in got.all().iter().chain(&plain.all()) {
        assert!(!line.starts_with("AUTH") && !line.starts_with("MAIL"), "{line}");
    }
}

#[tokio::test]
async fn refusals_tell_whether_to_try_again() {
    let cases = [
        ("RCPT", "550 no such user: code 804317", false, "550"),
        ("RCPT", "451 later", true, "451"),
        (".", "554 spam: Your code is 804317", false, "554"),
        ("MAIL", "", true, ""),
        (".", "", true, ""),
        ("EHLO", "hello 804317", true, "not SMTP"),
        ("AUTH", "535 wrong: open sesame", false, "535"),
    ];
    for (begin, answer, retry, said) in cases {
        let (port, _) = smtp(Manner { answers: vec![(begin, answer)], ..Manner::default() }).await;
        let failure = send(&email(port, "username = 'otp'\npassword = 'open sesame'")).await.unwrap_err();
        assert_eq!(failure.retry(), retry, "{begin}: {failure}");
        let name = format!("127.0.0.1:{port}");
        assert!(failure.to_string().contains(said) && failure.to_string().contains(&name), "{failure}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_left() {
    for begin in ["EHLO", "MAIL"] {
        let (port, _) = smtp(Manner { answers: vec![(begin, "-")], ..Manner::default() }).await;
        let start = Instant::now();
        let failure = send(&email(port, "timeout = 0.3")).await.unwrap_err();
        assert!(failure.retry(), "{failure}");
        assert!(start.elapsed() < Duration::from_secs(2));
    }
    let failure = send(&email(closed().await, "")).await.unwrap_err();
    assert!(failure.retry() && failure.to_string().contains("refused"), "{failure}");
}

#[tokio::test]
async fn a_mail_that_was_taken_is_delivered() {
    for answer in ["", "-"] {
        let (port, _) = smtp(Manner { answers: vec![("QUIT", answer)], ..Manner::default() }).await;
        send(&email(port, "timeout = 1")).await.unwrap();
    }
}

#[tokio::test]
async fn nothing_is_sent_of_what_cannot_be() {
    let (port, got) = smtp(Manner::default()).await;
    for (more, name) in
        [("body = '${PIN} ${nobody}'", "nobody"), ("subject = '${lines}'", "lines"), ("body = '${PIN} ${PHONE}'", "PHONE")]
    {
        let failure = send(&email(port, more)).await.unwrap_err();
        assert!(!failure.retry() && failure.to_string().contains(name), "{failure}");
        assert!(!failure.to_string().contains("Evil"));
    }
    let attributes = attributes();
    let delivery = delivery(&email(port, ""));
    for to in ["", "bob", "bob@example.org\r\nRCPT TO:<eve@example.org>", "a@b.example, c@d.example"] {
        let failure = delivery.send(&message(Channel::Email, to, &attributes)).await.unwrap_err();
        assert!(!failure.retry() && failure.to_string().contains("address"), "{failure}");
    }
    assert_eq!(got.all(), Vec::<String>::new());
}
