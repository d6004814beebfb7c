/**
 * keyfob: one-time passwords. TOTP, HOTP, SMS, e-mail, PIN and recovery code devices as small
 * records, verified in constant time.
 *
 * I have                                    I use
 * ----------------------------------------  ----------------------------------------------------
 * an authenticator app or token to enrol    keyfob_secret_random, keyfob_device_create_totp or
 *                                           _hotp, keyfob_uri_write
 * a telephone or mailbox to send codes to   keyfob_device_create_sms or _email,
 *                                           keyfob_device_challenge
 * a PIN, of which I ask a few digits        keyfob_device_create_pin, keyfob_device_challenge
 * a user who may lose the telephone         keyfob_device_create_recovery,
 *                                           keyfob_device_recovery_code
 * a code that somebody typed                keyfob_device_verify
 * threads or processes that share a device  keyfob_device_verify_and_store
 * a HOTP token that has run ahead           keyfob_device_resync
 * a token without a label                   keyfob_device_find
 * a stored record                           keyfob_record_read, keyfob_record_open
 * a locked, disabled or lost device         keyfob_device_unlock, _set_status, _replace_factor
 * windows, locks and lifetimes of my own    keyfob_policy_default, keyfob_policy_check
 * a secret, and no device                   keyfob_totp_generate, keyfob_totp_search
 * devices in Soffid's table                 keyfob_soffid_import, keyfob_soffid_update
 *
 * - A device is a keyfob_record: plain bytes that the caller owns, copies and stores. There is no
 *   handle and no heap, so there is nothing to free. A record, a secret, a code and a URI are
 *   secrets: wipe them after use, and never log them.
 * - A function returns a keyfob_result, except for sizes, the version and messages. It writes its
 *   out-parameters only on KEYFOB_RESULT_OK, and then all of them. On any other result they keep
 *   their old bytes. A wrong code is no failure: it is a verdict.
 * - `Results:` lists the other results of a function, without the prefix KEYFOB_RESULT_. The
 *   record's are RECORD_FOREIGN, RECORD_NEWER, RECORD_DAMAGED. The parameters' are STRUCT_SIZE,
 *   ALGORITHM, DIGITS. The policy's are STRUCT_SIZE, WINDOW, LOOK_AHEAD, RESYNC_WINDOW, MAX_DRIFT,
 *   FIRST_WINDOW, LOCK_KIND, MAX_FAILS, FIRST_DELAY, MAX_DELAY, TOTAL_FAILS, CODE_LIFETIME,
 *   CODE_REUSE, PIN_POSITIONS, PIN_MIN_LENGTH, CLOCK_SKEW, GUESS_BOUND, PIN_GUESS_BOUND. In hosted
 *   builds any function may return PANIC, which would be a defect of the library. Later versions
 *   may add results.
 * - No pointer may be NULL unless the function says so. A pointer with length 0 may be NULL.
 *   Structs that begin with `size` want `size = sizeof(the struct)` before any call.
 * - All times are Unix seconds, UTC, by the caller's clock. The library reads no clock and keeps no
 *   state.
 * - All functions are thread-safe on different records. A function that changes a record in place
 *   needs that record to itself. To store a changed record, compare and swap on the revision that
 *   keyfob_device_info gave before the change. This holds for attempts and for an administrator's
 *   changes alike: if another attempt were overwritten, its code would be right again.
 * - No function throws, unwinds or aborts. Nor may a callback: it returns, without an exception and
 *   without longjmp.
 */

#ifndef KEYFOB_H
#define KEYFOB_H

/* Made by cbindgen from src/ffi: change that, then run `make header`. */

#include <stddef.h>
#include <stdint.h>
#if defined(__GNUC__) || defined(__clang__)
#define KEYFOB_MUST_USE __attribute__((warn_unused_result))
#else
#define KEYFOB_MUST_USE
#endif

/** The version of this header; keyfob_version() is that of the linked library. */
#define KEYFOB_VERSION "0.1.0"
#define KEYFOB_VERSION_MAJOR 0
#define KEYFOB_VERSION_MINOR 1
#define KEYFOB_VERSION_PATCH 0

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus


/**
 * The size of a record in bytes.
 */
#define KEYFOB_RECORD_SIZE 168

/**
 * The size of a sealed record in bytes.
 */
#define KEYFOB_SEALED_SIZE 216

/**
 * The size of a sealing key in bytes.
 */
#define KEYFOB_SEAL_KEY_SIZE 32

/**
 * The size of a nonce in bytes.
 */
#define KEYFOB_SEAL_NONCE_SIZE 24

/**
 * The fewest bytes of a secret.
 */
#define KEYFOB_SECRET_MIN_SIZE 16

/**
 * The fewest bytes of a short secret, where those are allowed.
 */
#define KEYFOB_SHORT_SECRET_MIN_SIZE 10

/**
 * The most bytes of a secret, and digits of a PIN.
 */
#define KEYFOB_SECRET_MAX_SIZE 64

/**
 * The most recovery codes of a device.
 */
#define KEYFOB_RECOVERY_CODES_MAX 64

/**
 * Room for any recovery code and its terminating NUL, in bytes.
 */
#define KEYFOB_RECOVERY_CODE_SIZE 17

/**
 * Room for any code and its terminating NUL, in bytes.
 */
#define KEYFOB_CODE_SIZE 12

/**
 * Room for any secret in Base32 and its terminating NUL, in bytes.
 */
#define KEYFOB_BASE32_SIZE 104

/**
 * Room for any secret in hexadecimal and its terminating NUL, in bytes.
 */
#define KEYFOB_HEX_SIZE 129

/**
 * Room for any URI that keyfob_uri_write writes and its terminating NUL, in bytes.
 */
#define KEYFOB_URI_SIZE 2048

/**
 * Room for any issuer or account that keyfob_uri_parse writes and its terminating NUL, in bytes.
 */
#define KEYFOB_LABEL_SIZE 1024

/**
 * What a function returns, each function some of them. A number never changes its meaning; later
 * versions may add some. Out-parameters are written only with KEYFOB_RESULT_OK. A wrong code is no
 * failure: it is a verdict.
 */
enum keyfob_result
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : int32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * Done.
   */
  KEYFOB_RESULT_OK = 0,
  /**
   * A pointer that must not be NULL is NULL.
   */
  KEYFOB_RESULT_NULL_POINTER = 1,
  /**
   * A struct's `size` is smaller than its first version or larger than 4096, or a tail unknown
   * to this library is not zero.
   */
  KEYFOB_RESULT_STRUCT_SIZE = 2,
  /**
   * A length is larger than any memory, or a text has no NUL within 4096 bytes.
   */
  KEYFOB_RESULT_LENGTH = 3,
  /**
   * A buffer is too small.
   */
  KEYFOB_RESULT_BUFFER_TOO_SMALL = 4,
  /**
   * The store callback failed; nothing is known of the verdict.
   */
  KEYFOB_RESULT_STORE_FAILED = 5,
  /**
   * The store callback found another revision stored: read again and try again.
   */
  KEYFOB_RESULT_STORE_CONFLICT = 6,
  /**
   * A defect of this library; please report it.
   */
  KEYFOB_RESULT_PANIC = 7,
  /**
   * Secret: not 16 to 64 bytes; where short ones are allowed, not 10 to 64.
   */
  KEYFOB_RESULT_SECRET_LENGTH = 20,
  /**
   * Secret: not Base32.
   */
  KEYFOB_RESULT_SECRET_BASE32 = 21,
  /**
   * Secret: not hexadecimal.
   */
  KEYFOB_RESULT_SECRET_HEX = 22,
  /**
   * Algorithm: not one of keyfob_algorithm.
   */
  KEYFOB_RESULT_ALGORITHM = 23,
  /**
   * Digits: not 6 to 10.
   */
  KEYFOB_RESULT_DIGITS = 24,
  /**
   * Period: 0 seconds.
   */
  KEYFOB_RESULT_PERIOD = 25,
  /**
   * Status: not one of keyfob_status.
   */
  KEYFOB_RESULT_STATUS = 26,
  /**
   * Kind: not one of keyfob_kind.
   */
  KEYFOB_RESULT_KIND = 27,
  /**
   * The operation does not exist for this kind of device.
   */
  KEYFOB_RESULT_WRONG_KIND = 28,
  /**
   * PIN: too short for the policy, shorter than 4 or longer than 64 digits.
   */
  KEYFOB_RESULT_PIN_LENGTH = 29,
  /**
   * PIN: not ASCII digits only.
   */
  KEYFOB_RESULT_PIN_DIGITS = 30,
  /**
   * Recovery codes: not 1 to 64, or an index behind the last.
   */
  KEYFOB_RESULT_RECOVERY_CODE_COUNT = 31,
  /**
   * Policy: window above 1000 steps.
   */
  KEYFOB_RESULT_WINDOW = 40,
  /**
   * Policy: look-ahead above 1000 counters.
   */
  KEYFOB_RESULT_LOOK_AHEAD = 41,
  /**
   * Policy: resync window of 0 or above 10000 counters.
   */
  KEYFOB_RESULT_RESYNC_WINDOW = 42,
  /**
   * Policy: largest learned drift above 1000 steps.
   */
  KEYFOB_RESULT_MAX_DRIFT = 43,
  /**
   * Policy: lock after 0 fails.
   */
  KEYFOB_RESULT_MAX_FAILS = 44,
  /**
   * Policy: first delay of 0 seconds.
   */
  KEYFOB_RESULT_FIRST_DELAY = 45,
  /**
   * Policy: lifetime of 0 seconds.
   */
  KEYFOB_RESULT_CODE_LIFETIME = 46,
  /**
   * Policy: positions asked of a PIN, fewer than 2 or more than the shortest PIN has.
   */
  KEYFOB_RESULT_PIN_POSITIONS = 47,
  /**
   * Policy: a guess would succeed more often than its bound allows.
   */
  KEYFOB_RESULT_GUESS_BOUND = 48,
  /**
   * Policy: the same for the positions of a PIN.
   */
  KEYFOB_RESULT_PIN_GUESS_BOUND = 49,
  /**
   * Policy: longest delay shorter than the first.
   */
  KEYFOB_RESULT_MAX_DELAY = 50,
  /**
   * Policy: time of reuse longer than the lifetime.
   */
  KEYFOB_RESULT_CODE_REUSE = 51,
  /**
   * Policy: shortest PIN not 4 to 64 digits.
   */
  KEYFOB_RESULT_PIN_MIN_LENGTH = 52,
  /**
   * Policy: clock skew above 3600 seconds.
   */
  KEYFOB_RESULT_CLOCK_SKEW = 53,
  /**
   * Policy: lock not one of keyfob_lock.
   */
  KEYFOB_RESULT_LOCK_KIND = 54,
  /**
   * Policy: first window above 1000 steps, or above window and largest learned drift together.
   */
  KEYFOB_RESULT_FIRST_WINDOW = 55,
  /**
   * Policy: the fail that locks does not come after the one that begins the first delay.
   */
  KEYFOB_RESULT_TOTAL_FAILS = 56,
  /**
   * Time: before T0, or before what the device has seen.
   */
  KEYFOB_RESULT_CLOCK = 60,
  /**
   * A counter is at the end of its range.
   */
  KEYFOB_RESULT_EXHAUSTED = 61,
  /**
   * Record: not one of keyfob's.
   */
  KEYFOB_RESULT_RECORD_FOREIGN = 62,
  /**
   * Record: of a newer version.
   */
  KEYFOB_RESULT_RECORD_NEWER = 63,
  /**
   * Record: of a wrong length.
   */
  KEYFOB_RESULT_RECORD_LENGTH = 64,
  /**
   * Record: damaged.
   */
  KEYFOB_RESULT_RECORD_DAMAGED = 65,
  /**
   * Device: locked.
   */
  KEYFOB_RESULT_LOCKED = 66,
  /**
   * Device: throttled.
   */
  KEYFOB_RESULT_THROTTLED = 67,
  /**
   * Device: disabled.
   */
  KEYFOB_RESULT_DISABLED = 68,
  /**
   * Device: no challenge is pending.
   */
  KEYFOB_RESULT_NO_CHALLENGE = 69,
  /**
   * Randomness: the generator failed, or there is none.
   */
  KEYFOB_RESULT_RANDOMNESS = 70,
  /**
   * Device: a TOTP step beyond the window was accepted while a clock was ahead, and until its
   * time comes no code is right.
   */
  KEYFOB_RESULT_CLOCK_WAS_AHEAD = 71,
  /**
   * Device: the time lies outside its validity.
   */
  KEYFOB_RESULT_OUTSIDE_VALIDITY = 72,
  /**
   * Validity: it ends before it begins.
   */
  KEYFOB_RESULT_VALIDITY = 73,
  /**
   * TOTP resync: the policy learns no drift.
   */
  KEYFOB_RESULT_NO_DRIFT = 74,
  /**
   * URI: not otpauth://totp/ or otpauth://hotp/.
   */
  KEYFOB_RESULT_URI_TYPE = 80,
  /**
   * URI: account or issuer too long, not UTF-8, or with a control character; in writing also
   * with a colon, or an empty account.
   */
  KEYFOB_RESULT_URI_LABEL = 81,
  /**
   * URI: wrong percent-encoding.
   */
  KEYFOB_RESULT_URI_ENCODING = 82,
  /**
   * URI: no secret.
   */
  KEYFOB_RESULT_URI_NO_SECRET = 83,
  /**
   * URI: a HOTP URI without a right counter.
   */
  KEYFOB_RESULT_URI_COUNTER = 84,
  /**
   * URI: a parameter twice.
   */
  KEYFOB_RESULT_URI_REPEATED = 85,
  /**
   * URI: a T0 other than 0, which it cannot say.
   */
  KEYFOB_RESULT_URI_T0 = 86,
  /**
   * Sealed record: not one of keyfob's.
   */
  KEYFOB_RESULT_SEAL_FOREIGN = 90,
  /**
   * Sealed record: changed, of another device or under another key.
   */
  KEYFOB_RESULT_SEAL_BROKEN = 91,
  /**
   * Sealed record: under another key id.
   */
  KEYFOB_RESULT_SEAL_KEY_ID = 92,
  /**
   * Sealed record: of a newer version.
   */
  KEYFOB_RESULT_SEAL_NEWER = 93,
  /**
   * Soffid row: a period other than 30 seconds, a T0 other than 0, a counter of 2^63 or more, a
   * validity or a short secret. A row can express none of them.
   */
  KEYFOB_RESULT_SOFFID_PARAMETERS = 100,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum keyfob_result keyfob_result;
#else
typedef int32_t keyfob_result;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The hash under the HMAC.
 */
enum keyfob_algorithm
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * HMAC-SHA-1, what every authenticator knows.
   */
  KEYFOB_ALGORITHM_SHA1 = 1,
  /**
   * HMAC-SHA-256.
   */
  KEYFOB_ALGORITHM_SHA256 = 2,
  /**
   * HMAC-SHA-512.
   */
  KEYFOB_ALGORITHM_SHA512 = 3,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum keyfob_algorithm keyfob_algorithm;
#else
typedef uint32_t keyfob_algorithm;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What a device is.
 */
enum keyfob_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * A time-based authenticator (RFC 6238).
   */
  KEYFOB_KIND_TOTP = 1,
  /**
   * A counter-based authenticator (RFC 4226).
   */
  KEYFOB_KIND_HOTP = 2,
  /**
   * Codes sent to a telephone.
   */
  KEYFOB_KIND_SMS = 3,
  /**
   * Codes sent by e-mail.
   */
  KEYFOB_KIND_EMAIL = 4,
  /**
   * A security PIN.
   */
  KEYFOB_KIND_PIN = 5,
  /**
   * Recovery codes (look-up secrets, NIST SP 800-63B-4 section 3.1.2).
   */
  KEYFOB_KIND_RECOVERY = 6,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum keyfob_kind keyfob_kind;
#else
typedef uint32_t keyfob_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * The state of a device, as an ASCII letter.
 */
enum keyfob_status
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * C: no right answer yet.
   */
  KEYFOB_STATUS_CREATED = 67,
  /**
   * V: validated by a right answer.
   */
  KEYFOB_STATUS_VALIDATED = 86,
  /**
   * L: locked after too many fails.
   */
  KEYFOB_STATUS_LOCKED = 76,
  /**
   * D: disabled.
   */
  KEYFOB_STATUS_DISABLED = 68,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum keyfob_status keyfob_status;
#else
typedef uint32_t keyfob_status;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What happens at too many fails.
 */
enum keyfob_lock
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * The device is locked until it is unlocked.
   */
  KEYFOB_LOCK_HARD = 0,
  /**
   * The device takes no attempt for a time that doubles with each further fail.
   */
  KEYFOB_LOCK_THROTTLE = 1,
  /**
   * As THROTTLE, until a total of fails locks the device.
   */
  KEYFOB_LOCK_THROTTLE_THEN_LOCK = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum keyfob_lock keyfob_lock;
#else
typedef uint32_t keyfob_lock;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * Why an answer was accepted or refused. For the host's audit, not for the user.
 */
enum keyfob_reason
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * The right answer.
   */
  KEYFOB_REASON_RIGHT = 0,
  /**
   * A wrong answer.
   */
  KEYFOB_REASON_WRONG = 1,
  /**
   * A code that was accepted before, or is older than one that was. A fail, unless it is the
   * very code accepted last, or a recovery code.
   */
  KEYFOB_REASON_REPLAYED = 2,
  /**
   * The challenge had expired. A fail.
   */
  KEYFOB_REASON_EXPIRED = 3,
  /**
   * No challenge was pending. A fail.
   */
  KEYFOB_REASON_NO_CHALLENGE = 4,
  /**
   * A throttle was on. Nothing was counted.
   */
  KEYFOB_REASON_THROTTLED = 5,
  /**
   * The device was locked before. Nothing was counted.
   */
  KEYFOB_REASON_LOCKED = 6,
  /**
   * The device is disabled. Nothing was counted.
   */
  KEYFOB_REASON_DISABLED = 7,
  /**
   * TOTP: the highest accepted step lies ahead of the present time and has used up this code: a
   * clock was ahead when it was accepted. Nothing was counted. Lasts until that time comes, or
   * until keyfob_device_forget_steps.
   */
  KEYFOB_REASON_CLOCK_WAS_AHEAD = 8,
  /**
   * The time is outside the validity of the device. Nothing was counted.
   */
  KEYFOB_REASON_OUTSIDE_VALIDITY = 9,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum keyfob_reason keyfob_reason;
#else
typedef uint32_t keyfob_reason;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * What a challenge wants done.
 */
enum keyfob_challenge_kind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint32_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  /**
   * TOTP, HOTP, recovery codes: nothing; the user has the code.
   */
  KEYFOB_CHALLENGE_KIND_AUTHENTICATOR = 0,
  /**
   * SMS, e-mail: deliver `code`.
   */
  KEYFOB_CHALLENGE_KIND_MESSAGE = 1,
  /**
   * PIN: ask for the digits at `positions`.
   */
  KEYFOB_CHALLENGE_KIND_POSITIONS = 2,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum keyfob_challenge_kind keyfob_challenge_kind;
#else
typedef uint32_t keyfob_challenge_kind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

/**
 * A device: plain bytes that the caller owns and may copy, compare and store. They hold the secret
 * in the clear.
 */
typedef struct keyfob_record {
  /**
   * The bytes. docs/record-format.md has their table.
   */
  uint8_t bytes[KEYFOB_RECORD_SIZE];
} keyfob_record;

/**
 * The server's choices. Fill one with keyfob_policy_default or keyfob_policy_soffid, change its
 * fields, and check it once with keyfob_policy_check. As an argument of a function, NULL is the
 * default.
 */
typedef struct keyfob_policy {
  /**
   * sizeof(keyfob_policy).
   */
  uint32_t size;
  /**
   * TOTP: steps before and after the present one that are right, 0 to 1000; 1 by default.
   */
  uint32_t window;
  /**
   * HOTP: counters after the expected one that are right, 0 to 1000; 10 by default.
   */
  uint32_t look_ahead;
  /**
   * HOTP: counters that a resync searches, 1 to 10000; 100 by default. TOTP: the steps that it
   * searches each side of the present one, but no more than max_drift.
   */
  uint32_t resync_window;
  /**
   * TOTP: the largest drift that is learned, in steps, 0 to 1000; 0 by default, which learns
   * none.
   */
  uint32_t max_drift;
  /**
   * A keyfob_lock; hard by default.
   */
  uint32_t lock;
  /**
   * The fail on which the lock or the first delay falls, 1 or more; 10 by default.
   */
  uint32_t max_fails;
  /**
   * Throttle: the first delay, in seconds, 1 or more.
   */
  uint32_t first_delay;
  /**
   * Throttle: the longest delay, in seconds.
   */
  uint32_t max_delay;
  /**
   * SMS, e-mail: how long a code lives, in seconds, 1 or more; 600 by default.
   */
  uint32_t code_lifetime;
  /**
   * SMS, e-mail: for how many seconds a code asked again is the same one, at most the lifetime;
   * 60 by default.
   */
  uint32_t code_reuse;
  /**
   * PIN: positions asked by a challenge, 2 to pin_min_length, or 0 for all; 3 by default.
   */
  uint32_t pin_positions;
  /**
   * PIN: the fewest digits of a new one, 4 to 64; 8 by default.
   */
  uint32_t pin_min_length;
  /**
   * Seconds by which the clocks of hosts that share a device may differ; 30 by default. 0 is for
   * a host with one thread only.
   */
  uint32_t clock_skew;
  /**
   * The largest chance of guessing a code of six digits before the lock, in parts per billion;
   * 1000000 (1 in 1000) by default.
   */
  uint32_t guess_bound;
  /**
   * The same for the positions of a PIN; 10000000 (1 in 100) by default.
   */
  uint32_t pin_guess_bound;
  /**
   * TOTP: steps each side of the present one that are right until the first right answer, 0 to
   * 1000, at most `window` and `max_drift` together; 0, the default, for `window`.
   */
  uint32_t first_window;
  /**
   * Throttle that ends in a lock: the fail on which the lock falls, more than max_fails. The
   * other locks ignore it.
   */
  uint32_t total_fails;
} keyfob_policy;

/**
 * Fills `length` bytes at `bytes` with randomness fit for secrets and returns 0; anything else is
 * a failure. `context` is what the caller passed along. Must return, without an exception and
 * without longjmp, and must not call keyfob with the same record.
 */
typedef int32_t (*keyfob_random_fn)(void *context,
                                    uint8_t *bytes,
                                    size_t length);

/**
 * A challenge. The caller wipes it.
 */
typedef struct keyfob_challenge {
  /**
   * sizeof(keyfob_challenge), set by the caller.
   */
  uint32_t size;
  /**
   * A keyfob_challenge_kind.
   */
  uint32_t kind;
  /**
   * Message: 1 if the code is a new one, 0 if it was issued before.
   */
  uint32_t fresh;
  /**
   * Message: the code and a NUL; else zeros.
   */
  char code[KEYFOB_CODE_SIZE];
  /**
   * Message: when the code was issued, in Unix seconds.
   */
  uint64_t issued_at;
  /**
   * Message: from when on it is refused, in Unix seconds.
   */
  uint64_t expires_at;
  /**
   * Positions: bit n - 1 stands for position n.
   */
  uint64_t positions;
} keyfob_challenge;

/**
 * Stores `next` if the stored record still has the revision `read` (see keyfob_info). Returns 0
 * when it is stored, 1 if the stored record has another revision (a conflict), anything else if
 * storing failed. Not called if nothing changed, as on a locked device. `context` is the caller's.
 * `next` is valid during the call only. Must return, without an exception and without longjmp.
 */
typedef int32_t (*keyfob_store_fn)(void *context,
                                   const struct keyfob_record *next,
                                   uint64_t read);

/**
 * The outcome of an attempt. Show the user only `right` and `locked`. The rest is for the host's
 * audit.
 */
typedef struct keyfob_verdict {
  /**
   * sizeof(keyfob_verdict), set by the caller.
   */
  uint32_t size;
  /**
   * 1 if the answer was right, on an open device, for the first time; else 0.
   */
  uint32_t right;
  /**
   * 1 if the device is locked or throttled after this attempt, already on the fail that locks
   * it; else 0.
   */
  uint32_t locked;
  /**
   * A keyfob_reason.
   */
  uint32_t reason;
  /**
   * Fails after this attempt.
   */
  uint32_t fails;
  /**
   * Recovery codes: how many are left after this attempt; else 0.
   */
  uint32_t recovery_codes_left;
  /**
   * If right: the matched step (TOTP), counter (HOTP), issue (SMS, e-mail) or index of a
   * recovery code; else 0.
   */
  uint64_t matched;
  /**
   * If right: by how many steps the authenticator's clock is ahead (TOTP), or how many counters
   * were skipped before the code (HOTP; before the first of the two in a resync); else 0.
   */
  int64_t drift;
  /**
   * If throttled: from when on the device takes attempts again, in Unix seconds; else 0.
   */
  uint64_t retry_at;
} keyfob_verdict;

/**
 * The parameters of an authenticator, apart from the secret. As an argument of a function, NULL is
 * SHA-1, 6 digits, 30 seconds and T0 = 0.
 */
typedef struct keyfob_parameters {
  /**
   * sizeof(keyfob_parameters).
   */
  uint32_t size;
  /**
   * A keyfob_algorithm.
   */
  uint32_t algorithm;
  /**
   * Digits of a code, 6 to 10.
   */
  uint32_t digits;
  /**
   * TOTP: the length of a step in seconds, 1 or more. Ignored otherwise.
   */
  uint32_t period;
  /**
   * TOTP: the time from which steps are counted, in Unix seconds. Ignored otherwise.
   */
  uint64_t t0;
  /**
   * 1 to take a secret of 10 to 15 bytes as well, for tokens that were made with one; else 0.
   */
  uint32_t allow_short_secret;
  /**
   * Zero.
   */
  uint32_t reserved;
} keyfob_parameters;

/**
 * All of a device but its secret. Times are Unix seconds.
 */
typedef struct keyfob_info {
  /**
   * sizeof(keyfob_info), set by the caller.
   */
  uint32_t size;
  /**
   * A keyfob_kind.
   */
  uint32_t kind;
  /**
   * A keyfob_status.
   */
  uint32_t status;
  /**
   * A keyfob_algorithm; 0 for a PIN and for recovery codes.
   */
  uint32_t algorithm;
  /**
   * Digits of a code; 0 for a PIN and for recovery codes.
   */
  uint32_t digits;
  /**
   * TOTP: the length of a step in seconds; else 0.
   */
  uint32_t period;
  /**
   * Fails since the last right answer or unlocking.
   */
  uint32_t fails;
  /**
   * TOTP: the learned drift in steps.
   */
  int32_t drift;
  /**
   * 1 if there was a right answer, at `last_used`; else 0.
   */
  uint32_t was_used;
  /**
   * 1 if a challenge is pending, since `pending_since`; else 0.
   */
  uint32_t is_pending;
  /**
   * TOTP: the time from which steps are counted; else 0.
   */
  uint64_t t0;
  /**
   * TOTP: the lowest step still to be accepted. HOTP: the expected counter. SMS, e-mail: the
   * number of the issue. PIN, recovery codes: 0.
   */
  uint64_t moving_factor;
  /**
   * When it was enrolled.
   */
  uint64_t created;
  /**
   * When it last gave a right answer; 0 if never.
   */
  uint64_t last_used;
  /**
   * Since when a challenge is pending; 0 if none is.
   */
  uint64_t pending_since;
  /**
   * PIN: the positions asked by the pending challenge, bit n - 1 for position n; else 0.
   */
  uint64_t positions;
  /**
   * Until when a throttle refuses everything; 0 if there is none.
   */
  uint64_t throttled_until;
  /**
   * How often the device changed: what a store compares and swaps on.
   */
  uint64_t revision;
  /**
   * 1 if the device was locked when it was disabled, so that it can be enabled only after an
   * unlocking; else 0.
   */
  uint32_t was_locked;
  /**
   * 1 if the secret has fewer than 16 bytes; else 0.
   */
  uint32_t has_short_secret;
  /**
   * TOTP, HOTP: the first second of the device's validity; 0 for no limit.
   */
  uint64_t not_before;
  /**
   * TOTP, HOTP: the last second of the device's validity; 0 for no limit.
   */
  uint64_t not_after;
  /**
   * How many recovery codes there are, the used ones among them; else 0.
   */
  uint32_t recovery_code_count;
  /**
   * How many recovery codes are left; else 0.
   */
  uint32_t recovery_codes_left;
} keyfob_info;

/**
 * The columns of a row of Soffid's table SCO_DEVICE that concern the engine. Texts end with a NUL.
 * An empty text is NULL. Times are Unix seconds. The caller wipes it.
 */
typedef struct keyfob_soffid_row {
  /**
   * sizeof(keyfob_soffid_row).
   */
  uint32_t size;
  /**
   * OTP_FAILS. In a row with status C or V that is read, they count as less than max_fails,
   * since Soffid opens devices without resetting them. A number that is negative as a signed one
   * counts as 0.
   */
  uint32_t fails;
  /**
   * OTP_STATUS: a keyfob_status.
   */
  uint32_t status;
  /**
   * OTP_DIGITS; 0 for NULL, which means 6.
   */
  uint32_t digits;
  /**
   * 1 if OTP_LASCOU is not NULL. In a row that is read, any number but 0 counts as 1.
   */
  uint32_t has_last_counter;
  /**
   * 1 if OTP_LASUSE is not NULL. In a row that is read, any number but 0 counts as 1.
   */
  uint32_t has_last_used;
  /**
   * 1 if OTP_LASISS is not NULL. An import ignores it: a code of the add-on is not taken over.
   */
  uint32_t has_last_issued;
  /**
   * No column: the fail on which the policy locks. With a hard lock it is max_fails of
   * keyfob_policy, with a throttle that ends in a lock total_fails, and UINT32_MAX with a
   * throttle that never does; 0 for 10. An open row with that many fails is locked when it is
   * written, under any policy, so that no row allows more guesses than this.
   */
  uint32_t max_fails;
  /**
   * OTP_LASCOU: the highest step or counter accepted. A negative number means none: the add-on
   * tries counters from -4 on, which no authenticator has, and stores one that happens to match.
   */
  int64_t last_counter;
  /**
   * OTP_CREATED. A time before 1970, negative as a signed number, counts as 1970; so does
   * OTP_LASUSE.
   */
  uint64_t created;
  /**
   * OTP_LASUSE.
   */
  uint64_t last_used;
  /**
   * OTP_LASISS: when the add-on sent a message. It sends no other for a minute after this time,
   * so keyfob_soffid_update writes NULL while a code of keyfob is pending.
   */
  uint64_t last_issued;
  /**
   * OTP_TYPE: TOTP, HOTP, SMS, EMAIL or PIN.
   */
  char kind[8];
  /**
   * OTP_ALGORI: HmacSHA1, HmacSHA256 or HmacSHA512. Empty means HmacSHA1.
   */
  char algorithm[16];
  /**
   * OTP_AUTKEY of TOTP and HOTP: the secret in Base32. Empty otherwise, and ignored in reading:
   * the engine needs no such hash.
   */
  char auth_key[112];
  /**
   * OTP_PIN of a PIN: its digits. Soffid encodes the column as a Password; the host decodes and
   * encodes that.
   */
  char pin[72];
} keyfob_soffid_row;

/**
 * Requests a challenge of the device in `record`, which is changed in place. Store it before you
 * deliver the code. SMS, e-mail: a new code, or the pending one if it is younger than the policy's
 * code_reuse. PIN: positions, which stay until a right answer. `policy` may be NULL. `random` may
 * be NULL in hosted builds, and for any device but a PIN. Set challenge->size before. Not
 * thread-safe on the same record.
 *
 * Results: NULL_POINTER, STRUCT_SIZE, the record's, the policy's, CLOCK, EXHAUSTED, LOCKED,
 * THROTTLED, DISABLED, OUTSIDE_VALIDITY, CLOCK_WAS_AHEAD, RANDOMNESS.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_device_challenge(struct keyfob_record *record,
                                      const struct keyfob_policy *policy,
                                      keyfob_random_fn random,
                                      void *random_context,
                                      uint64_t now,
                                      struct keyfob_challenge *challenge);

/**
 * keyfob_device_challenge with the caller's store: `challenge` is written only when `store` has
 * stored the next record. `record` is the one that was read, and stays as it is. Thread-safe, if
 * `store` and `random` are.
 *
 * Results: NULL_POINTER, STRUCT_SIZE, the record's, the policy's, CLOCK, EXHAUSTED, LOCKED,
 * THROTTLED, DISABLED, OUTSIDE_VALIDITY, CLOCK_WAS_AHEAD, RANDOMNESS, STORE_FAILED,
 * STORE_CONFLICT.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_device_challenge_and_store(const struct keyfob_record *record,
                                                const struct keyfob_policy *policy,
                                                keyfob_random_fn random,
                                                void *random_context,
                                                uint64_t now,
                                                keyfob_store_fn store,
                                                void *store_context,
                                                struct keyfob_challenge *challenge);

/**
 * Returns the pending challenge again, to send its message another time. Nothing changes, not even
 * its expiry. Set challenge->size before. Thread-safe.
 *
 * Results: NULL_POINTER, STRUCT_SIZE, the record's, the policy's, WRONG_KIND, NO_CHALLENGE, CLOCK,
 * LOCKED, THROTTLED, DISABLED, OUTSIDE_VALIDITY, CLOCK_WAS_AHEAD.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_device_resend(const struct keyfob_record *record,
                                   const struct keyfob_policy *policy,
                                   uint64_t now,
                                   struct keyfob_challenge *challenge);

/**
 * Judges `answer` (a code, or a PIN's digits at the positions asked) at time `now`, in Unix
 * seconds. An answer is its `answer_length` ASCII digits and nothing else. A blank or a hyphen
 * makes it wrong and a fail, so remove those that people type, as in "475 073". A recovery code
 * may have them, as keyfob_recovery_code_check says. SMS, e-mail and PIN want a challenge first,
 * even if the policy asks for the whole PIN. One right answer uses it up. The device in `record`
 * is changed in place: store it before you show the verdict. Where several threads or processes
 * share a device, call keyfob_device_verify_and_store, which keeps that order. `policy` may be
 * NULL. Set verdict->size before. Constant time for a given length. Not thread-safe on the same
 * record.
 *
 * Results: NULL_POINTER, STRUCT_SIZE, LENGTH, the record's, the policy's, CLOCK, EXHAUSTED.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_device_verify(struct keyfob_record *record,
                                   const struct keyfob_policy *policy,
                                   const char *answer,
                                   size_t answer_length,
                                   uint64_t now,
                                   struct keyfob_verdict *verdict);

/**
 * keyfob_device_verify with the caller's store: `verdict` is written only when `store` has stored
 * the next record. `record` is the one that was read, and stays as it is. On
 * KEYFOB_RESULT_STORE_CONFLICT read again and try again. Thread-safe, if `store` is.
 *
 * Results: NULL_POINTER, STRUCT_SIZE, LENGTH, the record's, the policy's, CLOCK, EXHAUSTED,
 * STORE_FAILED, STORE_CONFLICT.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_device_verify_and_store(const struct keyfob_record *record,
                                             const struct keyfob_policy *policy,
                                             const char *answer,
                                             size_t answer_length,
                                             uint64_t now,
                                             keyfob_store_fn store,
                                             void *store_context,
                                             struct keyfob_verdict *verdict);

/**
 * Finds an authenticator by two codes in a row. HOTP that has run ahead is searched over the
 * policy's resync window. TOTP whose clock is off is searched over as many steps each side of the
 * present one, but no more than the policy's max_drift; the drift is learned. Counts, locks and
 * changes the record in place as keyfob_device_verify does. Not thread-safe on the same record.
 *
 * Results: NULL_POINTER, STRUCT_SIZE, LENGTH, the record's, the policy's, WRONG_KIND, NO_DRIFT,
 * CLOCK, EXHAUSTED.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_device_resync(struct keyfob_record *record,
                                   const struct keyfob_policy *policy,
                                   const char *first,
                                   size_t first_length,
                                   const char *second,
                                   size_t second_length,
                                   uint64_t now,
                                   struct keyfob_verdict *verdict);

/**
 * keyfob_device_resync with the caller's store, as keyfob_device_verify_and_store. Thread-safe, if
 * `store` is.
 *
 * Results: NULL_POINTER, STRUCT_SIZE, LENGTH, the record's, the policy's, WRONG_KIND, NO_DRIFT,
 * CLOCK, EXHAUSTED, STORE_FAILED, STORE_CONFLICT.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_device_resync_and_store(const struct keyfob_record *record,
                                             const struct keyfob_policy *policy,
                                             const char *first,
                                             size_t first_length,
                                             const char *second,
                                             size_t second_length,
                                             uint64_t now,
                                             keyfob_store_fn store,
                                             void *store_context,
                                             struct keyfob_verdict *verdict);

/**
 * Writes the code of `counter` (RFC 4226) and a NUL to `code`, which has room for `code_size`
 * bytes: KEYFOB_CODE_SIZE always suffice. `parameters` may be NULL. The caller wipes `code`.
 * Thread-safe.
 *
 * Results: NULL_POINTER, LENGTH, BUFFER_TOO_SMALL, SECRET_LENGTH, the parameters'.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_hotp_generate(const struct keyfob_parameters *parameters,
                                   const uint8_t *secret,
                                   size_t secret_length,
                                   uint64_t counter,
                                   char *code,
                                   size_t code_size);

/**
 * Writes the code of `time`, in Unix seconds (RFC 6238), and a NUL to `code`, as
 * keyfob_hotp_generate does. KEYFOB_RESULT_CLOCK before T0. Thread-safe.
 *
 * Results: NULL_POINTER, LENGTH, BUFFER_TOO_SMALL, SECRET_LENGTH, the parameters', PERIOD, CLOCK.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_totp_generate(const struct keyfob_parameters *parameters,
                                   const uint8_t *secret,
                                   size_t secret_length,
                                   uint64_t time,
                                   char *code,
                                   size_t code_size);

/**
 * Searches `code` from `counter` to `look_ahead` (0 to 1000) counters after it, all of them, in
 * constant time. Writes 1 and the lowest matching counter to `found` and `matched`, or 0 and 0.
 * Keeps no state: the same code is found again. `parameters` may be NULL. Thread-safe.
 *
 * Results: NULL_POINTER, LENGTH, SECRET_LENGTH, the parameters', LOOK_AHEAD.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_hotp_search(const struct keyfob_parameters *parameters,
                                 const uint8_t *secret,
                                 size_t secret_length,
                                 const char *code,
                                 size_t code_length,
                                 uint64_t counter,
                                 uint32_t look_ahead,
                                 uint32_t *found,
                                 uint64_t *matched);

/**
 * Searches `code` from `window` (0 to 1000) steps before `time`, in Unix seconds, to as many after
 * it. Otherwise as keyfob_hotp_search, with the step in `matched`. Thread-safe.
 *
 * Results: NULL_POINTER, LENGTH, SECRET_LENGTH, the parameters', PERIOD, WINDOW, CLOCK, EXHAUSTED.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_totp_search(const struct keyfob_parameters *parameters,
                                 const uint8_t *secret,
                                 size_t secret_length,
                                 const char *code,
                                 size_t code_length,
                                 uint64_t time,
                                 uint32_t window,
                                 uint32_t *found,
                                 uint64_t *matched);

/**
 * Enrols a time-based authenticator at time `now`. `parameters` may be NULL; `secret` has 16 to 64
 * bytes, or 10 to 64 if `parameters` allow short ones, which are copied into `record`.
 * Thread-safe.
 *
 * Results: NULL_POINTER, LENGTH, SECRET_LENGTH, the parameters', PERIOD.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_device_create_totp(const struct keyfob_parameters *parameters,
                                        const uint8_t *secret,
                                        size_t secret_length,
                                        uint64_t now,
                                        struct keyfob_record *record);

/**
 * Enrols a counter-based authenticator whose next code is that of `counter`: 0 for a fresh one.
 * Otherwise as keyfob_device_create_totp. Thread-safe.
 *
 * Results: NULL_POINTER, LENGTH, SECRET_LENGTH, the parameters'.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_device_create_hotp(const struct keyfob_parameters *parameters,
                                        const uint8_t *secret,
                                        size_t secret_length,
                                        uint64_t counter,
                                        uint64_t now,
                                        struct keyfob_record *record);

/**
 * Enrols a telephone. `secret` is one drawn for this device alone with keyfob_secret_random.
 * Otherwise as keyfob_device_create_totp. Thread-safe.
 *
 * Results: NULL_POINTER, LENGTH, SECRET_LENGTH, the parameters'.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_device_create_sms(const struct keyfob_parameters *parameters,
                                       const uint8_t *secret,
                                       size_t secret_length,
                                       uint64_t now,
                                       struct keyfob_record *record);

/**
 * Enrols an e-mail address. Otherwise as keyfob_device_create_sms. Thread-safe.
 *
 * Results: NULL_POINTER, LENGTH, SECRET_LENGTH, the parameters'.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_device_create_email(const struct keyfob_parameters *parameters,
                                         const uint8_t *secret,
                                         size_t secret_length,
                                         uint64_t now,
                                         struct keyfob_record *record);

/**
 * Enrols a security PIN of `pin_length` ASCII digits, at least as many as the policy asks for.
 * `policy` may be NULL. Thread-safe.
 *
 * Results: NULL_POINTER, LENGTH, PIN_LENGTH, PIN_DIGITS, the policy's.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_device_create_pin(const struct keyfob_policy *policy,
                                       const char *pin,
                                       size_t pin_length,
                                       uint64_t now,
                                       struct keyfob_record *record);

/**
 * Describes a device, without its secret. Set info->size before. Thread-safe.
 *
 * Results: NULL_POINTER, STRUCT_SIZE, the record's.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_device_info(const struct keyfob_record *record,
                                 struct keyfob_info *info);

/**
 * Copies the secret, or the PIN's digits, to `secret`, which has room for `secret_size` bytes
 * (KEYFOB_SECRET_MAX_SIZE always suffice), and their number to `secret_length`. The caller wipes
 * `secret`, and never logs it. Thread-safe.
 *
 * Results: NULL_POINTER, BUFFER_TOO_SMALL, the record's.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_device_secret(const struct keyfob_record *record,
                                   uint8_t *secret,
                                   size_t secret_size,
                                   size_t *secret_length);

/**
 * Sets the keyfob_status of the device in `record`, in place, as an administrator. A change from L
 * to C or V unlocks. A change from D keeps the fails. Not thread-safe on the same record.
 *
 * Results: NULL_POINTER, the record's, STATUS, LOCKED, EXHAUSTED.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_device_set_status(struct keyfob_record *record,
                                       uint32_t status,
                                       uint64_t now);

/**
 * Unlocks the device in `record`, in place: resets the fails, ends a throttle and a pending code,
 * and forgets a learned drift. Takes `now` for true, even if the device has seen a later time. No
 * code used before becomes right. For TOTP that was used while a clock was ahead, see
 * keyfob_device_forget_steps. Not thread-safe on the same record.
 *
 * Results: NULL_POINTER, the record's, EXHAUSTED.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_device_unlock(struct keyfob_record *record,
                                   uint64_t now);

/**
 * Repairs a TOTP device that was used while a clock was ahead (KEYFOB_REASON_CLOCK_WAS_AHEAD).
 * Takes the highest accepted step of the device in `record`, in place, down to that of `now`, if
 * it is later. Takes `now` for true and forgets a learned drift. Status, fails and locks stay. The
 * price: codes of steps after `now` that were accepted already are right once more when their time
 * comes, for anyone who has seen them. Codes of `now` or before are not. Call it only if an
 * administrator says so, with a clock that is right, and record the call. Not thread-safe on the
 * same record.
 *
 * Results: NULL_POINTER, the record's, WRONG_KIND, CLOCK, EXHAUSTED.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_device_forget_steps(struct keyfob_record *record,
                                         uint64_t now);

/**
 * Sets from when until when the TOTP or HOTP device in `record`, in place, is usable: from the
 * second `not_before` to the second `not_after`, 0 for no limit. Outside of them each attempt is
 * KEYFOB_REASON_OUTSIDE_VALIDITY and counts no fail. Not thread-safe on the same record.
 *
 * Results: NULL_POINTER, the record's, WRONG_KIND, VALIDITY, EXHAUSTED.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_device_set_validity(struct keyfob_record *record,
                                         uint64_t not_before,
                                         uint64_t not_after,
                                         uint64_t now);

/**
 * Gives the device in `record`, in place, another factor of its kind: for a fresh secret after a
 * change of telephone, a new PIN, new recovery codes, an authenticator enrolled again. Takes the
 * parameters, the secret or PIN, and the counter of the device in `from`, created for this, and
 * its validity; nothing else of it counts. Keeps the status, the fails and every lock. Ends a
 * pending challenge and forgets a learned drift. The same secret keeps the higher counter. TOTP
 * keeps the time that is used up, but under a new secret only the time before `now`. Never give it
 * a secret that it had before its present one. Recovery codes of the same secret must not become
 * fewer. Not thread-safe on the same record.
 *
 * Results: NULL_POINTER, the record's, WRONG_KIND, RECOVERY_CODE_COUNT, EXHAUSTED.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_device_replace_factor(struct keyfob_record *record,
                                           const struct keyfob_record *from,
                                           uint64_t now);

/**
 * Finds the TOTP and HOTP devices that show the code `first` at time `now`, and `second` next, for
 * an administrator who holds a token without a label. `records` are `count` records, at most 64 in
 * one call. `matches` gets bit n for the record n, counted from 0. `second` may be NULL for a
 * search by one code, which many devices soon show by chance. `policy` may be NULL. It looks where
 * keyfob_device_verify does, and one further for the second code. It identifies and does not
 * authenticate: it changes no record, counts no fail, ignores status, locks and validity, and
 * takes used codes. SMS, e-mail and PIN are never found. Constant time for each device.
 * Thread-safe.
 *
 * Results: NULL_POINTER, STRUCT_SIZE, LENGTH, the record's, the policy's.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_device_find(const struct keyfob_record *records,
                                 size_t count,
                                 const struct keyfob_policy *policy,
                                 const char *first,
                                 size_t first_length,
                                 const char *second,
                                 size_t second_length,
                                 uint64_t now,
                                 uint64_t *matches);

/**
 * Fills `policy` with keyfob's defaults. Set policy->size before. Thread-safe.
 *
 * Results: NULL_POINTER, STRUCT_SIZE.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_policy_default(struct keyfob_policy *policy);

/**
 * Fills `policy` with Soffid's numbers: window of 10 steps, look-ahead of 24, which take one step
 * and one counter more than Soffid does. Set policy->size before. Thread-safe.
 *
 * Results: NULL_POINTER, STRUCT_SIZE.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_policy_soffid(struct keyfob_policy *policy);

/**
 * Checks a policy, its bound on guessing included; NULL is the default, which is right.
 * Thread-safe.
 *
 * Results: the policy's.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_policy_check(const struct keyfob_policy *policy);

/**
 * Writes the chance, in parts per billion, that an attacker who guesses until the lock succeeds
 * against a device of this keyfob_kind with codes of `digits` digits (6 to 10; ignored for a PIN).
 * `policy` may be NULL. Thread-safe.
 *
 * Results: NULL_POINTER, the policy's, KIND, DIGITS.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_policy_guess_chance(const struct keyfob_policy *policy,
                                         uint32_t kind,
                                         uint32_t digits,
                                         uint32_t *chance);

/**
 * Reads `length` bytes from storage as a record. A foreign, a newer, a cut and a damaged record
 * have results of their own. Writes a right one to `record`, which may be NULL to check only.
 * Thread-safe.
 *
 * Results: NULL_POINTER, LENGTH, RECORD_LENGTH, the record's.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_record_read(const uint8_t *bytes,
                                 size_t length,
                                 struct keyfob_record *record);

/**
 * Makes a device of `count` recovery codes, 1 to 64, for a user who may lose every other factor.
 * Each is right once. `secret` has 16 to 64 bytes and is drawn for this device alone, by
 * keyfob_secret_random for SHA-256. keyfob_device_recovery_code has the codes: show them once. To
 * renew them, make another such device and give it to keyfob_device_replace_factor, which ends the
 * old codes. Thread-safe.
 *
 * Results: NULL_POINTER, LENGTH, SECRET_LENGTH, RECOVERY_CODE_COUNT.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_device_create_recovery(uint32_t count,
                                            const uint8_t *secret,
                                            size_t secret_length,
                                            uint64_t now,
                                            struct keyfob_record *record);

/**
 * Writes the recovery code of `index`, from 0 on, and a NUL to `code`, which has room for
 * `code_size` bytes: KEYFOB_RECOVERY_CODE_SIZE always suffice. A used one is written as well. An
 * index behind the last is RECOVERY_CODE_COUNT. The caller wipes `code`. Thread-safe.
 *
 * Results: NULL_POINTER, BUFFER_TOO_SMALL, the record's, WRONG_KIND, RECOVERY_CODE_COUNT.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_device_recovery_code(const struct keyfob_record *record,
                                          uint32_t index,
                                          char *code,
                                          size_t code_size);

/**
 * Writes 1 to `well_formed` if `typed` is written as a recovery code, its check symbol included,
 * else 0: for a form that shows a typing error before it costs a fail. Either case, with anything
 * between the symbols that is no letter and no digit of ASCII. I and L are read as 1, O as 0 and U
 * as V. 64 bytes at most. It says nothing of whether the code is right. Thread-safe.
 *
 * Results: NULL_POINTER, LENGTH.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_recovery_code_check(const char *typed,
                                         size_t typed_length,
                                         uint32_t *well_formed);

/**
 * A message in English that names the parameter and its allowed values, for any number. Static
 * memory, never NULL. Thread-safe.
 */
KEYFOB_MUST_USE
const char *keyfob_result_message(int32_t result);

/**
 * Seals a record for storage with XChaCha20-Poly1305, bound to `device_id`: the store's own name
 * for the device, in `device_id_length` bytes, which may be 0. `key` has KEYFOB_SEAL_KEY_SIZE
 * random bytes, and `key_id` names it for rotation. `nonce` has KEYFOB_SEAL_NONCE_SIZE bytes that
 * must never be used again with this key: draw them at random each time. `sealed` gets
 * KEYFOB_SEALED_SIZE bytes. Thread-safe.
 *
 * Results: NULL_POINTER, LENGTH, the record's.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_record_seal(const struct keyfob_record *record,
                                 uint32_t key_id,
                                 const uint8_t *key,
                                 const void *device_id,
                                 size_t device_id_length,
                                 const uint8_t *nonce,
                                 uint8_t *sealed);

/**
 * As keyfob_record_seal with XAES-256-GCM, which is built of parts that NIST approves and fast on
 * processors with instructions for AES. One key needs one of the two functions only. Thread-safe.
 *
 * Results: NULL_POINTER, LENGTH, the record's.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_record_seal_xaes_256_gcm(const struct keyfob_record *record,
                                              uint32_t key_id,
                                              const uint8_t *key,
                                              const void *device_id,
                                              size_t device_id_length,
                                              const uint8_t *nonce,
                                              uint8_t *sealed);

/**
 * Opens `sealed_length` bytes that were sealed under this key for this device id, by either
 * function. Thread-safe.
 *
 * Results: NULL_POINTER, LENGTH, SEAL_FOREIGN, SEAL_NEWER, SEAL_KEY_ID, SEAL_BROKEN, the record's.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_record_open(const uint8_t *sealed,
                                 size_t sealed_length,
                                 uint32_t key_id,
                                 const uint8_t *key,
                                 const void *device_id,
                                 size_t device_id_length,
                                 struct keyfob_record *record);

/**
 * Writes to `key_id` under which key `sealed_length` bytes were sealed. Thread-safe.
 *
 * Results: NULL_POINTER, LENGTH, SEAL_FOREIGN, SEAL_NEWER.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_sealed_key_id(const uint8_t *sealed,
                                   size_t sealed_length,
                                   uint32_t *key_id);

/**
 * Draws a secret of the size that suits the keyfob_algorithm: 20, 32 or 64 bytes. `secret` has
 * room for `secret_size` bytes; how many were written goes to `secret_length`. `random` may be
 * NULL in hosted builds, where the operating system's generator is taken; `context` is passed to
 * it. The caller wipes `secret`. Thread-safe, if `random` is.
 *
 * Results: NULL_POINTER, BUFFER_TOO_SMALL, ALGORITHM, RANDOMNESS.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_secret_random(uint32_t algorithm,
                                   keyfob_random_fn random,
                                   void *context,
                                   uint8_t *secret,
                                   size_t secret_size,
                                   size_t *secret_length);

/**
 * Reads a secret as people type it in Base32: either case, blanks and hyphens between groups, with
 * or without padding. One of 10 to 15 bytes is read as well; what takes secrets takes it only
 * where its parameters allow that. `text` ends with a NUL. `secret` has room for `secret_size`
 * bytes, KEYFOB_SECRET_MAX_SIZE always suffice; how many were written goes to `secret_length`. The
 * caller wipes `secret` and `text`. Thread-safe.
 *
 * Results: NULL_POINTER, LENGTH, BUFFER_TOO_SMALL, SECRET_LENGTH, SECRET_BASE32.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_secret_from_base32(const char *text,
                                        uint8_t *secret,
                                        size_t secret_size,
                                        size_t *secret_length);

/**
 * Reads a secret in hexadecimal, otherwise as keyfob_secret_from_base32. Thread-safe.
 *
 * Results: NULL_POINTER, LENGTH, BUFFER_TOO_SMALL, SECRET_LENGTH, SECRET_HEX.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_secret_from_hex(const char *text,
                                     uint8_t *secret,
                                     size_t secret_size,
                                     size_t *secret_length);

/**
 * Writes a secret in Base32, upper case without padding, and a NUL to `text`, which has room for
 * `text_size` bytes: KEYFOB_BASE32_SIZE always suffice. The caller wipes `text`. Thread-safe.
 *
 * Results: NULL_POINTER, LENGTH, BUFFER_TOO_SMALL, SECRET_LENGTH.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_secret_to_base32(const uint8_t *secret,
                                      size_t secret_length,
                                      char *text,
                                      size_t text_size);

/**
 * Writes a secret in lower-case hexadecimal and a NUL to `text`: KEYFOB_HEX_SIZE always suffice.
 * The caller wipes `text`. Thread-safe.
 *
 * Results: NULL_POINTER, LENGTH, BUFFER_TOO_SMALL, SECRET_LENGTH.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_secret_to_hex(const uint8_t *secret,
                                   size_t secret_length,
                                   char *text,
                                   size_t text_size);

/**
 * The version of the linked library, as `"0.1.0"`. Compare with KEYFOB_VERSION, that of the
 * header. Static memory. Thread-safe.
 */
KEYFOB_MUST_USE
const char *keyfob_version(void);

/**
 * KEYFOB_RECORD_SIZE of the linked library. Thread-safe.
 */
KEYFOB_MUST_USE
size_t keyfob_record_size(void);

/**
 * KEYFOB_SEALED_SIZE of the linked library. Thread-safe.
 */
KEYFOB_MUST_USE
size_t keyfob_sealed_size(void);

/**
 * KEYFOB_SEAL_KEY_SIZE of the linked library. Thread-safe.
 */
KEYFOB_MUST_USE
size_t keyfob_seal_key_size(void);

/**
 * KEYFOB_SEAL_NONCE_SIZE of the linked library. Thread-safe.
 */
KEYFOB_MUST_USE
size_t keyfob_seal_nonce_size(void);

/**
 * KEYFOB_SECRET_MIN_SIZE of the linked library. Thread-safe.
 */
KEYFOB_MUST_USE
size_t keyfob_secret_min_size(void);

/**
 * KEYFOB_SHORT_SECRET_MIN_SIZE of the linked library. Thread-safe.
 */
KEYFOB_MUST_USE
size_t keyfob_short_secret_min_size(void);

/**
 * KEYFOB_SECRET_MAX_SIZE of the linked library. Thread-safe.
 */
KEYFOB_MUST_USE
size_t keyfob_secret_max_size(void);

/**
 * KEYFOB_RECOVERY_CODES_MAX of the linked library. Thread-safe.
 */
KEYFOB_MUST_USE
size_t keyfob_recovery_codes_max(void);

/**
 * KEYFOB_RECOVERY_CODE_SIZE of the linked library. Thread-safe.
 */
KEYFOB_MUST_USE
size_t keyfob_recovery_code_size(void);

/**
 * KEYFOB_CODE_SIZE of the linked library. Thread-safe.
 */
KEYFOB_MUST_USE
size_t keyfob_code_size(void);

/**
 * KEYFOB_BASE32_SIZE of the linked library. Thread-safe.
 */
KEYFOB_MUST_USE
size_t keyfob_base32_size(void);

/**
 * KEYFOB_HEX_SIZE of the linked library. Thread-safe.
 */
KEYFOB_MUST_USE
size_t keyfob_hex_size(void);

/**
 * KEYFOB_URI_SIZE of the linked library. Thread-safe.
 */
KEYFOB_MUST_USE
size_t keyfob_uri_size(void);

/**
 * KEYFOB_LABEL_SIZE of the linked library. Thread-safe.
 */
KEYFOB_MUST_USE
size_t keyfob_label_size(void);

/**
 * Makes a record from a row. SMS and EMAIL rows hold no secret: give one drawn for this device
 * alone in `secret`, which is ignored for the other kinds. Soffid's configuration has the digits
 * and the algorithm of a HOTP row in which they are NULL: fill them in before. A row has no
 * learned drift and no pending challenge. Thread-safe.
 *
 * Results: NULL_POINTER, STRUCT_SIZE, LENGTH, SECRET_LENGTH, SECRET_BASE32, ALGORITHM, DIGITS,
 * STATUS, KIND, WRONG_KIND, PIN_LENGTH, PIN_DIGITS.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_soffid_import(const struct keyfob_soffid_row *row,
                                   const uint8_t *secret,
                                   size_t secret_length,
                                   struct keyfob_record *record);

/**
 * Writes all columns of the row of a new device. A row has no column for a lock that disabling
 * keeps, a throttle, the positions asked of a PIN, a learned drift, and the secret and pending
 * code of SMS and e-mail: these are lost. Set row->size before. For a row that exists already,
 * keyfob_soffid_update writes only the columns that have changed. Thread-safe.
 *
 * Results: NULL_POINTER, STRUCT_SIZE, the record's, WRONG_KIND, SOFFID_PARAMETERS.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_soffid_export(const struct keyfob_record *record,
                                   struct keyfob_soffid_row *row);

/**
 * Writes the changes of attempts to the row that `record` was imported from: status, fails,
 * last_counter and last_used. Also last_issued, which becomes NULL while a code is pending, and
 * created, after an unlock by a clock that is behind it. If the row has another factor than the
 * record, as after keyfob_device_replace_factor, the record's is written: auth_key or pin, digits
 * and algorithm. So give these as they were imported. Every other column keeps its bytes. The row
 * must be of the same kind.
 *
 * A row has no revision. Write it to the table in one statement that demands the old values of
 * OTP_STATUS, OTP_FAILS, OTP_LASCOU, OTP_AUTKEY, OTP_PIN, OTP_DIGITS and OTP_ALGORI (an optimistic
 * lock), or lock the row from reading to writing. Otherwise two answers at once count as one, and
 * a secret that was replaced meanwhile is still right. Compare no time: drivers read a local time
 * that does not exist as another. Write nothing if the row has not changed, as after a repetition
 * of the code accepted last: a driver may count such an UPDATE as no row.
 *
 * The next import loses the parts that have no column: a lock that disabling keeps, a throttle, a
 * PIN's positions, a learned drift, a pending challenge. Hosts that need those, and all that use
 * SMS, e-mail or PIN, keep the record beside the row. They ask keyfob_soffid_has_factor before
 * they use that record again. Thread-safe.
 *
 * Results: NULL_POINTER, STRUCT_SIZE, the record's, KIND, WRONG_KIND, SOFFID_PARAMETERS.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_soffid_update(const struct keyfob_record *record,
                                   struct keyfob_soffid_row *row);

/**
 * Writes 1 to `has_factor` if the row has the factor of the record: kind, digits, algorithm, and
 * auth_key or pin. Otherwise writes 0: Soffid has changed it since the record was made, and the
 * row has to be imported again. SMS and EMAIL rows hold no secret to compare. Thread-safe.
 *
 * Results: NULL_POINTER, STRUCT_SIZE, the record's, KIND.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_soffid_has_factor(const struct keyfob_record *record,
                                       const struct keyfob_soffid_row *row,
                                       uint32_t *has_factor);

/**
 * Writes the otpauth:// URI that enrols an authenticator for the TOTP or HOTP device in `record`,
 * and a NUL, to `text`. `issuer` (may be NULL or empty) and `account` are UTF-8 without colons and
 * control characters; all is percent-encoded. Up to 200 bytes of each always fit into
 * KEYFOB_URI_SIZE; a URI that would be larger than that is KEYFOB_RESULT_URI_LABEL, whatever
 * `text_size`. The length without the NUL goes to `length`, which may be NULL. The URI holds the
 * secret: the caller wipes `text`. Thread-safe.
 *
 * Results: NULL_POINTER, LENGTH, BUFFER_TOO_SMALL, the record's, WRONG_KIND, URI_LABEL, URI_T0.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_uri_write(const struct keyfob_record *record,
                               const char *issuer,
                               const char *account,
                               char *text,
                               size_t text_size,
                               size_t *length);

/**
 * Reads an otpauth:// URI and enrols the device that it describes at time `now`, in Unix seconds.
 * Unknown parameters are ignored, as are blanks and line ends around the URI. Issuer and account
 * are written decoded, each with a NUL, to `issuer` and `account`; either may be NULL if it is not
 * wanted. They may be empty or hold colons, which keyfob_uri_write refuses. KEYFOB_LABEL_SIZE
 * bytes suffice for each; one that is longer is KEYFOB_RESULT_URI_LABEL if it is wanted.
 * Thread-safe.
 *
 * Results: NULL_POINTER, LENGTH, BUFFER_TOO_SMALL, SECRET_LENGTH, SECRET_BASE32, ALGORITHM,
 * DIGITS, PERIOD, URI_TYPE, URI_LABEL, URI_ENCODING, URI_NO_SECRET, URI_COUNTER, URI_REPEATED.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_uri_parse(const char *text,
                               uint64_t now,
                               struct keyfob_record *record,
                               char *issuer,
                               size_t issuer_size,
                               char *account,
                               size_t account_size);

/**
 * As keyfob_uri_parse, of a secret that may have 10 to 15 bytes, for tokens that were made with
 * one. Thread-safe.
 *
 * Results: NULL_POINTER, LENGTH, BUFFER_TOO_SMALL, SECRET_LENGTH, SECRET_BASE32, ALGORITHM,
 * DIGITS, PERIOD, URI_TYPE, URI_LABEL, URI_ENCODING, URI_NO_SECRET, URI_COUNTER, URI_REPEATED.
 */
KEYFOB_MUST_USE
keyfob_result keyfob_uri_parse_allowing_short(const char *text,
                                              uint64_t now,
                                              struct keyfob_record *record,
                                              char *issuer,
                                              size_t issuer_size,
                                              char *account,
                                              size_t account_size);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* KEYFOB_H */
