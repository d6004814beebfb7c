//! Holds the layers of the server's sources: which folder may use which, and that no two files use
//! each other.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

#[path = "../../tests/common/imports.rs"]
mod imports;
#[path = "layers/made_up.rs"]
mod made_up;

use std::path::Path;

use imports::{Crate, circles, layer_faults};

/// From the lowest to the highest. A folder or a file uses its own layer and lower ones.
const LAYERS: [&[&str]; 9] = [
    &["connection", "file", "key_lines", "phone", "priority", "problem", "tls"],
    &["database"],
    &["store"],
    &["delivery"],
    &["signals"],
    &["config"],
    &["soffid", "tokens"],
    &["http"],
    &["cli"],
];

fn server(root: &str) -> Crate {
    Crate::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(root))
}

#[test]
fn folders_use_lower_layers_only() {
    let server = server("src/lib.rs");
    assert_eq!(layer_faults(&server, &LAYERS), [""; 0]);
    let (files, uses) = (server.files().len(), server.uses().len());
    assert!(files > 100 && uses > 700, "{uses} uses in {files} files were found: does this test still read them?");
}

#[test]
fn documentation_lists_the_layers() {
    let lib = include_str!("../src/lib.rs");
    let documented: Vec<Vec<&str>> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("//! ")?.split_once(". `"))
        .filter(|(number, _)| number.parse::<usize>().is_ok())
        .map(|(_, rooms)| rooms.split(", ").map(|room| room.trim_matches('`')).collect())
        .collect();
    assert_eq!(documented, LAYERS);
}

#[test]
fn files_use_each_other_one_way_only() {
    let circles = circles(&server("src/lib.rs"));
    assert!(circles.is_empty(), "{}", circles.join("\n\n"));
}

#[test]
fn the_program_uses_the_command_line_only() {
    let outside = server("src/main.rs").outside();
    let used: Vec<_> = outside.iter().filter(|(_, path)| path[0] == "keyfob_server").map(|(_, path)| path.join("::")).collect();
    assert_eq!(used, ["keyfob_server::cli::main"]);
}
