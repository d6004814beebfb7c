//! A client of HTTP/1.1 on one connection, and its responses.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use data_encoding::BASE64;
use serde_json::{Value, json};

/// Where SCIM is by default.
pub(crate) const BASE: &str = "/soffid/webservice/scim2/v1";

/// What a client waits for at most: only a service that hangs takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// Reads an answer; none if the connection ends before its end.
    pub(crate) fn read(stream: &mut impl BufRead) -> Option<Self> {
        let mut head = String::new();
        loop {
            let begin = head.len();
            if stream.read_line(&mut head).ok()? == 0 {
                return None;
            }
            if head[begin..].trim_end().is_empty() {
                break;
            }
        }
        let status = head.strip_prefix("HTTP/1.")?.get(2..5)?.parse().ok()?;
        let mut answer = Self { status, head, body: Vec::new() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().expect("a length"));
        answer.body.resize(length, 0);
        stream.read_exact(&mut answer.body).ok()?;
        Some(answer)
    }

    /// The values of a header.
    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(':'));
        fields.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).first().copied()
    }

    pub(crate) fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("UTF-8")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The body of an answer that must have this status.
    #[track_caller]
    pub(crate) fn ok(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/scim+json"), "{self:?}");
        self.json()
    }

    /// The detail of a refusal that must have this status, in the form of RFC 7644 section 3.12.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16) -> String {
        let body = self.ok(status);
        assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        assert_eq!(body["status"], status.to_string());
        body["detail"].as_str().expect("a detail").to_owned()
    }

    /// The verdict: whether the answer was right, and whether the device is locked.
    #[track_caller]
    pub(crate) fn verdict(&self) -> (bool, bool) {
        let body = self.ok(200);
        (body["success"].as_bool().expect("success"), body["locked"].as_bool().expect("locked"))
    }
}

/// A client with an account.
#[derive(Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    authorization: Option<String>,
    stream: Option<BufReader<TcpStream>>,
}

impl Client {
    /// A client that says nothing of itself.
    pub(crate) fn anonymous(address: SocketAddr) -> Self {
        Self { address, authorization: None, stream: None }
    }

    pub(crate) fn basic(address: SocketAddr, name: &str, password: &str) -> Self {
        Self::anonymous(address).with(&format!("Basic {}", BASE64.encode(format!("{name}:{password}").as_bytes())))
    }

    pub(crate) fn bearer(address: SocketAddr, token: &str) -> Self {
        Self::anonymous(address).with(&format!("Bearer {token}"))
    }

    /// With this header `Authorization`.
    pub(crate) fn with(self, authorization: &str) -> Self {
        Self { authorization: Some(authorization.to_owned()), ..self }
    }

    /// Another client with the same account.
    pub(crate) fn another(&self) -> Self {
        Self { address: self.address, authorization: self.authorization.clone(), stream: None }
    }

    /// The account of another client on this connection.
    pub(crate) fn takes_over(self, other: Self) -> Self {
        Self { authorization: other.authorization, ..self }
    }

    /// The head of a request, without its last empty line.
    pub(crate) fn head(&self, method: &str, target: &str, more: &str) -> String {
        let authorization = self.authorization.as_ref().map(|value| format!("Authorization: {value}\r\n"));
        format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n{}{more}", self.address, authorization.unwrap_or_default())
    }

    /// Sends a request; none if the connection ended before the answer did.
    pub(crate) fn send(&mut self, method: &str, target: &str, more: &str, body: &[u8]) -> Option<Response> {
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let mut request = self.head(method, target, &format!("{more}{length}\r\n")).into_bytes();
        request.extend_from_slice(body);
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => open(self.address)?,
        };
        stream.get_mut().write_all(&request).ok()?;
        let answer = Response::read(&mut stream)?;
        if answer.header("connection") != Some("close") {
            self.stream = Some(stream);
        }
        Some(answer)
    }

    /// Sends a request below the base, with a body of JSON if there is one.
    #[track_caller]
    pub(crate) fn call(&mut self, method: &str, path: &str, body: &str) -> Response {
        let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        self.send(method, &format!("{BASE}{path}"), kind, body.as_bytes()).expect("an answer")
    }

    #[track_caller]
    pub(crate) fn get(&mut self, path: &str) -> Response {
        self.call("GET", path, "")
    }

    #[track_caller]
    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Response {
        self.call("POST", path, &body.to_string())
    }

    /// Creates a device. Returns its path and the answer.
    #[track_caller]
    pub(crate) fn create(&mut self, body: &Value) -> (String, Value) {
        let created = self.post("/OtpDevice", body).ok(201);
        let id = created["id"].as_i64().expect("a number");
        (format!("/OtpDevice/{id}"), created)
    }

    #[track_caller]
    pub(crate) fn device(&mut self, path: &str) -> Value {
        self.get(path).ok(200)
    }

    /// Answers a challenge.
    #[track_caller]
    pub(crate) fn answer(&mut self, path: &str, code: &str) -> Response {
        self.post(&format!("{path}/responseChallenge"), &json!({"pin": code}))
    }

    /// Sets a status, as the seed's example does.
    #[track_caller]
    pub(crate) fn status(&mut self, path: &str, status: &str) -> Response {
        let body = json!({"Operations": [{"op": "replace", "path": "status", "value": status}]});
        self.call("PATCH", path, &body.to_string())
    }
}

/// A new connection; none if it is refused.
pub(crate) fn open(address: SocketAddr) -> Option<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_nodelay(true).ok()?;
    Some(BufReader::new(stream))
}

/// Sends these bytes on a connection of their own, and gives what is answered; none for nothing.
pub(crate) fn raw(address: SocketAddr, bytes: &[u8]) -> Option<Response> {
    let mut stream = open(address).expect("a connection");
    // What is refused early is not read to its end.
    let _ = stream.get_mut().write_all(bytes);
    Response::read(&mut stream)
}

/// Sends these bytes on a connection of their own, closes that side of it, and gives what is
/// answered; none for nothing.
pub(crate) fn ask_and_close(address: SocketAddr, bytes: &[u8]) -> Option<Response> {
    let mut stream = open(address).expect("a connection");
    stream.get_mut().write_all(bytes).expect("it is taken");
    stream.get_mut().shutdown(Shutdown::Write).expect("it was open");
    Response::read(&mut stream)
}

/// A connection of a client that sends requests until no more are taken, and reads no answer.
pub(crate) struct FullPipe {
    stream: TcpStream,
    request: Vec<u8>,
    /// How many bytes of requests were taken.
    taken: usize,
}

impl FullPipe {
    /// The most that is sent.
    const MOST: usize = 216 * 1024;

    pub(crate) fn new(client: &Client, target: &str) -> Self {
        let mut stream = TcpStream::connect(client.address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("it is open");
        stream.set_write_timeout(Some(Duration::from_millis(200))).expect("it is open");
        let request = client.head("GET", target, "\r\n").into_bytes();
        let all = request.repeat(Self::MOST / request.len());
        let mut taken = 0;
        while let Ok(bytes @ 1..) = stream.write(&all[taken..]) {
            taken += bytes;
        }
        Self { stream, request, taken }
    }

    /// Whether it was cut: a client that goes on is told by its socket.
    pub(crate) fn is_cut(&mut self) -> bool {
        self.stream.set_read_timeout(Some(Duration::from_millis(1))).expect("it is open");
        let mut bytes = vec![0; 1 << 16];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() != ErrorKind::WouldBlock,
            }
        }
    }

    /// Sends the rest of the last request, and reads all answers. Returns how many there were.
    pub(crate) fn read(self, each: impl Fn(&Response)) -> usize {
        let (whole, part) = (self.taken / self.request.len(), self.taken % self.request.len());
        let mut stream = BufReader::new(self.stream);
        for _ in 0..whole {
            each(&Response::read(&mut stream).expect("an answer"));
        }
        if part > 0 {
            stream.get_mut().write_all(&self.request[part..]).expect("it is taken");
            each(&Response::read(&mut stream).expect("an answer"));
        }
        whole + usize::from(part > 0)
    }
}

/// Whether the other side has ended the connection.
pub(crate) fn ended(stream: &mut impl Read) -> bool {
    !matches!(stream.read(&mut [0]), Ok(1))
}
