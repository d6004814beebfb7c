//! The Java virtual machine: all calls into it, and the address of its memory.
#![allow(
    unsafe_code,
    reason = "each call into the virtual machine is unsafe, and crate jni makes three of each, to look for exceptions"
)]

use core::ffi::CStr;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use jni::sys::{_jfieldID, JNIEnv, jbyte, jbyteArray, jclass, jlong, jobject, jsize, jstring};

use engine::ffi::keyfob_result;

/// The field `address` of Java's `Memory`. Each class loader has its own class and its own copy of
/// this library.
static ADDRESS: AtomicPtr<_jfieldID> = AtomicPtr::new(ptr::null_mut());

/// The virtual machine, as a native method sees it. An array that is too short leaves a pending
/// exception, which Java throws when the method returns.
#[derive(Clone, Copy)]
pub(crate) struct Jvm(*mut JNIEnv);

/// Calls a function of JNI.
macro_rules! call {
    ($jvm:expr, $name:ident $(, $argument:expr)*) => {
        // SAFETY: the pointer is the environment of the native method that is running. Each object
        // is a local reference of it and not null. The field was found when the library was loaded.
        unsafe { ((**$jvm.0).v1_2.$name)($jvm.0 $(, $argument)*) }
    };
}

impl Jvm {
    /// # Safety
    /// `env` is the environment of the native method that is running on this thread, and the value
    /// is not used after it returns.
    pub(crate) const unsafe fn new(env: *mut JNIEnv) -> Self {
        Self(env)
    }

    /// Makes a Java string of an ASCII text. Without memory for it the string is null and an
    /// exception is pending.
    pub(crate) fn text(self, text: &CStr) -> jstring {
        call!(self, NewStringUTF, text.as_ptr())
    }

    /// Finds the field of `class`, Java's `Memory`, that holds an address.
    pub(crate) fn find_address(self, class: jclass) {
        ADDRESS.store(call!(self, GetFieldID, class, c"address".as_ptr(), c"J".as_ptr()), Ordering::Relaxed);
    }

    /// The address of a direct buffer; 0 for any other buffer.
    pub(crate) fn address_of(self, buffer: jobject) -> jlong {
        // SAFETY: the pointer is the environment of the native method that is running, and the
        // buffer a local reference of it.
        let address: *mut u8 = unsafe { ((**self.0).v1_4.GetDirectBufferAddress)(self.0, buffer) }.cast();
        jlong::try_from(address.expose_provenance()).unwrap_or_default()
    }

    /// The address of a `Memory`; 0 if it is closed.
    pub(crate) fn address(self, memory: jobject) -> usize {
        let address = call!(self, GetLongField, memory, ADDRESS.load(Ordering::Relaxed));
        usize::try_from(address).unwrap_or_default()
    }

    pub(crate) fn length(self, array: jbyteArray) -> Result<usize, keyfob_result> {
        if array.is_null() {
            return Err(keyfob_result::NULL_POINTER);
        }
        usize::try_from(call!(self, GetArrayLength, array)).map_err(|_| keyfob_result::LENGTH)
    }

    pub(crate) fn read(self, array: jbyteArray, to: &mut [jbyte]) -> Result<(), keyfob_result> {
        if array.is_null() {
            return Err(keyfob_result::NULL_POINTER);
        }
        let length = jsize::try_from(to.len()).map_err(|_| keyfob_result::LENGTH)?;
        call!(self, GetByteArrayRegion, array, 0, length, to.as_mut_ptr());
        Ok(())
    }

    pub(crate) fn write(self, array: jbyteArray, from: &[jbyte]) -> Result<(), keyfob_result> {
        if array.is_null() {
            return Err(keyfob_result::NULL_POINTER);
        }
        let length = jsize::try_from(from.len()).map_err(|_| keyfob_result::LENGTH)?;
        call!(self, SetByteArrayRegion, array, 0, length, from.as_ptr());
        Ok(())
    }
}
