package io.keyfob;

import static io.keyfob.Fixtures.NOW;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Rows of SCO_DEVICE, imported and updated. */
class SoffidTest {
    static final Instant CREATED = Instant.ofEpochSecond(NOW - 1000, 123_456_000);
    static final Instant USED = Instant.ofEpochSecond(NOW - 500, 654_321_000);

    static SoffidRow.Builder row(Kind kind) {
        SoffidRow.Builder row = SoffidRow.builder().type(kind).status(Status.VALIDATED).fails(3).created(CREATED).lastUsed(USED)
                .lastIssued(USED).email("a@b.c").phone("123").lastUsedValue(0L);
        return kind == Kind.PIN ? row.pin("12345678".toCharArray()) : row.authKey(Fixtures.BASE32.toCharArray());
    }

    static SoffidRow there(SoffidRow row) {
        try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID)) {
            return SoffidDevice.updateRow(device, row, Policy.SOFFID);
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
        try (OtpDevice device = SoffidDevice.importRow(totp, Policy.SOFFID)) {
            assertTrue(device.verify(Policy.SOFFID, Fixtures.codeAt(NOW), NOW).isRight());
            assertEquals(totp.toBuilder().fails(0).lastUsedValue(NOW / 30).lastUsed(Instant.ofEpochSecond(NOW)).build(),
                    SoffidDevice.updateRow(device, totp, Policy.SOFFID));
        }
        SoffidRow hotp = row(Kind.HOTP).build();
        try (OtpDevice device = SoffidDevice.importRow(hotp, Policy.SOFFID)) {
            assertFalse(device.verify(Policy.SOFFID, Fixtures.codeOf(0), NOW).isRight(), "counter 0 was used");
            assertEquals(hotp, SoffidDevice.updateRow(device, hotp, Policy.SOFFID), "and its code is no fail");
            assertFalse(device.verify(Policy.SOFFID, Fixtures.wrongFrom(0), NOW).isRight());
            assertEquals(hotp.toBuilder().fails(4).build(), SoffidDevice.updateRow(device, hotp, Policy.SOFFID));
            assertTrue(device.verify(Policy.SOFFID, Fixtures.codeOf(24), NOW).isRight());
        }
    }

    /**
     * The add-on takes NULL for -5 and tries the counters after it. So it may have stored -4 to -1,
     * which no authenticator has.
     */
    @Test
    void aNegativeCounterIsNone() {
        for (long column : new long[] {-1, -2, -3, -4, -5, Long.MIN_VALUE}) {
            for (Kind kind : new Kind[] {Kind.TOTP, Kind.HOTP, Kind.PIN}) {
                SoffidRow row = row(kind).lastUsedValue(column).build();
                assertEquals(row, there(row), "nothing has changed");
            }
            SoffidRow row = row(Kind.HOTP).lastUsedValue(column).build();
            try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID)) {
                assertTrue(device.verify(Policy.SOFFID, Fixtures.codeOf(0), NOW).isRight());
                assertEquals(0L, SoffidDevice.updateRow(device, row, Policy.SOFFID).lastUsedValue());
            }
            SoffidRow totp = row(Kind.TOTP).lastUsedValue(column).build();
            try (OtpDevice device = SoffidDevice.importRow(totp, Policy.SOFFID)) {
                assertTrue(device.verify(Policy.SOFFID, Fixtures.codeAt(NOW), NOW).isRight());
                assertEquals(NOW / 30, SoffidDevice.updateRow(device, totp, Policy.SOFFID).lastUsedValue());
            }
        }
    }

    @Test
    void failsCountUpToTheFailThatLocks() {
        Policy policy = Policy.builder().throttleThenLock(5, 30, 3600, 90).pinPositions(4).build();
        SoffidRow row = row(Kind.HOTP).fails(40).build();
        try (OtpDevice device = SoffidDevice.importRow(row, policy)) {
            assertEquals(40, device.info().fails());
            assertEquals(41, device.verify(policy, "wrong".toCharArray(), NOW).fails());
            assertEquals(row.toBuilder().fails(41).build(), SoffidDevice.updateRow(device, row, policy));
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
                    try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID)) {
                        assertEquals(9, device.info().fails());
                    }
                }
                SoffidRow row = row(Kind.HOTP).status(open).fails(fails).build();
                try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID)) {
                    assertTrue(device.verify(Policy.SOFFID, Fixtures.wrongFrom(0), NOW).isLocked(), "one fail away from the lock");
                    assertEquals(row.toBuilder().fails(10).status(Status.LOCKED).build(), SoffidDevice.updateRow(device, row, Policy.SOFFID));
                }
                try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID)) {
                    assertTrue(device.verify(Policy.SOFFID, Fixtures.codeOf(1), NOW).isRight());
                    assertEquals(row.toBuilder().fails(0).status(Status.VALIDATED).lastUsedValue(1L).lastUsed(Instant.ofEpochSecond(NOW)).build(),
                            SoffidDevice.updateRow(device, row, Policy.SOFFID));
                }
            }
            SoffidRow locked = row(Kind.TOTP).status(Status.LOCKED).fails(fails).build();
            assertEquals(locked, there(locked));
            try (OtpDevice device = SoffidDevice.importRow(locked, Policy.SOFFID)) {
                assertEquals(fails, device.info().fails());
            }
        }
    }

    /** Else the old authenticator's codes would be right, and from the first one on. */
    @Test
    void aReplacedFactorIsWritten() {
        Parameters other = Parameters.builder().digits(8).algorithm(Algorithm.SHA256).build();
        for (Kind kind : Fixtures.kindsOfSoffid()) {
            SoffidRow row = row(kind).lastUsedValue(kind == Kind.TOTP ? NOW / 30 - 100 : 5).build();
            try (Secret secret = Secret.fromBytes("ABCDEFGHIJKLMNOPQRST".getBytes(StandardCharsets.US_ASCII));
                    OtpDevice from = kind == Kind.TOTP ? OtpDevice.totp(other, secret, NOW) : kind == Kind.HOTP ? OtpDevice.hotp(other, secret, 0, NOW)
                            : kind == Kind.SMS ? OtpDevice.sms(other, secret, NOW) : kind == Kind.EMAIL ? OtpDevice.email(other, secret, NOW)
                            : OtpDevice.pin(Policy.SOFFID, "87654321".toCharArray(), NOW);
                    OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID)) {
                device.replaceFactor(from, NOW);
                SoffidRow next = SoffidDevice.updateRow(device, row, Policy.SOFFID);
                assertEquals(3, next.fails());
                if (kind == Kind.TOTP || kind == Kind.HOTP) {
                    assertArrayEquals("IFBEGRCFIZDUQSKKJNGE2TSPKBIVEU2U".toCharArray(), next.authKey());
                }
                assertEquals(kind == Kind.PIN ? null : 8, next.digits());
                assertEquals(kind == Kind.PIN ? null : "HmacSHA256", next.algorithm());
                assertArrayEquals(kind == Kind.PIN ? "87654321".toCharArray() : null, next.pin());
                try (OtpDevice again = SoffidDevice.importRow(next, Policy.SOFFID)) {
                    assertArrayEquals(from.secret(), again.secret());
                    assertEquals(next.toBuilder().build(), SoffidDevice.updateRow(again, next, Policy.SOFFID));
                }
                assertEquals("a@b.c", next.email());
            }
        }
    }

    @Test
    void aDeviceEnrolledHereHasARow() {
        List<OtpDevice> devices = List.of(Fixtures.totp(), Fixtures.hotp(), OtpDevice.pin(Policy.SOFFID, "12345678".toCharArray(), NOW));
        for (OtpDevice device : devices) {
            SoffidRow row = SoffidDevice.exportRow(device);
            assertEquals(Status.CREATED, row.status());
            assertEquals(Instant.ofEpochSecond(NOW), row.created());
            try (OtpDevice read = SoffidDevice.importRow(row, Policy.SOFFID)) {
                assertArrayEquals(device.secret(), read.secret());
                assertEquals(device.info().kind(), read.info().kind());
                assertEquals(device.info().algorithm(), read.info().algorithm());
                assertEquals(row, SoffidDevice.updateRow(read, row, Policy.SOFFID));
            }
        }
        try (Secret secret = Fixtures.secret(); OtpDevice sms = OtpDevice.sms(Parameters.DEFAULT, secret, NOW);
                Challenge challenge = sms.challenge(Policy.SOFFID, NOW)) {
            SoffidRow row = SoffidDevice.exportRow(sms).toBuilder().phone("123").build();
            assertEquals("123", row.phone());
            try (OtpDevice read = SoffidDevice.importRow(row, Policy.SOFFID)) {
                assertTrue(read.verify(Policy.SOFFID, challenge.code(), NOW).isRight());
            }
        }
    }

    /** Else an expired device would be usable again, since the row would not say so. */
    @Test
    void aDeviceWithAValidityHasNoRow() {
        for (Kind kind : new Kind[] {Kind.TOTP, Kind.HOTP}) {
            SoffidRow row = row(kind).build();
            try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID)) {
                char[] code = kind == Kind.TOTP ? Fixtures.codeAt(NOW) : Fixtures.codeOf(1);
                Store store = SoffidDevice.storeFor(row, Policy.SOFFID, (read, next) -> {
                    throw new AssertionError("nothing is written");
                });
                for (long[] validity : new long[][] {{NOW, 0}, {0, NOW}, {NOW, NOW}}) {
                    device.setValidity(validity[0], validity[1], NOW);
                    assertEquals(OtpError.SOFFID_PARAMETERS, assertThrows(OtpException.class, () -> SoffidDevice.exportRow(device)).error());
                    assertEquals(OtpError.SOFFID_PARAMETERS, assertThrows(OtpException.class, () -> SoffidDevice.updateRow(device, row, Policy.SOFFID)).error());
                    byte[] before = device.toRecord();
                    assertEquals(OtpError.SOFFID_PARAMETERS, assertThrows(OtpException.class, () -> device.verify(Policy.SOFFID, code, NOW, store)).error());
                    assertArrayEquals(before, device.toRecord());
                }
                device.setValidity(0, 0, NOW);
                assertEquals(row, SoffidDevice.updateRow(device, row, Policy.SOFFID));
            }
        }
    }

    /** Midnight of 1 January 1970 in Madrid, and the negative fails of some programs. */
    @Test
    void aColumnBelowZeroCountsAsZeroAndStays() {
        for (Kind kind : new Kind[] {Kind.TOTP, Kind.HOTP, Kind.PIN}) {
            SoffidRow row = row(kind).created(Instant.ofEpochSecond(-3600)).lastUsed(Instant.ofEpochMilli(-1)).fails(-4).build();
            assertEquals(row, there(row));
            try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID)) {
                assertEquals(0, device.info().fails());
                assertEquals(0, device.info().created());
                device.challenge(Policy.SOFFID, NOW).close();
            }
        }
    }

    /** A pending challenge of such a row is kept, too. */
    @Test
    void aChallengeOfARowFromBefore1970StaysPending() {
        for (Kind kind : new Kind[] {Kind.SMS, Kind.PIN}) {
            SoffidRow row = row(kind).created(Instant.ofEpochSecond(-3600)).lastUsed(null).authKey(null).build();
            try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID)) {
                device.challenge(Policy.SOFFID, NOW).close();
                row = SoffidDevice.updateRow(device, row, Policy.SOFFID);
            }
            assertEquals(Instant.ofEpochSecond(-3600), row.created());
            try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID)) {
                assertTrue(device.info().pendingSince().isPresent());
            }
        }
    }

    @Test
    void anUnlockAfterAClockThatWasAheadIsKeptInTheRow() {
        for (Kind kind : new Kind[] {Kind.TOTP, Kind.HOTP, Kind.PIN}) {
            Instant ahead = Instant.ofEpochSecond(NOW + 7200, 5000);
            SoffidRow row = row(kind).created(ahead).lastUsed(ahead).lastUsedValue(NOW / 30 + 240).build();
            try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID)) {
                assertEquals(OtpError.CLOCK, assertThrows(OtpException.class, () -> device.challenge(Policy.SOFFID, NOW)).error());
                device.unlock(NOW);
                row = SoffidDevice.updateRow(device, row, Policy.SOFFID);
            }
            assertEquals(Instant.ofEpochSecond(NOW), row.created());
            assertEquals(Instant.ofEpochSecond(NOW), row.lastUsed());
            try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID)) {
                if (kind == Kind.TOTP) {
                    assertEquals(Reason.CLOCK_WAS_AHEAD, device.verify(Policy.SOFFID, Fixtures.codeAt(NOW), NOW).reason());
                    device.forgetSteps(NOW);
                    row = SoffidDevice.updateRow(device, row, Policy.SOFFID);
                    assertEquals(NOW / 30, row.lastUsedValue());
                }
                assertEquals(0, device.info().fails());
                device.challenge(Policy.SOFFID, NOW).close();
            }
        }
    }

    /** OTP_LASUSE is a local time, and a night in autumn has one hour twice. */
    @Test
    void anHourThatComesTwiceLocksNoUserOut() {
        for (Kind kind : new Kind[] {Kind.TOTP, Kind.PIN}) {
            Policy policy = SoffidConfig.builder().build().policy(kind).build();
            SoffidRow row = row(kind).lastUsed(Instant.ofEpochSecond(NOW + 3600)).lastUsedValue(null).build();
            try (OtpDevice device = SoffidDevice.importRow(row, policy); Challenge challenge = device.challenge(policy, NOW)) {
                char[] right = kind == Kind.PIN ? Fixtures.digitsAt(challenge.positions()) : Fixtures.codeAt(NOW);
                assertTrue(device.verify(policy, right, NOW).isRight());
            }
        }
    }

    @Test
    void aClosedRowHasNoSecrets() {
        SoffidRow row = row(Kind.TOTP).build();
        SoffidRow same = row(Kind.TOTP).build();
        assertEquals(same, row);
        SoffidRow.Builder builder = row.toBuilder();
        try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID)) {
            row.close();
            assertThrows(IllegalStateException.class, row::authKey);
            assertThrows(IllegalStateException.class, row::pin);
            assertThrows(IllegalStateException.class, builder::build);
            assertThrows(IllegalStateException.class, () -> SoffidDevice.importRow(row, Policy.SOFFID));
            assertThrows(IllegalStateException.class, () -> SoffidDevice.updateRow(device, row, Policy.SOFFID));
        }
        assertFalse(row.equals(same) || same.equals(row));
        assertEquals(row, row);
        row.close();
    }

    @Test
    void aRowIsOfTheDevicesKind() {
        try (OtpDevice device = Fixtures.hotp()) {
            assertEquals(OtpError.WRONG_KIND, assertThrows(OtpException.class, () -> SoffidDevice.updateRow(device, row(Kind.TOTP).build(), Policy.SOFFID)).error());
        }
    }

    @Test
    void aDeviceOfTheAddOnVerifiesWhereItStood() {
        SoffidRow hotp = row(Kind.HOTP).digits(8).algorithm("HmacSHA512").lastUsedValue(99L).build();
        try (OtpDevice device = SoffidDevice.importRow(hotp, Policy.SOFFID); Secret secret = Fixtures.secret()) {
            char[] code = Codes.generateHotp(Parameters.builder().digits(8).algorithm(Algorithm.SHA512).build(), secret, 100);
            assertTrue(device.verify(Policy.SOFFID, code, NOW).isRight());
        }
    }

    @Test
    void columnsThatCannotBeAreRefused() {
        assertEquals(OtpError.SECRET_LENGTH, refused(row(Kind.TOTP).authKey(null)));
        assertEquals(OtpError.SECRET_LENGTH, refused(row(Kind.TOTP).authKey(new String(new char[30]).replace('\0', 'A').repeat(4).toCharArray())));
        assertEquals(OtpError.DIGITS, refused(row(Kind.TOTP).digits(4)));
        assertEquals(OtpError.PIN_DIGITS, refused(row(Kind.PIN).pin("12a4".toCharArray())));
        assertEquals(OtpError.PIN_LENGTH, refused(row(Kind.PIN).pin(null)));
    }

    /**
     * 64 bytes with a blank after every five characters are longer than the engine's field. Cut,
     * they would be another secret.
     */
    @Test
    void aLongSecretIsReadWholeOrNotAtAll() {
        for (Kind kind : new Kind[] {Kind.TOTP, Kind.HOTP}) {
            for (String gap : new String[] {" ", "-", "\t", "\r\n", "    "}) {
                try (Secret secret = Secret.random(Algorithm.SHA512)) {
                    String spaced = new String(secret.toBase32()).replaceAll(".{5}", "$0" + gap) + gap;
                    assertTrue(spaced.length() > 111);
                    SoffidRow row = row(kind).authKey(spaced.toCharArray()).build();
                    try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID)) {
                        assertArrayEquals(secret.toBytes(), device.secret());
                        assertEquals(row, SoffidDevice.updateRow(device, row, Policy.SOFFID), "even as it was written");
                        device.verify(Policy.SOFFID, new char[6], NOW);
                        assertArrayEquals(row.authKey(), SoffidDevice.updateRow(device, row, Policy.SOFFID).authKey());
                    }
                }
            }
            for (int length = 104; length < 130; length++) {
                assertEquals(OtpError.SECRET_LENGTH, refused(row(kind).authKey("A".repeat(length).toCharArray())));
                assertEquals(OtpError.SECRET_LENGTH, refused(row(kind).authKey((Fixtures.BASE32 + "=".repeat(length)).toCharArray())));
            }
        }
        assertEquals(OtpError.PIN_LENGTH, refused(row(Kind.PIN).pin("1".repeat(100).toCharArray())));
        assertEquals(OtpError.ALGORITHM, refused(row(Kind.TOTP).algorithm("HmacSHA256".repeat(2))));
    }

    static OtpError refused(SoffidRow.Builder row) {
        return assertThrows(OtpException.class, () -> SoffidDevice.importRow(row.build(), Policy.SOFFID)).error();
    }
}
