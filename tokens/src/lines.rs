//! Files of one URI a line: accounts, and batches of a migration.

use std::collections::VecDeque;
use std::io::BufRead;

use zeroize::Zeroize;

use crate::metered::{MAX_PIECE_BYTES, Metered, kind};
use crate::migration::Batches;
use crate::reader::{Entry, located};
use crate::{Error, ErrorKind, Location, migration, uri};

#[derive(Debug)]
pub(crate) struct Reader<R> {
    input: Metered<R>,
    line: Vec<u8>,
    batches: Batches,
    /// What a line holds beyond its first token, and what is missing at the end.
    waiting: VecDeque<Entry>,
    entry: u64,
    is_over: bool,
}

impl<R: BufRead> Reader<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input: Metered::new(input),
            line: Vec::with_capacity(MAX_PIECE_BYTES),
            batches: Batches::default(),
            waiting: VecDeque::new(),
            entry: 0,
            is_over: false,
        }
    }

    /// Reads a line; `false` at the end of the file. A line beyond the bound is passed over.
    fn read_line(&mut self) -> Result<bool, ErrorKind> {
        self.line.as_mut_slice().zeroize();
        self.line.clear();
        let (mut is_any, mut is_long) = (false, false);
        loop {
            self.input.start_piece();
            let bytes = self.input.fill_buf().map_err(|error| kind(&error))?;
            if bytes.is_empty() {
                break;
            }
            is_any = true;
            let end = bytes.iter().position(|&byte| byte == b'\n');
            let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
            is_long |= self.line.len().saturating_add(part.len()) > MAX_PIECE_BYTES;
            if !is_long {
                self.line.extend_from_slice(part);
            }
            let len = part.len().saturating_add(usize::from(end.is_some()));
            self.input.consume(len);
            if end.is_some() {
                break;
            }
        }
        if is_long { Err(ErrorKind::Size(MAX_PIECE_BYTES)) } else { Ok(is_any) }
    }

    fn step(&mut self) {
        let line = self.input.line();
        let read = self.read_line();
        let mut location = Location { line: Some(line), ..Location::default() };
        match read {
            Ok(true) => {}
            Ok(false) => {
                match self.batches.take_missing() {
                    Some(kind) => self.waiting.push_back(Err(Error::new(kind, Location::default()))),
                    None => self.is_over = true,
                }
                return;
            }
            Err(kind @ ErrorKind::Size(_)) => {
                self.entry = self.entry.saturating_add(1);
                location.entry = Some(self.entry);
                return self.waiting.push_back(Err(Error::new(kind, location)));
            }
            Err(kind) => {
                self.is_over = true;
                return self.waiting.push_back(Err(Error::fatal(kind, location)));
            }
        }
        let text = str::from_utf8(&self.line).map(|text| text.trim_start_matches('\u{feff}').trim());
        if matches!(text, Ok(text) if text.is_empty() || text.starts_with('#')) {
            return;
        }
        let tokens = match text {
            Err(_) => Err(ErrorKind::Encoding),
            Ok(text) if migration::is_uri(text) => self.batches.read(text),
            Ok(text) => Ok(vec![uri::read(text)]),
        };
        let tokens = tokens.unwrap_or_else(|kind| vec![Err(kind)]);
        for token in tokens {
            self.entry = self.entry.saturating_add(1);
            let location = Location { entry: Some(self.entry), ..location.clone() };
            self.waiting.push_back(located(token, location));
        }
    }
}

impl<R> Drop for Reader<R> {
    fn drop(&mut self) {
        self.line.as_mut_slice().zeroize();
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Entry;

    fn next(&mut self) -> Option<Self::Item> {
        while self.waiting.is_empty() && !self.is_over {
            self.step();
        }
        self.waiting.pop_front()
    }
}
