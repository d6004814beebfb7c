//! The corpora once more, without a fuzzer: whatever a target ever ran into, or needed to get
//! somewhere, goes on being right.

use arbitrary::{Arbitrary, Unstructured};

/// The inputs of a corpus: a line of hexadecimal digits each.
fn corpus(text: &str) -> Vec<Vec<u8>> {
    let byte = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
    text.lines().map(|line| line.as_bytes().chunks(2).map(byte).collect()).collect()
}

/// As libFuzzer's crate does it: what is too short for the type is no input.
fn input<'b, T: Arbitrary<'b>>(bytes: &'b [u8]) -> Option<T> {
    T::arbitrary_take_rest(Unstructured::new(bytes)).ok()
}

macro_rules! replay {
    ($target:ident, $type:ty) => {
        #[test]
        fn $target() {
            let corpus = corpus(include_str!(concat!("../corpora/", stringify!($target), ".txt")));
            let mut ran = 0;
            for (number, bytes) in corpus.iter().enumerate() {
                let Some(input) = input::<$type>(bytes) else { continue };
                // Where it panics, this is the last thing that is printed.
                println!("line {}", number + 1);
                keyfob_fuzz::$target::run(input);
                ran += 1;
            }
            assert!(ran > corpus.len() / 2 && ran >= 8, "{ran} of {} inputs ran", corpus.len());
        }
    };
}

replay!(capi, keyfob_fuzz::capi::Input);
replay!(filter, &str);
replay!(lanes, keyfob_fuzz::lanes::Input);
replay!(machine, keyfob_fuzz::machine::Input);
replay!(record, &[u8]);
replay!(scim, keyfob_fuzz::scim::Input);
replay!(tokens, &[u8]);
replay!(uri, &str);
