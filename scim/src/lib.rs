//! SCIM 2.0 (RFC 7643, RFC 7644) for one-time-password devices: the resource `OtpDevice` of Soffid,
//! on keyfob's engine.
//!
//! This crate has no sockets, no clock, no store and no async. A [`Service`] takes a [`Request`]
//! and returns a [`Step`]: the response, or something that it needs from its host.
//!
//! | I have | I use |
//! |---|---|
//! | a store that blocks | [`Store`] for it, and [`Service::run`] |
//! | an async host | [`Service::handle`], and a loop over [`Step`] as below |
//! | tests, or a first try | [`MemoryStore`] |
//! | a path, and need the name of its operation or a 405 | [`Route`] |
//! | accounts with different rights | [`Roles`] |
//! | policies, kinds of devices to switch off, an issuer to show | [`Settings`] |
//! | clients of Soffid, or strict clients of the RFCs | [`Profile`] |
//! | an SQL store to search | [`Query`], [`Filter`] and [`Attribute::value_type`] |
//! | devices of another system | [`Entry::from_import`] and [`Naming::for_device`] |
//! | tokens of a file | [`Entry::from_token`] and [`Naming::from_serial`] |
//! | messages to limit | [`MessageLimits`], [`Count`] and [`Numbering`] |
//! | a token without a label | [`TokenSearch`], [`FoundTokens`] and [`Allowance`] |
//! | a code as a person typed it | [`code::strip_separators`] |
//! | a URI to show as a QR code | [`qr::encode_png`] |
//! | dates of Soffid or ISO 8601 | [`date`] |
//! | other systems that should hear of locks and changes | [`SignalSettings`], [`Signal`] and [`set::claims`] |
//!
//! # The loop over the steps
//!
//! 1. Read the [`Route`] of the path, authenticate the account, and begin the [`Request`] with
//!    [`Service::handle`].
//! 2. Do what the step asks for. [`Swap`](Step::Swap) is a compare and swap: it replaces the entry
//!    only if the store still has the version that was read.
//! 3. Commit, and only then call `then` with the result. It returns the next step.
//! 4. Go on with 2 until the step is [`Done`](Step::Done), and send its response.
//!
//! ```
//! use keyfob_scim::{Error, MemoryStore, Method, Request, Response, Roles};
//! use keyfob_scim::{Service, Settings, Step, Store};
//! # use keyfob::rand_core::{TryCryptoRng, TryRng};
//! # #[derive(Clone)] struct Rng(u8);
//! # impl TryRng for Rng {
//! #     type Error = core::convert::Infallible;
//! #     fn try_next_u32(&mut self) -> Result<u32, Self::Error> { Ok(0) }
//! #     fn try_next_u64(&mut self) -> Result<u64, Self::Error> { Ok(0) }
//! #     fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Self::Error> {
//! #         for byte in to { self.0 = self.0.wrapping_mul(5).wrapping_add(3); *byte = self.0 }
//! #         Ok(())
//! #     }
//! # }
//! # impl TryCryptoRng for Rng {}
//! # let rng = Rng(1); // A host takes the operating system's.
//! // An async host awaits its database and its gateway in each of these arms.
//! fn respond(mut step: Step, store: &mut MemoryStore) -> Result<Response, Error> {
//!     loop {
//!         // 2. Do what the step asks for. `?` drops the step, and with it the verdict.
//!         // 3. Each method of the store commits before it returns.
//!         step = match step {
//!             Step::Get { id, then, .. } => then(store.get(id)?),
//!             Step::Insert { entry, naming, event, signals, then } => {
//!                 then(Box::new(store.insert(*entry, naming, event, signals)?))
//!             }
//!             Step::Swap { swap, then } => then(store.swap(*swap)?),
//!             Step::CountedSwap { swap, counts, then } => {
//!                 then(store.swap_counted(*swap, &counts)?)
//!             }
//!             Step::Audit { event, then } => then(store.audit(event)?),
//!             Step::List { query, then } => then(store.list(&query)?),
//!             Step::Admit { cost_seconds, now, then } => then(store.admit(cost_seconds, now)?),
//!             Step::Find { search, then } => then(store.find(&search)?),
//!             Step::CheckUser { user, then } => then(store.check_user(&user)?),
//!             Step::Deliver { message, then } => then(store.deliver(&message)?),
//!             // 4. Send the response.
//!             Step::Done(response) => return Ok(response),
//!         };
//!     }
//! }
//!
//! let service = Service::new(Settings::default(), rng);
//! let mut store = MemoryStore::default();
//! // 1. Begin the request of an account that may do everything.
//! let request = Request::new(Method::Post, "/OtpDevice", 1_700_000_000)
//!     .with_roles(Roles::ALL)
//!     .with_json(br#"{"type": "TOTP", "user": "franck"}"#);
//! let response = respond(service.handle(request), &mut store)?;
//! assert_eq!(response.status, 201);
//! assert!(response.text().contains(r#""name":"TOTP00000001""#));
//! # Ok::<(), Error>(())
//! ```
//!
//! `scim/examples/axum` is such a host with axum and SQLite. `scim/examples/embed.rs` needs neither
//! async nor a server.
//!
//! # What a host may never do
//!
//! The invariant: nothing is answered before it is stored. A verdict that comes out earlier lets a
//! code count twice, or a wrong code go uncounted. Therefore a host never
//!
//! - calls `then` before its transaction is committed durably;
//! - calls `then` with a result that it does not know. If it cannot tell whether a commit took
//!   place, it drops the step and answers 503;
//! - counts a message in one transaction and swaps its entry in another;
//! - swaps an entry of another version, or writes the entry in one transaction and its
//!   [`Event`] or [`Signal`]s in another;
//! - sends the code of a [`Message`] twice, or logs it. Bodies, responses and entries belong in no
//!   log either;
//! - gives a new device an id that another one has had;
//! - checks a serial before the transaction that stores it, since another request may take it in
//!   between;
//! - drops a [`Deliver`](Step::Deliver) because the client disconnects: its challenge is stored,
//!   and a person waits for the code.
//!
//! A step that fails is dropped. Its request has done what its committed transactions did, and no
//! more.
//!
//! # Layers
//!
//! | layer | files | what they hold |
//! |---|---|---|
//! | 1 values | allowance, attribute, code, date, error, json, limit, mask, penalty, prefix, qr, settings, symbol | what things are |
//! | 2 HTTP | method, parameters, request, response, roles, routes | requests and responses |
//! | 3 devices | body, cursor, decision, entry, event, filter, order, parse, pause, query, repeated, resource, search, set, signal, token | what a store keeps and finds, and its JSON |
//! | 4 steps | memory, precondition, step, store | what a request needs from its host |
//! | 5 operations | challenge, create, discovery, find, list, renew, service, update, verify | what a request does |
//! | 6 dispatch | dispatch | from a request to its operation |
//!
//! A file uses its own layer and lower ones (`scim/tests/layers.rs`).
#![forbid(unsafe_code)]
// No input reaches a panic: the lints forbid what may panic, except in tests.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

mod allowance;
mod attribute;
mod body;
mod challenge;
pub mod code;
mod create;
mod cursor;
pub mod date;
mod decision;
mod discovery;
mod dispatch;
mod entry;
mod error;
mod event;
mod filter;
mod find;
mod json;
mod limit;
mod list;
mod mask;
mod memory;
mod method;
mod order;
mod parameters;
mod parse;
mod pause;
mod penalty;
mod precondition;
mod prefix;
pub mod qr;
mod query;
mod renew;
mod repeated;
mod request;
mod resource;
mod response;
mod roles;
mod routes;
mod search;
mod service;
pub mod set;
mod settings;
mod signal;
mod step;
mod store;
mod symbol;
mod token;
mod update;
mod verify;

pub use allowance::Allowance;
pub use attribute::{Attribute, SCHEMA, ValueType};
pub use entry::{Entry, Naming, Row};
pub use error::{Error, RefusedNumber, ScimType};
pub use event::{Event, EventKind};
pub use filter::{Filter, Op};
pub use limit::{Count, Limit, MessageLimits, Numbering};
pub use memory::MemoryStore;
pub use method::Method;
pub use order::{Sort, SortKey, SortPosition};
pub use prefix::Prefixes;
pub use query::{Page, PageStart, Query};
pub use request::Request;
pub use response::Response;
pub use roles::Roles;
pub use routes::Route;
pub use search::{FoundToken, FoundTokens, TokenSearch};
pub use service::Service;
pub use settings::{Profile, Settings, SignalProfile, SignalSettings};
pub use signal::{ChangeType, Initiator, ScimEvent, ScimOperation, Signal, SignalKind};
pub use step::{Counted, DeliveryResult, Message, Scope, Step, Swap, Then};
pub use store::Store;

/// The example of the README runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
