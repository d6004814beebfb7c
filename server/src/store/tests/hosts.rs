//! Several hosts of a server, some of which hang, are away or refuse writes.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use tokio::net::TcpSocket;

use super::cluster::{Cluster, url};
use super::keys;
use crate::database::{Location, Options};
use crate::store::Store;

/// A new database on the shared cluster, behind several ports. The last one is the cluster's.
fn behind(ports: &[u16], database: &str) -> Location {
    super::CLUSTER.sql("postgres", &format!("CREATE DATABASE {database}"));
    let ports: Vec<u16> = ports.iter().copied().chain([super::CLUSTER.port()]).collect();
    Location::parse(&url(&ports, database), &Options::default()).unwrap()
}

/// A host that accepts connections and never responds.
fn silent() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// How many connections were opened to a listener.
fn opened(listener: &TcpListener) -> usize {
    listener.set_nonblocking(true).unwrap();
    std::iter::from_fn(|| listener.accept().ok()).count()
}

async fn is_used(location: &Location) {
    let store = Store::open(location, keys()).unwrap();
    assert_eq!(store.ready().await, Ok(()));
    store.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_accepts_and_never_answers_holds_up_the_first_session_only() {
    let (listener, port) = silent();
    is_used(&behind(&[port], "silent")).await;
    // Five sessions are opened. The later ones begin with the host that answered.
    assert!((1..5).contains(&opened(&listener)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_without_power_is_passed_over() {
    // A full queue drops requests for a connection, as a machine without power does.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(500));
    let waiting: Vec<TcpStream> = std::iter::from_fn(|| connect().ok()).take(100).collect();
    assert!(waiting.len() < 100 && connect().is_err(), "the queue is full");
    is_used(&behind(&[address.port()], "unpowered")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_takes_no_writes_is_passed_over() {
    let standby = Cluster::start(&["fsync=off", "default_transaction_read_only=on"]);
    let (listener, port) = silent();
    is_used(&behind(&[standby.port(), port], "writable")).await;
    assert!((1..5).contains(&opened(&listener)));
}

#[tokio::test]
async fn hosts_that_all_fail_are_each_named_with_the_reason() {
    let (_listener, port) = silent();
    let options = Options { timeout: Duration::from_secs(1), ..Options::default() };
    let location = Location::parse(&url(&[1, port], "nowhere"), &options).unwrap();
    let error = Store::open(&location, keys()).unwrap_err();
    for part in ["127.0.0.1:1: ", "refused", &format!("127.0.0.1:{port}: does not answer")] {
        assert!(error.contains(part), "{part}: {error}");
    }
}
