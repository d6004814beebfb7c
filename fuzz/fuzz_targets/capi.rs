//! See src/capi.rs.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: keyfob_fuzz::capi::Input| keyfob_fuzz::capi::run(input));
