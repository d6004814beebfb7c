//! Standard output, and notes on standard error. Nothing here panics when one is closed, as
//! `println!` would.

use std::io::{self, Write as _};
use std::process::ExitCode;

use serde_json::{Value, json};
use zeroize::{Zeroize as _, Zeroizing};

use super::result::Result;
use crate::file::Wiped;

/// Prints text that ends with a line ending in one piece. A reader that stops after the first line
/// causes no error.
pub(crate) fn print(text: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text).and_then(|()| out.flush()).map_err(|error| format!("standard output: {error}").into())
}

/// Prints a line of a list. Returns false if the reader has closed its side, as `head` does.
pub(crate) fn line_if_read(text: &str) -> Result<bool> {
    let mut out = io::stdout().lock();
    match out.write_all([text, "\n"].concat().as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(format!("standard output: {error}").into()),
    }
}

/// Prints a line.
pub(crate) fn line(text: &str) -> Result<()> {
    print(Zeroizing::new([text, "\n"].concat()).as_bytes())
}

/// Formats an object as a line of JSON, and wipes the object's strings: one may be a secret.
pub(crate) fn json_line(mut object: Value) -> Result<Wiped> {
    // Room enough not to grow: growing would leave copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(16 * 1024));
    serde_json::to_writer(&mut *text, &object)?;
    text.push(b'\n');
    wipe(&mut object);
    Ok(text)
}

/// Wipes every string of a value.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(list) => list.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        _ => {}
    }
}

/// An event in the form of the JSON log, for the greeting and for an error that ends the service.
pub(crate) fn log_event(level: &str, message: &str) -> Value {
    json!({"timestamp": jiff::Timestamp::now().to_string(), "level": level, "message": message})
}

/// Prints a verdict, as an object if there is one; else `remark` follows a right one. Returns the
/// exit status for it.
pub(crate) fn print_verdict(right: bool, locked: bool, remark: &str, object: Option<Value>) -> Result<ExitCode> {
    match object {
        Some(object) => print(&json_line(object)?)?,
        None => line(&match (right, locked) {
            (true, _) => format!("right{remark}"),
            (false, false) => "wrong".to_owned(),
            (false, true) => "wrong, and the device is locked; keyfob unlock opens it".to_owned(),
        })?,
    }
    Ok(ExitCode::from(u8::from(!right)))
}

/// Writes a note for people to standard error. If that is closed, the note is lost.
pub(crate) fn note(message: &str) {
    let _ = writeln!(io::stderr(), "keyfob: {message}");
}

/// Notes each row that a list left out. Returns the exit status: 1 if there is such a row.
pub(crate) fn note_damaged(rows: &[String]) -> ExitCode {
    for row in rows {
        note(row);
    }
    ExitCode::from(u8::from(!rows.is_empty()))
}
