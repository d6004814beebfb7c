//! Layer 1: the one error type of the crate.

use core::fmt;

/// Why a call was refused. The device it was made on is unchanged.
///
/// A wrong code is not an error: it is a [`Verdict`](crate::Verdict). The kinds are exhaustive, carry no data (so no secret can
/// slip into a log) and each message names the parameter and what it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Error {
    /// A secret shorter than 16 bytes or longer than 64 (RFC 4226 section 4, R6).
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
    /// A TOTP window above 1000 steps.
    Window,
    /// A HOTP look-ahead above 1000 counters.
    LookAhead,
    /// A resync window of 0 or above 10 000 counters.
    ResyncWindow,
    /// A bound on learned drift above 1000 steps.
    MaxDrift,
    /// A lock after 0 fails.
    LockFails,
    /// A throttle whose delays are 0 or whose longest is shorter than its first.
    LockDelay,
    /// A lifetime of 0 seconds, or shorter than the time in which a code is reused.
    Lifetime,
    /// A PIN challenge that asks for fewer than 2 positions, or for more than the shortest PIN has.
    Positions,
    /// A guess would succeed before the lock more often than the policy's bound allows.
    GuessBound,
    /// The time is before T0, or before what the record has already seen.
    Clock,
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
    /// No challenge is pending, or it has expired.
    NoChallenge,
    /// The generator of randomness failed or gave only zeros.
    Randomness,
    /// The caller's buffer is too small.
    BufferTooSmall,
    /// A URI that does not start with `otpauth://totp/` or `otpauth://hotp/`.
    UriType,
    /// A label or issuer that is empty, has a colon in it, or is not UTF-8.
    UriLabel,
    /// A percent sign that two hexadecimal digits do not follow, or a character that must be encoded.
    UriEncoding,
    /// A URI without a secret.
    UriNoSecret,
    /// A HOTP URI without a counter, or with one that is not a number of 64 bits.
    UriCounter,
    /// The same parameter twice.
    UriRepeated,
    /// Bytes that are no sealed record.
    SealForeign,
    /// A sealed record that was changed, belongs to another device, or was sealed under another key.
    SealBroken,
    /// A sealed record under a key that was not given.
    SealKey,
}

impl Error {
    /// The message, in English, without a full stop.
    pub const fn message(self) -> &'static str {
        match self {
            Self::SecretLength => "secret: must have 16 to 64 bytes, that is 26 to 103 characters of Base32 or 32 to 128 of hex",
            Self::SecretBase32 => "secret: is not Base32 (letters A to Z and digits 2 to 7)",
            Self::SecretHex => "secret: is not hexadecimal (pairs of 0 to 9 and a to f)",
            Self::Algorithm => "algorithm: must be SHA1, SHA256 or SHA512",
            Self::Digits => "digits: must be 6 to 10",
            Self::Period => "period: must be 1 to 4294967295 seconds",
            Self::Status => "status: must be C, V, L or D",
            Self::Kind => "kind: must be TOTP, HOTP, SMS, EMAIL or PIN",
            Self::WrongKind => "this kind of device has no such operation",
            Self::PinLength => {
                "PIN: must have at least as many digits as the policy asks for (8 by default), at least 4 and at most 64"
            }
            Self::PinDigits => "PIN: must be ASCII digits 0 to 9 only",
            Self::Window => "window: must be 0 to 1000 steps",
            Self::LookAhead => "look-ahead: must be 0 to 1000 counters",
            Self::ResyncWindow => "resync window: must be 1 to 10000 counters",
            Self::MaxDrift => "largest learned drift: must be 0 to 1000 steps",
            Self::LockFails => "lock: must fall after 1 fail or more",
            Self::LockDelay => "throttle: the first delay must be 1 second or more, and the longest not shorter than the first",
            Self::Lifetime => "code lifetime: must be 1 second or more, and not shorter than the time of reuse",
            Self::Positions => "PIN positions: must be 2 to the number of digits of the shortest PIN allowed",
            Self::GuessBound => {
                "policy: guessing would succeed before the lock more often than its bound allows; narrow the windows, lock earlier, or raise the bound knowingly"
            }
            Self::Clock => {
                "time: is before T0 or before what the device has already seen; set the clock, or unlock the device if the clock was wrong before"
            }
            Self::Exhausted => "counter: is at the end of its range; enrol the device again",
            Self::RecordForeign => "record: is not a keyfob record",
            Self::RecordNewer => "record: was written by a newer version of keyfob; upgrade",
            Self::RecordLength => "record: has the wrong length",
            Self::RecordDamaged => "record: is damaged",
            Self::Locked => "device: is locked; unlock it first",
            Self::Throttled => "device: takes no attempt for some time after too many fails; try again later",
            Self::Disabled => "device: is disabled",
            Self::NoChallenge => "device: has no pending challenge; request one",
            Self::Randomness => "randomness: the generator failed",
            Self::BufferTooSmall => "buffer: is too small",
            Self::UriType => "URI: must start with otpauth://totp/ or otpauth://hotp/",
            Self::UriLabel => "URI: account and issuer must be UTF-8 without a colon, and the account not empty",
            Self::UriEncoding => "URI: has a wrong percent-encoding, or a character that must be percent-encoded",
            Self::UriNoSecret => "URI: the parameter secret is missing",
            Self::UriCounter => "URI: counter must be a number from 0 to 18446744073709551615, and a HOTP URI must have one",
            Self::UriRepeated => "URI: a parameter stands there twice",
            Self::SealForeign => "sealed record: is not one of keyfob's, or has the wrong length",
            Self::SealBroken => "sealed record: was changed, belongs to another device id, or was sealed under another key",
            Self::SealKey => "sealed record: its key id is not the given key's",
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
