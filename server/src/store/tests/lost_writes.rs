//! Writes on connections that are lost: what was stored is found, and nothing is stored twice.

use std::time::Duration;

use keyfob_scim::{Event, EventKind, Scope, Swap};

use super::cluster::Cluster;
use super::lossy::{Fate, Lossy};
use super::{Place, device, event, keys, wrong_answer};
use crate::database::Sql;
use crate::store::batch::{Swapped, Write, settle};
use crate::store::keys::Sealer;
use crate::store::reads::find;
use crate::store::schema;

/// Devices in a database, to test `settle` on them.
struct Bench {
    connection: Lossy,
    ids: Vec<i64>,
}

impl Bench {
    fn new(devices: usize) -> Self {
        Self::at(&Place::postgres(), devices)
    }

    fn at(place: &Place, devices: usize) -> Self {
        let mut inner = place.connection();
        schema::migrate(&mut *inner).unwrap();
        let ids: Vec<i64> = (1..=devices).map(|id| i64::try_from(id).unwrap()).collect();
        for id in &ids {
            let record = Sealer::unchecked(&keys()).seal(&device(super::NOW), *id).unwrap();
            let mut sql = Sql::new(
                "INSERT INTO device (id, version, name, user_name, deleted, kind, status, fails, created, record) VALUES (",
            );
            sql.bind(*id).push(", 0, 'n', 'u', 0, 'HOTP', 'C', 0, 0, ").bind(record).push(")");
            inner.rows(&sql).unwrap();
        }
        Self { connection: Lossy { inner, fates: Vec::new() }, ids }
    }

    fn swaps(&mut self) -> Vec<Swap> {
        let entries = find(&mut *self.connection.inner, &keys(), self.ids.iter().copied()).unwrap();
        self.ids.iter().map(|id| *wrong_answer(entries[id].as_ref().unwrap())).collect()
    }

    /// Settles a wrong code for each device, and a line of its own, under these fates. Returns for
    /// each code whether it was stored; `None` if that stays unknown.
    fn settle(&mut self, swaps: &[Swap], fates: &[Fate]) -> Vec<Option<bool>> {
        self.connection.fates = fates.to_vec();
        let writes = swaps.iter().map(|swap| Write::new(swap, &[], &Sealer::unchecked(&keys())).unwrap()).collect();
        let line: Event = event(EventKind::Verify, 77);
        let lines: &[&Event] = if fates.contains(&Fate::UnheardHere) { &[] } else { &[&line] };
        let before = self.lines("= 77");
        let mut settled = settle(&mut self.connection, writes, lines);
        let written = self.lines("= 77") - before;
        assert!(settled.lines.is_ok() || lines.is_empty(), "{fates:?}: {:?}", settled.lines);
        assert_eq!(written, i64::from(!lines.is_empty()), "{fates:?}");
        self.ids.iter().map(|id| settled.swaps.remove(id).unwrap().ok().map(|outcome| outcome == Swapped::Stored)).collect()
    }

    fn fails(&mut self) -> Vec<i64> {
        let mut records = self.connection.inner.run("SELECT fails FROM device ORDER BY id").unwrap();
        records.iter_mut().map(|record| record.number(0).unwrap()).collect()
    }

    /// How many lines the trail has for a device.
    fn lines(&mut self, device: &str) -> i64 {
        self.connection.inner.run(&format!("SELECT count(*) FROM trail WHERE device {device}")).unwrap()[0].number(0).unwrap()
    }
}

#[test]
fn write_stored_unheard_is_found_and_not_counted_twice() {
    use Fate::{Conflict, Undone, Unheard, Well};
    // A batch with a line has these statements: the line's number, BEGIN, the swaps, the line,
    // COMMIT.
    for fates in [
        vec![Well, Well, Well, Well, Unheard],
        vec![Well, Well, Well, Well, Undone],
        vec![Undone],
        vec![Unheard],
        vec![Well, Undone],
        vec![Well, Well, Undone],
        vec![Well, Well, Well, Well, Unheard, Undone, Well, Undone],
        vec![Well, Well, Well, Well, Unheard, Well, Unheard],
        vec![Well, Well, Well, Well, Unheard, Well, Well, Well, Unheard],
        vec![Well, Well, Well, Well, Unheard, Well, Conflict],
        vec![Well, Well, Well, Well, Undone, Well, Conflict, Unheard],
        vec![Well, Well, Conflict],
        vec![Well, Well, Conflict, Well, Well, Well, Well, Unheard],
        vec![Well, Well, Conflict, Unheard, Well, Unheard],
        vec![Well, Well, Conflict, Conflict, Undone, Unheard, Well, Conflict],
    ] {
        let mut bench = Bench::new(3);
        let swaps = bench.swaps();
        assert_eq!(bench.settle(&swaps, &fates), [Some(true); 3], "{fates:?}");
        assert_eq!(bench.fails(), [1; 3], "{fates:?}");
        assert_eq!(bench.lines("<> 77"), 3, "each has its line once: {fates:?}");
    }
}

#[test]
fn a_line_of_which_nothing_was_heard_is_sent_again_and_written_once() {
    use Fate::{Conflict, Undone, Unheard, Well};
    // The number, the line.
    for fates in [
        vec![],
        vec![Unheard],
        vec![Undone],
        vec![Conflict],
        vec![Well, Unheard],
        vec![Well, Undone],
        vec![Well, Conflict],
        vec![Well, Unheard, Unheard, Undone, Unheard],
        vec![Well, Unheard, Conflict],
        vec![Well, Conflict, Unheard, Well, Unheard],
    ] {
        let mut bench = Bench::new(0);
        bench.connection.fates = fates.clone();
        let settled = settle(&mut bench.connection, Vec::new(), &[&event(EventKind::Verify, 77)]);
        assert_eq!((bench.lines("= 77"), settled.lines.is_ok()), (1, true), "{fates:?}");
        assert!(bench.connection.fates.is_empty(), "{fates:?}");
    }
}

#[test]
fn a_line_takes_no_number_that_is_taken() {
    let mut bench = Bench::new(0);
    // As after a restore that has reset the numbers.
    bench.connection.inner.run("INSERT INTO trail SELECT i, 0, 'e', 'a', 1, 'u', 1, 'C' FROM generate_series(1, 2) i").unwrap();
    let lines = [&event(EventKind::Verify, 77), &event(EventKind::Verify, 77), &event(EventKind::Verify, 77)];
    assert!(settle(&mut bench.connection, Vec::new(), &lines).lines.is_ok());
    assert_eq!((bench.lines("= 77"), bench.lines("= 1")), (3, 2));
}

#[test]
fn a_write_that_others_may_have_gone_on_from_stays_unknown() {
    let mut bench = Bench::new(1);
    let late = bench.swaps();
    // The line's number, BEGIN, the swap and the line; then the response to COMMIT is lost.
    let lost = [Fate::Well, Fate::Well, Fate::Well, Fate::Well, Fate::Undone];
    let swaps = bench.swaps();
    assert_eq!(bench.settle(&swaps, &[]), [Some(true)]);
    assert_eq!(bench.settle(&late, &lost), [Some(false)], "the next version holds other bytes");
    let swaps = bench.swaps();
    assert_eq!(bench.settle(&swaps, &[]), [Some(true)]);
    assert_eq!(bench.settle(&late, &lost), [None], "whose bytes the next version held is not known any more");
    assert_eq!(bench.settle(&late, &[]), [Some(false)], "but where nothing was lost, it has lost");
    assert_eq!(bench.fails(), [2]);
}

#[test]
fn serial_is_claimed_once_although_its_commit_was_unheard() {
    use Fate::{Undone, Unheard, Well};
    let mut bench = Bench::new(2);
    let mut swaps = bench.swaps();
    for swap in &mut swaps {
        (swap.scope, swap.claims_serial) = (Scope::Whole, true);
    }
    // The line's number, BEGIN, the turn, the first check, its swap, the other check, two lines,
    // COMMIT.
    for last in [Undone, Unheard] {
        let fates = [Well, Well, Well, Well, Well, Well, Well, Well, last];
        bench.connection.inner.run("UPDATE device SET version = 0, deleted = 1").unwrap();
        assert_eq!(bench.settle(&swaps, &fates), [Some(true), Some(false)], "{last:?}");
        assert!(bench.connection.fates.is_empty());
        assert_eq!(bench.settle(&swaps, &[]), [Some(false); 2], "the first has another version, the second no serial");
    }
    assert_eq!(bench.lines("<> 77"), 2);
}

#[test]
fn a_write_that_the_standby_may_not_have_is_not_believed() {
    let cluster = Cluster::start(&["fsync=off"]);
    let mut bench = Bench::at(&Place::postgres_on(&cluster), 1);
    let swaps = bench.swaps();
    // A standby that is away.
    cluster.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'standby'");
    cluster.sql("postgres", "SELECT pg_reload_conf()");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(bench.settle(&swaps, &[Fate::UnheardHere]), [None]);
    assert_eq!(bench.fails(), [1], "here it is");
    cluster.sql("postgres", "ALTER SYSTEM RESET synchronous_standby_names");
    cluster.sql("postgres", "SELECT pg_reload_conf()");
}
