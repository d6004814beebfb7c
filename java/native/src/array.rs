//! Java's arrays of bytes as copies on the stack, wiped at the end.
#![allow(
    unsafe_code,
    reason = "each call into the virtual machine is one, and crate jni makes three of it, to look for exceptions"
)]

use core::ffi::CStr;

use jni::sys::{JNIEnv, jbyte, jbyteArray, jint, jlong, jsize, jstring};
use zeroize::Zeroize;

use engine::ffi::keyfob_result;

/// The virtual machine, as a native method sees it. An array that is too short leaves an exception behind, which Java throws in the end.
#[derive(Clone, Copy)]
pub(crate) struct Machine(*mut JNIEnv);

/// Calls a function of JNI.
macro_rules! call {
    ($machine:expr, $name:ident $(, $argument:expr)*) => {
        // SAFETY: the pointer is that of the native method that is running, and each array, which is not null, is a local reference of it.
        unsafe { ((**$machine.0).v1_2.$name)($machine.0 $(, $argument)*) }
    };
}

impl Machine {
    /// # Safety
    /// `env` is that of the native method that is running, on this thread, until it returns.
    pub(crate) const unsafe fn new(env: *mut JNIEnv) -> Self {
        Self(env)
    }

    /// An ASCII text of this library as a Java string; null, and an exception, if there is no memory for it.
    pub(crate) fn text(self, text: &CStr) -> jstring {
        call!(self, NewStringUTF, text.as_ptr())
    }

    fn length(self, array: jbyteArray) -> Result<usize, keyfob_result> {
        if array.is_null() {
            return Err(keyfob_result::NULL_POINTER);
        }
        usize::try_from(call!(self, GetArrayLength, array)).map_err(|_| keyfob_result::LENGTH)
    }

    fn read(self, array: jbyteArray, to: &mut [jbyte]) -> Result<(), keyfob_result> {
        if array.is_null() {
            return Err(keyfob_result::NULL_POINTER);
        }
        let length = jsize::try_from(to.len()).map_err(|_| keyfob_result::LENGTH)?;
        call!(self, GetByteArrayRegion, array, 0, length, to.as_mut_ptr());
        Ok(())
    }

    fn write(self, array: jbyteArray, from: &[jbyte]) -> Result<(), keyfob_result> {
        if array.is_null() {
            return Err(keyfob_result::NULL_POINTER);
        }
        let length = jsize::try_from(from.len()).map_err(|_| keyfob_result::LENGTH)?;
        call!(self, SetByteArrayRegion, array, 0, length, from.as_ptr());
        Ok(())
    }
}

/// A parameter of a native method: taken from Java before the call, given back after a successful one. It is made empty and then filled in
/// place, since moving it would copy a secret once more, and costs more than the rest.
pub(crate) trait Parameter: Sized {
    /// What Java gives.
    type Java;

    /// Holds on to what Java gives.
    fn new(java: Self::Java) -> Self;

    /// Copies from Java.
    fn take(&mut self, _: Machine) -> Result<(), keyfob_result> {
        Ok(())
    }

    /// Copies to Java, for those that C writes.
    fn give(&self, _: Machine) -> Result<(), keyfob_result> {
        Ok(())
    }
}

impl Parameter for u64 {
    type Java = jlong;

    fn new(java: jlong) -> Self {
        java.cast_unsigned()
    }
}

impl Parameter for u32 {
    type Java = jint;

    fn new(java: jint) -> Self {
        java.cast_unsigned()
    }
}

/// As many bytes on the stack, wiped at the end.
struct Copy<const N: usize>([jbyte; N]);

impl<const N: usize> Drop for Copy<N> {
    fn drop(&mut self) {
        // As a slice: of an array, zeroize wipes each element by itself.
        self.0.as_mut_slice().zeroize();
    }
}

/// An array that C reads, of exactly `N` bytes.
pub(crate) struct In<const N: usize>(Copy<N>, jbyteArray);

impl<const N: usize> In<N> {
    pub(crate) const fn pointer<T>(&self) -> *const T {
        self.0.0.as_ptr().cast()
    }
}

impl<const N: usize> Parameter for In<N> {
    type Java = jbyteArray;

    fn new(java: jbyteArray) -> Self {
        Self(Copy([0; N]), java)
    }

    fn take(&mut self, machine: Machine) -> Result<(), keyfob_result> {
        machine.read(self.1, &mut self.0.0)
    }
}

/// Bytes that C reads, at most `N`: more are an error.
pub(crate) struct Bytes<const N: usize>(Copy<N>, jbyteArray, usize);

impl<const N: usize> Bytes<N> {
    pub(crate) const fn pointer<T>(&self) -> *const T {
        self.0.0.as_ptr().cast()
    }

    pub(crate) const fn length(&self) -> usize {
        self.2
    }
}

impl<const N: usize> Parameter for Bytes<N> {
    type Java = jbyteArray;

    fn new(java: jbyteArray) -> Self {
        Self(Copy([0; N]), java, 0)
    }

    fn take(&mut self, machine: Machine) -> Result<(), keyfob_result> {
        let length = machine.length(self.1)?;
        let bytes = self.0.0.get_mut(..length).ok_or(keyfob_result::LENGTH)?;
        machine.read(self.1, bytes)?;
        self.2 = length;
        Ok(())
    }
}

/// An array of `N` bytes that C writes; `FROM` says what stands there before.
pub(crate) struct Out<const N: usize, const FROM: u8>(Copy<N>, jbyteArray);

/// Nothing that matters.
pub(crate) const NOTHING: u8 = 0;
/// What Java has there, which C changes.
pub(crate) const JAVA: u8 = 1;
/// The size of a struct, which C wants to see. Java has it there too, but not to ask is one call into the virtual machine less.
pub(crate) const SIZE: u8 = 2;

impl<const N: usize, const FROM: u8> Out<N, FROM> {
    pub(crate) const fn pointer<T>(&mut self) -> *mut T {
        self.0.0.as_mut_ptr().cast()
    }
}

impl<const N: usize, const FROM: u8> Parameter for Out<N, FROM> {
    type Java = jbyteArray;

    fn new(java: jbyteArray) -> Self {
        Self(Copy([0; N]), java)
    }

    fn take(&mut self, machine: Machine) -> Result<(), keyfob_result> {
        if FROM == JAVA {
            machine.read(self.1, &mut self.0.0)?;
        }
        if FROM == SIZE {
            let size = u32::try_from(N).unwrap_or_default().to_ne_bytes();
            self.0.0.iter_mut().zip(size).for_each(|(to, from)| *to = from.cast_signed());
        }
        Ok(())
    }

    fn give(&self, machine: Machine) -> Result<(), keyfob_result> {
        machine.write(self.1, &self.0.0)
    }
}
