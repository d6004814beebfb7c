//! Tokens of files, into a store and out of it.

mod import;
mod import_file;
mod import_images;
mod import_report;
mod import_rules;

pub(crate) use import::{Import, Target};
pub(crate) use import_file::TokenFile;
pub(crate) use import_rules::Rules;
