//! See src/uri.rs.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &str| keyfob_fuzz::uri::run(input));
