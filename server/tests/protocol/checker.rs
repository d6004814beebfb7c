//! A model checker: it visits every reachable state, breadth first.
//!
//! The crate stateright would bring 24 packages, among them a web server and a second rand. It also
//! identifies a state by a hash of 64 bits, so two states could count as one.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Debug;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// A model to check.
pub(crate) trait Model {
    /// A state.
    type State: Copy + Eq + Hash + Debug;

    /// The first state.
    fn start(&self) -> Self::State;

    /// All steps that can happen next, and the states that they lead to.
    fn next(&self, state: &Self::State, into: &mut Vec<(&'static str, Self::State)>);

    /// The broken promises of a state. `is_last` says that no step can follow.
    fn faults(&self, state: &Self::State, is_last: bool, into: &mut Vec<&'static str>);
}

/// What a check has seen.
pub(crate) struct Seen<S> {
    /// All states.
    pub(crate) states: Vec<S>,
    /// Each broken promise, and a shortest trace to it.
    pub(crate) faults: BTreeMap<&'static str, String>,
    /// Each step, and from how many states it was taken.
    pub(crate) steps: BTreeMap<&'static str, usize>,
}

/// Visits all states of a model. It goes on after a broken promise, since others may follow.
pub(crate) fn check<M: Model>(model: &M) -> Seen<M::State> {
    let mut seen = Seen { states: vec![model.start()], faults: BTreeMap::new(), steps: BTreeMap::new() };
    // The state from which each state was reached first.
    let mut from = vec![0];
    let mut known = HashSet::with_hasher(BuildHasherDefault::<Mix>::default());
    known.insert(model.start());
    let (mut next, mut faults) = (Vec::new(), Vec::new());
    let mut at = 0;
    while let Some(&state) = seen.states.get(at) {
        model.next(&state, &mut next);
        model.faults(&state, next.is_empty(), &mut faults);
        for fault in faults.drain(..) {
            let states = &seen.states;
            seen.faults.entry(fault).or_insert_with(|| trace(model, states, &from, at));
        }
        for (step, following) in next.drain(..) {
            *seen.steps.entry(step).or_default() += 1;
            if known.insert(following) {
                seen.states.push(following);
                from.push(at);
            }
        }
        at += 1;
    }
    seen
}

/// The trace to a state, a line for each step.
fn trace<M: Model>(model: &M, states: &[M::State], from: &[usize], mut at: usize) -> String {
    let mut lines = Vec::new();
    while at != 0 {
        let mut next = Vec::new();
        model.next(&states[from[at]], &mut next);
        let step = next.iter().find(|(_, state)| *state == states[at]).map_or("?", |(step, _)| step);
        lines.push(format!("{step}: {:?}", states[at]));
        at = from[at];
    }
    lines.reverse();
    lines.join("\n")
}

/// A fast hash, since no attacker chooses the states. Tests are not optimised, and the usual hash
/// takes most of their time.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
