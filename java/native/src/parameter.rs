//! What native methods take: numbers, Java's `Memory` where it is, and arrays as copies on the
//! stack, wiped at the end.

use core::ffi::c_char;
use core::mem::offset_of;
use core::ptr;

use jni::sys::{jbyte, jbyteArray, jint, jlong, jobject};
use zeroize::Zeroize;

use crate::machine::Machine;
use engine::ffi::{KEYFOB_RECORD_SIZE, keyfob_result, keyfob_verdict};

/// A parameter of a native method: taken from Java before the call, given back after a successful
/// one. It is made empty and then filled in place, since moving it would copy a secret once more,
/// and costs more than the rest.
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

/// Java's `Memory`, which C reads and writes in place. As a parameter it is not collected before
/// the method returns.
pub(crate) struct Place(jobject, usize);

/// Of a record, with what stands behind it for an attempt: `Jni` has the same.
#[repr(C)]
struct Room {
    record: [u8; KEYFOB_RECORD_SIZE],
    verdict: [u8; size_of::<keyfob_verdict>()],
    answer: [u8; 72],
}

impl Place {
    /// So many bytes are there of a record.
    pub(crate) const ROOM: usize = size_of::<Room>();

    pub(crate) fn pointer<T>(&self) -> *mut T {
        self.at(0)
    }

    pub(crate) fn verdict(&self) -> *mut keyfob_verdict {
        self.at(offset_of!(Room, verdict))
    }

    /// Of so many bytes.
    pub(crate) fn answer(&self, length: u32) -> Result<*const c_char, keyfob_result> {
        let is_room = length as usize <= const { Self::ROOM - offset_of!(Room, answer) };
        if is_room { Ok(self.at(offset_of!(Room, answer))) } else { Err(keyfob_result::LENGTH) }
    }

    fn at<T>(&self, offset: usize) -> *mut T {
        ptr::with_exposed_provenance_mut(self.1.wrapping_add(offset))
    }
}

impl Parameter for Place {
    type Java = jobject;

    fn new(java: jobject) -> Self {
        Self(java, 0)
    }

    fn take(&mut self, machine: Machine) -> Result<(), keyfob_result> {
        if !self.0.is_null() {
            self.1 = machine.address(self.0);
        }
        // At 0 if it is closed, or if this virtual machine shows no memory outside of its heap.
        if self.1 == 0 { Err(keyfob_result::NULL_POINTER) } else { Ok(()) }
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
/// The size of a struct, which C wants to see. Java has it there too, but not to ask is one call
/// into the virtual machine less.
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
