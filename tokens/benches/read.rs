//! How fast token files are read and written, and in how much memory: 100,000 keys, or as many as
//! `KEYS` says. `PYTHON=.../python` with python-pskc in it puts that beside it, in the same run.

use std::fs::{self, File};
use std::hint::black_box;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use keyfob_tokens::{
    Format, Keys, Kind, OathCsvWriter, PskcProtection, PskcSuite, PskcWriter, RawSecret, Token, UriWriter, read, write_migration,
};

const KEY: [u8; 32] = [7; 32];

fn token(number: usize) -> Token {
    let mut token = Token::new(Kind::Totp, RawSecret::new(format!("{number:020}").into_bytes()));
    token.serial = Some(format!("2600{number:09}"));
    token.issuer = Some("ACME".to_owned());
    token.account = Some(format!("user{number}"));
    token.manufacturer = Some("Maker".to_owned());
    token.model = Some("C200".to_owned());
    token.period = Some(60);
    token.not_before = Some(1_700_000_000);
    token.not_after = Some(2_000_000_000);
    token
}

/// The most memory that the process ever had, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

#[expect(clippy::cast_precision_loss, reason = "some thousands")]
fn measure(name: &str, count: usize, run: impl FnOnce() -> usize) -> f64 {
    // Later peaks count from here.
    let _ = fs::write("/proc/self/clear_refs", "5");
    let before = peak();
    let start = Instant::now();
    assert_eq!(black_box(run()), count, "{name}");
    let seconds = start.elapsed().as_secs_f64();
    let growth = peak().saturating_sub(before);
    println!("{name:<40} {seconds:>8.3} s  {:>10.0} keys/s  {growth:>8} KiB more", count as f64 / seconds);
    seconds
}

fn read_file(path: &Path, format: Format, keys: &Keys) -> usize {
    read(format, BufReader::new(File::open(path).unwrap()), keys).flatten().count()
}

fn main() {
    // What `cargo test --benches` runs is a few keys.
    let usual = if std::env::args().any(|argument| argument == "--bench") { 100_000 } else { 100 };
    let count = std::env::var("KEYS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let folder = std::env::temp_dir().join(format!("keyfob-tokens-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = |name: &str| folder.join(name);
    let create = |name: &str| BufWriter::new(File::create(path(name)).unwrap());

    for (name, protection) in [("plain.xml", PskcProtection::Plain), ("encrypted.xml", PskcProtection::Key(&KEY))] {
        measure(&format!("PSKC {name}: write"), count, || {
            let mut writer = PskcWriter::new(create(name), protection, PskcSuite::Hmac, getrandom::SysRng).unwrap();
            (0..count).for_each(|number| writer.write(&token(number)).unwrap());
            writer.finish().unwrap().flush().unwrap();
            count
        });
    }
    let plain = measure("PSKC plain.xml: read", count, || read_file(&path("plain.xml"), Format::Pskc, &Keys::new()));
    let keys = Keys::new().with_key(&KEY);
    let encrypted = measure("PSKC encrypted.xml: read", count, || read_file(&path("encrypted.xml"), Format::Pskc, &keys));

    let mut writer = OathCsvWriter::new(create("oath.csv"));
    (0..count).for_each(|number| writer.write(&token(number)).unwrap());
    writer.finish().unwrap().flush().unwrap();
    measure("OATH CSV: read", count, || read_file(&path("oath.csv"), Format::OathCsv, &Keys::new()));

    let mut writer = UriWriter::new(create("uris.txt"));
    (0..count).for_each(|number| writer.write(&token(number)).unwrap());
    writer.finish().unwrap().flush().unwrap();
    measure("otpauth URIs: read", count, || read_file(&path("uris.txt"), Format::Uris, &Keys::new()));

    let batch = count.min(10_000);
    let mut tokens: Vec<_> = (0..batch).map(token).collect();
    for token in &mut tokens {
        token.period = Some(30);
    }
    let mut lines = create("migration.txt");
    for uri in write_migration(&tokens, &mut getrandom::SysRng).unwrap() {
        writeln!(lines, "{}", *uri).unwrap();
    }
    lines.flush().unwrap();
    measure("otpauth-migration: read", batch, || read_file(&path("migration.txt"), Format::Uris, &Keys::new()));

    if let Ok(python) = std::env::var("PYTHON") {
        for (name, key, ours) in [("plain.xml", "", plain), ("encrypted.xml", &"07".repeat(32), encrypted)] {
            let script = "import sys, time, resource\nfrom pskc import PSKC\nstart = time.time()\np = PSKC(sys.argv[1])\n\
                if sys.argv[2]: p.encryption.key = bytes.fromhex(sys.argv[2])\n\
                n = sum(1 for key in p.keys if key.secret)\n\
                print(n, time.time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)";
            let output = Command::new(&python).args(["-c", script]).arg(path(name)).arg(key).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            let words: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
            let [read, seconds, memory] = words[..] else { panic!("{}", String::from_utf8_lossy(&output.stderr)) };
            println!("python-pskc {name}: {read} keys, {seconds:.3} s, {memory} KiB in all; {:.1} times ours", seconds / ours);
        }
    }
    fs::remove_dir_all(&folder).unwrap();
}
