//! The commands of the README, as a person copies them.

use std::process::Command;

use serde_json::{Value, json};

use super::process::{PASSWORD, Server, folder, log, program};

#[test]
fn the_first_commands_of_the_readme_do_what_it_says() {
    let (_, text) = include_str!("../../../README.md").split_once("With that password in `PW`").expect("the service");
    let block = text.split("```").nth(1).and_then(|block| block.strip_prefix("sh\n")).expect("a block of commands");
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    assert!(block.contains("http://127.0.0.1:8080/"), "{block}");
    let script = block.replace("127.0.0.1:8080", &server.address.to_string());
    let output =
        Command::new("sh").args(["-euc", &script]).env("PW", PASSWORD).current_dir(folder.path()).output().expect("a shell");
    assert!(output.status.success(), "{output:?}");
    let answers: Vec<Value> =
        serde_json::Deserializer::from_slice(&output.stdout).into_iter().collect::<Result<_, _>>().expect("answers");
    let [answered, asked, listed, changed] = answers.as_slice() else { panic!("{answers:?}") };
    assert_eq!(answered, &json!({"success": false, "locked": false}));
    assert_eq!(asked["cell"], "PIN", "{asked}");
    assert!(log(folder.path()).contains("+34600000000"), "the code goes to the log");
    let devices = listed["Resources"].as_array().expect("devices");
    // Both may be of one second, and then stand in the order of their random numbers.
    let of = |kind: &str| devices.iter().find(|device| device["type"] == kind).expect(kind);
    assert_eq!((devices.len(), &of("TOTP")["fails"], &of("SMS")["fails"]), (2, &json!(1), &json!(0)), "{listed}");
    assert_eq!((&changed["status"], &changed["id"]), (&json!("V"), &of("TOTP")["id"]));
    let image = folder.path().join("qr.png");
    let uri = program("zbarimg", "zbar-tools", &["-q", "--raw", image.to_str().expect("UTF-8")]);
    assert!(uri.starts_with("otpauth://totp/") && uri.contains("alice"), "{uri}");
}

#[test]
fn the_walk_of_the_readme_lists_each_device_once() {
    let (_, text) = include_str!("../../README.md").split_once("### All devices, page by page").expect("the walk");
    let block = text.split("```").nth(1).and_then(|block| block.strip_prefix("sh\n")).expect("a block of commands");
    assert!(block.contains("http://127.0.0.1:8080/") && block.contains("count=500"), "{block}");
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    let mut client = server.admin();
    let mut created: Vec<_> = (0..7)
        .map(|at| {
            let user = format!("user{at}");
            format!("{}\t{user}", client.create(&json!({"type": "HOTP", "user": user})).1["id"])
        })
        .collect();
    let script = block.replace("127.0.0.1:8080", &server.address.to_string()).replace("count=500", "count=2");
    let output =
        Command::new("sh").args(["-euc", &script]).env("PW", PASSWORD).current_dir(folder.path()).output().expect("a shell");
    assert!(output.status.success(), "{output:?}");
    let mut listed: Vec<_> = String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect();
    created.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, created);
}
