//! The parameters of a URL, and its percent-encoding.

use std::borrow::Cow;
use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use crate::error::Error;

/// The parameters that the operations know.
const KNOWN: [&str; 10] =
    ["filter", "textFilter", "sortBy", "sortOrder", "startIndex", "cursor", "count", "attributes", "excludedAttributes", "channel"];
/// The parameters that may be repeated, since each is a list of names.
const LISTS: [&str; 2] = ["attributes", "excludedAttributes"];

/// The parameters of a query that the operations know. Others are ignored.
pub(crate) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads a query as it was sent. Repeated lists are joined.
    ///
    /// Errors: 400 for a bad encoding, or a repeated parameter that is no list.
    pub(crate) fn parse(query: &str) -> Result<Self, Error> {
        let mut parameters: BTreeMap<String, String> = BTreeMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let [name, value] = [name, value].map(|text| decode(&text.replace('+', " ")).map(Cow::into_owned));
            let (name, value) = (name?, value?);
            match parameters.get_mut(&name) {
                Some(list) if LISTS.contains(&name.as_str()) => {
                    list.push(',');
                    list.push_str(&value);
                }
                Some(_) => return Err(Error::syntax(format!("URL: the parameter {name} is repeated; give it once"))),
                None if KNOWN.contains(&name.as_str()) => drop(parameters.insert(name, value)),
                None => {}
            }
        }
        Ok(Self(parameters))
    }

    /// The value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The names in a parameter that lists them, separated by commas.
    pub(crate) fn names(&self, name: &str) -> Option<Vec<String>> {
        Some(self.get(name)?.split(',').map(|name| name.trim().to_owned()).collect())
    }
}

/// Decodes a part of a URL.
///
/// Errors: 400 for a percent sign without two hexadecimal digits after it, and for bytes that are
/// not UTF-8.
pub(crate) fn decode(text: &str) -> Result<Cow<'_, str>, Error> {
    let is_encoded = |rest: &str| rest.as_bytes().first_chunk::<2>().is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit));
    if !text.split('%').skip(1).all(is_encoded) {
        return Err(Error::syntax("URL: a percent sign has no two hexadecimal digits after it"));
    }
    percent_decode_str(text).decode_utf8().map_err(|_| Error::syntax("URL: is not UTF-8"))
}
