//! The operator's view: health, metrics, logs, TLS, and the end.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

use super::client::{BASE, Client, Response, open, raw};
use super::process::{Run, Server, folder, keyfob, log};

#[test]
fn health_readiness_and_metrics_need_no_account() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let (path, _) = server.admin().create(&json!({"type": "HOTP", "user": "franck"}));
    server.admin().answer(&path, "12345").verdict();
    server.anonymous().get("/OtpDevice").refused(401);
    let mut nobody = server.anonymous();
    let mut get = |path: &str| nobody.send("GET", path, "", b"").expect("an answer");
    for (path, text) in [("/health", "alive\n"), ("/ready", "ready\n")] {
        let answer = get(path);
        assert_eq!((answer.status, answer.text()), (200, text));
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    }
    let metrics = get("/metrics");
    let text = metrics.text();
    assert_eq!(metrics.status, 200);
    for line in [
        "keyfob_requests_total{operation=\"responseChallenge\",status=\"200\"} 1",
        "keyfob_requests_total{operation=\"create\",status=\"201\"} 1",
        "keyfob_requests_total{operation=\"list\",status=\"401\"} 1",
        "keyfob_requests_total{operation=\"health\",status=\"200\"} 1",
        "keyfob_events_total{event=\"credential-change:create\",reason=\"created\"} 1",
        "keyfob_events_total{event=\"otp-verify\",reason=\"wrong\"} 1",
        "keyfob_request_seconds_count 5",
    ] {
        assert!(text.lines().any(|it| it == line), "{line}: {text}");
    }
    assert!(text.ends_with("# EOF\n") && text.contains("# TYPE keyfob_requests counter\n"));
    server.stop();

    let server = Server::start(folder.path(), &["--set", "metrics=false"]);
    server.anonymous().send("GET", "/metrics", "", b"").expect("an answer").refused(404);
    server.stop();

    // Where SCIM is at the root, they are beside it.
    for base in ["base_path=/", "base_path="] {
        let server = Server::start(folder.path(), &["--set", base]);
        for (path, status) in [("/health", 200), ("/ready", 200), ("/metrics", 200), ("/OtpDevice", 401), ("/nothing", 401)] {
            assert_eq!(server.anonymous().send("GET", path, "", b"").expect("an answer").status, status, "{base} {path}");
        }
        server.admin().send("GET", "/ServiceProviderConfig", "", b"").expect("an answer").ok(200);
        server.stop();
    }
}

#[test]
fn metrics_cover_the_build_the_process_the_store_and_deliveries() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let mut client = server.admin();
    let path = client.create(&json!({"type": "HOTP", "user": "franck"})).0;
    while !client.answer(&path, "12345").verdict().1 {}
    let path = client.create(&json!({"type": "SMS", "user": "franck", "phone": "+34600112233"})).0;
    client.get(&format!("{path}/requestChallenge")).ok(200);
    let metrics = server.anonymous().send("GET", "/metrics", "", b"").expect("an answer");
    let text = metrics.text();
    let number = |name: &str| -> f64 {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name}: {text}"));
        line.trim().parse().unwrap_or_else(|error| panic!("{line}: {error}"))
    };
    for (name, wanted) in [
        (concat!("keyfob_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1),
        ("keyfob_locked_devices", 1),
        ("keyfob_deliveries_total{channel=\"sms\",outcome=\"sent\"}", 1),
    ] {
        assert_eq!(number(name).to_string(), wanted.to_string(), "{name}");
    }
    for work in ["read", "write"] {
        assert!(number(&format!("keyfob_store_seconds_count{{work=\"{work}\"}}")) >= 1.0, "{text}");
    }
    #[cfg(target_os = "linux")]
    {
        assert!(number("process_resident_memory_bytes") > 1e6);
        assert!((10.0..1000.0).contains(&number("process_open_fds")), "{text}");
    }
}

#[test]
fn metrics_have_a_socket_of_their_own_if_configured() {
    let folder = folder();
    let mut server = Server::start(folder.path(), &["--set", "metrics_listen=127.0.0.1:0"]);
    server.anonymous().send("GET", "/metrics", "", b"").expect("an answer").refused(404);
    let url = server.greeting("  metrics     http://");
    let address = url.strip_suffix("/metrics").expect("a path").parse().expect("an address");
    let mut scraper = Client::anonymous(address);
    let answer = scraper.send("GET", "/metrics", "", b"").expect("an answer");
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("keyfob_requests_total{operation=\"unknown\",status=\"404\"} 1"), "{}", answer.text());
    for path in ["/", "/health", "/ready", &format!("{BASE}/OtpDevice")] {
        assert_eq!(scraper.send("GET", path, "", b"").expect("an answer").status, 404, "{path}");
    }
    server.stop();
}

#[test]
fn every_answer_has_an_id_and_is_not_for_caches() {
    let folder = folder();
    let server = Server::start(folder.path(), &["--set", "log_format=json"]);
    let mut client = server.admin();
    let mut ids = Vec::new();
    for (path, given) in [
        (format!("{BASE}/OtpDevice"), Some("client-7.x:y_Z")),
        (format!("{BASE}/OtpDevice"), None),
        (format!("{BASE}/OtpDevice/1"), None),
        (format!("{BASE}/Nothing"), Some("two words")),
        ("/health".to_owned(), Some("\"quoted\"")),
        ("/nothing".to_owned(), Some(&*"x".repeat(65))),
    ] {
        let header = given.map(|id| format!("X-Request-Id: {id}\r\n")).unwrap_or_default();
        let answer = client.send("GET", &path, &header, b"").expect("an answer");
        assert_eq!(answer.headers("cache-control"), ["no-store"]);
        let id = answer.header("x-request-id").expect("an id").to_owned();
        if given == Some("client-7.x:y_Z") {
            assert_eq!(given, Some(&*id));
        } else {
            assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        }
        ids.push(id);
    }
    let unique: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(unique.len(), ids.len());
    let greeting = format!("{}{}", server.first.clone(), server.stop());
    assert_eq!(greeting.lines().count(), 1, "{greeting}");
    let greeting: Value = serde_json::from_str(&greeting).expect("JSON");
    assert!(greeting["message"].as_str().unwrap().contains(" listens on http://127.0.0.1:"), "{greeting}");
    assert!(greeting["timestamp"].as_str().unwrap().ends_with('Z') && greeting["level"] == "INFO", "{greeting}");
    assert_eq!((&greeting["store"], &greeting["devices"][0]), (&json!("sqlite://keyfob.db"), &json!("TOTP")));
    assert_eq!(greeting["store_is_new"], true);
    let lines: Vec<Value> = log(folder.path()).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for id in &ids {
        let of_it = |line: &&Value| line["span"]["id"] == **id && line["message"] == "answered";
        let line = lines.iter().find(of_it).unwrap_or_else(|| panic!("{id}: {lines:?}"));
        assert!(line["status"].is_number() && line["micros"].is_number() && line["path"].is_string() && line["method"] == "GET");
        assert!(line["timestamp"].is_string() && line["level"] == "INFO", "{line}");
    }
    assert_eq!(lines.last().expect("lines")["message"], "stopped");
}

#[test]
fn user_names_break_out_of_no_log_line() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let mut client = server.admin();
    let answer = client.send("GET", &format!("{BASE}/OtpDevice/%0d%0a1970-01-01T00:00:00Z%20%20INFO%20forged"), "", b"");
    answer.expect("an answer").refused(404);
    server.stop();
    let log = log(folder.path());
    assert!(log.contains("forged") && !log.lines().any(|line| line.starts_with("1970")), "{log}");
}

#[test]
fn a_list_whose_reader_has_seen_enough_ends_in_silence() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let path = server.admin().create(&json!({"type": "HOTP", "user": "franck"})).0;
    server.admin().status(&path, "V").ok(200);
    server.stop();
    Run::from_command(keyfob(folder.path(), &["account", "add", "helpdesk", "--roles", "unlock", "--token"]), "").well();
    for args in [&["audit"][..], &["audit", "--json"], &["account", "list"]] {
        let mut command = keyfob(folder.path(), args);
        let (reader, writer) = std::io::pipe().unwrap();
        command.stdout(writer);
        drop(reader);
        let run = Run::from_command(command, "");
        assert_eq!((run.status, run.err.as_str()), (Some(0), ""), "{args:?}");
    }
    let text = Run::from_command(keyfob(folder.path(), &["audit"]), "").well();
    assert!(text.lines().next().expect("a line").ends_with(" of \"franck\" by \"admin\": validated"), "{text}");
}

#[test]
fn tls_is_on_with_a_certificate() {
    let folder = folder();
    let folder = folder.path();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let server = Server::start(folder, &["--set", "tls.certificate_file=cert.pem", "--set", "tls.key_file=key.pem"]);
    assert!(server.first.contains("listens on https://127.0.0.1:"), "{}", server.first);

    let connect = |trusted: bool| {
        let mut roots = RootCertStore::empty();
        if trusted {
            roots.add(CertificateDer::from_pem_file(folder.join("cert.pem")).unwrap()).unwrap();
        }
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
        let config = config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots).with_no_client_auth();
        let connection = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap();
        BufReader::new(StreamOwned::new(connection, TcpStream::connect(server.address).unwrap()))
    };
    let mut stream = connect(true);
    let body = json!({"type": "TOTP", "user": "franck"}).to_string();
    let more = format!("Content-Type: application/scim+json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let head = server.admin().head("POST", &format!("{BASE}/OtpDevice"), &more);
    stream.get_mut().write_all(head.as_bytes()).unwrap();
    let created = Response::read(&mut stream).expect("an answer").ok(201);
    let location = created["meta"]["location"].as_str().unwrap();
    assert!(location.starts_with(&format!("https://{}/", server.address)), "{location}");
    // Who does not trust it says nothing, and who does not encrypt is not answered over HTTP.
    assert!(connect(false).get_mut().write_all(head.as_bytes()).is_err());
    assert!(raw(server.address, head.as_bytes()).is_none());
    // It did not hold up others.
    stream.get_mut().write_all(server.admin().head("GET", &format!("{BASE}/OtpDevice"), "\r\n").as_bytes()).unwrap();
    assert_eq!(Response::read(&mut stream).expect("an answer").ok(200)["totalResults"], 1);
}

#[test]
fn a_request_in_flight_is_finished_before_the_end() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let path = server.admin().create(&json!({"type": "HOTP", "user": "franck"})).0;
    server.stop();
    for (signal, fails) in [("TERM", 1), ("INT", 2), ("QUIT", 3), ("USR1", 4), ("USR2", 5)] {
        let server = Server::start(folder.path(), &[]);
        let mut client = server.admin();
        let body = "{\"pin\": \"12345\"}";
        let more = format!("Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n", body.len());
        let mut stream = open(server.address).unwrap();
        stream.get_mut().write_all(client.head("POST", &format!("{BASE}{path}/responseChallenge"), &more).as_bytes()).unwrap();
        // It asks for the body: now the request has begun.
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        assert_eq!(line, "HTTP/1.1 100 Continue\r\n");
        stream.read_line(&mut line).unwrap();
        server.signal(signal);
        // Nobody new is taken, and a connection that does nothing is closed.
        while open(server.address).is_some() {
            std::thread::yield_now();
        }
        while client.send("GET", "/health", "", b"").is_some() {
            std::thread::yield_now();
        }
        stream.get_mut().write_all(body.as_bytes()).unwrap();
        assert_eq!(Response::read(&mut stream).expect("an answer").verdict(), (false, false));
        assert_eq!(server.wait().0, Some(0));
        let server = Server::start(folder.path(), &[]);
        assert_eq!(server.admin().device(&path)["fails"], fails);
        server.stop();
    }
    assert!(log(folder.path()).trim_end().ends_with("stopped"));
}

#[test]
fn the_store_and_its_key_are_for_their_owner_only() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    server.admin().create(&json!({"type": "HOTP", "user": "franck"}));
    for name in ["keyfob.db", "keyfob.db-wal", "keyfob.db-shm", "keyfob.key"] {
        let mode = fs::metadata(folder.path().join(name)).expect(name).permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let greeting = server.stop();
    assert!(greeting.contains("keyfob.key (new: keep a copy in another place"), "{greeting}");
    assert!(greeting.contains("sqlite://keyfob.db (new)"), "{greeting}");
    let greeting = Server::start(folder.path(), &[]).stop();
    assert!(greeting.contains("key         keyfob.key\n"), "{greeting}");
}

#[test]
fn start_error_is_a_line_of_json() {
    let folder = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    // Whatever the filter lets through.
    let run = Run::from_command(
        keyfob(folder.path(), &["serve", "--listen", &address, "--set", "log_format=json", "--set", "log=x=error"]),
        "",
    );
    assert_eq!((run.status, run.out.as_str(), run.err.lines().count()), (Some(2), "", 1), "{run:?}");
    let line: Value = serde_json::from_str(&run.err).expect("JSON");
    assert_eq!(line["level"], "ERROR");
    assert!(line["message"].as_str().unwrap().starts_with(&format!("listen: {address}: ")), "{line}");
}

#[test]
fn files_that_others_can_read_are_warned_of_at_the_start() {
    let folder = folder();
    let folder = folder.path();
    Server::start(folder, &[]).stop();
    assert!(!log(folder).contains("WARN"), "{}", log(folder));
    for (name, mode) in [("keyfob.key", 0o644), ("keyfob.db", 0o640)] {
        fs::set_permissions(folder.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    Server::start(folder, &[]).stop();
    let log = log(folder);
    assert!(log.contains("sealing_keys_file: keyfob.key: all users of this machine can read or write it"), "{log}");
    assert!(log.contains("store: keyfob.db: its group can read or write it"), "{log}");
}
