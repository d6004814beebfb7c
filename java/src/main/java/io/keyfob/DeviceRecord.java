package io.keyfob;

import java.util.Arrays;
import java.util.function.Function;

/**
 * A device's record behind a lock, and the calls that read or change it. It holds the secret until
 * {@link #close}.
 */
final class DeviceRecord implements AutoCloseable {
    private final Guarded<Memory> memory;

    /** Takes ownership of the memory. */
    private DeviceRecord(Memory memory) {
        this.memory = Guarded.forMemory("the device", memory);
    }

    /** A call of the engine on a record, which returns a result. */
    interface Call {
        int run(Memory record);
    }

    /** A call of the engine that changes a record and fills the struct of its output. */
    private interface Attempt {
        int run(Memory record, byte[] output);
    }

    /** A record that the engine writes. */
    static DeviceRecord create(Call call) {
        Memory memory = Native.engine().record();
        try {
            Native.check(call.run(memory));
            return new DeviceRecord(memory);
        } catch (RuntimeException | Error thrown) {
            memory.close();
            throw thrown;
        }
    }

    /** A call of the engine that reads a URI into a record. */
    interface Parse {
        int run(byte[] text, Memory record);
    }

    /** The record of the authenticator that a URI describes. */
    static DeviceRecord fromUri(char[] uri, Parse parse) {
        byte[] text = Text.utf8(uri);
        try {
            return create(record -> parse.run(text, record));
        } finally {
            Arrays.fill(text, (byte) 0);
        }
    }

    /** The record of a PIN. */
    static DeviceRecord fromPin(Policy policy, char[] pin, long now) {
        byte[] digits = Text.answer(pin);
        try {
            return create(record -> Native.engine().deviceCreatePin(policy.struct(), digits, now, record));
        } finally {
            Arrays.fill(digits, (byte) 0);
        }
    }

    /** A record from storage. */
    static DeviceRecord fromStored(byte[] record) {
        int length = Math.min(record.length, Sizes.RECORD_SIZE + 1);
        return create(memory -> {
            memory.put(0, record, length);
            return Native.engine().recordCheck(memory, length);
        });
    }

    /**
     * Copies stored bytes, at most one more than {@code size}: a longer array is as wrong as that.
     */
    static byte[] cut(byte[] stored, int size) {
        return Arrays.copyOf(stored, Math.min(stored.length, size + 1));
    }

    /** Copies a record. The copy is to be closed. */
    static Memory copyOf(Memory record) {
        Memory copy = Native.engine().record();
        copy.set(record);
        return copy;
    }

    /** A copy of the memory, to be closed. */
    Memory copy() {
        return memory.use(DeviceRecord::copyOf);
    }

    /** Another record with the same bytes. */
    DeviceRecord duplicate() {
        return new DeviceRecord(copy());
    }

    /** Reads the record. */
    <T> T read(Function<Memory, T> read) {
        return memory.use(read::apply);
    }

    /** Has the engine read the record, or change it in place. */
    void call(Call call) {
        Native.check(memory.<Integer, RuntimeException>use(call::run));
    }

    /** The URI that describes the authenticator. */
    char[] toUri(String issuer, String account) {
        byte[] by = Text.terminated(issuer, "issuer");
        byte[] to = Text.terminated(account, "account");
        byte[] text = new byte[Sizes.URI_SIZE];
        byte[] length = new byte[Sizes.LENGTH_SIZE];
        call(record -> Native.engine().uriWrite(record, by, to, text, length));
        return Text.take(text, 0, (int) Struct.getLong(length, 0));
    }

    /** Takes the factor of another record. */
    void replaceFactor(DeviceRecord from, long now) {
        // A copy: otherwise two threads that replace each other's factor could deadlock.
        try (Memory other = from.copy()) {
            call(record -> Native.engine().deviceReplaceFactor(record, other, now));
        }
    }

    /** Judges an answer; {@code store} may be null: see {@link #attempt}. */
    Verdict verify(Policy policy, char[] answer, long now, Store store) {
        Memory shared = policy.memory();
        byte[] typed = Text.answer(answer);
        try {
            return verdict((record, verdict) -> Native.engine().deviceVerify(record, shared, typed, now, verdict), store);
        } finally {
            Arrays.fill(typed, (byte) 0);
        }
    }

    /** Judges two consecutive codes; {@code store} may be null: see {@link #attempt}. */
    Verdict resync(Policy policy, char[] first, char[] second, long now, Store store) {
        byte[] struct = policy.struct();
        byte[] one = Text.answer(first);
        byte[] two = Text.answer(second);
        try {
            return verdict((record, verdict) -> Native.engine().deviceResync(record, struct, one, two, now, verdict), store);
        } finally {
            Arrays.fill(one, (byte) 0);
            Arrays.fill(two, (byte) 0);
        }
    }

    /** Requests a challenge; {@code store} may be null: see {@link #attempt}. */
    Challenge challenge(Policy policy, long now, Store store) {
        byte[] struct = policy.struct();
        return challenge((record, challenge) -> Native.engine().deviceChallenge(record, struct, now, challenge), store);
    }

    /** The pending challenge once more, which changes nothing. */
    Challenge resend(Policy policy, long now) {
        byte[] struct = policy.struct();
        return challenge((record, challenge) -> Native.engine().deviceResend(record, struct, now, challenge), null);
    }

    private Verdict verdict(Attempt attempt, Store store) {
        return new Verdict(attempt(Struct.create(Sizes.VERDICT_SIZE), attempt, store));
    }

    private Challenge challenge(Attempt attempt, Store store) {
        return new Challenge(attempt(Challenge.struct(), attempt, store));
    }

    /**
     * Makes an attempt and returns its output. The attempt changes the record in place. With a
     * store, the output is returned only after the next record is stored. Otherwise the record
     * becomes what it was.
     */
    private byte[] attempt(byte[] output, Attempt attempt, Store store) {
        return memory.<byte[], RuntimeException>use(record -> {
            if (store == null) {
                Native.check(attempt.run(record, output));
                return output;
            }
            long revision = record.revision();
            record.save();
            boolean isDone = false;
            try {
                Native.check(attempt.run(record, output));
                // Each change has a revision of its own.
                if (record.revision() != revision) {
                    store(store, record.toArray(), revision);
                }
                isDone = true;
                return output;
            } finally {
                if (!isDone) {
                    Arrays.fill(output, (byte) 0);
                    // The store may have closed the device.
                    if (!memory.isClosed()) {
                        record.restore();
                    }
                }
            }
        });
    }

    private static void store(Store store, byte[] next, long revision) {
        boolean isStored;
        try {
            isStored = store.compareAndSwap(next, revision);
        } catch (RuntimeException unchecked) {
            throw unchecked;
        } catch (Exception cause) {
            if (cause instanceof InterruptedException) {
                Thread.currentThread().interrupt();
            }
            OtpException failed = Native.exception(OtpError.STORE_FAILED);
            failed.initCause(cause);
            throw failed;
        }
        if (!isStored) {
            throw Native.exception(OtpError.STORE_CONFLICT);
        }
    }

    /** Overwrites the record. Waits for the call that is using it. */
    @Override
    public void close() {
        memory.close();
    }
}
