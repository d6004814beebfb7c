//! Java's arrays of bytes as copies on the stack, wiped at the end.

use jni::objects::{JByteArray, JObject};
use jni::sys::{jbyte, jint, jlong};
use jni::{Env, EnvUnowned, Outcome};
use zeroize::Zeroize;

use engine::ffi::keyfob_result;

/// A parameter of a native method: made of what Java gives before the call, given back after a successful one.
pub(crate) trait Parameter<'local>: Sized {
    /// What Java gives.
    type Java;

    /// Copies from Java.
    fn take(env: &Env<'_>, java: Self::Java) -> jni::errors::Result<Self>;

    /// Copies to Java, for those that C writes.
    fn give(&self, _: &Env<'_>) -> jni::errors::Result<()> {
        Ok(())
    }
}

impl Parameter<'_> for u64 {
    type Java = jlong;

    fn take(_: &Env<'_>, java: jlong) -> jni::errors::Result<Self> {
        Ok(java.cast_unsigned())
    }
}

impl Parameter<'_> for u32 {
    type Java = jint;

    fn take(_: &Env<'_>, java: jint) -> jni::errors::Result<Self> {
        Ok(java.cast_unsigned())
    }
}

/// An array that C reads, of exactly `N` bytes.
pub(crate) struct In<const N: usize>([jbyte; N]);

impl<const N: usize> In<N> {
    pub(crate) const fn pointer<T>(&self) -> *const T {
        self.0.as_ptr().cast()
    }
}

impl<'local, const N: usize> Parameter<'local> for In<N> {
    type Java = JByteArray<'local>;

    fn take(env: &Env<'_>, java: JByteArray<'local>) -> jni::errors::Result<Self> {
        let mut copy = Self([0; N]);
        java.get_region(env, 0, &mut copy.0)?;
        Ok(copy)
    }
}

impl<const N: usize> Drop for In<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Bytes that C reads, at most `N`: more are an error.
pub(crate) struct Bytes<const N: usize>(In<N>, usize);

impl<const N: usize> Bytes<N> {
    pub(crate) const fn pointer<T>(&self) -> *const T {
        self.0.pointer()
    }

    pub(crate) const fn length(&self) -> usize {
        self.1
    }
}

impl<'local, const N: usize> Parameter<'local> for Bytes<N> {
    type Java = JByteArray<'local>;

    fn take(env: &Env<'_>, java: JByteArray<'local>) -> jni::errors::Result<Self> {
        let mut copy = Self(In([0; N]), java.len(env)?);
        let bytes = copy.0.0.get_mut(..copy.1).ok_or(jni::errors::Error::IndexOutOfBounds)?;
        java.get_region(env, 0, bytes)?;
        Ok(copy)
    }
}

/// An array of `N` bytes that C writes; `FROM` says what stands there before.
pub(crate) struct Out<'local, const N: usize, const FROM: u8>(In<N>, JByteArray<'local>);

/// Nothing that matters.
pub(crate) const NOTHING: u8 = 0;
/// What Java has there, which C changes.
pub(crate) const JAVA: u8 = 1;
/// The size of a struct, which C wants to see. Java has it there too, but a copy less is a transition into the virtual machine less.
pub(crate) const SIZE: u8 = 2;

impl<const N: usize, const FROM: u8> Out<'_, N, FROM> {
    pub(crate) const fn pointer<T>(&mut self) -> *mut T {
        self.0.0.as_mut_ptr().cast()
    }
}

impl<'local, const N: usize, const FROM: u8> Parameter<'local> for Out<'local, N, FROM> {
    type Java = JByteArray<'local>;

    fn take(env: &Env<'_>, java: JByteArray<'local>) -> jni::errors::Result<Self> {
        let mut copy = Self(In([0; N]), java);
        if FROM == JAVA {
            copy.1.get_region(env, 0, &mut copy.0.0)?;
        }
        if FROM == SIZE {
            let size = u32::try_from(N).unwrap_or_default().to_ne_bytes();
            copy.0.0.iter_mut().zip(size).for_each(|(to, from)| *to = from.cast_signed());
        }
        Ok(copy)
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
