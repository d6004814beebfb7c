package io.keyfob;

import static io.keyfob.Samples.NOW;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** Rows of SCO_DEVICE, there and back. */
class SoffidTest {
    private static final Instant CREATED = Instant.ofEpochSecond(NOW - 1000, 123_456_000);
    private static final Instant USED = Instant.ofEpochSecond(NOW - 500, 654_321_000);

    private static SoffidRow.Builder row(Kind kind) {
        SoffidRow.Builder row = SoffidRow.builder().type(kind).status(Status.VALIDATED).fails(3).created(CREATED).lastUsed(USED)
                .lastIssued(USED).email("a@b.c").phone("123").lastUsedValue(0L);
        return kind == Kind.PIN ? row.pin("12345678".toCharArray()) : row.authKey(Samples.BASE32.toCharArray());
    }

    private static SoffidRow there(SoffidRow row) {
        try (OtpDevice device = SoffidDevice.read(row)) {
            return SoffidDevice.write(device, row);
        }
    }

    @Test
    void rowsComeBackUnchanged() {
        for (Kind kind : new Kind[] {Kind.TOTP, Kind.HOTP, Kind.PIN}) {
            for (Status status : Status.values()) {
                SoffidRow plain = row(kind).status(status).build();
                assertEquals(plain, there(plain));
            }
            SoffidRow full = row(kind).digits(8).algorithm("HmacSHA256").lastUsedValue(7L).build();
            assertEquals(full, there(full));
            SoffidRow bare = row(kind).fails(0).lastUsed(null).lastIssued(null).lastUsedValue(null).email(null).phone(null).build();
            assertEquals(bare, there(bare));
        }
        SoffidRow spaced = row(Kind.TOTP).authKey("gezd gnbv gy3t qojq gezd gnbv gy3t qojq".toCharArray()).build();
        assertEquals(spaced, there(spaced), "even as it was written");
        SoffidRow hashed = row(Kind.PIN).authKey("2jmj7l5rSw0yVb/vlWAYkK/YBwk=".toCharArray()).build();
        assertEquals(hashed, there(hashed));
    }

    @Test
    void anAttemptChangesItsColumnsOnly() {
        SoffidRow totp = row(Kind.TOTP).lastUsedValue(NOW / 30 - 5).build();
        try (OtpDevice device = SoffidDevice.read(totp)) {
            assertTrue(device.verify(Policy.SOFFID, Samples.codeAt(NOW), NOW).isRight());
            assertEquals(totp.toBuilder().fails(0).lastUsedValue(NOW / 30).lastUsed(Instant.ofEpochSecond(NOW)).build(),
                    SoffidDevice.write(device, totp));
        }
        SoffidRow hotp = row(Kind.HOTP).build();
        try (OtpDevice device = SoffidDevice.read(hotp)) {
            assertFalse(device.verify(Policy.SOFFID, Samples.codeOf(0), NOW).isRight(), "counter 0 was used");
            assertEquals(hotp.toBuilder().fails(4).build(), SoffidDevice.write(device, hotp));
            assertTrue(device.verify(Policy.SOFFID, Samples.codeOf(24), NOW).isRight());
        }
    }

    /** Soffid locks on the eleventh fail, and keeps the fails when it unlocks. */
    @Test
    void anOpenRowKeepsItsTenOrElevenFailsUntilAnAttempt() {
        for (int fails : new int[] {9, 10, 11, 1000}) {
            for (Status open : new Status[] {Status.CREATED, Status.VALIDATED}) {
                for (Kind kind : new Kind[] {Kind.TOTP, Kind.HOTP, Kind.PIN}) {
                    SoffidRow row = row(kind).status(open).fails(fails).build();
                    assertEquals(row, there(row));
                    try (OtpDevice device = SoffidDevice.read(row)) {
                        assertEquals(9, device.info().fails());
                    }
                }
                SoffidRow row = row(Kind.HOTP).status(open).fails(fails).build();
                try (OtpDevice device = SoffidDevice.read(row)) {
                    assertTrue(device.verify(Policy.SOFFID, Samples.wrongFrom(0), NOW).isLocked(), "one fail away from the lock");
                    assertEquals(row.toBuilder().fails(10).status(Status.LOCKED).build(), SoffidDevice.write(device, row));
                }
                try (OtpDevice device = SoffidDevice.read(row)) {
                    assertTrue(device.verify(Policy.SOFFID, Samples.codeOf(1), NOW).isRight());
                    assertEquals(row.toBuilder().fails(0).status(Status.VALIDATED).lastUsedValue(1L).lastUsed(Instant.ofEpochSecond(NOW)).build(),
                            SoffidDevice.write(device, row));
                }
            }
            SoffidRow locked = row(Kind.TOTP).status(Status.LOCKED).fails(fails).build();
            assertEquals(locked, there(locked));
            try (OtpDevice device = SoffidDevice.read(locked)) {
                assertEquals(fails, device.info().fails());
            }
        }
    }

    @Test
    void aLaterLockFallsOnTheTenthFailOfARow() {
        SoffidConfig config = SoffidConfig.builder().totpLock(20).hotpLock(20).smsLock(20).pinDigits(4).build();
        for (Kind kind : new Kind[] {Kind.TOTP, Kind.HOTP}) {
            Policy policy = config.policy(kind).build();
            for (int fails : new int[] {0, 9, 11}) {
                SoffidRow row = row(kind).fails(fails).build();
                int guesses = 0;
                while (row.status() != Status.LOCKED) {
                    try (OtpDevice device = SoffidDevice.read(row)) {
                        assertFalse(device.verify(policy, "00000".toCharArray(), NOW).isRight());
                        row = SoffidDevice.write(device, row);
                    }
                    guesses++;
                    assertTrue(guesses <= 10);
                }
                assertEquals(fails == 0 ? 10 : 1, guesses);
                assertEquals(10, row.fails());
            }
        }
        // A row that keeps a record counts on.
        Policy policy = config.policy(Kind.SMS).build();
        SoffidRow row = row(Kind.SMS).authKey(null).fails(0).build();
        try (OtpDevice device = SoffidDevice.read(row); Challenge challenge = device.challenge(policy, NOW)) {
            assertTrue(challenge.isFresh());
            row = SoffidDevice.write(device, row);
        }
        for (int guess = 1; guess <= 20; guess++) {
            assertEquals(Status.VALIDATED, row.status());
            try (OtpDevice device = SoffidDevice.read(row)) {
                assertEquals(guess == 20, device.verify(policy, "00000".toCharArray(), NOW).isLocked());
                row = SoffidDevice.write(device, row);
            }
            assertEquals(guess, row.fails());
        }
        assertEquals(Status.LOCKED, row.status());
    }

    @Test
    void aChallengeKeepsElevenFailsAndStaysPending() {
        for (Kind kind : new Kind[] {Kind.SMS, Kind.EMAIL, Kind.PIN}) {
            for (int fails : new int[] {10, 11}) {
                SoffidRow row = row(kind).authKey(null).fails(fails).build();
                char[] answer;
                try (OtpDevice device = SoffidDevice.read(row); Challenge challenge = device.challenge(Policy.SOFFID, NOW)) {
                    answer = kind == Kind.PIN ? Samples.digitsAt(challenge.positions()) : challenge.code();
                    row = SoffidDevice.write(device, row);
                }
                assertEquals(fails, row.fails());
                assertEquals(row, there(row));
                try (OtpDevice device = SoffidDevice.read(row)) {
                    assertTrue(device.info().pendingSince().isPresent(), "nobody has changed a column");
                    assertTrue(device.verify(Policy.SOFFID, answer, NOW).isRight());
                    assertEquals(0, SoffidDevice.write(device, row).fails());
                }
                // Other fails somebody has written.
                try (OtpDevice device = SoffidDevice.read(row.toBuilder().fails(8).build())) {
                    assertEquals(8, device.info().fails());
                    assertFalse(device.info().pendingSince().isPresent());
                }
            }
        }
    }

    @Test
    void aPendingCodeIsGivenOut() {
        for (Kind kind : new Kind[] {Kind.SMS, Kind.EMAIL}) {
            SoffidRow row = row(kind).authKey(null).lastUsedValue(null).build();
            for (long issue = 0; issue < 3; issue++) {
                try (OtpDevice device = SoffidDevice.read(row); Challenge challenge = device.challenge(Policy.SOFFID, NOW + 100 * issue)) {
                    assertTrue(challenge.isFresh());
                    row = SoffidDevice.write(device, row);
                }
                assertEquals(issue, row.lastUsedValue());
            }
            // Without the record it would be issued again, were it not counted.
            SoffidRow unlocked = row.toBuilder().fails(0).build();
            try (OtpDevice device = SoffidDevice.read(unlocked)) {
                assertEquals(3, device.info().movingFactor());
                assertFalse(device.info().pendingSince().isPresent());
            }
        }
    }

    @Test
    void aWholePinIsAskedForAndAnsweredOnce() {
        Policy policy = SoffidConfig.builder().pinLength(8).pinDigits(9).build().policy(Kind.PIN).build();
        char[] pin = "12345678".toCharArray();
        SoffidRow row = row(Kind.PIN).build();
        try (OtpDevice device = SoffidDevice.read(row)) {
            assertEquals(Reason.NO_CHALLENGE, device.verify(policy, pin, NOW).reason());
        }
        try (OtpDevice device = SoffidDevice.read(row); Challenge challenge = device.challenge(policy, NOW)) {
            assertArrayEquals(new int[] {1, 2, 3, 4, 5, 6, 7, 8}, challenge.positions());
            row = SoffidDevice.write(device, row);
        }
        try (OtpDevice device = SoffidDevice.read(row)) {
            assertTrue(device.verify(policy, pin, NOW).isRight());
            row = SoffidDevice.write(device, row);
        }
        try (OtpDevice device = SoffidDevice.read(row)) {
            assertEquals(Reason.NO_CHALLENGE, device.verify(policy, pin, NOW).reason());
        }
    }

    @Test
    void aRowIsOfTheDevicesKind() {
        try (OtpDevice device = Samples.hotp()) {
            assertEquals(OtpError.WRONG_KIND, assertThrows(OtpException.class, () -> SoffidDevice.write(device, row(Kind.TOTP).build())).error());
        }
    }

    @Test
    void aDeviceOfTheAddOnVerifiesWhereItStood() {
        SoffidRow hotp = row(Kind.HOTP).digits(8).algorithm("HmacSHA512").lastUsedValue(99L).build();
        try (OtpDevice device = SoffidDevice.read(hotp); Secret secret = Samples.secret()) {
            char[] code = Codes.hotp(Parameters.builder().digits(8).algorithm(Algorithm.SHA512).build(), secret, 100);
            assertTrue(device.verify(Policy.SOFFID, code, NOW).isRight());
        }
    }

    @Test
    void aMessageIsAnsweredFromTheRowAlone() {
        for (Kind kind : new Kind[] {Kind.SMS, Kind.EMAIL}) {
            SoffidRow old = row(kind).authKey("hash of the add-on".toCharArray()).lastUsedValue(null).digits(8).build();
            SoffidRow[] stored = {old};
            char[] code;
            try (OtpDevice device = SoffidDevice.read(old);
                    Challenge challenge = device.challenge(Policy.SOFFID, NOW, SoffidDevice.store(old, (read, next) -> {
                        stored[0] = next.toBuilder().build();
                        return true;
                    }))) {
                code = challenge.code();
            }
            assertEquals(8, code.length);
            assertEquals(Instant.ofEpochSecond(NOW), stored[0].lastIssued());
            assertTrue(stored[0].authKey().length <= 255, "the column has 255 characters");
            try (OtpDevice device = SoffidDevice.read(stored[0])) {
                assertTrue(device.verify(Policy.SOFFID, code, NOW + 10).isRight());
                stored[0] = SoffidDevice.write(device, stored[0]);
            }
            assertEquals(0L, stored[0].lastUsedValue());
            assertEquals(Instant.ofEpochSecond(NOW + 10), stored[0].lastUsed());
            try (OtpDevice device = SoffidDevice.read(stored[0])) {
                assertEquals(Reason.NO_CHALLENGE, device.verify(Policy.SOFFID, code, NOW + 20).reason());
                try (Challenge next = device.challenge(Policy.SOFFID, NOW + 20)) {
                    assertFalse(new String(code).equals(new String(next.code())));
                }
            }
        }
    }

    @Test
    void aPinIsAnsweredFromTheRowAlone() {
        SoffidRow row = row(Kind.PIN).build();
        int[] positions;
        try (OtpDevice device = SoffidDevice.read(row); Challenge challenge = device.challenge(Policy.SOFFID, NOW)) {
            positions = challenge.positions();
            row = SoffidDevice.write(device, row);
        }
        try (OtpDevice device = SoffidDevice.read(row)) {
            assertArrayEquals(positions, device.info().positions());
            assertFalse(device.verify(Policy.SOFFID, "000".toCharArray(), NOW).isRight());
            row = SoffidDevice.write(device, row);
        }
        try (OtpDevice device = SoffidDevice.read(row); Challenge again = device.challenge(Policy.SOFFID, NOW)) {
            assertArrayEquals(positions, again.positions(), "they stay until answered");
            assertTrue(device.verify(Policy.SOFFID, Samples.digitsAt(positions), NOW).isRight());
            row = SoffidDevice.write(device, row);
        }
        assertNull(row.authKey(), "as the add-on leaves it");
        assertNull(row.lastUsedValue() == 0L ? null : row.lastUsedValue(), "and not touched");
    }

    @Test
    void whatBecomesAMessageHasNoPinForItsSecret() {
        SoffidRow row = row(Kind.PIN).build();
        try (OtpDevice device = SoffidDevice.read(row); Challenge challenge = device.challenge(Policy.SOFFID, NOW)) {
            assertEquals(3, challenge.positions().length);
            row = SoffidDevice.write(device, row);
        }
        assertNotNull(row.authKey(), "the record is kept while a challenge is pending");
        for (Kind kind : new Kind[] {Kind.SMS, Kind.EMAIL}) {
            try (OtpDevice device = SoffidDevice.read(row.toBuilder().type(kind).build())) {
                assertEquals(20, device.secret().length);
                assertFalse(Arrays.equals("12345678".getBytes(StandardCharsets.US_ASCII), Arrays.copyOf(device.secret(), 8)));
            }
        }
    }

    @Test
    void whoeverChangedAColumnIsRight() {
        SoffidRow row = row(Kind.SMS).authKey(null).lastUsedValue(null).build();
        char[] code;
        try (OtpDevice device = SoffidDevice.read(row); Challenge challenge = device.challenge(Policy.SOFFID, NOW)) {
            code = challenge.code();
            row = SoffidDevice.write(device, row);
        }
        // An administrator resets the fails in Soffid's console: the pending code has ended, and is not issued once more.
        SoffidRow reset = row.toBuilder().fails(0).build();
        try (OtpDevice device = SoffidDevice.read(reset); Challenge next = device.challenge(Policy.SOFFID, NOW)) {
            assertEquals(0, device.info().fails());
            assertTrue(next.isFresh());
            assertFalse(new String(code).equals(new String(next.code())));
            assertFalse(device.verify(Policy.SOFFID, code, NOW).isRight());
        }
        SoffidRow locked = row.toBuilder().status(Status.LOCKED).build();
        try (OtpDevice device = SoffidDevice.read(locked)) {
            assertEquals(Reason.LOCKED, device.verify(Policy.SOFFID, code, NOW).reason());
        }
    }

    @Test
    void columnsThatCannotBeAreRefused() {
        assertEquals(OtpError.RECORD_DAMAGED, refused(row(Kind.SMS).authKey("keyfob:*".toCharArray())));
        assertEquals(OtpError.RECORD_FOREIGN, refused(row(Kind.SMS).authKey("keyfob:AAAA".toCharArray())));
        assertEquals(OtpError.SECRET_LENGTH, refused(row(Kind.TOTP).authKey(null)));
        assertEquals(OtpError.SECRET_LENGTH, refused(row(Kind.TOTP).authKey(new String(new char[30]).replace('\0', 'A').repeat(4).toCharArray())));
        assertEquals(OtpError.DIGITS, refused(row(Kind.TOTP).digits(4)));
        assertEquals(OtpError.PIN_DIGITS, refused(row(Kind.PIN).pin("12a4".toCharArray())));
        assertEquals(OtpError.PIN_LENGTH, refused(row(Kind.PIN).pin(null)));
    }

    private static OtpError refused(SoffidRow.Builder row) {
        return assertThrows(OtpException.class, () -> SoffidDevice.read(row.build())).error();
    }

    @Test
    void theConfigurationIsAPolicy() {
        SoffidConfig config = SoffidConfig.builder().totpLock(5).hotpLock(6).smsLock(7).emailLock(8).pinLock(4).pinLength(6).pinDigits(4).build();
        int[] locks = {5, 6, 7, 8, 4};
        for (Kind kind : Kind.values()) {
            Policy policy = config.policy(kind).build();
            assertEquals(locks[kind.ordinal()], policy.lockFails());
            assertEquals(10, policy.window());
            assertEquals(24, policy.lookAhead());
            assertEquals(6, policy.pinLength());
            assertEquals(4, policy.positions());
        }
        SoffidConfig unset = SoffidConfig.builder().totpLock(null).pinDigits(null).pinLength(null).build();
        assertEquals(Policy.SOFFID, unset.policy(Kind.TOTP).build());
        assertEquals(0, SoffidConfig.builder().pinLength(6).pinDigits(9).build().policy(Kind.PIN).build().positions());
        assertEquals(OtpError.PIN_BOUND, assertThrows(OtpException.class,
                () -> SoffidConfig.builder().pinDigits(2).build().policy(Kind.PIN).build()).error());
    }
}
