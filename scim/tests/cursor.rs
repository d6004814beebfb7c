//! Walks through all devices of a search by cursor (RFC 9865).

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{Host, NOW};
use data_encoding::BASE64URL_NOPAD;
use keyfob::{Device, Hotp, Kind, Secret, Status};
use keyfob_scim::{Attribute, Entry, Filter, Profile, Row, Settings, Store as _};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Device `id`. Many were created in the same second, and not in the order of their numbers.
fn entry(id: i64) -> Entry {
    let device = Device::hotp(Hotp::new(Secret::new(&[7; 20]).unwrap()), 0, NOW);
    let turn = usize::try_from(id * 7 % 11).unwrap();
    let row = Row {
        id,
        name: format!("HOTP{id:08}"),
        user: ["alice", "bob", "\u{10ffff}"][turn % 3].to_owned(),
        email: (turn % 4 == 0).then(|| format!("{turn}@example.com")),
        phone: None,
        external_id: (turn % 2 == 0).then(|| format!("x{}", turn % 5)),
        deleted: turn == 3,
        kind: Kind::ALL[turn % Kind::ALL.len()],
        status: Status::ALL[turn % 4],
        fails: u32::try_from(turn).unwrap() % 3,
        created: NOW + u64::try_from(turn).unwrap() % 4,
        last_used: (turn % 3 != 0).then_some(NOW + 9),
        last_modified: NOW + 9,
    };
    Entry { row, version: 0, device }
}

fn host(profile: Profile, devices: i64) -> Host {
    let mut host = Host::new(Settings { profile, ..Settings::default() });
    (1..=devices).for_each(|id| host.store.memory.put(entry(id)));
    host
}

fn ids(list: &Value) -> Vec<i64> {
    let id = |id: &Value| id.as_i64().or_else(|| id.as_str()?.parse().ok()).unwrap();
    list["Resources"].as_array().unwrap().iter().map(|device| id(&device["id"])).collect()
}

/// The devices of each page of a walk. Between the pages, `meanwhile` happens.
fn walk(host: &mut Host, search: &str, mut meanwhile: impl FnMut(&mut Host)) -> Vec<Vec<i64>> {
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = host.get(&format!("/OtpDevice?{search}&cursor={cursor}")).ok(200);
        pages.push(ids(&page));
        let Some(next) = page.get("nextCursor") else { return pages };
        assert!(next.as_str().unwrap() != cursor && !ids(&page).is_empty(), "{page}");
        next.as_str().unwrap().clone_into(&mut cursor);
        meanwhile(host);
    }
}

#[test]
fn pages_of_a_walk_name_the_next_one_until_the_last() {
    for profile in [Profile::Soffid, Profile::Rfc] {
        let mut host = host(profile, 10);
        let all = ids(&host.get("/OtpDevice").ok(200));
        let (mut seen, mut url) = (Vec::new(), "/OtpDevice?count=4&cursor".to_owned());
        for (shown, is_last) in [(4, false), (4, false), (all.len() - 8, true)] {
            let page = host.get(&url).ok(200);
            assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&json!(all.len()), &json!(shown)));
            // RFC 9865: a walk has no indexes.
            assert_eq!((page.get("startIndex"), page.get("nextCursor").is_none()), (None, is_last));
            seen.extend(ids(&page));
            if let Some(next) = page.get("nextCursor").and_then(Value::as_str) {
                let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
                assert!(next.bytes().all(is_unreserved), "RFC 9865 section 2: {next}");
                url = format!("/OtpDevice?count=4&cursor={next}");
            }
        }
        assert_eq!(seen, all);
        // With all devices on one page, or with none, there is no next page.
        for query in ["cursor=", "cursor&count=10", "cursor&filter=id+eq+99"] {
            assert_eq!(host.get(&format!("/OtpDevice?{query}")).ok(200).get("nextCursor"), None, "{query}");
        }
        // A request without a cursor begins no walk.
        assert_eq!(host.get("/OtpDevice?count=4").ok(200).get("nextCursor"), None);
    }
}

#[test]
fn walk_is_also_made_by_search_bodies() {
    let mut host = host(Profile::Rfc, 10);
    let body = |cursor: &str| json!({"filter": "id gt 2", "sortBy": "user", "count": 3, "cursor": cursor}).to_string();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = host.post("/OtpDevice/.search", &body(&cursor)).ok(200);
        let same = host.get(&format!("/OtpDevice?filter=id+gt+2&sortBy=user&count=3&cursor={cursor}")).ok(200);
        assert_eq!(page, same);
        seen.extend(ids(&page));
        let Some(next) = page.get("nextCursor") else { break };
        next.as_str().unwrap().clone_into(&mut cursor);
    }
    assert_eq!(seen, ids(&host.get("/OtpDevice?filter=id+gt+2&sortBy=user").ok(200)));
    assert_eq!(host.post("/OtpDevice/.search", r#"{"cursor": null}"#).ok(200)["startIndex"], 1);
    host.post("/OtpDevice/.search", r#"{"cursor": 5}"#).bad("invalidValue");
    host.post("/OtpDevice/.search", r#"{"cursor": "", "count": 0}"#).bad("invalidCount");
}

#[test]
fn configuration_has_the_support_of_cursors() {
    let config = Host::default().get("/ServiceProviderConfig").ok(200);
    let pagination =
        json!({"cursor": true, "index": true, "defaultPaginationMethod": "index", "defaultPageSize": 100, "maxPageSize": 1000});
    assert_eq!(config["pagination"], pagination);
}

#[test]
fn count_without_a_device_is_refused_in_a_walk() {
    let mut host = host(Profile::Soffid, 3);
    for count in ["0", "-1", "many", "1.5", ""] {
        let detail = host.get(&format!("/OtpDevice?cursor=&count={count}")).bad("invalidCount");
        assert_eq!(detail, "count: must be an integer from 1 to 1000 with a cursor");
    }
    for count in ["1", "1000", "1001"] {
        host.get(&format!("/OtpDevice?cursor=&count={count}")).ok(200);
    }
    for start in ["1", "0", "7"] {
        let detail = host.get(&format!("/OtpDevice?cursor=&startIndex={start}")).bad("invalidValue");
        assert_eq!(detail, "cursor and startIndex: only one of them may be given");
    }
}

#[test]
fn cursor_of_another_search_is_refused() {
    let mut host = host(Profile::Soffid, 9);
    for order in ["created", "externalId", "email", "user", "id", "lastUsed"] {
        let search = format!("count=2&filter=id+gt+1&sortBy={order}");
        // For devices without the attribute as well.
        for turn in 0..3 {
            let mut cursor = String::new();
            for _ in 0..=turn {
                let page = host.get(&format!("/OtpDevice?{search}&cursor={cursor}")).ok(200);
                page["nextCursor"].as_str().unwrap().clone_into(&mut cursor);
            }
            let mut refuse = |search: &str, cursor: &str| {
                let detail = host.get(&format!("/OtpDevice?{search}&cursor={cursor}")).bad("invalidCursor");
                assert!(detail.starts_with("cursor: is not a nextCursor of this search; keep filter"), "{detail}");
            };
            let whole = BASE64URL_NOPAD.decode(cursor.as_bytes()).unwrap();
            for length in 1..cursor.len() {
                refuse(&search, &cursor[..length]);
            }
            for bit in 0..whole.len() * 8 {
                let mut other = whole.clone();
                other[bit / 8] ^= 1 << (bit % 8);
                refuse(&search, &BASE64URL_NOPAD.encode(&other));
            }
            for wrong in [format!("{cursor}AA"), format!("{cursor}="), format!("%20{cursor}"), "nonsense".into(), "%00".into()] {
                refuse(&search, &wrong);
            }
            for other in [
                format!("count=2&filter=id+gt+0&sortBy={order}"),
                format!("count=2&textFilter=id+gt+1&sortBy={order}"),
                format!("{search}&textFilter=a"),
                format!("{search}&sortOrder=descending"),
                "count=2&filter=id+gt+1&sortBy=name".to_owned(),
                "count=2&filter=id+gt+1&sortBy=fails".to_owned(),
            ] {
                refuse(&other, &cursor);
            }
            // The page size and the selected attributes may change, since they change no device of
            // the walk.
            host.get(&format!("/OtpDevice?filter=id+gt+1&sortBy={order}&attributes=id&count=9&cursor={cursor}")).ok(200);
        }
    }
}

#[test]
fn walk_needs_the_role_of_a_search_at_each_page() {
    let mut host = host(Profile::Soffid, 3);
    let page = host.get("/OtpDevice?count=1&cursor").ok(200);
    host.roles = keyfob_scim::Roles::MANAGE;
    host.get(&format!("/OtpDevice?count=1&cursor={}", page["nextCursor"].as_str().unwrap())).refused(403, None);
}

/// What happens to devices between two pages.
#[derive(Clone, Debug)]
enum Deed {
    Create(i64),
    Delete(i64),
    Change(i64),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed =
        prop_oneof![(1..80_i64).prop_map(Deed::Create), (1..40_i64).prop_map(Deed::Delete), (1..40_i64).prop_map(Deed::Change),];
    prop::collection::vec(deed, 0..6)
}

impl Deed {
    /// Does it, and returns the device.
    fn is_done(&self, host: &mut Host) -> i64 {
        let (Self::Create(id) | Self::Delete(id) | Self::Change(id)) = *self;
        let mut there = host.store.get(id).unwrap();
        match self {
            Self::Create(_) => there = there.is_none().then(|| entry(id)),
            Self::Delete(_) => {
                there = there.map(|entry| Entry { row: Row { deleted: true, status: Status::Disabled, ..entry.row }, ..entry });
            }
            Self::Change(_) => {
                there = there.map(|entry| {
                    let (fails, last_used) = (entry.row.fails + 1, Some(entry.row.last_used.unwrap_or(NOW) + 1));
                    let external_id = entry.row.external_id.is_none().then(|| "x9".to_owned());
                    Entry { row: Row { fails, last_used, external_id, last_modified: NOW + 99, ..entry.row }, ..entry }
                });
            }
        }
        if let Some(entry) = there {
            host.store.memory.put(entry);
        }
        id
    }
}

const FILTERS: [&str; 6] = [
    "",
    "user eq \"alice\"",
    "not (type eq \"TOTP\")",
    "externalId pr",
    "fails lt 2 or status eq \"V\"",
    "created gt \"2000-01-01\"",
];
/// In some of them, a device may change its position.
const ORDERS: [Attribute; 13] = [
    Attribute::Created,
    Attribute::Id,
    Attribute::Name,
    Attribute::Type,
    Attribute::User,
    Attribute::MetaCreated,
    Attribute::Email,
    Attribute::Phone,
    Attribute::ExternalId,
    Attribute::Status,
    Attribute::Fails,
    Attribute::LastUsed,
    Attribute::LastModified,
];
const FIXED: usize = 8;

proptest! {
    #[test]
    fn a_walk_has_each_device_once_while_devices_come_and_go(
        order in prop_oneof![Just(0), 0..ORDERS.len()], descending: bool, filter in 0..FILTERS.len(), rfc: bool, devices in 0..40_i64,
        count in 1..8_usize, deeds in prop::collection::vec(deeds(), 0..20),
    ) {
        let profile = if rfc { Profile::Rfc } else { Profile::Soffid };
        let mut host = host(profile, devices);
        let wanted = FILTERS[filter];
        let matches = |entry: &Entry| (wanted.is_empty() || Filter::parse(wanted).unwrap().matches(&entry.row)) && !(rfc && entry.row.deleted);
        let mut stayed: BTreeSet<i64> = (1..=devices).filter(|id| matches(&host.entry(*id))).collect();
        let filter = if wanted.is_empty() { String::new() } else { format!("&filter={}", wanted.replace(' ', "+").replace('"', "%22")) };
        let direction = if descending { "descending" } else { "ascending" };
        let search = format!("sortBy={}&sortOrder={direction}&count={count}{filter}", ORDERS[order].name());
        let mut deeds = deeds.into_iter();
        let pages = walk(&mut host, &search, |host| {
            for deed in deeds.next().into_iter().flatten() {
                stayed.remove(&deed.is_done(host));
            }
        });
        let mut seen: BTreeMap<i64, usize> = BTreeMap::new();
        pages.iter().flatten().for_each(|id| *seen.entry(*id).or_default() += 1);
        for id in &stayed {
            prop_assert_eq!(seen.get(id), Some(&1), "device {} of {:?}", id, &pages);
        }
        if order < FIXED {
            prop_assert!(seen.values().all(|times| *times == 1), "{:?}", &pages);
        }
    }
}
