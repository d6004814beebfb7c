//! See src/lanes.rs.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: keyfob_fuzz::lanes::Input| keyfob_fuzz::lanes::run(input));
