//! Every record that a device can come to under two codes, and what the engine says of each code
//! there.

use getrandom::SysRng;
use keyfob::{Device, Hotp, Lock, Policy, Reason, Secret, Status};

const NOW: u64 = 1_800_000_000;

/// What clients submit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Guess {
    /// A code that is never right.
    Wrong,
    /// The code that was sent, which is right once.
    Right,
}

/// The verdict on a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The guess was judged and is wrong.
    Wrong,
    /// The guess was judged and is right.
    Right,
    /// The device is locked, and the guess was not judged.
    Locked,
}

/// A record, as its index in [`Rules`].
pub(crate) type RecordIndex = u8;

/// A record and what each guess leads to.
#[derive(Debug)]
struct Known {
    device: Device,
    outcomes: [Outcome; 2],
}

/// What a guess leads to.
#[derive(Clone, Copy, Debug)]
struct Outcome {
    next: RecordIndex,
    verdict: Verdict,
    /// Whether the client hears that the device is locked.
    reports_lock: bool,
    /// The first record and guess for which the client hears the same.
    alike: (RecordIndex, Guess),
}

/// The engine's rules for a device, computed by the engine.
#[derive(Debug)]
pub(crate) struct Rules {
    limit: u32,
    known: Vec<Known>,
}

impl Rules {
    /// The rules of an SMS device that locks on the fail `limit` and has sent a code. For TOTP and
    /// HOTP a repeated code counts no fail. Here each judged guess counts, so the records are
    /// finite.
    pub(crate) fn new(limit: u32) -> Self {
        let policy = Policy::builder().lock(Lock::Hard { max_fails: limit }).build().unwrap();
        let hotp = Hotp::new(Secret::new(b"12345678901234567890").unwrap());
        let fresh = Device::sms(hotp.clone(), NOW);
        let (sent, _) = fresh.challenge(&policy, &mut SysRng, NOW).unwrap().split();
        let mut devices = vec![sent];
        let mut rules = Self { limit, known: Vec::new() };
        while let Some(device) = devices.get(rules.known.len()).cloned() {
            let outcomes = [Guess::Wrong, Guess::Right].map(|guess| {
                let code = hotp.generate(if guess == Guess::Right { 0 } else { 1_000 });
                let attempt = device.verify(&policy, code.as_bytes(), NOW).unwrap();
                let is_changed = attempt.is_changed();
                let (next, withheld) = attempt.split();
                let released = withheld.release();
                let verdict = match released.reason() {
                    Reason::Right => Verdict::Right,
                    Reason::Wrong | Reason::NoChallenge => Verdict::Wrong,
                    Reason::Locked => Verdict::Locked,
                    other => panic!("{other:?}"),
                };
                assert_eq!(is_changed, verdict != Verdict::Locked, "a judged guess is stored");
                assert!(guess == Guess::Right || verdict != Verdict::Right);
                // Equal devices have equal records.
                let record = devices.iter().position(|device| device == &next).unwrap_or_else(|| {
                    devices.push(next);
                    devices.len() - 1
                });
                Outcome { next: record.try_into().unwrap(), verdict, reports_lock: released.is_locked(), alike: (0, guess) }
            });
            rules.known.push(Known { device, outcomes });
        }
        let records = 0..RecordIndex::try_from(rules.known.len()).unwrap();
        let all: Vec<_> = records.flat_map(|record| [(record, Guess::Wrong), (record, Guess::Right)]).collect();
        for &(record, guess) in &all {
            let like = |other: &&(RecordIndex, Guess)| rules.reported(other.0, other.1) == rules.reported(record, guess);
            rules.known[usize::from(record)].outcomes[guess as usize].alike = *all.iter().find(like).unwrap();
        }
        rules
    }

    fn outcome(&self, record: RecordIndex, guess: Guess) -> &Outcome {
        &self.known[usize::from(record)].outcomes[guess as usize]
    }

    /// What the client hears: the verdict, the lock, and which fails the verdict counts for.
    fn reported(&self, record: RecordIndex, guess: Guess) -> (Verdict, bool, u32) {
        let Outcome { verdict, reports_lock, .. } = *self.outcome(record, guess);
        (verdict, reports_lock, if verdict == Verdict::Wrong { self.accepted(record) } else { 0 })
    }

    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }

    /// The next record, and the verdict.
    pub(crate) fn judge(&self, record: RecordIndex, guess: Guess) -> (RecordIndex, Verdict) {
        let Outcome { next, verdict, .. } = *self.outcome(record, guess);
        (next, verdict)
    }

    /// Whether the client hears that the device is locked.
    pub(crate) fn reports_lock(&self, record: RecordIndex, guess: Guess) -> bool {
        self.outcome(record, guess).reports_lock
    }

    /// The first record and guess for which the client hears the same.
    pub(crate) fn alike(&self, record: RecordIndex, guess: Guess) -> (RecordIndex, Guess) {
        self.outcome(record, guess).alike
    }

    pub(crate) fn is_locked(&self, record: RecordIndex) -> bool {
        self.known[usize::from(record)].device.status() == Status::Locked
    }

    /// Fails since the right code was accepted, or since the beginning.
    pub(crate) fn fails(&self, record: RecordIndex) -> u32 {
        self.known[usize::from(record)].device.fails()
    }

    /// How many right codes were accepted, at most one.
    pub(crate) fn accepted(&self, record: RecordIndex) -> u32 {
        self.known[usize::from(record)].device.last_used().is_some().into()
    }

    /// How many attempts the record has seen since the challenge.
    pub(crate) fn attempts(&self, record: RecordIndex) -> u32 {
        u32::try_from(self.known[usize::from(record)].device.revision() - 1).unwrap()
    }
}
