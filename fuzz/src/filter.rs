//! Any text as a filter: it is parsed or refused in its place, and what it matches its negation
//! does not.

use keyfob::{Kind, Status};
use keyfob_scim::{Filter, Row, ScimType};

fn has_nul(filter: &Filter) -> bool {
    match filter {
        Filter::And(filters) | Filter::Or(filters) => filters.iter().any(has_nul),
        Filter::Not(filter) => has_nul(filter),
        Filter::Text(_, _, text) | Filter::UserOrNameContains(text) => text.contains('\0'),
        Filter::Present(_) | Filter::Number(..) => false,
    }
}

pub fn run(text: &str) {
    let row = Row {
        id: 60,
        name: "TOTP00000001".to_owned(),
        user: "franck".to_owned(),
        email: None,
        phone: Some("666555444".to_owned()),
        external_id: None,
        deleted: false,
        kind: Kind::Totp,
        status: Status::Validated,
        fails: 3,
        created: 1_634_194_620,
        last_used: None,
        last_modified: 1_634_194_680,
    };
    match Filter::parse(text) {
        Ok(filter) => {
            assert!(!has_nul(&filter), "no store could hold it");
            // The text of the negation may be too long or too deep.
            if let Ok(negation) = Filter::parse(&format!("not ({text})")) {
                assert_ne!(filter.matches(&row), negation.matches(&row));
            }
        }
        Err(error) => assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidFilter))),
    }
}
