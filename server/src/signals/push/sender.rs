//! The work of the process that sends to a receiver: it reads signals, sends their tokens, and
//! removes those that the receiver has taken.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::connection::Connection;
use super::health::later;
use super::notes::Notes;
use super::queue::{PageRequest, Queue};
use super::removals::Removals;
use super::response::{Failure, Verdict};
use crate::delivery::Users;
use crate::signals::{Outcome, Push, Receiver, Signals};
use crate::store::{OutboxSignal, Store, Stream};

/// How often the store is asked for signals of other processes, and whether the receiver is paused.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How long a stopping process waits for the tokens under way.
const STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// What all tasks of a receiver share.
pub(super) struct Context {
    pub(super) signals: Arc<Signals>,
    pub(super) users: Option<Arc<Users>>,
    pub(super) store: Store,
    pub(super) receiver: Arc<Receiver>,
}

/// The sender of a receiver, from the taking of its lease on.
#[expect(clippy::struct_excessive_bools, reason = "each is a state of its own")]
pub(super) struct Sender {
    context: Arc<Context>,
    queue: Queue,
    removals: Removals,
    notes: Notes,
    tasks: JoinSet<Done>,
    /// Connections without a token.
    idle: Vec<Connection>,
    /// Until when the lease may be used.
    lease_end: watch::Receiver<Instant>,
    is_paused: bool,
    is_stopping: bool,
    is_looking: bool,
    /// When the store is asked next.
    next_look: Instant,
    /// Whether there may be new signals.
    is_due: bool,
}

/// What a task has done.
enum Done {
    /// A token was sent at that time.
    Sent { connection: Connection, signal: Box<OutboxSignal>, at: Instant, made: Result<Verdict, String> },
    /// A page was read; none if it could not be.
    Read { request: PageRequest, page: Option<Vec<OutboxSignal>> },
    /// The store was asked whether the receiver is paused; none if it did not respond.
    Looked(Option<bool>),
    /// Signals were removed from the store, all of them or some.
    Removed(Removals),
}

impl Sender {
    /// `stream` is what the store has known of the receiver before.
    pub(super) fn new(context: Arc<Context>, push: &Arc<Push>, lease_end: watch::Receiver<Instant>, stream: &Stream) -> Self {
        let idle = (0..push.connections).map(|_| Connection::new(Arc::clone(push))).collect();
        let notes = Notes::new(context.receiver.name.clone(), stream.error.is_some());
        Self {
            context,
            queue: Queue::default(),
            removals: Removals::default(),
            notes,
            tasks: JoinSet::new(),
            idle,
            lease_end,
            is_paused: stream.is_paused,
            is_stopping: false,
            is_looking: false,
            next_look: Instant::now(),
            is_due: true,
        }
    }

    /// Sends until the channel changes or closes, or a task fails.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut stored = self.context.store.signals_stored();
        let (mut may_be_stored, mut end) = (true, None);
        loop {
            self.begin();
            if self.is_stopping && self.tasks.is_empty() {
                return;
            }
            let wake = self.next_wake();
            tokio::select! {
                Some(done) = self.tasks.join_next() => {
                    let mut done = Some(done);
                    while let Some(one) = done {
                        let Ok(one) = one else { return };
                        self.end(one);
                        done = self.tasks.try_join_next();
                    }
                }
                changed = stored.changed(), if may_be_stored => {
                    may_be_stored = changed.is_ok();
                    self.is_due = true;
                }
                () = sleep_until(wake) => self.is_due = true,
                _ = stop.wait_for(|stop| *stop), if !self.is_stopping => {
                    self.is_stopping = true;
                    end = Some(later(Instant::now(), STOP_TIMEOUT));
                }
                () = sleep_until(end.unwrap_or(wake)), if end.is_some() => return,
            }
        }
    }

    /// Begins what can be done now.
    fn begin(&mut self) {
        let now = Instant::now();
        let (context, is_working) = (&self.context, !self.is_stopping);
        if is_working && !self.is_looking && now >= self.next_look {
            (self.is_looking, self.next_look) = (true, later(now, LOOK_INTERVAL));
            let context = Arc::clone(context);
            self.tasks.spawn(async move {
                Done::Looked(context.store.stream(&context.receiver.name).await.ok().map(|stream| stream.is_paused))
            });
        }
        if is_working
            && !self.is_paused
            && let Some(request) = self.queue.read(self.is_due, now)
        {
            self.is_due = false;
            self.tasks.spawn(read(Arc::clone(context), request));
        }
        while is_working
            && !self.is_paused
            && now < *self.lease_end.borrow()
            && let Some(connection) = self.idle.pop()
        {
            let Some(signal) = self.queue.next(now) else {
                self.idle.push(connection);
                break;
            };
            self.tasks.spawn(send(Arc::clone(context), connection, Box::new(signal)));
        }
        if let Some(failing) = self.notes.take_change() {
            self.removals.set_failing(failing);
        }
        if let Some(batch) = self.removals.begin(now) {
            let context = Arc::clone(context);
            self.tasks.spawn(async move { Done::Removed(batch.write(&context.store, &context.receiver.name).await) });
        }
    }

    /// When there is something to do without an event.
    fn next_wake(&self) -> Instant {
        let now = Instant::now();
        // While the store is asked, or the process stops, the end of a task is the event.
        let next = if self.is_looking || self.is_stopping { later(now, LOOK_INTERVAL) } else { self.next_look };
        self.queue.pause_end(now).map_or(next, |end| end.min(next))
    }

    /// Takes in what a task has done.
    fn end(&mut self, done: Done) {
        let now = Instant::now();
        match done {
            Done::Sent { connection, signal, at, made } => {
                self.idle.push(connection);
                self.settle(&signal, at, now, made);
            }
            Done::Read { request, page } => {
                // After a failure the look a second later reads again.
                self.queue.add(&request, page, now);
                self.give_up_older();
            }
            Done::Looked(is_paused) => {
                self.is_looking = false;
                let was_paused = self.is_paused;
                self.is_paused = is_paused.unwrap_or(was_paused);
                if self.is_paused && !was_paused {
                    self.queue.clear();
                }
            }
            Done::Removed(batch) => {
                self.queue.removed(self.removals.end(batch, now).into_iter());
            }
        }
    }

    fn settle(&mut self, signal: &OutboxSignal, at: Instant, now: Instant, made: Result<Verdict, String>) {
        match made {
            Ok(Verdict::Accepted) => {
                self.count(Outcome::Accepted);
                self.queue.pass(signal);
                self.removals.delete(signal);
            }
            Ok(Verdict::Refused(reason)) => {
                self.count(Outcome::Refused);
                self.queue.pass(signal);
                self.notes.bury("the receiver refused a token", now);
                self.removals.bury(signal, reason);
            }
            Ok(Verdict::Failed(Failure { cause, pause })) => {
                self.count(Outcome::Failed);
                let random = getrandom::u32().unwrap_or_default();
                let is_old = signal.since <= self.oldest_time();
                let fail = if is_old { Queue::give_up } else { Queue::fail };
                let next = fail(&mut self.queue, signal, at, now, pause, random);
                self.notes.fail(cause, next, now, self.queue.is_down());
                if is_old {
                    self.bury_old(signal);
                }
                self.give_up_older();
                if self.queue.is_down() {
                    self.queue.clear();
                }
                return;
            }
            Err(reason) => {
                self.count(Outcome::Refused);
                self.queue.leave(signal);
                self.notes.bury("no token could be made of a signal", now);
                self.removals.bury(signal, reason);
                return;
            }
        }
        self.notes.pass(self.queue.is_failing());
    }

    /// Gives the signals up that are too old, while nothing passes. Others are tried first.
    fn give_up_older(&mut self) {
        if !self.queue.is_down() {
            return;
        }
        for signal in self.queue.take_older(self.oldest_time()) {
            self.bury_old(&signal);
        }
    }

    fn bury_old(&mut self, signal: &OutboxSignal) {
        self.count(Outcome::GivenUp);
        self.notes.bury("a signal is too old", Instant::now());
        let hours = self.context.signals.rules.give_up.as_secs().div_ceil(3600);
        self.removals.bury(signal, format!("given up after {hours} hours; the last try: {}", self.notes.cause()));
    }

    /// Signals that wait since then or before are too old, in Unix seconds.
    fn oldest_time(&self) -> u64 {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        now.saturating_sub(self.context.signals.rules.give_up.as_secs())
    }

    fn count(&self, outcome: Outcome) {
        self.context.signals.metrics.count(&self.context.receiver.name, outcome, 1);
    }
}

async fn read(context: Arc<Context>, request: PageRequest) -> Done {
    let limit = u32::try_from(request.limit).unwrap_or(u32::MAX);
    let page = context.store.waiting_signals(&context.receiver.name, request.held.clone(), limit).await;
    Done::Read { request, page: page.ok() }
}

async fn send(context: Arc<Context>, mut connection: Connection, signal: Box<OutboxSignal>) -> Done {
    let at = Instant::now();
    let signer = &context.signals.signer;
    let made = match context.receiver.algorithm.filter(|algorithm| !signer.keys().have(*algorithm)) {
        // It may come again.
        Some(algorithm) => {
            let cause = format!("the file of signing keys has no key for {algorithm} any more");
            Ok(Verdict::Failed(Failure::new(cause)))
        }
        None => match signer.sign(&signal, &context.receiver, context.users.as_deref()) {
            Ok(token) => Ok(connection.send(token).await),
            Err(reason) => Err(reason),
        },
    };
    Done::Sent { connection, signal, at, made }
}
