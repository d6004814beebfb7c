//! Filters of any shape: written out and read back they are the same, and crate `scim_v2` reads
//! them as we do.
//!
//! Where its grammar and ours differ, the generated filters keep to what both know:
//!
//! - ours alone has `eq_ci`, single quotes, `\'`, and words that touch a quote or a parenthesis
//!   (`eq"a"`, `)and(`);
//! - ours alone knows which attributes there are and of what kind each is, so `user eq true` and
//!   `id eq "x"` are refused;
//! - ours reads `null` and any number as a word in any case and form (`NULL`, `007`), its own as
//!   JSON has them;
//! - its own joins `a and (b and c)` to one list of three, ours keeps the parentheses: compared
//!   once both are joined;
//! - its own has value paths (`emails[type eq "work"]`), which no attribute of ours can have;
//! - its own allows 64 levels and 1024 comparisons.

use jiff::Timestamp;
use keyfob::{Kind, Status};
use keyfob_scim::{Attribute, Filter, Op, Row, SCHEMA, ValueType};
use proptest::prelude::*;
use scim_v2::filter as theirs;

const TEXTS: [Attribute; 7] = [
    Attribute::ExternalId,
    Attribute::Name,
    Attribute::Type,
    Attribute::User,
    Attribute::Status,
    Attribute::Email,
    Attribute::Phone,
];
const OPTIONAL: [Attribute; 4] = [Attribute::ExternalId, Attribute::LastUsed, Attribute::Email, Attribute::Phone];
const OPS: [(Op, &str); 10] = [
    (Op::Eq, "eq"),
    (Op::Ne, "ne"),
    (Op::Gt, "gt"),
    (Op::Ge, "ge"),
    (Op::Lt, "lt"),
    (Op::Le, "le"),
    (Op::Co, "co"),
    (Op::Sw, "sw"),
    (Op::Ew, "ew"),
    (Op::EqCi, "eq_ci"),
];

/// Any filter, with or without `eq_ci`.
fn filters(shared: bool) -> impl Strategy<Value = Filter> {
    let ops = if shared { 9_usize } else { 10 };
    let value = prop_oneof!["[a-cA-C]{0,3}", "[^\0]{0,12}"];
    let seconds = -62_000_000_000..253_000_000_000_i64;
    let leaf = prop_oneof![
        (0..TEXTS.len(), 0..ops, value)
            .prop_map(|(at, op, value): (usize, usize, String)| Filter::Text(TEXTS[at], OPS[op].0, value)),
        (any::<bool>(), 0..6_usize, prop_oneof![-3..70_i64, any::<i64>()])
            .prop_map(|(id, op, number)| { Filter::Number(if id { Attribute::Id } else { Attribute::Fails }, OPS[op].0, number) }),
        (any::<bool>(), 0..6_usize, seconds).prop_map(|(created, op, time)| {
            Filter::Number(if created { Attribute::Created } else { Attribute::LastUsed }, OPS[op].0, time)
        }),
        (0..OPTIONAL.len()).prop_map(|at| Filter::Present(OPTIONAL[at])),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

/// The choices in writing a filter.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
struct Style {
    urn: bool,
    upper: bool,
    single: bool,
    ascii: bool,
    parentheses: bool,
}

fn styles() -> impl Strategy<Value = Style> {
    any::<[bool; 5]>().prop_map(|[urn, upper, single, ascii, parentheses]| Style { urn, upper, single, ascii, parentheses })
}

fn write(filter: &Filter, style: &Style) -> String {
    let word = |word: &str| if style.upper { word.to_uppercase() } else { word.to_owned() };
    let name = |attribute: &Attribute| {
        let urn = if style.urn { format!("{SCHEMA}:") } else { String::new() };
        word(&format!("{urn}{}", attribute.name()))
    };
    let op = |wanted: &Op| word(OPS.iter().find(|(op, _)| op == wanted).unwrap().1);
    let group = |filter: &Filter, keeps: bool| match filter {
        Filter::And(_) | Filter::Or(_) if !keeps || style.parentheses => format!("({})", write(filter, style)),
        _ => write(filter, style),
    };
    match filter {
        Filter::And(parts) => parts.iter().map(|part| group(part, false)).collect::<Vec<_>>().join(&word(" and ")),
        Filter::Or(parts) => {
            parts.iter().map(|part| group(part, matches!(part, Filter::And(_)))).collect::<Vec<_>>().join(&word(" or "))
        }
        Filter::Not(part) => format!("{} ({})", word("not"), write(part, style)),
        Filter::Present(attribute) => format!("{} {}", name(attribute), word("pr")),
        Filter::Text(attribute, by, value) => format!("{} {} {}", name(attribute), op(by), quote(value, style)),
        Filter::Number(attribute, by, number) if attribute.value_type() == ValueType::Time => {
            format!("{} {} \"{}\"", name(attribute), op(by), Timestamp::from_second(*number).unwrap())
        }
        Filter::Number(attribute, by, number) => format!("{} {} {number}", name(attribute), op(by)),
        Filter::UserOrNameContains(_) => unreachable!("no filter says that"),
    }
}

fn quote(value: &str, style: &Style) -> String {
    let sign = if style.single { '\'' } else { '"' };
    let char = |char: char| match char {
        '\\' => "\\\\".to_owned(),
        _ if char == sign => format!("\\{char}"),
        ' '..='~' => char.to_string(),
        _ if style.ascii || char.is_control() => {
            char.encode_utf16(&mut [0; 2]).iter().fold(String::new(), |escaped, unit| format!("{escaped}\\u{unit:04x}"))
        }
        _ => char.to_string(),
    };
    format!("{sign}{}{sign}", value.chars().map(char).collect::<String>())
}

/// The same with each list joined to the one of its kind around it.
fn joined(filter: Filter) -> Filter {
    let lists = |parts: Vec<Filter>, is_and: bool| {
        let parts = parts.into_iter().map(joined);
        parts.flat_map(move |part| match part {
            Filter::And(inner) if is_and => inner,
            Filter::Or(inner) if !is_and => inner,
            other => vec![other],
        })
    };
    match filter {
        Filter::And(parts) => Filter::And(lists(parts, true).collect()),
        Filter::Or(parts) => Filter::Or(lists(parts, false).collect()),
        Filter::Not(part) => Filter::Not(Box::new(joined(*part))),
        leaf => leaf,
    }
}

/// A filter of `scim_v2` as one of ours.
fn converted(filter: &theirs::Filter) -> Filter {
    use theirs::{AttrExp, CompValue, CompareOp};
    let attribute = |path: &theirs::AttrPath| {
        let urn = path.uri.as_ref().map_or(String::new(), |urn| format!("{urn}:"));
        let part = path.sub_attr.as_ref().map_or(String::new(), |part| format!(".{part}"));
        Attribute::parse(&format!("{urn}{}{part}", path.name)).unwrap()
    };
    match filter {
        theirs::Filter::And(parts) => Filter::And(parts.iter().map(converted).collect()),
        theirs::Filter::Or(parts) => Filter::Or(parts.iter().map(converted).collect()),
        theirs::Filter::Not(part) => Filter::Not(Box::new(converted(part))),
        theirs::Filter::Attr(AttrExp::Present(path)) => {
            if attribute(path).is_always_present() {
                Filter::ALL
            } else {
                Filter::Present(attribute(path))
            }
        }
        theirs::Filter::Attr(AttrExp::Comparison(path, op, value)) => {
            let op = match op {
                CompareOp::Eq => Op::Eq,
                CompareOp::Ne => Op::Ne,
                CompareOp::Co => Op::Co,
                CompareOp::Sw => Op::Sw,
                CompareOp::Ew => Op::Ew,
                CompareOp::Gt => Op::Gt,
                CompareOp::Lt => Op::Lt,
                CompareOp::Ge => Op::Ge,
                CompareOp::Le => Op::Le,
            };
            match (attribute(path), value) {
                (attribute, CompValue::Str(text)) if attribute.value_type() == ValueType::Time => {
                    Filter::Number(attribute, op, text.parse::<Timestamp>().unwrap().as_second())
                }
                (attribute, CompValue::Str(text)) => Filter::Text(attribute, op, text.clone()),
                (attribute, CompValue::Number(number)) => Filter::Number(attribute, op, number.as_i64().unwrap()),
                other => panic!("a value that no generated filter has: {other:?}"),
            }
        }
        theirs::Filter::ValuePath(_) => panic!("no generated filter has a value path"),
    }
}

/// Devices with and without optional attributes.
fn rows() -> impl Strategy<Value = Row> {
    let text = "[a-cA-C]{0,3}";
    let optional = prop::option::of(text);
    let numbers = (1..70_i64, 0..5_u32, 0..253_000_000_000_u64, prop::option::of(0..253_000_000_000_u64));
    (text, text, optional.clone(), optional.clone(), optional, numbers).prop_map(
        |(name, user, email, phone, external_id, (id, fails, created, last_used))| Row {
            id,
            name,
            user,
            email,
            phone,
            external_id,
            deleted: false,
            kind: Kind::Totp,
            status: Status::Created,
            fails,
            created,
            last_used,
            last_modified: last_used.unwrap_or(created),
        },
    )
}

/// Words of filters, in any order.
fn soup() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec!["user", "email", "eq", "co", "pr", "and", "or", "not", "(", ")", "\"a\""]);
    let sentence =
        prop::sample::select(vec!["user pr", "email eq \"a\"", "not ( email pr )", "( user pr )", "and", "or", "(", ")"]);
    prop::collection::vec(prop_oneof![1 => word, 3 => sentence], 1..9).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn text_is_parsed_or_refused_without_a_panic(text in "\\PC{0,60}", soup in soup(), cut in 0..60_usize) {
        let _ = Filter::parse(&text);
        let cut = soup.chars().take(cut).collect::<String>();
        if let Err(error) = Filter::parse(&cut) {
            prop_assert!(error.detail.starts_with("filter, character "), "{}", error.detail);
        }
    }

    #[test]
    fn filters_that_are_written_out_are_read_back(filter in filters(false), style in styles()) {
        let text = write(&filter, &style);
        prop_assert_eq!(Filter::parse(&text).map_err(|error| format!("{text}: {error}")), Ok(filter));
    }

    #[test]
    fn scim_v2_reads_the_same(filter in filters(true), style in styles()) {
        let style = Style { single: false, ..style };
        let text = write(&filter, &style);
        let theirs: theirs::Filter = text.parse().map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        prop_assert_eq!(joined(converted(&theirs)), joined(Filter::parse(&text).unwrap()), "{}", text);
    }

    #[test]
    fn scim_v2_accepts_and_refuses_the_same(soup in soup()) {
        let (ours, theirs) = (Filter::parse(&soup), soup.parse::<theirs::Filter>());
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => prop_assert_eq!(joined(ours), joined(converted(&theirs)), "{}", soup),
            // `scim_v2` accepts any word as an attribute.
            (Err(ours), Ok(_)) => prop_assert!(ours.detail.contains("there is no attribute"), "{}: {}", soup, ours),
            (ours, theirs) => prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{}: {:?}", soup, theirs),
        }
    }

    /// Two-valued: a missing attribute makes no third value.
    #[test]
    fn not_is_the_complement_and_and_or_follow_de_morgan(one in filters(false), other in filters(false), row in rows(), style in styles()) {
        let matches = |text: &str| Filter::parse(text).unwrap().matches(&row);
        let (one, other) = (write(&one, &style), write(&other, &style));
        prop_assert_ne!(matches(&one), matches(&format!("not ({one})")));
        prop_assert_eq!(matches(&format!("not (({one}) and ({other}))")), matches(&format!("not ({one}) or not ({other})")));
        prop_assert_eq!(matches(&format!("not (({one}) or ({other}))")), matches(&format!("not ({one}) and not ({other})")));
    }

    /// `ne` is the complement of `eq`, and `pr` of `eq null`, of every attribute and device.
    #[test]
    fn ne_is_the_complement_of_eq(at in 0..TEXTS.len(), value in "[a-c]{0,2}", row in rows()) {
        let matches = |op: &str, value: &str| Filter::parse(&format!("{} {op} {value}", TEXTS[at].name())).unwrap().matches(&row);
        let value = format!("'{value}'");
        prop_assert_ne!(matches("eq", &value), matches("ne", &value));
        prop_assert_ne!(matches("pr", ""), matches("eq", "null"));
        prop_assert_eq!(matches("pr", ""), matches("ne", "null"));
    }
}
