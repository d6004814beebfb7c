//! JSON of bodies. All text, numbers and names are wiped on drop, after a syntax error too, since
//! any of them may be a PIN or a code. (The parser's own buffer for text with escapes is not
//! wiped.)

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

/// A value.
///
/// The methods accept the variants of the plain form that clients write: a number as text, an
/// integer with a fraction of zero, a list of exactly one value for the value, and a value for a
/// list of it.
#[derive(Clone)]
pub(crate) enum Value {
    Null,
    Text(Zeroizing<String>),
    Integer(Zeroizing<i64>),
    List(Vec<Value>),
    Object(Object),
    /// A value that no attribute takes: `true`, `false`, a fraction, or a number that is too large.
    Other,
}

/// An object as it was written: a name may be repeated.
#[derive(Clone)]
pub(crate) struct Object(Vec<(Zeroizing<String>, Value)>);

impl Object {
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl Value {
    pub(crate) const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The only value of a list; any other value itself.
    fn only(&self) -> &Self {
        match self {
            Self::List(list) => {
                if let [only] = list.as_slice() {
                    only
                } else {
                    self
                }
            }
            _ => self,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&Zeroizing<String>> {
        if let Self::Text(text) = self.only() { Some(text) } else { None }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        self.as_text().map(|text| text.as_str())
    }

    pub(crate) fn as_integer(&self) -> Option<i64> {
        match self.only() {
            Self::Integer(number) => Some(**number),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    pub(crate) fn as_object(&self) -> Option<&Object> {
        if let Self::Object(object) = self.only() { Some(object) } else { None }
    }

    /// The values of a list; any other value as a list of one.
    pub(crate) fn items(&self) -> &[Self] {
        if let Self::List(list) = self { list } else { std::slice::from_ref(self) }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Other)
    }

    /// Some clients have one type of number only, and write `2` as `2.0`. Integers up to 2^53 are
    /// exact.
    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;
        let is_integer = number.fract() == 0.0 && number.abs() < MAX_EXACT_INTEGER;
        #[expect(clippy::cast_possible_truncation, reason = "it has no fraction, and fits")]
        let integer = is_integer.then(|| Value::Integer(Zeroizing::new(number as i64)));
        Ok(integer.unwrap_or(Value::Other))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Integer(Zeroizing::new(number)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::Other, |number| Value::Integer(Zeroizing::new(number))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(Zeroizing::new(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(Zeroizing::new(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Vec::new();
        while let Some((name, value)) = members.next_entry()? {
            let Value::Text(name) = name else { return Err(A::Error::custom("a name must be text")) };
            object.push((name, value));
        }
        Ok(Value::Object(Object(object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accepts only a type that wipes its value.
    fn is_wiped<T>(_: &Zeroizing<T>) -> bool
    where
        T: zeroize::Zeroize,
    {
        true
    }

    fn are_wiped(value: &Value) -> bool {
        match value {
            Value::Null | Value::Other => true,
            Value::Text(text) => is_wiped(text),
            Value::Integer(number) => is_wiped(number),
            Value::List(list) => list.iter().all(are_wiped),
            Value::Object(Object(members)) => members.iter().all(|(name, value)| is_wiped(name) && are_wiped(value)),
        }
    }

    #[test]
    fn bodies_are_wiped_and_lose_no_member() {
        let body = br#"{"pin": "123456", "pin": 123456, "list": ["1\u0032", null, true, 1.5, 18446744073709551615, {"a": -7}]}"#;
        let value: Value = serde_json::from_slice(body).unwrap();
        assert!(are_wiped(&value));
        let Value::Object(object) = &value else { panic!("an object") };
        let names: Vec<_> = object.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["pin", "pin", "list"], "nothing is dropped unseen");
        let list = object.iter().nth(2).map(|(_, value)| value.items()).unwrap();
        assert_eq!(list[0].as_str(), Some("12"));
        assert!(list[1].is_null() && list[2..5].iter().all(|value| matches!(value, Value::Other)));
        let inner = list[5].as_object().unwrap();
        assert_eq!(inner.iter().next().map(|(name, value)| (name, value.as_integer())), Some(("a", Some(-7))));
    }

    #[test]
    fn values_are_read_from_the_variants_that_clients_write() {
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        for integer in ["2", "2.0", "0.2e1", r#""2""#, "[2]", r#"["2"]"#] {
            assert_eq!(read(integer).as_integer(), Some(2), "{integer}");
        }
        for other in
            ["2.5", "1e300", "9007199254740993.0", "[2, 2]", "[]", "[[2]]", r#""2.0""#, r#"" 2""#, r#""""#, "true", "null", "{}"]
        {
            assert_eq!(read(other).as_integer(), None, "{other}");
        }
        for text in [r#""V""#, r#"["V"]"#] {
            assert_eq!(read(text).as_str(), Some("V"), "{text}");
            assert_eq!(read(text).items().len(), 1);
        }
        for other in [r#"["V", "V"]"#, r#"[["V"]]"#, "[]", "7", "null"] {
            assert_eq!(read(other).as_str(), None, "{other}");
        }
        assert!(read("{}").as_object().is_some() && read("[{}]").as_object().is_some() && read("[{}, {}]").as_object().is_none());
    }
}
