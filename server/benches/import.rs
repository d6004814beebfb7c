//! `make bench-import`: how fast `keyfob import` stores the keys of a PSKC file, and in how much
//! memory.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use keyfob_tokens::{Kind, PskcProtection, PskcSuite, PskcWriter, RawSecret, Token};

const KEYS: u32 = 100_000;

fn main() {
    // What `cargo test --benches` runs is a few keys.
    let keys = if std::env::args().any(|argument| argument == "--bench") { KEYS } else { 100 };
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, keys: u32| {
        let output = BufWriter::new(File::create(folder.path().join(name)).unwrap());
        let mut writer = PskcWriter::new(output, PskcProtection::Plain, PskcSuite::default(), getrandom::SysRng).unwrap();
        for number in 0..keys {
            let mut token = Token::new(Kind::Totp, RawSecret::new(format!("{number:020}").into_bytes()));
            (token.serial, token.period) = (Some(format!("2600{number:09}")), Some(60));
            writer.write(&token).unwrap();
        }
        writer.finish().unwrap();
    };
    write("one.xml", 1);
    write("all.xml", keys);
    let (_, least) = import(folder.path(), "one.xml");
    for what in ["stored", "found there already"] {
        let (time, peak) = import(folder.path(), "all.xml");
        let rate = f64::from(keys) / time.as_secs_f64();
        println!(
            "{keys} keys {what}: {:.2} s, {rate:.0} a second, {} KiB above the import of one",
            time.as_secs_f64(),
            peak - least
        );
    }
}

/// Imports a file. Returns the time, and the most memory in KiB.
fn import(folder: &Path, file: &str) -> (Duration, u64) {
    let began = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyfob"));
    command.args(["import", file, "--write"]).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    let mut process = command.spawn().unwrap();
    let status = format!("/proc/{}/status", process.id());
    let mut peak = 0;
    loop {
        if let Some(exit) = process.try_wait().unwrap() {
            assert!(exit.success(), "{exit}");
            return (began.elapsed(), peak);
        }
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak = line.unwrap_or(peak);
        std::thread::sleep(Duration::from_millis(5));
    }
}
