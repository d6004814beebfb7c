package io.keyfob;

import static io.keyfob.Fixtures.NOW;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/**
 * Sixteen threads on the same devices. Of all guesses exactly the limit is judged, and of all
 * copies of a right code exactly one succeeds.
 */
class ThreadsTest {
    private static final int THREADS = 16;
    private static final long SECONDS = 60;

    /** A table of one row, with compare and swap. */
    private static final class Row {
        private final AtomicReference<byte[]> stored;

        Row(OtpDevice device) {
            stored = new AtomicReference<>(device.toRecord());
        }

        Verdict attempt(char[] answer) {
            while (true) {
                byte[] read = stored.get();
                try (OtpDevice device = OtpDevice.fromRecord(read)) {
                    return device.verify(Policy.DEFAULT, answer, NOW, (next, revision) -> stored.compareAndSet(read, next.clone()));
                } catch (OtpException conflict) {
                    assertTrue(conflict.isConflict());
                }
            }
        }

        DeviceInfo info() {
            try (OtpDevice device = OtpDevice.fromRecord(stored.get())) {
                return device.info();
            }
        }
    }

    private static List<Verdict> all(ExecutorService threads, Callable<Verdict> attempt) throws Exception {
        CyclicBarrier start = new CyclicBarrier(THREADS);
        List<Future<Verdict>> futures = new ArrayList<>();
        for (int at = 0; at < THREADS; at++) {
            futures.add(threads.submit(() -> {
                start.await();
                return attempt.call();
            }));
        }
        List<Verdict> verdicts = new ArrayList<>();
        for (Future<Verdict> future : futures) {
            verdicts.add(future.get());
        }
        return verdicts;
    }

    private static long count(List<Verdict> verdicts, Reason reason) {
        return verdicts.stream().filter(verdict -> verdict.reason() == reason).count();
    }

    /**
     * A store that seals holds the device and waits for the key. Sealing a device must not hold the
     * key and wait for the device.
     */
    @Test
    void aStoreMaySealWhileOthersSealTheDevice() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(2, task -> {
            Thread thread = new Thread(task);
            thread.setDaemon(true);
            return thread;
        });
        OtpDevice device = Fixtures.totp();
        SealKey key = SealKey.fromBytes(1, new byte[32]);
        try {
            char[] wrong = Fixtures.wrongAt(NOW);
            Policy endless = Policy.builder().lock(Integer.MAX_VALUE).guessBound(1_000_000_000).pinGuessBound(1_000_000_000).build();
            Future<?> stores = threads.submit(() -> {
                for (int at = 0; at < 20_000; at++) {
                    device.verify(endless, wrong, NOW, (next, revision) -> {
                        try (OtpDevice stored = OtpDevice.fromRecord(next)) {
                            return key.seal(stored, new byte[] {1}).length > 0;
                        }
                    });
                }
            });
            Future<?> seals = threads.submit(() -> {
                for (int at = 0; at < 20_000; at++) {
                    key.seal(device, new byte[] {1});
                }
            });
            stores.get(60, TimeUnit.SECONDS);
            seals.get(60, TimeUnit.SECONDS);
        } finally {
            threads.shutdownNow();
        }
        // Only after success: closing waits for calls, and after a deadlock it would never end.
        key.close();
        device.close();
    }

    @Test
    void sixteenThreadsCountEachAttemptOnce() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(THREADS);
        char[] right = Fixtures.codeOf(0);
        char[] wrong = Fixtures.wrongFrom(0);
        long end = System.nanoTime() + SECONDS * 1_000_000_000L;
        int rounds = 0;
        while (System.nanoTime() < end) {
            Row guessed = new Row(Fixtures.hotp());
            List<Verdict> guesses = all(threads, () -> guessed.attempt(wrong));
            assertEquals(10, count(guesses, Reason.WRONG));
            assertEquals(6, count(guesses, Reason.LOCKED));
            assertEquals(10, guessed.info().fails());
            assertEquals(10, guessed.info().revision());

            Row copied = new Row(Fixtures.hotp());
            List<Verdict> copies = all(threads, () -> copied.attempt(right));
            assertEquals(1, count(copies, Reason.RIGHT));
            assertEquals(1, copied.info().movingFactor());

            // One object for all: its calls happen one after another.
            try (OtpDevice shared = Fixtures.hotp()) {
                List<Verdict> verdicts = all(threads, () -> shared.verify(Policy.DEFAULT, wrong, NOW));
                assertEquals(10, count(verdicts, Reason.WRONG));
                assertEquals(10, shared.info().revision());
            }
            rounds++;
        }
        threads.shutdownNow();
        assertTrue(rounds > 100, "only " + rounds + " rounds in a minute");
    }
}
