package io.keyfob;

import static io.keyfob.Fixtures.NOW;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Stores: a verdict or a code comes only after the next record is stored. */
class StoreTest {
    @Test
    void aVerdictComesOnlyAfterTheStoreHasStored() throws IOException {
        try (OtpDevice device = Fixtures.totp()) {
            byte[] before = device.toRecord();
            char[] code = Fixtures.codeAt(NOW);
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
        try (OtpDevice device = Fixtures.totp()) {
            assertTrue(device.verify(Policy.DEFAULT, Fixtures.codeAt(NOW), NOW, (next, revision) -> {
                Arrays.fill(next, (byte) 7);
                return true;
            }).isRight());
            assertEquals(1, device.info().revision());
        }
    }

    @Test
    void anUnchangedDeviceIsNotStored() {
        try (OtpDevice device = Fixtures.totp()) {
            device.setStatus(Status.LOCKED, NOW);
            Verdict verdict = device.verify(Policy.DEFAULT, Fixtures.codeAt(NOW), NOW, (next, revision) -> {
                throw new AssertionError("stored");
            });
            assertEquals(Reason.LOCKED, verdict.reason());
            try (Challenge challenge = Fixtures.totp().challenge(Policy.DEFAULT, NOW, (next, revision) -> false)) {
                assertEquals(Challenge.Kind.AUTHENTICATOR, challenge.kind());
            }
        }
    }
}
