//! `keyfob import-soffid` killed at random moments and repeated, while a service creates devices in
//! the same store.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::client::Client;
use super::moments::{Random, kills};
use super::process::{Run, Server, folder, keyfob, totp};
use super::soffid::{counted, import};

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
/// How many rows each file has, of which the command commits 256 at a time.
const ROWS: u64 = 1500;

/// Writes rows with these numbers, every tenth of them without a name.
fn write_file(folder: &Path, ids: Range<u64>) {
    let mut text =
        "OTP_ID,OTP_NAME,OTP_TYPE,USU_CODI,OTP_STATUS,OTP_FAILS,OTP_CREATED,OTP_LASUSE,OTP_AUTKEY,OTP_LASCOU\n".to_owned();
    for id in ids {
        // Names far behind those of the rows before, so that all names are different.
        let name = if id % 10 == 0 { String::new() } else { format!("TOTP{:08}", 100_000 * (1 + id / ROWS) + id) };
        writeln!(text, "{id},{name},TOTP,user{id},V,0,2021-10-14 06:44:43,,{SECRET},").unwrap();
    }
    std::fs::write(folder.join("devices.csv"), text).unwrap();
}

/// How many devices have these numbers.
fn count(client: &mut Client, ids: &Range<u64>) -> u64 {
    let filter = format!("id%20ge%20{}%20and%20id%20lt%20{}", ids.start, ids.end);
    client.get(&format!("/OtpDevice?count=0&filter={filter}")).ok(200)["totalResults"].as_u64().unwrap()
}

/// All devices.
fn all(client: &mut Client) -> Vec<Value> {
    let mut devices = Vec::new();
    loop {
        let page = client.get(&format!("/OtpDevice?count=1000&startIndex={}", devices.len() + 1)).ok(200);
        let page = page["Resources"].as_array().unwrap();
        if page.is_empty() {
            return devices;
        }
        devices.extend(page.iter().cloned());
    }
}

/// Tells others to end, also where a test fails.
struct End<'f>(&'f AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn an_import_that_is_killed_and_made_again_takes_each_row_once() {
    let folder = folder();
    let folder = folder.path();
    let server = Server::start(folder, &["--set", "log=warn"]);
    let (mut client, mut random) = (server.admin(), Random(20_261_015));
    let is_over = AtomicBool::new(false);
    let (mut partial, last) = (0, ROWS * (1 + kills()));
    let created: HashMap<u64, String> = thread::scope(|scope| {
        let creating = scope.spawn(|| {
            let (mut client, mut created) = (server.admin(), HashMap::new());
            while !is_over.load(Ordering::SeqCst) {
                let user = format!("new{}", created.len());
                let id = client.create(&json!({"type": "HOTP", "user": user})).1["id"].as_u64().unwrap();
                assert!(created.insert(id, user).is_none(), "{id} was given twice");
                thread::sleep(Duration::from_millis(5));
            }
            created
        });
        let end = End(&is_over);
        for run in 1..=kills() {
            let ids = ROWS * run..ROWS * (run + 1);
            write_file(folder, ids.clone());
            let mut child = keyfob(folder, &["import-soffid", "--from", "devices.csv", "--write"]).spawn().unwrap();
            // In the first pass, or when some pages are written.
            let wanted = random.below(ROWS) * random.below(4).min(1);
            while count(&mut client, &ids) < wanted && child.try_wait().unwrap().is_none() {}
            thread::sleep(Duration::from_millis(random.below(40)));
            child.kill().unwrap();
            child.wait().unwrap();
            let there = count(&mut client, &ids);
            partial += u64::from((1..ROWS).contains(&there));
            let again = import(folder, &["--write"]);
            assert_eq!((counted(&again, "there already"), counted(&again, "imported")), (there, ROWS - there), "{again:?}");
            assert_eq!((again.status, count(&mut client, &ids)), (Some(0), ROWS), "{again:?}");
        }
        drop(end);
        creating.join().unwrap()
    });
    assert!(partial > 0, "at least one was killed while it wrote");

    let (mut names, mut numbers) = (HashSet::new(), HashSet::new());
    for device in all(&mut client) {
        let id = device["id"].as_u64().unwrap();
        let user = if id < last { format!("user{id}") } else { created[&id].clone() };
        assert_eq!((&device["user"], &device["fails"]), (&json!(user), &json!(0)));
        assert!(numbers.insert(id) && names.insert(device["name"].as_str().unwrap().to_owned()), "{device}");
    }
    assert_eq!(numbers.len(), usize::try_from(last - ROWS).unwrap() + created.len(), "none is lost");
    let lines = Run::from_command(keyfob(folder, &["audit", "--json", "--limit", "1000000"]), "").well();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let trailed: HashSet<u64> = lines.iter().map(|line| line["device"].as_u64().unwrap()).collect();
    assert_eq!((lines.len(), &trailed), (numbers.len(), &numbers), "each device has one line");
    let (path, code) = (format!("/OtpDevice/{ROWS}"), &totp(SECRET, 1)[0]);
    assert_eq!(client.answer(&path, code).verdict(), (true, false));
    assert_eq!(client.answer(&path, code).verdict(), (false, false));
}
