//! Several operations of one PATCH, which apply one after another.

mod common;

use common::{EMAIL, Host, PIN, SMS, TOTP, WRONG};
use keyfob_scim::{EventKind, Method, Roles};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// A PATCH that replaces each of these attributes in turn.
fn patch(changes: &[(&str, &str)]) -> String {
    let operations: Vec<_> = changes
        .iter()
        .map(|(attribute, value)| format!(r#"{{"op": "replace", "path": "{attribute}", "value": "{value}"}}"#))
        .collect();
    format!(r#"{{"Operations": [{}]}}"#, operations.join(", "))
}

#[test]
fn address_to_another_and_back_in_one_patch_draws_a_fresh_secret() {
    for (body, attribute, other) in [(SMS, "phone", "911222333"), (EMAIL, "email", "other@example.com")] {
        let mut host = Host::default();
        let id = host.create(body);
        let old = host.right(id);
        host.answer(id, WRONG).verdict(false);
        let (before, lines) = (host.entry(id), host.store.memory.events.len());
        let address = host.store.memory.delivered[0].1.clone();
        host.patch(id, &patch(&[(attribute, other), (attribute, &address)])).ok(200);
        let after = host.entry(id);
        assert_eq!(after.row, before.row);
        assert_ne!(after.device.factor(), before.device.factor());
        assert_eq!((after.device.pending_since(), after.device.fails()), (None, 1));
        let events = &host.store.memory.events[lines..];
        assert_eq!(events.iter().map(|event| event.kind).collect::<Vec<_>>(), [EventKind::Update]);
        host.answer(id, &old).verdict(false);
        assert_ne!(host.right(id), old);
        host.answer(id, &old).verdict(false);
    }
}

#[test]
fn pin_to_another_and_back_in_one_patch_ends_its_challenge() {
    let mut host = Host::default();
    let id = host.create(PIN);
    let old = host.right(id);
    host.patch(id, &patch(&[("pin", "987654321"), ("pin", "123456789")])).ok(200);
    host.answer(id, &old).verdict(false);
    let right = host.right(id);
    host.answer(id, &right).verdict(true);
    // The policy applies to each PIN, also to one that is replaced at once.
    let before = host.entry(id);
    host.patch(id, &patch(&[("pin", "1234"), ("pin", "987654321")])).bad("invalidValue");
    assert_eq!(host.entry(id), before);
}

#[test]
fn code_ends_with_disabling_and_enabling_in_one_patch_which_needs_the_roles_of_both() {
    let mut host = Host::default();
    let id = host.create(SMS);
    let right = host.right(id);
    let before = host.entry(id);
    for (roles, missing) in [(Roles::MANAGE, "cancel"), (Roles::CANCEL, "manage")] {
        host.roles = roles;
        assert!(host.patch(id, &patch(&[("status", "D"), ("status", "C")])).refused(403, None).contains(missing));
        assert_eq!(host.entry(id), before);
    }
    host.roles = Roles::MANAGE.union(Roles::CANCEL);
    assert_eq!(host.patch(id, &patch(&[("status", "D"), ("status", "C")])).ok(200)["status"], "C");
    host.roles = Roles::ALL;
    host.answer(id, &right).verdict(false);
    assert_eq!(host.store.memory.events.last().unwrap().reason, "no challenge");
}

#[test]
fn attribute_is_given_once_in_an_operation() {
    let mut host = Host::default();
    let id = host.create(SMS);
    let before = host.entry(id);
    for value in [r#"{"phone": "911222333", "phone": "911222334"}"#, r#"{"externalId": "a", "ExternalId": null}"#] {
        let detail = host.patch(id, &format!(r#"{{"Operations": [{{"op": "add", "value": {value}}}]}}"#)).bad("invalidSyntax");
        assert!(detail.contains("is repeated"), "{detail}");
        assert_eq!(host.entry(id), before);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn patch_of_several_operations_does_what_one_of_each_would(
        (body, attribute, values) in select(vec![
            (TOTP, "externalId", ["a", "b"]),
            (SMS, "phone", ["6665552222", "911222333"]),
            (EMAIL, "email", ["dilbert@example.com", "other@example.com"]),
            (PIN, "pin", ["123456789", "987654321"]),
        ]),
        choices in vec((0..6_usize, any::<bool>()), 1..8),
        roles in subsequence(vec![Roles::MANAGE, Roles::CANCEL, Roles::UNLOCK], 1..=3),
        is_locked in any::<bool>(),
        is_deleted in any::<bool>(),
    ) {
        let roles = roles.into_iter().fold(Roles::NONE, Roles::union);
        let changes: Vec<_> = choices
            .iter()
            .map(|(choice, second)| match ["C", "V", "L", "D"].get(*choice) {
                Some(letter) => ("status", *letter),
                None => (attribute, values[usize::from(*second)]),
            })
            .collect();
        // Two hosts whose generators draw the same secrets.
        let begin = || {
            let mut host = Host::default();
            let id = host.create(body);
            host.challenge(id).ok(200);
            host.answer(id, WRONG).verdict(false);
            if is_locked {
                host.replace(id, "status", "L").ok(200);
            }
            if is_deleted {
                prop_assert_eq!(host.send(Method::Delete, &format!("/OtpDevice/{id}"), "").0.status, 204);
            }
            host.roles = roles;
            Ok((host, id))
        };
        let ((mut one, id), (mut each, _)) = (begin()?, begin()?);
        let before = one.entry(id);
        let refused = changes.iter().find_map(|change| {
            let reply = each.patch(id, &patch(std::slice::from_ref(change)));
            (reply.0.status != 200).then_some(reply.0)
        });
        let lines = one.store.memory.events.len();
        let reply = one.patch(id, &patch(&changes)).0;
        let after = one.entry(id);
        let events = &one.store.memory.events[lines..];
        if let Some(refused) = refused {
            prop_assert_eq!((reply.status, reply.text()), (refused.status, refused.text()));
            prop_assert_eq!((&after, events), (&before, &[][..]));
        } else {
            let wanted = each.entry(id);
            prop_assert_eq!(reply.status, 200);
            prop_assert_eq!((&after.row, &after.device), (&wanted.row, &wanted.device));
            let is_changed = after != before;
            prop_assert_eq!(events.len(), 1);
            prop_assert!(is_changed == (after.row != before.row || after.device != before.device));
            let is_revived = is_deleted && changes.iter().any(|(attribute, value)| *attribute == "status" && *value != "D");
            let kind = if is_revived { EventKind::Revive } else { EventKind::Update };
            prop_assert!(events.iter().all(|event| event.kind == kind && event.reason == after.row.status.to_string()));
            prop_assert_eq!(after.row.deleted, is_deleted && !is_revived);
        }
    }
}
