//! A reader that counts lines and lets no single element or line grow without bound.

use std::io::{self, BufRead, Read};

use crate::ErrorKind;

/// The bytes that one XML tag, text, CSV record or line may have.
pub(crate) const MAX_PIECE_BYTES: usize = 64 * 1024;

/// What an error of [`Metered`] means.
pub(crate) fn kind(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::FileTooLarge => ErrorKind::Size(MAX_PIECE_BYTES),
        _ => ErrorKind::io(error),
    }
}

#[derive(Debug)]
pub(crate) struct Metered<R> {
    inner: R,
    line: u64,
    left: usize,
}

impl<R: BufRead> Metered<R> {
    pub(crate) const fn new(inner: R) -> Self {
        Self { inner, line: 1, left: MAX_PIECE_BYTES }
    }

    /// A new piece begins: it has the whole bound.
    pub(crate) const fn start_piece(&mut self) {
        self.left = MAX_PIECE_BYTES;
    }

    /// The line of the next byte, from 1.
    pub(crate) const fn line(&self) -> u64 {
        self.line
    }
}

impl<R: BufRead> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.fill_buf()?.read(buffer)?;
        self.consume(len);
        Ok(len)
    }
}

impl<R: BufRead> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        let bytes = self.inner.fill_buf()?;
        Ok(bytes.get(..bytes.len().min(self.left)).unwrap_or_default())
    }

    fn consume(&mut self, len: usize) {
        // What was shown and is not yet consumed is shown again.
        if let Ok(bytes) = self.inner.fill_buf() {
            let lines = bytes.iter().take(len).filter(|&&byte| byte == b'\n').count();
            self.line = self.line.saturating_add(lines as u64);
        }
        self.inner.consume(len);
        self.left = self.left.saturating_sub(len);
    }
}
