//! See src/tokens.rs.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| keyfob_fuzz::tokens::run(input));
