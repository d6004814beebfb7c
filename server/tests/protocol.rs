//! What docs/rules.md promises of an attempt, checked in every order in which processes, their
//! database and lost messages between them can take its steps. The rules are the engine's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

#[path = "protocol/checker.rs"]
mod checker;
#[path = "protocol/faults.rs"]
mod faults;
#[path = "protocol/model.rs"]
mod model;
#[path = "protocol/rules.rs"]
mod rules;
#[path = "protocol/state.rs"]
mod state;

use std::collections::HashSet;

use checker::{Seen, check};
use model::{Protocol, Twin};
use rules::Rules;
use state::State;

/// All steps without a failover.
const STEPS: [&str; 16] = [
    "a stray takes effect",
    "answers: locked",
    "answers: right",
    "answers: wrong",
    "asks",
    "crashes",
    "does not swap",
    "finds a later version, gives no verdict",
    "finds its own bytes",
    "finds other bytes, judges again",
    "hears that it lost, judges again",
    "hears that it swapped",
    "loses the connection",
    "sends",
    "sends again",
    "swaps",
];

/// Three processes, each of which resends a swap of unknown outcome once.
fn three(rules: &Rules, guesses: u8) -> Protocol<'_> {
    Protocol { rules, processes: 3, guesses, resends: 1, failovers: 0, twin: Twin::None, forgets: true }
}

fn assert_holds(protocol: &Protocol<'_>) -> Seen<State> {
    let seen = check(protocol);
    if let Some((fault, trace)) = seen.faults.first_key_value() {
        panic!("{protocol:?}: {fault}:\n{trace}");
    }
    seen
}

#[test]
fn three_processes_with_nine_guesses_keep_every_promise() {
    let rules = Rules::new(2);
    let seen = assert_holds(&three(&rules, 9));
    for step in STEPS {
        assert!(seen.steps.contains_key(step), "{step}");
    }
    // A change of the model changes docs/rules.md, too.
    assert_eq!(seen.states.len(), 427_780);
}

#[test]
fn promises_hold_when_the_primary_dies() {
    let rules = Rules::new(2);
    let seen = assert_holds(&Protocol { failovers: 1, ..three(&rules, 6) });
    for step in ["the primary dies", "the primary dies, a last commit is kept"] {
        assert!(seen.steps.contains_key(step), "{step}");
    }
    assert_eq!(seen.states.len(), 396_904);
}

#[test]
fn promises_hold_at_other_sizes() {
    for (limit, processes, guesses, resends, failovers) in
        [(1, 3, 9, 1, 0), (3, 3, 4, 1, 0), (3, 2, 4, 2, 1), (2, 3, 4, 0, 1), (2, 1, 9, 3, 3)]
    {
        let rules = Rules::new(limit);
        assert_holds(&Protocol { processes, resends, failovers, ..three(&rules, guesses) });
    }
}

/// With forgetting, the states are those without it, minus what is forgotten: no step is lost or
/// added.
#[test]
fn forgotten_state_does_not_matter() {
    let rules = Rules::new(2);
    let forgetful = Protocol { failovers: 1, ..three(&rules, 3) };
    let few = assert_holds(&forgetful);
    let all = assert_holds(&Protocol { forgets: false, ..forgetful });
    assert!(few.states.len() * 2 < all.states.len());
    assert!(few.steps.keys().eq(all.steps.keys()));
    let left: HashSet<State> = all.states.into_iter().map(|state| forgetful.settled(state)).collect();
    let few: HashSet<State> = few.states.into_iter().collect();
    assert!(left == few, "{:?}", left.symmetric_difference(&few).next());
}

/// The checker must find these faults in a twin, with only two processes, on traces that have the
/// step `by`.
fn assert_guilty(twin: Twin, failovers: u8, expected: &[&str], by: &str) {
    let rules = Rules::new(2);
    let twin = Protocol { processes: 2, failovers, twin, ..three(&rules, 3) };
    let seen = check(&twin);
    for fault in expected {
        let trace = seen.faults.get(fault).unwrap_or_else(|| panic!("{twin:?}: not found: {fault}"));
        assert!(trace.contains(by), "{fault}:\n{trace}");
    }
}

#[test]
fn answer_before_the_swap_is_found() {
    let faults = ["a fail is reported and not counted", "a code is accepted twice", "more guesses are evaluated than the limit"];
    assert_guilty(Twin::AnswersFirst, 0, &faults, "sends");
}

#[test]
fn judging_again_after_an_unknown_outcome_is_found() {
    let faults = ["a guess is counted twice", "there are more fails than guesses", "an accepted code is reported as wrong"];
    assert_guilty(Twin::JudgesAgain, 0, &faults, "judges again");
}

#[test]
fn comparing_too_little_is_found() {
    let faults = ["a verdict is reported and not stored", "a fail is reported and not counted", "a code is accepted twice"];
    assert_guilty(Twin::ComparesVersions, 0, &faults, "finds its own bytes");
    let faults = ["a guess is counted twice", "there are more fails than guesses", "an accepted code is reported as wrong"];
    assert_guilty(Twin::JudgesLater, 0, &faults, "finds other bytes, judges again");
}

#[test]
fn swap_without_its_condition_is_found() {
    let faults = ["a fail is reported and not counted", "a code is accepted twice", "more guesses are evaluated than the limit"];
    assert_guilty(Twin::SwapsAnyway, 0, &faults, "swaps");
}

#[test]
fn acknowledged_commits_that_a_failover_loses_are_found() {
    let faults = ["a fail is reported and not counted", "a code is accepted twice", "an open device is reported as locked"];
    assert_guilty(Twin::AcknowledgesEarly, 1, &faults, "the primary dies");
}

/// A database that shows a commit must have it on the standby, since the comparison of bytes trusts
/// what it reads.
#[test]
fn commits_that_are_read_and_that_a_failover_loses_are_found() {
    let faults = ["a fail is reported and not counted", "a code is accepted and not used up"];
    assert_guilty(Twin::ShowsEarly, 1, &faults, "finds its own bytes");
}

#[test]
fn lagging_standby_does_no_harm_before_the_primary_dies() {
    let rules = Rules::new(2);
    for twin in [Twin::AcknowledgesEarly, Twin::ShowsEarly] {
        assert_holds(&Protocol { processes: 2, twin, ..three(&rules, 3) });
    }
}
