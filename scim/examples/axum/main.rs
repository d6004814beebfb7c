//! An async host: SCIM devices over HTTP with axum, in an SQLite database.
//!
//! ```text
//! cargo run -p keyfob-scim --example axum
//! curl -d '{"type": "TOTP", "user": "franck"}' -H 'Content-Type: application/json' \
//!     http://127.0.0.1:8080/OtpDevice
//! ```
//!
//! `respond` is the loop over the steps of a request. It holds the invariant of every host: nothing
//! is answered before it is stored. The database commits first, and only then does the loop ask
//! the step for the next one, which may hold the verdict.
//!
//! This host trusts every client that reaches it, so it listens on the loopback interface only. A
//! real host authenticates the account first, and passes on what that account may do.

mod database;

use std::error::Error as StdError;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use getrandom::SysRng;
use keyfob_scim::{DeliveryResult, Error, Message, Request, Response, Roles, Route, Service, Settings, Step, Store as _};
use tokio::net::TcpListener;

use database::Database;

/// The port of the example.
const PORT: u16 = 8080;
/// The URL of the service's base.
const BASE_URL: &str = "http://127.0.0.1:8080";

#[tokio::main]
async fn main() -> Result<(), Box<dyn StdError>> {
    let host = Host::new(Database::in_memory()?);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, PORT)).await?;
    println!("SCIM is at {BASE_URL}/OtpDevice");
    Ok(axum::serve(listener, app(host)).await?)
}

/// What the requests share.
#[derive(Clone)]
struct Host {
    service: Service<SysRng>,
    database: Arc<Mutex<Database>>,
}

fn app(host: Host) -> Router {
    Router::new().fallback(serve).with_state(host)
}

/// Serves a request. The loop is a task of its own, so it ends although the client disconnects: a
/// code whose challenge is stored is sent.
async fn serve(State(host): State<Host>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> axum::response::Response {
    let response = match host.begin(&method, &uri, &headers, &body) {
        Ok(step) => tokio::spawn(async move { host.respond(step).await }).await,
        Err(refusal) => Ok(Ok(refusal)),
    };
    match response {
        Ok(response) => into_http(response.unwrap_or_else(Response::from)),
        Err(_) => into_http(Error::new(500, "the request failed").into()),
    }
}

impl Host {
    fn new(database: Database) -> Self {
        Self { service: Service::new(Settings::default(), SysRng), database: Arc::new(Mutex::new(database)) }
    }

    /// The first step of a request, or the refusal of an unknown method.
    fn begin(&self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Step, Response> {
        let route = Route::from_path(uri.path());
        let Ok(method) = method.as_str().parse() else { return Err(route.method_not_allowed()) };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| Error::new(503, "the clock is before 1970; set it"))?;
        // A header that is not ASCII matches nothing that the service takes.
        let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        Ok(self.service.handle(Request {
            method,
            route,
            query: uri.query().unwrap_or_default(),
            content_type: text(header::CONTENT_TYPE),
            content_encoding: text(header::CONTENT_ENCODING),
            if_match: text(header::IF_MATCH),
            if_none_match: text(header::IF_NONE_MATCH),
            body,
            base_url: BASE_URL.into(),
            // A real host has authenticated the account.
            actor: "example".into(),
            roles: Roles::ALL,
            now: now.as_secs(),
        }))
    }

    /// Does one step after another, up to the response. An error ends the loop and drops the step,
    /// and with it the verdict that it may hold.
    async fn respond(&self, mut step: Step) -> Result<Response, Error> {
        loop {
            step = match step {
                Step::Done(response) => return Ok(response),
                Step::Get { id, then, .. } => then(self.store(move |database| database.get(id)).await?),
                Step::Insert { entry, naming, event, signals, then } => {
                    then(Box::new(self.store(move |database| database.insert(*entry, naming, event, signals)).await?))
                }
                // Compare and swap. After `false`, the next step reads the entry again.
                Step::Swap { swap, then } => then(self.store(move |database| database.swap(*swap)).await?),
                Step::CountedSwap { swap, counts, then } => {
                    then(self.store(move |database| database.swap_counted(*swap, &counts)).await?)
                }
                Step::Audit { event, then } => {
                    self.store(move |database| database.audit(event)).await?;
                    then(())
                }
                Step::List { query, then } => then(self.store(move |database| database.list(&query)).await?),
                Step::Admit { cost_seconds, now, then } => {
                    then(self.store(move |database| database.admit(cost_seconds, now)).await?)
                }
                Step::Find { search, then } => then(self.store(move |database| database.find(&search)).await?),
                Step::CheckUser { user, then } => then(self.store(move |database| database.check_user(&user)).await?),
                Step::Deliver { message, then } => then(deliver(message).await),
            };
        }
    }

    /// Does blocking work on the database, away from the threads that serve requests.
    async fn store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Database) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let database = Arc::clone(&self.database);
        let done = tokio::task::spawn_blocking(move || match database.lock() {
            Ok(mut database) => work(&mut database),
            Err(_) => Err(Error::new(503, "the database is closed; restart the service")),
        });
        done.await.unwrap_or_else(|_| Err(Error::new(503, "the database failed; try again")))
    }
}

/// Sends a code. The code belongs in the message and in no log.
#[expect(clippy::unused_async, reason = "a real host awaits its gateway here")]
async fn deliver(message: Message) -> DeliveryResult {
    println!("a code goes to user {}", message.user);
    Ok(())
}

fn into_http(response: Response) -> axum::response::Response {
    let mut http = axum::response::Response::new(Body::from(response.body));
    *http.status_mut() = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in response.headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            http.headers_mut().append(name, value);
        }
    }
    let headers = http.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/scim+json"));
    // No cache may keep a secret or a verdict.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    http
}

#[cfg(test)]
mod tests;
