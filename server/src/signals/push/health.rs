//! Whether a receiver takes tokens at all.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use super::pause::pause;

/// Of how many devices in a row the tokens fail before the whole receiver pauses.
const MAX_FAILED_DEVICES: usize = 2;

/// What the last tokens say of a receiver.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// The devices whose tokens failed since one passed, up to [`MAX_FAILED_DEVICES`].
    failed: HashSet<i64>,
    /// The pause while nothing passes.
    rest: Option<Rest>,
}

/// A pause of the whole receiver.
#[derive(Debug)]
struct Rest {
    /// How many pauses there were in a row, this one included.
    count: u32,
    began: Instant,
    end: Instant,
}

impl Health {
    /// The receiver has taken or refused a token.
    pub(super) fn pass(&mut self) {
        self.failed.clear();
        self.rest = None;
    }

    /// A token of a device, `sent` at that time, has failed. The receiver asks for `asked`.
    pub(super) fn fail(&mut self, device: i64, sent: Instant, now: Instant, asked: Duration, random: u32) {
        if self.failed.len() < MAX_FAILED_DEVICES {
            self.failed.insert(device);
        }
        let asked_end = later(now, asked);
        match &mut self.rest {
            // It was on its way when the pause began, and says the same.
            Some(rest) if sent <= rest.began => rest.end = rest.end.max(asked_end),
            None if self.failed.len() < MAX_FAILED_DEVICES => {}
            rest => {
                let count = rest.as_ref().map_or(0, |rest| rest.count).saturating_add(1);
                *rest = Some(Rest { count, began: now, end: later(now, pause(count, random)).max(asked_end) });
            }
        }
    }

    /// Whether nothing passes.
    pub(super) const fn is_down(&self) -> bool {
        self.rest.is_some()
    }

    /// When the pause ends; none without one.
    pub(super) fn end(&self) -> Option<Instant> {
        self.rest.as_ref().map(|rest| rest.end)
    }

    /// Whether the receiver pauses now.
    pub(super) fn rests(&self, now: Instant) -> bool {
        self.end().is_some_and(|end| now < end)
    }
}

/// A time later on.
pub(super) fn later(now: Instant, pause: Duration) -> Instant {
    now.checked_add(pause).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn receiver_rests_when_tokens_of_two_devices_fail_and_none_passes() {
        let (mut health, now) = (Health::default(), Instant::now());
        for _ in 0..5 {
            health.fail(1, now, now, Duration::ZERO, 0);
            assert!(!health.is_down(), "it may be the device");
        }
        health.pass();
        health.fail(2, now, now, Duration::ZERO, 0);
        assert!(!health.is_down(), "another passed between");
        // Eight were under way at once.
        for device in 3..10 {
            health.fail(device, now, now + SECOND, Duration::ZERO, 0);
        }
        assert_eq!(health.end(), Some(now + 2 * SECOND), "they are one failure");
        // The next try.
        health.fail(11, now + 3 * SECOND, now + 3 * SECOND, Duration::ZERO, 0);
        assert_eq!(health.end(), Some(now + 5 * SECOND));
        assert!(health.rests(now + 4 * SECOND) && !health.rests(now + 5 * SECOND));
        health.pass();
        assert!(!health.is_down());
    }

    #[test]
    fn receiver_rests_as_long_as_it_asks() {
        let (mut health, now) = (Health::default(), Instant::now());
        health.fail(1, now, now, 50 * SECOND, 0);
        health.fail(2, now, now + SECOND, 9 * SECOND, 0);
        assert_eq!(health.end(), Some(now + 10 * SECOND));
        health.fail(3, now, now + SECOND, 19 * SECOND, 0);
        assert_eq!(health.end(), Some(now + 20 * SECOND));
    }
}
