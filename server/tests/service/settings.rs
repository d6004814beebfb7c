//! The configuration: its sources, its precedence, and its effects.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::client::Client;
use super::process::{Run, Server, folder, keyfob};

/// Checks a configuration with this environment.
pub(crate) fn check(folder: &Path, args: &[&str], environment: &[(&str, &str)]) -> Run {
    let mut command = keyfob(folder, &[&["serve", "--check"], args].concat());
    command.envs(environment.iter().copied());
    Run::from_command(command, "")
}

/// The keys of the faults, in the order of their names.
#[track_caller]
pub(crate) fn problem_keys(run: &Run) -> Vec<&str> {
    assert_eq!((run.status, run.out.as_str()), (Some(2), ""), "{run:?}");
    let lines = run.err.lines().map(|line| line.strip_prefix("keyfob: ").expect("its name"));
    let mut keys: Vec<_> = lines.map(|line| line.split_once(": ").expect("a key").0).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn start_notes_parameters_that_authenticators_get_wrong() {
    let folder = folder();
    let noted = |pairs: &[&str]| {
        let set: Vec<_> = pairs.iter().flat_map(|pair| ["--set", pair]).collect();
        let server = Server::start(folder.path(), &set);
        let greeting = [server.first.clone(), server.stop()].concat();
        greeting.lines().filter(|line| line.contains("authenticators")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert!(noted(&[]).is_empty() && noted(&["otp.digits=8"]).is_empty());
    assert!(noted(&["otp.digits=9", "otp.period=60", "otp.kinds=[\"SMS\", \"PIN\"]"]).is_empty());
    let both = noted(&["otp.digits=9", "otp.period=60"]);
    assert!(both[0].starts_with("  note        codes of 9 digits: many authenticators show other codes"), "{both:?}");
    assert!(both[1].starts_with("  note        a period of 60 seconds: some authenticators count 30 seconds"), "{both:?}");
    let json = noted(&["otp.digits=9", "log_format=json"]);
    assert!(json.len() == 1 && json[0].contains("\"notes\":[\"codes of 9 digits"), "{json:?}");
}

#[test]
fn valid_configuration_is_confirmed_and_no_file_is_made() {
    let folder = folder();
    let all = "listen = '0.0.0.0:8443'\nstore = 'sqlite://x.db'\nprofile = 'rfc'\nbase_path = '/'\npublic_url = 'https://otp.example.com/'\n\
               sealing_keys_file = 'x.key'\nlog = 'info,keyfob_server=debug'\nlog_format = 'json'\nmetrics = false\ndevelopment = false\nmax_connections_per_address = 0\n\
               [otp]\nkinds = ['TOTP', 'SMS']\nissuer = 'ACME'\nalgorithm = 'sha256'\ndigits = 8\nperiod = 60\n\
               [policy]\npreset = 'soffid'\nwindow = 2\nlook_ahead = 5\nmax_fails = 5\ncode_lifetime = 300\npin_positions = 4\nclock_skew = 5\n\
               [email]\nserver = 'mail.example.com'\nfrom = 'otp@example.com'\n\
               [sms]\nurl = 'https://sms.example.com/?to=${PHONE}&text=${PIN}'\nmethod = 'GET'\n\
               [users.alice]\nname = 'Alice'\n";
    fs::write(folder.path().join("all.toml"), all).unwrap();
    for args in
        [&[][..], &["--config", "all.toml"], &["--config", "all.toml", "--set", "policy.max_fails=6", "--profile", "soffid"]]
    {
        assert_eq!(check(folder.path(), args, &[]).well(), "The configuration is valid.\n");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no store and no key were made");
}

#[test]
fn text_may_look_like_a_number_and_foreign_variables_like_anything() {
    let folder = folder();
    let mut command = Server::command(folder.path(), &["--set", "otp.issuer=7", "--set", "base_path=false"]);
    let garbage = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff\xfe");
    command.env("KEYFOB_ADMIN_PASSWORD", "60718293").env("OTHER", garbage).env(garbage, "other");
    let server = Server::spawn(command);
    let mut client = Client::basic(server.address, "admin", "60718293");
    assert_eq!(client.send("GET", "/false/OtpDevice", "", b"").expect("an answer").ok(200)["totalResults"], 0);
    let mut command = keyfob(folder.path(), &["serve", "--check"]);
    command.env("KEYFOB_LOG", garbage);
    assert_eq!(problem_keys(&Run::from_command(command, "")), ["KEYFOB_LOG"]);
}

#[test]
fn flags_override_the_environment_which_overrides_the_file() {
    let folder = folder();
    let folder = folder.path();
    fs::write(folder.join("keyfob.toml"), "base_path = '/file'\n[otp]\nkinds = ['TOTP']\nissuer = 'file'\n").unwrap();
    let first = |args: &[&str], environment: &[(&str, &str)]| {
        let mut command = Server::command(folder, args);
        command.envs(environment.iter().copied());
        let server = Server::spawn(command);
        (server.first.trim_end().rsplit('/').next().unwrap().to_owned(), server.stop())
    };
    let file = ("KEYFOB_CONFIG", "keyfob.toml");
    let (base, rest) = first(&[], &[file]);
    assert_eq!(base, "file");
    assert!(rest.contains("devices     TOTP\n"), "{rest}");
    let (base, rest) = first(&[], &[file, ("KEYFOB_BASE_PATH", "/environment"), ("KEYFOB_OTP_KINDS", "['HOTP', 'PIN']")]);
    assert_eq!(base, "environment");
    assert!(rest.contains("devices     HOTP, PIN\n"), "{rest}");
    let (base, _) = first(&["--set", "base_path=/flag"], &[file, ("KEYFOB_BASE_PATH", "/environment")]);
    assert_eq!(base, "flag");
    assert_eq!(first(&["--config", "keyfob.toml"], &[("KEYFOB_CONFIG", "missing.toml")]).0, "file");
    let (_, rest) = first(&["--store", "sqlite://flag.db"], &[("KEYFOB_STORE", "sqlite://environment.db")]);
    assert!(rest.contains("store       sqlite://flag.db (new)\n") && folder.join("flag.db").exists(), "{rest}");
    let (_, rest) = first(&[], &[("KEYFOB_STORE", "sqlite://environment.db")]);
    assert!(rest.contains("store       sqlite://environment.db (new)\n") && folder.join("environment.db").exists(), "{rest}");
}

#[test]
fn address_may_come_from_the_environment() {
    let folder = folder();
    let mut command = keyfob(folder.path(), &["serve"]);
    command.env("KEYFOB_LISTEN", "127.0.0.1:0").env("KEYFOB_ADMIN_PASSWORD", super::process::PASSWORD);
    let server = Server::spawn(command);
    assert_ne!(server.address.port(), 8080);
    server.admin().get("/OtpDevice").ok(200);
    // If another program listens there, it says so and ends.
    let taken = Run::from_command(keyfob(folder.path(), &["serve", "--listen", &server.address.to_string()]), "");
    assert_eq!((taken.status, taken.out.as_str()), (Some(2), ""));
    assert!(taken.err.contains(&server.address.to_string()), "{taken:?}");
}

#[test]
fn profile_rfc_answers_as_the_rfcs_say() {
    let folder = folder();
    let mut command = Server::command(folder.path(), &["--set", "base_path=/v2", "--set", "public_url=https://otp.example.com"]);
    command.env("KEYFOB_PROFILE", "rfc").env("KEYFOB_ADMIN_PASSWORD", super::process::PASSWORD);
    let server = Server::spawn(command);
    let mut client = server.admin();
    let mut send = |method: &str, path: &str, body: &str| client.send(method, path, "", body.as_bytes()).expect("an answer");
    let body = json!({"type": "TOTP", "user": "franck", "externalId": "mine"}).to_string();
    let created = send("POST", "/v2/OtpDevice", &body).ok(201);
    let id = created["id"].as_str().expect("a text").to_owned();
    assert_eq!(created["meta"]["location"], format!("https://otp.example.com/v2/OtpDevice/{id}"));
    let device = send("GET", &format!("/v2/OtpDevice/{id}"), "").ok(200);
    assert_eq!(device["externalId"], "mine");
    assert!(device["meta"]["links"].is_null() && device["created"].as_str().unwrap().ends_with('Z'));
    assert_eq!(send("DELETE", &format!("/v2/OtpDevice/{id}"), "").status, 204);
    send("GET", &format!("/v2/OtpDevice/{id}"), "").refused(404);
    assert_eq!(send("GET", "/v2/OtpDevice", "").ok(200)["totalResults"], 0);
}

#[test]
fn disabled_kinds_and_unknown_users_are_refused() {
    let folder = folder();
    fs::write(folder.path().join("keyfob.toml"), "[otp]\nkinds = ['TOTP']\n[users.alice]\nname = 'Alice'\n").unwrap();
    let server = Server::start(folder.path(), &["--config", "keyfob.toml"]);
    let mut client = server.admin();
    client.create(&json!({"type": "TOTP", "user": "alice"}));
    assert!(client.post("/OtpDevice", &json!({"type": "TOTP", "user": "bob"})).refused(400).contains("bob"));
    client.post("/OtpDevice", &json!({"type": "HOTP", "user": "alice"})).refused(400);
    assert_eq!(client.get("/OtpDevice").ok(200)["totalResults"], 1);
}

/// What Kubernetes sets for the Services `keyfob` and `keyfob-db`, and Docker for a link to a
/// container `keyfob-db`.
const LINKS: [(&str, &str); 14] = [
    ("KEYFOB_PORT", "tcp://10.96.0.12:8080"),
    ("KEYFOB_SERVICE_HOST", "10.96.0.12"),
    ("KEYFOB_SERVICE_PORT", "8080"),
    ("KEYFOB_SERVICE_PORT_HTTP", "8080"),
    ("KEYFOB_PORT_8080_TCP", "tcp://10.96.0.12:8080"),
    ("KEYFOB_PORT_8080_TCP_PROTO", "tcp"),
    ("KEYFOB_PORT_8080_TCP_PORT", "8080"),
    ("KEYFOB_PORT_8080_TCP_ADDR", "10.96.0.12"),
    ("KEYFOB_DB_SERVICE_HOST", "10.96.0.13"),
    ("KEYFOB_DB_SERVICE_PORT", "5432"),
    ("KEYFOB_DB_PORT_5432_TCP_ADDR", "10.96.0.13"),
    ("KEYFOB_EMAIL_PORT", "tcp://10.96.0.14:25"),
    ("KEYFOB_DB_NAME", "/keyfob/keyfob_db"),
    ("KEYFOB_DB_ENV_POSTGRES_PASSWORD", "hidden value"),
];

#[test]
fn service_links_of_kubernetes_and_docker_are_ignored_with_one_warning() {
    let folder = folder();
    let folder = folder.path();
    let run = check(folder, &[], &LINKS);
    assert!(run.status == Some(0) && run.err.lines().count() == 1, "{run:?}");
    assert!(run.err.contains(" and 13 more are service links of Kubernetes or Docker"), "{run:?}");
    let one = check(folder, &[], &LINKS[..1]);
    let warning = "environment: KEYFOB_PORT is a service link of Kubernetes or Docker, not configuration; it is ignored";
    assert!(one.status == Some(0) && one.err.contains(warning), "{one:?}");
    let mut command = Server::command(folder, &[]);
    command.envs(LINKS).env("KEYFOB_ADMIN_PASSWORD", super::process::PASSWORD);
    Server::spawn(command).stop();
    let log = super::process::log(folder);
    assert!(log.matches("service link").count() == 1 && log.contains("WARN") && !log.contains("hidden value"), "{log}");
    let mut command = keyfob(folder, &["account", "list"]);
    command.envs(LINKS);
    let run = Run::from_command(command, "");
    assert!(run.status == Some(0) && run.err.lines().count() == 1, "{run:?}");
    // What has such a name and no such value is a mistake.
    for (name, value) in [("KEYFOB_PORT", "8080"), ("KEYFOB_SERVICE_HOST", "mail"), ("KEYFOB_ENV_A", "b")] {
        assert_eq!(problem_keys(&check(folder, &[], &[(name, value)])), [name]);
    }
}

#[test]
fn keys_of_the_readme_are_those_of_the_command_and_their_examples_are_right() {
    let text = include_str!("../../README.md").split_once("| key | default | unit | example | meaning |").expect("the table").1;
    let rows: Vec<Vec<&str>> = text
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches(['|', ' ']).split(" | ").collect())
        .collect();
    let folder = folder();
    let folder = folder.path();
    let listed = Run::from_command(keyfob(folder, &["config", "--table"]), "").well();
    let listed: Vec<Vec<&str>> =
        listed.lines().skip(1).map(|line| line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()).collect();
    // The keys of [voice] are those of [sms].
    let of = |section: &str| -> Vec<Vec<String>> {
        let rows = listed.iter().filter(|row| row[0].starts_with(section));
        rows.map(|row| row.iter().map(|cell| cell.replace(section, "")).collect()).collect()
    };
    assert_eq!(of("sms"), of("voice"));
    let shown: Vec<_> = rows.iter().map(|row| vec![row[0].trim_matches('`'), row[1].trim_matches('`'), row[2], row[4]]).collect();
    let wanted: Vec<_> = listed.into_iter().filter(|row| !row[0].starts_with("voice.")).collect();
    assert_eq!(shown, wanted, "the table of server/README.md is what keyfob config --table prints");

    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    for name in ["cert.pem", "ca.pem"] {
        fs::write(folder.join(name), made.cert.pem()).unwrap();
    }
    fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    for name in ["smtp.password", "receiver.token"] {
        fs::write(folder.join(name), "not-a-secret-but-a-test\n").unwrap();
    }
    let lines = |row: &[&str]| -> Vec<String> {
        let spans = row[3].split("<br>").map(|span| span.strip_prefix('`').and_then(|span| span.strip_suffix('`')).expect("code"));
        spans.map(str::to_owned).collect()
    };
    for row in &rows {
        let path = row[0].trim_matches('`');
        let mut example = lines(row);
        assert!(example.iter().any(|line| line.starts_with(&format!("{path} = "))), "{path}: {example:?}");
        // What its section cannot be without.
        let section = path.split_once('.').map(|(section, _)| format!("required in [{section}]"));
        let required = rows.iter().filter(|row| section.as_ref().is_some_and(|section| row[4].contains(section)));
        for line in required.flat_map(|row| lines(row)) {
            if !example.contains(&line) {
                example.push(line);
            }
        }
        let example = example.join("\n");
        for example in [example.clone(), example.replace("sms.", "voice.")] {
            fs::write(folder.join("example.toml"), &example).unwrap();
            let run = check(folder, &["--config", "example.toml"], &[]);
            assert_eq!((run.status, run.err.as_str()), (Some(0), ""), "{example}");
        }
    }
}
