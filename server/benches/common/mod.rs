//! What the benches of the service share: servers in processes of their own, and a cheap client.

#![allow(dead_code, reason = "each bench uses its part")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How many clients there are, each with its own connection and one request at a time.
pub(crate) const CLIENTS: usize = 32;

const BASE_PATH: &str = "/soffid/webservice/scim2/v1/OtpDevice";

/// A server in a process of its own, which ends when this is dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: String,
}

impl Server {
    /// The service on a free port, with a store in this folder and these keys set.
    pub(crate) fn keyfob(folder: &std::path::Path, set: &[&str]) -> Self {
        Self::program(env!("CARGO_BIN_EXE_keyfob").as_ref(), folder, set)
    }

    /// The service of another build of keyfob.
    pub(crate) fn program(program: &std::ffi::OsStr, folder: &std::path::Path, set: &[&str]) -> Self {
        Self::start(&mut Self::command(program, folder, set))
    }

    /// The service with the configuration `keyfob.toml` of its folder, and these keys set.
    pub(crate) fn configured(folder: &std::path::Path, set: &[&str]) -> Self {
        let mut command = Self::command(env!("CARGO_BIN_EXE_keyfob").as_ref(), folder, set);
        Self::start(command.args(["--config", "keyfob.toml"]))
    }

    fn command(program: &std::ffi::OsStr, folder: &std::path::Path, set: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--set", "log=error"]);
        for pair in set {
            command.args(["--set", pair]);
        }
        command.env("KEYFOB_ADMIN_PASSWORD", "bench-only-password").current_dir(folder);
        command
    }

    pub(crate) fn start(command: &mut Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).expect("a line with the address").trim().split('/').next().unwrap().to_owned();
        std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
        Self { process, address }
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A request of the account `admin`.
pub(crate) fn request(method: &str, path: &str, body: &str) -> Vec<u8> {
    let account = data_encoding::BASE64.encode(b"admin:bench-only-password");
    let (length, head) = (body.len(), "HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json");
    format!("{method} {BASE_PATH}{path} {head}\r\nauthorization: Basic {account}\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// Sends a request and reads the whole response into the buffer. Returns the status.
pub(crate) async fn exchange(connection: &mut TcpStream, request: &[u8], buffer: &mut Vec<u8>) -> u16 {
    connection.write_all(request).await.unwrap();
    buffer.clear();
    loop {
        assert_ne!(connection.read_buf(buffer).await.unwrap(), 0, "the server closed the connection");
        let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&buffer[..end]).unwrap();
        let length: usize =
            head.split("content-length: ").nth(1).map_or(0, |rest| rest.split("\r\n").next().unwrap().parse().unwrap());
        if buffer.len() >= end + 4 + length {
            return head[9..12].parse().unwrap();
        }
    }
}

/// Creates devices. Returns their ids.
pub(crate) async fn enrol(server: &Server, many: u64) -> Vec<i64> {
    let mut connection = TcpStream::connect(&server.address).await.unwrap();
    let (mut devices, mut buffer) = (Vec::new(), Vec::new());
    for number in 0..many {
        let body = format!("{{\"type\": \"HOTP\", \"user\": \"user{number}\"}}");
        exchange(&mut connection, &request("POST", "", &body), &mut buffer).await;
        let text = std::str::from_utf8(&buffer).unwrap();
        let id = text.split("\"id\":").nth(1).unwrap().split(',').next().unwrap();
        devices.push(id.trim().parse().unwrap());
    }
    devices
}

/// What the clients of a server measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// The requests a second of all clients together.
    pub(crate) rate: f64,
    /// What one request of a hundred takes longer than.
    pub(crate) p99: Duration,
}

/// Puts the load of so many clients on a server. `request` gets the number of the client and of
/// its turn.
pub(crate) async fn load(
    address: &str,
    clients: usize,
    time: Duration,
    request: impl Fn(usize, u64) -> Vec<u8> + Copy + 'static,
) -> Load {
    let tasks = tokio::task::LocalSet::new();
    let began = Instant::now();
    let clients: Vec<_> = (0..clients)
        .map(|client| {
            let address = address.to_owned();
            tasks.spawn_local(async move {
                let mut connection = TcpStream::connect(address).await.unwrap();
                connection.set_nodelay(true).unwrap();
                let (mut buffer, mut taken) = (Vec::with_capacity(4096), Vec::new());
                for turn in 0.. {
                    let asked = Instant::now();
                    if asked.duration_since(began) > time {
                        break;
                    }
                    let status = exchange(&mut connection, &request(client, turn), &mut buffer).await;
                    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&buffer));
                    taken.push(asked.elapsed());
                }
                taken
            })
        })
        .collect();
    tasks.await;
    let elapsed = began.elapsed();
    let mut taken = Vec::new();
    for client in clients {
        taken.append(&mut client.await.unwrap());
    }
    taken.sort_unstable();
    Load { rate: f64::from(u32::try_from(taken.len()).unwrap()) / elapsed.as_secs_f64(), p99: taken[taken.len() * 99 / 100] }
}

/// Makes the request of a turn.
pub(crate) type MakeRequest = dyn Fn(u64) -> Vec<u8>;

/// The median time of a request in microseconds.
pub(crate) async fn median(connection: &mut TcpStream, times: u64, make: &MakeRequest) -> f64 {
    let mut buffer = Vec::new();
    let mut taken = Vec::new();
    for turn in 0..times {
        let request = make(turn);
        let began = Instant::now();
        let status = exchange(connection, &request, &mut buffer).await;
        taken.push(began.elapsed());
        assert!(matches!(status, 200 | 201), "{}", String::from_utf8_lossy(&buffer));
    }
    taken.sort_unstable();
    taken[taken.len() / 2].as_secs_f64() * 1e6
}

/// The statement that makes devices, with ids as spread as random ones.
pub(crate) fn fill(devices: usize) -> String {
    format!(
        "WITH RECURSIVE n (i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < {devices} - 1)
         INSERT INTO device (id, version, name, user_name, deleted, kind, status, fails, created, record)
         SELECT 4294967296 + i * 2654435761 % 4294967311, 0, 'HOTP' || (10000000 + i), 'user' || i, 0, 'HOTP', 'V', 0,
         1600000000 + CASE WHEN i < {devices} / 2 THEN 0 ELSE i END, BYTES FROM n"
    )
}
