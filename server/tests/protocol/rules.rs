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

/// What a client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// It was judged and is wrong.
    Wrong,
    /// It was judged and is right.
    Right,
    /// The device is locked; nothing was judged.
    Locked,
}

/// A record: its place in [`Rules`].
pub(crate) type Place = u8;

/// A record, as far as the model asks.
#[derive(Debug)]
struct Known {
    device: Device,
    outcomes: [Outcome; 2],
}

/// What a guess leads to.
#[derive(Clone, Copy, Debug)]
struct Outcome {
    next: Place,
    told: Told,
    /// Whether it is told that the device is locked.
    tells_lock: bool,
    /// The first record and guess of which a client is told the same.
    alike: (Place, Guess),
}

/// The engine's rules for one device, worked out by the engine.
#[derive(Debug)]
pub(crate) struct Rules {
    limit: u32,
    known: Vec<Known>,
}

impl Rules {
    /// Of an SMS device that locks on the fail `limit` and has sent a code. A repeated code of TOTP
    /// or HOTP counts no fail, however often it comes; here each answer that is judged counts, so
    /// that there is an end of records.
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
                let (next, held) = attempt.split();
                let verdict = held.release();
                let told = match verdict.reason() {
                    Reason::Right => Told::Right,
                    Reason::Wrong | Reason::NoChallenge => Told::Wrong,
                    Reason::Locked => Told::Locked,
                    other => panic!("{other:?}"),
                };
                assert_eq!(is_changed, told != Told::Locked, "what is judged is stored");
                assert!(guess == Guess::Right || told != Told::Right);
                // Equal devices have equal records.
                let place = devices.iter().position(|device| device == &next).unwrap_or_else(|| {
                    devices.push(next);
                    devices.len() - 1
                });
                Outcome { next: place.try_into().unwrap(), told, tells_lock: verdict.is_locked(), alike: (0, guess) }
            });
            rules.known.push(Known { device, outcomes });
        }
        let places = 0..Place::try_from(rules.known.len()).unwrap();
        let all: Vec<_> = places.flat_map(|place| [(place, Guess::Wrong), (place, Guess::Right)]).collect();
        for &(place, guess) in &all {
            let like = |other: &&(Place, Guess)| rules.all_told(other.0, other.1) == rules.all_told(place, guess);
            rules.known[usize::from(place)].outcomes[guess as usize].alike = *all.iter().find(like).unwrap();
        }
        rules
    }

    fn outcome(&self, place: Place, guess: Guess) -> &Outcome {
        &self.known[usize::from(place)].outcomes[guess as usize]
    }

    /// What is told, whether a lock is, and for what fails it counts.
    fn all_told(&self, place: Place, guess: Guess) -> (Told, bool, u32) {
        let Outcome { told, tells_lock, .. } = *self.outcome(place, guess);
        (told, tells_lock, if told == Told::Wrong { self.accepted(place) } else { 0 })
    }

    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }

    /// The next record, and what is told.
    pub(crate) fn judge(&self, place: Place, guess: Guess) -> (Place, Told) {
        let Outcome { next, told, .. } = *self.outcome(place, guess);
        (next, told)
    }

    /// Whether the client is told that the device is locked.
    pub(crate) fn tells_lock(&self, place: Place, guess: Guess) -> bool {
        self.outcome(place, guess).tells_lock
    }

    /// The first record and guess of which a client is told the same.
    pub(crate) fn alike(&self, place: Place, guess: Guess) -> (Place, Guess) {
        self.outcome(place, guess).alike
    }

    pub(crate) fn is_locked(&self, place: Place) -> bool {
        self.known[usize::from(place)].device.status() == Status::Locked
    }

    /// Fails since the right code was accepted, or since the beginning.
    pub(crate) fn fails(&self, place: Place) -> u32 {
        self.known[usize::from(place)].device.fails()
    }

    /// How many right codes were accepted: one is sent.
    pub(crate) fn accepted(&self, place: Place) -> u32 {
        self.known[usize::from(place)].device.last_used().is_some().into()
    }

    /// All attempts that the record has seen since the challenge.
    pub(crate) fn attempts(&self, place: Place) -> u32 {
        u32::try_from(self.known[usize::from(place)].device.revision() - 1).unwrap()
    }
}
