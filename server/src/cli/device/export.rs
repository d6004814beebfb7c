//! A state file as a token of an export.

use std::path::Path;

use keyfob::{Error, Status};
use keyfob_tokens::Token;

use super::state;
use crate::cli::args::ExportArgs;
use crate::cli::output::note;
use crate::cli::result::Result;
use crate::store::word;
use crate::tokens::{Label, token};

/// The token of a state file.
pub(crate) fn token_of_state(path: &Path, args: &ExportArgs) -> Result<Token> {
    // Without the lock: the file is replaced as a whole only.
    let device = state::read(path)?;
    let (shown, status) = (path.display(), device.status());
    let is_unusable = matches!(status, Status::Locked | Status::Disabled);
    if is_unusable && !args.include_unusable {
        return Err(format!("{shown}: is {}, which a file cannot say; unlock it, or give --include-unusable", word(status)).into());
    }
    let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let label = Label {
        name: &name,
        is_serial: false,
        issuer: args.issuer.as_deref().unwrap_or("keyfob"),
        account: args.account.as_deref().unwrap_or(&name),
    };
    let token = token(&device, label).ok_or_else(|| format!("{shown}: {}; only TOTP and HOTP are exported", Error::WrongKind))?;
    if is_unusable {
        note(&format!("{shown}: is {}; the file does not say so", word(status)));
    }
    for what in args.format.unsaid(&token) {
        note(&format!("{shown}: {what}; the file does not say so"));
    }
    Ok(token)
}
