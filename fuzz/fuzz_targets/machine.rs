//! See src/machine.rs.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: keyfob_fuzz::machine::Input| keyfob_fuzz::machine::run(input));
