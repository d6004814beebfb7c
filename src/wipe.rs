//! Layer 1: the wiping of memory that has held a secret.

use zeroize::{DefaultIsZeroes, optimization_barrier};

/// Zeroes `values` for good. `Zeroize` would write one after another, and byte by byte that is what
/// an attempt waits for; the barrier is the one that it has as well.
#[inline]
pub(crate) fn wipe<T: DefaultIsZeroes>(values: &mut [T]) {
    values.fill(T::default());
    optimization_barrier(values);
}
