//! Tokens of files, into a store and out of it.

mod device;
mod export;
mod export_encoder;
mod export_output;
mod import;
mod import_file;
mod import_images;
mod import_report;
mod import_rules;

pub(crate) use device::{Label, token};
pub(crate) use export::{Exported, Selection, export};
pub(crate) use export_encoder::{Encoder, ExportFormat, Protection};
pub(crate) use export_output::ExportOutput;
pub(crate) use import::{Import, Target};
pub(crate) use import_file::TokenFile;
pub(crate) use import_rules::{IMPORT_ACTOR, Rules};
