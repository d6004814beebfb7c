//! The layers of the crate: no file of `scim/src` uses one of a higher layer, and no two files use
//! each other.

#[path = "../../tests/common/imports.rs"]
mod imports;

use std::path::Path;

use imports::{Crate, circles, layer_faults};

/// The files of `scim/src`, from the lowest layer to the highest. A file uses its own layer and
/// lower ones. `lib.rs` declares the modules and exports the public items.
const LAYERS: &[&[&str]] = &[
    // Values: what attributes, dates, codes, bodies and errors are.
    &["attribute", "code", "date", "error", "event", "json", "mask", "qr", "settings"],
    // HTTP: requests and responses.
    &["method", "parameters", "response", "roles", "routes", "request"],
    // Devices: what a store keeps and searches, and how JSON shows it.
    &["body", "entry", "filter", "parse", "order", "query", "cursor", "resource", "repeated", "pause"],
    // Steps: what a request needs from its host.
    &["step", "store", "memory", "precondition"],
    // Operations, and what they share.
    &["service", "challenge", "create", "discovery", "list", "update", "verify"],
    // Dispatch: from a request to its operation.
    &["dispatch"],
];

fn tree() -> Crate {
    Crate::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs"))
}

#[test]
fn files_use_their_own_layer_and_lower_ones() {
    assert_eq!(layer_faults(&tree(), LAYERS), [""; 0]);
}

#[test]
fn files_never_use_each_other() {
    assert_eq!(circles(&tree()), [""; 0]);
}
