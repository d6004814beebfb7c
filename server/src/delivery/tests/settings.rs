//! Valid configurations, and the problems that wrong ones have.

use super::{config, delivery, keys, problems, read};
use crate::delivery::config::Security;

const EMAIL: &str = "[email]\nserver = 'smtp.example.com'\nfrom = 'otp@example.com'\n";
const SMS: &str = "[sms]\nurl = 'https://gw.example.com/send?to=${PHONE}'\n";

#[test]
fn defaults() {
    let config = config(&format!("{EMAIL}{SMS}"));
    let (email, sms) = (&config.email[0].settings, &config.sms[0].settings);
    assert!(config.development && config.voice.is_empty());
    assert_eq!((email.port, email.security), (None, Security::Starttls));
    assert_eq!((email.subject.expose(), email.body.expose()), ("Your code", "Your code is ${PIN}"));
    assert_eq!((sms.method.as_str(), sms.allow_cleartext), ("POST", false));
}

#[test]
fn the_summary_names_servers_and_no_secret() {
    let all = format!("{EMAIL}username = 'u'\npassword = 'sesame'\n{SMS}headers = {{ K = 'sesame' }}\nbody = 'sesame${{PIN}}'\n")
        + "[voice]\nurl = 'http://[::1]:81/sesame/${PIN}'\n";
    assert_eq!(
        delivery(&all).summary(),
        ["e-mail: smtp.example.com:587 (STARTTLS)", "SMS: gw.example.com:443 (TLS)", "voice: [::1]:81 (not encrypted)"]
    );
    assert!(!format!("{:?}", config(&all)).contains("sesame"));
}

#[test]
fn unknown_keys_and_values_are_refused() {
    for (toml, key) in [
        ("[mail]", "mail"),
        ("[email]\nhost = 'x'", "email.host"),
        ("[sms]\nuri = 'x'", "sms.uri"),
        ("[email]\nsecurity = 'ssl'", "email.security"),
    ] {
        let found: Vec<_> = read(toml).unwrap_err().into_iter().map(|problem| problem.key).collect();
        assert_eq!(found, [key], "{toml}");
    }
}

#[test]
fn every_problem_is_reported() {
    let toml = "[email]\nserver = 'http://x'\nfrom = 'nobody'\nsubject = '${'\nbody = '${'\ntimeout = 0\nusername = 'u'\nport = 0\n\
                ca_file = '/nowhere'\n\
                [sms]\nurl = 'ftp://x'\nmethod = 'DELETE'\ncontent_type = 'image/png'\nbody = '${'\nsuccess_text = ''\ntimeout = 1e9\n\
                headers = { Host = 'x', 'a b' = 'x', Content-Type = 'x', X = '${', Y = \"a\\nb\" }\n[voice]\n";
    let mut found = keys(toml);
    found.sort();
    let mut expected: Vec<_> =
        "email.server email.from email.subject email.body email.timeout email.password email.port email.ca_file \
         sms.url sms.method sms.content_type sms.body sms.success_text sms.timeout sms.headers.Host sms.headers.a\u{a0}b \
         sms.headers.Content-Type sms.headers.X sms.headers.Y voice.url"
            .split(' ')
            .map(|key| key.replace('\u{a0}', " "))
            .filter(|key| !key.is_empty())
            .collect();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn each_problem_has_its_key() {
    let cases = [
        ("email.security", "security = 'none'"),
        ("email.password_file", "username = 'u'\npassword = 'p'\npassword_file = 'f'"),
        ("email.password_file", "username = 'u'\npassword_file = '/nowhere'"),
        ("email.username", "password = 'p'"),
        ("email.body", "body = 'no code'"),
        ("email.subject", "subject = \"a\\nb ${PIN}\""),
        ("email.timeout", "timeout = nan"),
        ("email.ehlo_name", "ehlo_name = ''"),
        ("email.ehlo_name", "ehlo_name = '-x.example.com'"),
        ("email.ehlo_name", "ehlo_name = 'mail example'"),
        ("email.ehlo_name", "ehlo_name = '192.0.2.1'"),
        ("email.ehlo_name", "ehlo_name = '[192.0.2.256]'"),
        ("email.ehlo_name", "ehlo_name = '[2001:db8::1]'"),
    ];
    for (key, more) in cases {
        assert_eq!(keys(&format!("{EMAIL}{more}")), [key], "{more}");
    }
    let cases = [
        ("sms.body", ""),
        ("sms.body", "method = 'GET'\nbody = '${PIN}'"),
        ("sms.body", "content_type = 'application/json'\nbody = '{\"a\": ${PIN}}'"),
        ("sms.content_type", "content_type = 'text/plain; charset=iso-8859-1'\nbody = '${PIN}'"),
        ("sms.content_type", "content_type = 'text/plain'\nheaders = { X = '${PIN}' }"),
        ("sms.ca_file", "body = '${PIN}'\nca_file = '/nowhere'"),
    ];
    for (key, more) in cases {
        assert_eq!(keys(&format!("{SMS}{more}")), [key], "{more}");
    }
}

#[test]
fn the_sender_is_a_mailbox_at_a_host() {
    for from in ["", "otp", "otp@-x", "otp@a..b", "otp@x-.example.com", "keyfob <otp@exa mple.com>", "otp@192.0.2.1"] {
        assert_eq!(keys(&format!("[email]\nserver = 'smtp.example.com'\nfrom = '{from}'")), ["email.from"], "{from}");
    }
}

#[test]
fn urls() {
    let bad = [
        "",
        "gw.example.com",
        "https://",
        "https://${host}/x",
        "https://u:p@gw.example.com/",
        "https://gw.example.com:99999/",
        "https://gw.example.com:x/",
        "https://gw.example.com/#a",
        "https://gw.example.com/a b",
        "https://gw.example.com/é",
        "https://gw.example.com/a/../b",
        "https://gw.example.com/${",
        "http://gw.example.com/",
        "http://127.0.0.1.example.com/",
    ];
    for url in bad {
        assert_eq!(keys(&format!("[sms]\nurl = '{url}'\nbody = '${{PIN}}'")), ["sms.url"], "{url}");
    }
    for url in
        ["https://gw.example.com", "http://localhost:8080/a", "http://127.8.8.8?x", "http://[::1]/", "https://10.0.0.1/${PIN}"]
    {
        assert_eq!(problems(&format!("[sms]\nurl = '{url}'\nbody = '${{PIN}}'")), [], "{url}");
    }
    assert_eq!(problems("[sms]\nurl = 'http://gw.example.com/'\nallow_cleartext = true\nbody = '${PIN}'"), []);
}

#[test]
fn security_none_is_for_this_machine_only() {
    for server in ["localhost", "127.0.0.1", "::1", "[::1]"] {
        assert_eq!(problems(&format!("[email]\nserver = '{server}'\nsecurity = 'none'\nfrom = 'otp@example.com'")), [], "{server}");
    }
    for server in ["smtp.example.com", "10.0.0.1", "127.0.0.1.example.com"] {
        assert_eq!(keys(&format!("[email]\nserver = '{server}'\nsecurity = 'none'\nfrom = 'otp@example.com'")), ["email.security"]);
    }
}

#[test]
fn problems_of_a_list_have_their_place() {
    let sms = SMS.replace("[sms]", "[[sms]]");
    for (toml, found) in [
        (format!("{sms}body = '${{PIN}}'\n[[sms]]\n"), vec!["sms[2].url"]),
        (format!("{sms}{sms}body = '${{PIN}}'\n"), vec!["sms[1].body"]),
        (format!("{sms}timeout = 0\n"), vec!["sms[1].body", "sms[1].timeout"]),
        (
            "[[email]]\nserver = 'x y'\nfrom = 'a@a.example'\n[[email]]\n".to_owned(),
            vec!["email[1].server", "email[2].server", "email[2].from"],
        ),
    ] {
        assert_eq!(keys(&toml), found, "{toml}");
    }
    for (toml, found, message) in [
        ("[[sms]]\n[[sms]]\nurll = 'x'", "sms[2].urll", "did you mean sms.url?"),
        ("[[voice]]\n[[voice]]\ntimeout = 'long'", "voice[2].timeout", "must be a number, as 10 or 0.5"),
        ("[[email]]\nsecurity = 'ssl'", "email[1].security", "must be one of starttls, tls, none"),
        ("sms = [{}, 5]", "sms[2]", "must be a table: names, each with its value"),
        ("sms = []", "sms", "must not be an empty list; leave it out for none"),
        ("sms = 'x'", "sms", "must be a table: names, each with its value"),
        ("[[tls]]", "tls", "must be a table: names, each with its value"),
    ] {
        let problems = read(toml).unwrap_err();
        assert!(problems.len() == 1 && problems[0].key == found && problems[0].message.contains(message), "{toml}: {problems:?}");
    }
}

#[test]
fn names_and_time_outs_of_a_list_fit_together() {
    let table = |more: &str| format!("{}body = '${{PIN}}'\n{more}\n", SMS.replace("[sms]", "[[sms]]"));
    let list = |more: &[&str]| more.iter().map(|more| table(more)).collect::<String>();
    for names in [["name = 'main'", "name = 'spare'"], ["name = 'A.b_c-1'", ""], ["", ""]] {
        assert_eq!(problems(&list(&names)), [], "{names:?}");
    }
    assert_eq!(keys(&list(&["name = 'main'", "", "name = 'main'"])), ["sms[3].name"]);
    let long = format!("name = '{}'", "x".repeat(41));
    for name in ["name = ''", "name = '2'", "name = 'a b'", "name = \"a\\nb\"", "name = 'é'", &long] {
        assert_eq!(keys(&list(&[name])), ["sms[1].name"], "{name}");
    }
    assert_eq!(problems(&list(&["timeout = 10", "timeout = 20"])), []);
    let found = problems(&list(&["timeout = 10", "timeout = 20", "timeout = 0.5"]));
    assert!(found.len() == 1 && found[0].key == "sms" && found[0].message.contains("add up to 30.5 seconds"), "{found:?}");
    // As fractions of two they would add up to more.
    assert_eq!(problems(&list(&["timeout = 9.9", "timeout = 10.05", "timeout = 10.05"])), []);
    // One server waits for as long as it is told.
    assert_eq!(problems(&list(&["timeout = 300"])), []);
}

#[test]
fn summary_lists_each_server_of_a_list() {
    let list = format!(
        "{SMS}body = '${{PIN}}'\nname = 'main'\n\
         [[voice]]\nurl = 'http://[::1]:81/sesame/${{PIN}}'\n[[voice]]\nname = 'spare'\nurl = 'http://[::1]:82/sesame/${{PIN}}'\n\
         [[email]]\nserver = 'a.example.com'\nfrom = 'otp@example.com'\n\
         [[email]]\nname = 'b'\nserver = 'b.example.com'\nfrom = 'otp@example.com'\n"
    );
    assert_eq!(
        delivery(&list).summary(),
        [
            "e-mail 1: a.example.com:587 (STARTTLS)",
            "e-mail 2: b at b.example.com:587 (STARTTLS)",
            "SMS: main at gw.example.com:443 (TLS)",
            "voice 1: [::1]:81 (not encrypted)",
            "voice 2: spare at [::1]:82 (not encrypted)"
        ]
    );
}
