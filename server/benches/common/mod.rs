//! What the benches of the service share: servers in processes of their own, and a client that costs little.

#![allow(dead_code, reason = "each bench uses its part")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const BASE: &str = "/soffid/webservice/scim2/v1/OtpDevice";

/// A server in a process of its own, ended with this value.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: String,
}

impl Server {
    /// The service on a free port, with a store in this folder and these keys set.
    pub(crate) fn keyfob(folder: &std::path::Path, set: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyfob"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--set", "log=error"]);
        for pair in set {
            command.args(["--set", pair]);
        }
        Self::start(command.env("KEYFOB_ADMIN_PASSWORD", "bench-only-password").current_dir(folder))
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
    format!("{method} {BASE}{path} {head}\r\nauthorization: Basic {account}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

/// Sends a request and reads the whole response into the buffer; returns the status.
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
