package io.keyfob;

import static io.keyfob.Fixtures.NOW;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** The memory of records, in both bindings. */
class MemoryTest {
    private static byte[] pattern() {
        byte[] record = new byte[Sizes.RECORD_SIZE];
        for (int at = 0; at < record.length; at++) {
            record[at] = (byte) (at + 1);
        }
        return record;
    }

    @Test
    void aClosedRecordIsOverwrittenBeforeItIsAnothers() {
        for (int at = 0; at < 100; at++) {
            Memory record = Native.engine().record();
            assertTrue(Fixtures.isWiped(record.toArray()));
            record.put(0, pattern());
            assertArrayEquals(pattern(), record.toArray());
            record.close();
            assertTrue(Fixtures.isWiped(record.toArray()));
        }
    }

    @Test
    void recordsInUseAreApart() {
        List<Memory> records = new ArrayList<>();
        for (int at = 0; at < 40; at++) {
            Memory record = Native.engine().record();
            record.put(0, new byte[] {(byte) at, 1});
            records.add(record);
        }
        for (int at = 0; at < records.size(); at++) {
            assertEquals(at, records.get(at).toArray()[0]);
        }
        records.forEach(Memory::close);
        Memory one = Native.engine().record();
        Memory other = Native.engine().record();
        assertNotSame(one, other);
        assertTrue(Fixtures.isWiped(one.toArray()) && Fixtures.isWiped(other.toArray()));
        one.close();
        other.close();
    }

    /** Most of them share the slots of other threads. */
    @Test
    void manyThreadsHaveDevicesOfTheirOwn() throws Exception {
        ExecutorService threads = Executors.newCachedThreadPool();
        try {
            List<Future<?>> all = new ArrayList<>();
            for (int thread = 0; thread < 64; thread++) {
                byte[] secret = Arrays.copyOf(new byte[] {(byte) thread, 1}, 20);
                all.add(threads.submit(() -> {
                    for (int at = 0; at < 500; at++) {
                        try (Secret own = Secret.fromBytes(secret); OtpDevice device = OtpDevice.hotp(Parameters.DEFAULT, own, 0, NOW)) {
                            char[] code = Codes.generateHotp(Parameters.DEFAULT, own, 0);
                            assertTrue(device.verify(Policy.DEFAULT, code, NOW, (next, revision) -> revision == 0).isRight());
                            assertArrayEquals(secret, device.secret());
                        }
                    }
                }));
            }
            for (Future<?> thread : all) {
                thread.get();
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private static ByteBuffer bytes(Memory memory) throws ReflectiveOperationException {
        Field bytes = Memory.class.getDeclaredField("bytes");
        bytes.setAccessible(true);
        return (ByteBuffer) bytes.get(memory);
    }

    /** Whether an answer is left behind a record and its verdict, outside of the heap. */
    private static boolean isAnswerLeft(ByteBuffer memory) {
        boolean isLeft = false;
        for (int at = Sizes.RECORD_SIZE + Sizes.VERDICT_SIZE; at < memory.capacity(); at++) {
            isLeft |= memory.get(at) != 0;
        }
        return isLeft;
    }

    private static boolean isAnswerLeft(OtpDevice device) throws ReflectiveOperationException {
        return isAnswerLeft(bytes(device.record().read(memory -> memory)));
    }

    @Test
    void aClosedRecordIsOverwrittenToTheEndOfItsMemory() throws ReflectiveOperationException {
        Memory record = Native.engine().record();
        ByteBuffer memory = bytes(record);
        for (int at = 0; at < memory.capacity(); at++) {
            memory.put(at, (byte) 7);
        }
        record.close();
        assertTrue(Fixtures.isWiped(record.toArray()));
        assertFalse(isAnswerLeft(memory));
    }

    /** Outside of the heap, where new memory costs a call into the system. */
    @Test
    void memoryOfAClosedRecordIsUsedForTheNext() throws ReflectiveOperationException {
        Memory one = Native.engine().record();
        ByteBuffer memory = bytes(one);
        one.close();
        try (Memory next = Native.engine().record()) {
            assertEquals(memory.isDirect(), memory == bytes(next));
        }
    }

    @Test
    void answersOfEveryLengthAreOverwritten() throws ReflectiveOperationException {
        for (int length = 0; length < 100; length++) {
            char[] answer = new char[length];
            Arrays.fill(answer, '7');
            try (OtpDevice device = Fixtures.totp()) {
                assertEquals(Reason.WRONG, device.verify(Policy.DEFAULT, answer, NOW).reason());
                assertFalse(isAnswerLeft(device));
            }
        }
    }

    @Test
    void aPinOf64DigitsIsVerifiedWhole() {
        char[] digits = new char[64];
        for (int at = 0; at < digits.length; at++) {
            digits[at] = (char) ('0' + at * 7 % 10);
        }
        Policy whole = Policy.builder().pinPositions(0).build();
        try (OtpDevice device = OtpDevice.pin(whole, digits, NOW)) {
            device.challenge(whole, NOW).close();
            char[] answer = new char[64];
            System.arraycopy(digits, 0, answer, 0, 64);
            answer[63] ^= 1;
            assertEquals(Reason.WRONG, device.verify(whole, answer, NOW).reason());
            assertTrue(device.verify(whole, digits, NOW).isRight());
        }
    }

    /** Even when another record has its memory: outside of the heap, C gets no address. */
    @Test
    void aClosedRecordIsRefused() {
        Memory closed = Fixtures.totp().record().copy();
        closed.close();
        closed.close();
        try (OtpDevice other = Fixtures.totp()) {
            closed.close();
            assertThrows(OtpException.class, () -> new DeviceInfo(closed));
            assertEquals(Reason.WRONG, other.verify(Policy.DEFAULT, Fixtures.wrongAt(NOW), NOW).reason());
            assertEquals(1, other.info().fails());
        }
    }

    @Test
    void aSavedRecordIsRestoredAndOverwritten() throws ReflectiveOperationException {
        Memory record = Native.engine().record();
        record.put(0, pattern());
        record.save();
        record.put(0, new byte[Sizes.RECORD_SIZE]);
        assertTrue(Fixtures.isWiped(record.toArray()));
        record.restore();
        assertArrayEquals(pattern(), record.toArray());
        ByteBuffer memory = bytes(record);
        record.close();
        assertFalse(isAnswerLeft(memory));
    }

    @Test
    void aCopyHasEveryByte() {
        try (Memory one = Native.engine().record()) {
            one.put(0, pattern());
            try (Memory other = DeviceRecord.copyOf(one)) {
                assertArrayEquals(pattern(), other.toArray());
            }
        }
    }

    @Test
    void theRevisionIsThatOfTheEngine() {
        Policy policy = Policy.builder().lock(1000).guessBound(1_000_000_000).pinGuessBound(1_000_000_000).build();
        try (OtpDevice device = Fixtures.totp()) {
            for (int fails = 0; fails < 300; fails++) {
                assertEquals(device.info().revision(), device.record().read(Memory::revision));
                device.verify(policy, Fixtures.wrongAt(NOW), NOW);
            }
            assertEquals(300, device.info().revision());
        }
    }

    /** Both bindings read the bytes in place, and refuse what is no record of the right length. */
    @Test
    void storedBytesOfEveryLengthAreRefusedButOne() {
        byte[] right = Fixtures.totp().toRecord();
        for (int length = 0; length < 400; length++) {
            byte[] stored = Arrays.copyOf(right, length);
            if (length == right.length) {
                try (OtpDevice device = OtpDevice.fromRecord(stored)) {
                    assertArrayEquals(right, device.toRecord());
                }
            } else {
                assertEquals(OtpError.RECORD_LENGTH, assertThrows(OtpException.class, () -> OtpDevice.fromRecord(stored)).error());
            }
        }
    }
}
