//! The promises, and how a state breaks them.

use super::model::{COUNTED_TWICE, NOT_LOCKED, NOT_STORED, Protocol, RIGHT_REPORTED_WRONG};
use super::state::{Process, State};

pub(crate) fn faults(protocol: &Protocol<'_>, state: &State, is_last: bool, into: &mut Vec<&'static str>) {
    let rules = protocol.rules;
    let record = state.row.record;
    let (fails, accepted, attempts) = (rules.fails(record), rules.accepted(record), rules.attempts(record));
    // Fails before the right code was accepted, and after.
    let counted = if accepted == 0 { [fails, 0] } else { [attempts - accepted - fails, fails] };
    let wrong = state.wrong_verdicts.map(u32::from);
    let right = u32::from(state.right_verdicts);
    let evaluated = wrong[0] + wrong[1] + right;
    let asked = u32::from(protocol.guesses - state.guesses_left);
    let mut fault = |holds: bool, name: &'static str| {
        if holds {
            into.push(name);
        }
    };
    fault(wrong.iter().any(|&wrong| wrong > rules.limit()), "more guesses are evaluated than the limit");
    fault(wrong[0] > counted[0] || wrong[1] > counted[1], "a fail is reported and not counted");
    fault(right > 1, "a code is accepted twice");
    fault(right > accepted, "a code is accepted and not used up");
    fault(attempts > asked, "there are more fails than guesses");
    fault(state.broken & COUNTED_TWICE != 0, "a guess is counted twice");
    fault(state.broken & NOT_STORED != 0, "a verdict is reported and not stored");
    fault(state.broken & RIGHT_REPORTED_WRONG != 0, "an accepted code is reported as wrong");
    fault(state.broken & NOT_LOCKED != 0, "an open device is reported as locked");
    if is_last {
        fault(state.guesses_left > 0 || !state.processes.into_iter().all(Process::is_idle), "a client waits forever");
        let most = if accepted == 0 { asked.min(rules.limit()) } else { evaluated };
        let all = evaluated == attempts && evaluated == most && (evaluated == asked || rules.is_locked(record));
        fault(!state.lapsed && !all, "fewer guesses are evaluated than the limit");
    }
}
