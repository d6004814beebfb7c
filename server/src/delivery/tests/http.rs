//! Messages through HTTP gateways.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use super::sink::{answer, certificate, certificate_for_certificates, closed, gateway};
use super::{CODE, Channel, attributes, delivery, logged, message, text};
use crate::delivery::Error;

const TO: &str = "+34 666&5";

async fn send_by(channel: Channel, toml: &str) -> Result<(), Error> {
    let attributes = attributes();
    let sent = delivery(toml).send(&message(channel, TO, &attributes)).await;
    if let Err(error) = &sent {
        let text = error.to_string();
        assert!(![CODE, "sesame", "/send", "+34"].iter().any(|secret| text.contains(secret)), "{text}");
    }
    sent
}

async fn send(toml: &str) -> Result<(), Error> {
    send_by(Channel::Sms, toml).await
}

/// The one request that a gateway got for this configuration, `PORT` in it being its port.
async fn request(toml: &str) -> String {
    let (port, got) = gateway(answer("200 OK", "queued"), None).await;
    send(&toml.replace("PORT", &port.to_string())).await.unwrap();
    let got = got.all();
    assert_eq!(got.len(), 1);
    got.into_iter().next().unwrap()
}

#[tokio::test]
async fn get_request_has_values_in_path_and_query() {
    let got = request(
        "[sms]\nurl = 'http://127.0.0.1:PORT/a/${name}?to=${PHONE}&text=Code%20${PIN}&u=${USER}'\nmethod = 'GET'\nsuccess_text = 'queued'\n\
         headers = { Authorization = 'Bearer sesame', X-Dni = '${dni}' }",
    )
    .await;
    let path = "/a/O%27Hara%20%22%3CQ%3E%22%20%26%20s%C3%B6hne%5C?to=%2B34%20666%265&text=Code%20804317&u=alice";
    assert_eq!(got.lines().next().unwrap(), format!("GET {path} HTTP/1.1"));
    for line in ["Authorization: Bearer sesame", "X-Dni: 12 34+x", "Accept: */*"] {
        assert!(got.lines().any(|it| it == line), "{line}: {got}");
    }
    assert_eq!(got.matches("Host: 127.0.0.1:").count(), 1);
    assert!(!got.to_lowercase().contains("content-"), "{got}");
    // A URL without a path.
    let got = request("[sms]\nurl = 'http://127.0.0.1:PORT?c=${PIN}'\nmethod = 'GET'").await;
    assert!(got.starts_with("GET /?c=804317 HTTP/1.1\n"), "{got}");
}

#[tokio::test]
async fn bodies_encode_by_their_type() {
    let cases = [
        ("", "to=${PHONE}&text=${PIN}&dni=${dni}", "to=%2B34+666%265&text=804317&dni=12+34%2Bx"),
        (
            "application/json; charset=utf-8",
            "{\"to\": \"${PHONE}\", \"who\": \"${name}\", \"l\": \"${lines}\", \"t\": \"${PIN_SPACED}\"}",
            "{\"to\": \"+34 666&5\", \"who\": \"O'Hara \\\"<Q>\\\" & söhne\\\\\", \"l\": \"a\\u000d\\u000aX-Evil: 1\", \"t\": \"8 0 4 3 1 7\"}",
        ),
        (
            "text/xml",
            "<m to=\"${PHONE}\">${name} ${PIN}</m>",
            "<m to=\"+34 666&amp;5\">O&#39;Hara &#34;&lt;Q&gt;&#34; &amp; söhne\\ 804317</m>",
        ),
        ("text/plain", "${PHONE}: ${PIN} $ {x}", "+34 666&5: 804317 $ {x}"),
    ];
    for (kind, body, sent) in cases {
        let line = if kind.is_empty() { String::new() } else { format!("content_type = '{kind}'\n") };
        let got = request(&format!("[sms]\nurl = 'http://127.0.0.1:PORT/send'\nmethod = 'PUT'\n{line}body = '''{body}'''")).await;
        let (head, body) = got.split_once("\n\n").unwrap();
        assert!(head.starts_with("PUT /send HTTP/1.1\n"), "{head}");
        let kind = if kind.is_empty() { "application/x-www-form-urlencoded" } else { kind };
        assert!(head.lines().any(|line| line == format!("Content-Type: {kind}")), "{head}");
        assert_eq!(body, sent);
    }
}

#[tokio::test]
async fn a_call_goes_to_its_own_gateway_over_tls() {
    let (tls, ca) = certificate();
    let (port, got) = gateway(answer("202 Accepted", ""), Some(tls)).await;
    let url = format!("https://localhost:{port}/call?say=${{PIN_SPACED}}");
    send_by(Channel::Voice, &format!("[voice]\nurl = '{url}'\nca_file = {:?}", ca.path())).await.unwrap();
    assert!(got.all()[0].starts_with("POST /call?say=8%200%204%203%201%207 HTTP/1.1"));
    // Not trusted: nothing is sent.
    let (_, other) = certificate();
    let error = send_by(Channel::Voice, &format!("[voice]\nurl = '{url}'\nca_file = {:?}", other.path())).await.unwrap_err();
    assert!(!error.is_transient() && error.to_string().contains("TLS"), "{error}");
    assert_eq!(got.all().len(), 1);
}

#[tokio::test]
async fn a_gateway_that_wants_a_client_certificate_is_named_as_the_cause() {
    for versions in [&[&rustls::version::TLS12], &[&rustls::version::TLS13]] {
        let (tls, ca) = certificate_for_certificates(versions);
        let (port, got) = gateway(answer("200 OK", ""), Some(tls)).await;
        let toml = format!("[sms]\nurl = 'https://localhost:{port}/send'\nca_file = {:?}\nbody = '${{PIN}}'", ca.path());
        let error = send(&toml).await.unwrap_err().to_string();
        assert!(error.contains("asks for a client certificate"), "{error}");
        assert_eq!(got.all(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn numbers_go_in_the_form_that_a_gateway_wants() {
    let attributes = attributes();
    let sent = async |to: &str, placeholder: &str| {
        let (port, got) = gateway(answer("200 OK", ""), None).await;
        let toml =
            format!("[sms]\nurl = 'http://127.0.0.1:{port}/'\ncontent_type = 'text/plain'\nbody = '${{{placeholder}}} ${{PIN}}'");
        delivery(&toml).send(&message(Channel::Sms, to, &attributes)).await.map_err(|error| {
            assert!(!error.is_transient() && !error.to_string().contains(to), "{error}");
            assert_eq!(got.all(), Vec::<String>::new());
            error.to_string()
        })?;
        let got = got.all().remove(0);
        Ok::<_, String>(got.split_once("\n\n").unwrap().1.strip_suffix(&format!(" {CODE}")).unwrap().to_owned())
    };
    for (to, e164, digits) in [
        ("+34 600-11.22/33", "+34600112233", "34600112233"),
        ("0034 600112233", "+34600112233", "34600112233"),
        (" (+44) (0)20 7946 0018", "+442079460018", "442079460018"),
    ] {
        assert_eq!(sent(to, "PHONE").await.unwrap(), to);
        assert_eq!(sent(to, "PHONE_E164").await.unwrap(), e164);
        assert_eq!(sent(to, "PHONE_DIGITS").await.unwrap(), digits);
    }
    // A number without a country code, and others that have none.
    for to in ["600 11 22 33", "(020) 7946", "+0600112233", "+1234567890123456"] {
        let error = sent(to, "PHONE_E164").await.unwrap_err();
        assert!(error.contains("sms.body") && error.contains("country code"), "{error}");
    }
    assert_eq!(sent("(020) 79-46", "PHONE_DIGITS").await.unwrap(), "0207946");
    for to in ["+34 CALL ME", "600+34", "++34600112233", "٣٤٦٠٠", "-- --"] {
        for placeholder in ["PHONE_E164", "PHONE_DIGITS"] {
            let error = sent(to, placeholder).await.unwrap_err();
            assert!(error.contains("telephone number must be digits"), "{error}");
        }
    }
}

#[tokio::test]
async fn refusals_tell_whether_to_try_again() {
    let long = format!("{}queued", "x".repeat(64 * 1024));
    let cases = [
        (answer("200 OK", "ERROR 804317"), false, "sms.success_text"),
        (answer("200 OK", &long), false, "sms.success_text"),
        (answer("500 Internal Server Error", "804317"), true, "500"),
        (answer("429 Too Many Requests", ""), true, "429"),
        (answer("401 Unauthorized", "sesame"), false, "401"),
        (answer("302 Found\r\nLocation: http://127.0.0.1:1/send", "queued"), false, "redirects"),
        (Some("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nque".to_owned()), true, "closed"),
        (Some(String::new()), true, ""),
        (Some("804317\r\n\r\n".to_owned()), true, ""),
    ];
    let mut is_logged = false;
    for (answer, retry, said) in cases {
        let (port, got) = gateway(answer.clone(), None).await;
        let toml = format!("[sms]\nurl = 'http://127.0.0.1:{port}/send?key=sesame'\nbody = 'c=${{PIN}}'\nsuccess_text = 'queued'");
        let (lines, guard) = logged();
        let error = send(&toml).await.unwrap_err();
        drop(guard);
        assert_eq!(error.is_transient(), retry, "{answer:?}: {error}");
        assert!(error.to_string().contains(said) && error.to_string().contains(&format!("127.0.0.1:{port}")), "{error}");
        assert_eq!(got.all().len(), 1);
        assert!(!text(&lines).contains(CODE), "{}", text(&lines));
        is_logged |= text(&lines).contains("ERROR ***");
    }
    assert!(is_logged, "the answer without the code is shown at debug");
}

#[tokio::test]
async fn a_gateway_that_hangs_is_left() {
    // The second begins an answer, and keeps the connection.
    let stuck = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let ports = [gateway(None, None).await.0, stuck.local_addr().unwrap().port()];
    tokio::spawn(async move {
        let (mut stream, _) = stuck.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nque").await.unwrap();
        std::future::pending::<()>().await;
    });
    for (port, more) in ports.into_iter().zip(["", "success_text = 'queued'"]) {
        let start = Instant::now();
        let toml = format!("[sms]\nurl = 'http://127.0.0.1:{port}/send'\nbody = '${{PIN}}'\ntimeout = 0.3\n{more}");
        let error = send(&toml).await.unwrap_err();
        assert!(error.is_transient() && error.to_string().contains("no answer within 300ms"), "{error}");
        assert!(start.elapsed() < Duration::from_secs(10), "that is the time-out without the setting");
    }
    let error = send(&format!("[sms]\nurl = 'http://127.0.0.1:{}/send'\nbody = '${{PIN}}'", closed().await)).await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn values_that_cannot_be_encoded_are_not_sent() {
    let (port, got) = gateway(answer("200 OK", ""), None).await;
    let cases = [
        ("", "body = '${PIN} ${nobody}'", "sms.body: the user has no attribute nobody"),
        ("?x=${EMAIL}", "body = '${PIN}'", "sms.url: the user has no attribute EMAIL"),
        ("", "body = '${PIN}'\nheaders = { X-A = '${lines}' }", "sms.headers.x-a: the value of lines"),
        ("/${dots}/x", "body = '${PIN}'", "sms.url: the path"),
    ];
    for (path, more, said) in cases {
        let error = send(&format!("[sms]\nurl = 'http://127.0.0.1:{port}/s{path}'\n{more}")).await.unwrap_err();
        assert!(!error.is_transient() && error.to_string().contains(said), "{error}");
    }
    assert_eq!(got.all(), Vec::<String>::new());
}
