//! Makes `include/keyfob.h` of `src/ffi`, with the feature `header` only: users of the crate never build cbindgen.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "header")]
    header();
}

#[cfg(feature = "header")]
fn header() {
    use std::env;
    use std::path::Path;

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
    config.after_includes = Some(config.after_includes.unwrap_or_default() + &macros);
    let builder = cbindgen::Builder::new().with_config(config).with_src(root.join("src/ffi/mod.rs"));
    builder.generate().expect("src/ffi is right for C").write_to_file(root.join("include/keyfob.h"));
}
