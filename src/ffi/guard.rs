//! What surrounds the body of each function.

use super::avx;
use super::result::keyfob_result;

/// Runs a function's body; a panic, which none should have, becomes a result instead of crossing
/// into C.
#[inline]
pub(super) fn guard(body: impl FnOnce() -> Result<(), keyfob_result>) -> keyfob_result {
    avx::clear_upper_halves();
    #[cfg(feature = "std")]
    {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
        match outcome {
            Ok(Ok(())) => keyfob_result::OK,
            Ok(Err(result)) => result,
            Err(_) => keyfob_result::PANIC,
        }
    }
    #[cfg(not(feature = "std"))]
    match body() {
        Ok(()) => keyfob_result::OK,
        Err(result) => result,
    }
}
