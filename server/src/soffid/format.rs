//! The format of a delimited file, found out from its content. If the content is ambiguous, an
//! error asks for an option.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use super::delimited::{CellPosition, Error, Evidence, Format, Quoting, Reader};
use crate::file::open_regular;

/// The known separators. A first line `sep=` names any other.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

type Rows = Reader<BufReader<File>>;

/// Finds out the format of a file. Errors: a message for people, without the file's name.
pub(crate) fn find(path: &Path, quoting: Option<Quoting>) -> Result<Format, String> {
    let separator = match start(path)?.separator {
        Some(separator) => separator,
        None => separator(path)?,
    };
    let csv = Format { separator, quoting: Quoting::Csv, has_quotes: true };
    match quoting {
        Some(Quoting::Csv) => Ok(csv),
        Some(Quoting::MySql) => mysql(path, separator),
        None if !has_backslash(path)? => Ok(csv),
        None => recognized(path, csv, mysql(path, separator)?),
    }
}

/// Opens a file of a format, and reads the names of its columns. Errors: a message for people,
/// without the file's name.
pub(crate) fn open(path: &Path, format: Format) -> Result<(Rows, Vec<String>), String> {
    let Start { bytes, line, .. } = start(path)?;
    let mut rows = Reader::new(bytes, line, format);
    match rows.read() {
        Ok(true) => {}
        Ok(false) => return Err("is empty; its first line must have the names of the columns".to_owned()),
        Err(fault) => return Err(message(&fault, &[])),
    }
    let cells = (0..rows.len()).map(|at| rows.get(at).map(|cell| cell.text).unwrap_or_default());
    let names = cells.map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
    Ok((rows, names))
}

/// The message for an error.
pub(crate) fn message(error: &Error, names: &[String]) -> String {
    match error {
        Error::Row(place, what) => format!("line {}, {}: {what}", place.0, column(*place, names)),
        Error::File(line, what) => format!("line {line}: {what}"),
    }
}

/// The column of a cell.
pub(crate) fn column((_, at): CellPosition, names: &[String]) -> String {
    // The first line of a file without names of columns may hold secrets.
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let has_names = names.iter().any(|name| name.eq_ignore_ascii_case("OTP_ID") || name.eq_ignore_ascii_case("USU_CODI"));
    match names.get(at).filter(|name| has_names && !name.is_empty() && is_name(name)) {
        Some(name) => format!("column {name}"),
        None => format!("column {}", at.saturating_add(1)),
    }
}

/// An open file, at the names of its columns.
struct Start {
    bytes: BufReader<File>,
    line: u64,
    /// The separator that its first line names.
    separator: Option<u8>,
}

fn start(path: &Path) -> Result<Start, String> {
    let file = open_regular(path).map_err(|error| match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => {
            format!("{error}: it is read more than once; write its output to a file, and import that")
        }
        _ => error.to_string(),
    })?;
    let mut bytes = BufReader::new(file);
    let head = bytes.fill_buf().map_err(|error| error.to_string())?;
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") || head.iter().take(4).any(|byte| *byte == 0) {
        return Err("is UTF-16, or no text; save it as UTF-8, or convert it: iconv -f UTF-16 -t UTF-8 FILE > NEW".to_owned());
    }
    if head.contains(&b'\r') && !head.contains(&b'\n') {
        return Err("its lines end with CR alone; end them with LF, as with tr '\\r' '\\n' < FILE > NEW".to_owned());
    }
    let text = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    let named = match text {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator, b'\n', ..] => Some((*separator, 6)),
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator, b'\r', b'\n', ..] => Some((*separator, 7)),
        _ => None,
    };
    if named.is_some_and(|(separator, _)| separator.is_ascii_alphanumeric() || matches!(separator, b'"' | b'\\' | 128..)) {
        return Err("line 1: sep= must name a separator of one byte that is no letter, digit, quote or backslash".to_owned());
    }
    let before = head.len().saturating_sub(text.len()).saturating_add(named.map_or(0, |(_, length)| length));
    bytes.consume(before);
    Ok(Start { bytes, line: if named.is_some() { 2 } else { 1 }, separator: named.map(|(separator, _)| separator) })
}

/// The separator that splits the first line into the most names.
fn separator(path: &Path) -> Result<u8, String> {
    let mut best = (0, b',');
    for separator in SEPARATORS {
        let format = Format { separator, quoting: Quoting::Csv, has_quotes: true };
        let Start { bytes, line, .. } = start(path)?;
        let mut rows = Reader::new(bytes, line, format);
        if matches!(rows.read(), Ok(true)) && rows.len() > best.0 {
            best = (rows.len(), separator);
        }
    }
    Ok(best.1)
}

fn has_backslash(path: &Path) -> Result<bool, String> {
    let mut bytes = start(path)?.bytes;
    loop {
        let part = bytes.fill_buf().map_err(|error| error.to_string())?;
        if part.is_empty() || part.contains(&b'\\') {
            return Ok(!part.is_empty());
        }
        let read = part.len();
        bytes.consume(read);
    }
}

/// The format of MariaDB and MySQL. They enclose all texts in quotes or none, and the first row has
/// a text.
fn mysql(path: &Path, separator: u8) -> Result<Format, String> {
    let format = Format { separator, quoting: Quoting::MySql, has_quotes: true };
    let (mut rows, _) = open(path, format)?;
    let mut has_quotes = false;
    if matches!(rows.read(), Ok(true)) {
        let cells = || (0..rows.len()).filter_map(|at| rows.get(at));
        has_quotes = cells().any(|cell| cell.is_quoted)
            && cells().all(|cell| cell.is_quoted || !cell.text.iter().any(u8::is_ascii_alphabetic));
    }
    Ok(Format { has_quotes, ..format })
}

/// Finds out from all rows of a file with backslashes which of both formats it has. Errors: it may
/// be either.
fn recognized(path: &Path, csv: Format, mysql: Format) -> Result<Format, String> {
    let as_csv = survey(path, csv)?;
    if as_csv.evidence.first_backslash.is_none() && !as_csv.is_cut {
        // All backslashes are those of \N, which is NULL in both.
        return Ok(csv);
    }
    let as_mysql = survey(path, mysql)?;
    // In CSV, an escaped quote would end its cell too early.
    let is_shown = as_mysql.evidence.has_null || (mysql.has_quotes && as_csv.has_errors);
    // If MariaDB encloses no text, another program has written the quotes.
    let is_foreign = !mysql.has_quotes && as_csv.evidence.has_quoted && !as_csv.has_errors;
    if is_shown && !is_foreign && !as_mysql.has_errors && !as_mysql.evidence.has_letter_escape {
        return Ok(mysql);
    }
    let place = [as_csv.evidence.first_backslash, as_mysql.evidence.first_backslash].into_iter().flatten().min().unwrap_or((1, 0));
    Err(format!(
        "line {}, {}: has a backslash, and the file does not show its meaning; give --dialect csv if it is text, or --dialect mysql if \
         it begins an escape of MariaDB or MySQL, which write one backslash as two",
        place.0,
        column(place, &as_csv.names)
    ))
}

/// The evidence of all rows of a file, read in one format.
struct Survey {
    names: Vec<String>,
    evidence: Evidence,
    has_errors: bool,
    /// Whether the rest of the file could not be read.
    is_cut: bool,
}

fn survey(path: &Path, format: Format) -> Result<Survey, String> {
    let (mut rows, names) = open(path, format)?;
    let (mut has_errors, mut is_cut) = (false, false);
    loop {
        match rows.read() {
            Ok(true) => has_errors |= rows.len() != names.len(),
            Ok(false) => break,
            Err(fault) => {
                has_errors = true;
                is_cut = matches!(fault, Error::File(..));
                if is_cut {
                    break;
                }
            }
        }
    }
    Ok(Survey { names, evidence: rows.evidence(), has_errors, is_cut })
}
