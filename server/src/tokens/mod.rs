//! Tokens of files, into a store and out of it.

mod device;
mod export;
mod export_encoder;
mod export_output;

pub(crate) use device::{Label, token};
pub(crate) use export::{Exported, Selection, export};
pub(crate) use export_encoder::{Encoder, ExportFormat, Protection};
pub(crate) use export_output::ExportOutput;
