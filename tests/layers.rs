//! The layers of DESIGN.md: no module of src/ uses one of a higher layer, and `unsafe` stands only
//! where it may.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// From the lowest to the highest. A module uses its own layer's and lower ones.
const LAYERS: [&[&str]; 3] = [
    &["error", "secret", "code", "status", "validity", "chance", "lock", "policy"],
    &["hmac", "lanes", "hotp", "totp", "pin"],
    &["device", "admin", "attempt", "challenge", "verdict", "verify", "record", "seal", "soffid", "uri", "label"],
];

fn sources(folder: &str) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap()))
        .collect()
}

/// The sources of a folder of `src/`, with their folder before their names.
fn within(folder: &str) -> BTreeMap<String, String> {
    sources(&format!("src/{folder}")).into_iter().map(|(module, source)| (format!("{folder}/{module}"), source)).collect()
}

/// Those of lanes, the one module with a folder that is part of the core.
fn lanes() -> BTreeMap<String, String> {
    within("lanes").into_iter().chain(within("lanes/x86")).collect()
}

/// A module's layer: that of its folder, if it has one.
fn layer(module: &str) -> Option<usize> {
    let module = module.split('/').next().unwrap();
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// The module that defines each public name, read from the `pub use` lines of lib.rs.
fn homes(lib: &str) -> BTreeMap<String, String> {
    let statements = lib.split(';').filter_map(|statement| statement.trim().rsplit_once("pub use "));
    let mut homes = BTreeMap::new();
    for (module, names) in statements.filter_map(|(_, path)| path.split_once("::")) {
        for name in names.trim_matches(['{', '}']).split(',') {
            homes.insert(name.trim().to_owned(), module.to_owned());
        }
    }
    homes
}

/// What follows each `crate::` of the code, up to the end of its path or braces; without comments
/// and tests.
fn uses(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]").next().unwrap();
    let code: String = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    code.split("crate::")
        .skip(1)
        .flat_map(|path| match path.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap().split(',').map(|name| name.trim().to_owned()).collect(),
            None => vec![path.chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect::<String>()],
        })
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn no_module_uses_a_higher_layer() {
    let sources = sources("src");
    let homes = homes(&sources["lib"]);
    let mut seen = 0;
    for (module, source) in sources.iter().chain(&lanes()).filter(|(module, _)| *module != "lib") {
        let own = layer(module).unwrap_or_else(|| panic!("{module} stands in no layer: add it to this test and to lib.rs"));
        for name in uses(source) {
            let home = homes.get(&name).unwrap_or(&name);
            let other = layer(home).unwrap_or_else(|| panic!("{module} uses {name}, which stands in no layer"));
            assert!(other <= own, "{module} of layer {} uses {name} of layer {}", own + 1, other + 1);
            seen += 1;
        }
    }
    assert!(seen > 40, "the uses of {seen} names were found: is this test still reading them?");
}

#[test]
fn the_c_abi_uses_the_public_api_only() {
    let homes = homes(&sources("src")["lib"]);
    let mut seen = 0;
    for (module, source) in sources("src/ffi") {
        for name in uses(&source) {
            assert!(homes.contains_key(&name), "ffi::{module} uses {name}, which is not public");
            seen += 1;
        }
    }
    assert!(seen > 30, "the uses of {seen} names were found: is this test still reading them?");
}

#[test]
fn java_uses_the_c_abi_only() {
    let mut seen = 0;
    for (module, source) in sources("java/native/src") {
        for path in source.split("engine::").skip(1) {
            assert!(path.starts_with("ffi::"), "java::{module} uses engine::{}", path.lines().next().unwrap_or_default());
            seen += 1;
        }
    }
    assert!(seen >= 3, "the uses of {seen} names were found: is this test still reading them?");
}

#[test]
fn unsafe_code_stands_in_ffi_lanes_and_java_only() {
    for (module, source) in sources("src").into_iter().chain(within("lanes")) {
        assert!(!source.lines().any(|line| line.contains("unsafe ") || line.contains("allow(unsafe")), "{module}");
    }
    let mut seen = 0;
    for (module, source) in within("ffi").into_iter().chain(within("lanes/x86")).chain(sources("java/native/src")) {
        let lines: Vec<&str> = source.lines().collect();
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.contains("unsafe {") || line.contains("unsafe impl")) {
            let said = lines[at.saturating_sub(4)..=at].iter().any(|line| line.contains("// SAFETY:"));
            assert!(said, "{module}, line {}: an unsafe block without its reason: {line}", at + 1);
            seen += usize::from(module.starts_with("lanes"));
        }
        assert!(
            !module.starts_with("lanes") || !source.contains("unsafe fn"),
            "{module}: what is safe with its instructions is safe"
        );
    }
    assert!(seen > 4, "{seen} blocks were found in lanes: is this test still reading them?");
}

#[test]
fn files_have_one_subject() {
    for (module, source) in sources("src").into_iter().chain(within("ffi")).chain(lanes()).chain(sources("java/native/src")) {
        assert!(source.lines().count() <= 400, "{module} has more than 400 lines");
    }
}
