//! `make bench-image`: compares creates with and without an image with verifications, over HTTP
//! and SQLite, in the same run. One client sends one request at a time.

#[path = "common/mod.rs"]
mod common;

use common::{MakeRequest, Server, enrol, median, request};
use tokio::net::TcpStream;

const ROUNDS: usize = 5;
const REQUESTS: u64 = 300;

fn main() {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(measure());
}

async fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let unlocked = ["policy.max_fails=4000000000", "policy.guess_bound=1", "policy.pin_guess_bound=1"];
    let keyfob = Server::keyfob(folder.path(), &unlocked);
    let device = enrol(&keyfob, 1).await[0];
    let totp = r#"{"type": "TOTP", "user": "franck"}"#;
    let requests: [(&str, Box<MakeRequest>); 4] = [
        (
            "verify a wrong code",
            Box::new(move |_| request("POST", &format!("/{device}/responseChallenge"), r#"{"pin": "123456"}"#)),
        ),
        ("create TOTP with its image", Box::new(move |_| request("POST", "", totp))),
        ("create TOTP without", Box::new(move |_| request("POST", "?excludedAttributes=image", totp))),
        ("create SMS", Box::new(|_| request("POST", "", r#"{"type": "SMS", "user": "franck", "phone": "666555444"}"#))),
    ];
    let mut connection = TcpStream::connect(&keyfob.address).await.unwrap();
    connection.set_nodelay(true).unwrap();
    // In turns, so that a change of the machine's speed affects all.
    let mut least = [f64::MAX; 4];
    for _ in 0..ROUNDS {
        for ((_, make), least) in requests.iter().zip(&mut least) {
            *least = least.min(median(&mut connection, REQUESTS, make).await);
        }
    }
    for ((name, _), time) in requests.iter().zip(least) {
        println!("{name:<28} {time:>7.0} us   {:.2} of a verification", time / least[0]);
    }
    println!("a create with its image is {:.2} of one without", least[1] / least[2]);
}
