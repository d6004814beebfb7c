//! Layer 2: who made the processor, found out once, at run time.

use core::arch::x86_64::__cpuid;
use core::sync::atomic::{AtomicU8, Ordering};

/// Whether Intel made it, which decides between platforms that all are here: see
/// [`Platform::detect`](super::Platform::best).
pub(super) fn is_intel() -> bool {
    const UNKNOWN: u8 = 2;
    // As cpufeatures keeps what it found: to ask takes microseconds where a hypervisor answers.
    static KNOWN: AtomicU8 = AtomicU8::new(UNKNOWN);
    let known = KNOWN.load(Ordering::Relaxed);
    if known != UNKNOWN {
        return known == 1;
    }
    let is_intel = !cfg!(any(miri, target_env = "sgx")) && vendor() == *b"GenuineIntel";
    KNOWN.store(is_intel.into(), Ordering::Relaxed);
    is_intel
}

fn vendor() -> [u8; 12] {
    // SAFETY: each x86_64 has the instruction, and this leaf of it.
    #[allow(unused_unsafe, reason = "newer Rust takes it for safe")]
    let leaf = unsafe { __cpuid(0) };
    let mut vendor = [0; 12];
    let words = [leaf.ebx, leaf.edx, leaf.ecx].map(u32::to_le_bytes);
    vendor.iter_mut().zip(words.as_flattened()).for_each(|(to, from)| *to = *from);
    vendor
}
