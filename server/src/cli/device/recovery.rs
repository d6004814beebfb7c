//! Recovery codes on the command line: as they are printed, and as a person types them.

use keyfob::{Device, Factor, Kind, RecoveryCode, RecoveryCodes};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::cli::output;
use crate::cli::result::Result;
use crate::file::Wiped;

/// The codes: a JSON object, or one code a line.
pub(super) fn output_text(codes: &RecoveryCodes, is_json: bool) -> Result<Wiped> {
    if is_json {
        // Not by json!, which copies what it is given and does not wipe it.
        let mut object = Map::new();
        object.insert("kind".to_owned(), Kind::Recovery.name().into());
        object.insert("recovery_codes".to_owned(), codes.iter().map(|code| Value::from(code.as_str())).collect());
        object.insert("recovery_codes_left".to_owned(), codes.count().into());
        return output::json_line(Value::Object(object));
    }
    // Room enough not to grow: growing would leave copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(4 * 1024));
    for code in codes.iter() {
        text.extend_from_slice(code.as_str().as_bytes());
        text.push(b'\n');
    }
    Ok(text)
}

/// Refuses what cannot be a recovery code, before it costs a fail: it was never right. A device of
/// another kind takes any text.
pub(super) fn check_typing(device: &Device, code: &[u8]) -> Result<()> {
    if matches!(device.factor(), Factor::Recovery(_)) && !RecoveryCode::is_well_formed(code) {
        return Err("the code: has a typing error, and was not counted; a recovery code has 14 letters and digits, as \
                    XXXXX-XXXXX-XXXX, of which the last one checks the others; compare it with the list"
            .into());
    }
    Ok(())
}

/// What follows a right code: how many are left.
pub(super) fn remark(left: u8) -> String {
    match left {
        0 => "; no recovery code is left: keyfob renew makes new ones".to_owned(),
        1 => "; 1 recovery code is left: keyfob renew makes new ones".to_owned(),
        more => format!("; {more} recovery codes are left"),
    }
}
