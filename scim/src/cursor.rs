//! Cursors (RFC 9865): a walk through all devices of a search, page by page.
//!
//! A cursor is the position of the last device of a page, so the service keeps nothing between
//! pages: no cursor expires, and each process on a store takes those of the others. Its checksum is
//! over the search as well. It finds a cursor that was cut off, changed by accident or sent with
//! another search. It is no protection, and none is needed: who makes up a cursor sees no more than
//! the search itself would show.

use crc32fast::Hasher;
use data_encoding::BASE64URL_NOPAD;

use crate::attribute::ValueType;
use crate::entry::Row;
use crate::error::{Error, ScimType};
use crate::order::{Sort, SortKey, SortPosition};

/// The version of the form, which is a cursor's first byte. The checksum follows, then the total,
/// the id and the key, numbers big-endian.
const VERSION: u8 = 1;
/// What the bytes behind it are the key of: none for a device without one.
const TEXT: u8 = b't';
const NUMBER: u8 = b'n';

/// What a cursor tells.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// How many devices matched when the walk began.
    pub(crate) total: u64,
    /// Behind which position the page begins.
    pub(crate) position: SortPosition,
}

/// A search that cursors lead through.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    sort: Sort,
    checksum: Hasher,
}

impl Walk {
    /// A walk in this order through the devices that match these filters, which have no U+0000.
    pub(crate) fn new(sort: Sort, filters: [Option<&str>; 2]) -> Self {
        let mut checksum = Hasher::new();
        for part in [sort.by.name()].into_iter().chain(filters.map(Option::unwrap_or_default)) {
            checksum.update(part.as_bytes());
            checksum.update(&[0]);
        }
        checksum.update(&[u8::from(sort.descending)]);
        Self { sort, checksum }
    }

    /// The cursor behind this device, the last of its page.
    pub(crate) fn behind(&self, row: &Row, total: u64) -> String {
        let SortPosition { key, id } = self.sort.position(row);
        let mut told = [total.to_be_bytes(), id.to_be_bytes()].concat();
        match key {
            None => {}
            Some(SortKey::Text(text)) => {
                told.push(TEXT);
                told.extend(text.into_bytes());
            }
            Some(SortKey::Number(number)) => {
                told.push(NUMBER);
                told.extend(number.to_be_bytes());
            }
        }
        BASE64URL_NOPAD.encode(&[&[VERSION], &self.checksum(&told)[..], &told].concat())
    }

    /// Reads a cursor. An empty one begins the walk, and tells nothing. Errors: 400
    /// `invalidCursor`.
    pub(crate) fn read(&self, cursor: &str) -> Result<Option<Cursor>, Error> {
        if cursor.is_empty() {
            return Ok(None);
        }
        let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).unwrap_or_default();
        self.parse(&bytes).map(Some).ok_or_else(|| {
            let detail = "cursor: is no nextCursor of this search; keep filter, textFilter, sortBy and sortOrder as they are from the \
                          first page to the last, or begin again with an empty cursor";
            Error::bad(ScimType::InvalidCursor, detail)
        })
    }

    fn parse(&self, bytes: &[u8]) -> Option<Cursor> {
        let (checksum, told) = bytes.strip_prefix(&[VERSION])?.split_first_chunk()?;
        if *checksum != self.checksum(told) {
            return None;
        }
        let (total, rest) = told.split_first_chunk()?;
        let (id, key) = rest.split_first_chunk()?;
        let key = match (self.sort.by.value_type(), key.split_first()) {
            (_, None) if !self.sort.by.is_always_present() => None,
            (ValueType::Text, Some((&TEXT, text))) => {
                Some(SortKey::Text(std::str::from_utf8(text).ok().filter(|text| !text.contains('\0'))?.to_owned()))
            }
            (ValueType::Number | ValueType::Time, Some((&NUMBER, number))) => {
                Some(SortKey::Number(i64::from_be_bytes(number.try_into().ok()?)))
            }
            _ => return None,
        };
        let position = SortPosition { key, id: i64::from_be_bytes(*id) };
        Some(Cursor { total: u64::from_be_bytes(*total), position })
    }

    fn checksum(&self, told: &[u8]) -> [u8; 4] {
        let mut checksum = self.checksum.clone();
        checksum.update(told);
        checksum.finalize().to_be_bytes()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::attribute::Attribute;

    const ORDERS: [Attribute; 5] = [Attribute::Created, Attribute::User, Attribute::Email, Attribute::LastUsed, Attribute::Fails];

    fn with_checksum(walk: &Walk, told: &[u8]) -> String {
        BASE64URL_NOPAD.encode(&[&[VERSION], &walk.checksum(told)[..], told].concat())
    }

    proptest! {
        #[test]
        fn what_has_a_right_checksum_is_read_as_it_was_written_or_refused(
            order in 0..ORDERS.len(), tag in prop_oneof![Just(None), Just(Some(TEXT)), Just(Some(NUMBER)), any::<Option<u8>>()],
            numbers in prop::collection::vec(any::<u8>(), 14..18),
            key in prop_oneof![prop::collection::vec(any::<u8>(), 0..12), "[a-z\0]{0,9}".prop_map(String::into_bytes)],
        ) {
            let walk = Walk::new(Sort { by: ORDERS[order], descending: false }, [Some("user pr"), None]);
            let told: Vec<u8> = numbers.into_iter().chain(tag).chain(key).collect();
            match walk.read(&with_checksum(&walk, &told)) {
                Err(error) => prop_assert_eq!(error.scim_type, Some(ScimType::InvalidCursor)),
                Ok(cursor) => {
                    let Cursor { total, position: SortPosition { key, id } } = cursor.unwrap();
                    let key = key.map(|key| match key {
                        SortKey::Text(text) => [&[TEXT], text.as_bytes()].concat(),
                        SortKey::Number(number) => [&[NUMBER], &number.to_be_bytes()[..]].concat(),
                    });
                    prop_assert_eq!([&total.to_be_bytes(), &id.to_be_bytes(), &key.unwrap_or_default()[..]].concat(), told);
                }
            }
        }
    }

    #[test]
    fn a_key_is_of_the_kind_of_its_order() {
        let numbers = [0; 16];
        let read = |by, key: &[u8]| {
            let walk = Walk::new(Sort { by, descending: false }, [None, None]);
            walk.read(&with_checksum(&walk, &[&numbers, key].concat())).ok().map(|cursor| cursor.unwrap().position.key)
        };
        let seven = [&[NUMBER][..], &7_i64.to_be_bytes()].concat();
        assert_eq!(read(Attribute::Created, &seven), Some(Some(SortKey::Number(7))));
        assert_eq!(read(Attribute::User, b"ta"), Some(Some(SortKey::Text("a".to_owned()))));
        assert_eq!(read(Attribute::Email, b""), Some(None));
        for (by, wrong) in [
            (Attribute::Created, &b""[..]),
            (Attribute::User, b""),
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
