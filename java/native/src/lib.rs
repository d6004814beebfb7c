//! Layer 7: keyfob's native library for Java. It exports the C ABI for FFM, and JNI functions that
//! call the C ABI on Java's `Memory` in place and on copies of its arrays.
//!
//! `natives` lists the functions, `parameter` converts their parameters, and `jvm` calls back into
//! the virtual machine. Structs are arrays of bytes, laid out as in `keyfob.h`. The Java side reads
//! and writes them, in the same way for JNI and FFM.

mod jvm;
mod natives;
mod parameter;

// Without this, the linker would drop the functions that JNI does not call.
pub use engine::ffi::*;
