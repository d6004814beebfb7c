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
import java.util.Base64;
import java.util.List;
import java.util.OptionalLong;
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
        try (OtpDevice device = SoffidDevice.read(row, Policy.SOFFID)) {
            return SoffidDevice.write(device, row, Policy.SOFFID);
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
        try (OtpDevice device = SoffidDevice.read(totp, Policy.SOFFID)) {
            assertTrue(device.verify(Policy.SOFFID, Samples.codeAt(NOW), NOW).isRight());
            assertEquals(totp.toBuilder().fails(0).lastUsedValue(NOW / 30).lastUsed(Instant.ofEpochSecond(NOW)).build(),
                    SoffidDevice.write(device, totp, Policy.SOFFID));
        }
        SoffidRow hotp = row(Kind.HOTP).build();
        try (OtpDevice device = SoffidDevice.read(hotp, Policy.SOFFID)) {
            assertFalse(device.verify(Policy.SOFFID, Samples.codeOf(0), NOW).isRight(), "counter 0 was used");
            assertEquals(hotp.toBuilder().fails(4).build(), SoffidDevice.write(device, hotp, Policy.SOFFID));
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
                    try (OtpDevice device = SoffidDevice.read(row, Policy.SOFFID)) {
                        assertEquals(9, device.info().fails());
                    }
                }
                SoffidRow row = row(Kind.HOTP).status(open).fails(fails).build();
                try (OtpDevice device = SoffidDevice.read(row, Policy.SOFFID)) {
                    assertTrue(device.verify(Policy.SOFFID, Samples.wrongFrom(0), NOW).isLocked(), "one fail away from the lock");
                    assertEquals(row.toBuilder().fails(10).status(Status.LOCKED).build(), SoffidDevice.write(device, row, Policy.SOFFID));
                }
                try (OtpDevice device = SoffidDevice.read(row, Policy.SOFFID)) {
                    assertTrue(device.verify(Policy.SOFFID, Samples.codeOf(1), NOW).isRight());
                    assertEquals(row.toBuilder().fails(0).status(Status.VALIDATED).lastUsedValue(1L).lastUsed(Instant.ofEpochSecond(NOW)).build(),
                            SoffidDevice.write(device, row, Policy.SOFFID));
                }
            }
            SoffidRow locked = row(Kind.TOTP).status(Status.LOCKED).fails(fails).build();
            assertEquals(locked, there(locked));
            try (OtpDevice device = SoffidDevice.read(locked, Policy.SOFFID)) {
                assertEquals(fails, device.info().fails());
            }
        }
    }

    /** Sooner or later than Soffid's ten; and an unlocking by Soffid, which keeps the fails, leaves one. */
    @Test
    void theConfiguredLockFallsOnItsFailAndThatAnswerSaysSo() {
        for (int lock : new int[] {3, 20}) {
            SoffidConfig config = SoffidConfig.builder().totpLock(lock).hotpLock(lock).smsLock(lock).emailLock(lock).pinLock(lock).pinDigits(4).build();
            for (Kind kind : Kind.values()) {
                Policy policy = config.policy(kind).build();
                for (int fails : new int[] {0, lock - 1, lock, lock + 1, 1000}) {
                    SoffidRow row = row(kind).authKey(kind == Kind.SMS || kind == Kind.EMAIL ? null : Samples.BASE32.toCharArray()).fails(fails).build();
                    try (OtpDevice device = SoffidDevice.read(row, policy); Challenge challenge = device.challenge(policy, NOW)) {
                        assertEquals(kind == Kind.SMS || kind == Kind.EMAIL, challenge.isFresh());
                        row = SoffidDevice.write(device, row, policy);
                        assertEquals(fails, row.fails());
                    }
                    int guesses = 0;
                    while (row.status() != Status.LOCKED) {
                        try (OtpDevice device = SoffidDevice.read(row, policy)) {
                            Verdict verdict = device.verify(policy, "00000".toCharArray(), NOW);
                            row = SoffidDevice.write(device, row, policy);
                            guesses++;
                            assertEquals(row.status() == Status.LOCKED, verdict.isLocked());
                            assertEquals(verdict.fails(), row.fails());
                        }
                        assertTrue(guesses <= lock);
                    }
                    assertEquals(fails == 0 ? lock : 1, guesses, () -> kind + " from " + fails);
                    SoffidRow unlocked = row.toBuilder().status(Status.VALIDATED).build();
                    try (OtpDevice device = SoffidDevice.read(unlocked, policy); Challenge challenge = device.challenge(policy, NOW)) {
                        char[] right = kind == Kind.TOTP ? Samples.codeAt(NOW) : kind == Kind.HOTP ? Samples.codeOf(1)
                                : kind == Kind.PIN ? Samples.digitsAt(challenge.positions()) : challenge.code();
                        assertTrue(device.verify(policy, right, NOW).isRight(), () -> kind + " after " + lock);
                        assertEquals(0, SoffidDevice.write(device, unlocked, policy).fails());
                    }
                }
            }
        }
    }

    @Test
    void aLockMadeLowerLeavesOneFailOfAPendingChallengeToo() {
        for (Kind kind : new Kind[] {Kind.SMS, Kind.EMAIL, Kind.PIN}) {
            SoffidRow row = row(kind).authKey(null).fails(6).build();
            try (OtpDevice device = SoffidDevice.read(row, Policy.SOFFID); Challenge challenge = device.challenge(Policy.SOFFID, NOW)) {
                assertTrue(device.info().pendingSince().isPresent() && challenge != null);
                row = SoffidDevice.write(device, row, Policy.SOFFID);
            }
            Policy strict = Policy.SOFFID.toBuilder().lock(3).build();
            try (OtpDevice device = SoffidDevice.read(row, strict); Challenge challenge = device.challenge(strict, NOW)) {
                assertEquals(2, device.info().fails());
                char[] right = kind == Kind.PIN ? Samples.digitsAt(challenge.positions()) : challenge.code();
                assertTrue(device.verify(strict, right, NOW).isRight());
            }
        }
    }

    /** Else the old authenticator's codes would be right, and from the first one on. */
    @Test
    void aReplacedFactorIsWritten() {
        Parameters other = Parameters.builder().digits(8).algorithm(Algorithm.SHA256).build();
        for (Kind kind : Kind.values()) {
            SoffidRow row = row(kind).lastUsedValue(kind == Kind.TOTP ? NOW / 30 - 100 : 5).build();
            try (Secret secret = Secret.of("ABCDEFGHIJKLMNOPQRST".getBytes(StandardCharsets.US_ASCII));
                    OtpDevice from = kind == Kind.TOTP ? OtpDevice.totp(other, secret, NOW) : kind == Kind.HOTP ? OtpDevice.hotp(other, secret, 0, NOW)
                            : kind == Kind.SMS ? OtpDevice.sms(other, secret, NOW) : kind == Kind.EMAIL ? OtpDevice.email(other, secret, NOW)
                            : OtpDevice.pin(Policy.SOFFID, "87654321".toCharArray(), NOW);
                    OtpDevice device = SoffidDevice.read(row, Policy.SOFFID)) {
                device.replaceFactor(from, NOW);
                SoffidRow next = SoffidDevice.write(device, row, Policy.SOFFID);
                assertEquals(3, next.fails());
                if (kind == Kind.TOTP || kind == Kind.HOTP) {
                    assertArrayEquals("IFBEGRCFIZDUQSKKJNGE2TSPKBIVEU2U".toCharArray(), next.authKey());
                }
                assertEquals(kind == Kind.PIN ? null : 8, next.digits());
                assertEquals(kind == Kind.PIN ? null : "HmacSHA256", next.algorithm());
                assertArrayEquals(kind == Kind.PIN ? "87654321".toCharArray() : null, next.pin());
                try (OtpDevice again = SoffidDevice.read(next, Policy.SOFFID)) {
                    assertArrayEquals(from.secret(), again.secret());
                    assertEquals(next.toBuilder().build(), SoffidDevice.write(again, next, Policy.SOFFID));
                }
                assertEquals("a@b.c", next.email());
            }
        }
    }

    @Test
    void aDeviceEnrolledHereHasARow() {
        List<OtpDevice> devices = List.of(Samples.totp(), Samples.hotp(), OtpDevice.pin(Policy.SOFFID, "12345678".toCharArray(), NOW));
        for (OtpDevice device : devices) {
            SoffidRow row = SoffidDevice.create(device);
            assertEquals(Status.CREATED, row.status());
            assertEquals(Instant.ofEpochSecond(NOW), row.created());
            try (OtpDevice read = SoffidDevice.read(row, Policy.SOFFID)) {
                assertArrayEquals(device.secret(), read.secret());
                assertEquals(device.info().kind(), read.info().kind());
                assertEquals(device.info().algorithm(), read.info().algorithm());
                assertEquals(row, SoffidDevice.write(read, row, Policy.SOFFID));
            }
        }
        try (Secret secret = Samples.secret(); OtpDevice sms = OtpDevice.sms(Parameters.DEFAULT, secret, NOW);
                Challenge challenge = sms.challenge(Policy.SOFFID, NOW)) {
            SoffidRow row = SoffidDevice.create(sms).toBuilder().phone("123").build();
            assertEquals("123", row.phone());
            try (OtpDevice read = SoffidDevice.read(row, Policy.SOFFID)) {
                assertTrue(read.verify(Policy.SOFFID, challenge.code(), NOW).isRight());
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
                try (OtpDevice device = SoffidDevice.read(row, Policy.SOFFID); Challenge challenge = device.challenge(Policy.SOFFID, NOW)) {
                    code = challenge.code();
                    row = SoffidDevice.write(device, row, Policy.SOFFID);
                }
                try (OtpDevice device = SoffidDevice.read(row, Policy.SOFFID)) {
                    assertTrue(device.verify(Policy.SOFFID, code, NOW).isRight());
                }
            }
        }
    }

    /** OTP_LASUSE is a local time, and a night in autumn has one hour twice. */
    @Test
    void anHourThatSummerRepeatsLocksNobodyOut() {
        for (Kind kind : new Kind[] {Kind.TOTP, Kind.PIN}) {
            Policy policy = SoffidConfig.builder().build().policy(kind).build();
            SoffidRow row = row(kind).lastUsed(Instant.ofEpochSecond(NOW + 3600)).lastUsedValue(null).build();
            try (OtpDevice device = SoffidDevice.read(row, policy); Challenge challenge = device.challenge(policy, NOW)) {
                char[] right = kind == Kind.PIN ? Samples.digitsAt(challenge.positions()) : Samples.codeAt(NOW);
                assertTrue(device.verify(policy, right, NOW).isRight());
            }
        }
    }

    /** The record knows in which of the two hours it was: else its challenge would end, and the next be issued an hour ahead. */
    @Test
    void aKeptRecordKnowsTheHourThatSummerRepeats() {
        for (Kind kind : new Kind[] {Kind.SMS, Kind.EMAIL, Kind.PIN}) {
            SoffidRow row = row(kind).authKey(null).build();
            Policy policy = SoffidConfig.builder().build().policy(kind).build();
            try (OtpDevice device = SoffidDevice.read(row, policy); Challenge challenge = device.challenge(policy, NOW)) {
                assertTrue(device.verify(policy, answer(kind, challenge), NOW).isRight());
                device.challenge(policy, NOW + 70).close();
                row = SoffidDevice.write(device, row, policy);
            }
            for (int beside : new int[] {-3600, 3600}) {
                SoffidRow read = row.toBuilder().created(row.created().plusSeconds(beside)).lastUsed(row.lastUsed().plusSeconds(beside)).build();
                try (OtpDevice device = SoffidDevice.read(read, policy); Challenge challenge = device.challenge(policy, NOW + 80)) {
                    assertEquals(OptionalLong.of(NOW + 70), device.info().pendingSince());
                    assertEquals(OptionalLong.of(NOW), device.info().lastUsed());
                    assertTrue(device.verify(policy, answer(kind, challenge), NOW + 90).isRight());
                }
                // Somebody has changed another column, too.
                try (OtpDevice device = SoffidDevice.read(read.toBuilder().fails(2).build(), policy)) {
                    device.challenge(policy, NOW + 200).close();
                    assertEquals(OptionalLong.of(NOW + 200), device.info().pendingSince(), "by the clock, not an hour ahead");
                }
                SoffidRow other = row.toBuilder().lastUsed(row.lastUsed().plusSeconds(beside + 1)).build();
                try (OtpDevice device = SoffidDevice.read(other, policy)) {
                    assertFalse(device.info().pendingSince().isPresent());
                }
            }
        }
    }

    private static char[] answer(Kind kind, Challenge challenge) {
        return kind == Kind.PIN ? Samples.digitsAt(challenge.positions()) : challenge.code();
    }

    @Test
    void aClosedRowHasNoSecrets() {
        SoffidRow row = row(Kind.TOTP).build();
        SoffidRow same = row(Kind.TOTP).build();
        assertEquals(same, row);
        SoffidRow.Builder builder = row.toBuilder();
        try (OtpDevice device = SoffidDevice.read(row, Policy.SOFFID)) {
            row.close();
            assertThrows(IllegalStateException.class, row::authKey);
            assertThrows(IllegalStateException.class, row::pin);
            assertThrows(IllegalStateException.class, builder::build);
            assertThrows(IllegalStateException.class, () -> SoffidDevice.read(row, Policy.SOFFID));
            assertThrows(IllegalStateException.class, () -> SoffidDevice.write(device, row, Policy.SOFFID));
        }
        assertFalse(row.equals(same) || same.equals(row));
        assertEquals(row, row);
        row.close();
    }

    @Test
    void aChallengeKeepsElevenFailsAndStaysPending() {
        for (Kind kind : new Kind[] {Kind.SMS, Kind.EMAIL, Kind.PIN}) {
            for (int fails : new int[] {10, 11}) {
                SoffidRow row = row(kind).authKey(null).fails(fails).build();
                char[] answer;
                try (OtpDevice device = SoffidDevice.read(row, Policy.SOFFID); Challenge challenge = device.challenge(Policy.SOFFID, NOW)) {
                    answer = kind == Kind.PIN ? Samples.digitsAt(challenge.positions()) : challenge.code();
                    row = SoffidDevice.write(device, row, Policy.SOFFID);
                }
                assertEquals(fails, row.fails());
                assertEquals(row, there(row));
                try (OtpDevice device = SoffidDevice.read(row, Policy.SOFFID)) {
                    assertTrue(device.info().pendingSince().isPresent(), "nobody has changed a column");
                    assertTrue(device.verify(Policy.SOFFID, answer, NOW).isRight());
                    assertEquals(0, SoffidDevice.write(device, row, Policy.SOFFID).fails());
                }
                // Other fails somebody has written.
                try (OtpDevice device = SoffidDevice.read(row.toBuilder().fails(8).build(), Policy.SOFFID)) {
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
                try (OtpDevice device = SoffidDevice.read(row, Policy.SOFFID); Challenge challenge = device.challenge(Policy.SOFFID, NOW + 100 * issue)) {
                    assertTrue(challenge.isFresh());
                    row = SoffidDevice.write(device, row, Policy.SOFFID);
                }
                assertEquals(issue, row.lastUsedValue());
            }
            // Without the record it would be issued again, were it not counted.
            SoffidRow unlocked = row.toBuilder().fails(0).build();
            try (OtpDevice device = SoffidDevice.read(unlocked, Policy.SOFFID)) {
                assertEquals(3, device.info().movingFactor());
                assertFalse(device.info().pendingSince().isPresent());
            }
        }
    }

    /** An administrator who lowers OTP_LASCOU, or clears it, must not have the same codes issued again. */
    @Test
    void noIssueIsRepeatedWhateverTheColumnSays() {
        for (Kind kind : new Kind[] {Kind.SMS, Kind.EMAIL}) {
            for (boolean isPending : new boolean[] {false, true}) {
                SoffidRow row = row(kind).authKey(null).lastUsedValue(null).build();
                for (int issue = 0; issue < 3; issue++) {
                    long now = NOW + 100 * issue;
                    try (OtpDevice device = SoffidDevice.read(row, Policy.SOFFID); Challenge challenge = device.challenge(Policy.SOFFID, now)) {
                        if (!isPending || issue < 2) {
                            assertTrue(device.verify(Policy.SOFFID, challenge.code(), now).isRight());
                        }
                        row = SoffidDevice.write(device, row, Policy.SOFFID);
                    }
                }
                assertEquals(2, row.lastUsedValue());
                for (Long column : new Long[] {null, 0L, 1L, 2L, 7L}) {
                    // Other fails, so that the columns are not the record's where OTP_LASCOU is.
                    try (OtpDevice device = SoffidDevice.read(row.toBuilder().fails(1).lastUsedValue(column).build(), Policy.SOFFID)) {
                        long next = column != null && column == 7 ? 8 : 3;
                        assertEquals(next, device.info().movingFactor(), () -> kind + " " + isPending + " " + column);
                    }
                }
                SoffidRow last = row.toBuilder().lastUsedValue(-1L).build();
                assertEquals(OtpError.EXHAUSTED, assertThrows(OtpException.class, () -> SoffidDevice.read(last, Policy.SOFFID)).error(), "unsigned");
            }
            // Nothing was issued: nothing counts as used.
            try (OtpDevice device = SoffidDevice.read(row(kind).authKey(null).lastUsedValue(null).build(), Policy.SOFFID)) {
                SoffidRow fresh = SoffidDevice.write(device, row(kind).authKey(null).lastUsedValue(null).build(), Policy.SOFFID);
                assertNull(fresh.lastUsedValue());
                try (OtpDevice again = SoffidDevice.read(fresh.toBuilder().fails(1).build(), Policy.SOFFID)) {
                    assertEquals(0, again.info().movingFactor());
                }
            }
        }
    }

    @Test
    void aWholePinIsAskedForAndAnsweredOnce() {
        Policy policy = SoffidConfig.builder().pinLength(8).pinDigits(9).build().policy(Kind.PIN).build();
        char[] pin = "12345678".toCharArray();
        SoffidRow row = row(Kind.PIN).build();
        try (OtpDevice device = SoffidDevice.read(row, policy)) {
            assertEquals(Reason.NO_CHALLENGE, device.verify(policy, pin, NOW).reason());
        }
        try (OtpDevice device = SoffidDevice.read(row, policy); Challenge challenge = device.challenge(policy, NOW)) {
            assertArrayEquals(new int[] {1, 2, 3, 4, 5, 6, 7, 8}, challenge.positions());
            row = SoffidDevice.write(device, row, policy);
        }
        try (OtpDevice device = SoffidDevice.read(row, policy)) {
            assertTrue(device.verify(policy, pin, NOW).isRight());
            row = SoffidDevice.write(device, row, policy);
        }
        try (OtpDevice device = SoffidDevice.read(row, policy)) {
            assertEquals(Reason.NO_CHALLENGE, device.verify(policy, pin, NOW).reason());
        }
    }

    @Test
    void aRowIsOfTheDevicesKind() {
        try (OtpDevice device = Samples.hotp()) {
            assertEquals(OtpError.WRONG_KIND, assertThrows(OtpException.class, () -> SoffidDevice.write(device, row(Kind.TOTP).build(), Policy.SOFFID)).error());
        }
    }

    @Test
    void aDeviceOfTheAddOnVerifiesWhereItStood() {
        SoffidRow hotp = row(Kind.HOTP).digits(8).algorithm("HmacSHA512").lastUsedValue(99L).build();
        try (OtpDevice device = SoffidDevice.read(hotp, Policy.SOFFID); Secret secret = Samples.secret()) {
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
            try (OtpDevice device = SoffidDevice.read(old, Policy.SOFFID);
                    Challenge challenge = device.challenge(Policy.SOFFID, NOW, SoffidDevice.store(old, Policy.SOFFID, (read, next) -> {
                        stored[0] = next.toBuilder().build();
                        return true;
                    }))) {
                code = challenge.code();
            }
            assertEquals(8, code.length);
            assertEquals(Instant.ofEpochSecond(NOW), stored[0].lastIssued());
            assertTrue(stored[0].authKey().length <= 255, "the column has 255 characters");
            try (OtpDevice device = SoffidDevice.read(stored[0], Policy.SOFFID)) {
                assertTrue(device.verify(Policy.SOFFID, code, NOW + 10).isRight());
                stored[0] = SoffidDevice.write(device, stored[0], Policy.SOFFID);
            }
            assertEquals(0L, stored[0].lastUsedValue());
            assertEquals(Instant.ofEpochSecond(NOW + 10), stored[0].lastUsed());
            try (OtpDevice device = SoffidDevice.read(stored[0], Policy.SOFFID)) {
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
        try (OtpDevice device = SoffidDevice.read(row, Policy.SOFFID); Challenge challenge = device.challenge(Policy.SOFFID, NOW)) {
            positions = challenge.positions();
            row = SoffidDevice.write(device, row, Policy.SOFFID);
        }
        try (OtpDevice device = SoffidDevice.read(row, Policy.SOFFID)) {
            assertArrayEquals(positions, device.info().positions());
            assertFalse(device.verify(Policy.SOFFID, "000".toCharArray(), NOW).isRight());
            row = SoffidDevice.write(device, row, Policy.SOFFID);
        }
        try (OtpDevice device = SoffidDevice.read(row, Policy.SOFFID); Challenge again = device.challenge(Policy.SOFFID, NOW)) {
            assertArrayEquals(positions, again.positions(), "they stay until answered");
            assertTrue(device.verify(Policy.SOFFID, Samples.digitsAt(positions), NOW).isRight());
            row = SoffidDevice.write(device, row, Policy.SOFFID);
        }
        assertNull(row.authKey(), "as the add-on leaves it");
        assertNull(row.lastUsedValue() == 0L ? null : row.lastUsedValue(), "and not touched");
    }

    @Test
    void whatBecomesAMessageHasNoPinForItsSecret() {
        SoffidRow row = row(Kind.PIN).build();
        try (OtpDevice device = SoffidDevice.read(row, Policy.SOFFID); Challenge challenge = device.challenge(Policy.SOFFID, NOW)) {
            assertEquals(3, challenge.positions().length);
            row = SoffidDevice.write(device, row, Policy.SOFFID);
        }
        assertNotNull(row.authKey(), "the record is kept while a challenge is pending");
        for (Kind kind : new Kind[] {Kind.SMS, Kind.EMAIL}) {
            try (OtpDevice device = SoffidDevice.read(row.toBuilder().type(kind).build(), Policy.SOFFID)) {
                assertEquals(20, device.secret().length);
                assertFalse(Arrays.equals("12345678".getBytes(StandardCharsets.US_ASCII), Arrays.copyOf(device.secret(), 8)));
            }
        }
    }

    @Test
    void whoeverChangedAColumnIsRight() {
        SoffidRow row = row(Kind.SMS).authKey(null).lastUsedValue(null).build();
        char[] code;
        try (OtpDevice device = SoffidDevice.read(row, Policy.SOFFID); Challenge challenge = device.challenge(Policy.SOFFID, NOW)) {
            code = challenge.code();
            row = SoffidDevice.write(device, row, Policy.SOFFID);
        }
        // An administrator resets the fails in Soffid's console: the pending code has ended, and is not issued once more.
        SoffidRow reset = row.toBuilder().fails(0).build();
        try (OtpDevice device = SoffidDevice.read(reset, Policy.SOFFID); Challenge next = device.challenge(Policy.SOFFID, NOW)) {
            assertEquals(0, device.info().fails());
            assertTrue(next.isFresh());
            assertFalse(new String(code).equals(new String(next.code())));
            assertFalse(device.verify(Policy.SOFFID, code, NOW).isRight());
        }
        SoffidRow locked = row.toBuilder().status(Status.LOCKED).build();
        try (OtpDevice device = SoffidDevice.read(locked, Policy.SOFFID)) {
            assertEquals(Reason.LOCKED, device.verify(Policy.SOFFID, code, NOW).reason());
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

    /** 64 bytes with a blank between every five characters are longer than the engine's field: cut, they would be another secret. */
    @Test
    void aLongSecretIsReadWholeOrNotAtAll() {
        for (Kind kind : new Kind[] {Kind.TOTP, Kind.HOTP}) {
            for (String gap : new String[] {" ", "-", "\t", "\r\n", "    "}) {
                try (Secret secret = Secret.random(Algorithm.SHA512)) {
                    String spaced = new String(secret.toBase32()).replaceAll(".{5}", "$0" + gap) + gap;
                    assertTrue(spaced.length() > 111);
                    SoffidRow row = row(kind).authKey(spaced.toCharArray()).build();
                    try (OtpDevice device = SoffidDevice.read(row, Policy.SOFFID)) {
                        assertArrayEquals(secret.bytes(), device.secret());
                        assertEquals(row, SoffidDevice.write(device, row, Policy.SOFFID), "even as it was written");
                        device.verify(Policy.SOFFID, new char[6], NOW);
                        assertArrayEquals(row.authKey(), SoffidDevice.write(device, row, Policy.SOFFID).authKey());
                    }
                }
            }
            for (int length = 104; length < 130; length++) {
                assertEquals(OtpError.SECRET_LENGTH, refused(row(kind).authKey("A".repeat(length).toCharArray())));
                assertEquals(OtpError.SECRET_LENGTH, refused(row(kind).authKey((Samples.BASE32 + "=".repeat(length)).toCharArray())));
            }
        }
        assertEquals(OtpError.PIN_LENGTH, refused(row(Kind.PIN).pin("1".repeat(100).toCharArray())));
        assertEquals(OtpError.ALGORITHM, refused(row(Kind.TOTP).algorithm("HmacSHA256".repeat(2))));
    }

    @Test
    void aKeptRecordThatIsRefusedIsHealedByClearingTheColumn() {
        byte[] record = Samples.sms().toRecord();
        byte[] newer = record.clone();
        newer[2]++;
        byte[] damaged = record.clone();
        damaged[100]++;
        for (Kind kind : new Kind[] {Kind.SMS, Kind.EMAIL, Kind.PIN}) {
            assertEquals(OtpError.RECORD_DAMAGED, refused(row(kind).authKey("keyfob:*".toCharArray())));
            assertEquals(OtpError.RECORD_DAMAGED, refused(row(kind).authKey(kept(damaged))));
            assertEquals(OtpError.RECORD_FOREIGN, refused(row(kind).authKey("keyfob:AAAA".toCharArray())));
            assertEquals(OtpError.RECORD_LENGTH, refused(row(kind).authKey(kept(Arrays.copyOf(record, 167)))));
            assertEquals(OtpError.RECORD_NEWER, refused(row(kind).authKey(kept(newer))));
            SoffidRow cleared = row(kind).authKey(null).build();
            try (OtpDevice device = SoffidDevice.read(cleared, Policy.SOFFID); Challenge challenge = device.challenge(Policy.SOFFID, NOW)) {
                assertTrue(device.verify(Policy.SOFFID, answer(kind, challenge), NOW).isRight());
            }
        }
    }

    private static char[] kept(byte[] record) {
        return ("keyfob:" + Base64.getEncoder().encodeToString(record)).toCharArray();
    }

    private static OtpError refused(SoffidRow.Builder row) {
        return assertThrows(OtpException.class, () -> SoffidDevice.read(row.build(), Policy.SOFFID)).error();
    }

    @Test
    void theConfigurationCompletesHotpRowsThatSayNothing() {
        SoffidConfig config = SoffidConfig.builder().hotpDigits(8).hotpAlgorithm("HmacSHA256").build();
        for (Kind kind : Kind.values()) {
            for (SoffidRow.Builder empty : List.of(row(kind), row(kind).digits(0).algorithm(""))) {
                SoffidRow row = empty.build();
                SoffidRow complete = config.complete(row);
                assertEquals(kind == Kind.HOTP ? row.toBuilder().digits(8).algorithm("HmacSHA256").build() : row, complete);
            }
            SoffidRow six = row(kind).digits(6).build();
            assertEquals(six, config.complete(six), "the add-on's own algorithm");
            SoffidRow sha512 = row(kind).algorithm("HmacSHA512").build();
            assertEquals(sha512, config.complete(sha512));
            SoffidRow row = row(kind).build();
            assertEquals(row, SoffidConfig.builder().hotpDigits(null).hotpAlgorithm(null).build().complete(row));
        }
        assertEquals(OtpError.DIGITS, refused(SoffidConfig.builder().hotpDigits(4).build().complete(row(Kind.HOTP).build()).toBuilder()));
    }

    @Test
    void theConfigurationIsAPolicyForEachKind() {
        SoffidConfig config = SoffidConfig.builder().totpLock(5).hotpLock(6).smsLock(7).emailLock(8).pinLock(4).pinLength(6).pinDigits(4).build();
        int[] locks = {5, 6, 7, 8, 4};
        for (Kind kind : Kind.values()) {
            Policy policy = config.policy(kind).build();
            assertEquals(locks[kind.ordinal()], policy.lockFails());
            assertEquals(kind == Kind.TOTP ? 10 : 0, policy.window());
            assertEquals(kind == Kind.HOTP ? 24 : 0, policy.lookAhead());
            assertEquals(kind == Kind.PIN ? 6 : 8, policy.pinLength());
            assertEquals(kind == Kind.PIN ? 4 : 3, policy.positions());
        }
        SoffidConfig unset = SoffidConfig.builder().totpLock(null).pinDigits(null).pinLength(null).build();
        assertEquals(10, unset.policy(Kind.TOTP).build().lockFails());
        assertEquals(0, SoffidConfig.builder().pinLength(6).pinDigits(9).build().policy(Kind.PIN).build().positions());
    }

    /** What is wrong for one kind refuses that one alone. */
    @Test
    void eachKindHasItsOwnBounds() {
        for (SoffidConfig config : List.of(SoffidConfig.builder().pinDigits(2).build(), SoffidConfig.builder().pinDigits(1).build(),
                SoffidConfig.builder().pinLength(3).build(), SoffidConfig.builder().pinLock(50).build())) {
            for (Kind kind : Kind.values()) {
                if (kind == Kind.PIN) {
                    assertThrows(OtpException.class, () -> config.policy(kind).build());
                } else {
                    assertEquals(10, config.policy(kind).build().lockFails());
                }
            }
        }
        assertEquals(50, SoffidConfig.builder().pinLock(50).pinDigits(5).build().policy(Kind.PIN).build().lockFails());
        SoffidConfig late = SoffidConfig.builder().totpLock(39).hotpLock(39).smsLock(900).emailLock(900).build();
        for (Kind kind : Kind.values()) {
            assertEquals(kind == Kind.PIN ? 10 : kind == Kind.TOTP || kind == Kind.HOTP ? 39 : 900, late.policy(kind).build().lockFails());
        }
        assertEquals(OtpError.GUESS_BOUND, assertThrows(OtpException.class,
                () -> SoffidConfig.builder().totpLock(60).build().policy(Kind.TOTP).build()).error());
        assertEquals(OtpError.PIN_BOUND, assertThrows(OtpException.class,
                () -> SoffidConfig.builder().pinDigits(2).build().policy(Kind.PIN).build()).error());
    }
}
