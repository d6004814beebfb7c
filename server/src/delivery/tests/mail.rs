//! E-mail to an SMTP server.

use std::time::{Duration, Instant};

use data_encoding::BASE64;

use super::sink::{Manner, certificate, certificate_for_certificates, closed, smtp};
use super::{CODE, Channel, attributes, delivery, message};
use crate::delivery::Error;

const TO: &str = "bob@example.org";

/// The table `[email]` for a server on this machine.
fn email(port: u16, more: &str) -> String {
    format!("[email]\nserver = '127.0.0.1'\nport = {port}\nsecurity = 'none'\nfrom = 'keyfob <otp@example.com>'\n{more}\n")
}

async fn send(toml: &str) -> Result<(), Error> {
    send_to(toml, TO).await
}

async fn send_to(toml: &str, to: &str) -> Result<(), Error> {
    let attributes = attributes();
    let sent = delivery(toml).send(&message(Channel::Email, to, &attributes)).await;
    if let Err(error) = &sent {
        let text = error.to_string();
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
        let position =
            |begin: &str| got.iter().position(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("{begin}: {got:?}"));
        assert!(position("encrypted") < position("AUTH PLAIN") && position("AUTH PLAIN") < position("MAIL"));
        assert!(got.contains(&format!("AUTH PLAIN {}", BASE64.encode(b"\0otp\0open sesame"))));
        assert!(got.iter().any(|text| text.contains(&format!("Your code is {CODE}"))));
    }
}

#[tokio::test]
async fn server_that_is_not_trusted_gets_nothing() {
    let (tls, _) = certificate();
    let (_, other) = certificate();
    let (port, got) = smtp(Manner { tls: Some(tls), ..Manner::default() }).await;
    let toml = format!(
        "[email]\nserver = 'localhost'\nport = {port}\nca_file = {:?}\nfrom = 'otp@example.com'\nusername = 'otp'\npassword = \
         'open sesame'\n",
        other.path()
    );
    let error = send(&toml).await.unwrap_err();
    assert!(!error.is_transient(), "{error}");
    // Nor does a server that has no STARTTLS.
    let (port, plain) = smtp(Manner::default()).await;
    let toml = format!(
        "[email]\nserver = 'localhost'\nport = {port}\nfrom = 'otp@example.com'\nusername = 'otp'\npassword = 'open sesame'\n"
    );
    let error = send(&toml).await.unwrap_err();
    assert!(!error.is_transient() && error.to_string().contains("STARTTLS"), "{error}");
    for line in got.all().iter().chain(&plain.all()) {
        assert!(!line.starts_with("AUTH") && !line.starts_with("MAIL"), "{line}");
    }
}

#[tokio::test]
async fn refusals_tell_whether_to_try_again() {
    let cases = [
        ("RCPT", "550 no such user: code 804317", false, "answered 550"),
        ("RCPT", "550 5.1.1 no such user: code 804317", false, "answered 550 5.1.1"),
        ("RCPT", "550-5.7.26 not\r\n550 5.7.26 authentic", false, "answered 550 5.7.26"),
        ("RCPT", "451 later", true, "answered 451"),
        ("MAIL", "451 4.7.1 later", true, "answered 451 4.7.1"),
        // Of another class, or no code of this form.
        ("RCPT", "451 5.1.1 later", true, "answered 451"),
        ("RCPT", "550 5.8043.17 no", false, "answered 550"),
        ("RCPT", "550 5.1.1.1 no", false, "answered 550"),
        (".", "554 spam: Your code is 804317", false, "answered 554"),
        (".", "554", false, "answered 554"),
        (".", "452", true, "answered 452"),
        ("MAIL", "", true, ""),
        (".", "", true, ""),
        ("EHLO", "hello 804317", true, "no valid or complete SMTP"),
        ("AUTH", "535 wrong: open sesame", false, "535"),
    ];
    for (begin, answer, retry, said) in cases {
        let (port, _) = smtp(Manner { answers: vec![(begin, answer)], ..Manner::default() }).await;
        let error = send(&email(port, "username = 'otp'\npassword = 'open sesame'")).await.unwrap_err();
        assert_eq!(error.is_transient(), retry, "{begin}: {error}");
        let name = format!("127.0.0.1:{port}");
        assert!(error.to_string().contains(said) && error.to_string().contains(&name), "{error}");
        assert!(!said.starts_with("answered ") || error.to_string().ends_with(said), "{error}");
    }
}

#[tokio::test]
async fn reply_without_text_counts() {
    let (tls, ca) = certificate();
    for begin in [".", "MAIL", "RCPT", "AUTH"] {
        for answer in ["250", "250 ", "250-taken\r\n250", "250-\r\n250", "250 aceptado, señor"] {
            let manner = Manner { answers: vec![(begin, answer)], ..Manner::default() };
            let (port, _) = smtp(manner.clone()).await;
            let account = "username = 'otp'\npassword = 'open sesame'";
            send(&email(port, account)).await.unwrap_or_else(|error| panic!("{begin} {answer}: {error}"));
            let (port, _) = smtp(Manner { tls: Some(tls.clone()), ..manner }).await;
            let server = format!("server = 'localhost'\nport = {port}\nca_file = {:?}", ca.path());
            let sent = send(&format!("[email]\n{server}\nfrom = 'otp@example.com'\n{account}")).await;
            sent.unwrap_or_else(|error| panic!("{begin} {answer}: {error}"));
        }
    }
}

#[tokio::test]
async fn bytes_in_the_clear_behind_starttls_are_dropped() {
    let (tls, ca) = certificate();
    let injected = "220 sink\r\n250-sink\r\n250 AUTH LOGIN\r\n";
    let (port, got) = smtp(Manner { tls: Some(tls), injected, ..Manner::default() }).await;
    let server = format!("server = 'localhost'\nport = {port}\nca_file = {:?}", ca.path());
    send(&format!("[email]\n{server}\nfrom = 'otp@example.com'\nusername = 'otp'\npassword = 'open sesame'")).await.unwrap();
    assert!(got.all().iter().any(|line| line.starts_with("AUTH PLAIN ")), "{:?}", got.all());
}

#[tokio::test]
async fn ehlo_name_is_the_domain_of_the_sender_unless_another_is_given() {
    let cases = [
        ("otp@example.com", "", "EHLO example.com"),
        ("otp@münchen.example", "", "EHLO xn--mnchen-3ya.example"),
        ("otp@example.com", "ehlo_name = 'mail.example.org'", "EHLO mail.example.org"),
        ("otp@example.com", "ehlo_name = 'bücher.example'", "EHLO xn--bcher-kva.example"),
        ("otp@example.com", "ehlo_name = '[192.0.2.1]'", "EHLO [192.0.2.1]"),
        ("otp@example.com", "ehlo_name = '[IPv6:2001:db8::1]'", "EHLO [IPv6:2001:db8::1]"),
    ];
    for (from, more, said) in cases {
        let (port, got) = smtp(Manner::default()).await;
        send(&email(port, more).replace("otp@example.com", from)).await.unwrap();
        assert_eq!(got.all()[0], said);
    }
}

#[tokio::test]
async fn domains_go_as_punycode() {
    let (port, got) = smtp(Manner::default()).await;
    let toml = email(port, "").replace("otp@example.com", "otp@münchen.example");
    send_to(&toml, "bob@BÜCHER.example").await.unwrap();
    let got = got.all();
    assert!(got.contains(&"MAIL FROM:<otp@xn--mnchen-3ya.example>".to_owned()), "{got:?}");
    assert!(got.contains(&"RCPT TO:<bob@xn--bcher-kva.example>".to_owned()), "{got:?}");
    let mail = got.iter().find(|text| text.contains("Subject:")).unwrap();
    for line in ["From: keyfob <otp@xn--mnchen-3ya.example>", "To: bob@xn--bcher-kva.example"] {
        assert!(mail.lines().any(|it| it == line), "{line}: {mail}");
    }
    assert!(mail.contains("@xn--mnchen-3ya.example>\n") && mail.contains("Message-ID: <"), "{mail}");
}

#[tokio::test]
async fn a_name_beyond_ascii_needs_smtputf8() {
    let (port, got) = smtp(Manner::default()).await;
    for (toml, to, whose) in [
        (email(port, ""), "jörg@example.org", "the user's e-mail address"),
        (email(port, "").replace("otp@", "öffner@"), TO, "email.from"),
    ] {
        let error = send_to(&toml, to).await.unwrap_err().to_string();
        assert!(error.contains("SMTPUTF8") && error.contains(whose), "{error}");
        assert!(!send_to(&toml, to).await.unwrap_err().is_transient());
    }
    assert!(got.all().iter().all(|line| line.starts_with("EHLO")), "{:?}", got.all());
    let answers = vec![("EHLO", "250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8")];
    let (port, got) = smtp(Manner { answers, ..Manner::default() }).await;
    send_to(&email(port, ""), "jörg@bücher.example").await.unwrap();
    let got = got.all();
    assert!(got.contains(&"RCPT TO:<jörg@xn--bcher-kva.example>".to_owned()), "{got:?}");
    assert!(got.iter().any(|line| line.starts_with("MAIL FROM:<otp@example.com> SMTPUTF8")), "{got:?}");
}

#[tokio::test]
async fn a_server_that_wants_a_client_certificate_is_named_as_the_cause() {
    for versions in [&[&rustls::version::TLS12], &[&rustls::version::TLS13]] {
        let (tls, ca) = certificate_for_certificates(versions);
        for (security, at_once) in [("starttls", false), ("tls", true)] {
            let (port, _) = smtp(Manner { tls: Some(tls.clone()), at_once, ..Manner::default() }).await;
            let server = format!("server = 'localhost'\nport = {port}\nsecurity = '{security}'\nca_file = {:?}", ca.path());
            let error = send(&format!("[email]\n{server}\nfrom = 'otp@example.com'")).await.unwrap_err().to_string();
            assert!(error.contains("asks for a client certificate"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_left() {
    for begin in ["EHLO", "MAIL"] {
        let (port, _) = smtp(Manner { answers: vec![(begin, "-")], ..Manner::default() }).await;
        let start = Instant::now();
        let error = send(&email(port, "timeout = 0.3")).await.unwrap_err();
        assert!(error.is_transient() && error.to_string().contains("no answer within 300ms"), "{error}");
        assert!(start.elapsed() < Duration::from_secs(10), "that is the time-out without the setting");
    }
    let error = send(&email(closed().await, "")).await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_mail_that_was_taken_is_delivered() {
    for answer in ["", "-"] {
        let (port, _) = smtp(Manner { answers: vec![("QUIT", answer)], ..Manner::default() }).await;
        send(&email(port, "timeout = 3")).await.unwrap();
    }
}

#[tokio::test]
async fn values_that_cannot_be_encoded_are_not_sent() {
    let (port, got) = smtp(Manner::default()).await;
    for (more, name) in
        [("body = '${PIN} ${nobody}'", "nobody"), ("subject = '${lines}'", "lines"), ("body = '${PIN} ${PHONE}'", "PHONE")]
    {
        let error = send(&email(port, more)).await.unwrap_err();
        assert!(!error.is_transient() && error.to_string().contains(name), "{error}");
        assert!(!error.to_string().contains("Evil"));
    }
    let attributes = attributes();
    let delivery = delivery(&email(port, ""));
    for to in [
        "a@-x",
        "a@x-.example",
        "a@b..c",
        "a@b.",
        "a@b c",
        "",
        "bob",
        "bob@example.org\r\nRCPT TO:<eve@example.org>",
        "a@b.example, c@d.example",
    ] {
        let error = delivery.send(&message(Channel::Email, to, &attributes)).await.unwrap_err();
        assert!(!error.is_transient() && error.to_string().contains("address"), "{error}");
    }
    assert_eq!(got.all(), Vec::<String>::new());
}
