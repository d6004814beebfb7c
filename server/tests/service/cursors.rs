//! Walks by cursor (RFC 9865), on SQLite.

use super::by_cursor::walk;
use super::process::{Server, folder};

#[test]
fn a_walk_by_cursor_has_each_device_once_while_others_come_and_go() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    walk(&mut [server.admin()]);
}
