//! The store on SQLite and on PostgreSQL: compared with its model in memory, used by several
//! processes, and damaged.

#[path = "../../../tests/support/cluster.rs"]
#[expect(dead_code, reason = "other tests kill servers and promote them")]
mod cluster;
mod copy;
mod counters;
mod cursors;
mod damage;
mod export;
mod find;
mod hosts;
mod import;
mod import_tokens;
mod keys;
mod lossy;
mod lost_writes;
mod modified;
mod numbers;
mod outbox;
mod postgres;
#[path = "../../../tests/support/proxy.rs"]
mod proxy;
mod rounds;
mod rules;
mod search;
mod silence;
mod sqlite;
mod texts;
mod waiting;
mod writable;

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use keyfob::{Device, Hotp, Policy, Secret};
use keyfob_scim::{Entry, Event, EventKind, Naming, Response, Scope, Step, Swap};

use super::{Keys, Store};
use crate::database::Connection;
use crate::database::{Location, Options};
use cluster::Cluster;

const KEY: &str = "1 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
const NOW: u64 = 1_700_000_000;

/// A PostgreSQL server that all tests of this process share; each has a database of its own.
static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| Cluster::start(&["fsync=off"]));

/// A location for a store.
struct Place {
    location: Location,
    folder: tempfile::TempDir,
}

impl Place {
    fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("test.db").display());
        Self { location: Location::parse(&url, &Options::default()).unwrap(), folder }
    }

    fn postgres() -> Self {
        Self::postgres_on(&CLUSTER)
    }

    fn postgres_on(cluster: &Cluster) -> Self {
        static DATABASES: AtomicU32 = AtomicU32::new(0);
        let database = format!("test{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        cluster.sql("postgres", &format!("CREATE DATABASE {database}"));
        let options = Options { connections: 6, timeout: Duration::from_secs(2), ..Options::default() };
        Self { location: Location::parse(&cluster.url(&database), &options).unwrap(), folder: tempfile::tempdir().unwrap() }
    }

    fn open(&self) -> Store {
        self.open_with(keys()).unwrap()
    }

    fn open_with(&self, keys: Keys) -> Result<Store, String> {
        Store::open(&self.location, keys)
    }

    /// A connection beside the store's. It blocks, and must not be dropped in an async task.
    fn connection(&self) -> Box<dyn Connection> {
        self.location.writer().unwrap()
    }

    /// Does something with a connection of its own.
    fn with<T: Send>(&self, work: impl FnOnce(&mut dyn Connection) -> T + Send) -> T {
        std::thread::scope(|scope| scope.spawn(|| work(&mut *self.connection())).join()).unwrap()
    }
}

/// Makes each function a test on both kinds of store.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread")] async fn $name() { super::$name(super::Place::sqlite()).await; })*
        }
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread")] async fn $name() { super::$name(super::Place::postgres()).await; })*
        }
    };
}
use on_both;

fn keys() -> Keys {
    Keys::parse(KEY).unwrap()
}

fn device(created: u64) -> Device {
    Device::hotp(Hotp::new(Secret::new(&[7; 20]).unwrap()), 0, created)
}

fn entry(user: &str) -> Entry {
    Entry::from_token(device(NOW), Some(user).filter(|user| !user.is_empty())).unwrap()
}

fn event(kind: EventKind, device_id: i64) -> Event {
    Event { kind, at: NOW, actor: "tester".into(), device_id, user: "u".into(), success: true, reason: "C".into(), drift: None }
}

async fn insert(store: &Store, entry: Entry) -> Entry {
    *store.insert(Box::new(entry), Naming::Numbered("HOTP"), event(EventKind::Create, 0), Vec::new()).await.unwrap()
}

/// A wrong code for a device, as a swap.
fn wrong_answer(entry: &Entry) -> Box<Swap> {
    let (device, _) = entry.device.verify(&Policy::default(), b"not a code", NOW).unwrap().split();
    let mut next = entry.clone();
    (next.row.status, next.row.fails, next.device) = (device.status(), device.fails(), device);
    Box::new(Swap {
        entry: next,
        scope: Scope::State,
        claims_serial: false,
        event: event(EventKind::Verify, entry.row.id),
        signals: Vec::new(),
    })
}

/// Swaps. Returns whether it was stored.
async fn swap(store: &Store, swap: Box<Swap>) -> bool {
    let done = |stored| Step::Done(Response::empty(u16::from(stored)));
    let next = store.change(Step::Swap { swap, then: Box::new(done) }).await.unwrap().step;
    let Step::Done(response) = next else { panic!("it ends there") };
    response.status == 1
}
