//! The vector registers, as the callers of this ABI leave them.

/// Clears the upper halves of the vector registers. Callers such as Java leave values there, and
/// then each SSE instruction waits for the one before that wrote its register. On an Intel
/// processor an attempt took half as long again.
#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(keyfob_lanes = "portable")))]
pub(super) fn clear_upper_halves() {
    cpufeatures::new!(has_avx2, "avx2");

    #[target_feature(enable = "avx")]
    fn clear() {
        core::arch::x86_64::_mm256_zeroupper();
    }

    if has_avx2::get() {
        // SAFETY: the processor has the instruction; callers expect no vector register to be kept.
        unsafe { clear() };
    }
}

/// There is nothing to clear.
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2", not(keyfob_lanes = "portable"))))]
pub(super) const fn clear_upper_halves() {}
