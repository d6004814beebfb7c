//! Layer 3: which of many devices an unlabelled token is, by the codes that it shows.

use core::borrow::Borrow;
use core::fmt;
use core::ops::RangeInclusive;

use crate::code::Submitted;
use crate::hmac::{HmacState, Keys, MAX_KEYS, max_keys};
use crate::hotp::{Found, SubmittedCodes, search};
use crate::{Algorithm, Device, Digits, Factor, GuessChance, Hotp, Policy};

/// A search for the TOTP and HOTP devices that show a code now, or two codes in a row: for an
/// administrator who holds a token without a label.
///
/// It identifies and does not authenticate. So it changes no device and counts no fail, ignores
/// status, locks and validity, and takes codes that are used up. Never let an answer in by it, and
/// give it to administrators only: it tells right codes from wrong ones as often as it is asked.
///
/// It looks where [`Device::verify`] does: TOTP around the present step and around the drift
/// learned, HOTP from the expected counter on. The second of two codes may be one further. A token
/// whose clock is off needs a policy with a wider [`window`](Policy::window). Ask for two codes
/// where there are many devices, since one alone is soon shown by several:
/// [`chance`](Self::chance) says how likely that is.
///
/// Devices of SMS, e-mail, PIN and recovery codes are never found, nor are those whose codes have
/// another number of digits than those given.
///
/// ```
/// use keyfob::{Device, Hotp, Policy, Search, Secret};
///
/// let now = 1_700_000_000;
/// let hotp = |byte| Ok(Hotp::new(Secret::new(&[byte; 20])?));
/// let devices = [Device::hotp(hotp(1)?, 0, now), Device::hotp(hotp(2)?, 0, now)];
/// let (first, second) = (hotp(2)?.generate(5), hotp(2)?.generate(6));
///
/// let search = Search::for_two_codes(Policy::default(), first.as_bytes(), second.as_bytes(), now);
/// let mut found = [false; 2];
/// assert_eq!(search.find(&devices, &mut found), 1);
/// assert_eq!(found, [false, true]);
/// assert_eq!(search.drift(&devices[1]), Some(5));
/// # Ok::<(), keyfob::Error>(())
/// ```
#[derive(Clone)]
pub struct Search {
    policy: Policy,
    now: u64,
    /// None if no device has codes of this length.
    digits: Option<Digits>,
    codes: SubmittedCodes,
}

/// How many devices are looked at together: a bit of a 64-bit word for each.
const BATCH_SIZE: usize = 64;

impl Search {
    /// For a device that shows `code` at `now`, in Unix seconds.
    ///
    /// A code is exactly its ASCII digits; anything else is found nowhere.
    pub fn for_code(policy: Policy, code: &[u8], now: u64) -> Self {
        Self::new(policy, code, None, now)
    }

    /// For a device that shows `first`, and `second` next; about `now`, in Unix seconds.
    ///
    /// A code is exactly its ASCII digits; anything else is found nowhere.
    pub fn for_two_codes(policy: Policy, first: &[u8], second: &[u8], now: u64) -> Self {
        Self::new(policy, first, Some(second), now)
    }

    fn new(policy: Policy, first: &[u8], second: Option<&[u8]>, now: u64) -> Self {
        let digits = u8::try_from(first.len()).ok().and_then(|len| Digits::new(len).ok());
        let submitted = |code| Submitted::new(code, digits.unwrap_or_default());
        Self { policy, now, digits, codes: SubmittedCodes { first: submitted(first), second: second.map(submitted) } }
    }

    /// Sets each of `found` to whether the device at its place shows the codes, and returns how
    /// many do. Devices without a place in `found` are not looked at.
    ///
    /// In constant time for each device: the work depends on its kind, parameters, counter and
    /// drift, and on the number and length of the codes, but not on secrets, codes or matches. The
    /// devices of one algorithm and width of window are computed side by side where the processor
    /// can, up to 64 at a time; so give many at once.
    pub fn find<D: Borrow<Device>>(&self, devices: &[D], found: &mut [bool]) -> usize {
        let mut count = 0_usize;
        found.fill(false);
        for (devices, found) in devices.chunks(BATCH_SIZE).zip(found.chunks_mut(BATCH_SIZE)) {
            let matches = self.find_in_batch(devices.iter().zip(&*found).map(|(device, _)| device.borrow()));
            for (place, found) in found.iter_mut().enumerate() {
                let is_match = matches >> place & 1;
                *found = is_match == 1;
                count = count.saturating_add(usize::from(*found));
            }
        }
        count
    }

    /// Where a device shows the codes, as [`Verdict::drift`](crate::Verdict::drift) says it: by how
    /// many steps its clock is ahead (TOTP; negative if behind; of the last code), or how many
    /// counters were skipped before the first code (HOTP). Of two places the lower counts. None for
    /// a device that does not show them.
    ///
    /// For the devices found: it computes the windows of one device alone, in constant time.
    pub fn drift(&self, device: &Device) -> Option<i64> {
        let digits = self.digits?;
        let hotp = device.generator().filter(|hotp| hotp.digits() == digits)?;
        let more = u64::from(self.codes.second.is_some());
        let windows = device.shown(&self.policy, self.now, more).into_iter().flatten();
        let found = windows.map(|window| Job::new(hotp, &window).found(digits, &self.codes)).reduce(|one, other| one.or(&other))?;
        let expected = match device.factor() {
            Factor::Totp(totp) => totp.step(self.now).ok()?,
            _ => device.moving_factor().saturating_add(more),
        };
        bool::from(found.right).then_some(found.counter.wrapping_sub(expected).cast_signed())
    }

    /// How likely it is that at least one of `devices` devices shows the codes by chance, at most:
    /// the devices times the codes that each may show, times the chance of the likeliest code; for
    /// two codes in a row, of both.
    ///
    /// Rounded up to a part of a billion. It takes the widest windows of the policy for each
    /// device.
    pub fn chance(&self, devices: u64) -> GuessChance {
        match self.digits {
            None => GuessChance::from_parts_per_billion(0),
            Some(digits) => GuessChance::for_search(self.policy.most_accepted(), digits, devices, self.codes.second.is_some()),
        }
    }

    /// A bit for each of up to 64 devices, from the lowest on.
    fn find_in_batch<'d>(&self, devices: impl Iterator<Item = &'d Device>) -> u64 {
        let Some(digits) = self.digits else { return 0 };
        let mut jobs: [[Option<Job<'d>>; BATCH_SIZE]; 2] = [const { [const { None }; BATCH_SIZE] }; 2];
        let [present, drifted] = &mut jobs;
        let more = u64::from(self.codes.second.is_some());
        for ((device, present), drifted) in devices.zip(present).zip(drifted) {
            if let Some(hotp) = device.generator().filter(|hotp| hotp.digits() == digits) {
                [*present, *drifted] =
                    device.shown(&self.policy, self.now, more).map(|window| window.map(|window| Job::new(hotp, &window)));
            }
        }
        jobs.iter_mut().fold(0, |matches, jobs| matches | self.run(digits, jobs))
    }

    /// Does all jobs, those alike together; a bit for each.
    fn run(&self, digits: Digits, jobs: &mut [Option<Job<'_>>; BATCH_SIZE]) -> u64 {
        let mut matches = 0;
        for at in 0..BATCH_SIZE {
            let Some(shape) = jobs.get(at).and_then(Option::as_ref).map(Job::shape) else { continue };
            let mut group = Group::new(shape);
            let alike = jobs.iter_mut().enumerate().skip(at).filter(|(_, job)| job.as_ref().map(Job::shape) == Some(shape));
            for (place, job) in alike.take(max_keys(shape.algorithm).max(1)) {
                job.take().into_iter().for_each(|job| group.push(place, job));
            }
            matches |= group.search(digits, &self.codes);
        }
        matches
    }
}

impl fmt::Debug for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Search").field("policy", &self.policy).field("now", &self.now).finish_non_exhaustive()
    }
}

/// A window of one device.
#[derive(Clone, Copy)]
struct Job<'d> {
    hotp: &'d Hotp,
    first: u64,
    count: u64,
}

/// What jobs have in common that are done together.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Shape {
    algorithm: Algorithm,
    count: u64,
}

impl<'d> Job<'d> {
    const fn new(hotp: &'d Hotp, window: &RangeInclusive<u64>) -> Self {
        let (first, last) = (*window.start(), *window.end());
        Self { hotp, first, count: last.saturating_sub(first).saturating_add(1) }
    }

    const fn shape(&self) -> Shape {
        Shape { algorithm: self.hotp.algorithm(), count: self.count }
    }

    /// Whether and where the codes are there.
    fn found(&self, digits: Digits, codes: &SubmittedCodes) -> Found {
        let window = self.first..=self.first.saturating_add(self.count.saturating_sub(1));
        HmacState::scope(self.hotp.algorithm(), self.hotp.secret(), |state| search(state, digits, codes, window, 0))
    }
}

/// Jobs of one shape, with the place of each in the batch.
struct Group<'d> {
    shape: Shape,
    keys: Keys<'d>,
    jobs: [Option<(usize, Job<'d>)>; MAX_KEYS],
    len: usize,
}

impl<'d> Group<'d> {
    const fn new(shape: Shape) -> Self {
        Self { shape, keys: Keys::new(), jobs: [None; MAX_KEYS], len: 0 }
    }

    fn push(&mut self, place: usize, job: Job<'d>) {
        if let Some(to) = self.jobs.get_mut(self.len) {
            self.keys.push(job.hotp.secret(), job.first);
            *to = Some((place, job));
            self.len = self.len.saturating_add(1);
        }
    }

    /// A bit for each place where the codes are.
    fn search(&self, digits: Digits, codes: &SubmittedCodes) -> u64 {
        // A bit for each lane: where the codes were found, and where the first was in the counter
        // before.
        let (mut found, mut before) = (0, 0);
        let is_done = self.keys.compute(self.shape.algorithm, self.shape.count, &mut |values| {
            digits.reduce_all(values);
            let firsts = codes.first.places(values);
            found |= match &codes.second {
                None => firsts,
                Some(second) => second.places(values) & before,
            };
            before = firsts;
        });
        let jobs = self.jobs.iter().flatten().enumerate();
        jobs.fold(0, |matches, (lane, (place, job))| {
            let is_here = if is_done { found >> lane & 1 } else { job.found(digits, codes).right.unwrap_u8().into() };
            matches | is_here << place
        })
    }
}
