//! The state of the model, in a normal form so that there are few states.

use std::hash::{Hash, Hasher};

use super::rules::{Guess, RecordIndex, Rules};

/// The most processes.
pub(crate) const PROCESSES: usize = 3;

/// Which process's current guess wrote a record's bytes, or [`OVER`].
pub(crate) type Writer = u8;

/// All processes.
pub(crate) const WRITERS: [Writer; PROCESSES] = [0, 1, 2];

/// A guess that is over: no process compares its bytes.
pub(crate) const OVER: Writer = Writer::MAX;

/// The device's row. Each attempt seals its record under a fresh nonce, so its bytes are unique.
/// Here the writer stands for the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) version: u8,
    pub(crate) record: RecordIndex,
    pub(crate) writer: Writer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Idle,
    /// The row is read and the guess judged.
    Judged,
    /// The swap is sent.
    Waiting,
    /// The swap was done, and the reply is on its way.
    Swapped,
    /// The swap changed nothing, and the reply is on its way.
    Lost,
    /// The connection is lost.
    Unknown,
    /// The verdict is final and on its way to the client.
    Reporting,
}

/// What the store has seen of a guess, over all its attempts. No process knows this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    Not,
    Wrong,
    Right,
}

/// A process, and what it knows of its current guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) phase: Phase,
    pub(crate) guess: Guess,
    /// The version that it read.
    pub(crate) version: u8,
    pub(crate) record: RecordIndex,
    pub(crate) resends: u8,
    pub(crate) stored: Stored,
}

pub(crate) const IDLE: Process =
    Process { phase: Phase::Idle, guess: Guess::Wrong, version: 0, record: 0, resends: 0, stored: Stored::Not };

impl Process {
    pub(crate) fn is_idle(self) -> bool {
        self.phase == Phase::Idle
    }

    fn number(self) -> u64 {
        let Self { phase, guess, version, record, resends, stored } = self;
        u64::from_le_bytes([phase as u8, guess as u8, version, record, resends, stored as u8, 0, 0])
    }
}

/// A swap that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    /// The version that it is conditional on, and the record that was read with it.
    pub(crate) version: u8,
    pub(crate) read: RecordIndex,
    pub(crate) guess: Guess,
    pub(crate) writer: Writer,
    /// For a guess that is over. Otherwise the process has it.
    pub(crate) stored: Stored,
}

impl Statement {
    fn number(self) -> u64 {
        let Self { version, read, guess, writer, stored } = self;
        u64::from_le_bytes([version, read, guess as u8, writer, stored as u8, 1, 0, 0])
    }
}

/// The state of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) row: Row,
    /// The row after a failover. It differs from `row` in some twins only.
    pub(crate) standby: Row,
    pub(crate) processes: [Process; PROCESSES],
    /// Swaps that no process waits for. Each takes effect at any time, or never.
    pub(crate) strays: [Option<Statement>; 6],
    pub(crate) guesses_left: u8,
    pub(crate) failovers_left: u8,
    /// How many clients heard that their guess is wrong: judged before a code was accepted, and
    /// after.
    pub(crate) wrong_verdicts: [u8; 2],
    pub(crate) right_verdicts: u8,
    /// Whether a client got no verdict: its process crashed or answered 503.
    pub(crate) lapsed: bool,
    /// Promises that steps have broken, as bits.
    pub(crate) broken: u8,
}

// In words of 64 bits, which is faster in tests without optimisation.
impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let Row { version, record, writer } = self.row;
        let [before, after] = self.wrong_verdicts;
        hasher.write_u64(u64::from_le_bytes([
            version,
            record,
            writer,
            self.guesses_left,
            before,
            after,
            self.right_verdicts,
            self.broken,
        ]));
        let Row { version, record, writer } = self.standby;
        hasher.write_u64(u64::from_le_bytes([version, record, writer, self.failovers_left, self.lapsed.into(), 0, 0, 0]));
        for process in &self.processes {
            hasher.write_u64(process.number());
        }
        for stray in self.strays.iter().flatten() {
            hasher.write_u64(stray.number());
        }
    }
}

impl State {
    pub(crate) fn new(guesses: u8, failovers: u8) -> Self {
        let row = Row { version: 0, record: 0, writer: OVER };
        Self {
            row,
            standby: row,
            processes: [IDLE; PROCESSES],
            strays: [None; 6],
            guesses_left: guesses,
            failovers_left: failovers,
            wrong_verdicts: [0; 2],
            right_verdicts: 0,
            lapsed: false,
            broken: 0,
        }
    }

    pub(crate) fn add_stray(&mut self, statement: Statement) {
        if !self.strays.contains(&Some(statement)) {
            *self.strays.iter_mut().find(|stray| stray.is_none()).expect("room for strays") = Some(statement);
        }
    }

    /// Ends the guess of a process: no process compares its bytes from now on.
    pub(crate) fn end(&mut self, at: Writer) {
        self.disown(at);
        self.processes[usize::from(at)] = IDLE;
        for row in [&mut self.row, &mut self.standby] {
            if row.writer == at {
                row.writer = OVER;
            }
        }
    }

    /// Parts what a process has sent from its current attempt.
    pub(crate) fn disown(&mut self, at: Writer) {
        let stored = self.processes[usize::from(at)].stored;
        for stray in self.strays.iter_mut().flatten().filter(|stray| stray.writer == at) {
            (stray.writer, stray.stored) = (OVER, stored);
        }
    }

    /// Forgets state that cannot matter any more, since versions only grow.
    /// `forgotten_state_does_not_matter` tests it.
    pub(crate) fn forget(&mut self, rules: &Rules) {
        let row = self.row;
        // Whether both codes lead to the same from now on: the right one is used, or the device is
        // locked.
        let alike = rules.judge(row.record, Guess::Right) == rules.judge(row.record, Guess::Wrong);
        if alike {
            for stray in self.strays.iter_mut().flatten() {
                stray.guess = Guess::Wrong;
            }
        }
        for (at, process) in (0..).zip(&mut self.processes) {
            // One version behind it may find its own bytes, two or more behind it cannot.
            let behind = row.version.saturating_sub(process.version).min(2);
            match process.phase {
                Phase::Idle => continue,
                Phase::Reporting => {
                    (process.record, process.guess) = rules.alike(process.record, process.guess);
                    (process.version, process.resends) = (0, 0);
                    continue;
                }
                // It will read again.
                Phase::Lost if process.resends == 0 => {
                    *process = Process { phase: Phase::Lost, guess: if alike { Guess::Wrong } else { process.guess }, ..IDLE };
                    continue;
                }
                Phase::Swapped => (process.record, process.guess) = rules.alike(process.record, process.guess),
                _ if behind > 0 && row.writer == at => (process.record, process.guess) = rules.alike(process.record, process.guess),
                // It can only end without a verdict.
                _ if behind == 2 && (process.phase == Phase::Unknown || process.resends > 0) => {
                    (process.record, process.guess, process.stored) = (0, Guess::Wrong, Stored::Not);
                }
                _ => {
                    if behind > 0 {
                        process.record = 0;
                    }
                    if alike {
                        process.guess = Guess::Wrong;
                    }
                }
            }
            process.version = row.version - behind;
        }
    }

    /// Sorts processes and strays, so that states that differ in their order only are equal.
    pub(crate) fn sort(&mut self) {
        let has_strays = self.strays.iter().any(Option::is_some);
        let key = |at: u8| (self.processes[usize::from(at)].number(), self.ties(at, has_strays));
        let mut keys = WRITERS.map(|at| (key(at), at));
        for (one, other) in [(0, 1), (1, 2), (0, 1)] {
            if keys[one] > keys[other] {
                keys.swap(one, other);
            }
        }
        let order = keys.map(|(_, at)| at);
        if order != WRITERS {
            self.processes = order.map(|at| self.processes[usize::from(at)]);
            let mut renamed = [0; PROCESSES];
            for (new, old) in (0..).zip(order) {
                renamed[usize::from(old)] = new;
            }
            let strays = self.strays.iter_mut().flatten().map(|stray| &mut stray.writer);
            for writer in strays.chain([&mut self.row.writer, &mut self.standby.writer]).filter(|writer| **writer != OVER) {
                *writer = renamed[usize::from(*writer)];
            }
        }
        if has_strays {
            self.strays.sort_unstable_by_key(|stray| stray.map_or(u64::MAX, Statement::number));
            for at in 1..self.strays.len() {
                if self.strays[at] == self.strays[at - 1] && self.strays[at].is_some() {
                    self.strays[at..].rotate_left(1);
                    *self.strays.last_mut().unwrap() = None;
                }
            }
        }
    }

    /// What distinguishes processes that are otherwise equal.
    fn ties(&self, at: Writer, has_strays: bool) -> (bool, bool, bool) {
        let strays = has_strays && self.strays.iter().flatten().any(|stray| stray.writer == at);
        (self.row.writer == at, self.standby.writer == at, strays)
    }
}
