//! Filters: what they parse to, the errors and their positions, and the devices that match.

use keyfob::{Kind, Status};
use keyfob_scim::{Attribute, Filter, Op, Row, SCHEMA, ScimType, ValueType};

fn text(attribute: Attribute, op: Op, value: &str) -> Filter {
    Filter::Text(attribute, op, value.to_owned())
}

fn user(value: &str) -> Filter {
    text(Attribute::User, Op::Eq, value)
}

fn not(filter: Filter) -> Filter {
    Filter::Not(Box::new(filter))
}

fn parsed(filter: &str) -> Filter {
    Filter::parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}"))
}

/// The position and the text of the error of a filter.
fn refused(filter: &str) -> (usize, String) {
    let error = Filter::parse(filter).expect_err(filter);
    assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidFilter)), "{filter}");
    let rest = error.detail.strip_prefix("filter, character ").unwrap_or_else(|| panic!("{filter}: {}", error.detail));
    let (place, fault) = rest.split_once(": ").unwrap();
    (place.parse().unwrap(), fault.to_owned())
}

#[test]
fn accepted_filters_become_what_they_say() {
    use Attribute as A;
    let (a, b, c) = (user("a"), user("b"), user("c"));
    for (filter, expected) in [
        (r#"type eq "TOTP""#, text(A::Type, Op::Eq, "TOTP")),
        (r#"  type  eq  "TOTP"  "#, text(A::Type, Op::Eq, "TOTP")),
        ("type eq 'TOTP'", text(A::Type, Op::Eq, "TOTP")),
        (r#"TYPE EQ "TOTP""#, text(A::Type, Op::Eq, "TOTP")),
        (r#"name eQ_cI "totp00000001""#, text(A::Name, Op::EqCi, "totp00000001")),
        (r#"user eq"a""#, a.clone()),
        (r#"user eq """#, user("")),
        (r#"user eq "it's""#, user("it's")),
        (r#"user eq 'say "a"'"#, user(r#"say "a""#)),
        (r#"user eq "and or not ( pr""#, user("and or not ( pr")),
        ("user eq '日本語'", user("日本語")),
        // Numbers may be in quotes or not, for text too.
        ("id eq 60", Filter::Number(A::Id, Op::Eq, 60)),
        (r#"id eq "60""#, Filter::Number(A::Id, Op::Eq, 60)),
        ("fails gt -1", Filter::Number(A::Fails, Op::Gt, -1)),
        ("id le 9223372036854775807", Filter::Number(A::Id, Op::Le, i64::MAX)),
        ("id ge -9223372036854775808", Filter::Number(A::Id, Op::Ge, i64::MIN)),
        ("phone sw 666", text(A::Phone, Op::Sw, "666")),
        // Dates in either form.
        (r#"created ge "2021-10-14 06:57:00""#, Filter::Number(A::Created, Op::Ge, 1_634_194_620)),
        (r#"lastUsed lt "2021-10-14T08:57:00+02:00""#, Filter::Number(A::LastUsed, Op::Lt, 1_634_194_620)),
        // `pr` of an attribute that every device has matches all.
        ("user pr", Filter::Present(A::User)),
        ("type pr", Filter::ALL),
        ("lastUsed PR", Filter::Present(A::LastUsed)),
        ("email eq null", not(Filter::Present(A::Email))),
        ("email ne NULL", Filter::Present(A::Email)),
        (r#"email eq "null""#, text(A::Email, Op::Eq, "null")),
        ("type eq null", Filter::Or(vec![])),
        ("type ne null", Filter::ALL),
        // Comparisons with constants have a fixed result.
        (r#"meta.resourceType eq "OtpDevice""#, Filter::ALL),
        (r#"meta.resourceType ne "OtpDevice""#, Filter::Or(vec![])),
        (r#"schemas co "soffid""#, Filter::ALL),
        // `and` binds closer than `or`, `not` closest.
        ("user eq 'a' or user eq 'b' and user eq 'c'", Filter::Or(vec![a.clone(), Filter::And(vec![b.clone(), c.clone()])])),
        ("user eq 'a' and user eq 'b' or user eq 'c'", Filter::Or(vec![Filter::And(vec![a.clone(), b.clone()]), c.clone()])),
        ("(user eq 'a' or user eq 'b') and user eq 'c'", Filter::And(vec![Filter::Or(vec![a.clone(), b.clone()]), c.clone()])),
        ("user eq 'a' OR user eq 'b' Or user eq 'c'", Filter::Or(vec![a.clone(), b.clone(), c.clone()])),
        ("not (user eq 'a') and user eq 'b'", Filter::And(vec![not(a.clone()), b.clone()])),
        ("not(user eq 'a' or user eq 'b')", not(Filter::Or(vec![a.clone(), b.clone()]))),
        ("NOT ((user eq 'a'))", not(a.clone())),
        ("not (not (user eq 'a'))", not(not(a.clone()))),
        ("((user eq 'a'))and(user eq 'b')", Filter::And(vec![a, b])),
    ] {
        assert_eq!(parsed(filter), expected, "{filter}");
    }
}

#[test]
fn errors_have_their_position() {
    for (filter, place, fault) in [
        ("", 1, "expected an attribute, not or ("),
        ("   ", 4, "expected an attribute"),
        (")", 1, "expected an attribute"),
        ("\"user\" eq \"a\"", 1, "expected an attribute"),
        ("nothing eq \"a\"", 1, "there is no attribute \"nothing\""),
        ("not user eq \"a\"", 1, "there is no attribute \"not\""),
        ("emails[type eq \"work\"]", 1, "there is no attribute of that name"),
        ("123456 eq \"a\"", 1, "there is no attribute of that name"),
        ("urn:ietf:params:scim:schemas:core:2.0:User:user pr", 1, "there is no attribute"),
        ("user", 5, "expected eq"),
        ("user is \"a\"", 6, "expected eq"),
        ("user \"eq\" \"a\"", 6, "expected eq"),
        ("user eq", 8, "expected a value"),
        ("user eq (", 9, "expected a value"),
        ("user eq a", 9, "expected text in quotes, a number or null"),
        ("user eq true", 9, "expected text in quotes"),
        ("user eq -inf", 9, "expected text in quotes"),
        ("user eq -", 9, "expected text in quotes"),
        ("user eq +1", 9, "expected text in quotes"),
        ("user gt null", 6, "null takes eq, eq_ci and ne only"),
        ("email sw null", 7, "null takes eq, eq_ci and ne only"),
        ("id co 6", 4, "co is for text, and id is none"),
        ("created SW '2021'", 9, "sw is for text, and created is none"),
        ("id eq 1.5", 7, "id is an integer"),
        ("id eq 9223372036854775808", 7, "id is an integer"),
        ("fails eq 'many'", 10, "fails is an integer"),
        ("created gt 'yesterday'", 12, "created is a date"),
        ("created gt 1634194620", 12, "created is a date"),
        ("created gt 2021-10-14T06:57:00Z", 12, "expected text in quotes"),
        ("pin eq '123456789'", 1, "pin cannot be searched"),
        ("pin pr", 1, "pin cannot be searched"),
        ("user pr and image eq null", 13, "image cannot be searched"),
        ("meta.location eq 'x'", 1, "meta.location cannot be searched"),
        ("user pr user pr", 9, "expected and, or, or the end"),
        ("user eq 'a' )", 13, "expected and, or, or the end"),
        ("user eq 'a' and", 16, "expected an attribute"),
        ("and user pr", 1, "there is no attribute \"and\""),
        ("(user pr", 9, "expected )"),
        ("(user pr user pr)", 10, "expected )"),
        ("not (", 6, "expected an attribute"),
        ("()", 2, "expected an attribute"),
        ("user eq \"a", 9, "text without its closing quote"),
        ("user eq 'a\"", 9, "text without its closing quote"),
        // Positions are counted in characters, not in bytes.
        ("user eq 'ü' or nothing pr", 16, "there is no attribute"),
        ("user eq '\\x'", 10, "an escape that JSON does not have"),
        ("user eq 'ab\\u12'", 12, "an escape that JSON does not have"),
        ("user eq '\\u12g4'", 10, "an escape that JSON does not have"),
        ("user eq '\\ud800'", 10, "an escape that JSON does not have"),
        ("user eq '\\ud800\\n'", 10, "an escape that JSON does not have"),
        ("user eq '\\ud800\\ud800'", 10, "an escape that JSON does not have"),
        ("user eq '\\udc00'", 10, "an escape that JSON does not have"),
        ("user eq 'a\\", 11, "an escape that JSON does not have"),
        // PostgreSQL's text cannot hold U+0000.
        ("user eq '\\u0000'", 10, "text must not have the character U+0000"),
        ("user eq 'a\0'", 11, "text must not have the character U+0000"),
        ("\0", 1, "text must not have the character U+0000"),
    ] {
        let (at, detail) = refused(filter);
        assert_eq!(at, place, "{filter:?}: {detail}");
        assert!(detail.starts_with(fault), "{filter:?}: {detail}");
    }
}

#[test]
fn escapes_are_those_of_json_and_the_single_quote() {
    for (written, value) in [
        (r#"\"\\\/\b\f\n\r\t"#, "\"\\/\u{8}\u{c}\n\r\t"),
        (r"\'", "'"),
        (r"\u0041\u00e9\u20AC", "Aé€"),
        (r"\ud83d\ude00", "😀"),
        (r"a\ud83d\ude00b", "a😀b"),
        (r"\uffff", "\u{ffff}"),
        (r"\u0001", "\u{1}"),
    ] {
        for quote in ['"', '\''] {
            assert_eq!(parsed(&format!("user eq {quote}{written}{quote}")), user(value), "{written}");
        }
    }
}

#[test]
fn every_operator_meets_every_attribute_by_its_type() {
    let ops = ["eq", "ne", "eq_ci", "co", "sw", "ew", "gt", "ge", "lt", "le"];
    for &attribute in Attribute::ALL {
        for op in ops {
            for name in [attribute.name().to_owned(), attribute.name().to_uppercase(), format!("{SCHEMA}:{}", attribute.name())] {
                let value = if attribute.value_type() == ValueType::Time { "2021-10-14" } else { "60" };
                let result = Filter::parse(&format!("{name} {op} \"{value}\""));
                let searches = ["co", "sw", "ew"].contains(&op);
                match (attribute.value_type(), result) {
                    (ValueType::Text, Ok(Filter::Text(parsed, _, text))) => assert_eq!((parsed, text.as_str()), (attribute, "60")),
                    (ValueType::Number, Ok(Filter::Number(parsed, _, number))) if !searches => {
                        assert_eq!((parsed, number), (attribute, 60));
                    }
                    (ValueType::Time, Ok(Filter::Number(parsed, _, time))) if !searches => {
                        assert_eq!((parsed, time), (attribute, 1_634_169_600));
                    }
                    (ValueType::Constant(_), Ok(Filter::And(parts) | Filter::Or(parts))) => assert_eq!(parts, []),
                    (ValueType::Number | ValueType::Time, Err(error)) if searches => assert!(error.detail.contains("is for text")),
                    (ValueType::Opaque, Err(error)) => assert!(error.detail.contains("cannot be searched")),
                    (class, result) => panic!("{name} {op}: {class:?}, {result:?}"),
                }
            }
        }
    }
}

#[test]
fn budgets_hold_to_the_last_unit() {
    let nested = |depth: usize| format!("{}user pr{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(parsed(&nested(32)), Filter::Present(Attribute::User));
    assert_eq!(refused(&nested(33)), (34, "more than 32 levels of parentheses and not".to_owned()));
    // A `not (` has two levels: one is its parenthesis.
    let negated = |depth: usize| format!("{}user pr{}", "not (".repeat(depth), ")".repeat(depth));
    assert!(Filter::parse(&negated(16)).is_ok());
    assert_eq!(refused(&negated(17)).1, "more than 32 levels of parentheses and not");
    assert_eq!(refused(&"(".repeat(8192)).0, 34);

    let many = |terms: usize| vec!["user pr"; terms].join(" or ");
    assert!(Filter::parse(&many(200)).is_ok());
    assert_eq!(refused(&many(201)), (200 * 11 + 1, "more than 200 comparisons".to_owned()));

    let long = |length: usize| format!("user eq \"{}\"", "x".repeat(length - 10));
    assert!(Filter::parse(&long(8192)).is_ok());
    let error = Filter::parse(&long(8193)).unwrap_err();
    assert_eq!(error.detail, "filter: is longer than 8192 bytes");
    assert_eq!(error.to_string(), "400: filter: is longer than 8192 bytes");
    assert_eq!(error.scim_type, Some(ScimType::InvalidFilter));
}

fn row() -> Row {
    Row {
        id: 60,
        name: "TOTP00000001".to_owned(),
        user: "Franck".to_owned(),
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
    }
}

#[test]
fn each_operator_matches_as_its_name_says() {
    for filter in [
        "user eq 'Franck'",
        "user ne 'franck'",
        "user eq_ci 'fRANCK'",
        "user co 'ran'",
        "user co ''",
        "user sw 'Fra'",
        "user ew 'nck'",
        "user gt 'Agatha'",
        "user ge 'Franck'",
        "user lt 'franck'",
        "user le 'Franck'",
        "type eq 'TOTP' and status eq 'V'",
        "id eq 60 and id ne 61 and id gt 59 and id ge 60 and id lt 61 and id le 60 and id eq_ci 60",
        "fails gt 2",
        "created eq '2021-10-14 06:57:00' and created lt '2021-10-14T06:57:01Z'",
        "phone pr",
        "schemas pr",
        "meta.resourceType eq_ci 'otpdevice'",
    ] {
        assert!(parsed(filter).matches(&row()), "{filter}");
        assert!(!parsed(&format!("not ({filter})")).matches(&row()), "{filter}");
    }
    for filter in [
        "user eq 'franck'",
        "user ne 'Franck'",
        "user eq_ci 'frank'",
        "user co 'RAN'",
        "user sw 'ran'",
        "user ew 'Fra'",
        "user gt 'Franck'",
        "user lt 'Franck'",
        "id gt 60",
        "id lt 60",
        "fails eq 30",
        "schemas eq 'x'",
    ] {
        assert!(!parsed(filter).matches(&row()), "{filter}");
        assert!(parsed(&format!("not ({filter})")).matches(&row()), "{filter}");
    }
}

/// Against exact arithmetic on nanoseconds.
#[test]
fn dates_are_compared_with_their_fractions() {
    type Holds = fn(&i128, &i128) -> bool;
    let ops: [(&str, Holds); 6] =
        [("eq", i128::eq), ("ne", i128::ne), ("gt", i128::gt), ("ge", i128::ge), ("lt", i128::lt), ("le", i128::le)];
    let nanos = |seconds: i64, nanos: i128| i128::from(seconds) * 1_000_000_000 + nanos;
    // 1969-12-31T23:59:58Z, the epoch, and a day of 2021.
    for (second, minute, base) in
        [(58, "1969-12-31T23:59", -60_i64), (0, "1970-01-01T00:00", 0), (51, "2021-10-14T06:57", 1_634_194_620)]
    {
        let seconds = base + i64::from(second);
        for (at, shift) in [(second - 1, -1_i64), (second, 0), (second + 1, 1)].into_iter().filter(|(at, _)| (0..60).contains(at)) {
            for (fraction, part) in [("", 0), (".0", 0), (".5", 500_000_000), (".000000001", 1), (".999999999", 999_999_999)] {
                for (op, holds) in ops {
                    for attribute in ["created", "lastUsed", "meta.created", "meta.lastModified"] {
                        let filter = format!("{attribute} {op} \"{minute}:{at:02}{fraction}Z\"");
                        let Ok(unsigned) = u64::try_from(seconds) else {
                            // No device is that old. The filter itself is exact.
                            let expected = holds(&nanos(seconds, 0), &nanos(seconds + shift, part));
                            assert_eq!(holds_at(&parsed(&filter), seconds), expected, "{filter}");
                            continue;
                        };
                        let row = Row { created: unsigned, last_used: Some(unsigned), last_modified: unsigned, ..row() };
                        let expected = holds(&nanos(seconds, 0), &nanos(seconds + shift, part));
                        assert_eq!(parsed(&filter).matches(&row), expected, "{filter} of {seconds}");
                    }
                }
            }
        }
    }
    assert!(
        !parsed("lastUsed lt '2021-10-14T06:57:00.5Z'").matches(&row())
            && parsed("lastUsed ne '2021-10-14T06:57:00.5Z'").matches(&row())
    );
}

/// The result of a comparison with a time before 1970.
fn holds_at(filter: &Filter, seconds: i64) -> bool {
    match filter {
        Filter::Number(_, Op::Eq, wanted) => seconds == *wanted,
        Filter::Number(_, Op::Ne, wanted) => seconds != *wanted,
        Filter::Number(_, Op::Gt, wanted) => seconds > *wanted,
        Filter::Number(_, Op::Ge, wanted) => seconds >= *wanted,
        Filter::Number(_, Op::Lt, wanted) => seconds < *wanted,
        Filter::Number(_, Op::Le, wanted) => seconds <= *wanted,
        Filter::And(none) if none.is_empty() => true,
        Filter::Or(none) if none.is_empty() => false,
        other => panic!("{other:?}"),
    }
}

#[test]
fn id_that_no_device_can_have_matches_none() {
    for id in ["abc", "", "060", "+60", "60 ", "60.0", "9223372036854775808", "6\u{660}"] {
        assert!(!parsed(&format!("id eq \"{id}\"")).matches(&row()), "{id}");
        assert!(!parsed(&format!("id eq_ci \"{id}\"")).matches(&row()), "{id}");
        assert!(parsed(&format!("id ne \"{id}\"")).matches(&row()), "{id}");
    }
    // Text and numbers have no common order, and an id has none as text.
    assert_eq!(refused("id gt \"abc\"").1, "id is an integer");
    assert_eq!(refused("id eq 6.5").1, "id is an integer");
}

#[test]
fn each_attribute_is_read_from_its_own_column() {
    let row = Row {
        email: Some("franck@example.com".to_owned()),
        external_id: Some("badge 7".to_owned()),
        last_used: Some(1_634_194_680),
        last_modified: 1_634_194_740,
        ..row()
    };
    for filter in [
        "id eq 60",
        "name eq 'TOTP00000001'",
        "user eq 'Franck'",
        "type eq 'TOTP'",
        "status eq 'V'",
        "email eq 'franck@example.com'",
        "phone eq '666555444'",
        "externalId eq 'badge 7'",
        "fails eq 3",
        "created eq '2021-10-14 06:57:00'",
        "lastUsed eq '2021-10-14 06:58:00'",
        "meta.created eq '2021-10-14 06:57:00'",
        "meta.lastModified eq '2021-10-14 06:59:00'",
    ] {
        assert!(parsed(filter).matches(&row), "{filter}");
    }
}

#[test]
fn missing_attribute_is_unequal_and_matches_no_other_operator() {
    for attribute in ["email", "externalId", "lastUsed"] {
        let value = if attribute == "lastUsed" { "1970-01-01" } else { "" };
        for op in ["eq", "eq_ci", "gt", "ge", "lt", "le"] {
            let filter = format!("{attribute} {op} '{value}'");
            assert!(!parsed(&filter).matches(&row()), "{filter}");
            assert!(parsed(&format!("not ({filter})")).matches(&row()), "{filter}");
        }
        assert!(parsed(&format!("{attribute} ne '{value}'")).matches(&row()), "{attribute}");
        assert!(!parsed(&format!("{attribute} pr")).matches(&row()), "{attribute}");
        assert!(parsed(&format!("{attribute} eq null")).matches(&row()), "{attribute}");
        assert!(!parsed(&format!("{attribute} ne null")).matches(&row()), "{attribute}");
    }
    for op in ["co", "sw", "ew"] {
        assert!(!parsed(&format!("email {op} ''")).matches(&row()), "{op}");
    }
}

#[test]
fn text_filter_reads_user_and_name_in_any_case() {
    for wanted in ["FRAN", "totp0000", "1", ""] {
        assert!(Filter::UserOrNameContains(wanted.to_owned()).matches(&row()), "{wanted}");
    }
    for wanted in ["666", "ü", "franck totp"] {
        assert!(!Filter::UserOrNameContains(wanted.to_owned()).matches(&row()), "{wanted}");
    }
}
