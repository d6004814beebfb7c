//! See src/scim.rs.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: keyfob_fuzz::scim::Input| keyfob_fuzz::scim::run(input));
