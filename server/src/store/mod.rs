//! Devices in a database.
//!
//! Reads and writes of devices go in batches, which share a statement and a commit. Each write is
//! its own compare and swap, with the version that it read as the condition. The reply is sent only
//! after the commit.

mod accounts;
mod backup;
mod batch;
mod call;
mod columns;
mod copy;
mod counters;
mod devices;
mod entries;
mod export;
mod filter;
mod find;
mod handle;
mod import;
mod import_tokens;
mod indexer;
mod key_check;
mod key_file;
mod keys;
mod lines;
mod messages;
mod migrations;
mod outbox;
mod outbox_care;
mod readiness;
mod reads;
mod refusal;
mod replies;
mod reseal;
mod restore;
mod ring;
mod rooms;
mod rows;
mod schema;
mod searches;
mod serial;
mod signal_query;
mod signals;
mod streams;
#[cfg(test)]
mod tests;
mod texts;
mod token_preview;
mod trail;
mod workers;
mod writable;
mod writes;

pub use accounts::Account;
pub(crate) use backup::{Backup, back_up};
pub use copy::{Copied, Progress, copy};
pub(crate) use entries::EntryQuery;
pub use handle::Store;
pub(crate) use import::{Difference, Imported, MAX_ZONE_DIFFERENCE_SECONDS, Outcome, PAGE_DEVICES, Preview};
pub(crate) use import_tokens::{NewToken, PAGE_TOKENS, TokenOutcome};
pub use key_check::KeyCheck;
pub(crate) use key_check::numbered;
pub use key_file::KeyFile;
pub use keys::Keys;
pub use reads::Listed;
pub use reseal::Resealed;
pub(crate) use restore::restore;
pub use rooms::OutboxRules;
pub use signal_query::{ListedSignal, SignalQuery};
pub use signals::{OutboxSignal, SignalCounts};
pub use streams::{Lease, Stream};
pub(crate) use token_preview::TokenPreview;
pub use trail::{TrailLine, TrailQuery};
pub(crate) use trail::{in_words, word};
pub(crate) use workers::JOB_TIMEOUT;
pub(crate) use writes::{Note, Stepped};
