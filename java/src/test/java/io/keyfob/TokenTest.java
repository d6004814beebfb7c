package io.keyfob;

import static io.keyfob.Fixtures.NOW;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Hardware tokens: clocks that are off, validity dates and short secrets. */
class TokenTest {
    private static final long PERIOD = 60;
    private static final long DAY = 86_400;

    /** The steps by which the clock of the token is ahead. */
    private static final int AHEAD = 7;

    private static final Parameters PARAMETERS = Parameters.builder().period((int) PERIOD).build();
    private static final Policy LEARNING = Policy.builder().maxDrift(10).build();

    private static Secret seed() {
        return Secret.fromHexAllowingShort("31323334353637383930".toCharArray());
    }

    private static OtpDevice token() {
        try (Secret seed = seed()) {
            return OtpDevice.totp(PARAMETERS, seed, NOW);
        }
    }

    /** The code that the token shows at a time. */
    private static char[] shownAt(long time) {
        try (Secret seed = seed()) {
            return Codes.generateTotp(PARAMETERS, seed, time + AHEAD * PERIOD);
        }
    }

    private static OtpError refusal(Executable call) {
        return assertThrows(OtpException.class, call).error();
    }

    @Test
    void aTokenOutOfADrawerIsFoundByTwoCodesAndVerifiesADayLater() {
        byte[] stored;
        try (OtpDevice token = token()) {
            assertEquals(Reason.WRONG, token.verify(LEARNING, shownAt(NOW), NOW).reason());
            Verdict found = token.resync(LEARNING, shownAt(NOW), shownAt(NOW + PERIOD), NOW + PERIOD);
            assertTrue(found.isRight());
            assertEquals(OptionalLong.of(AHEAD), found.drift());
            assertEquals(OptionalLong.of(NOW / PERIOD + 1 + AHEAD), found.matched());
            assertEquals(AHEAD, token.info().drift());
            assertEquals(Status.VALIDATED, token.info().status());
            assertEquals(0, token.info().fails());
            for (char[] used : new char[][] {shownAt(NOW), shownAt(NOW + PERIOD)}) {
                assertFalse(token.verify(LEARNING, used, NOW + PERIOD).isRight(), "both codes are used");
            }
            stored = token.toRecord();
        }
        try (OtpDevice token = OtpDevice.fromRecord(stored)) {
            assertTrue(token.verify(LEARNING, shownAt(NOW + DAY), NOW + DAY).isRight());
        }
    }

    @Test
    void resyncOfTotpNeedsAPolicyThatLearnsDrift() {
        try (OtpDevice token = token()) {
            byte[] before = token.toRecord();
            assertEquals(OtpError.NO_DRIFT, refusal(() -> token.resync(Policy.DEFAULT, shownAt(NOW), shownAt(NOW + PERIOD), NOW)));
            assertArrayEquals(before, token.toRecord());
        }
    }

    @Test
    void resyncOfTotpSearchesNoFartherThanResyncWindowAndMaxDrift() {
        for (Policy near : List.of(Policy.builder().maxDrift(AHEAD - 1).build(), LEARNING.toBuilder().resyncWindow(AHEAD - 1).build())) {
            try (OtpDevice token = token()) {
                Verdict verdict = token.resync(near, shownAt(NOW - PERIOD), shownAt(NOW), NOW);
                assertEquals(Reason.WRONG, verdict.reason());
                assertEquals(1, verdict.fails());
            }
        }
        try (OtpDevice token = token()) {
            Policy enough = Policy.builder().maxDrift(AHEAD).resyncWindow(AHEAD).build();
            assertTrue(token.resync(enough, shownAt(NOW - PERIOD), shownAt(NOW), NOW).isRight());
        }
    }

    @Test
    void resyncOfTotpIsStoredBeforeItsVerdict() {
        List<byte[]> stored = new ArrayList<>();
        try (OtpDevice token = token()) {
            assertEquals(OtpError.STORE_CONFLICT,
                    refusal(() -> token.resync(LEARNING, shownAt(NOW), shownAt(NOW + PERIOD), NOW + PERIOD, (next, revision) -> false)));
            assertEquals(0, token.info().drift());
            assertTrue(token.resync(LEARNING, shownAt(NOW), shownAt(NOW + PERIOD), NOW + PERIOD, (next, revision) -> stored.add(next)).isRight());
            assertArrayEquals(token.toRecord(), stored.get(0));
        }
    }

    @Test
    void theFirstWindowIsForTheFirstRightAnswerOnly() {
        Policy policy = LEARNING.toBuilder().firstWindow(8).build();
        assertEquals(8, policy.firstWindow());
        assertEquals(policy, policy.toBuilder().build());
        assertTrue(policy.guessChance(Kind.TOTP, 6) > LEARNING.guessChance(Kind.TOTP, 6), "the bound counts it");
        try (OtpDevice token = token()) {
            assertTrue(token.verify(policy, shownAt(NOW), NOW).isRight());
            assertEquals(AHEAD, token.info().drift());
            assertTrue(token.verify(policy, shownAt(NOW + DAY), NOW + DAY).isRight());
            // Beyond the window around the drift, but within the first one.
            assertEquals(Reason.WRONG, token.verify(policy, shownAt(NOW + 2 * DAY - 3 * PERIOD), NOW + 2 * DAY).reason());
        }
    }

    @Test
    void theFirstWindowIsAtLeastTheWindowAndAtMostWindowAndDriftTogether() {
        assertEquals(1, Policy.DEFAULT.firstWindow());
        assertEquals(10, Policy.SOFFID.firstWindow());
        assertEquals(3, Policy.builder().window(3).firstWindow(2).build().firstWindow());
        assertEquals(5, Policy.builder().window(2).maxDrift(3).firstWindow(5).build().firstWindow());
        assertEquals(OtpError.FIRST_WINDOW, refusal(Policy.builder().window(2).maxDrift(3).firstWindow(6)::build));
        assertEquals(OtpError.FIRST_WINDOW, refusal(Policy.builder().firstWindow(-1)::build));
        assertEquals(OtpError.GUESS_BOUND, refusal(Policy.builder().maxDrift(1000).firstWindow(1000)::build));
    }

    @Test
    void aDeviceIsUsableBetweenItsValidityDatesOnly() {
        for (OtpDevice device : List.of(Fixtures.totp(), Fixtures.hotp())) {
            char[] code = device.info().kind() == Kind.TOTP ? Fixtures.codeAt(NOW) : Fixtures.codeOf(0);
            assertEquals(OptionalLong.empty(), device.info().notBefore());
            assertEquals(OptionalLong.empty(), device.info().notAfter());
            for (long[] closed : new long[][] {{NOW + 1, 0}, {0, NOW - 1}, {NOW + 1, NOW + 1}, {NOW - 9, NOW - 1}}) {
                device.setValidity(closed[0], closed[1], NOW);
                Verdict verdict = device.verify(Policy.DEFAULT, code, NOW);
                assertEquals(Reason.OUTSIDE_VALIDITY, verdict.reason());
                assertEquals(0, verdict.fails());
                assertEquals(OtpError.OUTSIDE_VALIDITY, refusal(() -> device.challenge(Policy.DEFAULT, NOW)));
            }
            device.setStatus(Status.LOCKED, NOW);
            assertEquals(Reason.LOCKED, device.verify(Policy.DEFAULT, code, NOW).reason());
            device.unlock(NOW);
            device.setValidity(NOW, NOW, NOW);
            try (OtpDevice read = OtpDevice.fromRecord(device.toRecord())) {
                assertEquals(OptionalLong.of(NOW), read.info().notBefore());
                assertEquals(OptionalLong.of(NOW), read.info().notAfter());
                assertTrue(read.verify(Policy.DEFAULT, code, NOW).isRight());
            }
            device.setValidity(0, 0, NOW);
            assertEquals(OptionalLong.empty(), device.info().notAfter());
            assertTrue(device.verify(Policy.DEFAULT, code, NOW).isRight());
        }
    }

    @Test
    void aValidityThatEndsBeforeItBeginsChangesNothing() {
        try (OtpDevice device = Fixtures.totp(); OtpDevice sms = Fixtures.sms()) {
            byte[] before = device.toRecord();
            assertEquals(OtpError.VALIDITY, refusal(() -> device.setValidity(NOW, NOW - 1, NOW)));
            assertArrayEquals(before, device.toRecord());
            assertEquals(OtpError.WRONG_KIND, refusal(() -> sms.setValidity(NOW, NOW, NOW)));
            assertEquals(OptionalLong.empty(), sms.info().notBefore());
        }
    }

    @Test
    void aReplacedFactorBringsItsValidity() {
        try (OtpDevice device = Fixtures.totp(); OtpDevice from = token()) {
            device.setValidity(0, NOW, NOW);
            from.setValidity(NOW, NOW + DAY, NOW);
            device.replaceFactor(from, NOW);
            assertEquals(OptionalLong.of(NOW), device.info().notBefore());
            assertEquals(OptionalLong.of(NOW + DAY), device.info().notAfter());
            assertTrue(device.info().hasShortSecret());
        }
    }

    @Test
    void aShortSecretIsTakenOnlyByTheMethodsThatAllowIt() {
        for (int size = 0; size <= Sizes.SECRET_MAX_SIZE + 2; size++) {
            byte[] bytes = new byte[size];
            Arrays.fill(bytes, (byte) 0x5a);
            char[] hex = "5a".repeat(size).toCharArray();
            char[] base32 = base32(bytes);
            char[] uri = ("otpauth://totp/a?secret=" + new String(base32)).toCharArray();
            List<Executable> strict = List.of(() -> Secret.fromBytes(bytes).close(), () -> Secret.fromHex(hex).close(),
                    () -> Secret.fromBase32(base32).close(), () -> OtpDevice.fromUri(uri, NOW).close());
            List<Executable> allowing = List.of(() -> Secret.fromBytesAllowingShort(bytes).close(), () -> Secret.fromHexAllowingShort(hex).close(),
                    () -> Secret.fromBase32AllowingShort(base32).close(), () -> OtpDevice.fromUriAllowingShort(uri, NOW).close());
            check(strict, size >= 16 && size <= 64, size);
            check(allowing, size >= 10 && size <= 64, size);
        }
    }

    private static void check(List<Executable> calls, boolean isTaken, int size) {
        for (int at = 0; at < calls.size(); at++) {
            String which = "call " + at + " with " + size + " bytes";
            if (isTaken) {
                assertDoesNotThrow(calls.get(at), which);
            } else {
                assertEquals(OtpError.SECRET_LENGTH, assertThrows(OtpException.class, calls.get(at), which).error(), which);
            }
        }
    }

    /** Base32 without the engine, for lengths that it refuses. */
    private static char[] base32(byte[] bytes) {
        StringBuilder bits = new StringBuilder();
        for (byte each : bytes) {
            bits.append(Integer.toBinaryString(each & 0xff | 0x100).substring(1));
        }
        StringBuilder text = new StringBuilder();
        for (int at = 0; at < bits.length(); at += 5) {
            String five = (bits.substring(at, Math.min(at + 5, bits.length())) + "0000").substring(0, 5);
            text.append("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".charAt(Integer.parseInt(five, 2)));
        }
        return text.toString().toCharArray();
    }

    @Test
    void aShortSecretIsMarkedAndComesBack() {
        try (Secret seed = seed(); Secret usual = Fixtures.secret(); OtpDevice token = token(); OtpDevice device = Fixtures.totp();
                OtpDevice counted = OtpDevice.hotp(Parameters.DEFAULT, seed, 0, NOW); SealKey key = SealKey.fromBytes(1, new byte[32])) {
            assertTrue(seed.isShort() && token.info().hasShortSecret() && counted.info().hasShortSecret());
            assertFalse(usual.isShort() || device.info().hasShortSecret());
            assertEquals("GEZDGNBVGY3TQOJQ", new String(seed.toBase32()));
            assertEquals("31323334353637383930", new String(seed.toHex()));
            assertArrayEquals(seed.toBytes(), token.secret());
            char[] uri = token.toUri("ACME", "alice");
            assertEquals(OtpError.SECRET_LENGTH, refusal(() -> OtpDevice.fromUri(uri, NOW)));
            try (OtpDevice read = OtpDevice.fromUriAllowingShort(uri, NOW); OtpDevice opened = key.open(key.seal(token, new byte[0]), new byte[0])) {
                assertArrayEquals(token.toRecord(), read.toRecord());
                assertArrayEquals(token.toRecord(), opened.toRecord());
            }
            assertTrue(counted.verify(Policy.DEFAULT, Codes.generateHotp(Parameters.DEFAULT, seed, 3), NOW).isRight());
            assertEquals(OptionalLong.of(3), Codes.searchHotp(Parameters.DEFAULT, seed, Codes.generateHotp(Parameters.DEFAULT, seed, 3), 0, 5));
        }
    }
}
