package app;

import io.keyfob.Algorithm;
import io.keyfob.OtpDevice;
import io.keyfob.Parameters;
import io.keyfob.Policy;
import io.keyfob.Secret;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Users with an authenticator each, in memory. */
public final class Accounts {
    private final Map<String, byte[]> table = new ConcurrentHashMap<>();

    private static long now() {
        return Instant.now().getEpochSecond();
    }

    /** Enrols an authenticator and returns its URI. */
    public String enrol(String user) {
        try (Secret secret = Secret.random(Algorithm.SHA1); OtpDevice device = OtpDevice.totp(Parameters.DEFAULT, secret, now())) {
            table.put(user, device.toRecord());
            return new String(device.toUri("ACME", user));
        }
    }

    /** Whether a code is right. */
    public boolean verify(String user, String code) {
        byte[] stored = table.get(user);
        if (stored == null) {
            return false;
        }
        try (OtpDevice device = OtpDevice.fromRecord(stored)) {
            return device.verify(Policy.DEFAULT, code.toCharArray(), now(), (next, revision) -> table.replace(user, stored, next)).isRight();
        }
    }
}
