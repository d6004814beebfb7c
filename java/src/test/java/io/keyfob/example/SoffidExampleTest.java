package io.keyfob.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.keyfob.Algorithm;
import io.keyfob.Challenge;
import io.keyfob.Codes;
import io.keyfob.Kind;
import io.keyfob.OtpDevice;
import io.keyfob.Parameters;
import io.keyfob.Policy;
import io.keyfob.Secret;
import io.keyfob.SoffidDevice;
import io.keyfob.SoffidRow;
import io.keyfob.Status;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.h2.jdbcx.JdbcConnectionPool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The example on a real table, with two threads guessing at once. */
class SoffidExampleTest {
    private static final long NOW = 1_700_000_000L;
    private static final String KEY = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    private static final SoffidExample.OtpDeviceEntity DEVICE = new SoffidExample.OtpDeviceEntity(60);
    private static final SoffidExample.OtpConfig CONFIG = new SoffidExample.OtpConfig(10, 10, 10, 10, 10, 8, 3, 6, "HmacSHA1");

    private JdbcConnectionPool pool;
    private ScoDevice table;
    private SoffidExample example;

    @BeforeEach
    void create() throws SQLException {
        pool = JdbcConnectionPool.create("jdbc:h2:mem:soffid", "sa", "");
        try (Connection connection = pool.getConnection(); Statement statement = connection.createStatement()) {
            statement.execute("DROP ALL OBJECTS");
            statement.execute(ScoDevice.CREATE);
        }
        table = new ScoDevice(pool);
        example = new SoffidExample(table, Clock.fixed(Instant.ofEpochSecond(NOW), ZoneOffset.UTC));
    }

    @AfterEach
    void close() {
        pool.dispose();
    }

    private static SoffidRow.Builder row(Kind kind) {
        return SoffidRow.builder().type(kind).status(Status.CREATED).created(Instant.ofEpochSecond(NOW - 1000));
    }

    private static String code(long counter) {
        try (Secret secret = Secret.fromBase32(KEY.toCharArray())) {
            return new String(Codes.hotp(Parameters.DEFAULT, secret, counter));
        }
    }

    /** What {@code tries} calls in each of two threads have answered. */
    private List<Boolean> byTwo(int tries, String pin) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(2);
        List<Future<List<Boolean>>> futures = new ArrayList<>();
        for (int thread = 0; thread < 2; thread++) {
            futures.add(threads.submit(() -> {
                List<Boolean> answers = new ArrayList<>();
                for (int at = 0; at < tries; at++) {
                    answers.add(example.validatePin(DEVICE, CONFIG, pin));
                }
                return answers;
            }));
        }
        List<Boolean> all = new ArrayList<>();
        for (Future<List<Boolean>> future : futures) {
            all.addAll(future.get());
        }
        threads.shutdown();
        return all;
    }

    @Test
    void twoWhoGuessHaveTenGuessesTogether() throws Exception {
        table.insert(60, row(Kind.TOTP).authKey(KEY.toCharArray()).build());
        assertFalse(byTwo(8, "00000").contains(true));
        SoffidRow row = table.read(60);
        assertEquals(10, row.fails());
        assertEquals(Status.LOCKED, row.status());
        assertFalse(example.validatePin(DEVICE, CONFIG, code(NOW / 30)), "locked");
    }

    @Test
    void ofTwoWithOneCodeOneIsRight() throws Exception {
        table.insert(60, row(Kind.HOTP).authKey(KEY.toCharArray()).build());
        for (int counter = 0; counter < 100; counter++) {
            List<Boolean> answers = byTwo(1, code(counter));
            assertEquals(1, answers.stream().filter(answer -> answer).count(), () -> answers.toString());
            assertEquals(counter, table.read(60).lastUsedValue());
        }
    }

    /** Early versions of the add-on wrote neither into the row: with six digits, this user would be locked out. */
    @Test
    void aHotpRowWithoutDigitsHasThoseOfTheConfiguration() throws Exception {
        SoffidExample.OtpConfig config = new SoffidExample.OtpConfig(10, 10, 10, 10, 10, 8, 3, 8, "HmacSHA256");
        Parameters parameters = Parameters.builder().digits(8).algorithm(Algorithm.SHA256).build();
        table.insert(60, row(Kind.HOTP).authKey(KEY.toCharArray()).build());
        assertFalse(example.validatePin(DEVICE, config, code(0)), "of six digits");
        try (Secret secret = Secret.fromBase32(KEY.toCharArray())) {
            for (int counter = 0; counter < 3; counter++) {
                assertTrue(example.validatePin(DEVICE, config, new String(Codes.hotp(parameters, secret, counter))));
            }
        }
        SoffidRow row = table.read(60);
        assertEquals(8, row.digits());
        assertEquals("HmacSHA256", row.algorithm());
        assertEquals(KEY, new String(row.authKey()));
    }

    @Test
    void messagesAndPinsGoThroughTheTableToo() throws Exception {
        for (Kind kind : new Kind[] {Kind.SMS, Kind.PIN}) {
            SoffidExample.OtpDeviceEntity entity = new SoffidExample.OtpDeviceEntity(kind.ordinal());
            SoffidRow.Builder made = row(kind);
            table.insert(entity.id(), (kind == Kind.PIN ? made.pin("12345678".toCharArray()) : made).build());
            String answer;
            Policy policy = CONFIG.toKeyfob().policy(kind).build();
            try (SoffidRow row = table.read(entity.id()); OtpDevice device = SoffidDevice.read(row, policy);
                    Challenge challenge = device.challenge(policy, NOW,
                            SoffidDevice.store(row, policy, (read, next) -> table.swap(entity.id(), read, next)))) {
                StringBuilder digits = new StringBuilder(new String(challenge.code()));
                for (int position : challenge.positions()) {
                    digits.append(position);
                }
                answer = digits.toString();
            }
            assertFalse(example.validatePin(entity, CONFIG, answer + "0"));
            assertTrue(example.validatePin(entity, CONFIG, answer));
            assertFalse(example.validatePin(entity, CONFIG, answer));
        }
    }
}
