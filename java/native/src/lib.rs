//! Layer 7: keyfob's native library for Java. It exports the C ABI for FFM, and JNI functions that call the C ABI with copies of Java's arrays.
//!
//! `natives` lists the functions, `array` copies. Structs are arrays of bytes as in `keyfob.h`; the Java side reads and writes them, for
//! both ways down alike.

mod array;
mod natives;

// Without this, the linker would drop what JNI does not call.
pub use engine::ffi::*;
