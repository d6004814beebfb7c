//! See src/filter.rs.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &str| keyfob_fuzz::filter::run(input));
