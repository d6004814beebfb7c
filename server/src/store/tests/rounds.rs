//! The rounds of a writer: a round reads and then writes, and replies to what it finishes.

use keyfob_scim::{EventKind, Naming, Response, Step};
use tokio::sync::oneshot;

use super::{Place, entry, event, keys, on_both, wrong_answer};
use crate::store::Store;
use crate::store::replies::Replies;
use crate::store::rooms::Rooms;
use crate::store::writable::Writable;
use crate::store::writes::{Change, Job, Stepped, change};

on_both! { request_that_reads_and_then_swaps_takes_one_round }

fn done() -> Step {
    Step::Done(Response::empty(200))
}

async fn request_that_reads_and_then_swaps_takes_one_round(place: Place) {
    let store: Store = place.open();
    let id = store
        .insert(Box::new(entry("ada")), Naming::Numbered("HOTP"), event(EventKind::Create, 0), Vec::new())
        .await
        .unwrap()
        .row
        .id;
    let swap_then_done = Step::Get {
        id,
        to_swap: true,
        then: Box::new(|entry| Step::Swap { swap: wrong_answer(&entry.unwrap()), then: Box::new(|_| done()) }),
    };
    let line_then_done = Step::Audit { event: event(EventKind::Verify, id), then: Box::new(|()| done()) };
    let get_then_line = Step::Get {
        id,
        to_swap: true,
        then: Box::new(move |_| Step::Audit { event: event(EventKind::Verify, id), then: Box::new(|()| done()) }),
    };
    let get_twice =
        Step::Get { id, to_swap: true, then: Box::new(move |_| Step::Get { id, to_swap: true, then: Box::new(|_| done()) }) };
    let lost_then_done = Step::Get {
        id,
        to_swap: true,
        then: Box::new(move |entry| {
            let mut swap = wrong_answer(&entry.unwrap());
            swap.entry.version += 1;
            let then = move |is_swapped: bool| {
                assert!(!is_swapped, "the store has another version");
                Step::Get { id, to_swap: true, then: Box::new(|_| done()) }
            };
            Step::Swap { swap, then: Box::new(then) }
        }),
    };
    let get_then_done = Step::Get { id, to_swap: true, then: Box::new(|_| done()) };
    let replies = Replies::start().unwrap();
    for (step, rounds) in [
        (swap_then_done, 1),
        (get_then_line, 1),
        (line_then_done, 1),
        (get_then_done, 1),
        // A second read, and what follows a lost swap, belong to the next batch.
        (get_twice, 2),
        (lost_then_done, 2),
    ] {
        let (reply, outcome) = oneshot::channel::<Result<Stepped, _>>();
        let job = Change::Step(Box::new(Job { step, note: None, reply }));
        let taken = place.with(|connection| {
            let (mut left, mut taken) = (vec![job], 0);
            while !left.is_empty() {
                left = change(connection, &keys(), &replies, &Writable::default(), &Rooms::default(), left);
                taken += 1;
            }
            taken
        });
        assert_eq!(taken, rounds);
        assert!(matches!(outcome.await.unwrap().unwrap().step, Step::Done(_)));
    }
    store.close();
}
