//! The layers of the crate: no file of `scim/src` uses one of a higher layer, and no two files use
//! each other.

#[path = "../../tests/common/imports.rs"]
mod imports;

use std::path::Path;

use imports::{Crate, circles, layer_faults};

/// The files of `scim/src`, from the lowest layer to the highest, as in the table of `lib.rs`.
const LAYERS: [&[&str]; 6] = [
    &["allowance", "attribute", "code", "date", "error", "json", "limit", "mask", "penalty", "prefix", "qr", "settings", "symbol"],
    &["method", "parameters", "request", "response", "roles", "routes"],
    &[
        "body", "cursor", "decision", "entry", "event", "filter", "order", "parse", "pause", "query", "repeated", "resource",
        "search", "set", "signal", "token",
    ],
    &["memory", "precondition", "step", "store"],
    &["challenge", "create", "discovery", "find", "list", "renew", "service", "update", "verify"],
    &["dispatch"],
];

fn tree() -> Crate {
    Crate::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs"))
}

#[test]
fn files_use_their_own_layer_and_lower_ones() {
    assert_eq!(layer_faults(&tree(), &LAYERS), [""; 0]);
}

#[test]
fn files_never_use_each_other() {
    assert_eq!(circles(&tree()), [""; 0]);
}

#[test]
fn upward_and_circular_uses_are_found() {
    let tree = Crate::from_sources(&[
        ("lib.rs", "mod low; mod high;"),
        ("low.rs", "use crate::high::High; pub struct Low(High);"),
        ("high.rs", "use crate::low::Low; pub struct High(Box<Low>);"),
    ]);
    assert_eq!(layer_faults(&tree, &[&["low"], &["high"]]).len(), 1);
    assert!(!circles(&tree).is_empty());
}

#[test]
fn table_of_layers_is_that_of_this_test() {
    let lib = include_str!("../src/lib.rs");
    for (layer, files) in (1..).zip(LAYERS) {
        let row = lib.lines().find(|line| line.starts_with(&format!("//! | {layer} "))).unwrap();
        let column = row.split('|').nth(2).unwrap();
        assert_eq!(column.split(',').map(str::trim).collect::<Vec<_>>(), files, "{row}");
    }
}

#[test]
fn files_have_at_most_400_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["src", "tests", "tests/common", "examples", "examples/axum"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                let lines = std::fs::read_to_string(&path).unwrap().lines().count();
                assert!(lines <= 400, "{} has {lines} lines", path.display());
            }
        }
    }
}
