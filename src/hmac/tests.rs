//! Every path against RustCrypto's HMAC.

use std::collections::BTreeMap;
use std::io::{Write, stderr};
use std::vec::Vec;
use std::{format, vec};

use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;

use super::{HmacSha256, HmacState, Keys, MAX_KEYS, Sha1, Sha256, Sha512, max_keys};
use crate::{Algorithm, Secret, lanes};

/// RFC 4226 section 5.3 to the letter, on RustCrypto's HMAC.
fn hmac<M: Mac + KeyInit>(key: &[u8], counter: u64) -> u32 {
    let mut mac = <M as KeyInit>::new_from_slice(key).unwrap();
    mac.update(&counter.to_be_bytes());
    let mac = mac.finalize().into_bytes();
    let offset = usize::from(mac[mac.len() - 1] & 15);
    u32::from_be_bytes(mac[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff
}

fn reference(algorithm: Algorithm, key: &[u8], counter: u64) -> u32 {
    match algorithm {
        Algorithm::Sha1 => hmac::<Hmac<sha1::Sha1>>(key, counter),
        Algorithm::Sha256 => hmac::<Hmac<sha2::Sha256>>(key, counter),
        Algorithm::Sha512 => hmac::<Hmac<sha2::Sha512>>(key, counter),
    }
}

fn state(algorithm: Algorithm, secret: &[u8]) -> HmacState {
    HmacState::new(algorithm, &Secret::new(secret).unwrap())
}

/// All paths on `count` counters; which ones there are on this processor.
fn compare(algorithm: Algorithm, secret: &[u8], first: u64, count: usize) -> BTreeMap<&'static str, usize> {
    let state = state(algorithm, secret);
    let expected: Vec<u32> = (0..count as u64).map(|at| reference(algorithm, secret, first.wrapping_add(at))).collect();
    assert_eq!(state.truncated(first), expected[0]);
    let mut values = vec![0; count];
    state.fill(first, &mut values);
    assert_eq!(values, expected, "{algorithm}: {count} from {first} on");
    let mut platforms = BTreeMap::new();
    for platform in 0..=lanes::PLATFORM_COUNT {
        let mut values = vec![0; count];
        if let Some(name) = state.fill_on(platform, first, &mut values) {
            assert_eq!(values, expected, "{algorithm} on {name}: {count} from {first} on");
            platforms.insert(name, platform);
        }
    }
    platforms
}

/// The values of the first counters under each key, then those of the next ones, `count` times.
type Values = Vec<Vec<u32>>;

/// What [`Keys::compute`] calls.
type Judge<'j> = &'j mut dyn FnMut(&mut [u32]);

/// All paths of [`Keys`] on keys and first counters; on which platforms there are any.
fn compare_keys(algorithm: Algorithm, keys: &[(Vec<u8>, u64)], count: u64) -> Vec<usize> {
    let at = |step: u64| keys.iter().map(|(key, first)| reference(algorithm, key, first.wrapping_add(step))).collect();
    let expected: Values = (0..count).map(at).collect();
    let secrets: Vec<_> = keys.iter().map(|(key, _)| Secret::new(key).unwrap()).collect();
    let mut side_by_side = Keys::new();
    secrets.iter().zip(keys).for_each(|(secret, (_, first))| side_by_side.push(secret, *first));
    let computed = |compute: &dyn Fn(Judge<'_>) -> bool| {
        let mut values = Values::new();
        compute(&mut |lanes| values.push(lanes.to_vec())).then_some(values)
    };
    let values = computed(&|judge| side_by_side.compute(algorithm, count, judge));
    assert_eq!(values.is_some(), (4..=max_keys(algorithm)).contains(&keys.len()));
    assert!(values.is_none_or(|values| values == expected), "{algorithm}: {} keys", keys.len());
    let is_right = |platform: &usize| {
        let values = computed(&|judge| side_by_side.compute_on(*platform, algorithm, count, judge));
        assert!(values.as_ref().is_none_or(|values| *values == expected), "{algorithm} on {platform}: {} keys", keys.len());
        values.is_some()
    };
    (0..lanes::PLATFORM_COUNT).filter(is_right).collect()
}

proptest! {
    /// As many as streams and lanes take, more and fewer.
    #[test]
    fn whole_macs_are_those_of_rustcrypto_on_every_path(
        secret in prop::collection::vec(any::<u8>(), 16..=64),
        first in prop_oneof![any::<u64>(), Just(u64::MAX), Just(u64::from(u32::MAX) - 7)],
        count in 0..20_usize,
    ) {
        let hmac = HmacSha256::new(&Secret::new(&secret).unwrap());
        let numbers = (0..count as u64).map(|at| first.wrapping_add(at));
        let expected: Vec<_> = numbers.map(|number| {
            let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&secret).unwrap();
            mac.update(&number.to_be_bytes());
            let mac = mac.finalize().into_bytes();
            std::array::from_fn(|at| u32::from_be_bytes(mac[4 * at..4 * at + 4].try_into().unwrap()))
        }).collect();
        let mut macs = vec![[0; 8]; count];
        hmac.compute(first, &mut macs);
        prop_assert_eq!(&macs, &expected);
        for platform in 0..lanes::PLATFORM_COUNT {
            let mut macs = vec![[0; 8]; count];
            let done = lanes::sha256_macs_on(platform, [&hmac.0.inner, &hmac.0.outer], first, &mut macs);
            let name = state(Algorithm::Sha256, &secret).fill_on(platform + 1, 0, &mut [0]);
            let is_here = name.is_some_and(|name| ["SHA-NI", "AVX2"].contains(&name));
            prop_assert_eq!(done, if is_here { count } else { 0 });
            if is_here {
                prop_assert_eq!(&macs, &expected);
            }
        }
        let one_by_one: Vec<_> = (0..count as u64).map(|at| hmac.0.mac(first.wrapping_add(at))).collect();
        prop_assert_eq!(one_by_one, expected);
    }

    #[test]
    fn every_path_of_many_keys_agrees_with_rustcrypto(
        keys in prop::collection::vec(
            (
                prop::collection::vec(any::<u8>(), 16..=64),
                prop_oneof![any::<u64>(), any::<u32>().prop_map(u64::from), Just(u64::MAX), Just(u64::from(u32::MAX) - 1)],
            ),
            1..=MAX_KEYS,
        ),
        count in 1..5_u64,
    ) {
        for algorithm in Algorithm::ALL {
            compare_keys(algorithm, &keys, count);
        }
    }

    #[test]
    fn every_path_agrees_with_rustcrypto(
        secret in prop::collection::vec(any::<u8>(), 16..=64),
        first in prop_oneof![any::<u64>(), any::<u32>().prop_map(u64::from), Just(u64::MAX), Just(u64::from(u32::MAX) - 7)],
        count in 1..70_usize,
    ) {
        for algorithm in Algorithm::ALL {
            compare(algorithm, &secret, first, count);
        }
    }

    #[test]
    fn the_states_of_a_key_are_the_same_on_every_path(bytes in prop::collection::vec(any::<u8>(), 16..=64)) {
        let secret = Secret::new(&bytes).unwrap();
        let (mut one, mut other) = (Sha1::EMPTY, Sha1::EMPTY);
        one.set(&secret);
        other.set_portably(&secret);
        prop_assert_eq!((one.inner, one.outer), (other.inner, other.outer));
        for platform in 0..lanes::PLATFORM_COUNT {
            let mut one = Sha1::EMPTY;
            let is_here = lanes::sha1_key_states_on(platform, &Sha1::INITIAL, secret.padded(), [&mut one.inner, &mut one.outer]);
            let name = state(Algorithm::Sha1, &bytes).fill_on(platform + 1, 0, &mut [0]);
            let names = ["SHA-NI", "SHA-NI and AVX-512", "Arm instructions"];
            prop_assert_eq!(is_here, name.is_some_and(|name| names.contains(&name)));
            if is_here {
                prop_assert_eq!((one.inner, one.outer), (other.inner, other.outer));
            }
        }
        let (mut one, mut other) = (Sha256::EMPTY, Sha256::EMPTY);
        one.set(&secret);
        other.set_portably(&secret);
        prop_assert_eq!((one.inner, one.outer), (other.inner, other.outer));
        let (mut one, mut other) = (Sha512::EMPTY, Sha512::EMPTY);
        one.set(&secret);
        other.set_portably(&secret);
        prop_assert_eq!((one.inner, one.outer), (other.inner, other.outer));
        for platform in 0..lanes::PLATFORM_COUNT {
            let mut one = Sha512::EMPTY;
            let is_here =
                lanes::sha512_key_states_on(platform, &Sha512::INITIAL, secret.padded(), [&mut one.inner, &mut one.outer]);
            let name = state(Algorithm::Sha512, &bytes).fill_on(platform + 1, 0, &mut [0]);
            let names = ["SHA-512 instructions", "AVX2", "AVX-512, ymm", "Arm instructions"];
            prop_assert_eq!(is_here, name.is_some_and(|name| names.contains(&name)));
            if is_here {
                prop_assert_eq!((one.inner, one.outer), (other.inner, other.outer));
            }
        }
    }

    #[test]
    fn batches_are_the_window(first: u64) {
        let state = state(Algorithm::Sha1, &[7; 20]);
        for more in [0, 1, 14, 15, 16, 17, 62, 63, 64, 65, 127, 128, 129, 200] {
            let last = first.saturating_add(more);
            let mut seen = Vec::new();
            state.batches(first..=last, |first, values| seen.extend(values.iter().zip(0..).map(|(value, at)| (first + at, *value))));
            let expected: Vec<(u64, u32)> = (first..=last).map(|counter| (counter, state.truncated_portably(counter))).collect();
            prop_assert_eq!(seen, expected);
        }
    }
}

/// Every width of a window's end. Says which paths it tested; under Miri, with the flags of `make
/// test-lanes`, also those that this processor has not.
#[test]
fn the_paths_of_this_processor() {
    for algorithm in Algorithm::ALL {
        let mut paths = BTreeMap::new();
        for count in if cfg!(miri) { 19..=19 } else { 1..=130 } {
            paths = compare(algorithm, b"12345678901234567890", 1000 * count as u64, count);
        }
        // What the processor has is tested, or the selection is wrong.
        #[cfg(all(target_arch = "x86_64", not(miri), not(keyfob_lanes = "portable")))]
        {
            use std::is_x86_feature_detected as has;
            let is_sha512 = algorithm == Algorithm::Sha512;
            assert_eq!(paths.contains_key("SHA-NI"), has!("sha") && has!("sse4.1") && !is_sha512);
            assert_eq!(paths.contains_key("SHA-NI and AVX-512"), has!("sha") && has!("avx512vl") && !is_sha512);
            assert_eq!(paths.contains_key("SHA-512 instructions"), has!("sha512") && is_sha512);
            assert_eq!(paths.contains_key("AVX2"), has!("avx2"));
            assert_eq!(paths.contains_key("AVX-512, two zmm"), has!("avx512f") && has!("avx512vl"));
        }
        #[cfg(all(target_arch = "aarch64", not(miri), not(keyfob_lanes = "portable")))]
        {
            use std::arch::is_aarch64_feature_detected as has;
            let is_here = if algorithm == Algorithm::Sha512 { has!("sha3") } else { has!("sha2") };
            assert_eq!(paths.contains_key("Arm instructions"), is_here);
        }
        let names: Vec<_> = paths.into_keys().collect();
        // Not by println!, which is shown of failed tests only.
        let _ = stderr().write_all(format!("{algorithm}: tested on {}\n", names.join(", ")).as_bytes());
    }
}

/// Every number of keys, on every platform that takes so many; also under Miri, as above.
#[test]
fn the_paths_of_this_processor_for_many_keys() {
    for algorithm in Algorithm::ALL {
        for len in if cfg!(miri) { MAX_KEYS..=MAX_KEYS } else { 1..=MAX_KEYS } {
            let keys: Vec<_> = (0..).take(len).map(|key: u8| (vec![key; 20], 1000 * u64::from(key))).collect();
            let platforms = compare_keys(algorithm, &keys, 2);
            // AVX2, and AVX-512 with one zmm and with two; their lanes of 32 bits.
            #[cfg(all(target_arch = "x86_64", not(miri), not(keyfob_lanes = "portable")))]
            {
                use std::is_x86_feature_detected as has;
                let is_wide = has!("avx512f") && has!("avx512vl");
                let here = [(3, 8, has!("avx2")), (5, 16, is_wide), (7, 32, is_wide)];
                let word = if algorithm == Algorithm::Sha512 { 2 } else { 1 };
                let is_here = |&(_, lanes, is_here): &(usize, usize, bool)| is_here && len * word <= lanes;
                let expected: Vec<usize> = here.into_iter().filter(is_here).map(|(platform, ..)| platform).collect();
                assert_eq!(platforms, expected, "{algorithm}, {len} keys");
            }
            let _ = platforms;
        }
    }
}

#[test]
#[expect(clippy::reversed_empty_ranges, reason = "that is the point")]
fn an_empty_window_has_no_batch() {
    let state = state(Algorithm::Sha1, &[7; 20]);
    state.batches(5..=4, |_, _| panic!());
    let mut used = 5..=5;
    used.next();
    state.batches(used, |_, _| panic!());
}
