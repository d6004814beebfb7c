package io.keyfob;

import static io.keyfob.Fixtures.NOW;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Replaced factors: what a device keeps under a new secret or PIN. */
class FactorTest {
    @Test
    void aNewSecretKeepsTheFailsAndEndsTheChallenge() {
        try (Secret secret = Secret.fromBytes(Arrays.copyOf(Fixtures.BYTES, 32)); OtpDevice device = Fixtures.sms();
                OtpDevice from = OtpDevice.sms(Parameters.builder().digits(8).build(), secret, NOW - 100);
                Challenge old = device.challenge(Policy.DEFAULT, NOW)) {
            assertFalse(device.verify(Policy.DEFAULT, new char[6], NOW).isRight());
            byte[] unchanged = from.toRecord();
            device.replaceFactor(from, NOW + 1);
            assertArrayEquals(unchanged, from.toRecord());
            assertArrayEquals(secret.toBytes(), device.secret());
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
    void aNewFactorKeepsTheLock() {
        try (OtpDevice device = Fixtures.pin(); OtpDevice from = OtpDevice.pin(Policy.DEFAULT, "87654321".toCharArray(), NOW)) {
            device.setStatus(Status.LOCKED, NOW);
            device.replaceFactor(from, NOW);
            assertEquals(Status.LOCKED, device.info().status());
            assertArrayEquals("87654321".getBytes(StandardCharsets.US_ASCII), device.secret());
        }
    }

    @Test
    void aFactorIsOfTheDevicesKind() {
        OtpDevice[] devices = {Fixtures.totp(), Fixtures.hotp(), Fixtures.sms(), Fixtures.email(), Fixtures.pin(), Fixtures.recovery()};
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
        OtpDevice one = Fixtures.hotp();
        OtpDevice other = Fixtures.hotp();
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
}
