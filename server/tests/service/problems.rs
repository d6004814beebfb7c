//! Wrong configurations: which problems `keyfob serve --check` names, and how.

use std::fs;

use super::process::{Run, folder, keyfob};
use super::settings::{check, problem_keys};

#[test]
fn problems_are_named_by_key_and_all_at_once() {
    let folder = folder();
    let wrong = "listen = 'everywhere'\nprofile = 'other'\npublic_url = 'otp.example.com'\nmetrics_listen = '9100'\nlog_format = 'xml'\nmetrics = 'yes'\n\
                 colour = 'red'\nsealing_keys = 'hidden value'\nadmin_password = 60718293\nmax_connections_per_address = -1\n\
                 [otp]\nkinds = ['FAX']\nissuer = 'a:b'\nalgorithm = 'md5'\ndigits = 5\nperiod = 0\ncolour = 'red'\n\
                 [policy]\npreset = 'strict'\nwindow = -1\ncolour = 'red'\n[tls]\ncertificate_file = 'cert.pem'\n";
    fs::write(folder.path().join("wrong.toml"), wrong).unwrap();
    let run = check(folder.path(), &["--config", "wrong.toml", "--set", "colours=red"], &[("KEYFOB_COLOUR", "hidden value")]);
    let mut wanted = [
        "KEYFOB_COLOUR",
        "admin_password",
        "colour",
        "colours",
        "listen",
        "log_format",
        "max_connections_per_address",
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
        "sealing_keys",
        "tls",
    ];
    wanted.sort_unstable();
    assert_eq!(problem_keys(&run), wanted);
    assert!(!run.err.contains("hidden value") && !run.err.contains("60718293"), "{run:?}");
    // It is no start either.
    let serve = Run::from_command(keyfob(folder.path(), &["serve", "--config", "wrong.toml"]), "");
    assert_eq!((serve.status, serve.out.as_str()), (Some(2), ""));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn problems_in_the_use_of_a_value_are_named_too() {
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
        ("sealing_keys=not a key", "sealing_keys"),
        ("store=mysql://localhost/x", "store"),
        ("policy.window=many", "policy.window"),
        ("policy.first_window=2", "policy.first_window"),
        ("policy.min_secret_bits=79", "policy.min_secret_bits"),
        ("otp.kinds=TOTP", "otp.kinds"),
        ("policy.throttle_max_delay=60", "policy.throttle_max_delay"),
        ("policy.throttle_total=60", "policy.throttle_total"),
        ("otp.issuer=A\u{7}", "otp.issuer"),
        ("admin_password=", "admin_password"),
        ("admin_password=7654321", "admin_password"),
    ] {
        let run = check(folder.path(), &["--set", set], &[]);
        assert_eq!(problem_keys(&run), [key], "{set}: {run:?}");
    }
    for (set, part) in [
        (
            "policy.window=500",
            "lower policy.window, policy.first_window, policy.look_ahead or policy.max_fails, or lower policy.guess_bound (1 in N)",
        ),
        (
            "policy.throttle_first_delay=5",
            "within a year of policy.throttle_first_delay, which never locks; set policy.throttle_total",
        ),
        ("policy.pin_positions=2", "raise policy.pin_positions, lower policy.max_fails, or lower policy.pin_guess_bound (1 in N)"),
    ] {
        let run = check(folder.path(), &["--set", set], &[]);
        assert!(run.err.contains(part) && run.err.contains("a lower number allows more, 0 any"), "{run:?}");
        assert!(!run.err.contains("raise the bound"), "{run:?}");
    }
    // The rest of the section is read all the same.
    let run = check(folder.path(), &["--set", "policy.clock_skew=0", "--set", "policy.throttle_max_delay=60"], &[]);
    assert_eq!(problem_keys(&run), ["policy.clock_skew", "policy.throttle_max_delay"]);
    assert!(run.err.contains("policy.clock_skew: must be 5 to 3600 seconds; a request may wait"), "{run:?}");
    fs::write(folder.path().join("a.toml"), "[email]\nserver = 'mail.example.com'\nfrom = 'nobody'\ntimeout = 0\ncolour = 'red'\n")
        .unwrap();
    let run = check(folder.path(), &["--config", "a.toml", "--set", "otp.digits=5", "--set", "sealing_keys=not a key"], &[]);
    assert_eq!(
        problem_keys(&run),
        ["email.colour", "email.from", "email.timeout", "otp.digits", "sealing_keys"],
        "one run names all"
    );
    fs::write(folder.path().join("a.toml"), "[email]\nserver = 'mail.example.com'\npassword = 60718293\n").unwrap();
    let run = check(folder.path(), &["--config", "a.toml"], &[]);
    assert!(problem_keys(&run) == ["email.password"] && !run.err.contains("60718293"), "{run:?}");
    fs::write(folder.path().join("a.toml"), "[email]\nserver = 'mail.example.com'\nfrom = 'nobody'\ntimeout = 0\n").unwrap();
    assert_eq!(problem_keys(&check(folder.path(), &["--config", "a.toml"], &[])), ["email.from", "email.timeout"]);
    fs::write(folder.path().join("a.toml"), "[tls]\ncertificate_file = 'none.pem'\nkey_file = 'none.key'\n").unwrap();
    let run = check(folder.path(), &["--config", "a.toml"], &[]);
    assert!(problem_keys(&run) == ["tls"] && run.err.contains("none.pem"), "{run:?}");
    let run = check(folder.path(), &["--config", "missing.toml"], &[]);
    assert_eq!(problem_keys(&run), ["missing.toml"]);
    fs::write(folder.path().join("a.toml"), "metrics = true\nadmin_password = '60718293\n").unwrap();
    let run = check(folder.path(), &[], &[("KEYFOB_CONFIG", "a.toml")]);
    assert!(problem_keys(&run) == ["configuration"] && run.err.contains("line 2") && !run.err.contains("60718293"), "{run:?}");
}

#[test]
fn placeholders_without_a_value_are_problems_with_users_and_warnings_without() {
    let folder = folder();
    let wrong = "[sms]\nurl = 'https://sms.example.com/?to=${PHONE_DIGITS}&x=${EMAIL}'\nbody = '${PIN} ${PHNE} ${dni}'\n\
                 headers = { X-User = '${USER}', X-Name = '${nam}' }\n\
                 [email]\nserver = 'mail.example.com'\nfrom = 'otp@example.com'\nbody = '${PIN} ${EMAIL} ${PHONE} ${name}'\n";
    let users = "[users.alice]\nname = 'Alice'\n[users.bob]\ndni = '1'\n";
    fs::write(folder.path().join("a.toml"), [wrong, users].concat()).unwrap();
    let run = check(folder.path(), &["--config", "a.toml", "--set", "otp.digits=5"], &[]);
    assert_eq!(problem_keys(&run), ["email.body", "otp.digits", "sms.body", "sms.headers.X-Name", "sms.url"]);
    assert!(run.err.contains("sms.body: has ${PHNE}, for which neither keyfob"), "{run:?}");
    fs::write(folder.path().join("a.toml"), wrong).unwrap();
    let run = check(folder.path(), &["--config", "a.toml"], &[]);
    assert_eq!((run.status, run.out.as_str()), (Some(0), "The configuration is valid.\n"), "{run:?}");
    assert!(run.err.lines().count() == 4 && run.err.contains("sms.body: has ${PHNE} and ${dni}, for which"), "{run:?}");
    let right = wrong
        .replace("PHNE", "PHONE")
        .replace("&x=${EMAIL}", "")
        .replace("${PHONE} ${name}", "${name}")
        .replace("${nam}", "${name}");
    fs::write(folder.path().join("a.toml"), [&right, users].concat()).unwrap();
    assert_eq!(check(folder.path(), &["--config", "a.toml"], &[]).well(), "The configuration is valid.\n");
}

#[test]
fn lists_of_prefixes_without_a_region_are_a_warning() {
    let folder = folder();
    for (lines, is_warned) in [
        ("refused_prefixes = ['+882']", true),
        ("allowed_prefixes = ['+34']", true),
        ("refused_prefixes = ['+']", true),
        ("allowed_prefixes = ['+34']\nregion = 'ES'", false),
        // Such numbers are allowed.
        ("allowed_prefixes = ['+']\nrefused_prefixes = ['+882']", false),
        ("budgets = { '+34' = 5 }", false),
    ] {
        fs::write(folder.path().join("a.toml"), format!("[messages]\n{lines}\n")).unwrap();
        let run = check(folder.path(), &["--config", "a.toml"], &[]);
        assert_eq!((run.status, run.err.contains("messages.region: is not set")), (Some(0), is_warned), "{lines}: {run:?}");
    }
    fs::write(folder.path().join("keyfob.toml"), "[messages]\nrefused_prefixes = ['+882']\n").unwrap();
    super::process::Server::start(folder.path(), &["--config", "keyfob.toml"]).stop();
    let log = super::process::log(folder.path());
    assert_eq!(log.matches("messages.region: is not set").count(), 1, "{log}");
}

#[test]
fn wrong_types_are_explained_with_an_example() {
    let folder = folder();
    let types = "listen = 'everywhere'\nmetrics_listen = 9100\nallowed_origins = 'https://otp.example.com'\nmetrics = 'yes'\nsealing_keys = 1\n\
                 sealing_keys_file = 1\nmax_connections_per_address = -1\nusers = 1\n[otp]\nkinds = 'TOTP'\nissuer = 5\ndigits = 'six'\n\
                 [policy]\nwindow = 'many'\nguess_bound = 5000000000\n[database]\ntimeout = 'long'\n\
                 [email]\nserver = 'mail.example.com'\nsecurity = 'ssl'\n[sms]\ntimeout = 'long'\n[voice]\nurl = 'https://x/${PHONE}/${PIN}'\nuri = 'x'\n";
    fs::write(folder.path().join("types.toml"), types).unwrap();
    let run = check(folder.path(), &["--config", "types.toml"], &[]);
    let mut lines: Vec<_> = run.err.lines().collect();
    lines.sort_unstable();
    let wanted = [
        r#"allowed_origins: must be a list, as ["https://portal.example.com"]"#,
        "database.timeout: must be a whole number, 0 or more",
        "email.security: must be one of starttls, tls, none",
        "listen: must be an address and a port, as 127.0.0.1:8080",
        "max_connections_per_address: must be a whole number, 0 or more",
        "metrics: must be true or false",
        "metrics_listen: must be an address and a port, as 127.0.0.1:8080",
        "otp.digits: must be a number from 0 to 255",
        r#"otp.issuer: must be text in quotes, as "text""#,
        r#"otp.kinds: must be a list, as ["TOTP", "SMS"]"#,
        "policy.guess_bound: must be a number from 0 to 4294967295",
        "policy.window: must be a number from 0 to 65535",
        r#"sealing_keys: must be text in quotes, as "text""#,
        r#"sealing_keys_file: must be the name of a file in quotes, as "file.pem""#,
        "sms.timeout: must be a number, as 10 or 0.5",
        "users: must be a table: names, each with its value",
        "voice.uri: is no key of the configuration; did you mean voice.url?",
    ];
    assert_eq!(lines, wanted.map(|line| format!("keyfob: {line}")), "{run:?}");
}

#[test]
fn mistyped_keys_suggest_the_key_that_was_meant() {
    let folder = folder();
    let errors = |file: &str, args: &[&str], environment: &[(&str, &str)]| {
        fs::write(folder.path().join("a.toml"), file).unwrap();
        check(folder.path(), &[&["--config", "a.toml"], args].concat(), environment).err
    };
    for (file, wanted) in [
        ("lisen = '127.0.0.1:0'", "lisen: is no key of the configuration; did you mean listen?"),
        ("[policy]\nwindw = 2", "policy.windw: is no key of the configuration; did you mean policy.window?"),
        ("[polcy]\nwindow = 2", "polcy: is no key of the configuration; did you mean policy?"),
        ("window = 2", "window: is no key of the configuration; did you mean policy.window?"),
        (
            "[tls]\ncertifcate_file = 'a.pem'",
            "tls.certifcate_file: is no key of the configuration; did you mean tls.certificate_file?",
        ),
        (
            "[email]\nserver = 'a.example'\nform = 'a@a.example'",
            "email.form: is no key of the configuration; did you mean email.from?",
        ),
        ("[sms]\nurll = 'https://a.example'", "sms.urll: is no key of the configuration; did you mean sms.url?"),
        ("colour = 'red'", "colour: is no key of the configuration; keyfob config lists them all"),
    ] {
        let err = errors(file, &[], &[]);
        assert!(err.lines().any(|line| line == format!("keyfob: {wanted}")), "{file}: {err}");
    }
    let err = errors("", &["--set", "policy.max_fail=3"], &[("KEYFOB_POLICY_WINDOWS", "2"), ("KEYFOB_EMAIL_SERVER", "a.example")]);
    for wanted in [
        "policy.max_fail: is no key of the configuration; did you mean policy.max_fails?",
        "KEYFOB_POLICY_WINDOWS: is no key of the configuration; did you mean KEYFOB_POLICY_WINDOW?",
        "KEYFOB_EMAIL_SERVER: email.server can be set in the configuration file only",
    ] {
        assert!(err.contains(wanted), "{wanted}: {err}");
    }
    let err = errors("log = 'warning'", &[], &[]);
    assert!(
        err.starts_with("keyfob: log: must be one of error, warn, info, debug, trace, off, ") && err.contains("did you mean warn?"),
        "{err}"
    );
}

#[test]
fn problems_of_receivers_are_named_by_the_place_of_each_and_hide_their_secrets() {
    let folder = folder();
    let wrong = r#"
        [signals]
        issuer = "otp.example.com"
        [[receiver]]
        url = "https://user:hidden@idp.example.com/?key=hidden"
        token = "hidden by a space"
        token_file = "none"
        timeout_seconds = 0
        connections = 65
        algorithm = "HS256"
        subject = "did"
        subject_value = "${"
        account = ""
        [[receiver]]
        name = "poller"
        audience = "https://poller.example.com"
        token = "hidden"
        ca_file = "none.pem"
        [[receiver]]
        name = "poller"
        audience = "https://other.example.com"
        account = "poller"
        subject = "email"
        subject_value = "${mail}"
        [[receiver]]
        name = "sealed"
        audience = "https://sealed.example.com"
        url = "http://idp.example.com/"
        token_file = "none"
        [[receiver]]
        name = "trusted"
        audience = "https://trusted.example.com"
        url = "https://idp.example.com/"
        token = "hidden by a space"
        ca_file = "none.pem"
    "#;
    fs::write(folder.path().join("wrong.toml"), wrong).unwrap();
    let run = check(folder.path(), &["--config", "wrong.toml"], &[]);
    let wanted = [
        "receiver[1].account",
        "receiver[1].algorithm",
        "receiver[1].audience",
        "receiver[1].connections",
        "receiver[1].name",
        "receiver[1].subject",
        "receiver[1].subject_value",
        "receiver[1].timeout_seconds",
        "receiver[1].token_file",
        "receiver[1].url",
        "receiver[2].account",
        "receiver[2].ca_file",
        "receiver[2].token",
        "receiver[3].name",
        "receiver[3].subject_value",
        "receiver[4].token_file",
        "receiver[4].url",
        "receiver[5].ca_file",
        "receiver[5].token",
        "signals.issuer",
    ];
    assert_eq!(problem_keys(&run), wanted, "{run:?}");
    assert!(!run.err.contains("hidden"), "{run:?}");
    // Those of the values are named before these.
    for (set, key) in [
        ("signals.profile=other", "signals.profile"),
        ("signals.max_waiting=0", "signals.max_waiting"),
        ("signals.give_up_hours=0", "signals.give_up_hours"),
        ("signals.scim_events=yes", "signals.scim_events"),
    ] {
        let run = check(folder.path(), &["--set", set], &[]);
        assert_eq!(problem_keys(&run), [key], "{set}: {run:?}");
    }
}
