//! Gives the shared library its soname.

use std::env;

/// Systems of ELF, whose linkers take `-soname`.
const ELF_SYSTEMS: [&str; 5] = ["linux", "freebsd", "netbsd", "openbsd", "dragonfly"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let variable = |name: &str| env::var(name).expect("cargo sets it");
    if ELF_SYSTEMS.contains(&variable("CARGO_CFG_TARGET_OS").as_str()) {
        let [major, minor, patch] = ["MAJOR", "MINOR", "PATCH"].map(|part| variable(&format!("CARGO_PKG_VERSION_{part}")));
        println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libkeyfob.so.{}", compatible(&major, &minor, &patch));
    }
}

/// The part of a version that compatible versions share, by semantic versioning. cargo-c makes the
/// same.
fn compatible(major: &str, minor: &str, patch: &str) -> String {
    match (major, minor) {
        ("0", "0") => format!("0.0.{patch}"),
        ("0", _) => format!("0.{minor}"),
        _ => major.to_owned(),
    }
}
