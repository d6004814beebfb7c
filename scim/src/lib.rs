//! SCIM 2.0 (RFC 7643, RFC 7644) for one-time-password devices: the resource `OtpDevice` of Soffid,
//! on keyfob's engine.
//!
//! This crate has no sockets, no clock, no store and no async. A [`Service`] takes a [`Request`]
//! and returns a [`Step`]: either the response, or something that it needs of the host (read an
//! entry, swap it for the next one, deliver a code) with what to do then. Whoever drives the steps
//! decides how: blocking, as [`run`](Service::run) does over a [`Store`], or awaiting, as a server
//! does. The verdict on a code is in a response, so it comes out only after the store has taken the
//! next record.
//!
//! ```
//! use keyfob_scim::{MemoryStore, Method, Request, Roles, Service, Settings};
//! # use keyfob::rand_core::{TryCryptoRng, TryRng};
//! # #[derive(Clone)] struct Rng(u8);
//! # impl TryRng for Rng {
//! #     type Error = core::convert::Infallible;
//! #     fn try_next_u32(&mut self) -> Result<u32, Self::Error> { Ok(0) }
//! #     fn try_next_u64(&mut self) -> Result<u64, Self::Error> { Ok(0) }
//! #     fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Self::Error> {
//! #         to.iter_mut().for_each(|byte| { self.0 = self.0.wrapping_mul(5).wrapping_add(3); *byte = self.0 });
//! #         Ok(())
//! #     }
//! # }
//! # impl TryCryptoRng for Rng {}
//! # let rng = Rng(1); // in real life: the operating system's
//! let service = Service::new(Settings::default(), rng);
//! let mut store = MemoryStore::default();
//! let request = Request::new(Method::Post, "/OtpDevice", 1_700_000_000)
//!     .with_roles(Roles::ALL)
//!     .with_json(br#"{"type": "TOTP", "user": "franck"}"#);
//! let response = service.run(request, &mut store);
//! assert_eq!(response.status, 201);
//! assert!(response.text().contains(r#""name":"TOTP00000001""#));
//! ```
#![forbid(unsafe_code)]
// No panic is reachable from any input: what may panic is not written. Tests may.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)
)]

mod attribute;
mod body;
mod challenge;
pub mod code;
mod create;
mod cursor;
pub mod date;
mod discovery;
mod dispatch;
mod entry;
mod error;
mod event;
mod filter;
mod json;
mod list;
mod mask;
mod memory;
mod method;
mod order;
mod parameters;
mod parse;
mod pause;
mod precondition;
pub mod qr;
mod query;
mod repeated;
mod request;
mod resource;
mod response;
mod roles;
mod routes;
mod service;
mod settings;
mod step;
mod store;
mod update;
mod verify;

pub use attribute::{Attribute, SCHEMA, ValueType};
pub use entry::{Entry, Naming, Row};
pub use error::{Error, ScimType};
pub use event::{Event, EventKind};
pub use filter::{Filter, Op};
pub use memory::MemoryStore;
pub use method::Method;
pub use order::{Sort, SortKey, SortPosition};
pub use query::{Page, PageStart, Query};
pub use request::Request;
pub use response::Response;
pub use roles::Roles;
pub use routes::Route;
pub use service::Service;
pub use settings::{Profile, Settings};
pub use step::{DeliveryResult, Message, Scope, Step, Swap, Then};
pub use store::Store;
