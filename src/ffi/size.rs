//! The sizes that a caller needs for its buffers, and the version.

/// The size of a record in bytes.
pub const KEYFOB_RECORD_SIZE: usize = 168;
/// The size of a sealed record in bytes.
pub const KEYFOB_SEALED_SIZE: usize = 216;
/// The size of a sealing key in bytes.
pub const KEYFOB_SEAL_KEY_SIZE: usize = 32;
/// The size of a nonce in bytes.
pub const KEYFOB_SEAL_NONCE_SIZE: usize = 24;
/// The fewest bytes of a secret.
pub const KEYFOB_SECRET_MIN_SIZE: usize = 16;
/// The fewest bytes of a short secret, where those are allowed.
pub const KEYFOB_SHORT_SECRET_MIN_SIZE: usize = 10;
/// The most bytes of a secret, and digits of a PIN.
pub const KEYFOB_SECRET_MAX_SIZE: usize = 64;
/// The most recovery codes of a device.
pub const KEYFOB_RECOVERY_CODES_MAX: usize = 64;
/// Room for any recovery code and its terminating NUL, in bytes.
pub const KEYFOB_RECOVERY_CODE_SIZE: usize = 17;
/// Room for any code and its terminating NUL, in bytes.
pub const KEYFOB_CODE_SIZE: usize = 12;
/// Room for any secret in Base32 and its terminating NUL, in bytes.
pub const KEYFOB_BASE32_SIZE: usize = 104;
/// Room for any secret in hexadecimal and its terminating NUL, in bytes.
pub const KEYFOB_HEX_SIZE: usize = 129;
/// Room for any URI that keyfob_uri_write writes and its terminating NUL, in bytes.
pub const KEYFOB_URI_SIZE: usize = 2048;
/// Room for any issuer or account that keyfob_uri_parse writes and its terminating NUL, in bytes.
pub const KEYFOB_LABEL_SIZE: usize = 1024;

// cbindgen reads literals only; this keeps them true.
const _: () = assert!(
    KEYFOB_RECORD_SIZE == crate::RECORD_SIZE
        && KEYFOB_SEALED_SIZE == crate::SEALED_SIZE
        && KEYFOB_SEAL_KEY_SIZE == crate::SEAL_KEY_SIZE
        && KEYFOB_SEAL_NONCE_SIZE == crate::SEAL_NONCE_SIZE
        && KEYFOB_SECRET_MIN_SIZE == crate::SECRET_MIN_SIZE
        && KEYFOB_SHORT_SECRET_MIN_SIZE == crate::SHORT_SECRET_MIN_SIZE
        && KEYFOB_SECRET_MAX_SIZE == crate::SECRET_MAX_SIZE
        && KEYFOB_RECOVERY_CODES_MAX == crate::RECOVERY_CODES_MAX as usize
        && KEYFOB_RECOVERY_CODE_SIZE == crate::RECOVERY_CODE_SIZE + 1
);

/// The version of the linked library, as `"0.1.0"`. Compare with KEYFOB_VERSION, that of the
/// header. Static memory. Thread-safe.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn keyfob_version() -> *const core::ffi::c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// KEYFOB_RECORD_SIZE of the linked library. Thread-safe.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn keyfob_record_size() -> usize {
    KEYFOB_RECORD_SIZE
}

/// KEYFOB_SEALED_SIZE of the linked library. Thread-safe.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn keyfob_sealed_size() -> usize {
    KEYFOB_SEALED_SIZE
}

/// KEYFOB_SEAL_KEY_SIZE of the linked library. Thread-safe.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn keyfob_seal_key_size() -> usize {
    KEYFOB_SEAL_KEY_SIZE
}

/// KEYFOB_SEAL_NONCE_SIZE of the linked library. Thread-safe.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn keyfob_seal_nonce_size() -> usize {
    KEYFOB_SEAL_NONCE_SIZE
}

/// KEYFOB_SECRET_MIN_SIZE of the linked library. Thread-safe.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn keyfob_secret_min_size() -> usize {
    KEYFOB_SECRET_MIN_SIZE
}

/// KEYFOB_SHORT_SECRET_MIN_SIZE of the linked library. Thread-safe.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn keyfob_short_secret_min_size() -> usize {
    KEYFOB_SHORT_SECRET_MIN_SIZE
}

/// KEYFOB_SECRET_MAX_SIZE of the linked library. Thread-safe.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn keyfob_secret_max_size() -> usize {
    KEYFOB_SECRET_MAX_SIZE
}

/// KEYFOB_RECOVERY_CODES_MAX of the linked library. Thread-safe.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn keyfob_recovery_codes_max() -> usize {
    KEYFOB_RECOVERY_CODES_MAX
}

/// KEYFOB_RECOVERY_CODE_SIZE of the linked library. Thread-safe.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn keyfob_recovery_code_size() -> usize {
    KEYFOB_RECOVERY_CODE_SIZE
}

/// KEYFOB_CODE_SIZE of the linked library. Thread-safe.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn keyfob_code_size() -> usize {
    KEYFOB_CODE_SIZE
}

/// KEYFOB_BASE32_SIZE of the linked library. Thread-safe.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn keyfob_base32_size() -> usize {
    KEYFOB_BASE32_SIZE
}

/// KEYFOB_HEX_SIZE of the linked library. Thread-safe.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn keyfob_hex_size() -> usize {
    KEYFOB_HEX_SIZE
}

/// KEYFOB_URI_SIZE of the linked library. Thread-safe.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn keyfob_uri_size() -> usize {
    KEYFOB_URI_SIZE
}

/// KEYFOB_LABEL_SIZE of the linked library. Thread-safe.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn keyfob_label_size() -> usize {
    KEYFOB_LABEL_SIZE
}
