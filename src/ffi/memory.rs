//! Raw pointers in and out: the only place where they are read and written.
//!
//! Every function here is unsafe for one reason: it believes the caller about its pointers, as the
//! header tells the caller to keep them.

use core::ffi::c_char;
use core::ptr;

use super::result::keyfob_result;

/// No text from outside is longer, in bytes.
const MAX_TEXT_BYTES: usize = 4096;
/// No struct from a newer caller is larger, in bytes.
const MAX_STRUCT_BYTES: usize = 4096;

/// A struct that begins with its size in bytes, has no padding, and is right whatever its bytes
/// are. Later versions may add fields at its end.
///
/// # Safety All of that must hold, and `FIRST_SIZE` is at least the 4 bytes of the size and at most
/// all of the struct.
pub(super) unsafe trait Sized: Copy {
    /// The size of the first version that was published: callers who were built with that one go on
    /// working.
    const FIRST_SIZE: usize;
}

/// The bytes at `pointer`; NULL is right for none.
pub(super) unsafe fn bytes<'a>(pointer: *const u8, length: usize) -> Result<&'a [u8], keyfob_result> {
    if length > isize::MAX.unsigned_abs() {
        return Err(keyfob_result::LENGTH);
    }
    if length == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(keyfob_result::NULL_POINTER);
    }
    // SAFETY: not NULL, not longer than any object, and the caller says that so many bytes can be
    // read.
    Ok(unsafe { core::slice::from_raw_parts(pointer, length) })
}

/// The characters at `pointer`, which need no NUL at their end; NULL is right for none.
pub(super) unsafe fn chars<'a>(pointer: *const c_char, length: usize) -> Result<&'a [u8], keyfob_result> {
    // SAFETY: the caller's promise is passed on; c_char and u8 have the same size, and every value
    // is right for both.
    unsafe { bytes(pointer.cast(), length) }
}

/// The text at `pointer`, which ends with a NUL.
pub(super) unsafe fn text<'a>(pointer: *const c_char) -> Result<&'a [u8], keyfob_result> {
    if pointer.is_null() {
        return Err(keyfob_result::NULL_POINTER);
    }
    // SAFETY: the caller says that the text ends with a NUL; nothing behind the first is read.
    let length = (0..MAX_TEXT_BYTES).find(|&at| unsafe { *pointer.add(at) } == 0).ok_or(keyfob_result::LENGTH)?;
    // SAFETY: these bytes were just read.
    Ok(unsafe { core::slice::from_raw_parts(pointer.cast(), length) })
}

/// A copy of what is at `pointer`.
pub(super) unsafe fn read<T: Copy>(pointer: *const T) -> Result<T, keyfob_result> {
    if pointer.is_null() {
        return Err(keyfob_result::NULL_POINTER);
    }
    // SAFETY: not NULL, the caller says that a T can be read, and it need not be aligned.
    Ok(unsafe { ptr::read_unaligned(pointer) })
}

/// The size of a struct that begins with it, of any version.
unsafe fn size<T: Sized>(pointer: *const T) -> Result<usize, keyfob_result> {
    // SAFETY: every such struct begins with its size, of which the caller says that it can be read.
    let size = unsafe { read(pointer.cast::<u32>()) }? as usize;
    if (T::FIRST_SIZE..=MAX_STRUCT_BYTES).contains(&size) { Ok(size) } else { Err(keyfob_result::STRUCT_SIZE) }
}

/// Reads a struct that begins with its size over `value`, which keeps the fields that an older
/// caller does not know. A newer, larger one is right if all that this library does not know is
/// zero. In place, since it may hold secrets.
pub(super) unsafe fn read_sized<T: Sized>(pointer: *const T, value: &mut T) -> Result<(), keyfob_result> {
    // SAFETY: the caller's promise is passed on.
    let size = unsafe { size(pointer) }?;
    if size == size_of::<T>() {
        // As below; a copy of a size that is known needs no call.
        // SAFETY: as below, and a T is right whatever its bytes are.
        *value = unsafe { ptr::read_unaligned(pointer) };
        return Ok(());
    }
    // SAFETY: the caller says that so many bytes can be read.
    let all = unsafe { bytes(pointer.cast(), size) }?;
    let (known, unknown) = all.split_at_checked(size_of::<T>()).unwrap_or((all, &[]));
    if unknown.iter().any(|&byte| byte != 0) {
        return Err(keyfob_result::STRUCT_SIZE);
    }
    // SAFETY: `value` has at least as many bytes, and is right whatever they are.
    unsafe { ptr::copy_nonoverlapping(known.as_ptr(), ptr::from_mut(value).cast(), known.len()) };
    Ok(())
}

/// Where a plain value is written at the end, if all goes well.
pub(super) struct Out<T>(*mut T);

impl<T: Copy> Out<T> {
    pub(super) fn new(pointer: *mut T) -> Result<Self, keyfob_result> {
        if pointer.is_null() { Err(keyfob_result::NULL_POINTER) } else { Ok(Self(pointer)) }
    }

    pub(super) unsafe fn write(self, value: T) {
        // SAFETY: not NULL, the caller says that a T can be written, and it need not be aligned.
        unsafe { ptr::write_unaligned(self.0, value) }
    }
}

/// Where a struct that begins with its size is written at the end.
pub(super) struct OutSized<T>(*mut T, usize);

impl<T: Sized> OutSized<T> {
    pub(super) unsafe fn new(pointer: *mut T) -> Result<Self, keyfob_result> {
        // SAFETY: the caller's promise is passed on.
        unsafe { size(pointer) }.map(|size| Self(pointer, size))
    }

    /// Writes all but the size: what the caller's struct has room for, and zeros where it is
    /// larger. By reference, since it may be secret.
    pub(super) unsafe fn write(self, value: &T) {
        let head = const { size_of::<u32>() };
        let (from, to) = (ptr::from_ref(value).cast::<u8>(), self.0.cast::<u8>());
        if self.1 == size_of::<T>() {
            // As below; a copy of a size that is known needs no call.
            // SAFETY: both structs have this size, without padding.
            unsafe { ptr::copy_nonoverlapping(from.add(head), to.add(head), const { size_of::<T>() - size_of::<u32>() }) };
            return;
        }
        let known = size_of::<T>().min(self.1);
        // SAFETY: both structs have `known` bytes, without padding; the caller says that its own
        // has the size it gave.
        unsafe {
            ptr::copy_nonoverlapping(from.add(head), to.add(head), known.saturating_sub(head));
            ptr::write_bytes(to.add(known), 0, self.1.saturating_sub(known));
        }
    }
}

/// Where bytes are written at the end.
pub(super) struct Buffer(*mut u8, usize);

impl Buffer {
    /// A buffer of `size` bytes that must have room for `least`.
    pub(super) fn new(pointer: *mut u8, size: usize, least: usize) -> Result<Self, keyfob_result> {
        if pointer.is_null() {
            Err(keyfob_result::NULL_POINTER)
        } else if size < least {
            Err(keyfob_result::BUFFER_TOO_SMALL)
        } else {
            Ok(Self(pointer, size))
        }
    }

    /// A buffer with room for `text` and a NUL.
    pub(super) fn for_text(pointer: *mut c_char, size: usize, text: &str) -> Result<Self, keyfob_result> {
        Self::new(pointer.cast(), size, text.len().saturating_add(1))
    }

    /// Writes what fits, which is all: the constructor saw to that.
    pub(super) unsafe fn write(self, value: &[u8]) {
        // SAFETY: not NULL, not more than the size of which the caller says that it can be written,
        // and `value` is this library's own copy.
        unsafe { ptr::copy_nonoverlapping(value.as_ptr(), self.0, value.len().min(self.1)) }
    }

    /// Writes a text and a NUL.
    pub(super) unsafe fn write_text(self, text: &str) {
        let end = text.len().min(self.1.saturating_sub(1));
        // SAFETY: as for `write`; the end lies within the size, which is at least 1.
        unsafe {
            ptr::copy_nonoverlapping(text.as_ptr(), self.0, end);
            ptr::write(self.0.add(end), 0);
        }
    }
}

/// The UTF-8 text at `pointer`; `otherwise` if it is none.
pub(super) unsafe fn utf8<'a>(pointer: *const c_char, otherwise: keyfob_result) -> Result<&'a str, keyfob_result> {
    // SAFETY: the caller's promise is passed on.
    let text = unsafe { text(pointer) }?;
    str::from_utf8(text).map_err(|_| otherwise)
}
