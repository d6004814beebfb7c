//! What the log and the store say of a receiver that fails: one line when it begins, and one when
//! it is well again. Dead letters have a line once a minute.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::removals::Failing;

/// How often the log names dead letters at most.
const DEAD_INTERVAL: Duration = Duration::from_secs(60);
/// A receiver that fails for longer, and then takes nothing at all, is named again.
const NAMED_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Whether a receiver fails, and who knows.
pub(super) struct Notes {
    receiver: String,
    /// The cause of the last failure.
    cause: String,
    /// When the log has named it last; none while it is well.
    named_at: Option<Instant>,
    /// When the log has named a dead letter last.
    dead_named_at: Option<Instant>,
    /// Whether nothing passed at the last failure.
    was_down: bool,
    /// Whether the store has it as one that fails.
    is_noted: bool,
    /// What the store does not know.
    change: Option<Failing>,
}

impl Notes {
    /// `is_noted`: the store has it as one that fails, by an earlier process.
    pub(super) const fn new(receiver: String, is_noted: bool) -> Self {
        Self { receiver, cause: String::new(), named_at: None, dead_named_at: None, was_down: false, is_noted, change: None }
    }

    /// The cause of the last failure.
    pub(super) fn cause(&self) -> &str {
        &self.cause
    }

    /// A token has failed, and the next try is at `next`. `is_down`: nothing passes.
    pub(super) fn fail(&mut self, cause: String, next: Instant, now: Instant, is_down: bool) {
        let goes_down = is_down && !std::mem::replace(&mut self.was_down, is_down);
        let is_named = self.named_at.is_some_and(|at| !goes_down || now.duration_since(at) < NAMED_AGAIN_AFTER);
        if !is_named {
            let seconds = next.duration_since(now).as_secs_f64();
            tracing::warn!(
                receiver = self.receiver,
                "signals: {}: {cause}; the next try is in {seconds:.1} seconds",
                if is_down { "the receiver takes no tokens" } else { "the receiver did not take a token" },
            );
            self.named_at = Some(now);
            let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
            self.change = Some(Some((cause.clone(), since)));
            self.is_noted = true;
        }
        self.cause = cause;
    }

    /// A token has passed. `is_failing`: there are others that did not.
    pub(super) fn pass(&mut self, is_failing: bool) {
        self.was_down = false;
        if is_failing || self.named_at.is_none() && !self.is_noted {
            return;
        }
        tracing::info!(receiver = self.receiver, "signals: the receiver takes tokens again");
        (self.named_at, self.is_noted, self.change) = (None, false, Some(None));
    }

    /// A signal became a dead letter, for this cause in keyfob's own words. Others that follow at
    /// once are not named. Returns whether the log has named it.
    pub(super) fn bury(&mut self, cause: &str, now: Instant) -> bool {
        let is_due = self.dead_named_at.is_none_or(|at| now.duration_since(at) >= DEAD_INTERVAL);
        if is_due {
            self.dead_named_at = Some(now);
            tracing::warn!(
                receiver = self.receiver,
                "signals: {cause}, so it is a dead letter; keyfob signals list --dead has the reason, and others if there are more"
            );
        }
        is_due
    }

    /// What the store does not know yet.
    pub(super) fn take_change(&mut self) -> Option<Failing> {
        self.change.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_is_noted_once_and_again_when_nothing_passes_any_more() {
        let (mut notes, now) = (Notes::new("idp".into(), false), Instant::now());
        notes.pass(false);
        assert!(notes.take_change().is_none(), "it was well");
        let fail = |notes: &mut Notes, cause: &str, at, is_down| {
            notes.fail(cause.into(), at, at, is_down);
            notes.take_change().flatten().map(|(cause, _)| cause)
        };
        assert_eq!(fail(&mut notes, "first", now, false).as_deref(), Some("first"));
        assert_eq!(fail(&mut notes, "second", now, true), None);
        notes.pass(true);
        assert_eq!((notes.take_change(), notes.cause()), (None, "second"));
        let later = now + NAMED_AGAIN_AFTER;
        assert_eq!(fail(&mut notes, "third", later, false), None, "one device still");
        assert_eq!(fail(&mut notes, "fourth", later, true).as_deref(), Some("fourth"));
        assert_eq!(fail(&mut notes, "fifth", later + NAMED_AGAIN_AFTER, true), None);
        notes.pass(false);
        assert_eq!(notes.take_change(), Some(None));
    }

    #[test]
    fn dead_letters_are_named_once_a_minute() {
        let (mut notes, now) = (Notes::new("idp".into(), false), Instant::now());
        assert!(notes.bury("the receiver refused a token", now));
        assert!(!notes.bury("the receiver refused a token", now + Duration::from_secs(59)));
        assert!(notes.bury("the receiver refused a token", now + DEAD_INTERVAL));
    }

    #[test]
    fn note_of_an_earlier_process_ends_with_a_token_that_passes() {
        let mut notes = Notes::new("idp".into(), true);
        notes.pass(true);
        assert_eq!(notes.take_change(), None);
        notes.pass(false);
        assert_eq!(notes.take_change(), Some(None));
    }
}
