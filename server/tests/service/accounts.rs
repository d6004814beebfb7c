//! Accounts: their roles, their passwords and tokens, and the first password.

use std::path::Path;
use std::process::Stdio;
use std::thread;

use serde_json::json;

use super::client::Client;
use super::process::{PASSWORD, Run, Server, folder, hotp, keyfob, log, secret};

/// Makes an account with a password, or a token, which is returned.
fn account(folder: &Path, name: &str, roles: &str, password: Option<&str>) -> String {
    let mut args = vec!["account", "add", name, "--roles", roles];
    if password.is_none() {
        args.push("--token");
    }
    let input = password.map(|password| format!("{password}\n")).unwrap_or_default();
    Run::from_command(keyfob(folder, &args), &input).well().trim_end().to_owned()
}

#[test]
fn request_without_credentials_is_refused_with_a_hint() {
    let folder = folder();
    let server = Server::start(folder.path(), &["--set", "password_max_pause=0"]);
    account(folder.path(), "client", "all", Some("a password"));
    let path = server.admin().create(&json!({"type": "HOTP", "user": "franck"})).0;
    let strangers = [
        server.anonymous(),
        Client::basic(server.address, "admin", "another password"),
        Client::basic(server.address, "admin", ""),
        Client::basic(server.address, "Admin", PASSWORD),
        Client::basic(server.address, "client", PASSWORD),
        Client::basic(server.address, "client", "a password "),
        Client::basic(server.address, "nobody", PASSWORD),
        Client::bearer(server.address, PASSWORD),
        Client::bearer(server.address, ""),
        server.anonymous().with("Basic"),
        server.anonymous().with("Basic ????"),
        server.anonymous().with("Basic YWRtaW4="),
        server.anonymous().with("Digest username=\"admin\""),
        server.anonymous().with("Basic \u{e9}"),
    ];
    let is_refused = |mut stranger: Client| {
        for (method, address, body) in [
            ("GET", "/OtpDevice".to_owned(), ""),
            ("GET", "/Users".to_owned(), ""),
            ("GET", "/ServiceProviderConfig".to_owned(), ""),
            ("BREW", path.clone(), ""),
            ("POST", format!("{path}/responseChallenge"), "{\"pin\": \"123456\"}"),
        ] {
            let answer = stranger.call(method, &address, body);
            answer.refused(401);
            let ways = answer.headers("www-authenticate");
            let has = |scheme: &str| ways.iter().any(|way| way.starts_with(scheme));
            assert!(has("Basic realm=") && has("Bearer realm="), "{ways:?}");
        }
    };
    // At once, since each refusal takes its time.
    thread::scope(|scope| {
        for stranger in strangers {
            scope.spawn(|| is_refused(stranger));
        }
    });
    assert_eq!(server.admin().device(&path)["fails"], 0);
    assert_eq!(Client::basic(server.address, "client", "a password").device(&path)["fails"], 0);
}

#[test]
fn guesser_of_passwords_has_to_wait_and_locks_no_user_out() {
    let folder = folder();
    let server = Server::start(folder.path(), &["--set", "log=trace"]);
    account(folder.path(), "soffid", "query", Some("a password"));
    let mut soffid = Client::basic(server.address, "soffid", "a password");
    soffid.get("/OtpDevice").ok(200);
    let mut stranger = Client::basic(server.address, "soffid", "60718293");
    // A pause may be over before the next guess comes, and then the next one is longer.
    let answers: Vec<_> = (0..15).map(|_| stranger.get("/OtpDevice")).collect();
    assert!(answers.iter().take(5).all(|answer| answer.status == 401));
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!(refused.len() > 2, "{answers:?}");
    for answer in &refused {
        let detail = answer.refused(429);
        let seconds = answer.header("retry-after").unwrap();
        assert!(detail.contains(&format!("in {seconds} seconds")) && seconds.parse::<u64>().unwrap() > 0, "{detail}");
        assert!(answer.headers("www-authenticate").is_empty());
    }
    soffid.another().get("/OtpDevice").ok(200);
    server.admin().get("/OtpDevice").ok(200);
    let metrics = server.anonymous().send("GET", "/metrics", "", b"").expect("an answer");
    let line = format!("keyfob_accounts_refused_total{{reason=\"paused\"}} {}", refused.len());
    assert!(metrics.text().lines().any(|it| it == line), "{line}: {}", metrics.text());
    let trail = Run::from_command(keyfob(folder.path(), &["audit", "--json"]), "").well();
    let lines: Vec<_> = trail.lines().filter(|line| line.contains("account-refused")).collect();
    assert!(lines.len() == 1 && lines[0].contains("\"soffid\"") && lines[0].contains("127.0.0.1"), "{trail}");
    server.stop();
    assert!(!log(folder.path()).contains("60718293") && !trail.contains("60718293"));
}

#[test]
fn accounts_are_made_listed_replaced_and_removed() {
    let folder = folder();
    let folder = folder.path();
    let server = Server::start(folder, &[]);
    assert_eq!(account(folder, "soffid", "verify,query", Some("pass:wörd")), "");
    let token = account(folder, "sync", "all", None);
    assert!(token.len() >= 43 && !token.contains(char::is_whitespace), "256 random bits");
    let list = || Run::from_command(keyfob(folder, &["account", "list"]), "").well();
    assert_eq!(list(), "soffid\tpassword\tquery,verify\nsync\ttoken\tquery,manage,cancel,unlock,verify\n");
    Client::basic(server.address, "soffid", "pass:wörd").get("/OtpDevice").ok(200);
    Client::bearer(server.address, &token).get("/OtpDevice").ok(200);
    // A password is no token, and a token no password.
    Client::basic(server.address, "sync", &token).get("/OtpDevice").refused(401);

    // Another account of its name is an oversight, or meant.
    let again = Run::from_command(keyfob(folder, &["account", "add", "sync", "--roles", "query", "--token"]), "");
    assert!(
        (again.status, again.out.as_str()) == (Some(2), "") && again.err.contains("sync") && again.err.contains("--replace"),
        "{again:?}"
    );
    Client::bearer(server.address, &token).get("/OtpDevice").ok(200);
    assert_eq!(list().lines().last(), Some("sync\ttoken\tquery,manage,cancel,unlock,verify"));
    let replace = ["account", "add", "sync", "--roles", "query", "--token", "--replace"];
    let other = Run::from_command(keyfob(folder, &replace), "").well().trim_end().to_owned();
    assert_ne!(token, other);
    Client::bearer(server.address, &other).get("/OtpDevice").ok(200);
    assert_eq!(list().lines().last(), Some("sync\ttoken\tquery"));
    Run::from_command(keyfob(folder, &["account", "remove", "sync"]), "").well();
    assert_eq!(list().lines().count(), 1);
    server.stop();
    // What the running service remembered of an account ends with it at the latest.
    let server = Server::start(folder, &[]);
    for token in [&token, &other] {
        Client::bearer(server.address, token).get("/OtpDevice").refused(401);
    }
    let fault = |args: &[&str], input: &str| {
        let run = Run::from_command(keyfob(folder, args), input);
        assert_eq!((run.status, run.out.as_str()), (Some(2), ""), "{run:?}");
        run.err
    };
    assert!(fault(&["account", "remove", "sync"], "").contains("sync"));
    assert!(fault(&["account", "add", "a:b", "--roles", "all"], "long enough\n").contains("colon"));
    assert!(fault(&["account", "add", "a", "--roles", "all"], "short\n").contains("password"));
    assert!(fault(&["account", "add", "a", "--roles", "king"], "long enough\n").contains("role"));
    assert_eq!(list().lines().count(), 1);
}

#[test]
fn roles_allow_their_own_actions_only() {
    let folder = folder();
    let folder = folder.path();
    let server = Server::start(folder, &[]);
    let mut admin = server.admin();
    for role in ["query", "manage", "cancel", "unlock", "verify"] {
        let mut client = Client::bearer(server.address, &account(folder, role, role, None));
        let (path, _) = admin.create(&json!({"type": "HOTP", "user": "franck"}));
        let locked = admin.create(&json!({"type": "HOTP", "user": "franck"})).0;
        (0..10).for_each(|_| drop(admin.answer(&locked, "12345")));
        assert_eq!(admin.device(&locked)["status"], "L");
        let status =
            |status: &str| format!("{{\"Operations\": [{{\"op\": \"replace\", \"path\": \"status\", \"value\": \"{status}\"}}]}}");
        let new = "{\"type\": \"HOTP\", \"user\": \"franck\"}".to_owned();
        let (external, search) = ("{\"externalId\": \"x\"}".to_owned(), "{\"filter\": \"user pr\"}".to_owned());
        for (needed, method, address, body) in [
            ("query", "GET", "/OtpDevice".to_owned(), String::new()),
            ("query", "GET", path.clone(), String::new()),
            ("query", "POST", "/OtpDevice/.search".to_owned(), search),
            ("manage", "POST", "/OtpDevice".to_owned(), new),
            ("manage", "PUT", path.clone(), external),
            ("manage", "PATCH", path.clone(), status("V")),
            ("unlock", "PATCH", locked.clone(), status("V")),
            ("verify", "GET", format!("{path}/requestChallenge"), String::new()),
            ("verify", "POST", format!("{path}/responseChallenge"), "{\"pin\": \"12345\"}".to_owned()),
            ("cancel", "PATCH", path.clone(), status("D")),
            ("cancel", "DELETE", path.clone(), String::new()),
        ] {
            let before = (admin.device(&path), admin.device(&locked));
            let answer = client.call(method, &address, &body);
            if needed == role {
                assert!([200, 201, 204].contains(&answer.status), "{role}: {method} {address}: {answer:?}");
            } else {
                answer.refused(403);
                assert_eq!((admin.device(&path), admin.device(&locked)), before, "{role}: {method} {address}");
            }
        }
        client.get("/Schemas").ok(200);
    }
}

#[test]
fn first_password_is_in_a_private_file_without_a_terminal() {
    let folder = folder();
    let folder = folder.path();
    // A failed start creates no password and no file.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let failed = Run::from_command(keyfob(folder, &["serve", "--listen", &address]), "");
    assert!(failed.status == Some(2) && failed.err.contains(&format!("listen: {address}: ")), "{failed:?}");
    assert!(failed.err.contains("--listen ADDRESS:PORT"), "{failed:?}");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
    // That of an earlier store gives way.
    let path = folder.join("keyfob.db.admin-password");
    std::fs::write(&path, "an old one\n").unwrap();
    let greeting = Server::spawn(Server::command(folder, &[])).stop();
    assert!(greeting.contains("account     admin, password in keyfob.db.admin-password (new"), "{greeting}");
    assert!(greeting.contains("curl -u admin:PASSWORD "), "{greeting}");
    let password = std::fs::read_to_string(&path).unwrap().trim_end().to_owned();
    assert!(password.len() >= 26, "130 bits or more");
    assert!(!greeting.contains(&password) && !log(folder).contains(&password), "it is in no log");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.contains("password")).count(), 1, "no draft is left");

    let server = Server::spawn(Server::command(folder, &[]));
    Client::basic(server.address, "admin", &password).get("/OtpDevice").ok(200);
    Client::basic(server.address, "admin", &password.to_uppercase()).get("/OtpDevice").refused(401);
    let again = server.stop();
    assert!(again.contains("curl -u admin:PASSWORD ") && !again.contains(&password) && !again.contains("made up"), "{again}");
    assert!(!log(folder).contains(&password));
    let bytes = std::fs::read(folder.join("keyfob.db")).unwrap();
    assert!(!bytes.windows(password.len()).any(|window| window == password.as_bytes()), "only its hash is stored");

    // The password of the configuration replaces that of the store, and is not shown.
    let server = Server::start(folder, &[]);
    server.admin().get("/OtpDevice").ok(200);
    Client::basic(server.address, "admin", &password).get("/OtpDevice").refused(401);
    assert!(!server.stop().contains(PASSWORD));
}

#[test]
fn first_password_is_shown_on_a_terminal_and_in_no_file() {
    for (more, before) in [("", "account     admin, password "), ("--set log_format=json", "\"password\":\"")] {
        let folder = folder();
        let folder = folder.path();
        // util-linux's script runs it on a terminal, and writes what that shows into a file.
        let serve = format!("exec {} serve --listen 127.0.0.1:0 {more}", env!("CARGO_BIN_EXE_keyfob"));
        let mut command = std::process::Command::new("script");
        command.args(["-qefc", &serve, "shown"]).current_dir(folder);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KEYFOB_")) {
            command.env_remove(name);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("script, of the Debian package bsdutils");
        let shown = || std::fs::read_to_string(folder.join("shown")).unwrap_or_default();
        let password = loop {
            let shown = shown();
            let password = shown.split_once(before).and_then(|(_, rest)| rest.split_once([' ', '"']));
            if let Some((password, _)) = password {
                break password.to_owned();
            }
            assert!(child.try_wait().unwrap().is_none(), "{shown}");
            thread::yield_now();
        };
        assert!(password.len() >= 26 && password.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{password}");
        let shown = shown();
        let address = shown.split_once("listens on http://").and_then(|(_, rest)| rest.split('/').next()).unwrap().parse().unwrap();
        Client::basic(address, "admin", &password).get("/OtpDevice").ok(200);
        assert!(!folder.join("keyfob.db.admin-password").exists());
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn commands_in_a_wrong_folder_make_nothing_and_say_what_to_do() {
    let empty = folder();
    let key = "sealing_keys=1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let refused = |folder: &Path, args: &[&str]| {
        let run = Run::from_command(keyfob(folder, args), "");
        assert_eq!((run.status, run.out.as_str()), (Some(2), ""), "{args:?}: {run:?}");
        run.err
    };
    for args in [
        &["audit"][..],
        &["account", "list"],
        &["account", "remove", "sync"],
        &["migrate", "--to", "sqlite://new.db"],
        &["rotate-key", "--reseal-only", "--set", key],
        &["audit", "--set", key],
    ] {
        let error = refused(empty.path(), args);
        assert!(error.contains("store: there is none at sqlite://keyfob.db") && error.contains("--store"), "{args:?}: {error}");
        assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0, "{args:?}");
    }
    assert!(refused(empty.path(), &["rotate-key"]).contains("sealing_keys_file: keyfob.key does not exist"));
    assert_eq!(std::fs::read_dir(empty.path()).unwrap().count(), 0);
    // Another program's file, and a store whose key file is elsewhere, stay as they are.
    std::fs::write(empty.path().join("keyfob.db"), "").unwrap();
    assert!(refused(empty.path(), &["account", "list"]).contains("store: there is none at"));
    assert!(std::fs::read(empty.path().join("keyfob.db")).unwrap().is_empty());
    let whole = folder();
    let account = Run::from_command(keyfob(whole.path(), &["account", "add", "sync", "--roles", "all", "--token"]), "");
    assert!(
        account.err.contains("store: sqlite://keyfob.db: created") && account.err.contains("keyfob.key: created"),
        "{account:?}"
    );
    std::fs::rename(whole.path().join("keyfob.key"), whole.path().join("other.key")).unwrap();
    for args in [&["audit"][..], &["account", "list"], &["account", "remove", "sync"]] {
        assert!(refused(whole.path(), args).contains("sealing_keys_file: keyfob.key is missing"), "{args:?}");
        assert!(!whole.path().join("keyfob.key").exists(), "{args:?}");
    }
    assert_eq!(
        Run::from_command(keyfob(whole.path(), &["account", "list", "--set", "sealing_keys_file=other.key"]), "")
            .well()
            .lines()
            .count(),
        1
    );
}

#[test]
fn log_and_store_hold_no_secret_in_clear() {
    let folder = folder();
    let folder = folder.path();
    let token = account(folder, "client", "all", None);
    let server = Server::start(folder, &["--set", "log=trace"]);
    let (mut admin, mut client) = (server.admin(), Client::bearer(server.address, &token));
    let (path, created) = admin.create(&json!({"type": "HOTP", "user": "franck"}));
    let secret = secret(folder, &created);
    let codes = hotp(&secret, 3);
    assert_eq!(client.answer(&path, &codes[0]).verdict(), (true, false));
    client.answer(&path, "60718293").verdict();
    client.call("POST", &format!("{path}/responseChallenge"), "{\"pin\": \"60718293\"").refused(400);
    let (sms, _) = client.create(&json!({"type": "SMS", "user": "dilbert", "phone": "6665552244"}));
    let (pin, _) = client.create(&json!({"type": "PIN", "user": "dilbert", "pin": "918273645"}));
    client.get(&format!("{sms}/requestChallenge")).ok(200);
    client.get(&format!("{pin}/requestChallenge")).ok(200);
    client.post("/OtpDevice", &json!({"type": "PIN", "user": "dilbert", "pin": "918273645x"})).refused(400);
    client.get("/OtpDevice?filter=user+eq+%22searched%22").ok(200);
    let printed = format!("{}{}", server.first.clone(), server.stop());

    let log = log(folder);
    let delivered: Vec<_> = log.lines().filter(|line| line.contains("development delivery: ")).collect();
    assert_eq!(delivered.len(), 1, "{log}");
    let code = delivered[0].rsplit(' ').next().unwrap();
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
    let rest: String = log.lines().filter(|line| !line.contains("development delivery: ")).collect::<Vec<_>>().join("\n");
    assert!(rest.contains("answered"), "something was logged at all");
    let key = std::fs::read_to_string(folder.join("keyfob.key")).unwrap();
    let image = &created["image"].as_str().unwrap()[..60];
    let basic = data_encoding::BASE64.encode(format!("admin:{PASSWORD}").as_bytes());
    let hidden = [&token, PASSWORD, &basic, &secret, image, code, &codes[0], "60718293", "918273645", "searched", key.trim()];
    for text in hidden {
        assert!(!rest.contains(text) && !printed.contains(text), "{text} was shown");
    }
    let raw = data_encoding::BASE32_NOPAD.decode(secret.as_bytes()).unwrap();
    for name in ["keyfob.db", "keyfob.db-wal"] {
        let bytes = std::fs::read(folder.join(name)).unwrap_or_default();
        for hidden in [&raw, secret.as_bytes(), token.as_bytes(), PASSWORD.as_bytes(), b"918273645"] {
            assert!(!bytes.windows(hidden.len()).any(|window| window == hidden), "{name} holds a secret");
        }
    }
    assert!(!std::fs::read(folder.join("keyfob.db")).unwrap().is_empty());
}
