//! The parameters of native methods: numbers, Java's `Memory` in place, and copies of arrays on the
//! stack, which are wiped at the end.

use core::ffi::c_char;
use core::mem::offset_of;
use core::ptr;

use jni::sys::{jbyte, jbyteArray, jint, jlong, jobject};
use zeroize::Zeroize;

use crate::jvm::Jvm;
use engine::ffi::{KEYFOB_RECORD_SIZE, keyfob_result, keyfob_verdict};

/// A parameter of a native method: copied from Java before the call, and back to Java after a
/// successful one. It is created empty and then filled in place: moving it would copy a secret once
/// more, and would cost more than everything else.
pub(crate) trait Parameter: Sized {
    /// The type that Java passes.
    type Java;

    /// Keeps the value that Java passes.
    fn new(java: Self::Java) -> Self;

    /// Copies from Java.
    fn take(&mut self, _: Jvm) -> Result<(), keyfob_result> {
        Ok(())
    }

    /// Copies to Java the parameters that C writes.
    fn give(&self, _: Jvm) -> Result<(), keyfob_result> {
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

/// Java's `Memory`, which C reads and writes in place. The collector keeps it until the method
/// returns, because it is a parameter.
pub(crate) struct Memory(jobject, usize);

/// The memory of a record, followed by the verdict and the answer of an attempt. `io.keyfob.Jni`
/// has the same layout.
#[repr(C)]
struct RecordMemory {
    record: [u8; KEYFOB_RECORD_SIZE],
    verdict: [u8; size_of::<keyfob_verdict>()],
    answer: [u8; 72],
}

impl Memory {
    /// The bytes of a record's memory, with verdict and answer.
    pub(crate) const RECORD_SIZE: usize = size_of::<RecordMemory>();

    pub(crate) fn pointer<T>(&self) -> *mut T {
        self.at(0)
    }

    /// The bytes of a stored record, of any length; an error if `length` is more than the memory.
    pub(crate) fn stored(&self, length: u32) -> Result<*const u8, keyfob_result> {
        if length as usize <= Self::RECORD_SIZE { Ok(self.at(0)) } else { Err(keyfob_result::LENGTH) }
    }

    pub(crate) fn verdict(&self) -> *mut keyfob_verdict {
        self.at(offset_of!(RecordMemory, verdict))
    }

    /// The answer; an error if `length` is longer than its field.
    pub(crate) fn answer(&self, length: u32) -> Result<*const c_char, keyfob_result> {
        let fits = length as usize <= const { Self::RECORD_SIZE - offset_of!(RecordMemory, answer) };
        if fits { Ok(self.at(offset_of!(RecordMemory, answer))) } else { Err(keyfob_result::LENGTH) }
    }

    fn at<T>(&self, offset: usize) -> *mut T {
        ptr::with_exposed_provenance_mut(self.1.wrapping_add(offset))
    }
}

impl Parameter for Memory {
    type Java = jobject;

    fn new(java: jobject) -> Self {
        Self(java, 0)
    }

    fn take(&mut self, jvm: Jvm) -> Result<(), keyfob_result> {
        if !self.0.is_null() {
            self.1 = jvm.address(self.0);
        }
        // 0 if it is closed, or if this virtual machine gives no address of direct buffers.
        if self.1 == 0 { Err(keyfob_result::NULL_POINTER) } else { Ok(()) }
    }
}

/// `N` bytes on the stack, wiped at the end.
struct Copy<const N: usize>([jbyte; N]);

impl<const N: usize> Drop for Copy<N> {
    fn drop(&mut self) {
        // As a slice: zeroize wipes an array element by element.
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

    fn take(&mut self, jvm: Jvm) -> Result<(), keyfob_result> {
        jvm.read(self.1, &mut self.0.0)
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

    fn take(&mut self, jvm: Jvm) -> Result<(), keyfob_result> {
        let length = jvm.length(self.1)?;
        let bytes = self.0.0.get_mut(..length).ok_or(keyfob_result::LENGTH)?;
        jvm.read(self.1, bytes)?;
        self.2 = length;
        Ok(())
    }
}

/// An array of `N` bytes that C writes. `FROM` is its content before the call.
pub(crate) struct Out<const N: usize, const FROM: u8>(Copy<N>, jbyteArray);

/// Zeros.
pub(crate) const NOTHING: u8 = 0;
/// The array of Java, which C changes.
pub(crate) const JAVA: u8 = 1;
/// The size of a struct, which C requires. Java's array begins with it too, but writing it here
/// saves a call into the virtual machine.
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

    fn take(&mut self, jvm: Jvm) -> Result<(), keyfob_result> {
        if FROM == JAVA {
            jvm.read(self.1, &mut self.0.0)?;
        }
        if FROM == SIZE {
            let size = u32::try_from(N).unwrap_or_default().to_ne_bytes();
            self.0.0.iter_mut().zip(size).for_each(|(to, from)| *to = from.cast_signed());
        }
        Ok(())
    }

    fn give(&self, jvm: Jvm) -> Result<(), keyfob_result> {
        jvm.write(self.1, &self.0.0)
    }
}
