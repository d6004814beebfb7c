//! Cursors (RFC 9865): a walk through all devices of a search, page by page.
//!
//! A cursor is the position of the last device of a page, so the service keeps no state between
//! pages: no cursor expires, and every process on a store accepts the cursors of the others. The
//! checksum covers the cursor and its search. It detects a cursor that was cut off, changed by
//! accident or sent with another search. It needs no protection against forgery: a forged cursor
//! shows no more than the search itself.

use crc32fast::Hasher;
use data_encoding::BASE64URL_NOPAD;

use crate::attribute::ValueType;
use crate::entry::Row;
use crate::error::{Error, ScimType};
use crate::order::{Sort, SortKey, SortPosition};

/// The version of the format, which is the first byte of a cursor. The checksum follows, and then
/// the payload: the total, the id and the key. Numbers are big-endian.
const FORMAT_VERSION: u8 = 1;
/// The first byte of a key that is text. A device without a key has no byte.
const TEXT_TAG: u8 = b't';
/// The first byte of a key that is a number.
const NUMBER_TAG: u8 = b'n';

/// A cursor that was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// How many devices matched when the walk began.
    pub(crate) total: u64,
    /// The position after which the page begins.
    pub(crate) position: SortPosition,
}

/// A search whose pages are linked by cursors.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    sort: Sort,
    checksum: Hasher,
}

impl Walk {
    /// A walk in this order through the devices that match these filters. The filters must not have
    /// U+0000.
    pub(crate) fn new(sort: Sort, filters: [Option<&str>; 2]) -> Self {
        let mut checksum = Hasher::new();
        for part in [sort.by.name()].into_iter().chain(filters.map(Option::unwrap_or_default)) {
            checksum.update(part.as_bytes());
            checksum.update(&[0]);
        }
        checksum.update(&[u8::from(sort.descending)]);
        Self { sort, checksum }
    }

    /// The cursor after this device, the last one of its page.
    pub(crate) fn cursor_after(&self, row: &Row, total: u64) -> String {
        let SortPosition { key, id } = self.sort.position(row);
        let mut payload = [total.to_be_bytes(), id.to_be_bytes()].concat();
        match key {
            None => {}
            Some(SortKey::Text(text)) => {
                payload.push(TEXT_TAG);
                payload.extend(text.into_bytes());
            }
            Some(SortKey::Number(number)) => {
                payload.push(NUMBER_TAG);
                payload.extend(number.to_be_bytes());
            }
        }
        BASE64URL_NOPAD.encode(&[&[FORMAT_VERSION], &self.checksum(&payload)[..], &payload].concat())
    }

    /// Reads a cursor. None for an empty one, which begins the walk. Errors: 400 `invalidCursor`.
    pub(crate) fn read(&self, cursor: &str) -> Result<Option<Cursor>, Error> {
        if cursor.is_empty() {
            return Ok(None);
        }
        let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).unwrap_or_default();
        self.parse(&bytes).map(Some).ok_or_else(|| {
            let detail = "cursor: is not a nextCursor of this search; keep filter, textFilter, sortBy and sortOrder as they are from the \
                          first page to the last, or begin again with an empty cursor";
            Error::bad(ScimType::InvalidCursor, detail)
        })
    }

    fn parse(&self, bytes: &[u8]) -> Option<Cursor> {
        let (checksum, payload) = bytes.strip_prefix(&[FORMAT_VERSION])?.split_first_chunk()?;
        if *checksum != self.checksum(payload) {
            return None;
        }
        let (total, rest) = payload.split_first_chunk()?;
        let (id, key) = rest.split_first_chunk()?;
        let key = match (self.sort.by.value_type(), key.split_first()) {
            (_, None) if !self.sort.by.is_always_present() => None,
            (ValueType::Text, Some((&TEXT_TAG, text))) => {
                Some(SortKey::Text(std::str::from_utf8(text).ok().filter(|text| !text.contains('\0'))?.to_owned()))
            }
            (ValueType::Number | ValueType::Time, Some((&NUMBER_TAG, number))) => {
                Some(SortKey::Number(i64::from_be_bytes(number.try_into().ok()?)))
            }
            _ => return None,
        };
        let position = SortPosition { key, id: i64::from_be_bytes(*id) };
        Some(Cursor { total: u64::from_be_bytes(*total), position })
    }

    fn checksum(&self, payload: &[u8]) -> [u8; 4] {
        let mut checksum = self.checksum.clone();
        checksum.update(payload);
        checksum.finalize().to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::attribute::Attribute;

    const ORDERS: [Attribute; 5] = [Attribute::Created, Attribute::User, Attribute::Email, Attribute::LastUsed, Attribute::Fails];

    fn with_checksum(walk: &Walk, payload: &[u8]) -> String {
        BASE64URL_NOPAD.encode(&[&[FORMAT_VERSION], &walk.checksum(payload)[..], payload].concat())
    }

    proptest! {
        #[test]
        fn cursors_with_a_right_checksum_are_read_as_written_or_refused(
            order in 0..ORDERS.len(), tag in prop_oneof![Just(None), Just(Some(TEXT_TAG)), Just(Some(NUMBER_TAG)), any::<Option<u8>>()],
            numbers in prop::collection::vec(any::<u8>(), 14..18),
            key in prop_oneof![prop::collection::vec(any::<u8>(), 0..12), "[a-z\0]{0,9}".prop_map(String::into_bytes)],
        ) {
            let walk = Walk::new(Sort { by: ORDERS[order], descending: false }, [Some("user pr"), None]);
            let payload: Vec<u8> = numbers.into_iter().chain(tag).chain(key).collect();
            match walk.read(&with_checksum(&walk, &payload)) {
                Err(error) => prop_assert_eq!(error.scim_type, Some(ScimType::InvalidCursor)),
                Ok(cursor) => {
                    let Cursor { total, position: SortPosition { key, id } } = cursor.unwrap();
                    let key = key.map(|key| match key {
                        SortKey::Text(text) => [&[TEXT_TAG], text.as_bytes()].concat(),
                        SortKey::Number(number) => [&[NUMBER_TAG], &number.to_be_bytes()[..]].concat(),
                    });
                    prop_assert_eq!([&total.to_be_bytes(), &id.to_be_bytes(), &key.unwrap_or_default()[..]].concat(), payload);
                }
            }
        }
    }

    #[test]
    fn key_has_the_type_of_its_order() {
        let numbers = [0; 16];
        let read = |by, key: &[u8]| {
            let walk = Walk::new(Sort { by, descending: false }, [None, None]);
            walk.read(&with_checksum(&walk, &[&numbers, key].concat())).ok().map(|cursor| cursor.unwrap().position.key)
        };
        let seven = [&[NUMBER_TAG][..], &7_i64.to_be_bytes()].concat();
        assert_eq!(read(Attribute::Created, &seven), Some(Some(SortKey::Number(7))));
        assert_eq!(read(Attribute::User, b"ta"), Some(Some(SortKey::Text("a".to_owned()))));
        assert_eq!(read(Attribute::Email, b""), Some(None));
        for (by, wrong) in [
            (Attribute::Created, &b""[..]),
            (Attribute::User, &seven),
            (Attribute::Created, b"ta"),
            (Attribute::Created, &seven[..8]),
            (Attribute::LastUsed, b"ta"),
            // A text that no store takes.
            (Attribute::User, b"t\0"),
            (Attribute::User, b"t\xff"),
        ] {
            assert_eq!(read(by, wrong), None, "{by:?} {wrong:?}");
        }
        let walk = Walk::new(Sort { by: Attribute::Email, descending: false }, [None, None]);
        assert!(walk.read(&with_checksum(&walk, &numbers[..15])).is_err());
    }
}
