//! The native methods of `io.keyfob.Jni`: the functions of `keyfob.h`, but for those that take a callback and those that Java has no use for.
#![allow(unsafe_code, reason = "the C ABI takes pointers; here they are all to copies of the size that it wants")]
#![allow(unreachable_pub, missing_docs, reason = "Java calls them by their exported names; keyfob.h documents them")]
#![allow(clippy::wildcard_imports, reason = "nearly all of it is called")]

use core::ffi::CStr;
use core::ptr;

use jni::objects::JObject;
use jni::sys::jint;
use jni::{EnvUnowned, jni_mangle};

use crate::array::{Bytes, In, JAVA, NOTHING, Out, Parameter, SIZE, run, text};
use engine::ffi::*;

type Record<'local> = In<'local, KEYFOB_RECORD_SIZE>;
type NewRecord<'local> = Out<'local, KEYFOB_RECORD_SIZE, NOTHING>;
type NextRecord<'local> = Out<'local, KEYFOB_RECORD_SIZE, JAVA>;
type Parameters<'local> = In<'local, { size_of::<keyfob_parameters>() }>;
type Policy<'local> = In<'local, { size_of::<keyfob_policy>() }>;
type Row<'local> = In<'local, { size_of::<keyfob_soffid_row>() }>;
type NewChallenge<'local> = Out<'local, { size_of::<keyfob_challenge>() }, SIZE>;
type NewInfo<'local> = Out<'local, { size_of::<keyfob_info>() }, SIZE>;
type NewPolicy<'local> = Out<'local, { size_of::<keyfob_policy>() }, SIZE>;
type NewRow<'local> = Out<'local, { size_of::<keyfob_soffid_row>() }, SIZE>;
type NextRow<'local> = Out<'local, { size_of::<keyfob_soffid_row>() }, JAVA>;
type NewVerdict<'local> = Out<'local, { size_of::<keyfob_verdict>() }, SIZE>;
type Secret<'local> = Bytes<'local, KEYFOB_SECRET_MAX>;
type NewSecret<'local> = Out<'local, KEYFOB_SECRET_MAX, NOTHING>;
type NewCode<'local> = Out<'local, KEYFOB_CODE_SIZE, NOTHING>;
type NewLength<'local> = Out<'local, { size_of::<u64>() }, NOTHING>;
type NewNumber<'local> = Out<'local, { size_of::<u32>() }, NOTHING>;
type NewCounter<'local> = Out<'local, { size_of::<u64>() }, NOTHING>;
/// An answer as it was typed; Java cuts what is longer than any right one.
type Answer<'local> = Bytes<'local, { KEYFOB_SECRET_MAX + 1 }>;
type DeviceId<'local> = Bytes<'local, 1024>;
/// A record or sealed record from storage; Java cuts what is longer.
type Stored<'local> = Bytes<'local, { KEYFOB_SEALED_SIZE + 1 }>;
type Key<'local> = In<'local, KEYFOB_KEY_SIZE>;
type Nonce<'local> = In<'local, KEYFOB_NONCE_SIZE>;
type NewSealed<'local> = Out<'local, KEYFOB_SEALED_SIZE, NOTHING>;
/// A text with its NUL, which Java sets.
type Text<'local> = Bytes<'local, 4097>;
type NewBase32<'local> = Out<'local, KEYFOB_BASE32_SIZE, NOTHING>;
type NewHex<'local> = Out<'local, KEYFOB_HEX_SIZE, NOTHING>;
type NewUri<'local> = Out<'local, KEYFOB_URI_SIZE, NOTHING>;

/// For each function a native method: it takes copies of the parameters, calls, and gives back what C has written.
macro_rules! natives {
    ($(fn $name:ident($($parameter:ident: $type:ty),*) = $call:expr;)*) => {$(
        #[jni_mangle("io.keyfob.Jni")]
        #[allow(unused_mut, reason = "C writes some of the parameters")]
        pub fn $name<'local>(
            env: EnvUnowned<'local>,
            _: JObject<'local>,
            $($parameter: <$type as Parameter>::Java),*
        ) -> jint {
            run(env, |env| {
                $(let mut $parameter = <$type>::new($parameter);)*
                $($parameter.take(env)?;)*
                // SAFETY: each pointer is to a local copy that has the size of the parameter's C type, or the size told beside it; of a text
                // C reads up to its NUL, and never more than 4096 bytes.
                let result = unsafe { $call };
                if result == keyfob_result::OK {
                    $($parameter.give(env)?;)*
                }
                Ok(result)
            })
        }
    )*};
}

natives! {
    fn policy_default(policy: NewPolicy<'local>) = keyfob_policy_default(policy.pointer());
    fn policy_soffid(policy: NewPolicy<'local>) = keyfob_policy_soffid(policy.pointer());
    fn policy_check(policy: Policy<'local>) = keyfob_policy_check(policy.pointer());
    fn policy_chance(policy: Policy<'local>, kind: u32, digits: u32, chance: NewNumber<'local>) =
        keyfob_policy_chance(policy.pointer(), kind, digits, chance.pointer());

    fn secret_random(algorithm: u32, secret: NewSecret<'local>, length: NewLength<'local>) =
        keyfob_secret_random(algorithm, None, ptr::null_mut(), secret.pointer(), KEYFOB_SECRET_MAX, length.pointer());
    fn secret_from_base32(text: Text<'local>, secret: NewSecret<'local>, length: NewLength<'local>) =
        keyfob_secret_from_base32(text.pointer(), secret.pointer(), KEYFOB_SECRET_MAX, length.pointer());
    fn secret_from_hex(text: Text<'local>, secret: NewSecret<'local>, length: NewLength<'local>) =
        keyfob_secret_from_hex(text.pointer(), secret.pointer(), KEYFOB_SECRET_MAX, length.pointer());
    fn secret_to_base32(secret: Secret<'local>, text: NewBase32<'local>) =
        keyfob_secret_to_base32(secret.pointer(), secret.length(), text.pointer(), KEYFOB_BASE32_SIZE);
    fn secret_to_hex(secret: Secret<'local>, text: NewHex<'local>) =
        keyfob_secret_to_hex(secret.pointer(), secret.length(), text.pointer(), KEYFOB_HEX_SIZE);

    fn hotp_generate(parameters: Parameters<'local>, secret: Secret<'local>, counter: u64, code: NewCode<'local>) =
        keyfob_hotp_generate(parameters.pointer(), secret.pointer(), secret.length(), counter, code.pointer(), KEYFOB_CODE_SIZE);
    fn totp_generate(parameters: Parameters<'local>, secret: Secret<'local>, time: u64, code: NewCode<'local>) =
        keyfob_totp_generate(parameters.pointer(), secret.pointer(), secret.length(), time, code.pointer(), KEYFOB_CODE_SIZE);
    fn hotp_search(
        parameters: Parameters<'local>, secret: Secret<'local>, code: Answer<'local>, counter: u64, look_ahead: u32, found: NewNumber<'local>, matched: NewCounter<'local>
    ) = keyfob_hotp_search(
        parameters.pointer(), secret.pointer(), secret.length(), code.pointer(), code.length(), counter, look_ahead, found.pointer(),
        matched.pointer(),
    );
    fn totp_search(
        parameters: Parameters<'local>, secret: Secret<'local>, code: Answer<'local>, time: u64, window: u32, found: NewNumber<'local>, matched: NewCounter<'local>
    ) = keyfob_totp_search(
        parameters.pointer(), secret.pointer(), secret.length(), code.pointer(), code.length(), time, window, found.pointer(), matched.pointer(),
    );

    fn device_create_totp(parameters: Parameters<'local>, secret: Secret<'local>, now: u64, record: NewRecord<'local>) =
        keyfob_device_create_totp(parameters.pointer(), secret.pointer(), secret.length(), now, record.pointer());
    fn device_create_hotp(parameters: Parameters<'local>, secret: Secret<'local>, counter: u64, now: u64, record: NewRecord<'local>) =
        keyfob_device_create_hotp(parameters.pointer(), secret.pointer(), secret.length(), counter, now, record.pointer());
    fn device_create_sms(parameters: Parameters<'local>, secret: Secret<'local>, now: u64, record: NewRecord<'local>) =
        keyfob_device_create_sms(parameters.pointer(), secret.pointer(), secret.length(), now, record.pointer());
    fn device_create_email(parameters: Parameters<'local>, secret: Secret<'local>, now: u64, record: NewRecord<'local>) =
        keyfob_device_create_email(parameters.pointer(), secret.pointer(), secret.length(), now, record.pointer());
    fn device_create_pin(policy: Policy<'local>, pin: Answer<'local>, now: u64, record: NewRecord<'local>) =
        keyfob_device_create_pin(policy.pointer(), pin.pointer(), pin.length(), now, record.pointer());

    fn device_challenge(record: NextRecord<'local>, policy: Policy<'local>, now: u64, challenge: NewChallenge<'local>) =
        keyfob_device_challenge(record.pointer(), policy.pointer(), None, ptr::null_mut(), now, challenge.pointer());
    fn device_resend(record: Record<'local>, policy: Policy<'local>, now: u64, challenge: NewChallenge<'local>) =
        keyfob_device_resend(record.pointer(), policy.pointer(), now, challenge.pointer());
    fn device_verify(record: NextRecord<'local>, policy: Policy<'local>, answer: Answer<'local>, now: u64, verdict: NewVerdict<'local>) =
        keyfob_device_verify(record.pointer(), policy.pointer(), answer.pointer(), answer.length(), now, verdict.pointer());
    fn device_resync(
        record: NextRecord<'local>, policy: Policy<'local>, first: Answer<'local>, second: Answer<'local>, now: u64, verdict: NewVerdict<'local>
    ) = keyfob_device_resync(
        record.pointer(), policy.pointer(), first.pointer(), first.length(), second.pointer(), second.length(), now, verdict.pointer(),
    );
    fn device_set_status(record: NextRecord<'local>, status: u32, now: u64) = keyfob_device_set_status(record.pointer(), status, now);
    fn device_unlock(record: NextRecord<'local>, now: u64) = keyfob_device_unlock(record.pointer(), now);
    fn device_replace_factor(record: NextRecord<'local>, from: Record<'local>, now: u64) =
        keyfob_device_replace_factor(record.pointer(), from.pointer(), now);
    fn device_info(record: Record<'local>, info: NewInfo<'local>) = keyfob_device_info(record.pointer(), info.pointer());
    fn device_secret(record: Record<'local>, secret: NewSecret<'local>, length: NewLength<'local>) =
        keyfob_device_secret(record.pointer(), secret.pointer(), KEYFOB_SECRET_MAX, length.pointer());

    fn record_read(bytes: Stored<'local>, record: NewRecord<'local>) = keyfob_record_read(bytes.pointer(), bytes.length(), record.pointer());
    fn record_seal(record: Record<'local>, key_id: u32, key: Key<'local>, device_id: DeviceId<'local>, nonce: Nonce<'local>, sealed: NewSealed<'local>) =
        keyfob_record_seal(
            record.pointer(), key_id, key.pointer(), device_id.pointer(), device_id.length(), nonce.pointer(), sealed.pointer(),
        );
    fn record_open(sealed: Stored<'local>, key_id: u32, key: Key<'local>, device_id: DeviceId<'local>, record: NewRecord<'local>) =
        keyfob_record_open(
            sealed.pointer(), sealed.length(), key_id, key.pointer(), device_id.pointer(), device_id.length(), record.pointer(),
        );
    fn sealed_key_id(sealed: Stored<'local>, key_id: NewNumber<'local>) = keyfob_sealed_key_id(sealed.pointer(), sealed.length(), key_id.pointer());

    fn uri_write(record: Record<'local>, issuer: Text<'local>, account: Text<'local>, text: NewUri<'local>, length: NewLength<'local>) =
        keyfob_uri_write(record.pointer(), issuer.pointer(), account.pointer(), text.pointer(), KEYFOB_URI_SIZE, length.pointer());
    fn uri_parse(text: Text<'local>, now: u64, record: NewRecord<'local>) =
        keyfob_uri_parse(text.pointer(), now, record.pointer(), ptr::null_mut(), 0, ptr::null_mut(), 0);

    fn soffid_import(row: Row<'local>, secret: Secret<'local>, record: NewRecord<'local>) =
        keyfob_soffid_import(row.pointer(), secret.pointer(), secret.length(), record.pointer());
    fn soffid_export(record: Record<'local>, row: NewRow<'local>) = keyfob_soffid_export(record.pointer(), row.pointer());
    fn soffid_update(record: Record<'local>, row: NextRow<'local>) = keyfob_soffid_update(record.pointer(), row.pointer());
}

#[jni_mangle("io.keyfob.Jni")]
pub fn result_message<'local>(env: EnvUnowned<'local>, _: JObject<'local>, result: jint) -> JObject<'local> {
    // SAFETY: static memory that ends with a NUL.
    text(env, unsafe { CStr::from_ptr(keyfob_result_message(result)) })
}

#[jni_mangle("io.keyfob.Jni")]
pub fn version<'local>(env: EnvUnowned<'local>, _: JObject<'local>) -> JObject<'local> {
    // SAFETY: static memory that ends with a NUL.
    text(env, unsafe { CStr::from_ptr(keyfob_version()) })
}

#[jni_mangle("io.keyfob.Jni")]
pub fn record_size<'local>(_: EnvUnowned<'local>, _: JObject<'local>) -> jint {
    jint::try_from(keyfob_record_size()).unwrap_or(-1)
}
