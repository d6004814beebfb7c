//! Makes `include/keyfob.h` of `src/ffi`, with the feature `header` only: users of the crate never
//! build cbindgen.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "header")]
    header();
}

/// Opens C linkage. cbindgen writes it behind all types, but to C++ the linkage is a part of a
/// callback's type.
#[cfg(feature = "header")]
const LINKAGE: &str = "#ifdef __cplusplus\nextern \"C\" {\n#endif // __cplusplus\n";

#[cfg(feature = "header")]
fn open_linkage_once(header: &str) -> String {
    let (front, rest) = header.split_once(LINKAGE).expect("it stands before the types");
    let (types, functions) = rest.split_once(LINKAGE).expect("cbindgen writes it before the functions");
    format!("{front}{LINKAGE}{types}{}", functions.trim_start())
}

#[cfg(feature = "header")]
fn header() {
    use std::path::Path;
    use std::{env, fs};

    println!("cargo::rerun-if-changed=src/ffi");
    println!("cargo::rerun-if-changed=cbindgen.toml");
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let root = Path::new(&root);
    let mut config = cbindgen::Config::from_root_or_default(root);
    let version = |part: &str| env::var(format!("CARGO_PKG_VERSION{part}")).expect("cargo sets it");
    let macros = format!(
        "\n/** The version of this header; keyfob_version() is that of the linked library. */\n#define KEYFOB_VERSION \"{}\"\n\
         #define KEYFOB_VERSION_MAJOR {}\n#define KEYFOB_VERSION_MINOR {}\n#define KEYFOB_VERSION_PATCH {}\n",
        version(""),
        version("_MAJOR"),
        version("_MINOR"),
        version("_PATCH"),
    );
    config.after_includes = Some(config.after_includes.unwrap_or_default() + &macros + "\n" + LINKAGE);
    let builder = cbindgen::Builder::new().with_config(config).with_src(root.join("src/ffi/mod.rs"));
    let mut written = Vec::new();
    builder.generate().expect("src/ffi is right for C").write(&mut written);
    let written = String::from_utf8(written).expect("cbindgen writes UTF-8");
    fs::write(root.join("include/keyfob.h"), open_linkage_once(&written)).expect("include/keyfob.h can be written");
}
