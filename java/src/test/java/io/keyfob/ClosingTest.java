package io.keyfob;

import static io.keyfob.Fixtures.NOW;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;

/** Closing: while in use, twice, before use. And secrets in memory, in texts and in messages. */
class ClosingTest {
    /** Tells whether the guarded bytes of an object are overwritten. They are not yet. */
    private static BooleanSupplier isWiped(Object holder, String field) throws ReflectiveOperationException {
        Field guarded = holder.getClass().getDeclaredField(field);
        guarded.setAccessible(true);
        Object bytes = ((Guarded<?>) guarded.get(holder)).use(open -> open);
        BooleanSupplier isWiped = () -> Fixtures.isWiped(bytes instanceof Memory ? ((Memory) bytes).toArray() : (byte[]) bytes);
        assertFalse(isWiped.getAsBoolean());
        return isWiped;
    }

    @Test
    void closingOverwrites() throws ReflectiveOperationException {
        OtpDevice device = Fixtures.sms();
        Secret secret = Fixtures.secret();
        Challenge challenge = device.challenge(Policy.DEFAULT, NOW);
        SealKey key = SealKey.fromBytes(1, Arrays.copyOf(new byte[] {1}, 32));
        RecoveryCodes codes = Fixtures.recoveryCodes();
        List<BooleanSupplier> wiped = List.of(isWiped(device.record(), "memory"), isWiped(secret, "bytes"), isWiped(challenge, "code"), isWiped(key, "bytes"),
                isWiped(codes, "secret"));
        for (AutoCloseable holder : List.<AutoCloseable>of(device, secret, challenge, key, codes)) {
            close(holder);
            close(holder);
        }
        wiped.forEach(isWiped -> assertTrue(isWiped.getAsBoolean()));
    }

    private static void close(AutoCloseable holder) {
        try {
            holder.close();
        } catch (Exception impossible) {
            throw new AssertionError(impossible);
        }
    }

    @Test
    void rowsAreOverwritten() throws ReflectiveOperationException {
        SoffidRow row = SoffidRow.builder().type(Kind.TOTP).status(Status.CREATED).created(Instant.EPOCH).authKey(Fixtures.BASE32.toCharArray())
                .pin("12345678".toCharArray()).build();
        for (String name : List.of("authKey", "pin")) {
            Field field = SoffidRow.class.getDeclaredField(name);
            field.setAccessible(true);
            char[] column = (char[]) field.get(row);
            assertTrue(column[0] != 0);
            row.close();
            assertEquals(new String(new char[column.length]), new String(column));
            row = row.toBuilder().authKey(Fixtures.BASE32.toCharArray()).pin("12345678".toCharArray()).build();
        }
    }

    @Test
    void callsAfterClosingAreRefused() {
        OtpDevice device = Fixtures.sms();
        Challenge challenge = device.challenge(Policy.DEFAULT, NOW);
        Secret secret = Fixtures.secret();
        SealKey key = SealKey.fromBytes(1, new byte[32]);
        RecoveryCodes codes = Fixtures.recoveryCodes();
        for (AutoCloseable holder : List.<AutoCloseable>of(device, challenge, secret, key, codes)) {
            close(holder);
        }
        Executable[] calls = {
            device::toRecord, device::info, device::secret, () -> device.toUri("a", "b"), () -> device.unlock(NOW), () -> device.setValidity(0, NOW, NOW), () -> device.forgetSteps(NOW),
            () -> device.setStatus(Status.LOCKED, NOW), () -> device.replaceFactor(Fixtures.sms(), NOW), () -> Fixtures.sms().replaceFactor(device, NOW),
            () -> device.verify(Policy.DEFAULT, new char[6], NOW),
            () -> device.verify(Policy.DEFAULT, new char[6], NOW, (next, revision) -> true), () -> device.challenge(Policy.DEFAULT, NOW),
            () -> device.resend(Policy.DEFAULT, NOW), () -> device.resync(Policy.DEFAULT, new char[6], new char[6], NOW),
            challenge::code, secret::toBytes, secret::isShort, secret::toHex, secret::toBase32, () -> OtpDevice.totp(Parameters.DEFAULT, secret, NOW),
            () -> Codes.generateHotp(Parameters.DEFAULT, secret, 0), () -> key.seal(Fixtures.totp(), new byte[0]),
            () -> key.open(new byte[216], new byte[0]), () -> SealKey.fromBytes(1, new byte[32]).seal(device, new byte[0]),
            device::recoveryCodes, codes::toList, () -> OtpDevice.recovery(codes, NOW), () -> RecoveryCodes.fromSecret(secret, 1),
        };
        for (Executable call : calls) {
            assertTrue(assertThrows(IllegalStateException.class, call).getMessage().endsWith("is closed"));
        }
    }

    @Test
    @Timeout(60)
    void closingWaitsForACallInUse() throws Exception {
        OtpDevice device = Fixtures.totp();
        BooleanSupplier isWiped = isWiped(device.record(), "memory");
        CountDownLatch isStoring = new CountDownLatch(1);
        CountDownLatch mayStore = new CountDownLatch(1);
        AtomicReference<Verdict> verdict = new AtomicReference<>();
        Thread user = new Thread(() -> verdict.set(device.verify(Policy.DEFAULT, Fixtures.codeAt(NOW), NOW, (next, revision) -> {
            isStoring.countDown();
            return uninterrupted(mayStore);
        })));
        user.start();
        assertTrue(isStoring.await(30, TimeUnit.SECONDS));
        Thread closer = new Thread(device::close);
        closer.start();
        closer.join(200);
        assertTrue(closer.isAlive(), "closing waits");
        assertFalse(isWiped.getAsBoolean());
        mayStore.countDown();
        user.join();
        closer.join();
        assertTrue(verdict.get().isRight());
        assertTrue(isWiped.getAsBoolean());
    }

    private static boolean uninterrupted(CountDownLatch latch) {
        try {
            return latch.await(30, TimeUnit.SECONDS);
        } catch (InterruptedException interrupted) {
            throw new AssertionError(interrupted);
        }
    }

    @Test
    @Timeout(60)
    void closingAmongManyCallsIsClean() throws InterruptedException {
        char[] wrong = Fixtures.wrongAt(NOW);
        for (int round = 0; round < 200; round++) {
            OtpDevice device = Fixtures.totp();
            AtomicReference<Throwable> failure = new AtomicReference<>();
            Thread[] users = new Thread[4];
            for (int at = 0; at < users.length; at++) {
                users[at] = new Thread(() -> {
                    try {
                        while (true) {
                            device.verify(Policy.DEFAULT, wrong, NOW);
                        }
                    } catch (IllegalStateException closed) {
                        assertEquals("the device is closed", closed.getMessage());
                    }
                });
                users[at].setUncaughtExceptionHandler((thread, thrown) -> failure.set(thrown));
                users[at].start();
            }
            Thread.sleep(2);
            device.close();
            for (Thread user : users) {
                user.join();
            }
            assertEquals(null, failure.get());
        }
    }

    @Test
    void aStoreMayCloseItsDeviceAndDoNothingElseWithIt() throws ReflectiveOperationException {
        OtpDevice device = Fixtures.totp();
        BooleanSupplier isWiped = isWiped(device.record(), "memory");
        assertThrows(IllegalStateException.class, () -> device.verify(Policy.DEFAULT, Fixtures.codeAt(NOW), NOW, (next, revision) -> {
            device.info();
            return true;
        }));
        assertTrue(device.verify(Policy.DEFAULT, Fixtures.codeAt(NOW), NOW, (next, revision) -> {
            device.close();
            return true;
        }).isRight());
        assertTrue(isWiped.getAsBoolean());
        assertThrows(IllegalStateException.class, device::info);
    }

    /** The attempt has saved the record as it was, which must not come back. */
    @Test
    void deviceStaysOverwrittenWhenItsStoreClosesItAndFails() throws ReflectiveOperationException {
        OtpDevice device = Fixtures.totp();
        BooleanSupplier isWiped = isWiped(device.record(), "memory");
        assertThrows(OtpException.class, () -> device.verify(Policy.DEFAULT, Fixtures.codeAt(NOW), NOW, (next, revision) -> {
            device.close();
            return false;
        }));
        assertTrue(isWiped.getAsBoolean());
        assertThrows(IllegalStateException.class, device::info);
    }

    @Test
    void toStringNeverContainsASecret() {
        OtpDevice device = Fixtures.sms();
        Challenge challenge = device.challenge(Policy.DEFAULT, NOW);
        String code = new String(challenge.code());
        OtpException refused = assertThrows(OtpException.class, () -> Secret.fromBase32((Fixtures.BASE32 + "1").toCharArray()));
        SoffidRow row = SoffidRow.builder().type(Kind.TOTP).status(Status.CREATED).created(Instant.EPOCH).authKey(Fixtures.BASE32.toCharArray()).build();
        RecoveryCodes codes = Fixtures.recoveryCodes();
        for (Object shown : new Object[] {codes, Fixtures.recovery(), device, device.info(), challenge, Fixtures.secret(), SealKey.fromBytes(1, new byte[32]), refused, row,
            Policy.DEFAULT, Parameters.DEFAULT, device.verify(Policy.DEFAULT, challenge.code(), NOW)}) {
            String text = shown.toString();
            assertFalse(text.contains(code) || text.contains(Fixtures.BASE32) || text.contains("3132") || text.contains("[B@"), text);
        }
    }
}
