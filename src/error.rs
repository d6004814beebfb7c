//! Layer 1: the one error type of the crate.

use core::ffi::CStr;
use core::fmt;

/// Why a call was refused. The device it was made on is unchanged.
///
/// A wrong code is not an error: it is a [`Verdict`](crate::Verdict). The kinds are exhaustive,
/// carry no data (so no secret can slip into a log) and each message names the parameter and what
/// it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Error {
    /// A secret shorter than 16 bytes or longer than 64 (RFC 4226 section 4, R6); where short ones
    /// are allowed, shorter than 10.
    SecretLength,
    /// Text that is not the Base32 of RFC 4648 section 6.
    SecretBase32,
    /// Text that is not pairs of hexadecimal digits.
    SecretHex,
    /// An unknown hash algorithm.
    Algorithm,
    /// A number of digits outside 6 to 10.
    Digits,
    /// A period of 0 seconds.
    Period,
    /// An unknown status letter.
    Status,
    /// An unknown kind of device.
    Kind,
    /// The operation does not exist for this kind of device.
    WrongKind,
    /// A PIN shorter than the policy asks for, shorter than 4 or longer than 64 digits.
    PinLength,
    /// A PIN with something else than ASCII digits in it.
    PinDigits,
    /// No recovery codes, more than 64, fewer than before with the same secret, or (in C) an index
    /// behind the last.
    RecoveryCodeCount,
    /// A TOTP window above 1000 steps.
    Window,
    /// A HOTP look-ahead above 1000 counters.
    LookAhead,
    /// A resync window of 0 or above 10 000 counters.
    ResyncWindow,
    /// A bound on learned drift above 1000 steps.
    MaxDrift,
    /// A first window above 1000 steps, or wider than the window and the largest learned drift
    /// together.
    FirstWindow,
    /// A lock after 0 fails.
    MaxFails,
    /// A throttle whose first delay is 0 seconds.
    FirstDelay,
    /// A throttle whose longest delay is shorter than its first.
    MaxDelay,
    /// A throttle that locks on the fail of its first delay, or before.
    TotalFails,
    /// A code lifetime of 0 seconds.
    CodeLifetime,
    /// A time of reuse longer than the code lifetime.
    CodeReuse,
    /// A shortest PIN of fewer than 4 or more than 64 digits, as a policy's choice.
    PinMinLength,
    /// A clock skew above 3600 seconds.
    ClockSkew,
    /// A PIN challenge that asks for fewer than 2 positions, or for more than the shortest PIN has.
    PinPositions,
    /// A guess at a code would succeed before the lock more often than the policy's bound allows.
    GuessBound,
    /// A guess at a PIN's positions would succeed before the lock more often than the policy's PIN
    /// bound allows.
    PinGuessBound,
    /// The time is before T0, or before what the record has already seen.
    Clock,
    /// A validity that ends before it begins.
    Validity,
    /// A counter, time step or revision is at the end of its range.
    Exhausted,
    /// Bytes that are no record of this crate.
    RecordForeign,
    /// A record of a newer version of this crate.
    RecordNewer,
    /// A record that is cut off or too long.
    RecordLength,
    /// A record whose bytes were changed.
    RecordDamaged,
    /// The device is locked.
    Locked,
    /// The device is throttled: it takes no attempt for some time.
    Throttled,
    /// The device is disabled.
    Disabled,
    /// The time lies outside the device's validity.
    OutsideValidity,
    /// TOTP: the policy learns no drift, which a resync needs.
    NoDrift,
    /// TOTP: a step beyond the window was accepted while a clock was ahead, and until its time
    /// comes no code is right.
    ClockWasAhead,
    /// No challenge is pending, or it has expired.
    NoChallenge,
    /// The generator of randomness failed or gave only zeros.
    Randomness,
    /// The caller's buffer is too small.
    BufferTooSmall,
    /// A URI that does not start with `otpauth://totp/` or `otpauth://hotp/`.
    UriType,
    /// A T0 other than 0, which a URI cannot say.
    UriT0,
    /// An issuer or account that is not UTF-8, has a control character in it, or (in C) is too
    /// long; in a URI to write also one with a colon, and an empty account.
    UriLabel,
    /// A percent sign that two hexadecimal digits do not follow, a character that must be encoded,
    /// or `&amp;` in place of `&`.
    UriEncoding,
    /// A URI without a secret.
    UriNoSecret,
    /// A HOTP URI without a counter, or with one that is not a number of 64 bits.
    UriCounter,
    /// The same parameter twice.
    UriRepeated,
    /// Bytes that are no sealed record.
    SealForeign,
    /// A sealed record of a newer version of this crate.
    SealNewer,
    /// A sealed record that was changed, belongs to another device, or was sealed under another
    /// key.
    SealBroken,
    /// A sealed record under a key that was not given.
    SealKeyId,
    /// A period other than 30 seconds, a T0 other than 0, a counter of 2^63 or more, a validity or
    /// a short secret. A row of Soffid's can express none of them.
    SoffidParameters,
}

impl Error {
    /// The message, in English, without a full stop.
    pub const fn message(self) -> &'static str {
        match self.c_message().to_str() {
            Ok(message) => message,
            Err(_) => "",
        }
    }

    /// The message as C reads it, ending with a NUL.
    pub const fn c_message(self) -> &'static CStr {
        match self {
            Self::SecretLength => c"secret: must have 16 to 64 bytes, that is 26 to 103 characters of Base32 or 32 to 128 of hex",
            Self::SecretBase32 => c"secret: is not Base32 (letters A to Z and digits 2 to 7, in a number that makes whole bytes)",
            Self::SecretHex => c"secret: is not hexadecimal (pairs of 0 to 9 and a to f)",
            Self::Algorithm => c"algorithm: must be SHA1, SHA256 or SHA512",
            Self::Digits => c"digits: must be 6 to 10",
            Self::Period => c"period: must be 1 to 4294967295 seconds",
            Self::Status => c"status: must be C, V, L or D",
            Self::Kind => c"kind: must be TOTP, HOTP, SMS, EMAIL, PIN or RECOVERY",
            Self::WrongKind => c"this kind of device has no such operation",
            Self::PinLength => {
                c"PIN: must have at least as many digits as the policy asks for (8 by default), at least 4 and at most 64"
            }
            Self::PinDigits => c"PIN: must be ASCII digits 0 to 9 only",
            Self::RecoveryCodeCount => c"recovery codes: must be 1 to 64, no fewer than before with the same secret, and an index must be below their number",
            Self::Window => c"window: must be 0 to 1000 steps",
            Self::LookAhead => c"look-ahead: must be 0 to 1000 counters",
            Self::ResyncWindow => c"resync window: must be 1 to 10000 counters",
            Self::MaxDrift => c"largest learned drift: must be 0 to 1000 steps",
            Self::FirstWindow => c"first window: must be 0 to 1000 steps, and at most the window and the largest learned drift together",
            Self::MaxFails => c"lock: must fall after 1 fail or more",
            Self::FirstDelay => c"throttle: the first delay must be 1 second or more",
            Self::MaxDelay => c"throttle: the longest delay must not be shorter than the first",
            Self::TotalFails => c"throttle: the fail that locks must come after the one that begins the first delay",
            Self::CodeLifetime => c"code lifetime: must be 1 second or more",
            Self::CodeReuse => c"time of reuse: must not be longer than the code lifetime",
            Self::PinMinLength => c"shortest PIN: must be 4 to 64 digits",
            Self::ClockSkew => c"clock skew: must be 0 to 3600 seconds",
            Self::PinPositions => c"PIN positions: must be 2 to the number of digits of the shortest PIN allowed",
            Self::GuessBound => c"policy: guessing a code of six digits would succeed before the lock more often than its bound allows; narrow the windows, lock earlier, or raise the bound knowingly",
            Self::PinGuessBound => c"policy: guessing the positions asked of a PIN would succeed before the lock more often than its PIN bound allows; ask more positions, lock earlier, or raise the PIN bound knowingly",
            Self::Clock => {
                c"time: is before T0 or before what the device has already seen; set the clock, or unlock the device if the clock was ahead before"
            }
            Self::Validity => c"validity: must end at its start or later, and after 1970-01-01 00:00:00",
            Self::Exhausted => c"counter: is at the end of its range; enrol the device again",
            Self::RecordForeign => c"record: is not a keyfob record",
            Self::RecordNewer => c"record: was written by a newer version of keyfob; upgrade",
            Self::RecordLength => c"record: must have 168 bytes",
            Self::RecordDamaged => c"record: is damaged",
            Self::Locked => c"device: is locked; unlock it first",
            Self::Throttled => c"device: takes no attempt for some time after too many fails; try again later",
            Self::Disabled => c"device: is disabled",
            Self::OutsideValidity => c"device: is not yet valid, or not any more; see its validity",
            Self::NoDrift => c"resync: a TOTP device needs a policy that learns drift; set the largest learned drift above 0",
            Self::ClockWasAhead => {
                c"device: has accepted a code of a later time, while a clock was ahead, and takes none until then; wait, or have an administrator forget the steps used ahead of time"
            }
            Self::NoChallenge => c"device: has no pending challenge; request one",
            Self::Randomness => c"randomness: the generator failed",
            Self::BufferTooSmall => c"buffer: is too small",
            Self::UriType => c"URI: must start with otpauth://totp/ or otpauth://hotp/",
            Self::UriT0 => c"URI: T0 must be 0, since authenticators count from there",
            Self::UriLabel => c"URI: issuer and account must be UTF-8 without control characters and not too long (200 bytes each always fit); to be written, they must have no colon, and the account must not be empty",
            Self::UriEncoding => c"URI: has a wrong percent-encoding, a character that must be percent-encoded, or &amp; of a web page, which must be &",
            Self::UriNoSecret => c"URI: the parameter secret is missing",
            Self::UriCounter => c"URI: counter must be a number from 0 to 18446744073709551615, and a HOTP URI must have one",
            Self::UriRepeated => c"URI: a parameter occurs twice",
            Self::SealForeign => c"sealed record: is not one of keyfob's, or has the wrong length",
            Self::SealNewer => c"sealed record: was written by a newer version of keyfob; upgrade",
            Self::SealBroken => c"sealed record: was changed, belongs to another device id, or was sealed under another key",
            Self::SealKeyId => c"sealed record: its key id is not the given key's",
            Self::SoffidParameters => c"Soffid row: the period must be 30 seconds, T0 must be 0, the counter below 2^63, the validity without limits and the secret 16 bytes or more, since a row cannot express others",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl core::error::Error for Error {}

#[cfg(feature = "std")]
impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        Self::new(std::io::ErrorKind::InvalidInput, error)
    }
}
