//! The configuration: what is wrong is named, and what is said last counts.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::client::Client;
use super::process::{Run, Server, folder, keyfob};

/// Checks a configuration with this environment.
fn check(folder: &Path, args: &[&str], environment: &[(&str, &str)]) -> Run {
    let mut command = keyfob(folder, &[&["serve", "--check"], args].concat());
    command.envs(environment.iter().copied());
    Run::of(command, "")
}

/// The keys of the faults, in the order of their names.
#[track_caller]
fn faults(run: &Run) -> Vec<&str> {
    assert_eq!((run.status, run.out.as_str()), (Some(2), ""), "{run:?}");
    let lines = run.err.lines().map(|line| line.strip_prefix("keyfob: ").expect("its name"));
    let mut keys: Vec<_> = lines.map(|line| line.split_once(": ").expect("a key").0).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn what_authenticators_get_wrong_is_noted_at_the_start() {
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
fn what_is_right_is_said_to_be_and_nothing_is_made() {
    let folder = folder();
    let all = "listen = '0.0.0.0:8443'\nstore = 'sqlite://x.db'\nprofile = 'rfc'\nbase_path = '/'\npublic_url = 'https://otp.example.com/'\n\
               key_file = 'x.key'\nlog = 'info,keyfob_server=debug'\nlog_format = 'json'\nmetrics = false\ndevelopment = false\nconnections_per_address = 0\n\
               [otp]\nkinds = ['TOTP', 'SMS']\nissuer = 'ACME'\nalgorithm = 'sha256'\ndigits = 8\nperiod = 60\n\
               [policy]\npreset = 'soffid'\nwindow = 2\nlook_ahead = 5\nmax_fails = 5\ncode_lifetime = 300\npin_positions = 4\nclock_skew = 5\n\
               [email]\nserver = 'mail.example.com'\nfrom = 'otp@example.com'\n\
               [sms]\nurl = 'https://sms.example.com/?to=${PHONE}&text=${PIN}'\nmethod = 'GET'\n\
               [users.alice]\nname = 'Alice'\n";
    fs::write(folder.path().join("all.toml"), all).unwrap();
    for args in
        [&[][..], &["--config", "all.toml"], &["--config", "all.toml", "--set", "policy.max_fails=6", "--profile", "soffid"]]
    {
        assert_eq!(check(folder.path(), args, &[]).well(), "The configuration is right.\n");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no store and no key were made");
}

#[test]
fn each_fault_is_named_by_its_key_and_all_at_once() {
    let folder = folder();
    let wrong = "listen = 'everywhere'\nprofile = 'other'\npublic_url = 'otp.example.com'\nmetrics_listen = '9100'\nlog_format = 'xml'\nmetrics = 'yes'\n\
                 colour = 'red'\nkey = 'hidden value'\nadmin_password = 60718293\nconnections_per_address = -1\n\
                 [otp]\nkinds = ['FAX']\nissuer = 'a:b'\nalgorithm = 'md5'\ndigits = 5\nperiod = 0\ncolour = 'red'\n\
                 [policy]\npreset = 'strict'\nwindow = -1\ncolour = 'red'\n[tls]\ncertificate = 'cert.pem'\n";
    fs::write(folder.path().join("wrong.toml"), wrong).unwrap();
    let run = check(folder.path(), &["--config", "wrong.toml", "--set", "colours=red"], &[("KEYFOB_COLOUR", "hidden value")]);
    let mut wanted = [
        "KEYFOB_COLOUR",
        "admin_password",
        "colour",
        "colours",
        "connections_per_address",
        "key",
        "listen",
        "log_format",
        "metrics",
        "metrics_listen",
        "otp.algorithm",
        "otp.colour",
        "otp.digits",
        "otp.issuer",
        "otp.kinds",
        "otp.period",
        "policy.colour",
        "policy.preset",
        "policy.window",
        "profile",
        "public_url",
        "tls",
    ];
    wanted.sort_unstable();
    assert_eq!(faults(&run), wanted);
    assert!(!run.err.contains("hidden value") && !run.err.contains("60718293"), "{run:?}");
    // It is no start either.
    let serve = Run::of(keyfob(folder.path(), &["serve", "--config", "wrong.toml"]), "");
    assert_eq!((serve.status, serve.out.as_str()), (Some(2), ""));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn faults_that_only_the_use_of_a_value_shows_are_named_too() {
    let folder = folder();
    for (set, key) in [
        ("policy.window=500", "policy.guess_bound"),
        ("policy.pin_positions=1", "policy.pin_positions"),
        ("policy.pin_positions=2", "policy.pin_guess_bound"),
        ("policy.max_fails=0", "policy.max_fails"),
        ("policy.clock_skew=0", "policy.clock_skew"),
        ("policy.clock_skew=4", "policy.clock_skew"),
        ("policy.clock_skew=3601", "policy.clock_skew"),
        ("log=keyfob=loud", "log"),
        ("log=warning", "log"),
        ("log=verbose", "log"),
        ("log=keyfob_server", "log"),
        ("key=not a key", "key"),
        ("store=mysql://localhost/x", "store"),
        ("policy.window=many", "policy.window"),
        ("policy.first_window=2", "policy.first_window"),
        ("policy.min_secret_bits=79", "policy.min_secret_bits"),
        ("otp.kinds=TOTP", "otp.kinds"),
        ("policy.throttle_max_delay=60", "policy.throttle_max_delay"),
        ("otp.issuer=A\u{7}", "otp.issuer"),
        ("admin_password=", "admin_password"),
        ("admin_password=7654321", "admin_password"),
    ] {
        let run = check(folder.path(), &["--set", set], &[]);
        assert_eq!(faults(&run), [key], "{set}: {run:?}");
    }
    for (set, told) in [
        ("policy.window=500", "lower policy.window, policy.look_ahead or policy.max_fails, or lower policy.guess_bound (1 in N)"),
        ("policy.throttle=5", "within a year of policy.throttle, which never locks; remove policy.throttle"),
        ("policy.pin_positions=2", "raise policy.pin_positions, lower policy.max_fails, or lower policy.pin_guess_bound (1 in N)"),
    ] {
        let run = check(folder.path(), &["--set", set], &[]);
        assert!(run.err.contains(told) && run.err.contains("a lower number allows more, 0 any"), "{run:?}");
        assert!(!run.err.contains("raise the bound"), "{run:?}");
    }
    // The rest of the section is read all the same.
    let run = check(folder.path(), &["--set", "policy.clock_skew=0", "--set", "policy.throttle_max_delay=60"], &[]);
    assert_eq!(faults(&run), ["policy.clock_skew", "policy.throttle_max_delay"]);
    assert!(run.err.contains("policy.clock_skew: must be 5 to 3600 seconds; a request may wait"), "{run:?}");
    fs::write(folder.path().join("a.toml"), "[email]\nserver = 'mail.example.com'\nfrom = 'nobody'\ntimeout = 0\ncolour = 'red'\n")
        .unwrap();
    let run = check(folder.path(), &["--config", "a.toml", "--set", "otp.digits=5", "--set", "key=not a key"], &[]);
    assert_eq!(faults(&run), ["email.colour", "email.from", "email.timeout", "key", "otp.digits"], "one run names all");
    fs::write(folder.path().join("a.toml"), "[email]\nserver = 'mail.example.com'\npassword = 60718293\n").unwrap();
    let run = check(folder.path(), &["--config", "a.toml"], &[]);
    assert!(faults(&run) == ["email.password"] && !run.err.contains("60718293"), "{run:?}");
    fs::write(folder.path().join("a.toml"), "[email]\nserver = 'mail.example.com'\nfrom = 'nobody'\ntimeout = 0\n").unwrap();
    assert_eq!(faults(&check(folder.path(), &["--config", "a.toml"], &[])), ["email.from", "email.timeout"]);
    fs::write(folder.path().join("a.toml"), "[tls]\ncertificate = 'none.pem'\nkey = 'none.key'\n").unwrap();
    let run = check(folder.path(), &["--config", "a.toml"], &[]);
    assert!(faults(&run) == ["tls"] && run.err.contains("none.pem"), "{run:?}");
    let run = check(folder.path(), &["--config", "missing.toml"], &[]);
    assert_eq!(faults(&run), ["missing.toml"]);
    fs::write(folder.path().join("a.toml"), "metrics = true\nadmin_password = '60718293\n").unwrap();
    let run = check(folder.path(), &[], &[("KEYFOB_CONFIG", "a.toml")]);
    assert!(faults(&run) == ["configuration"] && run.err.contains("line 2") && !run.err.contains("60718293"), "{run:?}");
}

#[test]
fn placeholders_that_nobody_has_a_value_for_are_faults_with_users_and_warnings_without() {
    let folder = folder();
    let wrong = "[sms]\nurl = 'https://sms.example.com/?to=${PHONE_DIGITS}&x=${EMAIL}'\nbody = '${PIN} ${PHNE} ${dni}'\n\
                 headers = { X-User = '${USER}', X-Name = '${nam}' }\n\
                 [email]\nserver = 'mail.example.com'\nfrom = 'otp@example.com'\nbody = '${PIN} ${EMAIL} ${PHONE} ${name}'\n";
    let users = "[users.alice]\nname = 'Alice'\n[users.bob]\ndni = '1'\n";
    fs::write(folder.path().join("a.toml"), [wrong, users].concat()).unwrap();
    let run = check(folder.path(), &["--config", "a.toml", "--set", "otp.digits=5"], &[]);
    assert_eq!(faults(&run), ["email.body", "otp.digits", "sms.body", "sms.headers.X-Name", "sms.url"]);
    assert!(run.err.contains("sms.body: has ${PHNE}, for which neither keyfob"), "{run:?}");
    fs::write(folder.path().join("a.toml"), wrong).unwrap();
    let run = check(folder.path(), &["--config", "a.toml"], &[]);
    assert_eq!((run.status, run.out.as_str()), (Some(0), "The configuration is right.\n"), "{run:?}");
    assert!(run.err.lines().count() == 4 && run.err.contains("sms.body: has ${PHNE} and ${dni}, for which"), "{run:?}");
    let right = wrong
        .replace("PHNE", "PHONE")
        .replace("&x=${EMAIL}", "")
        .replace("${PHONE} ${name}", "${name}")
        .replace("${nam}", "${name}");
    fs::write(folder.path().join("a.toml"), [&right, users].concat()).unwrap();
    assert_eq!(check(folder.path(), &["--config", "a.toml"], &[]).well(), "The configuration is right.\n");
}

#[test]
fn wrong_types_are_told_in_words_and_with_an_example() {
    let folder = folder();
    let types = "listen = 'everywhere'\nmetrics_listen = 9100\nallowed_origins = 'https://otp.example.com'\nmetrics = 'yes'\nkey = 1\n\
                 key_file = 1\nconnections_per_address = -1\nusers = 1\n[otp]\nkinds = 'TOTP'\nissuer = 5\ndigits = 'six'\n\
                 [policy]\nwindow = 'many'\nguess_bound = 5000000000\n[database]\ntimeout = 'long'\n\
                 [email]\nserver = 'mail.example.com'\nsecurity = 'ssl'\n[sms]\ntimeout = 'long'\n[voice]\nurl = 'https://x/${PHONE}/${PIN}'\nuri = 'x'\n";
    fs::write(folder.path().join("types.toml"), types).unwrap();
    let run = check(folder.path(), &["--config", "types.toml"], &[]);
    let mut told: Vec<_> = run.err.lines().collect();
    told.sort_unstable();
    let wanted = [
        r#"allowed_origins: must be a list, as ["https://portal.example.com"]"#,
        "connections_per_address: must be a whole number, 0 or more",
        "database.timeout: must be a whole number, 0 or more",
        "email.security: must be one of starttls, tls, none",
        r#"key: must be text in quotes, as "text""#,
        r#"key_file: must be the name of a file in quotes, as "file.pem""#,
        "listen: must be an address and a port, as 127.0.0.1:8080",
        "metrics: must be true or false",
        "metrics_listen: must be an address and a port, as 127.0.0.1:8080",
        "otp.digits: must be a number from 0 to 255",
        r#"otp.issuer: must be text in quotes, as "text""#,
        r#"otp.kinds: must be a list, as ["TOTP", "SMS"]"#,
        "policy.guess_bound: must be a number from 0 to 4294967295",
        "policy.window: must be a number from 0 to 65535",
        "sms.timeout: must be a number, as 10 or 0.5",
        "users: must be a table: names, each with its value",
        "voice.uri: is no key of the configuration; did you mean voice.url?",
    ];
    assert_eq!(told, wanted.map(|line| format!("keyfob: {line}")), "{run:?}");
}

#[test]
fn text_may_look_like_a_number_and_others_variables_like_nothing() {
    let folder = folder();
    let mut command = Server::command(folder.path(), &["--set", "otp.issuer=7", "--set", "base_path=false"]);
    let garbage = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff\xfe");
    command.env("KEYFOB_ADMIN_PASSWORD", "60718293").env("OTHER", garbage).env(garbage, "other");
    let server = Server::spawn(command);
    let mut client = Client::basic(server.address, "admin", "60718293");
    assert_eq!(client.send("GET", "/false/OtpDevice", "", b"").expect("an answer").ok(200)["totalResults"], 0);
    let mut command = keyfob(folder.path(), &["serve", "--check"]);
    command.env("KEYFOB_LOG", garbage);
    assert_eq!(faults(&Run::of(command, "")), ["KEYFOB_LOG"]);
}

#[test]
fn the_environment_goes_before_the_file_and_flags_before_both() {
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
    assert!(rest.contains("store       sqlite://flag.db (made just now)\n") && folder.join("flag.db").exists(), "{rest}");
    let (_, rest) = first(&[], &[("KEYFOB_STORE", "sqlite://environment.db")]);
    assert!(
        rest.contains("store       sqlite://environment.db (made just now)\n") && folder.join("environment.db").exists(),
        "{rest}"
    );
}

#[test]
fn the_address_comes_from_the_environment_too() {
    let folder = folder();
    let mut command = keyfob(folder.path(), &["serve"]);
    command.env("KEYFOB_LISTEN", "127.0.0.1:0").env("KEYFOB_ADMIN_PASSWORD", super::process::PASSWORD);
    let server = Server::spawn(command);
    assert_ne!(server.address.port(), 8080);
    server.admin().get("/OtpDevice").ok(200);
    // Where somebody listens already, it says so and ends.
    let taken = Run::of(keyfob(folder.path(), &["serve", "--listen", &server.address.to_string()]), "");
    assert_eq!((taken.status, taken.out.as_str()), (Some(2), ""));
    assert!(taken.err.contains(&server.address.to_string()), "{taken:?}");
}

#[test]
fn the_profile_for_rfc_clients() {
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
fn kinds_that_are_off_and_users_that_are_unknown() {
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
fn service_links_of_kubernetes_and_docker_are_passed_over_with_one_warning() {
    let folder = folder();
    let folder = folder.path();
    let run = check(folder, &[], &LINKS);
    assert!(run.status == Some(0) && run.err.lines().count() == 1, "{run:?}");
    assert!(run.err.contains(" and 13 more are service links of Kubernetes or Docker"), "{run:?}");
    let one = check(folder, &[], &LINKS[..1]);
    let told = "environment: KEYFOB_PORT is a service link of Kubernetes or Docker, and no configuration; it is passed over";
    assert!(one.status == Some(0) && one.err.contains(told), "{one:?}");
    let mut command = Server::command(folder, &[]);
    command.envs(LINKS).env("KEYFOB_ADMIN_PASSWORD", super::process::PASSWORD);
    Server::spawn(command).stop();
    let log = super::process::log(folder);
    assert!(log.matches("service link").count() == 1 && log.contains("WARN") && !log.contains("hidden value"), "{log}");
    let mut command = keyfob(folder, &["account", "list"]);
    command.envs(LINKS);
    let run = Run::of(command, "");
    assert!(run.status == Some(0) && run.err.lines().count() == 1, "{run:?}");
    // What has such a name and no such value is a mistake.
    for (name, value) in [("KEYFOB_PORT", "8080"), ("KEYFOB_SERVICE_HOST", "mail"), ("KEYFOB_ENV_A", "b")] {
        assert_eq!(faults(&check(folder, &[], &[(name, value)])), [name]);
    }
}

#[test]
fn mistyped_keys_are_told_the_key_that_was_meant() {
    let folder = folder();
    let told = |file: &str, args: &[&str], environment: &[(&str, &str)]| {
        fs::write(folder.path().join("a.toml"), file).unwrap();
        check(folder.path(), &[&["--config", "a.toml"], args].concat(), environment).err
    };
    for (file, wanted) in [
        ("lisen = '127.0.0.1:0'", "lisen: is no key of the configuration; did you mean listen?"),
        ("[policy]\nwindw = 2", "policy.windw: is no key of the configuration; did you mean policy.window?"),
        ("[polcy]\nwindow = 2", "polcy: is no key of the configuration; did you mean policy?"),
        ("window = 2", "window: is no key of the configuration; did you mean policy.window?"),
        ("[tls]\ncertifcate = 'a.pem'", "tls.certifcate: is no key of the configuration; did you mean tls.certificate?"),
        (
            "[email]\nserver = 'a.example'\nform = 'a@a.example'",
            "email.form: is no key of the configuration; did you mean email.from?",
        ),
        ("[sms]\nurll = 'https://a.example'", "sms.urll: is no key of the configuration; did you mean sms.url?"),
        ("colour = 'red'", "colour: is no key of the configuration; keyfob config lists them all"),
    ] {
        let err = told(file, &[], &[]);
        assert!(err.lines().any(|line| line == format!("keyfob: {wanted}")), "{file}: {err}");
    }
    let err = told("", &["--set", "policy.fail=3"], &[("KEYFOB_POLICY_WINDOWS", "2"), ("KEYFOB_EMAIL_SERVER", "a.example")]);
    for wanted in [
        "policy.fail: is no key of the configuration; did you mean policy.max_fails?",
        "KEYFOB_POLICY_WINDOWS: is no key of the configuration; did you mean KEYFOB_POLICY_WINDOW?",
        "KEYFOB_EMAIL_SERVER: email.server may stand in the file of the configuration only",
    ] {
        assert!(err.contains(wanted), "{wanted}: {err}");
    }
    let err = told("log = 'warning'", &[], &[]);
    assert!(
        err.starts_with("keyfob: log: must be one of error, warn, info, debug, trace, off, ") && err.contains("did you mean warn?"),
        "{err}"
    );
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
    let listed = Run::of(keyfob(folder, &["config"]), "").well();
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
    assert_eq!(shown, wanted, "the table of server/README.md is what keyfob config prints");

    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    for name in ["cert.pem", "ca.pem"] {
        fs::write(folder.join(name), made.cert.pem()).unwrap();
    }
    fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    fs::write(folder.join("smtp.password"), "not a secret, but a test\n").unwrap();
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
