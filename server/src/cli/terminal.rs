//! Hidden input at a terminal.

use zeroize::Zeroizing;

use super::result::Result;
use crate::file::Wiped;

/// Reads a line after a prompt, without echo.
///
/// Errors: more lines were pasted. They are dropped: the shell would run them, and keep them in its
/// history.
pub(crate) fn read_hidden_line(prompt: &str) -> Result<Wiped> {
    let named = |error: std::io::Error| format!("terminal: {error}");
    #[cfg(unix)]
    let terminal = rest::Terminal::without_echo().map_err(named)?;
    let line = Zeroizing::new(rpassword::prompt_password(prompt).map_err(named)?.into_bytes());
    #[cfg(unix)]
    if terminal.drop_rest().map_err(named)? {
        return Err("terminal: more than one line was pasted; paste one line, or use a file or standard input".into());
    }
    Ok(line)
}

#[cfg(unix)]
mod rest {
    use std::fs::File;
    use std::io::{self, Read as _};

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
    use zeroize::Zeroizing;

    /// Pasted text arrives at once, and no person types as fast. After this time without a byte the
    /// paste has ended.
    const PASTE_TIMEOUT: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

    /// The terminal of this process, without echo and without line buffering until it is dropped.
    pub(super) struct Terminal {
        file: File,
        before: Termios,
    }

    impl Terminal {
        pub(super) fn without_echo() -> io::Result<Self> {
            let file = File::open("/dev/tty")?;
            let before = tcgetattr(&file)?;
            let mut quiet = before.clone();
            // Also reads a line that has not ended yet.
            quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON);
            quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
            quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
            tcsetattr(&file, OptionalActions::Now, &quiet)?;
            Ok(Self { file, before })
        }

        /// Reads and drops all other input. Returns whether it was more than line endings, blanks
        /// and control characters: Ctrl+D ends the input, and is no second line.
        pub(super) fn drop_rest(&self) -> io::Result<bool> {
            let mut buffer = Zeroizing::new([0; 256]);
            let mut more = false;
            while poll(&mut [PollFd::new(&self.file, PollFlags::IN)], Some(&PASTE_TIMEOUT))? > 0 {
                let len = (&self.file).read(&mut *buffer)?;
                if len == 0 {
                    break;
                }
                more |= buffer.iter().take(len).any(|byte| byte.is_ascii_graphic() || !byte.is_ascii());
            }
            Ok(more)
        }
    }

    impl Drop for Terminal {
        fn drop(&mut self) {
            let _ = tcsetattr(&self.file, OptionalActions::Now, &self.before);
        }
    }
}
