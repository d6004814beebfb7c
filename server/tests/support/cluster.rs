//! Private PostgreSQL servers for tests, on free ports of loopback: each ends with the process that
//! started it, however that ends.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Runs a server until it is told to end it, or until its standard input ends since the test has,
/// however that was: then it leaves no folder behind.
pub(crate) const WATCH: &str = r#"folder=$1; shift; "$@" & server=$!; echo $server
read line || over=1; kill -QUIT $server; kill -CONT $server; wait $server; [ -z "$over" ] || rm -rf "$folder""#;

/// A server that runs, with its data in a folder of its own.
pub(crate) struct Cluster {
    folder: PathBuf,
    port: u16,
    options: Vec<String>,
    running: Option<(Child, u32)>,
}

impl Cluster {
    /// Makes a new one and starts it. `options` are settings.
    pub(crate) fn start(options: &[&str]) -> Self {
        let folder = place();
        let data = folder.join("data");
        run(as_postgres(&program("initdb"))
            .args(["--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-D"])
            .arg(&data));
        let mut cluster = Self::at(folder, options);
        cluster.run();
        cluster
    }

    /// Makes a standby of this one, under this name, and starts it.
    pub(crate) fn standby(&self, name: &str, options: &[&str]) -> Self {
        let mut standby = Self::at(place(), options);
        standby.copy(self, name);
        standby
    }

    /// Becomes a standby of another one, under this name. It must not run.
    pub(crate) fn copy(&mut self, primary: &Self, name: &str) {
        let data = self.folder.join("data");
        run(as_postgres("rm").arg("-rf").arg(&data));
        let from = format!("host=127.0.0.1 port={} user=postgres application_name={name}", primary.port);
        let backup = &mut as_postgres(&program("pg_basebackup"));
        run(backup.args(["--no-sync", "-R", "-X", "stream", "-c", "fast", "-d", &from, "-D"]).arg(data));
        self.run();
    }

    fn at(folder: PathBuf, options: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        Self { folder, port, options: options.iter().map(ToString::to_string).collect(), running: None }
    }

    /// Makes a file that only the server may read; gives its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.join(name).to_str().expect("UTF-8").to_owned();
        let mut command = as_postgres("/bin/sh");
        command.args(["-c", "umask 077; cat > \"$1\"", "file", &path]).stdin(Stdio::piped());
        let mut child = command.spawn().expect("a shell");
        child.stdin.take().expect("piped").write_all(text.as_bytes()).expect("it reads");
        assert!(child.wait().expect("it ends").success());
        path
    }

    /// With these settings from the next start on.
    pub(crate) fn set(&mut self, options: &[&str]) {
        self.options = options.iter().map(ToString::to_string).collect();
    }

    /// Starts it, or starts it again.
    pub(crate) fn run(&mut self) {
        let mut command = as_postgres("/bin/sh");
        command.args(["-c", WATCH, "watch"]).arg(&self.folder).arg(program("postgres")).arg("-D").arg(self.folder.join("data"));
        let fixed = [
            format!("port={}", self.port),
            "listen_addresses=127.0.0.1".to_owned(),
            "unix_socket_directories=".to_owned(),
            "max_connections=200".to_owned(),
        ];
        for option in fixed.iter().chain(&self.options) {
            command.args(["-c", option]);
        }
        let log = std::fs::File::options().append(true).create(true).open(self.log()).expect("a log");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn().expect("a shell");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a process id");
        self.running = Some((child, line.trim().parse().expect("a process id")));
        let until = Instant::now() + Duration::from_secs(60);
        while !self.answers() {
            assert!(
                Instant::now() < until,
                "PostgreSQL does not start: {}",
                std::fs::read_to_string(self.log()).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn answers(&self) -> bool {
        let ready = &mut Command::new(program("pg_isready"));
        ready.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]).status().is_ok_and(|status| status.success())
    }

    /// The port that it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The URL of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        url(&[self.port], database)
    }

    /// The URL of a database that is on this one or another.
    pub(crate) fn url_with(&self, other: &Self, database: &str) -> String {
        url(&[self.port, other.port], database)
    }

    /// Runs a statement; gives what it tells.
    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        let psql = &mut Command::new(program("psql"));
        run(psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &self.url(database), "-c", sql]))
    }

    /// Sends the server's first process a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let (_, id) = self.running.as_ref().expect("it runs");
        run(Command::new("kill").args(["-s", name, &id.to_string()]));
    }

    /// Ends it as a power cut would: all its processes at once.
    pub(crate) fn kill(&mut self) {
        let (_, id) = self.running.as_ref().expect("it runs");
        // Stopped first, so that it ends none of the others in an orderly way.
        self.signal("STOP");
        let workers = Command::new("pgrep").args(["-P", &id.to_string()]).output().expect("pgrep");
        let workers = String::from_utf8(workers.stdout).expect("numbers");
        let ids: Vec<&str> = workers.split_whitespace().chain([id.to_string().leak() as &str]).collect();
        let _ = Command::new("kill").args(["-s", "KILL"]).args(ids).status();
        self.end();
    }

    /// Ends it in an orderly way, and starts it again.
    pub(crate) fn restart(&mut self) {
        self.signal("INT");
        self.end();
        self.run();
    }

    /// Makes a standby the primary.
    pub(crate) fn promote(&self) {
        run(as_postgres(&program("pg_ctl")).args(["promote", "-w", "-s", "-D"]).arg(self.folder.join("data")));
    }

    fn end(&mut self) {
        if let Some((mut child, _)) = self.running.take() {
            let _ = child.stdin.take().map(|mut stdin| stdin.write_all(b"\n"));
            let _ = child.wait();
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.end();
        let _ = Command::new("rm").arg("-rf").arg(&self.folder).status();
    }
}

/// The URL of a database behind one of these ports of loopback.
pub(crate) fn url(ports: &[u16], database: &str) -> String {
    let hosts: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    format!("postgres://postgres@{}/{database}", hosts.join(","))
}

/// A new folder that the server's user owns.
pub(crate) fn place() -> PathBuf {
    let folder = run(as_postgres("mktemp").args(["-d", "/tmp/keyfob-postgres-XXXXXX"]));
    PathBuf::from(folder.trim())
}

/// A command as somebody whom PostgreSQL accepts: it refuses to run as root.
pub(crate) fn as_postgres(program: &str) -> Command {
    let is_root = run(Command::new("id").arg("-u")).trim() == "0";
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups", "--"]).arg(program).current_dir("/");
    command
}

/// Has a process of a server write no file beyond so many bytes.
pub(crate) fn limit_files(id: &str, bytes: u64) {
    run(as_postgres("prlimit").args(["--pid", id, &format!("--fsize={bytes}")]));
}

/// Where Debian has a program of the server.
pub(crate) fn program(name: &str) -> String {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|folder| folder.flatten().map(|entry| entry.path().join("bin").join(name)).filter(|path| path.exists()).collect())
        .unwrap_or_default();
    versions.sort();
    let found = versions.pop().unwrap_or_else(|| panic!("{name} is missing: install the Debian package postgresql"));
    found.to_str().expect("UTF-8").to_owned()
}

#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}
