//! Where a service finds the password of its database: as programs with libpq do.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::cluster::Cluster;
use super::process::{self, Run, Server, keyfob};

/// The role's password, with every character that a URL cannot hold.
const PASSWORD: &str = "p@s:s/w#o%41r?d";

/// Writes a password file with these permissions.
fn file(folder: &Path, name: &str, line: &str, mode: u32) -> String {
    let path = folder.join(name);
    std::fs::write(&path, line).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_password_comes_from_its_key_the_url_or_where_libpq_finds_it() {
    let mut cluster = Cluster::start(&["fsync=off"]);
    let role = format!("SET password_encryption = 'scram-sha-256'; CREATE ROLE keyfob LOGIN PASSWORD '{PASSWORD}'");
    cluster.sql("postgres", &role);
    cluster.sql("postgres", "CREATE DATABASE keyfob OWNER keyfob");
    let hba = cluster.file("hba", "host all keyfob 127.0.0.1/32 scram-sha-256\nhost all postgres 127.0.0.1/32 trust\n");
    cluster.set(&["fsync=off", &format!("hba_file={hba}")]);
    cluster.restart();

    let folder = process::folder();
    let url = cluster.url("keyfob").replace("postgres@", "keyfob@");
    let with = |written: &str| url.replace("keyfob@", &format!("keyfob:{written}@"));
    let run = |url: &str, variables: &[(&str, &str)]| {
        let mut command = keyfob(folder.path(), &["account", "list", "--store", url]);
        command.env_remove("PGPASSWORD").env_remove("PGPASSFILE").env("HOME", folder.path()).envs(variables.iter().copied());
        Run::from_command(command, "")
    };
    // Makes the tables and the key.
    let mut first = Server::command(folder.path(), &["--store", &url]);
    first.env("KEYFOB_DATABASE_PASSWORD", PASSWORD);
    drop(Server::spawn(first));

    let encoded = with("p%40s%3As%2Fw%23o%2541r%3Fd");
    let (host, _) = url.split_once('@').map(|(_, rest)| rest.split_once('/').unwrap()).unwrap();
    let line = format!("# ours\n{host}:keyfob:keyfob:{}\n", PASSWORD.replace(':', "\\:"));
    let right = file(folder.path(), "right", &line, 0o600);
    let open = file(folder.path(), "open", &line, 0o640);
    let other = file(folder.path(), "other", "127.0.0.1:1:*:*:wrong\n", 0o600);
    for (url, variables) in [
        (&url, &[("KEYFOB_DATABASE_PASSWORD", PASSWORD), ("PGPASSWORD", "wrong")][..]),
        (&with("wrong"), &[("KEYFOB_DATABASE_PASSWORD", PASSWORD)]),
        (&encoded, &[("PGPASSWORD", "wrong")]),
        (&url, &[("PGPASSWORD", PASSWORD), ("PGPASSFILE", &other)]),
        (&url, &[("PGPASSWORD", ""), ("PGPASSFILE", &right)]),
    ] {
        run(url, variables).well();
    }
    file(folder.path(), ".pgpass", &line, 0o600);
    run(&url, &[]).well();
    std::fs::remove_file(folder.path().join(".pgpass")).unwrap();

    for (url, variables, reason) in [
        (&url, &[][..], "set database.password (KEYFOB_DATABASE_PASSWORD), PGPASSWORD or PGPASSFILE"),
        (&url, &[("PGPASSFILE", &*other)], "set database.password (KEYFOB_DATABASE_PASSWORD); no line of"),
        (&url, &[("PGPASSFILE", &open)], "is ignored: others have access to it; run chmod 600"),
        (&with("p%40s:s%2Fw%23o%41r%3Fd"), &[], "password authentication failed"),
        (&with("p%40s:s%2Fw%23o%41r%3Fd"), &[], "%25 for %"),
        (&with(PASSWORD), &[], "%40 for @"),
    ] {
        let run = run(url, variables);
        assert!(run.status == Some(2) && run.err.contains(reason), "{variables:?} {run:?}");
        assert!(!run.err.contains("w#o") && !run.err.contains("s:s"), "{run:?}");
    }
}
