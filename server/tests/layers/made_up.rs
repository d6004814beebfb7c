//! The reading of imports itself, on made-up sources.

use crate::imports::{Crate, circles, layer_faults};

/// A crate whose root declares two modules with these sources.
fn pair(low: &str, high: &str) -> Crate {
    Crate::from_sources(&[("lib.rs", "mod low;\nmod high;"), ("low.rs", low), ("high.rs", high)])
}

/// The uses of a crate: `from > name`, with a `>>` for re-exports.
fn uses(tree: &Crate) -> Vec<String> {
    let line = |one: &crate::imports::Use| format!("{} {} {}", one.from, if one.is_export { ">>" } else { ">" }, one.name);
    tree.uses().iter().map(line).collect()
}

const LAYERS: [&[&str]; 2] = [&["low"], &["high"]];

#[test]
fn an_arrow_upwards_is_a_fault() {
    assert_eq!(layer_faults(&pair("struct A;", "use crate::low::A;"), &LAYERS), [""; 0]);
    for low in [
        "use crate::high::B;",
        "use crate::{high::B};",
        "use crate::{self, high::{self, B as C}};",
        "use super::high; fn f() { high::f() }",
        "use super::high as low; fn f(b: low::B) {}",
        "pub use super::high::*;",
        "fn f() -> super::high::B { todo() }",
        "fn f() { let x = crate::high::B::new(1 < 2); }",
        "#[derive(crate::high::B)] struct A;",
        "fn f<'a>(a: &'a str) { g('\"', '\\'', b'\"', 'x', \"\\\"\"); super::high::f() }",
        "fn f() { g(r#\"\"#, br\"\", /* /* */ */ r##\"\"#\"##); super::high::f() }",
        "mod inner { fn f() { super::super::high::f() } }",
        "#[cfg(test)] mod tests { } fn f() { super::high::f() }",
        "#[cfg(test)] use std::fmt; fn f() { super::high::f() }",
        "#[cfg(not(test))] mod inner { use crate::high::B; }",
    ] {
        let faults = layer_faults(&pair(low, "pub struct B; pub fn f() {}"), &LAYERS);
        assert!(!faults.is_empty() && faults.iter().all(|fault| fault.contains("higher layer of high.rs")), "{low}: {faults:?}");
    }
}

#[test]
fn comments_literals_and_test_modules_are_not_read() {
    for low in [
        "// use crate::high::B;\n/// [`crate::high::B`]\nstruct A;",
        "/* use crate::high::B; /* again */ crate::high::B */",
        "const A: &str = \"use crate::high::B; \\\" crate::high::B\";",
        "const A: &str = r#\"\"crate::high::B\"#;",
        "#[cfg(test)] mod tests { use crate::high::B; mod inner { use crate::high::B; } }",
        "#[cfg(all(test, unix))] #[allow(dead_code)] pub(crate) mod tests { use crate::high::B; }",
        // Its file is not even looked for.
        "#[cfg(test)] mod tests;",
    ] {
        assert_eq!(layer_faults(&pair(low, "pub struct B;"), &LAYERS), [""; 0], "{low}");
    }
}

#[test]
fn each_room_stands_in_one_layer() {
    let tree = pair("", "");
    assert_eq!(layer_faults(&tree, &[&["low"]]), ["high is in no layer"]);
    assert_eq!(layer_faults(&tree, &[&["low"], &["high", "low"]]), ["low is in more than one layer"]);
    assert_eq!(layer_faults(&tree, &[&["low"], &["high", "gone"]]), ["gone is in a layer and not in the sources"]);
}

#[test]
fn modules_use_nothing_of_the_root_file() {
    let tree = Crate::from_sources(&[("lib.rs", "mod low;\nstruct A;"), ("low.rs", "use crate::A;")]);
    assert_eq!(layer_faults(&tree, &[&["low"]]), ["low.rs uses A of the root file"]);
}

#[test]
fn names_lead_to_the_file_that_defines_them() {
    let tree = Crate::from_sources(&[
        ("lib.rs", "mod shop;\nmod user;"),
        ("shop/mod.rs", "mod till;\npub mod cellar;\npub use till::{Till, Coin as Money};\npub use cellar::*;"),
        ("shop/till.rs", "pub struct Till;\npub struct Coin;"),
        ("shop/cellar.rs", "#[path = \"deep/barrel.rs\"]\npub mod barrel;\npub struct Wine;"),
        ("shop/deep/barrel.rs", "pub struct Barrel;"),
        (
            "user.rs",
            "use crate::shop::{self, Till};\nuse serde::Serialize;\nfn f(m: shop::Money, w: shop::Wine) -> shop::barrel::Barrel { Till::new(serde::x()) }",
        ),
    ]);
    assert_eq!(
        uses(&tree),
        [
            "shop/mod.rs >> shop::cellar",
            "shop/mod.rs >> shop::till::Coin",
            "shop/mod.rs >> shop::till::Till",
            "user.rs > shop::cellar::Wine",
            "user.rs > shop::cellar::barrel::Barrel",
            "user.rs > shop::till::Coin",
            "user.rs > shop::till::Till",
        ]
    );
    let outside: Vec<_> = tree.outside().into_iter().map(|(file, path)| format!("{file} {}", path.join("::"))).collect();
    assert_eq!(outside, ["user.rs serde::Serialize", "user.rs serde::x"]);
}

#[test]
fn circles_are_found_and_re_exports_make_none() {
    let folder = |parent: &str, one: &str, two: &str| {
        Crate::from_sources(&[("lib.rs", "mod a;"), ("a/mod.rs", parent), ("a/one.rs", one), ("a/two.rs", two)])
    };
    let parent = "mod one;\nmod two;\npub use one::One;\npub struct Shared;";
    assert!(circles(&folder(parent, "use super::Shared; struct One;", "use super::one::One;")).is_empty());
    let circle = circles(&folder(parent, "use super::two; fn f() { two::g() } struct One;", "use super::One; fn g() {}"));
    assert_eq!(circle, ["a/one.rs uses a::two::g of a/two.rs\na/two.rs uses a::one::One of a/one.rs"]);
    // A parent that works with what it re-exports uses it.
    let parent = format!("{parent}\nfn f(one: One) {{}}");
    assert_eq!(circles(&folder(&parent, "use super::Shared; struct One;", "")).len(), 1);
}

#[test]
fn only_what_is_pub_all_the_way_is_public() {
    let tree = Crate::from_sources(&[
        ("lib.rs", "mod a;\npub mod b;\npub use a::A;\npub(crate) use a::hidden;"),
        ("a.rs", "pub struct A;\npub fn hidden() {}"),
        ("b.rs", "pub const unsafe extern \"C\" fn shown() {}\npub(crate) const HIDDEN: u8 = 0;\npub static mut STATE: u8 = 0;"),
    ]);
    for (path, expected) in [
        (&["A"][..], true),
        (&["A", "new"], true),
        (&["b", "shown"], true),
        (&["b", "STATE"], true),
        (&["b", "HIDDEN"], false),
        (&["a", "A"], false),
        (&["hidden"], false),
    ] {
        let path: Vec<String> = path.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(tree.is_public(&path), expected, "{path:?}");
    }
}

#[test]
fn paths_out_of_a_folder_are_as_they_are_written() {
    let tree = Crate::from_sources(&[
        ("lib.rs", "mod a;\nmod ffi;\npub use a::A;"),
        ("a.rs", "pub struct A;\npub fn hidden() {}"),
        ("ffi/mod.rs", "mod inner;\nuse crate::{A, a};\nfn f() { a::hidden(); A::new() }"),
        ("ffi/inner.rs", "use super::super::a::hidden;\nuse super::f;\nuse std::fmt;"),
    ]);
    let written: Vec<_> = tree.written("ffi").into_iter().map(|(file, path)| format!("{file} {}", path.join("::"))).collect();
    let expected = ["ffi/inner.rs a::hidden", "ffi/mod.rs A", "ffi/mod.rs A::new", "ffi/mod.rs a", "ffi/mod.rs a::hidden"];
    assert_eq!(written, expected);
}
