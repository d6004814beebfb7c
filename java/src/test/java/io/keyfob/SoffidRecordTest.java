package io.keyfob;

import static io.keyfob.Fixtures.NOW;
import static io.keyfob.SoffidTest.refused;
import static io.keyfob.SoffidTest.row;
import static io.keyfob.SoffidTest.there;
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
import java.util.Base64;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** Rows of SCO_DEVICE that keep a record in OTP_AUTKEY: messages, and PINs with a challenge. */
class SoffidRecordTest {
    @Test
    void aLockMadeLowerLeavesOneFailOfAPendingChallengeToo() {
        for (Kind kind : new Kind[] {Kind.SMS, Kind.EMAIL, Kind.PIN}) {
            SoffidRow row = row(kind).authKey(null).fails(6).build();
            try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID); Challenge challenge = device.challenge(Policy.SOFFID, NOW)) {
                assertTrue(device.info().pendingSince().isPresent() && challenge != null);
                row = SoffidDevice.updateRow(device, row, Policy.SOFFID);
            }
            Policy strict = Policy.SOFFID.toBuilder().lock(3).build();
            try (OtpDevice device = SoffidDevice.importRow(row, strict); Challenge challenge = device.challenge(strict, NOW)) {
                assertEquals(2, device.info().fails());
                char[] right = kind == Kind.PIN ? Fixtures.digitsAt(challenge.positions()) : challenge.code();
                assertTrue(device.verify(strict, right, NOW).isRight());
            }
        }
    }

    /** A host may read 0 or "" for NULL, and spell the algorithm as it likes. */
    @Test
    void aPendingCodeIsRightInAnySpellingOfItsParameters() {
        for (Kind kind : new Kind[] {Kind.SMS, Kind.EMAIL}) {
            for (SoffidRow.Builder spelled : List.of(row(kind).digits(0).algorithm(""), row(kind).algorithm("HmacSha1"), row(kind).digits(6))) {
                SoffidRow row = spelled.authKey(null).build();
                char[] code;
                try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID); Challenge challenge = device.challenge(Policy.SOFFID, NOW)) {
                    code = challenge.code();
                    row = SoffidDevice.updateRow(device, row, Policy.SOFFID);
                }
                try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID)) {
                    assertTrue(device.verify(Policy.SOFFID, code, NOW).isRight());
                }
            }
        }
    }

    /** Otherwise its challenge would end, and the next would be issued an hour ahead. */
    @Test
    void aKeptRecordKnowsTheHourThatSummerRepeats() {
        for (Kind kind : new Kind[] {Kind.SMS, Kind.EMAIL, Kind.PIN}) {
            SoffidRow row = row(kind).authKey(null).build();
            Policy policy = SoffidConfig.builder().build().policy(kind).build();
            try (OtpDevice device = SoffidDevice.importRow(row, policy); Challenge challenge = device.challenge(policy, NOW)) {
                assertTrue(device.verify(policy, answer(kind, challenge), NOW).isRight());
                device.challenge(policy, NOW + 70).close();
                row = SoffidDevice.updateRow(device, row, policy);
            }
            for (int difference : new int[] {-3600, 3600}) {
                SoffidRow read = row.toBuilder().created(row.created().plusSeconds(difference)).lastUsed(row.lastUsed().plusSeconds(difference)).build();
                try (OtpDevice device = SoffidDevice.importRow(read, policy); Challenge challenge = device.challenge(policy, NOW + 80)) {
                    assertEquals(OptionalLong.of(NOW + 70), device.info().pendingSince());
                    assertEquals(OptionalLong.of(NOW), device.info().lastUsed());
                    assertTrue(device.verify(policy, answer(kind, challenge), NOW + 90).isRight());
                }
                // Another program has changed another column, too.
                try (OtpDevice device = SoffidDevice.importRow(read.toBuilder().fails(2).build(), policy)) {
                    device.challenge(policy, NOW + 200).close();
                    assertEquals(OptionalLong.of(NOW + 200), device.info().pendingSince(), "by the clock, not an hour ahead");
                }
                SoffidRow other = row.toBuilder().lastUsed(row.lastUsed().plusSeconds(difference + 1)).build();
                try (OtpDevice device = SoffidDevice.importRow(other, policy)) {
                    assertFalse(device.info().pendingSince().isPresent());
                }
            }
        }
    }

    private static char[] answer(Kind kind, Challenge challenge) {
        return kind == Kind.PIN ? Fixtures.digitsAt(challenge.positions()) : challenge.code();
    }

    @Test
    void aChallengeKeepsElevenFailsAndStaysPending() {
        for (Kind kind : new Kind[] {Kind.SMS, Kind.EMAIL, Kind.PIN}) {
            for (int fails : new int[] {10, 11}) {
                SoffidRow row = row(kind).authKey(null).fails(fails).build();
                char[] answer;
                try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID); Challenge challenge = device.challenge(Policy.SOFFID, NOW)) {
                    answer = kind == Kind.PIN ? Fixtures.digitsAt(challenge.positions()) : challenge.code();
                    row = SoffidDevice.updateRow(device, row, Policy.SOFFID);
                }
                assertEquals(fails, row.fails());
                assertEquals(row, there(row));
                try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID)) {
                    assertTrue(device.info().pendingSince().isPresent(), "no column has changed");
                    assertTrue(device.verify(Policy.SOFFID, answer, NOW).isRight());
                    assertEquals(0, SoffidDevice.updateRow(device, row, Policy.SOFFID).fails());
                }
                // Another program has written other fails.
                try (OtpDevice device = SoffidDevice.importRow(row.toBuilder().fails(8).build(), Policy.SOFFID)) {
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
                try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID); Challenge challenge = device.challenge(Policy.SOFFID, NOW + 100 * issue)) {
                    assertTrue(challenge.isFresh());
                    row = SoffidDevice.updateRow(device, row, Policy.SOFFID);
                }
                assertEquals(issue, row.lastUsedValue());
            }
            // Without the record it would be issued again, were it not counted.
            SoffidRow unlocked = row.toBuilder().fails(0).build();
            try (OtpDevice device = SoffidDevice.importRow(unlocked, Policy.SOFFID)) {
                assertEquals(3, device.info().movingFactor());
                assertFalse(device.info().pendingSince().isPresent());
            }
        }
    }

    /** An administrator may lower or clear OTP_LASCOU. The same codes must not be issued again. */
    @Test
    void anIssueIsNeverRepeatedWhateverTheColumnSays() {
        for (Kind kind : new Kind[] {Kind.SMS, Kind.EMAIL}) {
            for (boolean isPending : new boolean[] {false, true}) {
                SoffidRow row = row(kind).authKey(null).lastUsedValue(null).build();
                for (int issue = 0; issue < 3; issue++) {
                    long now = NOW + 100 * issue;
                    try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID); Challenge challenge = device.challenge(Policy.SOFFID, now)) {
                        if (!isPending || issue < 2) {
                            assertTrue(device.verify(Policy.SOFFID, challenge.code(), now).isRight());
                        }
                        row = SoffidDevice.updateRow(device, row, Policy.SOFFID);
                    }
                }
                assertEquals(2, row.lastUsedValue());
                for (Long column : new Long[] {null, Long.MIN_VALUE, -4L, -1L, 0L, 1L, 2L, 7L}) {
                    // Other fails, so that the columns are not the record's where OTP_LASCOU is.
                    try (OtpDevice device = SoffidDevice.importRow(row.toBuilder().fails(1).lastUsedValue(column).build(), Policy.SOFFID)) {
                        long next = column != null && column == 7 ? 8 : 3;
                        assertEquals(next, device.info().movingFactor(), () -> kind + " " + isPending + " " + column);
                    }
                }
            }
            // Nothing was issued: nothing counts as used.
            try (OtpDevice device = SoffidDevice.importRow(row(kind).authKey(null).lastUsedValue(null).build(), Policy.SOFFID)) {
                SoffidRow fresh = SoffidDevice.updateRow(device, row(kind).authKey(null).lastUsedValue(null).build(), Policy.SOFFID);
                assertNull(fresh.lastUsedValue());
                try (OtpDevice again = SoffidDevice.importRow(fresh.toBuilder().fails(1).build(), Policy.SOFFID)) {
                    assertEquals(0, again.info().movingFactor());
                }
            }
        }
    }

    @Test
    void aWholePinIsAskedForAndAnsweredOnce() {
        Policy policy = SoffidConfig.builder().pinMinLength(8).pinDigits(9).build().policy(Kind.PIN).build();
        char[] pin = "12345678".toCharArray();
        SoffidRow row = row(Kind.PIN).build();
        try (OtpDevice device = SoffidDevice.importRow(row, policy)) {
            assertEquals(Reason.NO_CHALLENGE, device.verify(policy, pin, NOW).reason());
        }
        try (OtpDevice device = SoffidDevice.importRow(row, policy); Challenge challenge = device.challenge(policy, NOW)) {
            assertArrayEquals(new int[] {1, 2, 3, 4, 5, 6, 7, 8}, challenge.positions());
            row = SoffidDevice.updateRow(device, row, policy);
        }
        try (OtpDevice device = SoffidDevice.importRow(row, policy)) {
            assertTrue(device.verify(policy, pin, NOW).isRight());
            row = SoffidDevice.updateRow(device, row, policy);
        }
        try (OtpDevice device = SoffidDevice.importRow(row, policy)) {
            assertEquals(Reason.NO_CHALLENGE, device.verify(policy, pin, NOW).reason());
        }
    }

    @Test
    void aMessageIsAnsweredFromTheRowAlone() {
        for (Kind kind : new Kind[] {Kind.SMS, Kind.EMAIL}) {
            SoffidRow old = row(kind).authKey("hash of the add-on".toCharArray()).lastUsedValue(null).digits(8).build();
            SoffidRow[] stored = {old};
            char[] code;
            try (OtpDevice device = SoffidDevice.importRow(old, Policy.SOFFID);
                    Challenge challenge = device.challenge(Policy.SOFFID, NOW, SoffidDevice.storeFor(old, Policy.SOFFID, (read, next) -> {
                        stored[0] = next;
                        return true;
                    }))) {
                code = challenge.code();
            }
            assertEquals(8, code.length);
            assertNull(stored[0].lastIssued(), "the add-on is to send its own code at once");
            assertTrue(stored[0].authKey().length <= 255, "the column has 255 characters");
            try (OtpDevice device = SoffidDevice.importRow(stored[0], Policy.SOFFID)) {
                assertTrue(device.verify(Policy.SOFFID, code, NOW + 10).isRight());
                stored[0] = SoffidDevice.updateRow(device, stored[0], Policy.SOFFID);
            }
            assertEquals(0L, stored[0].lastUsedValue());
            assertEquals(Instant.ofEpochSecond(NOW + 10), stored[0].lastUsed());
            try (OtpDevice device = SoffidDevice.importRow(stored[0], Policy.SOFFID)) {
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
        try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID); Challenge challenge = device.challenge(Policy.SOFFID, NOW)) {
            positions = challenge.positions();
            row = SoffidDevice.updateRow(device, row, Policy.SOFFID);
        }
        try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID)) {
            assertArrayEquals(positions, device.info().positions());
            assertFalse(device.verify(Policy.SOFFID, "000".toCharArray(), NOW).isRight());
            row = SoffidDevice.updateRow(device, row, Policy.SOFFID);
        }
        try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID); Challenge again = device.challenge(Policy.SOFFID, NOW)) {
            assertArrayEquals(positions, again.positions(), "they stay until answered");
            assertTrue(device.verify(Policy.SOFFID, Fixtures.digitsAt(positions), NOW).isRight());
            row = SoffidDevice.updateRow(device, row, Policy.SOFFID);
        }
        assertNull(row.authKey(), "as the add-on leaves it");
        assertNull(row.lastUsedValue() == 0L ? null : row.lastUsedValue(), "and not touched");
    }

    @Test
    void aRowThatBecomesAMessageGetsASecretOtherThanItsPin() {
        SoffidRow row = row(Kind.PIN).build();
        try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID); Challenge challenge = device.challenge(Policy.SOFFID, NOW)) {
            assertEquals(3, challenge.positions().length);
            row = SoffidDevice.updateRow(device, row, Policy.SOFFID);
        }
        assertNotNull(row.authKey(), "the record is kept while a challenge is pending");
        for (Kind kind : new Kind[] {Kind.SMS, Kind.EMAIL}) {
            try (OtpDevice device = SoffidDevice.importRow(row.toBuilder().type(kind).build(), Policy.SOFFID)) {
                assertEquals(20, device.secret().length);
                assertFalse(Arrays.equals("12345678".getBytes(StandardCharsets.US_ASCII), Arrays.copyOf(device.secret(), 8)));
            }
        }
    }

    @Test
    void aChangedColumnTakesPrecedence() {
        SoffidRow row = row(Kind.SMS).authKey(null).lastUsedValue(null).build();
        char[] code;
        try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID); Challenge challenge = device.challenge(Policy.SOFFID, NOW)) {
            code = challenge.code();
            row = SoffidDevice.updateRow(device, row, Policy.SOFFID);
        }
        // An administrator resets the fails in Soffid's console: the pending code has ended, and is
        // not issued once more.
        SoffidRow reset = row.toBuilder().fails(0).build();
        try (OtpDevice device = SoffidDevice.importRow(reset, Policy.SOFFID); Challenge next = device.challenge(Policy.SOFFID, NOW)) {
            assertEquals(0, device.info().fails());
            assertTrue(next.isFresh());
            assertFalse(new String(code).equals(new String(next.code())));
            assertFalse(device.verify(Policy.SOFFID, code, NOW).isRight());
        }
        SoffidRow locked = row.toBuilder().status(Status.LOCKED).build();
        try (OtpDevice device = SoffidDevice.importRow(locked, Policy.SOFFID)) {
            assertEquals(Reason.LOCKED, device.verify(Policy.SOFFID, code, NOW).reason());
        }
    }

    @Test
    void aKeptRecordThatIsRefusedIsHealedByClearingTheColumn() {
        byte[] record = Fixtures.sms().toRecord();
        byte[] newer = record.clone();
        newer[2] ^= 0x55;
        byte[] damaged = record.clone();
        damaged[100]++;
        for (Kind kind : new Kind[] {Kind.SMS, Kind.EMAIL, Kind.PIN}) {
            assertEquals(OtpError.RECORD_DAMAGED, refused(row(kind).authKey("keyfob:*".toCharArray())));
            assertEquals(OtpError.RECORD_DAMAGED, refused(row(kind).authKey(kept(damaged))));
            assertEquals(OtpError.RECORD_FOREIGN, refused(row(kind).authKey("keyfob:AAAA".toCharArray())));
            assertEquals(OtpError.RECORD_LENGTH, refused(row(kind).authKey(kept(Arrays.copyOf(record, 167)))));
            assertEquals(OtpError.RECORD_NEWER, refused(row(kind).authKey(kept(newer))));
            SoffidRow cleared = row(kind).authKey(null).build();
            try (OtpDevice device = SoffidDevice.importRow(cleared, Policy.SOFFID); Challenge challenge = device.challenge(Policy.SOFFID, NOW)) {
                assertTrue(device.verify(Policy.SOFFID, answer(kind, challenge), NOW).isRight());
            }
        }
    }

    private static char[] kept(byte[] record) {
        return ("keyfob:" + Base64.getEncoder().encodeToString(record)).toCharArray();
    }
}
