//! Requests for messages at once, and servers that keep what goes out.

use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::thread;
use std::time::SystemTime;

use tokio::runtime::Runtime;

use super::client::{Client, Response};
use super::sink::{self, Got, Manner};

/// How many requests go out at once.
pub(crate) const REQUESTS: usize = 200;

/// A mail server and a gateway for text messages.
pub(crate) struct Outlets {
    mails: Got,
    texts: Got,
    toml: String,
    /// They live as long as it.
    _runtime: Runtime,
}

impl Outlets {
    pub(crate) fn open() -> Self {
        let runtime = Runtime::new().unwrap();
        let (smtp, mails) = runtime.block_on(sink::smtp(Manner::default()));
        let (http, texts) = runtime.block_on(sink::gateway(sink::answer("200 OK", "taken"), None));
        let toml = format!(
            "development = false\nlog = 'warn'\n\
             [email]\nserver = '127.0.0.1'\nport = {smtp}\nsecurity = 'none'\nfrom = 'otp@example.com'\nbody = 'code=${{PIN}}.'\n\
             [sms]\nurl = 'http://127.0.0.1:{http}/send'\nbody = 'to=${{PHONE}}&code=${{PIN}}.'\nsuccess_text = 'taken'\n"
        );
        Self { mails, texts, toml, _runtime: runtime }
    }

    /// Writes a configuration with these limits into a folder, as `keyfob.toml`.
    pub(crate) fn configure(&self, folder: &Path, limits: &str) {
        std::fs::write(folder.join("keyfob.toml"), format!("{}[messages]\n{limits}\n", self.toml)).unwrap();
    }

    /// The requests that the gateway got so far.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.texts.all()
    }

    /// The codes that went out so far.
    pub(crate) fn codes(&self) -> Vec<String> {
        let all = self.texts().into_iter().chain(self.mails.all());
        all.filter_map(|text| Some(text.split_once("code=")?.1.split('.').next()?.to_owned())).collect()
    }
}

/// Runs a test within one hour of UTC, and so within one day: if an hour began in the middle of it,
/// the test runs again, whatever came out of it.
pub(crate) fn within_an_hour(test: impl Fn()) {
    let hour = || SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() / 3600;
    loop {
        let start = hour();
        let outcome = panic::catch_unwind(AssertUnwindSafe(&test));
        if hour() == start {
            return outcome.unwrap_or_else(|cause| panic::resume_unwind(cause));
        }
        println!("an hour began in the middle of the test, so it runs again");
    }
}

/// Requests challenges of some devices in turn, all at once, each on its own connection.
pub(crate) fn request_at_once(clients: &[Client], paths: &[String]) -> Vec<Response> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..REQUESTS)
            .map(|at| {
                let (mut client, path) = (clients[at % clients.len()].another(), &paths[at % paths.len()]);
                scope.spawn(move || client.get(&format!("{path}/requestChallenge")))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Checks the responses to requests at once, of which `limit` sent a message. The others name the
/// key of the limit.
#[track_caller]
pub(crate) fn check(responses: &[Response], limit: usize, key: &str) {
    let sent = responses.iter().filter(|response| response.status == 200).count();
    assert_eq!((sent, responses.len()), (limit, REQUESTS), "{key}");
    for response in responses.iter().filter(|response| response.status != 200) {
        let detail = response.refused(429);
        let seconds: u64 = response.header("retry-after").expect("a time").parse().expect("seconds");
        let longest = if key == "messages.budgets" { 3600 } else { 86_400 };
        assert!(detail.contains(key) && (1..=longest).contains(&seconds), "{detail} {seconds}");
    }
}

/// The limits, each by its key, its line of the configuration and the devices that share it.
pub(crate) fn limits() -> [(&'static str, &'static str, Vec<serde_json::Value>); 4] {
    let sms = |phone: &str| serde_json::json!({"type": "SMS", "user": "dilbert", "phone": phone});
    let mail = |email: &str| serde_json::json!({"type": "EMAIL", "user": "dilbert", "email": email});
    [
        ("messages.per_device_per_day", "per_device_per_day = 7", vec![sms("+34600000000")]),
        (
            "messages.per_number_per_day",
            "per_number_per_day = 7\nregion = 'ES'",
            vec![sms("+34600000001"), sms("600 00 00 01"), sms("0034-600-000-001"), sms("+34 (600) 000 001")],
        ),
        (
            "messages.per_address_per_day",
            "per_address_per_day = 7",
            vec![mail("dilbert@example.com"), mail("Dilbert@example.com"), mail("dilbert@EXAMPLE.com")],
        ),
        (
            "messages.budgets",
            "budgets = { '+34' = 7, '+' = 1000 }",
            (10..30).map(|number| sms(&format!("+346000000{number}"))).collect(),
        ),
    ]
}
