package login;

import io.keyfob.Algorithm;
import io.keyfob.OtpDevice;
import io.keyfob.OtpException;
import io.keyfob.Parameters;
import io.keyfob.Policy;
import io.keyfob.SealKey;
import io.keyfob.Secret;
import io.keyfob.Verdict;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.security.SecureRandom;
import java.sql.SQLException;
import java.time.Clock;
import java.util.Arrays;
import org.h2.jdbcx.JdbcDataSource;

/**
 * A login with a TOTP authenticator: enrol a user, show the URI, verify codes, lock, unlock.
 *
 * <p>Any number of threads and processes may use the same table. {@code make test-java} runs this
 * program. To run it by hand, with Java 22 or later and H2's jar:
 *
 * <pre>{@code
 * CP=java/target/keyfob-VERSION.jar:h2.jar
 * java --enable-native-access=ALL-UNNAMED -cp $CP examples/java/login/Login.java
 * }</pre>
 */
public final class Login {
    /** keyfob's defaults, with a lock on the fifth fail. Build a policy once. */
    private static final Policy POLICY = Policy.builder().lock(5).build();

    /**
     * Each conflict is another attempt on the same device that was stored first. So many in a row
     * mean a fault of the table or its driver.
     */
    private static final int MAX_CONFLICTS = 100;

    /** The outcome of an attempt: all that the user may see of it. */
    public enum Outcome {
        /** The code was right. */
        ACCEPTED,
        /** The code was wrong, used before or too old, or there is no such user. */
        REFUSED,
        /** Too many fails: an administrator must unlock the device. */
        LOCKED
    }

    private final DeviceTable table;
    private final Clock clock;

    /** A login of the users in a table. */
    public Login(DeviceTable table, Clock clock) {
        this.table = table;
        this.clock = clock;
    }

    private long now() {
        return clock.instant().getEpochSecond();
    }

    /**
     * Enrols an authenticator for a user.
     *
     * @return the URI for the QR code, which contains the secret: show it once and overwrite it
     */
    public char[] enrol(String user) throws SQLException {
        try (Secret secret = Secret.random(Algorithm.SHA1); OtpDevice device = OtpDevice.totp(Parameters.DEFAULT, secret, now())) {
            table.insert(user, device);
            return device.toUri("ACME", user);
        }
    }

    /** Verifies a code as typed. People type blanks and hyphens, which no code contains. */
    public Outcome verify(String user, String typed) throws SQLException {
        char[] code = typed.replaceAll("[ -]", "").toCharArray();
        for (int conflicts = 0;; conflicts++) {
            try (OtpDevice device = table.read(user)) {
                if (device == null) {
                    return Outcome.REFUSED;
                }
                // The verdict is returned only after the next record is stored.
                Verdict verdict = device.verify(POLICY, code, now(), (next, revision) -> table.swap(user, next, revision));
                return verdict.isRight() ? Outcome.ACCEPTED : verdict.isLocked() ? Outcome.LOCKED : Outcome.REFUSED;
            } catch (OtpException refused) {
                // After a conflict read the device again: another attempt was stored first.
                if (!refused.isConflict() || conflicts == MAX_CONFLICTS) {
                    throw refused;
                }
            }
        }
    }

    /** Unlocks the device of a user, for an administrator. */
    public void unlock(String user) throws SQLException {
        for (int conflicts = 0; conflicts <= MAX_CONFLICTS; conflicts++) {
            try (OtpDevice device = table.read(user)) {
                if (device == null) {
                    throw new IllegalArgumentException(user + " has no device");
                }
                long revision = device.info().revision();
                device.unlock(now());
                if (table.swap(user, device.toRecord(), revision)) {
                    return;
                }
            }
        }
        throw new IllegalStateException("the device of " + user + " cannot be stored: check the table and its driver");
    }

    /** Enrols alice, prints her URI, and reads codes until one is right or the device is locked. */
    public static void main(String... arguments) throws Exception {
        JdbcDataSource source = new JdbcDataSource();
        source.setUrl("jdbc:h2:mem:login;DB_CLOSE_DELAY=-1");
        // A program reads its key from a place outside of the database.
        byte[] random = new byte[32];
        new SecureRandom().nextBytes(random);
        try (SealKey key = SealKey.fromBytes(1, random)) {
            Arrays.fill(random, (byte) 0);
            DeviceTable table = new DeviceTable(source, key);
            table.create();
            Login login = new Login(table, Clock.systemUTC());
            char[] uri = login.enrol("alice");
            System.out.println(uri);
            Arrays.fill(uri, '\0');
            BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
            Outcome outcome = Outcome.REFUSED;
            while (outcome == Outcome.REFUSED) {
                String typed = input.readLine();
                if (typed == null) {
                    return;
                }
                outcome = login.verify("alice", typed);
                System.out.println(outcome);
            }
        }
    }
}
