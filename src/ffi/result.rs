//! The results of all functions: numbers that never change their meaning and are never used again.

use core::ffi::c_char;

use crate::Error;

/// What a function returns, each function some of them. A number never changes its meaning; later
/// versions may add some. Out-parameters are written only with KEYFOB_RESULT_OK. A wrong code is no
/// failure: it is a verdict.
#[repr(i32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "the header's names")]
pub enum keyfob_result {
    /// Done.
    OK = 0,
    /// A pointer that must not be NULL is NULL.
    NULL_POINTER = 1,
    /// A struct's `size` is smaller than its first version or larger than 4096, or a tail unknown
    /// to this library is not zero.
    STRUCT_SIZE = 2,
    /// A length is larger than any memory, or a text has no NUL within 4096 bytes.
    LENGTH = 3,
    /// A buffer is too small.
    BUFFER_TOO_SMALL = 4,
    /// The store callback failed; nothing is known of the verdict.
    STORE_FAILED = 5,
    /// The store callback found another revision stored: read again and try again.
    STORE_CONFLICT = 6,
    /// A defect of this library; please report it.
    PANIC = 7,
    /// Secret: not 16 to 64 bytes; where short ones are allowed, not 10 to 64.
    SECRET_LENGTH = 20,
    /// Secret: not Base32.
    SECRET_BASE32 = 21,
    /// Secret: not hexadecimal.
    SECRET_HEX = 22,
    /// Algorithm: not one of keyfob_algorithm.
    ALGORITHM = 23,
    /// Digits: not 6 to 10.
    DIGITS = 24,
    /// Period: 0 seconds.
    PERIOD = 25,
    /// Status: not one of keyfob_status.
    STATUS = 26,
    /// Kind: not one of keyfob_kind.
    KIND = 27,
    /// The operation does not exist for this kind of device.
    WRONG_KIND = 28,
    /// PIN: too short for the policy, shorter than 4 or longer than 64 digits.
    PIN_LENGTH = 29,
    /// PIN: not ASCII digits only.
    PIN_DIGITS = 30,
    /// Recovery codes: not 1 to 64, or an index behind the last.
    RECOVERY_CODE_COUNT = 31,
    /// Policy: window above 1000 steps.
    WINDOW = 40,
    /// Policy: look-ahead above 1000 counters.
    LOOK_AHEAD = 41,
    /// Policy: resync window of 0 or above 10000 counters.
    RESYNC_WINDOW = 42,
    /// Policy: largest learned drift above 1000 steps.
    MAX_DRIFT = 43,
    /// Policy: lock after 0 fails.
    MAX_FAILS = 44,
    /// Policy: first delay of 0 seconds.
    FIRST_DELAY = 45,
    /// Policy: lifetime of 0 seconds.
    CODE_LIFETIME = 46,
    /// Policy: positions asked of a PIN, fewer than 2 or more than the shortest PIN has.
    PIN_POSITIONS = 47,
    /// Policy: a guess would succeed more often than its bound allows.
    GUESS_BOUND = 48,
    /// Policy: the same for the positions of a PIN.
    PIN_GUESS_BOUND = 49,
    /// Policy: longest delay shorter than the first.
    MAX_DELAY = 50,
    /// Policy: time of reuse longer than the lifetime.
    CODE_REUSE = 51,
    /// Policy: shortest PIN not 4 to 64 digits.
    PIN_MIN_LENGTH = 52,
    /// Policy: clock skew above 3600 seconds.
    CLOCK_SKEW = 53,
    /// Policy: lock not one of keyfob_lock.
    LOCK_KIND = 54,
    /// Policy: first window above 1000 steps, or above window and largest learned drift together.
    FIRST_WINDOW = 55,
    /// Policy: the fail that locks does not come after the one that begins the first delay.
    TOTAL_FAILS = 56,
    /// Time: before T0, or before what the device has seen.
    CLOCK = 60,
    /// A counter is at the end of its range.
    EXHAUSTED = 61,
    /// Record: not one of keyfob's.
    RECORD_FOREIGN = 62,
    /// Record: of a newer version.
    RECORD_NEWER = 63,
    /// Record: of a wrong length.
    RECORD_LENGTH = 64,
    /// Record: damaged.
    RECORD_DAMAGED = 65,
    /// Device: locked.
    LOCKED = 66,
    /// Device: throttled.
    THROTTLED = 67,
    /// Device: disabled.
    DISABLED = 68,
    /// Device: no challenge is pending.
    NO_CHALLENGE = 69,
    /// Randomness: the generator failed, or there is none.
    RANDOMNESS = 70,
    /// Device: a TOTP step beyond the window was accepted while a clock was ahead, and until its
    /// time comes no code is right.
    CLOCK_WAS_AHEAD = 71,
    /// Device: the time lies outside its validity.
    OUTSIDE_VALIDITY = 72,
    /// Validity: it ends before it begins.
    VALIDITY = 73,
    /// TOTP resync: the policy learns no drift.
    NO_DRIFT = 74,
    /// URI: not otpauth://totp/ or otpauth://hotp/.
    URI_TYPE = 80,
    /// URI: account or issuer too long, not UTF-8, or with a control character; in writing also
    /// with a colon, or an empty account.
    URI_LABEL = 81,
    /// URI: wrong percent-encoding.
    URI_ENCODING = 82,
    /// URI: no secret.
    URI_NO_SECRET = 83,
    /// URI: a HOTP URI without a right counter.
    URI_COUNTER = 84,
    /// URI: a parameter twice.
    URI_REPEATED = 85,
    /// URI: a T0 other than 0, which it cannot say.
    URI_T0 = 86,
    /// Sealed record: not one of keyfob's.
    SEAL_FOREIGN = 90,
    /// Sealed record: changed, of another device or under another key.
    SEAL_BROKEN = 91,
    /// Sealed record: under another key id.
    SEAL_KEY_ID = 92,
    /// Sealed record: of a newer version.
    SEAL_NEWER = 93,
    /// Soffid row: a period other than 30 seconds, a T0 other than 0, a counter of 2^63 or more, a
    /// validity or a short secret. A row can express none of them.
    SOFFID_PARAMETERS = 100,
}

macro_rules! errors {
    ($($error:ident => $result:ident,)+) => {
        impl From<Error> for keyfob_result {
            fn from(error: Error) -> Self {
                match error {
                    $(Error::$error => Self::$result,)+
                }
            }
        }

        fn error(result: i32) -> Option<Error> {
            match result {
                $(result if result == keyfob_result::$result as i32 => Some(Error::$error),)+
                _ => None,
            }
        }
    };
}

errors! {
    SecretLength => SECRET_LENGTH,
    SecretBase32 => SECRET_BASE32,
    SecretHex => SECRET_HEX,
    Algorithm => ALGORITHM,
    Digits => DIGITS,
    Period => PERIOD,
    Status => STATUS,
    Kind => KIND,
    WrongKind => WRONG_KIND,
    PinLength => PIN_LENGTH,
    PinDigits => PIN_DIGITS,
    RecoveryCodeCount => RECOVERY_CODE_COUNT,
    Window => WINDOW,
    LookAhead => LOOK_AHEAD,
    ResyncWindow => RESYNC_WINDOW,
    MaxDrift => MAX_DRIFT,
    MaxFails => MAX_FAILS,
    FirstWindow => FIRST_WINDOW,
    FirstDelay => FIRST_DELAY,
    CodeLifetime => CODE_LIFETIME,
    PinPositions => PIN_POSITIONS,
    GuessBound => GUESS_BOUND,
    PinGuessBound => PIN_GUESS_BOUND,
    MaxDelay => MAX_DELAY,
    TotalFails => TOTAL_FAILS,
    CodeReuse => CODE_REUSE,
    PinMinLength => PIN_MIN_LENGTH,
    ClockSkew => CLOCK_SKEW,
    UriT0 => URI_T0,
    SealNewer => SEAL_NEWER,
    Clock => CLOCK,
    Exhausted => EXHAUSTED,
    RecordForeign => RECORD_FOREIGN,
    RecordNewer => RECORD_NEWER,
    RecordLength => RECORD_LENGTH,
    RecordDamaged => RECORD_DAMAGED,
    Locked => LOCKED,
    Throttled => THROTTLED,
    Disabled => DISABLED,
    OutsideValidity => OUTSIDE_VALIDITY,
    Validity => VALIDITY,
    NoDrift => NO_DRIFT,
    ClockWasAhead => CLOCK_WAS_AHEAD,
    NoChallenge => NO_CHALLENGE,
    Randomness => RANDOMNESS,
    BufferTooSmall => BUFFER_TOO_SMALL,
    UriType => URI_TYPE,
    UriLabel => URI_LABEL,
    UriEncoding => URI_ENCODING,
    UriNoSecret => URI_NO_SECRET,
    UriCounter => URI_COUNTER,
    UriRepeated => URI_REPEATED,
    SealForeign => SEAL_FOREIGN,
    SealBroken => SEAL_BROKEN,
    SealKeyId => SEAL_KEY_ID,
    SoffidParameters => SOFFID_PARAMETERS,
}

/// A message in English that names the parameter and its allowed values, for any number. Static
/// memory, never NULL. Thread-safe.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn keyfob_result_message(result: i32) -> *const c_char {
    let message = match result {
        0 => c"done",
        1 => c"a pointer that must not be NULL is NULL",
        2 => c"struct: its size is not that of a version known to this library; set it with sizeof",
        3 => c"a length is larger than any memory, or a text has no NUL within 4096 bytes",
        5 => c"store: the callback failed; no verdict is given",
        6 => c"store: another revision is stored; read the record again and try again",
        7 => c"a defect of keyfob; please report it",
        54 => c"lock: must be hard (0), a throttle (1), or a throttle that ends in a lock (2)",
        other => error(other).map_or(c"unknown result", Error::c_message),
    };
    message.as_ptr()
}
