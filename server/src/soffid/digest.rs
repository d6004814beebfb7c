//! A digest of a page of rows. It shows whether a source delivers the same rows again.

use sha2::{Digest as _, Sha256};

use super::source::ReadRow;

/// The SHA-256 of all fields of a page.
pub(crate) type PageDigest = [u8; 32];

pub(crate) fn digest(page: &[ReadRow]) -> PageDigest {
    let mut hash = Sha256::new();
    // Each part follows its length: no two pages give the same bytes.
    let mut add = |part: Option<&[u8]>| {
        let length = part.map_or(u64::MAX, |part| u64::try_from(part.len()).unwrap_or(u64::MAX));
        hash.update(length.to_be_bytes());
        hash.update(part.unwrap_or_default());
    };
    for read in page {
        let (line, is_row) = match read {
            Ok(raw) => (raw.line, true),
            Err(unreadable) => (unreadable.line, false),
        };
        add(Some(&[u8::from(is_row)]));
        add(line.map(u64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
        match read {
            Ok(raw) => raw.fields.iter().for_each(|field| add(field.as_ref().map(|text| text.as_bytes()))),
            Err(unreadable) => add(Some(unreadable.reason.as_bytes())),
        }
    }
    hash.finalize().into()
}
