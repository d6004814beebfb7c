package io.keyfob.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.keyfob.Challenge;
import io.keyfob.Codes;
import io.keyfob.Kind;
import io.keyfob.OtpDevice;
import io.keyfob.OtpException;
import io.keyfob.Parameters;
import io.keyfob.Policy;
import io.keyfob.Secret;
import io.keyfob.SoffidDevice;
import io.keyfob.SoffidRow;
import io.keyfob.Status;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import soffid.ScoDevice;
import soffid.ValidatePin;

/** {@code examples/java/soffid} on each database, with two threads that guess at once. */
class ValidatePinTest {
    private static final long NOW = 1_700_000_000L;
    private static final String KEY = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    private static final ValidatePin.OtpDeviceEntity DEVICE = new ValidatePin.OtpDeviceEntity(60);
    private static final ValidatePin.OtpConfig CONFIG = new ValidatePin.OtpConfig(10, 10, 10, 10, 10, 8, 3);
    /** A local time that Madrid skipped: in that night 03:00:00 followed 01:59:59. */
    private static final String GAP = "2021-03-28 02:30:00";

    static List<Database> databases() throws Exception {
        return Database.all();
    }

    /** The table of a database, with the number of its stored swaps. */
    private static class Counted extends ScoDevice {
        private final AtomicInteger stored = new AtomicInteger();

        Counted(Database database) throws SQLException {
            super(database.source());
            database.createScoDevice();
        }

        @Override
        public boolean swap(long id, SoffidRow read, SoffidRow next) throws SQLException {
            boolean isStored = super.swap(id, read, next);
            if (isStored) {
                stored.incrementAndGet();
            }
            return isStored;
        }

        ValidatePin example() {
            return new ValidatePin(this, Clock.fixed(Instant.ofEpochSecond(NOW), ZoneOffset.UTC));
        }
    }

    private static SoffidRow.Builder row(Kind kind) {
        return SoffidRow.builder().type(kind).status(Status.CREATED).created(Instant.ofEpochSecond(NOW - 1000));
    }

    private static String code(long counter) {
        try (Secret secret = Secret.fromBase32(KEY.toCharArray())) {
            return new String(Codes.generateHotp(Parameters.DEFAULT, secret, counter));
        }
    }

    /** The results of {@code tries} calls in each of two threads. */
    private static List<Boolean> byTwo(ValidatePin example, int tries, String pin) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(2);
        try {
            Callable<List<Boolean>> guesser = () -> {
                List<Boolean> answers = new ArrayList<>();
                for (int at = 0; at < tries; at++) {
                    answers.add(example.validatePin(DEVICE, CONFIG, pin));
                }
                return answers;
            };
            List<Boolean> all = new ArrayList<>();
            for (Future<List<Boolean>> answers : threads.invokeAll(List.of(guesser, guesser))) {
                all.addAll(answers.get());
            }
            return all;
        } finally {
            threads.shutdown();
        }
    }

    @ParameterizedTest
    @MethodSource("databases")
    void tenGuessesAreSharedByTwoThreads(Database database) throws Exception {
        Counted table = new Counted(database);
        table.insert(60, row(Kind.TOTP).authKey(KEY.toCharArray()).build());
        assertFalse(byTwo(table.example(), 8, "00000").contains(true));
        SoffidRow row = table.read(60);
        assertEquals(10, row.fails());
        assertEquals(10, table.stored.get(), "evaluated");
        assertEquals(Status.LOCKED, row.status());
        assertFalse(table.example().validatePin(DEVICE, CONFIG, code(NOW / 30)), "locked");
    }

    @ParameterizedTest
    @MethodSource("databases")
    void oneCodeIsRightInOneOfTwoThreads(Database database) throws Exception {
        Counted table = new Counted(database);
        table.insert(60, row(Kind.HOTP).authKey(KEY.toCharArray()).build());
        for (int counter = 0; counter < 30; counter++) {
            List<Boolean> answers = byTwo(table.example(), 1, code(counter));
            assertEquals(1, answers.stream().filter(answer -> answer).count(), () -> answers.toString());
            assertEquals(counter, table.read(60).lastUsedValue());
        }
    }

    /** It changes no column, and that is no conflict. */
    @ParameterizedTest
    @MethodSource("databases")
    void theCodeAcceptedLastIsRefusedOnceMoreAndWritesNothing(Database database) throws Exception {
        for (Kind kind : new Kind[] {Kind.TOTP, Kind.HOTP}) {
            Counted table = new Counted(database);
            table.insert(60, row(kind).authKey(KEY.toCharArray()).build());
            String right = code(kind == Kind.TOTP ? NOW / 30 : 0);
            assertTrue(table.example().validatePin(DEVICE, CONFIG, right));
            SoffidRow used = table.read(60);
            for (int again = 0; again < 20; again++) {
                assertFalse(table.example().validatePin(DEVICE, CONFIG, right));
            }
            assertEquals(used, table.read(60));
            assertEquals(1, table.stored.get());
        }
    }

    /** The pom sets the zone of this JVM to Madrid. */
    @ParameterizedTest
    @MethodSource("databases")
    void aLastUseInTheSkippedHourStaysAndHoldsNoUserUp(Database database) throws Exception {
        assertEquals("Europe/Madrid", ZoneId.systemDefault().getId());
        Counted table = new Counted(database);
        table.insert(60, row(Kind.TOTP).authKey(KEY.toCharArray()).build());
        database.execute("UPDATE SCO_DEVICE SET OTP_LASUSE='" + GAP + ".000'");
        assertFalse(table.example().validatePin(DEVICE, CONFIG, "00000"));
        assertEquals(1, table.read(60).fails());
        assertTrue(lastUse(database).startsWith(GAP), lastUse(database));
        assertTrue(table.example().validatePin(DEVICE, CONFIG, code(NOW / 30)));
        assertEquals(Instant.ofEpochSecond(NOW), table.read(60).lastUsed());
    }

    /** The value in the database, without the driver's conversion to an instant. */
    private static String lastUse(Database database) throws SQLException {
        try (Connection connection = database.source().getConnection(); Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("SELECT CAST(OTP_LASUSE AS CHAR(19)) FROM SCO_DEVICE")) {
            row.next();
            return row.getString(1);
        }
    }

    @ParameterizedTest
    @MethodSource("databases")
    void aSwapThatChangesNoRowIsLost(Database database) throws Exception {
        Counted table = new Counted(database);
        table.insert(60, row(Kind.TOTP).authKey(KEY.toCharArray()).build());
        SoffidRow read = table.read(60);
        SoffidRow next = read.toBuilder().fails(1).build();
        assertFalse(table.swap(60, read, read), "nothing to change");
        assertTrue(table.swap(60, read, next));
        assertFalse(table.swap(60, read, next), "no longer the row that was read");
        assertFalse(table.swap(61, read, next), "no such row");
        assertEquals(next, table.read(60));
        SoffidRow used = next.toBuilder().lastUsed(Instant.ofEpochSecond(NOW)).build();
        assertTrue(table.swap(60, next, used), "a time alone, as by an unlock");
        assertEquals(used, table.read(60));
    }

    @ParameterizedTest
    @MethodSource("databases")
    void aTableThatStoresNothingEndsTheLoop(Database database) throws Exception {
        Counted table = new Counted(database) {
            @Override
            public boolean swap(long id, SoffidRow read, SoffidRow next) {
                return false;
            }
        };
        table.insert(60, row(Kind.TOTP).authKey(KEY.toCharArray()).build());
        assertTrue(assertThrows(OtpException.class, () -> table.example().validatePin(DEVICE, CONFIG, "00000")).isConflict());
    }

    /** The add-on has read it so since January 2022, whatever its configuration says. */
    @ParameterizedTest
    @MethodSource("databases")
    void aHotpRowWithoutDigitsHasSix(Database database) throws Exception {
        Counted table = new Counted(database);
        table.insert(60, row(Kind.HOTP).authKey(KEY.toCharArray()).build());
        assertTrue(table.example().validatePin(DEVICE, CONFIG, code(0)));
        assertNull(table.read(60).digits());
        assertNull(table.read(60).algorithm());
    }

    @ParameterizedTest
    @MethodSource("databases")
    void messagesAndPinsGoThroughTheTableToo(Database database) throws Exception {
        Counted table = new Counted(database);
        for (Kind kind : new Kind[] {Kind.SMS, Kind.PIN}) {
            ValidatePin.OtpDeviceEntity entity = new ValidatePin.OtpDeviceEntity(kind.ordinal());
            SoffidRow.Builder made = row(kind);
            table.insert(entity.id(), (kind == Kind.PIN ? made.pin("12345678".toCharArray()) : made).build());
            String answer;
            Policy policy = CONFIG.toKeyfob().policy(kind).build();
            try (SoffidRow row = table.read(entity.id()); OtpDevice device = SoffidDevice.importRow(row, policy);
                    Challenge challenge = device.challenge(policy, NOW,
                            SoffidDevice.storeFor(row, policy, (read, next) -> table.swap(entity.id(), read, next)))) {
                StringBuilder digits = new StringBuilder(new String(challenge.code()));
                for (int position : challenge.positions()) {
                    digits.append(position);
                }
                answer = digits.toString();
            }
            assertFalse(table.example().validatePin(entity, CONFIG, answer + "0"));
            assertTrue(table.example().validatePin(entity, CONFIG, answer));
            assertFalse(table.example().validatePin(entity, CONFIG, answer));
        }
    }
}
