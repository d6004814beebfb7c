//! Private MariaDB servers for tests, on free ports of loopback: each ends with the process that
//! started it, however that ends.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::cluster::WATCH;

/// A server that runs, with its data in a folder of its own. It writes files wherever its user may.
pub(crate) struct MariaDb {
    folder: PathBuf,
    port: u16,
    running: Option<Child>,
}

impl MariaDb {
    /// Makes a new one and starts it. `options` are further ones of the server, `files` are for it
    /// to read in its folder: in an option, `DIR` stands for that.
    pub(crate) fn start(options: &[&str], files: &[(&str, &str)]) -> Self {
        let folder = PathBuf::from(run(as_mysql("mktemp").args(["-d", "/tmp/keyfob-mariadb-XXXXXX"])).trim());
        for (name, text) in files {
            let mut command = as_mysql("/bin/sh");
            command.args(["-c", "umask 077; cat > \"$1\"", "file"]).arg(folder.join(name)).stdin(Stdio::piped());
            let mut child = command.spawn().expect("a shell");
            child.stdin.take().expect("piped").write_all(text.as_bytes()).expect("it reads");
            assert!(child.wait().expect("it ends").success());
        }
        let data = format!("--datadir={}", folder.join("data").display());
        // A server removes the temporary tables of all others that share this folder when it
        // starts.
        let temporary = format!("--tmpdir={}", folder.display());
        let install = ["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", &data, &temporary];
        run(as_mysql("mariadb-install-db").args(install));
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        let log = std::fs::File::create(folder.join("log")).expect("a log");
        let mut command = as_mysql("/bin/sh");
        command.args(["-c", WATCH, "watch"]).arg(&folder).args([&program("mariadbd"), "--no-defaults", &data, &temporary]);
        command.arg(format!("--socket={}", folder.join("socket").display()));
        command.args(["--bind-address=127.0.0.1", "--secure-file-priv=", "--innodb-flush-log-at-trx-commit=0"]);
        command.arg(format!("--port={port}"));
        command.args(options.iter().map(|option| option.replace("DIR", folder.to_str().expect("UTF-8"))));
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).spawn().expect("a shell");
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut String::new()).expect("a process id");
        let server = Self { folder, port, running: Some(child) };
        let until = Instant::now() + Duration::from_secs(120);
        while !server.answers() {
            let log = || std::fs::read_to_string(server.folder.join("log")).unwrap_or_default();
            assert!(Instant::now() < until, "MariaDB does not start: {}", log());
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    fn answers(&self) -> bool {
        let ping = &mut self.client("mariadb-admin");
        ping.arg("ping").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    /// A program of the client's package, told where the server is.
    pub(crate) fn client(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.args(["--no-defaults", "--host=127.0.0.1", "--user=root", "--default-character-set=utf8mb4"]);
        command.arg(format!("--port={}", self.port));
        command
    }

    /// Runs statements; gives what they tell as `mariadb --batch` writes it.
    pub(crate) fn sql(&self, sql: &str) -> String {
        run(self.client("mariadb").args(["--batch", "-e", sql]))
    }

    /// Where the server's user may write a file of this name.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The URL of a database for this user.
    pub(crate) fn url(&self, user: &str, database: &str) -> String {
        format!("mysql://{user}@127.0.0.1:{}/{database}", self.port)
    }

    /// The path of its socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path("socket")
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        if let Some(mut child) = self.running.take() {
            let _ = child.stdin.take().map(|mut stdin| stdin.write_all(b"\n"));
            let _ = child.wait();
        }
        let _ = Command::new("rm").arg("-rf").arg(&self.folder).status();
    }
}

/// A command as a user without rights: MariaDB refuses to run as root.
fn as_mysql(program: &str) -> Command {
    let is_root = run(Command::new("id").arg("-u")).trim() == "0";
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "mysql", "--regid", "mysql", "--clear-groups", "--"]).arg(program).current_dir("/");
    command
}

/// Where Debian has the server, which need not be in the path.
fn program(name: &str) -> String {
    let path = format!("/usr/sbin/{name}");
    assert!(std::path::Path::new(&path).exists(), "{name} is missing: install the Debian package mariadb-server");
    path
}

#[track_caller]
pub(crate) fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; install the Debian packages mariadb-server and mariadb-client"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}
