//! `keyfob health`, the health check of a container.

use std::fs;
use std::path::Path;

use super::process::{Run, Server, folder, keyfob};

/// Asks as a health check does, with the configuration of the service.
fn health(folder: &Path, args: &[&str]) -> Run {
    Run::from_command(keyfob(folder, &[&["health"], args].concat()), "")
}

/// The option that names the address of a running service.
fn listen(server: &Server) -> String {
    format!("listen={}", server.address)
}

#[test]
fn health_check_is_0_while_the_service_runs_and_1_when_it_does_not() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let listen = listen(&server);
    assert_eq!(health(folder.path(), &["--set", &listen]).well(), "alive\n");
    assert_eq!(health(folder.path(), &["--set", &listen, "--ready"]).well(), "ready\n");
    // All addresses of a machine include loopback.
    let everywhere = listen.replace("127.0.0.1", "0.0.0.0");
    assert_eq!(health(folder.path(), &["--set", &everywhere]).well(), "alive\n");
    server.stop();
    let stopped = health(folder.path(), &["--set", &listen]);
    assert_eq!((stopped.status, stopped.out.as_str()), (Some(1), ""), "{stopped:?}");
    assert!(stopped.err.contains("is the service started"), "{stopped:?}");
}

#[test]
fn health_check_with_ready_is_1_while_the_store_takes_no_writes() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let listen = listen(&server);
    fs::remove_file(folder.path().join("keyfob.db")).unwrap();
    assert_eq!(health(folder.path(), &["--set", &listen]).well(), "alive\n");
    let unready = health(folder.path(), &["--set", &listen, "--ready"]);
    assert_eq!((unready.status, unready.out.as_str()), (Some(1), ""), "{unready:?}");
    assert!(unready.err.contains("/ready: HTTP/1.1 503"), "{unready:?}");
}

#[test]
fn health_check_takes_the_certificate_of_the_configuration_and_no_other() {
    let folder = folder();
    let make = |name: &str| {
        // No name of this machine.
        let made = rcgen::generate_simple_self_signed(["otp.example.com".to_owned()]).unwrap();
        fs::write(folder.path().join(format!("{name}.pem")), made.cert.pem()).unwrap();
        fs::write(folder.path().join(format!("{name}.key")), made.signing_key.serialize_pem()).unwrap();
    };
    make("own");
    make("other");
    let tls = |name: &str| [format!("tls.certificate_file={name}.pem"), format!("tls.key_file={name}.key")];
    let own = tls("own");
    let server = Server::start(folder.path(), &["--set", &own[0], "--set", &own[1]]);
    let listen = listen(&server);
    let ask = |[certificate, key]: [String; 2]| health(folder.path(), &["--set", &listen, "--set", &certificate, "--set", &key]);
    assert_eq!(ask(own).well(), "alive\n");
    let refused = ask(tls("other"));
    assert_eq!(refused.status, Some(1), "{refused:?}");
    assert!(refused.err.contains("certificate"), "{refused:?}");
    // A service without TLS at the address is another one, too.
    assert_eq!(health(folder.path(), &["--set", &listen]).status, Some(1));
}

#[test]
fn health_check_needs_a_port_and_a_right_configuration() {
    let folder = folder();
    for (set, named) in [("listen=127.0.0.1:0", "port 0"), ("lisetn=127.0.0.1:1", "did you mean listen?")] {
        let run = health(folder.path(), &["--set", set]);
        assert_eq!(run.status, Some(2), "{run:?}");
        assert!(run.err.contains(named), "{run:?}");
    }
}
