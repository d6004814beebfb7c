//! What can happen next: to processes, to their database and to what is on its way between them.

use super::checker::Model;
use super::rules::{Guess, Rules, Told};
use super::state::{IDLE, PROCESSES, Phase, Process, Row, State, Statement, Stored, WRITERS, Writer};

/// What is wrong with a protocol: nothing, or what the checker has to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twin {
    /// The protocol as it is meant.
    None,
    /// Answers before it swaps.
    AnswersFirst,
    /// Judges again after an unknown outcome, in place of comparing bytes.
    JudgesAgain,
    /// Takes any bytes at the next version for its own.
    ComparesVersions,
    /// Judges again where a later version hides who wrote the next one.
    JudgesLater,
    /// Swaps whatever the version is.
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
    /// Of all clients together. Each process takes any number of them.
    pub(crate) guesses: u8,
    /// How often a swap is sent again whose outcome is unknown.
    pub(crate) resends: u8,
    /// How often the primary dies.
    pub(crate) failovers: u8,
    pub(crate) twin: Twin,
    /// Whether to forget what cannot matter, for fewer states.
    pub(crate) forgets: bool,
}

/// Bits of [`State::broken`].
pub(crate) const COUNTED_TWICE: u8 = 1;
pub(crate) const NOT_STORED: u8 = 2;
pub(crate) const RIGHT_TOLD_WRONG: u8 = 4;
pub(crate) const NOT_LOCKED: u8 = 8;

impl Protocol<'_> {
    /// As the checker keeps it.
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
        let (_, told) = self.rules.judge(record, process.guess);
        process.phase = if told == Told::Locked { Phase::Telling } else { Phase::Judged };
    }

    /// Step 3, in the database. Returns whether the row was changed.
    fn swap(&self, state: &mut State, statement: Statement) -> bool {
        let Statement { version, read, guess, writer, .. } = statement;
        if !self.may_swap(version, state.row) {
            return false;
        }
        let (record, told) = self.rules.judge(read, guess);
        let owner = state.processes.get_mut(usize::from(writer));
        let before = owner.as_ref().map_or(statement.stored, |process| process.stored);
        if before != Stored::Not {
            state.broken |= COUNTED_TWICE;
        }
        if let Some(process) = owner {
            process.stored = if told == Told::Right || before == Stored::Right { Stored::Right } else { Stored::Wrong };
        }
        state.row = Row { version: state.row.version + 1, record, writer };
        if !self.lags() {
            state.standby = state.row;
        }
        true
    }

    /// Step 4: the client hears the verdict.
    fn tell(&self, state: &mut State, at: Writer) -> &'static str {
        let Process { guess, record, stored, .. } = state.processes[usize::from(at)];
        let (_, told) = self.rules.judge(record, guess);
        if self.rules.tells_lock(record, guess) && !self.rules.is_locked(state.row.record) {
            state.broken |= NOT_LOCKED;
        }
        if stored == Stored::Right && told != Told::Right {
            state.broken |= RIGHT_TOLD_WRONG;
        }
        if stored == Stored::Not && told != Told::Locked {
            state.broken |= NOT_STORED;
        }
        match told {
            Told::Wrong => {
                state.told_wrong[self.rules.accepted(record) as usize] += 1;
                "answers: wrong"
            }
            Told::Right => {
                state.told_right += 1;
                "answers: right"
            }
            Told::Locked => "answers: locked",
        }
    }

    /// Step 5, after a swap sent again that changed nothing.
    fn compare(&self, state: &mut State, at: Writer) -> &'static str {
        let (row, read) = (state.row, state.processes[usize::from(at)].version);
        if row.version == read + 1 && (row.writer == at || self.twin == Twin::ComparesVersions) {
            state.processes[usize::from(at)].phase = Phase::Telling;
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

    /// What the process has sent is on its way still.
    fn leave(state: &mut State, at: Writer) {
        if let Some(statement) = sent(state, at) {
            state.add_stray(statement);
        }
    }

    /// What the process does next by itself.
    fn proceed(&self, state: &mut State, at: Writer) -> Option<&'static str> {
        let process = state.processes[usize::from(at)];
        let phase = &mut state.processes[usize::from(at)].phase;
        Some(match process.phase {
            Phase::Idle | Phase::Waiting => return None,
            Phase::Judged => {
                *phase = Phase::Waiting;
                if self.twin == Twin::AnswersFirst {
                    self.tell(state, at);
                }
                "sends"
            }
            Phase::Swapped if self.twin == Twin::ShowsEarly && state.standby.version <= process.version => return None,
            Phase::Swapped => {
                *phase = Phase::Telling;
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
            Phase::Telling => {
                let is_told = self.twin == Twin::AnswersFirst && self.rules.judge(process.record, process.guess).1 != Told::Locked;
                let step = if is_told { "has answered" } else { self.tell(state, at) };
                state.end(at);
                step
            }
        })
    }

    /// Step 7: the standby takes over. `kept` is a commit that it has though nobody heard of it.
    fn fail_over(&self, state: &mut State, kept: Option<Statement>) {
        state.failovers_left -= 1;
        if self.lags() {
            state.row = state.standby;
        } else if let Some(kept) = kept {
            self.swap(state, kept);
        }
        // What was in flight is gone with the primary, or undone: its strays too.
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

/// What the process has sent and waits to hear of.
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
        // Those that are idle come first and are all the same.
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
                // One of those in flight at most: the others are conditional on the version before
                // it.
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
