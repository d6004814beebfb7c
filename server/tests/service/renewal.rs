//! A certificate that is renewed while the service runs, and SIGHUP.

use std::fs;
use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::json;

use super::client::Response;
use super::process::{Server, folder, log};

type Stream = BufReader<StreamOwned<ClientConnection, TcpStream>>;

/// A certificate and its key, in PEM.
fn made() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// A connection with a client that trusts one certificate; none if the server shows another.
fn connect(server: &Server, certificate: &str) -> Option<Stream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots).with_no_client_auth();
    let mut connection = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap();
    let mut stream = TcpStream::connect(server.address).unwrap();
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).ok()?;
    }
    Some(BufReader::new(StreamOwned::new(connection, stream)))
}

/// Asks on a connection that stays open.
#[track_caller]
fn is_answered(stream: &mut Stream) {
    stream.get_mut().write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!(Response::read(stream).expect("an answer").status, 200);
}

/// Waits until the log has this, and returns how many lines have it.
fn logged(folder: &Path, text: &str) -> usize {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        match log(folder).lines().filter(|line| line.contains(text)).count() {
            0 => assert!(Instant::now() < until, "{text}: {}", log(folder)),
            many => return many,
        }
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn renewed_certificate_is_taken_over_and_a_broken_one_is_not() {
    let folder = folder();
    let folder = folder.path();
    let ((old, old_key), (new, new_key)) = (made(), made());
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    write("cert.pem", &old);
    write("key.pem", &old_key);
    let server = Server::start(folder, &["--set", "tls.certificate_file=cert.pem", "--set", "tls.key_file=key.pem"]);
    let mut first = connect(&server, &old).expect("the first certificate");
    is_answered(&mut first);
    assert!(connect(&server, &new).is_none());

    // Each of these is told once, although it is read every second, and the next one only follows.
    let faults = ["cert.pem: has no certificate", "cert.pem: its first certificate does not fit the key in key.pem", "key.pem: "];
    write("cert.pem", "half a fil");
    logged(folder, faults[0]);
    is_answered(&mut connect(&server, &old).expect("the first certificate"));
    write("cert.pem", &new);
    logged(folder, faults[1]);
    is_answered(&mut connect(&server, &old).expect("the first certificate"));
    fs::remove_file(folder.join("key.pem")).unwrap();
    logged(folder, "tls: key.pem: ");
    thread::sleep(Duration::from_secs(2));
    write("key.pem", &new_key);
    logged(folder, "the certificate has changed");
    is_answered(&mut connect(&server, &new).expect("the second certificate"));
    assert!(connect(&server, &old).is_none());
    is_answered(&mut first);
    for fault in faults {
        assert_eq!(logged(folder, &format!("ERROR tls: {fault}")), 1, "{}", log(folder));
    }

    // A pipe could hang for ever.
    fs::remove_file(folder.join("cert.pem")).unwrap();
    super::process::program("mkfifo", "coreutils", &[folder.join("cert.pem").to_str().unwrap()]);
    logged(folder, "cert.pem: it must be a regular file");
    is_answered(&mut connect(&server, &new).expect("the second certificate"));
    is_answered(&mut first);
    server.stop();
}

#[test]
fn hangup_ends_nothing_and_logs_what_is_read() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let mut client = server.admin();
    for _ in 0..3 {
        server.signal("HUP");
        client.create(&json!({"type": "HOTP", "user": "franck"}));
    }
    logged(folder.path(), "SIGHUP: the key file and the TLS certificate are read now; a changed configuration needs a restart");
    assert_eq!(client.get("/OtpDevice").ok(200)["totalResults"], 3);
    server.stop();
}
