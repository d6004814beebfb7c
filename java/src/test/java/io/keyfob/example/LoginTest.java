package io.keyfob.example;

import static login.Login.Outcome.ACCEPTED;
import static login.Login.Outcome.LOCKED;
import static login.Login.Outcome.REFUSED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.keyfob.Codes;
import io.keyfob.OtpDevice;
import io.keyfob.OtpError;
import io.keyfob.OtpException;
import io.keyfob.Parameters;
import io.keyfob.SealKey;
import io.keyfob.Secret;
import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import login.DeviceTable;
import login.Login;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** {@code examples/java/login} on each database, and its program. */
class LoginTest {
    private static final long NOW = 1_700_000_000L;
    private static final String WRONG = "00000";

    private final SealKey key = SealKey.fromBytes(1, new byte[32]);

    static List<Database> databases() throws Exception {
        return Database.all();
    }

    private DeviceTable table(Database database) throws Exception {
        database.execute("DROP TABLE IF EXISTS otp_device");
        DeviceTable table = new DeviceTable(database.source(), key);
        table.create();
        return table;
    }

    private static Login login(DeviceTable table, long time) {
        return new Login(table, Clock.fixed(Instant.ofEpochSecond(time), ZoneOffset.UTC));
    }

    private static String code(char[] uri, long time) {
        try (OtpDevice device = OtpDevice.fromUri(uri, time); Secret secret = Secret.fromBytes(device.secret())) {
            return new String(Codes.generateTotp(Parameters.DEFAULT, secret, time));
        }
    }

    @ParameterizedTest
    @MethodSource("databases")
    void aCodeIsAcceptedOnce(Database database) throws Exception {
        DeviceTable table = table(database);
        Login login = login(table, NOW);
        char[] uri = login.enrol("alice");
        String code = code(uri, NOW);
        assertEquals(REFUSED, login.verify("alice", WRONG));
        assertEquals(REFUSED, login.verify("bob", code));
        assertEquals(ACCEPTED, login.verify("alice", code.substring(0, 3) + " " + code.substring(3)));
        assertEquals(REFUSED, login.verify("alice", code));
        assertEquals(ACCEPTED, login(table, NOW + 30).verify("alice", code(uri, NOW + 30)));
    }

    @ParameterizedTest
    @MethodSource("databases")
    void aLockFallsOnTheFifthFailUntilTheUnlock(Database database) throws Exception {
        Login login = login(table(database), NOW);
        String code = code(login.enrol("alice"), NOW);
        for (int fail = 1; fail <= 5; fail++) {
            assertEquals(fail < 5 ? REFUSED : LOCKED, login.verify("alice", WRONG));
        }
        assertEquals(LOCKED, login.verify("alice", code));
        login.unlock("alice");
        assertEquals(ACCEPTED, login.verify("alice", code));
        assertThrows(IllegalArgumentException.class, () -> login.unlock("bob"));
    }

    @ParameterizedTest
    @MethodSource("databases")
    void aCodeIsAcceptedInOneOfTwoThreads(Database database) throws Exception {
        DeviceTable table = table(database);
        char[] uri = login(table, NOW).enrol("alice");
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            for (long time = NOW; time < NOW + 20 * 30; time += 30) {
                Login login = login(table, time);
                String code = code(uri, time);
                Callable<Login.Outcome> attempt = () -> login.verify("alice", code);
                List<Login.Outcome> outcomes = new ArrayList<>();
                for (Future<Login.Outcome> outcome : threads.invokeAll(List.of(attempt, attempt))) {
                    outcomes.add(outcome.get());
                }
                assertEquals(List.of(ACCEPTED, REFUSED), outcomes.stream().sorted().toList());
            }
        } finally {
            threads.shutdown();
        }
    }

    @ParameterizedTest
    @MethodSource("databases")
    void aRecordInTheRowOfAnotherUserDoesNotOpen(Database database) throws Exception {
        DeviceTable table = table(database);
        login(table, NOW).enrol("alice");
        database.execute("UPDATE otp_device SET user_name = 'bob'");
        assertEquals(OtpError.SEAL_BROKEN, assertThrows(OtpException.class, () -> table.read("bob")).error());
    }

    @Test
    @Timeout(60)
    void theProgramAcceptsTheCodeOfItsUri() throws Exception {
        InputStream input = System.in;
        PrintStream output = System.out;
        try (PipedOutputStream typed = new PipedOutputStream(); PipedInputStream shown = new PipedInputStream()) {
            System.setIn(new PipedInputStream(typed));
            System.setOut(new PrintStream(new PipedOutputStream(shown), true, StandardCharsets.US_ASCII));
            FutureTask<Void> program = new FutureTask<>(() -> {
                Login.main();
                return null;
            });
            new Thread(program).start();
            BufferedReader lines = new BufferedReader(new InputStreamReader(shown, StandardCharsets.US_ASCII));
            char[] uri = lines.readLine().toCharArray();
            typed.write((WRONG + "\n" + code(uri, Instant.now().getEpochSecond()) + "\n").getBytes(StandardCharsets.US_ASCII));
            typed.flush();
            assertEquals("REFUSED", lines.readLine());
            assertEquals("ACCEPTED", lines.readLine());
            program.get();
        } finally {
            System.setIn(input);
            System.setOut(output);
        }
    }
}
