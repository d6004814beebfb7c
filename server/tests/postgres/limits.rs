//! Three services, one database: the limits on messages hold for all of them together.

use super::client::Client;
use super::cluster::Cluster;
use super::process::{Server, folder};
use super::pump::{Outlets, check, limits, request_at_once, within_an_hour};

#[test]
fn of_200_requests_at_once_through_three_services_exactly_the_limit_goes_out() {
    within_an_hour(|| {
        let cluster = Cluster::start(&["fsync=off"]);
        for (at, (key, lines, bodies)) in limits().into_iter().enumerate() {
            let database = format!("keyfob{at}");
            cluster.sql("postgres", &format!("CREATE DATABASE {database}"));
            let (folder, outlets, url) = (folder(), Outlets::open(), cluster.url(&database));
            outlets.configure(folder.path(), lines);
            let start = || Server::start(folder.path(), &["--config", "keyfob.toml", "--store", &url]);
            let servers = [start(), start(), start()];
            let mut client = servers[0].admin();
            let paths: Vec<String> = bodies.iter().map(|body| client.create(body).0).collect();
            let mut clients: Vec<Client> = servers.iter().map(Server::admin).collect();
            // Once a password was right, no request waits for a check of it.
            for client in &mut clients {
                client.device(&paths[0]);
            }
            check(&request_at_once(&clients, &paths), 7, key);
            assert_eq!(outlets.codes().len(), 7, "{key}");
        }
    });
}
