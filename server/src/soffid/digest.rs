//! Whether a source shows the same rows again: a page of them as a few bytes.

use sha2::{Digest as _, Sha256};

use super::source::Read;

/// The SHA-256 of all that a page says.
pub(crate) type Digest = [u8; 32];

pub(crate) fn digest(page: &[Read]) -> Digest {
    let mut hash = Sha256::new();
    // Each part after its length, so that no two pages are the same bytes.
    let mut add = |part: Option<&[u8]>| {
        let length = part.map_or(u64::MAX, |part| u64::try_from(part.len()).unwrap_or(u64::MAX));
        hash.update(length.to_be_bytes());
        hash.update(part.unwrap_or_default());
    };
    for read in page {
        let (line, is_row) = match read {
            Ok(raw) => (raw.line, true),
            Err(no_row) => (no_row.line, false),
        };
        add(Some(&[u8::from(is_row)]));
        add(line.map(u64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice));
        match read {
            Ok(raw) => raw.fields.iter().for_each(|field| add(field.as_ref().map(|text| text.as_bytes()))),
            Err(no_row) => add(Some(no_row.reason.as_bytes())),
        }
    }
    hash.finalize().into()
}
