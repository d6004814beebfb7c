#!/usr/bin/env bash
# cargo-zigbuild 0.24.1 with Zig 0.17.1 (PyPI): a DLL for Windows exports more than its crate does.
#
# Expected: a `cdylib` with one function exports this function, as cargo builds it with MinGW-w64.
# Seen: rustc passes its list of exports to the linker as a .def file, and cargo-zigbuild removes
# that argument. The DLL then exports what else is linked in, beside the function: some 800 names,
# those of Rust's standard library and of the C runtime (`atexit`, `unw_getcontext`) among them.
# Who meets it: whoever cross-builds a library in Rust for programs on Windows. Names of the C
# runtime in its list of exports can take the place of the program's own.
#
# Seen on 2026-11-30. Needs: python3 with venv, cargo with rustup, objdump of binutils.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check cargo-zigbuild==0.24.1 ziglang==0.17.1
rustup --quiet target add x86_64-pc-windows-gnu

mkdir -p "$folder/one/src"
cat > "$folder/one/Cargo.toml" <<'TOML'
[package]
name = "one"
version = "0.1.0"
edition = "2021"

[lib]
crate-type = ["cdylib"]
TOML
cat > "$folder/one/src/lib.rs" <<'RUST'
#[no_mangle]
pub extern "C" fn one() -> i32 {
    1
}
RUST

cd "$folder/one"
PATH=$folder/venv/bin:$PATH CARGO_TARGET_DIR=$folder/target cargo zigbuild --quiet --release --target x86_64-pc-windows-gnu
exported=$(objdump -p "$folder/target/x86_64-pc-windows-gnu/release/one.dll" |
    awk '/^\[Ordinal\/Name Pointer\] Table/ { names = 1 } names && /^\t\[/ { print $NF }' | sort)
"$folder/venv/bin/cargo-zigbuild" --version
rustc --version
echo "exported names: $(wc -l <<< "$exported"), among them:"
grep -xE 'one|atexit|unw_getcontext' <<< "$exported"
grep -qx one <<< "$exported"
grep -qx atexit <<< "$exported" || { echo "it exports no function of the C runtime any more" >&2; exit 1; }
