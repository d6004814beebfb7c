//! Makes the C libraries of keyfob: shared and static, hosted or for bare metal. All the code is
//! the engine's, in `src/ffi`.
#![cfg_attr(not(feature = "std"), no_std)]

pub use engine::ffi::*;

/// Without an operating system there is nobody to tell; no function of the engine panics.
#[cfg(all(not(feature = "std"), not(test)))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
