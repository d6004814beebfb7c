//! Java's arrays of bytes as copies on the stack, wiped at the end.

use jni::objects::{JByteArray, JObject};
use jni::sys::{jbyte, jint, jlong};
use jni::{Env, EnvUnowned, Outcome};
use zeroize::Zeroize;

use engine::ffi::keyfob_result;

/// A parameter of a native method: taken from Java before the call, given back after a successful one. It is made empty and then filled in
/// place, since moving it would copy a secret once more, and costs more than the rest.
pub(crate) trait Parameter: Sized {
    /// What Java gives.
    type Java;

    /// Holds on to what Java gives.
    fn new(java: Self::Java) -> Self;

    /// Copies from Java.
    fn take(&mut self, _: &Env<'_>) -> jni::errors::Result<()> {
        Ok(())
    }

    /// Copies to Java, for those that C writes.
    fn give(&self, _: &Env<'_>) -> jni::errors::Result<()> {
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
pub(crate) struct In<'local, const N: usize>(Copy<N>, JByteArray<'local>);

impl<const N: usize> In<'_, N> {
    pub(crate) const fn pointer<T>(&self) -> *const T {
        self.0.0.as_ptr().cast()
    }
}

impl<'local, const N: usize> Parameter for In<'local, N> {
    type Java = JByteArray<'local>;

    fn new(java: JByteArray<'local>) -> Self {
        Self(Copy([0; N]), java)
    }

    fn take(&mut self, env: &Env<'_>) -> jni::errors::Result<()> {
        self.1.get_region(env, 0, &mut self.0.0)
    }
}

/// Bytes that C reads, at most `N`: more are an error.
pub(crate) struct Bytes<'local, const N: usize>(Copy<N>, JByteArray<'local>, usize);

impl<const N: usize> Bytes<'_, N> {
    pub(crate) const fn pointer<T>(&self) -> *const T {
        self.0.0.as_ptr().cast()
    }

    pub(crate) const fn length(&self) -> usize {
        self.2
    }
}

impl<'local, const N: usize> Parameter for Bytes<'local, N> {
    type Java = JByteArray<'local>;

    fn new(java: JByteArray<'local>) -> Self {
        Self(Copy([0; N]), java, 0)
    }

    fn take(&mut self, env: &Env<'_>) -> jni::errors::Result<()> {
        let length = self.1.len(env)?;
        let bytes = self.0.0.get_mut(..length).ok_or(jni::errors::Error::IndexOutOfBounds)?;
        self.1.get_region(env, 0, bytes)?;
        self.2 = length;
        Ok(())
    }
}

/// An array of `N` bytes that C writes; `FROM` says what stands there before.
pub(crate) struct Out<'local, const N: usize, const FROM: u8>(Copy<N>, JByteArray<'local>);

/// Nothing that matters.
pub(crate) const NOTHING: u8 = 0;
/// What Java has there, which C changes.
pub(crate) const JAVA: u8 = 1;
/// The size of a struct, which C wants to see. Java has it there too, but not to ask is one call into the virtual machine less.
pub(crate) const SIZE: u8 = 2;

impl<const N: usize, const FROM: u8> Out<'_, N, FROM> {
    pub(crate) const fn pointer<T>(&mut self) -> *mut T {
        self.0.0.as_mut_ptr().cast()
    }
}

impl<'local, const N: usize, const FROM: u8> Parameter for Out<'local, N, FROM> {
    type Java = JByteArray<'local>;

    fn new(java: JByteArray<'local>) -> Self {
        Self(Copy([0; N]), java)
    }

    fn take(&mut self, env: &Env<'_>) -> jni::errors::Result<()> {
        if FROM == JAVA {
            self.1.get_region(env, 0, &mut self.0.0)?;
        }
        if FROM == SIZE {
            let size = u32::try_from(N).unwrap_or_default().to_ne_bytes();
            self.0.0.iter_mut().zip(size).for_each(|(to, from)| *to = from.cast_signed());
        }
        Ok(())
    }

    fn give(&self, env: &Env<'_>) -> jni::errors::Result<()> {
        self.1.set_region(env, 0, &self.0.0)
    }
}

/// Runs a native method. Whatever goes wrong on the way becomes a result, and nothing is thrown into Java.
pub(crate) fn run<'local>(
    mut env: EnvUnowned<'local>,
    body: impl FnOnce(&mut Env<'local>) -> jni::errors::Result<keyfob_result>,
) -> jint {
    let result = match env.with_env(body).into_outcome() {
        Outcome::Ok(result) => result,
        Outcome::Err(jni::errors::Error::NullPtr(_)) => keyfob_result::NULL_POINTER,
        Outcome::Err(jni::errors::Error::IndexOutOfBounds) => keyfob_result::LENGTH,
        Outcome::Err(_) | Outcome::Panic(_) => keyfob_result::PANIC,
    };
    result as jint
}

/// A text of this library as a Java string; null if there is no memory for it.
pub(crate) fn text<'local>(mut env: EnvUnowned<'local>, text: &core::ffi::CStr) -> JObject<'local> {
    let made = env.with_env(|env| env.new_string(text.to_string_lossy()).map(JObject::from));
    match made.into_outcome() {
        Outcome::Ok(string) => string,
        Outcome::Err(_) | Outcome::Panic(_) => JObject::null(),
    }
}
