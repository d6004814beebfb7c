//! Walks by cursor (RFC 9865), each page from another service.

use super::by_cursor::walk;
use super::cluster::Cluster;
use super::fleet::Fleet;

#[test]
fn each_service_takes_the_cursors_of_the_others_while_devices_come_and_go() {
    let cluster = Cluster::start(&["fsync=off"]);
    cluster.sql("postgres", "CREATE DATABASE keyfob");
    let fleet = Fleet::start(3, &cluster.url("keyfob"), &[]);
    walk(&mut [0, 1, 2].map(|at| fleet.admin(at)));
}
