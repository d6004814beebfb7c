//! The native methods of `io.keyfob.Jni`: the functions of `keyfob.h`, except those that take a
//! callback and those that Java does not need.
#![allow(unsafe_code, reason = "the C ABI takes pointers; all of these point to memory of the required size")]
#![allow(unreachable_pub, missing_docs, reason = "Java calls them by their exported names; keyfob.h documents them")]
#![allow(clippy::wildcard_imports, reason = "nearly all functions are called")]

use core::ffi::CStr;
use core::ptr;

use jni::jni_mangle;
use jni::sys::{JNIEnv, jclass, jint, jlong, jobject, jstring};

use crate::jvm::Jvm;
use crate::parameter::{Bytes, In, JAVA, Memory, NOTHING, Out, Parameter, SIZE};
use engine::ffi::*;

type Record = Memory;
type Parameters = In<{ size_of::<keyfob_parameters>() }>;
type Policy = In<{ size_of::<keyfob_policy>() }>;
type Row = In<{ size_of::<keyfob_soffid_row>() }>;
type NewChallenge = Out<{ size_of::<keyfob_challenge>() }, SIZE>;
type NewInfo = Out<{ size_of::<keyfob_info>() }, SIZE>;
type NewPolicy = Out<{ size_of::<keyfob_policy>() }, SIZE>;
type NewRow = Out<{ size_of::<keyfob_soffid_row>() }, SIZE>;
type NextRow = Out<{ size_of::<keyfob_soffid_row>() }, JAVA>;
type NewVerdict = Out<{ size_of::<keyfob_verdict>() }, SIZE>;
type Secret = Bytes<KEYFOB_SECRET_MAX_SIZE>;
type NewSecret = Out<KEYFOB_SECRET_MAX_SIZE, NOTHING>;
type NewCode = Out<KEYFOB_CODE_SIZE, NOTHING>;
type NewRecoveryCode = Out<KEYFOB_RECOVERY_CODE_SIZE, NOTHING>;
type NewLength = Out<{ size_of::<u64>() }, NOTHING>;
type NewNumber = Out<{ size_of::<u32>() }, NOTHING>;
type NewCounter = Out<{ size_of::<u64>() }, NOTHING>;
/// An answer as typed. Java cuts one that is longer than any right answer.
type Answer = Bytes<{ KEYFOB_SECRET_MAX_SIZE + 1 }>;
type DeviceId = Bytes<1024>;
/// A sealed record. Java cuts a longer one.
type Sealed = Bytes<{ KEYFOB_SEALED_SIZE + 1 }>;
/// The records of a search, as many as Java passes at once.
type Records = Bytes<{ 32 * KEYFOB_RECORD_SIZE }>;
type Key = In<KEYFOB_SEAL_KEY_SIZE>;
type Nonce = In<KEYFOB_SEAL_NONCE_SIZE>;
type NewSealed = Out<KEYFOB_SEALED_SIZE, NOTHING>;
/// A text with a NUL, which Java adds.
type Text = Bytes<4097>;
type NewBase32 = Out<KEYFOB_BASE32_SIZE, NOTHING>;
type NewHex = Out<KEYFOB_HEX_SIZE, NOTHING>;
type NewUri = Out<KEYFOB_URI_SIZE, NOTHING>;

/// Makes a native method for each function. It takes the parameters, with copies of the arrays,
/// calls C, and copies the output back to Java.
macro_rules! natives {
    ($(fn $name:ident($($parameter:ident: $type:ty),*) = $call:expr;)*) => {$(
        #[jni_mangle("io.keyfob.Jni")]
        #[allow(unused_mut, reason = "C writes some of the parameters")]
        pub fn $name(env: *mut JNIEnv, _: jobject, $($parameter: <$type as Parameter>::Java),*) -> jint {
            // SAFETY: Java calls this with the environment of its thread.
            let jvm = unsafe { Jvm::new(env) };
            let call = || {
                $(let mut $parameter = <$type>::new($parameter);)*
                $($parameter.take(jvm)?;)*
                // SAFETY: each pointer is to Java's memory of a record or a policy, or to a local
                // copy. Either has the size of the parameter's C type, or the length that is passed
                // with it. C reads a text up to its NUL, and never more than 4096 bytes.
                let result = unsafe { $call };
                if result == keyfob_result::OK {
                    $($parameter.give(jvm)?;)*
                }
                Ok(result)
            };
            call().unwrap_or_else(|refused| refused) as jint
        }
    )*};
}

natives! {
    fn policy_default(policy: NewPolicy) = keyfob_policy_default(policy.pointer());
    fn policy_soffid(policy: NewPolicy) = keyfob_policy_soffid(policy.pointer());
    fn policy_check(policy: Policy) = keyfob_policy_check(policy.pointer());
    fn policy_guess_chance(policy: Policy, kind: u32, digits: u32, chance: NewNumber) =
        keyfob_policy_guess_chance(policy.pointer(), kind, digits, chance.pointer());

    fn secret_random(algorithm: u32, secret: NewSecret, length: NewLength) =
        keyfob_secret_random(algorithm, None, ptr::null_mut(), secret.pointer(), KEYFOB_SECRET_MAX_SIZE, length.pointer());
    fn secret_from_base32(text: Text, secret: NewSecret, length: NewLength) =
        keyfob_secret_from_base32(text.pointer(), secret.pointer(), KEYFOB_SECRET_MAX_SIZE, length.pointer());
    fn secret_from_hex(text: Text, secret: NewSecret, length: NewLength) =
        keyfob_secret_from_hex(text.pointer(), secret.pointer(), KEYFOB_SECRET_MAX_SIZE, length.pointer());
    fn secret_to_base32(secret: Secret, text: NewBase32) =
        keyfob_secret_to_base32(secret.pointer(), secret.length(), text.pointer(), KEYFOB_BASE32_SIZE);
    fn secret_to_hex(secret: Secret, text: NewHex) =
        keyfob_secret_to_hex(secret.pointer(), secret.length(), text.pointer(), KEYFOB_HEX_SIZE);

    fn hotp_generate(parameters: Parameters, secret: Secret, counter: u64, code: NewCode) =
        keyfob_hotp_generate(parameters.pointer(), secret.pointer(), secret.length(), counter, code.pointer(), KEYFOB_CODE_SIZE);
    fn totp_generate(parameters: Parameters, secret: Secret, time: u64, code: NewCode) =
        keyfob_totp_generate(parameters.pointer(), secret.pointer(), secret.length(), time, code.pointer(), KEYFOB_CODE_SIZE);
    fn hotp_search(
        parameters: Parameters, secret: Secret, code: Answer, counter: u64, look_ahead: u32, found: NewNumber, matched: NewCounter
    ) = keyfob_hotp_search(
        parameters.pointer(), secret.pointer(), secret.length(), code.pointer(), code.length(), counter, look_ahead, found.pointer(),
        matched.pointer(),
    );
    fn totp_search(
        parameters: Parameters, secret: Secret, code: Answer, time: u64, window: u32, found: NewNumber, matched: NewCounter
    ) = keyfob_totp_search(
        parameters.pointer(), secret.pointer(), secret.length(), code.pointer(), code.length(), time, window, found.pointer(), matched.pointer(),
    );

    fn device_create_totp(parameters: Parameters, secret: Secret, now: u64, record: Record) =
        keyfob_device_create_totp(parameters.pointer(), secret.pointer(), secret.length(), now, record.pointer());
    fn device_create_hotp(parameters: Parameters, secret: Secret, counter: u64, now: u64, record: Record) =
        keyfob_device_create_hotp(parameters.pointer(), secret.pointer(), secret.length(), counter, now, record.pointer());
    fn device_create_sms(parameters: Parameters, secret: Secret, now: u64, record: Record) =
        keyfob_device_create_sms(parameters.pointer(), secret.pointer(), secret.length(), now, record.pointer());
    fn device_create_email(parameters: Parameters, secret: Secret, now: u64, record: Record) =
        keyfob_device_create_email(parameters.pointer(), secret.pointer(), secret.length(), now, record.pointer());
    fn device_create_pin(policy: Policy, pin: Answer, now: u64, record: Record) =
        keyfob_device_create_pin(policy.pointer(), pin.pointer(), pin.length(), now, record.pointer());
    fn device_create_recovery(count: u32, secret: Secret, now: u64, record: Record) =
        keyfob_device_create_recovery(count, secret.pointer(), secret.length(), now, record.pointer());

    fn device_recovery_code(record: Record, index: u32, code: NewRecoveryCode) =
        keyfob_device_recovery_code(record.pointer(), index, code.pointer(), KEYFOB_RECOVERY_CODE_SIZE);
    fn recovery_code_check(typed: Answer, well_formed: NewNumber) =
        keyfob_recovery_code_check(typed.pointer(), typed.length(), well_formed.pointer());
    fn device_challenge(record: Record, policy: Policy, now: u64, challenge: NewChallenge) =
        keyfob_device_challenge(record.pointer(), policy.pointer(), None, ptr::null_mut(), now, challenge.pointer());
    fn device_resend(record: Record, policy: Policy, now: u64, challenge: NewChallenge) =
        keyfob_device_resend(record.pointer(), policy.pointer(), now, challenge.pointer());
    fn verify(record: Record, policy: Memory, length: u32, now: u64) =
        keyfob_device_verify(record.pointer(), policy.pointer(), record.answer(length)?, length as usize, now, record.verdict());
    fn device_resync(
        record: Record, policy: Policy, first: Answer, second: Answer, now: u64, verdict: NewVerdict
    ) = keyfob_device_resync(
        record.pointer(), policy.pointer(), first.pointer(), first.length(), second.pointer(), second.length(), now, verdict.pointer(),
    );
    fn device_find_by_code(records: Records, policy: Policy, code: Answer, now: u64, matches: NewCounter) =
        keyfob_device_find(
            records.pointer(), records.length() / KEYFOB_RECORD_SIZE, policy.pointer(), code.pointer(), code.length(), ptr::null(), 0, now,
            matches.pointer(),
        );
    fn device_find_by_two_codes(
        records: Records, policy: Policy, first: Answer, second: Answer, now: u64, matches: NewCounter
    ) = keyfob_device_find(
        records.pointer(), records.length() / KEYFOB_RECORD_SIZE, policy.pointer(), first.pointer(), first.length(), second.pointer(),
        second.length(), now, matches.pointer(),
    );
    fn device_set_status(record: Record, status: u32, now: u64) = keyfob_device_set_status(record.pointer(), status, now);
    fn device_unlock(record: Record, now: u64) = keyfob_device_unlock(record.pointer(), now);
    fn device_forget_steps(record: Record, now: u64) = keyfob_device_forget_steps(record.pointer(), now);
    fn device_set_validity(record: Record, not_before: u64, not_after: u64, now: u64) =
        keyfob_device_set_validity(record.pointer(), not_before, not_after, now);
    fn device_replace_factor(record: Record, from: Record, now: u64) =
        keyfob_device_replace_factor(record.pointer(), from.pointer(), now);
    fn device_info(record: Record, info: NewInfo) = keyfob_device_info(record.pointer(), info.pointer());
    fn device_secret(record: Record, secret: NewSecret, length: NewLength) =
        keyfob_device_secret(record.pointer(), secret.pointer(), KEYFOB_SECRET_MAX_SIZE, length.pointer());

    fn record_check(record: Record, length: u32) = keyfob_record_read(record.stored(length)?, length as usize, ptr::null_mut());
    fn record_seal(record: Record, key_id: u32, key: Key, device_id: DeviceId, nonce: Nonce, sealed: NewSealed) =
        keyfob_record_seal(
            record.pointer(), key_id, key.pointer(), device_id.pointer(), device_id.length(), nonce.pointer(), sealed.pointer(),
        );
    fn record_seal_xaes256_gcm(record: Record, key_id: u32, key: Key, device_id: DeviceId, nonce: Nonce, sealed: NewSealed) =
        keyfob_record_seal_xaes_256_gcm(
            record.pointer(), key_id, key.pointer(), device_id.pointer(), device_id.length(), nonce.pointer(), sealed.pointer(),
        );
    fn record_open(sealed: Sealed, key_id: u32, key: Key, device_id: DeviceId, record: Record) =
        keyfob_record_open(
            sealed.pointer(), sealed.length(), key_id, key.pointer(), device_id.pointer(), device_id.length(), record.pointer(),
        );
    fn sealed_key_id(sealed: Sealed, key_id: NewNumber) = keyfob_sealed_key_id(sealed.pointer(), sealed.length(), key_id.pointer());

    fn uri_write(record: Record, issuer: Text, account: Text, text: NewUri, length: NewLength) =
        keyfob_uri_write(record.pointer(), issuer.pointer(), account.pointer(), text.pointer(), KEYFOB_URI_SIZE, length.pointer());
    fn uri_parse(text: Text, now: u64, record: Record) =
        keyfob_uri_parse(text.pointer(), now, record.pointer(), ptr::null_mut(), 0, ptr::null_mut(), 0);
    fn uri_parse_allowing_short(text: Text, now: u64, record: Record) =
        keyfob_uri_parse_allowing_short(text.pointer(), now, record.pointer(), ptr::null_mut(), 0, ptr::null_mut(), 0);

    fn soffid_import(row: Row, secret: Secret, record: Record) =
        keyfob_soffid_import(row.pointer(), secret.pointer(), secret.length(), record.pointer());
    fn soffid_export(record: Record, row: NewRow) = keyfob_soffid_export(record.pointer(), row.pointer());
    fn soffid_update(record: Record, row: NextRow) = keyfob_soffid_update(record.pointer(), row.pointer());
}

#[jni_mangle("io.keyfob.Jni")]
pub fn find_address(env: *mut JNIEnv, _: jobject, memory: jclass) -> jint {
    // SAFETY: Java calls this with the environment of its thread.
    unsafe { Jvm::new(env) }.find_address(memory);
    jint::try_from(Memory::RECORD_SIZE).unwrap_or(-1)
}

#[jni_mangle("io.keyfob.Jni")]
pub fn address(env: *mut JNIEnv, _: jobject, buffer: jobject) -> jlong {
    // SAFETY: Java calls this with the environment of its thread.
    unsafe { Jvm::new(env) }.address_of(buffer)
}

#[jni_mangle("io.keyfob.Jni")]
pub fn result_message(env: *mut JNIEnv, _: jobject, result: jint) -> jstring {
    // SAFETY: Java calls this with the environment of its thread. The text is static and ends with
    // a NUL.
    unsafe { Jvm::new(env).text(CStr::from_ptr(keyfob_result_message(result))) }
}

#[jni_mangle("io.keyfob.Jni")]
pub fn version(env: *mut JNIEnv, _: jobject) -> jstring {
    // SAFETY: Java calls this with the environment of its thread. The text is static and ends with
    // a NUL.
    unsafe { Jvm::new(env).text(CStr::from_ptr(keyfob_version())) }
}

#[jni_mangle("io.keyfob.Jni")]
pub fn record_size(_: *mut JNIEnv, _: jobject) -> jint {
    jint::try_from(keyfob_record_size()).unwrap_or(-1)
}
