package io.keyfob;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;

/** Devices, codes and helpers of the tests. */
final class Fixtures {
    static final long NOW = 1_700_000_000L;
    static final byte[] BYTES = "12345678901234567890".getBytes(StandardCharsets.US_ASCII);
    static final String BASE32 = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    private Fixtures() {}

    static Secret secret() {
        return Secret.fromBytes(BYTES);
    }

    static OtpDevice totp() {
        try (Secret secret = secret()) {
            return OtpDevice.totp(Parameters.DEFAULT, secret, NOW);
        }
    }

    static OtpDevice hotp() {
        try (Secret secret = secret()) {
            return OtpDevice.hotp(Parameters.DEFAULT, secret, 0, NOW);
        }
    }

    static OtpDevice sms() {
        try (Secret secret = secret()) {
            return OtpDevice.sms(Parameters.DEFAULT, secret, NOW);
        }
    }

    static OtpDevice email() {
        try (Secret secret = secret()) {
            return OtpDevice.email(Parameters.DEFAULT, secret, NOW);
        }
    }

    static OtpDevice pin() {
        return OtpDevice.pin(Policy.DEFAULT, "12345678".toCharArray(), NOW);
    }

    /** Ten recovery codes. */
    static RecoveryCodes recoveryCodes() {
        try (Secret secret = secret()) {
            return RecoveryCodes.fromSecret(secret, RecoveryCodes.DEFAULT_COUNT);
        }
    }

    static OtpDevice recovery() {
        try (RecoveryCodes codes = recoveryCodes()) {
            return OtpDevice.recovery(codes, NOW);
        }
    }

    /** The kinds that Soffid has. */
    static Set<Kind> kindsOfSoffid() {
        return EnumSet.complementOf(EnumSet.of(Kind.RECOVERY));
    }

    static char[] codeAt(long time) {
        try (Secret secret = secret()) {
            return Codes.generateTotp(Parameters.DEFAULT, secret, time);
        }
    }

    static char[] codeOf(long counter) {
        try (Secret secret = secret()) {
            return Codes.generateHotp(Parameters.DEFAULT, secret, counter);
        }
    }

    /** A code that is wrong at that time in any window of the tests. */
    static char[] wrongAt(long time) {
        char[] wrong = codeAt(time);
        try (Secret secret = secret()) {
            while (Codes.searchTotp(Parameters.DEFAULT, secret, wrong, time, 20).isPresent()) {
                wrong[5] = (char) ('0' + (wrong[5] - '0' + 1) % 10);
            }
        }
        return wrong;
    }

    static char[] wrongFrom(long counter) {
        char[] wrong = codeOf(counter);
        try (Secret secret = secret()) {
            while (Codes.searchHotp(Parameters.DEFAULT, secret, wrong, counter, 200).isPresent()) {
                wrong[5] = (char) ('0' + (wrong[5] - '0' + 1) % 10);
            }
        }
        return wrong;
    }

    /** The digits of the PIN 12345678 at the positions asked. */
    static char[] digitsAt(int... positions) {
        char[] digits = new char[positions.length];
        for (int at = 0; at < positions.length; at++) {
            digits[at] = (char) ('0' + positions[at]);
        }
        return digits;
    }

    static boolean isWiped(byte[] bytes) {
        return Arrays.equals(bytes, new byte[bytes.length]);
    }
}
