package io.keyfob;

import static io.keyfob.Samples.NOW;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What devices do, from Java. */
class DeviceTest {
    @Test
    void theWayDownIsTheOneToBeTested() {
        assertEquals(System.getProperty("io.keyfob.test.way"), Native.engine().getClass().getSimpleName().toLowerCase(Locale.ROOT));
    }

    @Test
    void aTotpCodeIsRightOnce() {
        try (OtpDevice device = Samples.totp()) {
            Verdict right = device.verify(Policy.DEFAULT, Samples.codeAt(NOW + 30), NOW);
            assertTrue(right.isRight() && !right.isLocked());
            assertEquals(OptionalLong.of(NOW / 30 + 1), right.matched());
            assertEquals(OptionalLong.of(1), right.drift());
            assertEquals(OptionalLong.empty(), right.retryAt());
            Verdict again = device.verify(Policy.DEFAULT, Samples.codeAt(NOW + 30), NOW);
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
    void theTenthFailLocks() {
        try (OtpDevice device = Samples.totp()) {
            for (int fail = 1; fail <= 10; fail++) {
                Verdict verdict = device.verify(Policy.DEFAULT, Samples.wrongAt(NOW), NOW);
                assertEquals(fail, verdict.fails());
                assertEquals(fail == 10, verdict.isLocked());
            }
            assertEquals(Reason.LOCKED, device.verify(Policy.DEFAULT, Samples.codeAt(NOW), NOW).reason());
            device.unlock(NOW);
            assertTrue(device.verify(Policy.DEFAULT, Samples.codeAt(NOW), NOW).isRight());
        }
    }

    @Test
    void aClockThatWasAheadLocksNobodyOut() {
        try (OtpDevice device = Samples.totp()) {
            assertTrue(device.verify(Policy.DEFAULT, Samples.codeAt(NOW + 7200), NOW + 7200).isRight());
            device.unlock(NOW);
            for (long later = 0; later < 12 * 30; later += 30) {
                Verdict verdict = device.verify(Policy.DEFAULT, Samples.codeAt(NOW + later), NOW + later);
                assertEquals(Reason.CLOCK_WAS_AHEAD, verdict.reason());
                assertEquals(0, verdict.fails());
                assertFalse(verdict.isLocked());
            }
            device.forgetSteps(NOW);
            assertEquals(NOW / 30 + 1, device.info().movingFactor());
            assertFalse(device.verify(Policy.DEFAULT, Samples.codeAt(NOW), NOW).isRight());
            assertTrue(device.verify(Policy.DEFAULT, Samples.codeAt(NOW + 30), NOW + 30).isRight());
        }
        try (OtpDevice device = Samples.hotp()) {
            assertEquals(OtpError.WRONG_KIND, assertThrows(OtpException.class, () -> device.forgetSteps(NOW)).error());
        }
    }

    /** A mail client that has kept the code. */
    @Test
    void theCodeAcceptedLastIsRefusedAndNoFail() {
        try (OtpDevice device = Samples.totp()) {
            assertTrue(device.verify(Policy.DEFAULT, Samples.codeAt(NOW), NOW).isRight());
            for (int again = 0; again < 12; again++) {
                Verdict verdict = device.verify(Policy.DEFAULT, Samples.codeAt(NOW), NOW + 300 * again);
                assertEquals(Reason.REPLAYED, verdict.reason());
                assertEquals(0, verdict.fails());
            }
        }
    }

    @Test
    void aLockOutlivesDisabling() {
        try (OtpDevice device = Samples.totp()) {
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
        try (OtpDevice device = Samples.totp()) {
            device.verify(policy, Samples.wrongAt(NOW), NOW);
            assertEquals(OptionalLong.of(NOW + 60), device.verify(policy, Samples.wrongAt(NOW), NOW).retryAt());
            assertEquals(OptionalLong.of(NOW + 60), device.info().throttledUntil());
            assertEquals(Reason.THROTTLED, device.verify(policy, Samples.codeAt(NOW), NOW + 59).reason());
            assertTrue(device.verify(policy, Samples.codeAt(NOW + 60), NOW + 60).isRight());
        }
    }

    @Test
    void aMessageIsSentAndAnswered() {
        try (OtpDevice device = Samples.sms(); Challenge first = device.challenge(Policy.DEFAULT, NOW)) {
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
        try (OtpDevice device = Samples.pin(); Challenge challenge = device.challenge(Policy.DEFAULT, NOW)) {
            assertEquals(Challenge.Kind.POSITIONS, challenge.kind());
            assertEquals(3, challenge.positions().length);
            assertArrayEquals(challenge.positions(), Arrays.stream(challenge.positions()).sorted().distinct().toArray());
            assertArrayEquals(challenge.positions(), device.info().positions());
            assertEquals(0, challenge.code().length);
            assertEquals(null, device.info().algorithm());
            assertTrue(device.verify(Policy.DEFAULT, Samples.digitsAt(challenge.positions()), NOW).isRight());
        }
    }

    @Test
    void aWholePinIsAskedForToo() {
        Policy policy = Policy.builder().pinPositions(0).build();
        try (OtpDevice device = Samples.pin()) {
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
        try (OtpDevice device = Samples.hotp()) {
            assertFalse(device.verify(Policy.DEFAULT, Samples.codeOf(50), NOW).isRight());
            Verdict verdict = device.resync(Policy.DEFAULT, Samples.codeOf(50), Samples.codeOf(51), NOW);
            assertTrue(verdict.isRight());
            assertEquals(OptionalLong.of(51), verdict.matched());
            assertEquals(OptionalLong.of(50), verdict.drift(), "the counters before the first of the two");
            AtomicInteger stores = new AtomicInteger();
            assertTrue(device.resync(Policy.DEFAULT, Samples.codeOf(60), Samples.codeOf(61), NOW, (next, revision) -> {
                stores.incrementAndGet();
                return true;
            }).isRight());
            assertEquals(1, stores.get());
        }
    }

    @Test
    void aNewSecretKeepsTheFailsAndEndsTheChallenge() {
        try (Secret secret = Secret.of(Arrays.copyOf(Samples.BYTES, 32)); OtpDevice device = Samples.sms();
                OtpDevice from = OtpDevice.sms(Parameters.builder().digits(8).build(), secret, NOW - 100);
                Challenge old = device.challenge(Policy.DEFAULT, NOW)) {
            assertFalse(device.verify(Policy.DEFAULT, new char[6], NOW).isRight());
            byte[] unchanged = from.toRecord();
            device.replaceFactor(from, NOW + 1);
            assertArrayEquals(unchanged, from.toRecord());
            assertArrayEquals(secret.bytes(), device.secret());
            DeviceInfo info = device.info();
            assertEquals(1, info.fails());
            assertEquals(8, info.digits());
            assertEquals(NOW, info.created());
            assertEquals(OptionalLong.empty(), info.pendingSince());
            assertEquals(Reason.NO_CHALLENGE, device.verify(Policy.DEFAULT, old.code(), NOW + 1).reason());
            try (Challenge next = device.challenge(Policy.DEFAULT, NOW + 1)) {
                assertTrue(next.isFresh() && next.code().length == 8);
                assertTrue(device.verify(Policy.DEFAULT, next.code(), NOW + 1).isRight());
            }
        }
    }

    @Test
    void aNewFactorIsNoWayAroundALock() {
        try (OtpDevice device = Samples.pin(); OtpDevice from = OtpDevice.pin(Policy.DEFAULT, "87654321".toCharArray(), NOW)) {
            device.setStatus(Status.LOCKED, NOW);
            device.replaceFactor(from, NOW);
            assertEquals(Status.LOCKED, device.info().status());
            assertArrayEquals("87654321".getBytes(StandardCharsets.US_ASCII), device.secret());
        }
    }

    @Test
    void aFactorIsOfTheDevicesKind() {
        OtpDevice[] devices = {Samples.totp(), Samples.hotp(), Samples.sms(), Samples.email(), Samples.pin()};
        for (OtpDevice device : devices) {
            for (OtpDevice from : devices) {
                byte[] before = device.toRecord();
                if (device == from) {
                    device.replaceFactor(from, NOW);
                    assertArrayEquals(from.secret(), device.secret());
                    continue;
                }
                assertEquals(OtpError.WRONG_KIND, assertThrows(OtpException.class, () -> device.replaceFactor(from, NOW)).error());
                assertArrayEquals(before, device.toRecord());
            }
        }
    }

    @Test
    @Timeout(60)
    void twoDevicesMayTakeEachOthersFactor() throws Exception {
        OtpDevice one = Samples.hotp();
        OtpDevice other = Samples.hotp();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread[] threads = {new Thread(() -> replace(one, other)), new Thread(() -> replace(other, one))};
        for (Thread thread : threads) {
            thread.setUncaughtExceptionHandler((which, thrown) -> failure.set(thrown));
            thread.setDaemon(true);
            thread.start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertEquals(null, failure.get());
        assertEquals(20_000, one.info().revision());
        assertEquals(20_000, other.info().revision());
    }

    private static void replace(OtpDevice device, OtpDevice from) {
        for (int time = 0; time < 20_000; time++) {
            device.replaceFactor(from, NOW);
        }
    }

    @Test
    void recordsUrisAndSealsComeBack() {
        byte[] id = {1};
        try (OtpDevice device = Samples.totp(); SealKey key = SealKey.of(3, new byte[32])) {
            byte[] record = device.toRecord();
            assertEquals(168, record.length);
            assertArrayEquals(record, OtpDevice.fromRecord(record).toRecord());
            assertArrayEquals(record, OtpDevice.fromUri(device.uri("ACME", "al\u00edce"), NOW).toRecord());
            assertTrue(new String(device.uri("", "al\u00edce")).startsWith("otpauth://totp/al%C3%ADce?secret=" + Samples.BASE32));
            for (String label : new String[] {"Caf\u00e9:Jos\u00e9", "\u65e5\u672c:\ud83d\ude00", "ACME:a@b.c:8443", "A%3a%20B:c", ""}) {
                String raw = "otpauth://totp/" + label + "?secret=" + Samples.BASE32 + "\r\n";
                assertArrayEquals(record, OtpDevice.fromUri(raw.toCharArray(), NOW).toRecord(), raw);
            }
            for (String none : new String[] {"\ud83d", "a\0b", "a\ude00"}) {
                char[] raw = ("otpauth://totp/" + none + "?secret=" + Samples.BASE32).toCharArray();
                assertEquals(OtpError.URI_ENCODING, assertThrows(OtpException.class, () -> OtpDevice.fromUri(raw, NOW)).error());
            }
            assertArrayEquals(Samples.BYTES, device.secret());
            byte[] sealed = key.seal(device, id);
            assertNotEquals(new String(sealed), new String(key.seal(device, id)), "a nonce of its own each time");
            assertEquals(3, SealKey.idOf(sealed));
            assertArrayEquals(record, key.open(sealed, id).toRecord());
        }
    }

    @Test
    void aLabelThatIsTooLongIsRefusedAndOneOf200BytesFits() {
        try (OtpDevice device = Samples.totp()) {
            String label = "\u00ed".repeat(100);
            char[] uri = device.uri(label, label);
            assertTrue(uri.length < Engine.URI_SIZE);
            assertArrayEquals(device.toRecord(), OtpDevice.fromUri(uri, NOW).toRecord());
            for (int length : new int[] {2048, 4095}) {
                String longer = "a".repeat(length);
                assertEquals(OtpError.URI_LABEL, assertThrows(OtpException.class, () -> device.uri(longer, "b")).error());
                assertEquals(OtpError.URI_LABEL, assertThrows(OtpException.class, () -> device.uri("a", longer)).error());
            }
            assertEquals(OtpError.LENGTH, assertThrows(OtpException.class, () -> device.uri("", "a".repeat(4096))).error());
        }
    }

    @Test
    void secretsAreReadAsPeopleTypeThem() {
        try (Secret secret = Secret.fromBase32("gezd-gnbv gy3tqojq GEZDGNBVGY3TQOJQ===".toCharArray())) {
            assertArrayEquals(Samples.BYTES, secret.bytes());
            assertEquals(Samples.BASE32, new String(secret.toBase32()));
            assertEquals("3132333435363738393031323334353637383930", new String(secret.toHex()));
        }
        try (Secret one = Secret.random(Algorithm.SHA512); Secret other = Secret.random(Algorithm.SHA512)) {
            assertEquals(64, one.bytes().length);
            assertFalse(Arrays.equals(one.bytes(), other.bytes()));
        }
    }

    @Test
    void whatIsNotAsciiIsWrongAndAFail() {
        try (OtpDevice device = Samples.totp()) {
            char[] arabic = Samples.codeAt(NOW);
            for (int at = 0; at < arabic.length; at++) {
                // Its low byte is not the digit's, but a cast would make others so: U+0130 to
                // U+0139.
                arabic[at] += '\u0100';
            }
            assertEquals(Reason.WRONG, device.verify(Policy.DEFAULT, arabic, NOW).reason());
            assertEquals(Reason.WRONG, device.verify(Policy.DEFAULT, "\u0661\u0662\u0663\u0664\u0665\u0666".toCharArray(), NOW).reason());
            assertEquals(2, device.info().fails());
            char[] cut = (new String(Samples.codeAt(NOW)) + "\0").toCharArray();
            assertEquals(Reason.WRONG, device.verify(Policy.DEFAULT, cut, NOW).reason());
        }
        assertThrows(OtpException.class, () -> Secret.fromBase32((Samples.BASE32 + "\0AAAA").toCharArray()));
    }

    @Test
    void noVerdictBeforeTheStoreHasStored() throws IOException {
        try (OtpDevice device = Samples.totp()) {
            byte[] before = device.toRecord();
            char[] code = Samples.codeAt(NOW);
            OtpException thrown = assertThrows(OtpException.class, () -> device.verify(Policy.DEFAULT, code, NOW, (next, revision) -> {
                throw new IOException("full");
            }));
            assertEquals(OtpError.STORE_FAILED, thrown.error());
            assertEquals("full", thrown.getCause().getMessage());
            assertThrows(IllegalStateException.class, () -> device.verify(Policy.DEFAULT, code, NOW, (next, revision) -> {
                throw new IllegalStateException("unchecked, and as it is");
            }));
            assertThrows(OtpException.class, () -> device.verify(Policy.DEFAULT, code, NOW, (next, revision) -> {
                throw new InterruptedException();
            }));
            assertTrue(Thread.interrupted(), "an interrupt is not lost");
            assertTrue(assertThrows(OtpException.class, () -> device.verify(Policy.DEFAULT, code, NOW, (next, revision) -> false)).isConflict());
            assertArrayEquals(before, device.toRecord());

            AtomicReference<byte[]> stored = new AtomicReference<>();
            AtomicReference<byte[]> given = new AtomicReference<>();
            Store store = (next, revision) -> {
                assertEquals(0, revision);
                given.set(next);
                stored.set(next.clone());
                return true;
            };
            assertTrue(device.verify(Policy.DEFAULT, code, NOW, store).isRight());
            assertArrayEquals(stored.get(), device.toRecord());
            assertArrayEquals(stored.get(), given.get(), "what the store was given is its own, as in a map or an entity that is written later");
        }
    }

    @Test
    void aStoreThatSpoilsItsArraySpoilsNothing() {
        try (OtpDevice device = Samples.totp()) {
            assertTrue(device.verify(Policy.DEFAULT, Samples.codeAt(NOW), NOW, (next, revision) -> {
                Arrays.fill(next, (byte) 7);
                return true;
            }).isRight());
            assertEquals(1, device.info().revision());
        }
    }

    @Test
    void nothingIsStoredIfNothingChanged() {
        try (OtpDevice device = Samples.totp()) {
            device.setStatus(Status.LOCKED, NOW);
            Verdict verdict = device.verify(Policy.DEFAULT, Samples.codeAt(NOW), NOW, (next, revision) -> {
                throw new AssertionError("stored");
            });
            assertEquals(Reason.LOCKED, verdict.reason());
            try (Challenge challenge = Samples.totp().challenge(Policy.DEFAULT, NOW, (next, revision) -> false)) {
                assertEquals(Challenge.Kind.AUTHENTICATOR, challenge.kind());
            }
        }
    }

    @Test
    void policiesTellTheirNumbers() {
        Policy policy = Policy.builder().window(2).lookAhead(3).resyncWindow(4).maxDrift(5).lock(6).codeLifetime(7).codeReuse(1).pinPositions(4).pinMinLength(9)
                .clockSkew(10).guessBound(11_000_000).pinGuessBound(12_000_000).build();
        assertEquals(policy, policy.toBuilder().build());
        assertNotEquals(policy, Policy.DEFAULT);
        int[] numbers = {policy.window(), policy.lookAhead(), policy.resyncWindow(), policy.maxDrift(), policy.maxFails(), policy.codeLifetime(),
            policy.codeReuse(), policy.pinPositions(), policy.pinMinLength(), policy.clockSkew(), policy.guessBound(), policy.pinGuessBound()};
        assertArrayEquals(new int[] {2, 3, 4, 5, 6, 7, 1, 4, 9, 10, 11_000_000, 12_000_000}, numbers);
        assertEquals(30_008, Policy.DEFAULT.guessChance(Kind.TOTP, 6));
        assertEquals(10, Policy.SOFFID.window());
        assertEquals(24, Policy.SOFFID.lookAhead());
        Policy throttle = Policy.builder().throttle(5, 60, 600).guessBound(1_000_000_000).pinGuessBound(1_000_000_000).build();
        assertTrue(throttle.isThrottle() && throttle.firstDelay() == 60 && throttle.maxDelay() == 600 && throttle.maxFails() == 5);
    }
}
