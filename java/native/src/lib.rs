//! Layer 7: keyfob's native library for Java. It exports the C ABI for FFM, and JNI functions that
//! call the C ABI on Java's `Memory` in place and on copies of its arrays.
//!
//! `natives` lists the functions, `parameter` says what becomes of what they take, `machine` has
//! the calls back. Structs are arrays of bytes as in `keyfob.h`; the Java side reads and writes
//! them, for both ways down alike.

mod machine;
mod natives;
mod parameter;

// Without this, the linker would drop what JNI does not call.
pub use engine::ffi::*;
