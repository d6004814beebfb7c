//! The memory of the service, from its start on. `make bench-memory` measures the released program.
//! The pages of the program's file do not count, so the limits hold without optimisation, too.
#![cfg(target_os = "linux")]

use super::client::Client;
use super::process::{Server, folder};
use super::searches::fill;

/// What the service may have without the memory of a hash, in KiB. A hash takes 19,456.
const LIMIT_KIB: u64 = 12_000;

#[test]
fn idle_service_has_no_memory_for_passwords_and_little_else() {
    let folder = folder();
    let server = Server::start(folder.path(), &["--set", "log=error"]);
    let idle = server.memory("RssAnon");
    assert!(idle < LIMIT_KIB, "{idle} KiB");
    // Two at once, which waits for two areas of memory.
    let knock = || Client::basic(server.address, "admin", "wrong").get("/ServiceProviderConfig").status;
    std::thread::scope(|scope| {
        for guess in [scope.spawn(knock), scope.spawn(knock)] {
            assert_eq!(guess.join().unwrap(), 401);
        }
    });
    let used = server.memory("RssAnon");
    assert!(used > idle + 19_000 && used < LIMIT_KIB + 2 * 19_456, "{used} KiB after {idle}");
}

#[test]
fn many_devices_take_no_memory_beyond_the_caches_of_the_store() {
    let folder = folder();
    let server = Server::start(folder.path(), &["--set", "log=error"]);
    fill(&folder.path().join("keyfob.db"), 100_000);
    let mut client = server.admin();
    // Pages of the table and of its indexes, through each connection that reads.
    for number in (1000..101_000).step_by(100) {
        assert_eq!(client.get(&format!("/OtpDevice?filter=user+sw+%22somebody+with+a+name+{number}%22")).status, 200);
    }
    for _ in 0..2 {
        assert_eq!(client.get("/OtpDevice?count=1&filter=user+co+%22nobody%22").ok(200)["totalResults"], 0);
    }
    let used = server.memory("RssAnon");
    // The password of the client was hashed.
    assert!(used < LIMIT_KIB + 19_456, "{used} KiB");
}
