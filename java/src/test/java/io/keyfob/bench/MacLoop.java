package io.keyfob.bench;

import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The peers: a window of TOTP codes with javax.crypto.Mac, as Java programs search it. With one Mac
 * for all codes, or one for each code as in Soffid.
 */
final class MacLoop {
    private final SecretKeySpec key;
    private final Mac reused;

    MacLoop(byte[] secret) throws GeneralSecurityException {
        key = new SecretKeySpec(secret, "RAW");
        reused = newMac();
    }

    private Mac newMac() throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA1");
        mac.init(key);
        return mac;
    }

    /** Searches the whole window after a match, too, as the engine does. */
    boolean isRightReused(int code, long time, int window) {
        boolean found = false;
        for (long step = time / 30 - window; step <= time / 30 + window; step++) {
            found |= code(reused, step) == code;
        }
        return found;
    }

    boolean isRightMade(int code, long time, int window) throws GeneralSecurityException {
        boolean found = false;
        for (long step = time / 30 - window; step <= time / 30 + window; step++) {
            found |= code(newMac(), step) == code;
        }
        return found;
    }

    private static int code(Mac mac, long step) {
        byte[] digest = mac.doFinal(ByteBuffer.allocate(Long.BYTES).putLong(step).array());
        int at = digest[digest.length - 1] & 0xf;
        return (ByteBuffer.wrap(digest).getInt(at) & 0x7fff_ffff) % 1_000_000;
    }
}
