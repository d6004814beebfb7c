//! Every state that a model can come to, breadth first.
//!
//! Not the crate stateright: it brings 24 packages, a web server and a second rand among them, and
//! it knows a state by 64 bits of a hash, so that two could pass for one.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Debug;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// What can be checked.
pub(crate) trait Model {
    /// A state; equal ones are the same one.
    type State: Copy + Eq + Hash + Debug;

    /// Where it begins.
    fn start(&self) -> Self::State;

    /// All that can happen next: what, and to what state it leads.
    fn next(&self, state: &Self::State, into: &mut Vec<(&'static str, Self::State)>);

    /// What must never be seen and is seen in `state`; `is_last` says that nothing can happen next.
    fn faults(&self, state: &Self::State, is_last: bool, into: &mut Vec<&'static str>);
}

/// What was seen.
pub(crate) struct Seen<S> {
    /// All states.
    pub(crate) states: Vec<S>,
    /// Each fault, and a shortest way to it.
    pub(crate) faults: BTreeMap<&'static str, String>,
    /// Each step, and from how many states it was taken.
    pub(crate) steps: BTreeMap<&'static str, usize>,
}

/// Goes through all states of `model`. A fault ends nothing: others may lie beyond it.
pub(crate) fn check<M: Model>(model: &M) -> Seen<M::State> {
    let mut seen = Seen { states: vec![model.start()], faults: BTreeMap::new(), steps: BTreeMap::new() };
    // From where each state was first come to.
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
            seen.faults.entry(fault).or_insert_with(|| way(model, states, &from, at));
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

/// The way to a state, a line for each step.
fn way<M: Model>(model: &M, states: &[M::State], from: &[usize], mut at: usize) -> String {
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

/// A hash for states, which nobody chooses to harm it. Tests are not optimised, and the usual one
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
