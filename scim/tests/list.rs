//! `GET /OtpDevice` and `POST /OtpDevice/.search`.

mod common;

use common::Host;
use keyfob::{Device, Pin, Policy};
use keyfob_scim::{Entry, Row};
use serde_json::{Value, json};

/// A host with this many PIN devices. Every second one has an external id, and users repeat.
fn host(devices: i64) -> Host {
    let mut host = Host::default();
    for id in 1..=devices {
        let device = Device::pin(Pin::new(b"123456789").unwrap(), &Policy::default(), host.now).unwrap();
        let row = Row {
            id,
            name: format!("Security PIN {id}"),
            user: format!("user{}", id % 3),
            email: None,
            phone: None,
            external_id: (id % 2 == 0).then(|| format!("x{}", 9 - id % 10)),
            deleted: false,
            kind: device.kind(),
            status: device.status(),
            fails: 0,
            created: device.created(),
            last_used: None,
            last_modified: 1_700_000_000,
        };
        host.store.memory.put(Entry { row, version: 0, device });
    }
    host
}

fn ids(list: &Value) -> Vec<i64> {
    list["Resources"].as_array().unwrap().iter().map(|device| device["id"].as_i64().unwrap()).collect()
}

#[test]
fn page_has_100_devices_by_default_and_says_so_when_it_is_partial() {
    let list = host(100).get("/OtpDevice").ok(200);
    assert_eq!(ids(&list), (1..=100).collect::<Vec<_>>());
    assert_eq!((&list["totalResults"], list.get("itemsPerPage")), (&json!(100), None));
    let list = host(101).get("/OtpDevice").ok(200);
    assert_eq!(ids(&list), (1..=100).collect::<Vec<_>>());
    assert_eq!((&list["totalResults"], &list["itemsPerPage"], &list["startIndex"]), (&json!(101), &json!(100), &json!(1)));
}

#[test]
fn page_has_at_most_1000_devices() {
    let mut host = host(1001);
    for count in ["1000", "1001", "9223372036854775807"] {
        let list = host.get(&format!("/OtpDevice?count={count}")).ok(200);
        assert_eq!((list["Resources"].as_array().unwrap().len(), &list["itemsPerPage"]), (1000, &json!(1000)));
    }
}

#[test]
fn pages_begin_at_the_start_index() {
    let mut host = host(10);
    for (query, start, expected) in [
        ("startIndex=1&count=3", 1, vec![1, 2, 3]),
        ("startIndex=4&count=3", 4, vec![4, 5, 6]),
        ("startIndex=9&count=3", 9, vec![9, 10]),
        ("startIndex=10", 10, vec![10]),
        ("startIndex=11", 11, vec![]),
        ("startIndex=9223372036854775807", i64::MAX, vec![]),
        // RFC 7644 section 3.4.2.4: an index below 1 counts as 1, and a negative count as 0.
        ("startIndex=0&count=2", 1, vec![1, 2]),
        ("startIndex=-9&count=2", 1, vec![1, 2]),
        ("count=0", 1, vec![]),
        ("count=-5", 1, vec![]),
    ] {
        let list = host.get(&format!("/OtpDevice?{query}")).ok(200);
        assert_eq!((ids(&list), &list["startIndex"]), (expected.clone(), &json!(start)), "{query}");
        assert_eq!((&list["totalResults"], &list["itemsPerPage"]), (&json!(10), &json!(expected.len())), "{query}");
    }
    for wrong in ["count=", "count=many", "count=1.5", "startIndex=9223372036854775808", "startIndex=1e3", "startIndex=%201"] {
        let name = wrong.split('=').next().unwrap();
        assert_eq!(host.get(&format!("/OtpDevice?{wrong}")).bad("invalidValue"), format!("{name}: must be an integer"));
    }
}

#[test]
fn devices_without_the_attribute_come_last_and_descending_first() {
    let mut host = host(6);
    for (query, expected) in [
        ("sortBy=id", vec![1, 2, 3, 4, 5, 6]),
        ("sortBy=ID&sortOrder=Descending", vec![6, 5, 4, 3, 2, 1]),
        ("sortOrder=ascending", vec![1, 2, 3, 4, 5, 6]),
        // Equal devices are ordered by id in either direction.
        ("sortBy=user", vec![3, 6, 1, 4, 2, 5]),
        ("sortBy=user&sortOrder=descending", vec![2, 5, 1, 4, 3, 6]),
        ("sortBy=externalId", vec![6, 4, 2, 1, 3, 5]),
        ("sortBy=externalId&sortOrder=descending", vec![1, 3, 5, 2, 4, 6]),
        ("sortBy=lastUsed", vec![1, 2, 3, 4, 5, 6]),
        ("sortBy=urn:soffid:com.soffid.iam.addons.otp.common.OtpDevice:name&sortOrder=descending", vec![6, 5, 4, 3, 2, 1]),
        ("sortBy=user&startIndex=2&count=2", vec![6, 1]),
        // Devices that are equal in the first attribute are ordered by the next.
        ("sortBy=user,name", vec![3, 6, 1, 4, 2, 5]),
        ("sortBy=user,id&sortOrder=descending", vec![5, 2, 4, 1, 6, 3]),
        ("sortBy=user,%20externalId", vec![6, 3, 4, 1, 2, 5]),
        ("sortBy=user,externalId&sortOrder=descending", vec![5, 2, 1, 4, 3, 6]),
        ("sortBy=user,user,lastUsed,name&sortOrder=descending", vec![5, 2, 4, 1, 6, 3]),
    ] {
        assert_eq!(ids(&host.get(&format!("/OtpDevice?{query}")).ok(200)), expected, "{query}");
    }
    for wrong in [
        "sortBy=colour",
        "sortBy=user,colour",
        "sortBy=user,",
        "sortBy=user,pin",
        "sortBy=user,name&cursor=",
        "sortBy=",
        "sortBy=pin",
        "sortBy=meta",
        "sortBy=schemas",
        "sortBy=image",
        "sortBy=id&sortOrder=up",
    ] {
        host.get(&format!("/OtpDevice?{wrong}")).bad("invalidValue");
    }
}

#[test]
fn devices_are_sorted_by_creation_and_then_by_id_by_default() {
    let mut host = host(6);
    for (id, created) in [(1, 30), (2, 10), (3, 20), (4, 10), (5, 20), (6, 5)] {
        let mut entry = host.entry(id);
        entry.row.created = created;
        host.store.memory.put(entry);
    }
    for (query, expected) in [
        ("", vec![6, 2, 4, 3, 5, 1]),
        ("sortOrder=ascending", vec![6, 2, 4, 3, 5, 1]),
        ("sortOrder=descending", vec![1, 3, 5, 2, 4, 6]),
        ("startIndex=2&count=3", vec![2, 4, 3]),
        ("filter=id%20lt%204", vec![2, 3, 1]),
        ("sortBy=created", vec![6, 2, 4, 3, 5, 1]),
        ("sortBy=id", vec![1, 2, 3, 4, 5, 6]),
    ] {
        assert_eq!(ids(&host.get(&format!("/OtpDevice?{query}")).ok(200)), expected, "{query}");
    }
}

#[test]
fn filter_and_text_filter_both_apply() {
    let mut host = host(12);
    for (query, expected) in [
        ("filter=user%20eq%20%22user1%22", vec![1, 4, 7, 10]),
        ("textFilter=USER1", vec![1, 4, 7, 10]),
        ("textFilter=pin+1", vec![1, 10, 11, 12]),
        ("textFilter=user1&filter=externalId%20pr", vec![4, 10]),
        ("textFilter=", (1..=12).collect()),
        ("filter=id%20gt%2010%20or%20id%20eq%20%222%22", vec![2, 11, 12]),
        ("filter=user+eq+'user1'&count=2&startIndex=2", vec![4, 7]),
    ] {
        assert_eq!(ids(&host.get(&format!("/OtpDevice?{query}")).ok(200)), expected, "{query}");
    }
    assert_eq!(
        host.get("/OtpDevice?filter=colour+pr").bad("invalidFilter"),
        "filter, character 1: there is no attribute \"colour\""
    );
    for wrong in ["filter=", "filter=user", "filter=user+eq+%22%00%22", "textFilter=%00", "textFilter=a%00b"] {
        host.get(&format!("/OtpDevice?{wrong}")).bad("invalidFilter");
    }
}

#[test]
fn attributes_are_selected_or_left_out() {
    let mut host = host(1);
    let mut keys = |query: &str| {
        let list = host.get(&format!("/OtpDevice?{query}")).ok(200);
        let one = host.get(&format!("/OtpDevice/1?{query}")).ok(200);
        assert_eq!(list["Resources"][0], one, "{query}");
        let mut keys: Vec<String> = one.as_object().unwrap().keys().cloned().collect();
        keys.extend(one["meta"].as_object().into_iter().flat_map(|meta| meta.keys().map(|key| format!("meta.{key}"))));
        keys.sort();
        keys.join(" ")
    };
    let all = "created fails id meta meta.links meta.location meta.resourceType name schemas status type user";
    assert_eq!(keys(""), all);
    assert_eq!(keys("attributes=user,TYPE"), "id schemas type user");
    assert_eq!(keys("attributes=user%2C%20type"), "id schemas type user");
    assert_eq!(keys("attributes="), "id schemas");
    // An attribute may be named twice, alone or as a part.
    assert_eq!(
        keys("attributes=user,id,user,meta.location,meta,id"),
        "id meta meta.links meta.location meta.resourceType schemas user"
    );
    assert_eq!(keys("attributes=meta"), "id meta meta.links meta.location meta.resourceType schemas");
    assert_eq!(keys("attributes=meta.location"), "id meta meta.location schemas");
    assert_eq!(keys("attributes=urn:soffid:com.soffid.iam.addons.otp.common.OtpDevice:fails"), "fails id schemas");
    // Attributes that are never returned, or missing, are left out.
    assert_eq!(keys("attributes=pin,image,lastUsed,externalId"), "id schemas");
    assert_eq!(keys("excludedAttributes=meta,created,fails,name"), "id schemas status type user");
    assert_eq!(keys("excludedAttributes=meta.links,user"), all.replace(" meta.links", "").replace(" user", ""));
    assert_eq!(
        keys("excludedAttributes=meta.links,meta.location,meta.resourceType"),
        "created fails id name schemas status type user"
    );
    // RFC 7643: attributes that are always returned cannot be left out.
    assert_eq!(keys("excludedAttributes=id,schemas"), all);

    for (wrong, detail) in [
        ("attributes=colour", "attributes: there is no attribute \"colour\""),
        ("excludedAttributes=colour", "excludedAttributes: there is no attribute \"colour\""),
        ("attributes=user&excludedAttributes=type", "attributes and excludedAttributes: only one of them may be given"),
    ] {
        for path in ["/OtpDevice", "/OtpDevice/1"] {
            assert_eq!(host.get(&format!("{path}?{wrong}")).bad("invalidValue"), detail);
        }
    }
}

#[test]
fn search_by_body_is_the_list_of_the_same_query() {
    let mut host = host(12);
    for (body, query) in [
        ("{}", ""),
        (r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}"#, ""),
        (r#"{"filter": "user eq \"user1\"", "count": 2}"#, "filter=user+eq+'user1'&count=2"),
        (r#"{"startIndex": 3, "sortBy": "user", "sortOrder": "descending"}"#, "startIndex=3&sortBy=user&sortOrder=descending"),
        (r#"{"attributes": ["user", "type"], "TEXTFILTER": "user2"}"#, "attributes=user,type&textFilter=user2"),
        (r#"{"excludedAttributes": ["meta"], "startIndex": -1, "count": null}"#, "excludedAttributes=meta"),
        // Some clients write numbers as text or with a fraction, and lists as text.
        (r#"{"startIndex": "2", "count": "3"}"#, "startIndex=2&count=3"),
        (r#"{"startIndex": 2.0, "count": 3.0}"#, "startIndex=2&count=3"),
        (r#"{"startIndex": ["2"], "count": [3], "sortBy": ["user"]}"#, "startIndex=2&count=3&sortBy=user"),
        (r#"{"sortBy": "user, externalId"}"#, "sortBy=user,externalId"),
        (r#"{"sortBy": ["user", "externalId"]}"#, "sortBy=user,externalId"),
        (r#"{"attributes": "user,type"}"#, "attributes=user,type"),
        (
            r#"{"schemas": "urn:ietf:params:scim:api:messages:2.0:SearchRequest", "attributes": ["user, type"]}"#,
            "attributes=user,type",
        ),
    ] {
        let searched = host.post("/OtpDevice/.search", body);
        searched.ok(200);
        assert_eq!(searched.0.text(), host.get(&format!("/OtpDevice?{query}")).0.text(), "{body}");
    }
    for (body, scim_type) in [
        (r#"{"filter": "colour pr"}"#, "invalidFilter"),
        (r#"{"filter": "user eq 'a\u0000'"}"#, "invalidFilter"),
        (r#"{"textFilter": "a\u0000"}"#, "invalidFilter"),
        (r#"{"filter": 5}"#, "invalidValue"),
        (r#"{"count": "many"}"#, "invalidValue"),
        (r#"{"count": [1, 2]}"#, "invalidValue"),
        (r#"{"count": 1.5}"#, "invalidValue"),
        (r#"{"count": 18446744073709551615}"#, "invalidValue"),
        (r#"{"attributes": [5]}"#, "invalidValue"),
        (r#"{"attributes": ["colour"]}"#, "invalidValue"),
        (r#"{"attributes": ["user"], "excludedAttributes": []}"#, "invalidValue"),
        (r#"{"sortBy": "colour"}"#, "invalidValue"),
        (r#"{"colour": 1}"#, "invalidSyntax"),
        (r#"{"count": 1, "COUNT": 2}"#, "invalidSyntax"),
        (r#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}"#, "invalidSyntax"),
        ("[]", "invalidSyntax"),
    ] {
        host.post("/OtpDevice/.search", body).bad(scim_type);
    }
}

#[test]
fn search_by_body_takes_from_the_url_what_the_body_leaves_out() {
    let mut host = host(12);
    for (url, body, query) in [
        ("count=2", "{}", "count=2"),
        ("count=2&startIndex=3", r#"{"count": 4}"#, "count=4&startIndex=3"),
        ("attributes=user", r#"{"excludedAttributes": ["meta"]}"#, "excludedAttributes=meta"),
        ("filter=user+eq+'user1'&attributes=user", r#"{"count": 1}"#, "filter=user+eq+'user1'&attributes=user&count=1"),
    ] {
        let searched = host.post(&format!("/OtpDevice/.search?{url}"), body);
        searched.ok(200);
        assert_eq!(searched.0.text(), host.get(&format!("/OtpDevice?{query}")).0.text(), "{url} {body}");
    }
    host.post("/OtpDevice/.search?count=many", "{}").bad("invalidValue");
}

#[test]
fn repeated_lists_in_a_url_are_joined_and_unknown_parameters_ignored() {
    let mut host = host(3);
    for (twice, once) in [
        ("attributes=user&attributes=type", "attributes=user,type"),
        ("excludedAttributes=meta&count=1&excludedAttributes=user,type", "count=1&excludedAttributes=meta,user,type"),
        ("x=1&x=2&count=1&x", "count=1"),
        ("page&page", ""),
    ] {
        for path in ["/OtpDevice", "/OtpDevice/1"] {
            let reply = host.get(&format!("{path}?{twice}"));
            reply.ok(200);
            assert_eq!(reply.0.text(), host.get(&format!("{path}?{once}")).0.text(), "{path}?{twice}");
        }
    }
    for wrong in ["count=1&count=1", "cursor&cursor", "filter=user+pr&filter=user+pr", "sortBy=id&sortBy=user"] {
        let name = wrong.split(['=', '&']).next().unwrap();
        assert_eq!(
            host.get(&format!("/OtpDevice?{wrong}")).bad("invalidSyntax"),
            format!("URL: the parameter {name} is repeated; give it once")
        );
    }
}

#[test]
fn search_of_all_types_is_one_of_devices() {
    let mut host = Host::default();
    host.create_all();
    let body = r#"{"filter": "type eq \"TOTP\" or type eq \"PIN\"", "attributes": ["type"]}"#;
    let found = host.post("/.search", body).ok(200);
    assert_eq!((&found["totalResults"], &found), (&serde_json::json!(2), &host.post("/OtpDevice/.search", body).ok(200)));
    host.get("/.search").refused(405, None);
    // RFC 7644 section 3.4.2.1: a search at the base covers all resources.
    for path in ["", "/", "//"] {
        let reply = host.get(&format!("{path}?filter=type+eq+'PIN'&attributes=type"));
        assert_eq!(
            (&reply.ok(200)["totalResults"], reply.0),
            (&json!(1), host.get("/OtpDevice?filter=type+eq+'PIN'&attributes=type").0)
        );
    }
    host.roles = keyfob_scim::Roles::MANAGE;
    host.post("/.search", body).refused(403, None);
    host.get("/").refused(403, None);
}
