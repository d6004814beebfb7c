//! How a file of rows is written: found out from the file where it shows, asked for where it does
//! not.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use super::delimited::{Fault, Format, Place, Quoting, Reader, Seen};
use crate::file::open_regular;

/// The separators that are looked for. A first line `sep=` names any other.
const SEPARATORS: [u8; 3] = [b',', b';', b'\t'];
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

type Rows = Reader<BufReader<File>>;

/// Finds out how a file is written. Errors: a sentence for people, without the file's name.
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

/// Opens a file that is written so, and reads the names of its columns. Errors: a sentence for
/// people, without the file's name.
pub(crate) fn open(path: &Path, format: Format) -> Result<(Rows, Vec<String>), String> {
    let Start { bytes, line, .. } = start(path)?;
    let mut rows = Reader::new(bytes, line, format);
    match rows.read() {
        Ok(true) => {}
        Ok(false) => return Err("is empty; its first line must have the names of the columns".to_owned()),
        Err(fault) => return Err(shown(&fault, &[])),
    }
    let cells = (0..rows.len()).map(|at| rows.get(at).map(|cell| cell.text).unwrap_or_default());
    let names = cells.map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect();
    Ok((rows, names))
}

/// What is said of a fault.
pub(crate) fn shown(fault: &Fault, names: &[String]) -> String {
    match fault {
        Fault::Row(place, what) => format!("line {}, {}: {what}", place.0, column(*place, names)),
        Fault::File(line, what) => format!("line {line}: {what}"),
    }
}

/// The column of a cell.
pub(crate) fn column((_, at): Place, names: &[String]) -> String {
    // In a file without names of columns, the first line has what nobody may see.
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let has_names = names.iter().any(|name| name.eq_ignore_ascii_case("OTP_ID") || name.eq_ignore_ascii_case("USU_CODI"));
    match names.get(at).filter(|name| has_names && !name.is_empty() && is_name(name)) {
        Some(name) => format!("column {name}"),
        None => format!("column {}", at.saturating_add(1)),
    }
}

/// A file that is open behind what comes before the names of its columns.
struct Start {
    bytes: BufReader<File>,
    line: u64,
    /// The separator that the file names.
    separator: Option<u8>,
}

fn start(path: &Path) -> Result<Start, String> {
    let file = open_regular(path).map_err(|error| match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => {
            format!("{error}: it is read more than once; write what comes from it to a file, and import that")
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

/// The separator that makes the most names of the first line.
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

/// The format of MariaDB and MySQL. If they enclose any text, they enclose all, and the first row
/// has some.
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

/// Tells from all of a file with backslashes which of both it is. Errors: it may be either.
fn recognized(path: &Path, csv: Format, mysql: Format) -> Result<Format, String> {
    let as_csv = survey(path, csv)?;
    if as_csv.seen.first.is_none() && !as_csv.is_cut {
        // All are of \N, which is NULL in both.
        return Ok(csv);
    }
    let as_mysql = survey(path, mysql)?;
    // A quote that is escaped is one that ends a cell too early in CSV.
    let is_shown = as_mysql.seen.has_null || (mysql.has_quotes && as_csv.has_faults);
    // Where MariaDB encloses no text, quotes that enclose are those of another program.
    let is_foreign = !mysql.has_quotes && as_csv.seen.has_quoted && !as_csv.has_faults;
    if is_shown && !is_foreign && !as_mysql.has_faults && !as_mysql.seen.has_letter {
        return Ok(mysql);
    }
    let place = [as_csv.seen.first, as_mysql.seen.first].into_iter().flatten().min().unwrap_or((1, 0));
    Err(format!(
        "line {}, {}: has a backslash, and the file does not show what that means; give --dialect csv if it is text, or --dialect mysql if \
         it begins an escape of MariaDB or MySQL, which write one backslash as two",
        place.0,
        column(place, &as_csv.names)
    ))
}

/// What all rows of a file show if it is taken for one of this format.
struct Survey {
    names: Vec<String>,
    seen: Seen,
    has_faults: bool,
    /// Whether what follows a fault could not be read.
    is_cut: bool,
}

fn survey(path: &Path, format: Format) -> Result<Survey, String> {
    let (mut rows, names) = open(path, format)?;
    let (mut has_faults, mut is_cut) = (false, false);
    loop {
        match rows.read() {
            Ok(true) => has_faults |= rows.len() != names.len(),
            Ok(false) => break,
            Err(fault) => {
                has_faults = true;
                is_cut = matches!(fault, Fault::File(..));
                if is_cut {
                    break;
                }
            }
        }
    }
    Ok(Survey { names, seen: rows.seen(), has_faults, is_cut })
}
