//! The steps of processes, of their database, and of messages between them.

use super::checker::Model;
use super::rules::{Guess, Rules, Verdict};
use super::state::{IDLE, PROCESSES, Phase, Process, Row, State, Statement, Stored, WRITERS, Writer};

/// A twin of the protocol with a fault that the checker must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twin {
    /// No fault.
    None,
    /// Answers before it swaps.
    AnswersFirst,
    /// Judges again after an unknown outcome, instead of comparing bytes.
    JudgesAgain,
    /// Takes any bytes at the next version for its own bytes.
    ComparesVersions,
    /// Judges again where a later version hides who wrote the next one.
    JudgesLater,
    /// Swaps at any version.
    SwapsAnyway,
    /// A commit is acknowledged before the standby has it.
    AcknowledgesEarly,
    /// A commit can be read before the standby has it, though it is not acknowledged.
    ShowsEarly,
}

/// A protocol and its surroundings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Protocol<'r> {
    pub(crate) rules: &'r Rules,
    pub(crate) processes: usize,
    /// How many guesses all clients make together. Each process takes any number of them.
    pub(crate) guesses: u8,
    /// How often a swap of unknown outcome is sent again.
    pub(crate) resends: u8,
    /// How often the primary dies.
    pub(crate) failovers: u8,
    pub(crate) twin: Twin,
    /// Whether to forget state that cannot matter, so that there are fewer states.
    pub(crate) forgets: bool,
}

/// Bits of [`State::broken`].
pub(crate) const COUNTED_TWICE: u8 = 1;
pub(crate) const NOT_STORED: u8 = 2;
pub(crate) const RIGHT_REPORTED_WRONG: u8 = 4;
pub(crate) const NOT_LOCKED: u8 = 8;

impl Protocol<'_> {
    /// The normal form of a state, which the checker keeps.
    pub(crate) fn settled(&self, mut state: State) -> State {
        for stray in &mut state.strays {
            if stray.is_some_and(|stray| !self.may_swap(stray.version, state.row)) {
                *stray = None;
            }
        }
        if self.forgets && self.twin == Twin::None {
            state.forget(self.rules);
        }
        state.sort();
        state
    }

    fn may_swap(&self, version: u8, row: Row) -> bool {
        version == row.version || self.twin == Twin::SwapsAnyway
    }

    /// Whether the standby may be behind.
    fn lags(&self) -> bool {
        matches!(self.twin, Twin::AcknowledgesEarly | Twin::ShowsEarly)
    }

    /// Steps 1 and 2: reads and judges.
    fn read(&self, state: &mut State, at: Writer) {
        let Row { version, record, .. } = state.row;
        let process = &mut state.processes[usize::from(at)];
        (process.version, process.record, process.resends) = (version, record, 0);
        let (_, verdict) = self.rules.judge(record, process.guess);
        process.phase = if verdict == Verdict::Locked { Phase::Reporting } else { Phase::Judged };
    }

    /// Step 3, in the database. Returns whether the row was changed.
    fn swap(&self, state: &mut State, statement: Statement) -> bool {
        let Statement { version, read, guess, writer, .. } = statement;
        if !self.may_swap(version, state.row) {
            return false;
        }
        let (record, verdict) = self.rules.judge(read, guess);
        let owner = state.processes.get_mut(usize::from(writer));
        let before = owner.as_ref().map_or(statement.stored, |process| process.stored);
        if before != Stored::Not {
            state.broken |= COUNTED_TWICE;
        }
        if let Some(process) = owner {
            process.stored = if verdict == Verdict::Right || before == Stored::Right { Stored::Right } else { Stored::Wrong };
        }
        state.row = Row { version: state.row.version + 1, record, writer };
        if !self.lags() {
            state.standby = state.row;
        }
        true
    }

    /// Step 4: the client hears the verdict.
    fn report(&self, state: &mut State, at: Writer) -> &'static str {
        let Process { guess, record, stored, .. } = state.processes[usize::from(at)];
        let (_, verdict) = self.rules.judge(record, guess);
        if self.rules.reports_lock(record, guess) && !self.rules.is_locked(state.row.record) {
            state.broken |= NOT_LOCKED;
        }
        if stored == Stored::Right && verdict != Verdict::Right {
            state.broken |= RIGHT_REPORTED_WRONG;
        }
        if stored == Stored::Not && verdict != Verdict::Locked {
            state.broken |= NOT_STORED;
        }
        match verdict {
            Verdict::Wrong => {
                state.wrong_verdicts[self.rules.accepted(record) as usize] += 1;
                "answers: wrong"
            }
            Verdict::Right => {
                state.right_verdicts += 1;
                "answers: right"
            }
            Verdict::Locked => "answers: locked",
        }
    }

    /// Step 5, after a swap sent again that changed nothing.
    fn compare(&self, state: &mut State, at: Writer) -> &'static str {
        let (row, read) = (state.row, state.processes[usize::from(at)].version);
        if row.version == read + 1 && (row.writer == at || self.twin == Twin::ComparesVersions) {
            state.processes[usize::from(at)].phase = Phase::Reporting;
            "finds its own bytes"
        } else if row.version <= read + 1 || self.twin == Twin::JudgesLater {
            // Lower versions come back only where commits are lost.
            self.read(state, at);
            "finds other bytes, judges again"
        } else {
            Self::lapse(state, at);
            "finds a later version, gives no verdict"
        }
    }

    /// Step 5: sends again, or gives no verdict if it did so often enough.
    fn lose_connection(&self, state: &mut State, at: Writer) {
        Self::leave(state, at);
        let process = &mut state.processes[usize::from(at)];
        if process.resends < self.resends { process.phase = Phase::Unknown } else { Self::lapse(state, at) }
    }

    /// Step 6, or an answer of 503.
    fn lapse(state: &mut State, at: Writer) {
        state.lapsed = true;
        Self::leave(state, at);
        state.end(at);
    }

    /// Makes a stray of what the process has sent.
    fn leave(state: &mut State, at: Writer) {
        if let Some(statement) = sent(state, at) {
            state.add_stray(statement);
        }
    }

    /// The next step of a process by itself.
    fn proceed(&self, state: &mut State, at: Writer) -> Option<&'static str> {
        let process = state.processes[usize::from(at)];
        let phase = &mut state.processes[usize::from(at)].phase;
        Some(match process.phase {
            Phase::Idle | Phase::Waiting => return None,
            Phase::Judged => {
                *phase = Phase::Waiting;
                if self.twin == Twin::AnswersFirst {
                    self.report(state, at);
                }
                "sends"
            }
            Phase::Swapped if self.twin == Twin::ShowsEarly && state.standby.version <= process.version => return None,
            Phase::Swapped => {
                *phase = Phase::Reporting;
                "hears that it swapped"
            }
            Phase::Lost if process.resends == 0 => {
                self.read(state, at);
                "hears that it lost, judges again"
            }
            Phase::Lost => self.compare(state, at),
            Phase::Unknown if self.twin == Twin::JudgesAgain => {
                state.disown(at);
                self.read(state, at);
                "judges again"
            }
            Phase::Unknown => {
                *phase = Phase::Waiting;
                state.processes[usize::from(at)].resends += 1;
                "sends again"
            }
            Phase::Reporting => {
                let is_reported =
                    self.twin == Twin::AnswersFirst && self.rules.judge(process.record, process.guess).1 != Verdict::Locked;
                let step = if is_reported { "has answered" } else { self.report(state, at) };
                state.end(at);
                step
            }
        })
    }

    /// Step 7: the standby takes over. `kept` is a commit that it has, and that was not
    /// acknowledged.
    fn fail_over(&self, state: &mut State, kept: Option<Statement>) {
        state.failovers_left -= 1;
        if self.lags() {
            state.row = state.standby;
        } else if let Some(kept) = kept {
            self.swap(state, kept);
        }
        // Swaps in flight, strays included, are lost with the primary or undone.
        state.strays = [None; 6];
        for at in WRITERS {
            let process = &mut state.processes[usize::from(at)];
            let is_undone = self.lags() && process.version >= state.row.version;
            if is_undone {
                process.stored = Stored::Not;
            }
            if process.phase == Phase::Waiting || (is_undone && process.phase == Phase::Swapped && self.twin == Twin::ShowsEarly) {
                self.lose_connection(state, at);
            }
        }
        state.strays = [None; 6];
    }
}

/// The swap whose outcome the process waits for.
fn sent(state: &State, at: Writer) -> Option<Statement> {
    let Process { phase, guess, version, record: read, .. } = state.processes[usize::from(at)];
    (phase == Phase::Waiting).then_some(Statement { version, read, guess, writer: at, stored: Stored::Not })
}

impl Model for Protocol<'_> {
    type State = State;

    fn start(&self) -> State {
        State::new(self.guesses, self.failovers)
    }

    fn next(&self, state: &State, into: &mut Vec<(&'static str, State)>) {
        let mut step = |name: &'static str, next: State| into.push((name, self.settled(next)));
        // Idle processes come first, and are all equal.
        let idle = state.processes.iter().filter(|process| process.is_idle()).count();
        if state.guesses_left > 0 && idle + self.processes > PROCESSES {
            for guess in [Guess::Wrong, Guess::Right] {
                let mut next = *state;
                next.guesses_left -= 1;
                next.processes[0] = Process { guess, ..IDLE };
                self.read(&mut next, 0);
                step("asks", next);
            }
        }
        for at in WRITERS {
            let phase = state.processes[usize::from(at)].phase;
            if phase == Phase::Idle {
                continue;
            }
            let mut next = *state;
            if let Some(name) = self.proceed(&mut next, at) {
                step(name, next);
            }
            if let Some(statement) = sent(state, at) {
                let mut next = *state;
                let is_swapped = self.swap(&mut next, statement);
                next.processes[usize::from(at)].phase = if is_swapped { Phase::Swapped } else { Phase::Lost };
                step(if is_swapped { "swaps" } else { "does not swap" }, next);
            }
            if matches!(phase, Phase::Waiting | Phase::Swapped | Phase::Lost) {
                let mut next = *state;
                self.lose_connection(&mut next, at);
                step("loses the connection", next);
            }
            let mut next = *state;
            Self::lapse(&mut next, at);
            step("crashes", next);
        }
        for (at, stray) in state.strays.iter().enumerate() {
            let Some(stray) = *stray else { break };
            let mut next = *state;
            next.strays[at] = None;
            self.swap(&mut next, stray);
            step("a stray takes effect", next);
        }
        if self.lags() && state.standby != state.row {
            step("the standby catches up", State { standby: state.row, ..*state });
        }
        if state.failovers_left > 0 {
            let mut next = *state;
            self.fail_over(&mut next, None);
            step("the primary dies", next);
            if !self.lags() {
                // At most one swap in flight is kept: the others need the version before it.
                let sent = WRITERS.into_iter().filter_map(|at| sent(state, at));
                for kept in sent.chain(state.strays.iter().flatten().copied()).filter(|kept| self.may_swap(kept.version, state.row))
                {
                    let mut next = *state;
                    self.fail_over(&mut next, Some(kept));
                    step("the primary dies, a last commit is kept", next);
                }
            }
        }
    }

    fn faults(&self, state: &State, is_last: bool, into: &mut Vec<&'static str>) {
        super::faults::faults(self, state, is_last, into);
    }
}
