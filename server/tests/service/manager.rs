//! A service under a service manager: its key, its configuration and its messages.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use super::process::{PASSWORD, Run, Server, folder, keyfob};

#[test]
fn service_tells_its_manager_when_it_is_ready_and_when_it_stops() {
    let folder = folder();
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let message = || {
        let mut bytes = [0; 64];
        let len = manager.recv(&mut bytes).expect("a message");
        String::from_utf8(bytes[..len].to_vec()).unwrap()
    };
    let mut command = Server::command(folder.path(), &[]);
    command.env("NOTIFY_SOCKET", &path).env("KEYFOB_ADMIN_PASSWORD", PASSWORD);
    let server = Server::spawn(command);
    assert_eq!(message(), "READY=1");
    server.admin().send("GET", "/ready", "", b"").expect("an answer");
    server.stop();
    assert_eq!(message(), "STOPPING=1");
}

#[test]
fn made_key_is_for_its_owner_only_and_serves_a_service_that_cannot_write_it() {
    let folder = folder();
    let key = folder.path().join("made.key");
    let name = key.to_str().unwrap();
    let made = Run::from_command(keyfob(folder.path(), &["make-key", name]), "").well();
    assert!(made.starts_with(&format!("{name}: created")) && !made.contains("xaes"), "{made}");
    let text = fs::read_to_string(&key).unwrap();
    assert!(text.starts_with("1 xaes-256-gcm ") && text.len() == 80, "its form");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);

    let again = Run::from_command(keyfob(folder.path(), &["make-key", name]), "");
    assert_eq!(again.status, Some(2), "{again:?}");
    assert!(again.err.contains("is there already") && fs::read_to_string(&key).unwrap() == text, "{again:?}");

    fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).unwrap();
    let mut command = Server::command(folder.path(), &[]);
    command.env("KEYFOB_SEALING_KEYS_FILE", &key).env("KEYFOB_ADMIN_PASSWORD", PASSWORD);
    Server::spawn(command).stop();
    assert_eq!(fs::read_to_string(&key).unwrap(), text);

    let older = Run::from_command(keyfob(folder.path(), &["make-key", "older.key", "--cipher", "xchacha20-poly1305"]), "");
    older.well();
    assert!(fs::read_to_string(folder.path().join("older.key")).unwrap().starts_with("1 xchacha20-poly1305 "));
}

#[test]
fn printed_configuration_passes_the_check_and_what_is_set_is_shown_without_secrets() {
    let folder = folder();
    let example = Run::from_command(keyfob(folder.path(), &["config"]), "").well();
    fs::write(folder.path().join("keyfob.toml"), &example).unwrap();
    let check = ["serve", "--check", "--config", "keyfob.toml"];
    assert_eq!(Run::from_command(keyfob(folder.path(), &check), "").well(), "The configuration is valid.\n");

    let set = example.replace("#admin_password = ", "admin_password = ").replace("#window = 1", "window = 2");
    fs::write(folder.path().join("keyfob.toml"), set).unwrap();
    let effective = ["config", "--effective", "--config", "keyfob.toml", "--set", "otp.digits=8"];
    let shown = Run::from_command(keyfob(folder.path(), &effective), "").well();
    assert!(shown.ends_with("\nadmin_password = \"***\"\n\n[otp]\ndigits = 8\n\n[policy]\nwindow = 2\n"), "{shown}");

    let limits = "[messages]\nallowed_prefixes = [\"+34\", \"+351\"]\nper_device_per_day = 20\nrefused_prefixes = [\"+34803\"]\n\n\
                  [messages.budgets]\n\"+\" = 200\n\"+34\" = 2000\n";
    fs::write(folder.path().join("limits.toml"), limits).unwrap();
    let shown = Run::from_command(keyfob(folder.path(), &["config", "--effective", "--config", "limits.toml"]), "").well();
    let set = "\n[messages]\nper_device_per_day = 20\nallowed_prefixes = [\"+34\", \"+351\"]\nrefused_prefixes = [\"+34803\"]\n\
               budgets = { \"+\" = 200, \"+34\" = 2000 }\n";
    assert!(shown.ends_with(set), "{shown}");
    fs::write(folder.path().join("shown.toml"), &shown).unwrap();
    let check = ["serve", "--check", "--config", "shown.toml"];
    assert!(Run::from_command(keyfob(folder.path(), &check), "").well().contains("is valid"), "it is a configuration");

    for (args, named) in [
        (&["config", "--config", "keyfob.toml"][..], "need --effective"),
        (&["config", "--effective", "--set", "lisetn=1"], "did you mean listen?"),
        (&["config", "--effective", "--config", "absent.toml"], "absent.toml"),
        (&["config", "--effective", "--table"], "--table"),
    ] {
        let run = Run::from_command(keyfob(folder.path(), args), "");
        assert_eq!(run.status, Some(2), "{run:?}");
        assert!(run.err.contains(named), "{run:?}");
    }
}
