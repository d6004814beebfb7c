//! Imports the tokens of files. One pass judges each token, and gives it to a store or to a preview
//! of it.

use std::collections::VecDeque;

use keyfob::Kind;
use keyfob_tokens::{Duplicate, Duplicates, Error, ErrorKind, Location, Token};

use super::import_file::TokenFile;
use super::import_report::{Report, place, refusal, remark};
use super::import_rules::{Accepted, Rules};
use crate::store::{NewToken, PAGE_TOKENS, TokenOutcome};

/// Prints a line of the report. Errors: a message for people.
pub(crate) type Print<'p> = dyn FnMut(&str) -> Result<(), String> + 'p;

/// Entries of one file have numbers below this one. Those of the second file begin here.
const ENTRIES_OF_FILE: u64 = 1 << 40;

/// A store that takes tokens, or a preview of one. Errors: messages for people.
pub(crate) trait Target {
    /// The outcome for a token whose secret a device may have already. None if no device has it, or
    /// the one with the token's serial has it.
    fn outcome_by_secret(&mut self, token: &NewToken) -> Result<Option<TokenOutcome>, String>;

    /// Begins to take a page of tokens.
    fn put(&mut self, tokens: Vec<NewToken>) -> Result<(), String>;

    /// Waits for the first page whose outcomes were not returned yet. Returns the outcome for each
    /// token.
    fn outcomes(&mut self) -> Result<Vec<TokenOutcome>, String>;
}

/// An import of one file after the other.
pub(crate) struct Import<'i> {
    rules: &'i Rules<'i>,
    target: &'i mut dyn Target,
    print: &'i mut Print<'i>,
    /// Gets the number of tokens of each page.
    progress: &'i mut dyn FnMut(usize),
    /// The names of the files, if there are several.
    names: Vec<String>,
    duplicates: Duplicates,
    page: Page,
    /// What the report says of the pages that the target has not finished.
    begun: VecDeque<Vec<Note>>,
    report: Report,
}

/// Tokens to be given to the target, with what the report says of each.
#[derive(Default)]
struct Page {
    tokens: Vec<NewToken>,
    notes: Vec<Note>,
}

/// What the report says of a token.
struct Note {
    place: String,
    kind: Kind,
    is_short: bool,
    has_user: bool,
    is_unassigned: bool,
    remarks: Vec<String>,
}

impl<'i> Import<'i> {
    pub(crate) fn new(
        rules: &'i Rules<'i>,
        target: &'i mut dyn Target,
        print: &'i mut Print<'i>,
        progress: &'i mut dyn FnMut(usize),
    ) -> Self {
        Self {
            rules,
            target,
            print,
            progress,
            names: Vec::new(),
            duplicates: Duplicates::new(),
            page: Page::default(),
            begun: VecDeque::new(),
            report: Report::default(),
        }
    }

    /// Imports a file. `is_one`: there is no other.
    ///
    /// Errors: a message for people. Tokens that were stored by then stay, and the next import
    /// finds them in the store.
    pub(crate) fn add(&mut self, mut file: TokenFile, is_one: bool) -> Result<(), String> {
        let number = u64::try_from(self.names.len()).unwrap_or(u64::MAX);
        self.names.push(if is_one { String::new() } else { file.name().to_owned() });
        while let Some(read) = file.next() {
            let entry = number.saturating_mul(ENTRIES_OF_FILE).saturating_add(file.location().entry.unwrap_or_default());
            self.token(read, file.location(), entry)?;
            if self.page.tokens.len() >= PAGE_TOKENS {
                self.put()?;
                // The next page is read while this one is stored.
                if self.begun.len() > 1 {
                    self.settle()?;
                }
            }
        }
        // All that is said of a file is said before the next one.
        self.put()?;
        while !self.begun.is_empty() {
            self.settle()?;
        }
        Ok(())
    }

    /// The report, once all files are added.
    pub(crate) fn into_report(self) -> Report {
        self.report
    }

    /// Judges what a reader has read.
    fn token(&mut self, read: Result<Token, Error>, location: &Location, entry: u64) -> Result<(), String> {
        let place = self.place(location);
        let token = match read {
            Ok(token) => token,
            Err(error) => {
                self.report.refuse();
                self.report.is_cut |= error.is_fatal();
                (self.print)(&refusal(&place, &unread(error.kind())))?;
                if error.is_fatal() {
                    (self.print)("not read: the rest of this file")?;
                }
                return Ok(());
            }
        };
        // Where the format has no serial, people know a token by its account.
        let place = match (&location.serial, &token.account) {
            (None, Some(_)) => self.place(&Location { serial: token.account.clone(), ..location.clone() }),
            _ => place,
        };
        match self.judge(&token, entry)? {
            Ok(Accepted { token: new, is_short, is_unassigned, remarks }) => {
                let (kind, has_user) = (new.entry.row.kind, new.entry.row.has_user());
                self.page.notes.push(Note { place, kind, is_short, has_user, is_unassigned, remarks });
                self.page.tokens.push(new);
                Ok(())
            }
            Err(Refused::There) => {
                self.report.is_there();
                Ok(())
            }
            Err(Refused::Reason(reason)) => {
                self.report.refuse();
                (self.print)(&refusal(&place, &reason))
            }
        }
    }

    fn place(&self, location: &Location) -> String {
        place(self.names.last().map_or("", String::as_str), location)
    }

    fn judge(&mut self, token: &Token, entry: u64) -> Result<Result<Accepted, Refused>, String> {
        let accepted = match self.rules.judge(token) {
            Ok(accepted) => accepted,
            Err(reason) => return Ok(Err(Refused::Reason(reason))),
        };
        if let Some(duplicate) = self.duplicates.check(entry, &of_one_kind(token)) {
            return Ok(Err(Refused::Reason(self.duplicate(duplicate))));
        }
        if let Some(outcome) = self.target.outcome_by_secret(&accepted.token)? {
            return Ok(Err(reason(outcome).map_or(Refused::There, |reason| Refused::Reason(reason.to_owned()))));
        }
        Ok(Ok(accepted))
    }

    /// Why the second of two tokens is refused.
    fn duplicate(&self, duplicate: Duplicate) -> String {
        let (Duplicate::Serial(entry) | Duplicate::Secret(entry)) = duplicate;
        let file = usize::try_from(entry / ENTRIES_OF_FILE).ok().and_then(|file| self.names.get(file));
        let file = file.filter(|name| !name.is_empty()).map(|name| format!("{name}: ")).unwrap_or_default();
        let number = entry % ENTRIES_OF_FILE;
        match duplicate {
            Duplicate::Serial(_) => format!("has the serial of {file}entry {number}; remove one of them"),
            Duplicate::Secret(_) => {
                format!("has the secret of {file}entry {number}, so each token shows the other's codes; ask the maker for another")
            }
        }
    }

    /// Gives the page to the target.
    fn put(&mut self) -> Result<(), String> {
        let Page { tokens, notes } = std::mem::take(&mut self.page);
        if !tokens.is_empty() {
            (self.progress)(tokens.len());
            self.target.put(tokens)?;
            self.begun.push_back(notes);
        }
        Ok(())
    }

    /// Reports the outcomes of the first page that the target has not finished.
    fn settle(&mut self) -> Result<(), String> {
        let Some(notes) = self.begun.pop_front() else { return Ok(()) };
        for (note, outcome) in notes.iter().zip(self.target.outcomes()?) {
            match (outcome, reason(outcome)) {
                (TokenOutcome::Stored, _) => {
                    self.report.accept(note.kind, note.is_short, note.has_user, note.is_unassigned);
                    for text in &note.remarks {
                        (self.print)(&remark(&note.place, text))?;
                    }
                }
                (_, None) => self.report.is_there(),
                (_, Some(reason)) => {
                    self.report.refuse();
                    (self.print)(&refusal(&note.place, &reason))?;
                }
            }
        }
        Ok(())
    }
}

/// The serial and the secret of a token, as if all tokens were of one kind: a serial is the name of
/// one device, whatever its kind.
fn of_one_kind(token: &Token) -> Token {
    let mut same = Token::new(keyfob_tokens::Kind::Totp, token.secret.clone());
    same.serial.clone_from(&token.serial);
    same
}

/// Why an entry was not read, with the option that helps.
fn unread(kind: &ErrorKind) -> String {
    match kind {
        ErrorKind::KeyMissing => format!("{kind} with --key-file FILE"),
        ErrorKind::PasswordMissing => format!("{kind} with --password-file FILE"),
        _ => kind.to_string(),
    }
}

/// Why a token is not taken.
enum Refused {
    /// A device of the store is this token.
    There,
    Reason(String),
}

/// Why the store takes no token of this outcome; none if it does, or has it already.
const fn reason(outcome: TokenOutcome) -> Option<&'static str> {
    match outcome {
        TokenOutcome::Stored | TokenOutcome::Unchanged => None,
        TokenOutcome::WasDeleted => Some(
            "its device was deleted; set that one's status to use it again: a new device with the counter of the file would take used codes",
        ),
        TokenOutcome::SecretIsTaken => Some("a device of another user has its secret, so each user has the other's codes"),
        TokenOutcome::SecretHasOtherName => {
            Some("a device of another name has its secret, so each has the other's codes; if it is the same token, use that device")
        }
        TokenOutcome::SerialIsTaken => Some("another device in the store has its serial, with another secret or kind"),
        TokenOutcome::IsUnreadable => Some("the device in the store that has its serial cannot be read"),
    }
}
