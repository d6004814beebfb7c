package io.keyfob;

import static io.keyfob.Symbols.critical;
import static io.keyfob.Symbols.handle;
import static io.keyfob.Symbols.text;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.invoke.MethodHandle;

/**
 * The functions of {@code keyfob.h}. They are constants, so that the compiler inlines them, and are
 * created at the first call, when the library is open.
 */
final class Handles {
    static final MethodHandle POLICY_DEFAULT = critical("keyfob_policy_default", ADDRESS);
    static final MethodHandle POLICY_SOFFID = critical("keyfob_policy_soffid", ADDRESS);
    static final MethodHandle POLICY_CHECK = critical("keyfob_policy_check", ADDRESS);
    static final MethodHandle POLICY_GUESS_CHANCE = critical("keyfob_policy_guess_chance", ADDRESS, JAVA_INT, JAVA_INT, ADDRESS);
    static final MethodHandle SECRET_RANDOM =
            critical("keyfob_secret_random", JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS);
    static final MethodHandle SECRET_FROM_BASE32 = critical("keyfob_secret_from_base32", ADDRESS, ADDRESS, JAVA_LONG, ADDRESS);
    static final MethodHandle SECRET_FROM_HEX = critical("keyfob_secret_from_hex", ADDRESS, ADDRESS, JAVA_LONG, ADDRESS);
    static final MethodHandle SECRET_TO_BASE32 = critical("keyfob_secret_to_base32", ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG);
    static final MethodHandle SECRET_TO_HEX = critical("keyfob_secret_to_hex", ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG);
    static final MethodHandle HOTP_GENERATE =
            critical("keyfob_hotp_generate", ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG);
    static final MethodHandle TOTP_GENERATE =
            critical("keyfob_totp_generate", ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS, JAVA_LONG);
    static final MethodHandle HOTP_SEARCH =
            critical("keyfob_hotp_search", ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS);
    static final MethodHandle TOTP_SEARCH =
            critical("keyfob_totp_search", ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS);
    static final MethodHandle DEVICE_CREATE_TOTP =
            critical("keyfob_device_create_totp", ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS);
    static final MethodHandle DEVICE_CREATE_HOTP =
            critical("keyfob_device_create_hotp", ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS);
    static final MethodHandle DEVICE_CREATE_SMS =
            critical("keyfob_device_create_sms", ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS);
    static final MethodHandle DEVICE_CREATE_EMAIL =
            critical("keyfob_device_create_email", ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS);
    static final MethodHandle DEVICE_CREATE_PIN =
            critical("keyfob_device_create_pin", ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS);
    static final MethodHandle DEVICE_CREATE_RECOVERY =
            critical("keyfob_device_create_recovery", JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS);
    static final MethodHandle DEVICE_RECOVERY_CODE = critical("keyfob_device_recovery_code", ADDRESS, JAVA_INT, ADDRESS, JAVA_LONG);
    static final MethodHandle RECOVERY_CODE_CHECK = critical("keyfob_recovery_code_check", ADDRESS, JAVA_LONG, ADDRESS);
    static final MethodHandle DEVICE_CHALLENGE =
            critical("keyfob_device_challenge", ADDRESS, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS);
    static final MethodHandle DEVICE_RESEND = critical("keyfob_device_resend", ADDRESS, ADDRESS, JAVA_LONG, ADDRESS);
    static final MethodHandle DEVICE_VERIFY =
            critical("keyfob_device_verify", ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS);
    static final MethodHandle DEVICE_RESYNC =
            critical("keyfob_device_resync", ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS);
    static final MethodHandle DEVICE_FIND =
            critical("keyfob_device_find", ADDRESS, JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS);
    static final MethodHandle DEVICE_SET_STATUS = critical("keyfob_device_set_status", ADDRESS, JAVA_INT, JAVA_LONG);
    static final MethodHandle DEVICE_UNLOCK = critical("keyfob_device_unlock", ADDRESS, JAVA_LONG);
    static final MethodHandle DEVICE_FORGET_STEPS = critical("keyfob_device_forget_steps", ADDRESS, JAVA_LONG);
    static final MethodHandle DEVICE_SET_VALIDITY = critical("keyfob_device_set_validity", ADDRESS, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    static final MethodHandle DEVICE_REPLACE_FACTOR = critical("keyfob_device_replace_factor", ADDRESS, ADDRESS, JAVA_LONG);
    static final MethodHandle DEVICE_INFO = critical("keyfob_device_info", ADDRESS, ADDRESS);
    static final MethodHandle DEVICE_SECRET = critical("keyfob_device_secret", ADDRESS, ADDRESS, JAVA_LONG, ADDRESS);
    static final MethodHandle RECORD_READ = critical("keyfob_record_read", ADDRESS, JAVA_LONG, ADDRESS);
    static final MethodHandle RECORD_SEAL =
            critical("keyfob_record_seal", ADDRESS, JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS);
    static final MethodHandle RECORD_SEAL_XAES_256_GCM =
            critical("keyfob_record_seal_xaes_256_gcm", ADDRESS, JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, ADDRESS);
    static final MethodHandle RECORD_OPEN =
            critical("keyfob_record_open", ADDRESS, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS);
    static final MethodHandle SEALED_KEY_ID = critical("keyfob_sealed_key_id", ADDRESS, JAVA_LONG, ADDRESS);
    static final MethodHandle URI_WRITE = critical("keyfob_uri_write", ADDRESS, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS);
    static final MethodHandle URI_PARSE =
            critical("keyfob_uri_parse", ADDRESS, JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG);
    static final MethodHandle URI_PARSE_ALLOWING_SHORT =
            critical("keyfob_uri_parse_allowing_short", ADDRESS, JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS, JAVA_LONG);
    static final MethodHandle SOFFID_IMPORT = critical("keyfob_soffid_import", ADDRESS, ADDRESS, JAVA_LONG, ADDRESS);
    static final MethodHandle SOFFID_EXPORT = critical("keyfob_soffid_export", ADDRESS, ADDRESS);
    static final MethodHandle SOFFID_UPDATE = critical("keyfob_soffid_update", ADDRESS, ADDRESS);
    static final MethodHandle RESULT_MESSAGE = text("keyfob_result_message", JAVA_INT);

    private Handles() {}

    /**
     * What a library reports about itself. A class of its own, so that a library of another version
     * is refused before a function that it lacks is looked up.
     */
    static final class About {
        static final MethodHandle VERSION = text("keyfob_version");
        static final MethodHandle RECORD_SIZE = handle("keyfob_record_size", FunctionDescriptor.of(JAVA_LONG));

        private About() {}
    }
}
