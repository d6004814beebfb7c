//! `PgBouncer` of Debian before a private PostgreSQL, on a free port of loopback. It ends with the
//! process that started it.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::cluster::{Cluster, WATCH, as_postgres, place, url};

/// A pooler that runs.
pub(crate) struct PgBouncer {
    folder: PathBuf,
    port: u16,
    to: u16,
    child: Child,
    id: String,
}

impl PgBouncer {
    /// Starts one before a server. `settings` are lines of its configuration.
    pub(crate) fn start(cluster: &Cluster, settings: &[&str]) -> Self {
        let folder = place();
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        configure(&folder, port, cluster.port(), settings);
        let mut command = as_postgres("/bin/sh");
        // It knows no QUIT; TERM ends it at once.
        command
            .args(["-c", &WATCH.replace("-QUIT", "-TERM"), "watch"])
            .arg(&folder)
            .arg(program())
            .arg("-q")
            .arg(folder.join("pgbouncer.ini"));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a shell");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a process id");
        let pooler = Self { folder, port, to: cluster.port(), child, id: line.trim().to_owned() };
        let until = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "PgBouncer does not start: {}", pooler.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        pooler
    }

    /// Has it read other settings. They hold for its clients from their next connection on.
    pub(crate) fn set(&self, settings: &[&str]) {
        let loaded = |pooler: &Self| pooler.log().matches("RELOAD").count() + pooler.log().matches("SIGHUP").count();
        let before = loaded(self);
        configure(&self.folder, self.port, self.to, settings);
        let status = Command::new("kill").args(["-s", "HUP", &self.id]).status().expect("kill");
        assert!(status.success());
        let until = Instant::now() + Duration::from_secs(60);
        while loaded(self) == before {
            assert!(Instant::now() < until, "PgBouncer does not read its settings: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The URL of a database.
    pub(crate) fn url(&self, database: &str) -> String {
        url(&[self.port], database)
    }

    /// What it logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.child.stdin.take().map(|mut stdin| stdin.write_all(b"\n"));
        let _ = self.child.wait();
        let _ = Command::new("rm").arg("-rf").arg(&self.folder).status();
    }
}

fn configure(folder: &Path, port: u16, to: u16, settings: &[&str]) {
    let shown = folder.display();
    let mut text = format!(
        "[databases]\n* = host=127.0.0.1 port={to}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
         auth_type = trust\nauth_file = {shown}/users\nlogfile = {shown}/log\n"
    );
    for setting in settings {
        writeln!(text, "{setting}").expect("a string");
    }
    for (name, text) in [("users", "\"postgres\" \"\"\n"), ("pgbouncer.ini", &text)] {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("a file");
        // A file that root has made is readable for the server's user, whatever the mask of the
        // test is.
        Command::new("chmod").arg("644").arg(path).status().expect("chmod");
    }
}

fn program() -> &'static str {
    let places = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"];
    let found = places.into_iter().find(|path| Path::new(path).exists());
    found.unwrap_or_else(|| panic!("pgbouncer is missing: install the Debian package pgbouncer"))
}
