//! Token files: devices into the store and out of it.

mod device;
mod encoder;
mod export;
mod target;

pub(crate) use device::{Label, token};
pub(crate) use encoder::{Encoder, ExportFormat, Protection};
pub(crate) use export::{Exported, Selection, export};
pub(crate) use target::Target;
