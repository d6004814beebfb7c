package io.keyfob;

import static io.keyfob.Fixtures.NOW;
import static io.keyfob.SoffidTest.row;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;
import org.junit.jupiter.api.Test;

/** Rows of messages and PINs that this engine and the add-on use in turns. */
class SoffidSharedTest {
    private static final String HERS = "424242";
    private static final char[] WRONG = "0000000".toCharArray();

    /** The add-on's rules for a row, which is the table's. */
    private static final class AddOn {
        private SoffidRow row;

        AddOn(SoffidRow row) {
            this.row = row;
        }

        /** Whether it sends a message: none for a minute after an unanswered one. */
        boolean sends(long now) throws GeneralSecurityException {
            boolean isRecent = row.lastIssued() != null && row.lastIssued().getEpochSecond() > now - 60;
            boolean isUnanswered = isRecent && (row.lastUsed() == null || row.lastUsed().isBefore(row.lastIssued()));
            if (isUnanswered && row.fails() < 3) {
                return false;
            }
            row = row.toBuilder().authKey(hash(HERS)).fails(0).lastIssued(Instant.ofEpochSecond(now)).build();
            return true;
        }

        /** Positions of a PIN are asked anew each time. */
        void asksForAPin() throws GeneralSecurityException {
            row = row.toBuilder().authKey(hash(HERS)).build();
        }

        boolean takes(String code, long now) throws GeneralSecurityException {
            boolean isRight = row.authKey() != null && new String(hash(code)).equals(new String(row.authKey()));
            row = isRight ? row.toBuilder().authKey(null).fails(0).lastUsed(Instant.ofEpochSecond(now)).build()
                    : row.toBuilder().fails(row.fails() + 1).build();
            return isRight;
        }

        private static char[] hash(String code) throws GeneralSecurityException {
            byte[] digest = MessageDigest.getInstance("SHA-1").digest(code.getBytes(StandardCharsets.UTF_8));
            return Base64.getEncoder().encodeToString(digest).toCharArray();
        }

        /** A challenge of this engine's: the right answer. */
        char[] challenged(long now) {
            try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID); Challenge challenge = device.challenge(Policy.SOFFID, now)) {
                row = SoffidDevice.updateRow(device, row, Policy.SOFFID);
                return row.type() == Kind.PIN ? Fixtures.digitsAt(challenge.positions()) : challenge.code();
            }
        }

        /** An answer to this engine. */
        boolean verified(char[] answer, long now) {
            try (OtpDevice device = SoffidDevice.importRow(row, Policy.SOFFID)) {
                boolean isRight = device.verify(Policy.SOFFID, answer, now).isRight();
                row = SoffidDevice.updateRow(device, row, Policy.SOFFID);
                return isRight;
            }
        }
    }

    private static AddOn fresh(Kind kind) {
        return new AddOn(row(kind).authKey(null).fails(0).lastIssued(null).lastUsed(null).lastUsedValue(null).build());
    }

    @Test
    void theAddOnSendsAtOnceAfterAChallengeOfThisEngine() throws Exception {
        for (Kind kind : new Kind[] {Kind.SMS, Kind.EMAIL}) {
            for (boolean isSentBefore : new boolean[] {false, true}) {
                AddOn table = fresh(kind);
                assertEquals(isSentBefore, isSentBefore && table.sends(NOW - 10));
                char[] here = table.challenged(NOW);
                assertNull(table.row.lastIssued());
                assertTrue(table.sends(NOW + 10), "the user waits for it");
                assertFalse(table.verified(here, NOW + 20), "the later message ended it");
                assertTrue(table.takes(HERS, NOW + 30));
            }
        }
    }

    @Test
    void anAnswerToTheWrongSideIsAFailAndEndsNoCode() throws Exception {
        for (Kind kind : new Kind[] {Kind.SMS, Kind.EMAIL, Kind.PIN}) {
            AddOn table = fresh(kind);
            if (kind == Kind.PIN) {
                table.asksForAPin();
            } else {
                assertTrue(table.sends(NOW));
            }
            assertFalse(table.verified(HERS.toCharArray(), NOW + 10));
            assertEquals(1, table.row.fails());
            assertTrue(table.takes(HERS, NOW + 20));
            char[] here = table.challenged(NOW + 100);
            assertFalse(table.takes(new String(here), NOW + 110));
            assertEquals(1, table.row.fails());
            // The columns differ from the record: its challenge has ended.
            assertFalse(table.verified(here, NOW + 120));
            assertTrue(table.verified(table.challenged(NOW + 200), NOW + 210));
        }
    }

    @Test
    void eachSideJudgesItsOwnChallengesInTurns() throws Exception {
        for (Kind kind : new Kind[] {Kind.SMS, Kind.EMAIL, Kind.PIN}) {
            AddOn table = fresh(kind);
            for (long now = NOW; now < NOW + 1000; now += 100) {
                char[] here = table.challenged(now);
                assertFalse(table.verified(WRONG, now + 5));
                assertTrue(table.verified(here, now + 10));
                if (kind == Kind.PIN) {
                    table.asksForAPin();
                } else {
                    assertTrue(table.sends(now + 20));
                }
                assertTrue(table.takes(HERS, now + 30));
            }
            assertEquals(0, table.row.fails());
        }
    }
}
