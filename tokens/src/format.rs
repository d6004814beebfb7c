//! The formats of token files, and how the first bytes tell them apart.

use crate::Columns;

/// A format to read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Portable Symmetric Key Container, RFC 6030, and its drafts.
    Pskc,
    /// The XML of SafeNet (Aladdin): `Tokens` of `Token`.
    SafeNet,
    /// CSV without a heading, as privacyIDEA and LinOTP read and write it: serial, secret, kind,
    /// ...
    OathCsv,
    /// The CSV of Microsoft Entra, with its heading.
    Entra,
    /// The log of Yubico's personalisation tool.
    YubicoLog,
    /// The CSV export of KeePassXC.
    KeePassXc,
    /// CSV whose columns the caller names.
    Columns(Columns),
    /// URIs, one a line: `otpauth://` and the batches of `otpauth-migration://`.
    Uris,
    /// JSON: a list of `otpauth://` URIs, or an unencrypted export of Aegis, 2FAS, andOTP, FreeOTP+
    /// or a FIDO CXF credential manager.
    Json,
}

impl Format {
    /// Tells the format from the first bytes of a file; 4,096 of them do. `None` where the bytes do
    /// not say it.
    pub fn detect(start: &[u8]) -> Option<Self> {
        let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
        let has = |word: &str| start.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()));
        let begins = |word: &str| start.get(..word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word.as_bytes()));
        if begins("<") {
            return if has("KeyContainer") || has("SecretContainer") {
                Some(Self::Pskc)
            } else {
                has("<Tokens").then_some(Self::SafeNet)
            };
        }
        if begins("{") || begins("[") {
            return Some(Self::Json);
        }
        if begins("otpauth") {
            return Some(Self::Uris);
        }
        let first = start.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let first = String::from_utf8_lossy(first).to_ascii_lowercase();
        let cells: Vec<_> = first.split([',', ';']).map(|cell| cell.trim().trim_matches('"')).collect();
        let is_column = |name: &str| cells.contains(&name);
        if is_column("upn") && is_column("secret key") {
            Some(Self::Entra)
        } else if is_column("totp") && is_column("title") {
            Some(Self::KeePassXc)
        } else if crate::csv::is_yubico(&cells) {
            Some(Self::YubicoLog)
        } else if first.starts_with('#') || (cells.len() >= 2 && crate::text::hex(cells.get(1).unwrap_or(&"")).is_some()) {
            Some(Self::OathCsv)
        } else {
            None
        }
    }
}
