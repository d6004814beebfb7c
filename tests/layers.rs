//! Holds the layers of the engine: no module uses one of a higher layer, no two files use each
//! other, the C ABI and Java use public names only, and `unsafe` is only where it may be.

#[path = "common/imports.rs"]
mod imports;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use imports::{Crate, circles, layer_faults, room};

/// From the lowest to the highest. A module uses its own layer and lower ones.
const LAYERS: [&[&str]; 4] = [
    &["error", "wipe", "code", "secret", "status", "validity", "chance", "lock", "policy"],
    &["hmac", "lanes", "hotp", "totp", "pin", "recovery"],
    &["device", "admin", "attempt", "challenge", "verdict", "verify", "find", "record", "seal", "soffid", "uri", "label"],
    &["ffi"],
];

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

fn engine() -> Crate {
    Crate::read(&path("src/lib.rs"))
}

fn java() -> Crate {
    Crate::read(&path("java/native/src/lib.rs"))
}

/// The files of a crate below a folder, with their text.
fn texts(tree: &Crate, folder: &str) -> BTreeMap<String, String> {
    let files = tree.files().into_keys();
    files.map(|file| (file.clone(), fs::read_to_string(path(folder).join(&file)).unwrap())).collect()
}

#[test]
fn no_module_uses_a_higher_layer() {
    let engine = engine();
    assert_eq!(layer_faults(&engine, &LAYERS), [""; 0]);
    let (files, uses) = (engine.files().len(), engine.uses().len());
    assert!(files > 40 && uses > 200, "{uses} uses in {files} files were found: does this test still read them?");
}

#[test]
fn files_use_each_other_one_way_only() {
    let circles = circles(&engine());
    assert!(circles.is_empty(), "{}", circles.join("\n\n"));
    let circles = self::circles(&java());
    assert!(circles.is_empty(), "{}", circles.join("\n\n"));
}

#[test]
fn the_c_abi_uses_the_public_api_only() {
    let engine = engine();
    let written = engine.written("ffi");
    for (file, path) in &written {
        assert!(engine.is_public(path), "{file} uses {}, which is not public", path.join("::"));
    }
    assert!(written.len() > 60, "{} names were found: does this test still read them?", written.len());
}

#[test]
fn java_uses_the_c_abi_only() {
    let outside = java().outside();
    let used: Vec<_> = outside.iter().filter(|(_, path)| path[0] == "engine").collect();
    for (file, path) in &used {
        assert!(path.get(1).is_some_and(|name| name == "ffi"), "java/native/src/{file} uses {}", path.join("::"));
    }
    assert!(used.len() >= 3, "{} names were found: does this test still read them?", used.len());
}

/// The rows of a table of layers, such as `| 1 values | error, secret | ...`: each layer's number
/// and modules. Of what is no module of `src/`, the engine has none.
fn rows(text: &str) -> BTreeMap<usize, BTreeSet<String>> {
    let lines = text.lines().map(|line| line.trim_start_matches("//!").trim_start());
    lines
        .filter_map(|line| {
            let (layer, rest) = line.strip_prefix("| ")?.split_once(' ')?;
            let modules = rest.split(" | ").nth(1)?.split(',').map(|name| name.trim().trim_matches('`'));
            let modules = modules.map(|name| name.strip_prefix("src/").unwrap_or(name).to_owned());
            Some((layer.parse().ok().filter(|layer| (1..=LAYERS.len()).contains(layer))?, modules.collect()))
        })
        .collect()
}

#[test]
fn the_tables_of_layers_are_those_of_this_test() {
    let docs = fs::read_dir(path("docs")).into_iter().flatten().map(|entry| entry.unwrap().path());
    let documents = docs.chain([path("DESIGN.md"), path("ARCHITECTURE.md")]).map(|file| fs::read_to_string(file).unwrap());
    // Other tables have numbered rows as well; this one has the engine's modules in the first.
    let is_of_layers = |rows: &BTreeMap<_, BTreeSet<String>>| rows.get(&1).is_some_and(|modules| modules.contains("error"));
    let mut tables: Vec<_> = documents.map(|text| rows(&text)).filter(is_of_layers).collect();
    assert!(!tables.is_empty(), "no document has the table of layers");
    tables.push(rows(&fs::read_to_string(path("src/lib.rs")).unwrap()));
    for table in tables {
        for (layer, modules) in LAYERS.iter().enumerate() {
            let listed: BTreeSet<String> = modules.iter().map(|&name| name.to_owned()).collect();
            // The C ABI is more than its folder in `src/`.
            let row: BTreeSet<String> = table[&(layer + 1)].iter().filter(|name| !name.contains('/')).cloned().collect();
            assert_eq!(row, listed, "layer {}", layer + 1);
        }
    }
}

#[test]
fn the_heads_of_files_name_their_layer() {
    let mut roots = 0;
    for (file, text) in texts(&engine(), "src") {
        let layer = LAYERS.iter().position(|layer| layer.contains(&room(&file))).map(|layer| layer + 1);
        let said = text.strip_prefix("//! Layer ").map(|rest| rest.chars().next().and_then(|digit| digit.to_digit(10)).unwrap());
        let is_root = layer.is_some() && (!file.contains('/') || file.matches('/').count() == 1 && file.ends_with("/mod.rs"));
        assert!(said.is_some() || !is_root, "the head of src/{file} does not begin with its layer");
        assert!(said.is_none() || said.map(|said| said as usize) == layer, "the head of src/{file} names another layer");
        roots += usize::from(is_root);
    }
    assert_eq!(roots, LAYERS.concat().len());
}

#[test]
fn unsafe_code_stands_in_ffi_lanes_and_java_only() {
    let mut seen = 0;
    let java = texts(&java(), "java/native/src").into_iter().map(|(file, text)| (format!("java/{file}"), text));
    for (file, text) in texts(&engine(), "src").into_iter().chain(java) {
        let is_simd = file.starts_with("lanes/x86/") || file.starts_with("lanes/aarch64/");
        if !is_simd && !file.starts_with("ffi/") && !file.starts_with("java/") {
            assert!(!text.lines().any(|line| line.contains("unsafe ") || line.contains("allow(unsafe")), "{file}");
            continue;
        }
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.contains("unsafe {") || line.contains("unsafe impl")) {
            let is_said = lines[at.saturating_sub(4)..=at].iter().any(|line| line.contains("// SAFETY:"));
            assert!(is_said, "{file}, line {}: an unsafe block without its reason: {line}", at + 1);
            seen += usize::from(is_simd);
        }
        assert!(!is_simd || !text.contains("unsafe fn"), "{file}: what is safe with its instructions is safe");
    }
    assert!(seen > 4, "{seen} blocks were found in lanes: does this test still read them?");
}
