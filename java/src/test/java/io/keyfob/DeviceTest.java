package io.keyfob;

import static io.keyfob.Fixtures.NOW;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Devices of all kinds, from enrolment to lock. */
class DeviceTest {
    @Test
    void bindingIsTheOneUnderTest() {
        assertEquals(System.getProperty("io.keyfob.test.binding"), Native.engine().getClass().getSimpleName().toLowerCase(Locale.ROOT));
    }

    @Test
    void aTotpCodeIsRightOnce() {
        try (OtpDevice device = Fixtures.totp()) {
            Verdict right = device.verify(Policy.DEFAULT, Fixtures.codeAt(NOW + 30), NOW);
            assertTrue(right.isRight() && !right.isLocked());
            assertEquals(OptionalLong.of(NOW / 30 + 1), right.matched());
            assertEquals(OptionalLong.of(1), right.drift());
            assertEquals(OptionalLong.empty(), right.retryAt());
            Verdict again = device.verify(Policy.DEFAULT, Fixtures.codeAt(NOW + 30), NOW);
            assertEquals(Reason.REPLAYED, again.reason());
            assertEquals(0, again.fails());
            assertEquals(OptionalLong.empty(), again.matched());
            DeviceInfo info = device.info();
            assertEquals(Kind.TOTP, info.kind());
            assertEquals(Status.VALIDATED, info.status());
            assertEquals(Algorithm.SHA1, info.algorithm());
            assertEquals(6, info.digits());
            assertEquals(30, info.period());
            assertEquals(0, info.t0());
            assertEquals(0, info.drift());
            assertEquals(0, info.fails());
            assertEquals(NOW / 30 + 2, info.movingFactor());
            assertEquals(NOW, info.created());
            assertEquals(OptionalLong.of(NOW), info.lastUsed());
            assertEquals(OptionalLong.empty(), info.pendingSince());
            assertEquals(2, info.revision());
        }
    }

    @Test
    void aLockFallsOnTheTenthFail() {
        try (OtpDevice device = Fixtures.totp()) {
            for (int fail = 1; fail <= 10; fail++) {
                Verdict verdict = device.verify(Policy.DEFAULT, Fixtures.wrongAt(NOW), NOW);
                assertEquals(fail, verdict.fails());
                assertEquals(fail == 10, verdict.isLocked());
            }
            assertEquals(Reason.LOCKED, device.verify(Policy.DEFAULT, Fixtures.codeAt(NOW), NOW).reason());
            device.unlock(NOW);
            assertTrue(device.verify(Policy.DEFAULT, Fixtures.codeAt(NOW), NOW).isRight());
        }
    }

    @Test
    void aClockThatWasAheadLocksNoUserOut() {
        try (OtpDevice device = Fixtures.totp()) {
            assertTrue(device.verify(Policy.DEFAULT, Fixtures.codeAt(NOW + 7200), NOW + 7200).isRight());
            device.unlock(NOW);
            for (long later = 0; later < 12 * 30; later += 30) {
                Verdict verdict = device.verify(Policy.DEFAULT, Fixtures.codeAt(NOW + later), NOW + later);
                assertEquals(Reason.CLOCK_WAS_AHEAD, verdict.reason());
                assertEquals(0, verdict.fails());
                assertFalse(verdict.isLocked());
            }
            device.forgetSteps(NOW);
            assertEquals(NOW / 30 + 1, device.info().movingFactor());
            assertFalse(device.verify(Policy.DEFAULT, Fixtures.codeAt(NOW), NOW).isRight());
            assertTrue(device.verify(Policy.DEFAULT, Fixtures.codeAt(NOW + 30), NOW + 30).isRight());
        }
        try (OtpDevice device = Fixtures.hotp()) {
            assertEquals(OtpError.WRONG_KIND, assertThrows(OtpException.class, () -> device.forgetSteps(NOW)).error());
        }
    }

    /** As from a mail client that keeps the code. */
    @Test
    void theCodeAcceptedLastIsRefusedAndNoFail() {
        try (OtpDevice device = Fixtures.totp()) {
            assertTrue(device.verify(Policy.DEFAULT, Fixtures.codeAt(NOW), NOW).isRight());
            for (int again = 0; again < 12; again++) {
                Verdict verdict = device.verify(Policy.DEFAULT, Fixtures.codeAt(NOW), NOW + 300 * again);
                assertEquals(Reason.REPLAYED, verdict.reason());
                assertEquals(0, verdict.fails());
            }
        }
    }

    @Test
    void aLockOutlivesDisabling() {
        try (OtpDevice device = Fixtures.totp()) {
            device.setStatus(Status.DISABLED, NOW);
            assertFalse(device.info().wasLocked());
            device.setStatus(Status.LOCKED, NOW);
            assertFalse(device.info().wasLocked(), "it is locked");
            device.setStatus(Status.DISABLED, NOW);
            assertTrue(device.info().wasLocked());
            assertEquals(OtpError.LOCKED, assertThrows(OtpException.class, () -> device.setStatus(Status.VALIDATED, NOW)).error());
            device.unlock(NOW);
            assertFalse(device.info().wasLocked());
            device.setStatus(Status.VALIDATED, NOW);
            assertEquals(Status.VALIDATED, device.info().status());
        }
    }

    @Test
    void aThrottleDelays() {
        Policy policy = Policy.builder().throttle(2, 60, 240).guessBound(1_000_000_000).pinGuessBound(1_000_000_000).build();
        try (OtpDevice device = Fixtures.totp()) {
            device.verify(policy, Fixtures.wrongAt(NOW), NOW);
            assertEquals(OptionalLong.of(NOW + 60), device.verify(policy, Fixtures.wrongAt(NOW), NOW).retryAt());
            assertEquals(OptionalLong.of(NOW + 60), device.info().throttledUntil());
            assertEquals(Reason.THROTTLED, device.verify(policy, Fixtures.codeAt(NOW), NOW + 59).reason());
            assertTrue(device.verify(policy, Fixtures.codeAt(NOW + 60), NOW + 60).isRight());
        }
    }

    @Test
    void aThrottleEndsInALock() {
        Policy policy = Policy.builder().throttleThenLock(1, 60, 60, 2).pinPositions(4).build();
        assertEquals(OptionalInt.of(2), policy.lockingFail());
        assertTrue(policy.isThrottle());
        try (OtpDevice device = Fixtures.totp()) {
            assertEquals(OptionalLong.of(NOW + 60), device.verify(policy, Fixtures.wrongAt(NOW), NOW).retryAt());
            Verdict last = device.verify(policy, Fixtures.wrongAt(NOW + 60), NOW + 60);
            assertTrue(last.isLocked() && !last.retryAt().isPresent());
            assertEquals(Status.LOCKED, device.info().status());
            assertEquals(Reason.LOCKED, device.verify(policy, Fixtures.codeAt(NOW + 7200), NOW + 7200).reason());
        }
    }

    @Test
    void aMessageIsSentAndAnswered() {
        try (OtpDevice device = Fixtures.sms(); Challenge first = device.challenge(Policy.DEFAULT, NOW)) {
            assertEquals(Challenge.Kind.MESSAGE, first.kind());
            assertTrue(first.isFresh());
            assertEquals(NOW, first.issuedAt());
            assertEquals(NOW + 600, first.expiresAt());
            assertEquals(0, first.positions().length);
            assertEquals(OptionalLong.of(NOW), device.info().pendingSince());
            try (Challenge again = device.challenge(Policy.DEFAULT, NOW + 59); Challenge resent = device.resend(Policy.DEFAULT, NOW + 100)) {
                assertFalse(again.isFresh());
                assertArrayEquals(first.code(), again.code());
                assertArrayEquals(first.code(), resent.code());
            }
            assertTrue(device.verify(Policy.DEFAULT, first.code(), NOW + 599).isRight());
            assertEquals(Reason.NO_CHALLENGE, device.verify(Policy.DEFAULT, first.code(), NOW + 599).reason());
        }
    }

    @Test
    void aPinIsAskedForPositions() {
        try (OtpDevice device = Fixtures.pin(); Challenge challenge = device.challenge(Policy.DEFAULT, NOW)) {
            assertEquals(Challenge.Kind.POSITIONS, challenge.kind());
            assertEquals(3, challenge.positions().length);
            assertArrayEquals(challenge.positions(), Arrays.stream(challenge.positions()).sorted().distinct().toArray());
            assertArrayEquals(challenge.positions(), device.info().positions());
            assertEquals(0, challenge.code().length);
            assertEquals(null, device.info().algorithm());
            assertTrue(device.verify(Policy.DEFAULT, Fixtures.digitsAt(challenge.positions()), NOW).isRight());
        }
    }

    @Test
    void aWholePinIsAskedForToo() {
        Policy policy = Policy.builder().pinPositions(0).build();
        try (OtpDevice device = Fixtures.pin()) {
            char[] pin = "12345678".toCharArray();
            Verdict unasked = device.verify(policy, pin, NOW);
            assertEquals(Reason.NO_CHALLENGE, unasked.reason());
            assertFalse(unasked.isRight());
            try (Challenge challenge = device.challenge(policy, NOW)) {
                assertEquals(Challenge.Kind.POSITIONS, challenge.kind());
                assertEquals(8, challenge.positions().length);
            }
            char[] wrong = "12345679".toCharArray();
            assertEquals(Reason.WRONG, device.verify(policy, wrong, NOW).reason());
            assertTrue(device.verify(policy, pin, NOW).isRight(), "a wrong answer uses no challenge up");
            assertEquals(Reason.NO_CHALLENGE, device.verify(policy, pin, NOW).reason());
        }
    }

    @Test
    void resyncFindsACounterFarAhead() {
        try (OtpDevice device = Fixtures.hotp()) {
            assertFalse(device.verify(Policy.DEFAULT, Fixtures.codeOf(50), NOW).isRight());
            Verdict verdict = device.resync(Policy.DEFAULT, Fixtures.codeOf(50), Fixtures.codeOf(51), NOW);
            assertTrue(verdict.isRight());
            assertEquals(OptionalLong.of(51), verdict.matched());
            assertEquals(OptionalLong.of(50), verdict.drift(), "the counters before the first of the two");
            AtomicInteger stores = new AtomicInteger();
            assertTrue(device.resync(Policy.DEFAULT, Fixtures.codeOf(60), Fixtures.codeOf(61), NOW, (next, revision) -> {
                stores.incrementAndGet();
                return true;
            }).isRight());
            assertEquals(1, stores.get());
        }
    }

    @Test
    void recordsAndUrisComeBack() {
        try (OtpDevice device = Fixtures.totp()) {
            byte[] record = device.toRecord();
            assertEquals(168, record.length);
            assertArrayEquals(record, OtpDevice.fromRecord(record).toRecord());
            assertArrayEquals(record, OtpDevice.fromUri(device.toUri("ACME", "al\u00edce"), NOW).toRecord());
            assertTrue(new String(device.toUri("", "al\u00edce")).startsWith("otpauth://totp/al%C3%ADce?secret=" + Fixtures.BASE32));
            for (String label : new String[] {"Caf\u00e9:Jos\u00e9", "\u65e5\u672c:\ud83d\ude00", "ACME:a@b.c:8443", "A%3a%20B:c", ""}) {
                String raw = "otpauth://totp/" + label + "?secret=" + Fixtures.BASE32 + "\r\n";
                assertArrayEquals(record, OtpDevice.fromUri(raw.toCharArray(), NOW).toRecord(), raw);
            }
            for (String none : new String[] {"\ud83d", "a\0b", "a\ude00"}) {
                char[] raw = ("otpauth://totp/" + none + "?secret=" + Fixtures.BASE32).toCharArray();
                assertEquals(OtpError.URI_ENCODING, assertThrows(OtpException.class, () -> OtpDevice.fromUri(raw, NOW)).error());
            }
            assertArrayEquals(Fixtures.BYTES, device.secret());
        }
    }

    @Test
    void sealsComeBackByEitherCipher() {
        byte[] id = {1};
        try (OtpDevice device = Fixtures.totp(); SealKey opener = SealKey.fromBytes(3, new byte[32])) {
            for (SealCipher cipher : SealCipher.values()) {
                try (SealKey key = SealKey.fromBytes(3, cipher, new byte[32])) {
                    byte[] sealed = key.seal(device, id);
                    assertEquals(cipher.ordinal() + 1, sealed[3], "the version names the cipher");
                    assertNotEquals(new String(sealed), new String(key.seal(device, id)), "a nonce of its own each time");
                    assertEquals(3, SealKey.idOf(sealed));
                    assertArrayEquals(device.toRecord(), key.open(sealed, id).toRecord());
                    assertArrayEquals(device.toRecord(), opener.open(sealed, id).toRecord());
                }
            }
        }
    }

    @Test
    void aLabelThatIsTooLongIsRefusedAndOneOf200BytesFits() {
        try (OtpDevice device = Fixtures.totp()) {
            String label = "\u00ed".repeat(100);
            char[] uri = device.toUri(label, label);
            assertTrue(uri.length < Sizes.URI_SIZE);
            assertArrayEquals(device.toRecord(), OtpDevice.fromUri(uri, NOW).toRecord());
            for (int length : new int[] {2048, 4095}) {
                String longer = "a".repeat(length);
                assertEquals(OtpError.URI_LABEL, assertThrows(OtpException.class, () -> device.toUri(longer, "b")).error());
                assertEquals(OtpError.URI_LABEL, assertThrows(OtpException.class, () -> device.toUri("a", longer)).error());
            }
            assertEquals(OtpError.LENGTH, assertThrows(OtpException.class, () -> device.toUri("", "a".repeat(4096))).error());
        }
    }

    @Test
    void secretsAreReadAsPeopleTypeThem() {
        try (Secret secret = Secret.fromBase32("gezd-gnbv gy3tqojq GEZDGNBVGY3TQOJQ===".toCharArray())) {
            assertArrayEquals(Fixtures.BYTES, secret.toBytes());
            assertEquals(Fixtures.BASE32, new String(secret.toBase32()));
            assertEquals("3132333435363738393031323334353637383930", new String(secret.toHex()));
        }
        try (Secret one = Secret.random(Algorithm.SHA512); Secret other = Secret.random(Algorithm.SHA512)) {
            assertEquals(64, one.toBytes().length);
            assertFalse(Arrays.equals(one.toBytes(), other.toBytes()));
        }
    }

    @Test
    void anAnswerOutsideOfAsciiIsWrongAndAFail() {
        try (OtpDevice device = Fixtures.totp()) {
            char[] arabic = Fixtures.codeAt(NOW);
            for (int at = 0; at < arabic.length; at++) {
                // Its low byte is not the digit's, but a cast would make others so: U+0130 to
                // U+0139.
                arabic[at] += '\u0100';
            }
            assertEquals(Reason.WRONG, device.verify(Policy.DEFAULT, arabic, NOW).reason());
            assertEquals(Reason.WRONG, device.verify(Policy.DEFAULT, "\u0661\u0662\u0663\u0664\u0665\u0666".toCharArray(), NOW).reason());
            assertEquals(2, device.info().fails());
            char[] cut = (new String(Fixtures.codeAt(NOW)) + "\0").toCharArray();
            assertEquals(Reason.WRONG, device.verify(Policy.DEFAULT, cut, NOW).reason());
        }
        assertThrows(OtpException.class, () -> Secret.fromBase32((Fixtures.BASE32 + "\0AAAA").toCharArray()));
    }

    @Test
    void aPolicyReturnsItsNumbers() {
        Policy policy = Policy.builder().window(2).lookAhead(3).resyncWindow(4).maxDrift(5).firstWindow(6).lock(7).codeLifetime(8).codeReuse(1).pinPositions(4).pinMinLength(9)
                .clockSkew(10).guessBound(11_000_000).pinGuessBound(12_000_000).build();
        assertEquals(policy, policy.toBuilder().build());
        assertNotEquals(policy, Policy.DEFAULT);
        int[] numbers = {policy.window(), policy.lookAhead(), policy.resyncWindow(), policy.maxDrift(), policy.firstWindow(), policy.maxFails(), policy.codeLifetime(),
            policy.codeReuse(), policy.pinPositions(), policy.pinMinLength(), policy.clockSkew(), policy.guessBound(), policy.pinGuessBound()};
        assertArrayEquals(new int[] {2, 3, 4, 5, 6, 7, 8, 1, 4, 9, 10, 11_000_000, 12_000_000}, numbers);
        assertEquals(30_008, Policy.DEFAULT.guessChance(Kind.TOTP, 6));
        assertEquals(10, Policy.SOFFID.window());
        assertEquals(24, Policy.SOFFID.lookAhead());
        Policy throttle = Policy.builder().throttle(5, 60, 600).guessBound(1_000_000_000).pinGuessBound(1_000_000_000).build();
        assertTrue(throttle.isThrottle() && throttle.firstDelay() == 60 && throttle.maxDelay() == 600 && throttle.maxFails() == 5);
        assertEquals(OptionalInt.empty(), throttle.lockingFail());
        assertEquals(OptionalInt.of(10), Policy.DEFAULT.lockingFail());
    }
}
