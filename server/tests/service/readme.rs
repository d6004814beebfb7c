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
    let shown: Vec<_> = devices.iter().map(|device| (device["type"].as_str(), device["fails"].as_u64())).collect();
    assert_eq!(shown, [(Some("TOTP"), Some(1)), (Some("SMS"), Some(0))], "{listed}");
    assert_eq!((&changed["status"], &changed["id"]), (&json!("V"), &devices[0]["id"]));
    let image = folder.path().join("qr.png");
    let uri = program("zbarimg", "zbar-tools", &["-q", "--raw", image.to_str().expect("UTF-8")]);
    assert!(uri.starts_with("otpauth://totp/") && uri.contains("alice"), "{uri}");
}
