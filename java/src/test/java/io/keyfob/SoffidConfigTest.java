package io.keyfob;

import static io.keyfob.Fixtures.NOW;
import static io.keyfob.SoffidTest.refused;
import static io.keyfob.SoffidTest.row;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Soffid's configuration: its policies, and the rows that it completes. */
class SoffidConfigTest {
    /** Earlier or later than Soffid's ten. An unlock by Soffid keeps the fails and leaves one. */
    @Test
    void theConfiguredLockFallsOnItsFailAndThatAnswerSaysSo() {
        for (int lock : new int[] {3, 20}) {
            SoffidConfig config = SoffidConfig.builder().totpLock(lock).hotpLock(lock).smsLock(lock).emailLock(lock).pinLock(lock).pinDigits(4).build();
            for (Kind kind : Fixtures.kindsOfSoffid()) {
                Policy policy = config.policy(kind).build();
                for (int fails : new int[] {0, lock - 1, lock, lock + 1, 1000}) {
                    SoffidRow row = row(kind).authKey(kind == Kind.SMS || kind == Kind.EMAIL ? null : Fixtures.BASE32.toCharArray()).fails(fails).build();
                    try (OtpDevice device = SoffidDevice.importRow(row, policy); Challenge challenge = device.challenge(policy, NOW)) {
                        assertEquals(kind == Kind.SMS || kind == Kind.EMAIL, challenge.isFresh());
                        row = SoffidDevice.updateRow(device, row, policy);
                        assertEquals(fails, row.fails());
                    }
                    int guesses = 0;
                    while (row.status() != Status.LOCKED) {
                        try (OtpDevice device = SoffidDevice.importRow(row, policy)) {
                            Verdict verdict = device.verify(policy, "00000".toCharArray(), NOW);
                            row = SoffidDevice.updateRow(device, row, policy);
                            guesses++;
                            assertEquals(row.status() == Status.LOCKED, verdict.isLocked());
                            assertEquals(verdict.fails(), row.fails());
                        }
                        assertTrue(guesses <= lock);
                    }
                    assertEquals(fails == 0 ? lock : 1, guesses, () -> kind + " from " + fails);
                    SoffidRow unlocked = row.toBuilder().status(Status.VALIDATED).build();
                    try (OtpDevice device = SoffidDevice.importRow(unlocked, policy); Challenge challenge = device.challenge(policy, NOW)) {
                        char[] right = kind == Kind.TOTP ? Fixtures.codeAt(NOW) : kind == Kind.HOTP ? Fixtures.codeOf(1)
                                : kind == Kind.PIN ? Fixtures.digitsAt(challenge.positions()) : challenge.code();
                        assertTrue(device.verify(policy, right, NOW).isRight(), () -> kind + " after " + lock);
                        assertEquals(0, SoffidDevice.updateRow(device, unlocked, policy).fails());
                    }
                }
            }
        }
    }

    @Test
    void theConfigurationCompletesHotpRowsThatSayNothing() {
        SoffidConfig config = SoffidConfig.builder().hotpDigits(8).hotpAlgorithm("HmacSHA256").build();
        for (Kind kind : Fixtures.kindsOfSoffid()) {
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
        SoffidConfig config = SoffidConfig.builder().totpLock(5).hotpLock(6).smsLock(7).emailLock(8).pinLock(4).pinMinLength(6).pinDigits(4).build();
        int[] locks = {5, 6, 7, 8, 4};
        for (Kind kind : Fixtures.kindsOfSoffid()) {
            Policy policy = config.policy(kind).build();
            assertEquals(locks[kind.ordinal()], policy.maxFails());
            assertEquals(kind == Kind.TOTP ? 10 : 0, policy.window());
            assertEquals(kind == Kind.HOTP ? 24 : 0, policy.lookAhead());
            assertEquals(kind == Kind.PIN ? 6 : 8, policy.pinMinLength());
            assertEquals(kind == Kind.PIN ? 4 : 3, policy.pinPositions());
        }
        SoffidConfig unset = SoffidConfig.builder().totpLock(null).pinDigits(null).pinMinLength(null).build();
        assertEquals(10, unset.policy(Kind.TOTP).build().maxFails());
        assertEquals(0, SoffidConfig.builder().pinMinLength(6).pinDigits(9).build().policy(Kind.PIN).build().pinPositions());
    }

    /** A wrong setting for one kind refuses only that kind. */
    @Test
    void eachKindHasItsOwnBounds() {
        for (SoffidConfig config : List.of(SoffidConfig.builder().pinDigits(2).build(), SoffidConfig.builder().pinDigits(1).build(),
                SoffidConfig.builder().pinMinLength(3).build(), SoffidConfig.builder().pinLock(50).build())) {
            for (Kind kind : Fixtures.kindsOfSoffid()) {
                if (kind == Kind.PIN) {
                    assertThrows(OtpException.class, () -> config.policy(kind).build());
                } else {
                    assertEquals(10, config.policy(kind).build().maxFails());
                }
            }
        }
        assertEquals(50, SoffidConfig.builder().pinLock(50).pinDigits(5).build().policy(Kind.PIN).build().maxFails());
        SoffidConfig late = SoffidConfig.builder().totpLock(39).hotpLock(39).smsLock(900).emailLock(900).build();
        for (Kind kind : Fixtures.kindsOfSoffid()) {
            assertEquals(kind == Kind.PIN ? 10 : kind == Kind.TOTP || kind == Kind.HOTP ? 39 : 900, late.policy(kind).build().maxFails());
        }
        assertEquals(OtpError.GUESS_BOUND, assertThrows(OtpException.class,
                () -> SoffidConfig.builder().totpLock(60).build().policy(Kind.TOTP).build()).error());
        assertEquals(OtpError.PIN_GUESS_BOUND, assertThrows(OtpException.class,
                () -> SoffidConfig.builder().pinDigits(2).build().policy(Kind.PIN).build()).error());
    }
}
