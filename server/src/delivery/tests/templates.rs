//! Placeholders: whatever a value is, its reader gets that value.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use proptest::prelude::*;

use super::{CODE, Channel, message};
use crate::delivery::gateway::excerpt;
use crate::delivery::template::{Encoding, Template};
use crate::delivery::values::Values;

/// A value as it is written.
fn written(value: &str, encoding: Encoding) -> Result<String, String> {
    let text =
        Template::parse("${x}").unwrap().render(encoding, |name| if name == "x" { Ok(value) } else { Err("none".to_owned()) });
    text.map(|text| text.as_str().to_owned())
}

/// What a reader of XML makes of a text.
fn read_xml(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('&') {
        let (name, after) = behind.split_once(';').unwrap();
        out.push_str(before);
        out.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            number => char::from_u32(number.strip_prefix('#').unwrap().parse().unwrap()).unwrap(),
        });
        rest = after;
    }
    out + rest
}

proptest! {
    #[test]
    fn urls_and_forms(value in any::<String>()) {
        let url = written(&value, Encoding::Percent).unwrap();
        prop_assert!(url.chars().all(|c| c.is_ascii_alphanumeric() || "-._~%".contains(c)));
        prop_assert_eq!(percent_decode_str(&url).decode_utf8().unwrap(), &*value);
        let form = written(&value, Encoding::Form).unwrap();
        prop_assert!(form.chars().all(|c| c.is_ascii_alphanumeric() || "-._~%+".contains(c)));
        let form = form.replace('+', " ");
        prop_assert_eq!(percent_decode_str(&form).decode_utf8().unwrap(), &*value);
    }

    #[test]
    fn json(value in any::<String>()) {
        let text = written(&value, Encoding::Json).unwrap();
        prop_assert_eq!(serde_json::from_str::<String>(&format!("\"{text}\"")).unwrap(), value);
    }

    #[test]
    fn xml_and_lines(value in any::<String>()) {
        match written(&value, Encoding::Xml) {
            Ok(text) => {
                prop_assert!(!text.contains(['<', '>', '"', '\'', '\r', '\n', '\0']));
                prop_assert_eq!(read_xml(&text), &*value);
            }
            Err(_) => prop_assert!(value.contains(|c: char| c < ' ' || ['\u{fffe}', '\u{ffff}'].contains(&c)), "{:?}", value),
        }
        match written(&value, Encoding::Line) {
            Ok(text) => prop_assert_eq!(&text, &value),
            Err(_) => prop_assert!(value.contains(char::is_control)),
        }
    }

    #[test]
    fn any_text_is_a_template_or_an_error(text in "[${}a-z\"\\\\ ]{0,20}") {
        match Template::parse(&text) {
            Ok(template) => {
                let _ = template.check_json();
                if !text.contains("${") {
                    let same = template.render(Encoding::Plain, |_| Err("none".to_owned())).unwrap();
                    prop_assert_eq!(same.as_str(), text);
                }
            }
            Err(_) => prop_assert!(text.contains("${"), "{}", text),
        }
    }
}

#[test]
fn names_of_placeholders() {
    for text in ["${", "${PIN", "a ${PIN} ${", "${}", "${a b}", "${a${PIN}}", "${pin}", "${Pin_Spaced}"] {
        assert!(Template::parse(text).is_err(), "{text}");
    }
    let template = Template::parse("$${a.b-c:d_1}}$").unwrap();
    let found = template.render(Encoding::Plain, |name| if name == "a.b-c:d_1" { Ok("value") } else { Err("none".to_owned()) });
    assert_eq!(found.unwrap().as_str(), "$value}$");
    assert_eq!(template.render(Encoding::Plain, |name| Err(format!("no {name}"))).unwrap_err(), "no a.b-c:d_1");
}

#[test]
fn json_has_its_values_in_strings() {
    for text in ["{\"a\": \"${x}\"}", "[\"\\\"${x}${y}\\\\\", 1]", "\"${x}\""] {
        assert_eq!(Template::parse(text).unwrap().check_json(), Ok(()), "{text}");
    }
    for text in ["{\"a\": ${x}}", "{\"a\": \"\\${x}\"}", "{\"a\": \"${x}\"", "{'a': '${x}'}", "\"\"${x}\"\""] {
        assert!(Template::parse(text).unwrap().check_json().is_err(), "{text}");
    }
}

#[test]
fn built_in_placeholders_take_precedence_over_attributes() {
    let attributes: BTreeMap<_, _> = ["PIN", "PHONE", "EMAIL", "USER"].map(|name| (name.to_owned(), "no".to_owned())).into();
    let sms = message(Channel::Sms, "666", &attributes);
    let values = Values::new(&sms);
    assert_eq!(["PIN", "USER", "PHONE", "EMAIL"].map(|name| values.get(name).unwrap()), [CODE, "alice", "666", "no"]);
    assert_eq!(values.get("PIN_SPACED"), Ok("8 0 4 3 1 7"));
    assert_eq!(values.get("pin").unwrap_err(), "the user has no attribute pin");
}

#[test]
fn excerpts_have_no_secret() {
    let said = excerpt("Error: x804317y 804 317 8%200 for +34, key abcd1 or 'abcdefghijklmnop' is wrong");
    assert_eq!(said, "Error: *** *** *** ***%*** for +***, key *** or '***' is wrong");
    assert_eq!(excerpt(&"é ".repeat(300)).chars().count(), 200);
}
