package io.keyfob;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicReferenceArray;

/** The way down on Java 8 and later: the functions are those of {@code java/native}. */
final class Jni implements Engine {
    /** Behind a record stand the verdict and the answer of an attempt: the native library knows these places too. */
    private static final int VERDICT = RECORD_SIZE;
    private static final int ANSWER = VERDICT + Verdict.SIZE;
    private static final int SIZE = ANSWER + Text.ANSWER_ROOM;

    /** Two for each of some threads, as an attempt with a store has two records; each thread's in a line of the cache of their own. */
    private static final int THREADS = 16;
    private static final int LINE = 16;

    /** Zeros for the next records: to get such memory from the system takes a microsecond. */
    private static final AtomicReferenceArray<Memory> FREE = new AtomicReferenceArray<>(THREADS * LINE);

    private Jni() {}

    static Engine load() {
        Library.load(path -> System.load(path.toString()));
        Jni engine = Library.checked(new Jni());
        if (engine.findAddress(Memory.class) != SIZE) {
            throw new UnsatisfiedLinkError("keyfob: the native library is of another build than these classes; take both from one jar");
        }
        return engine;
    }

    /** Tells the library which field of a {@link Memory} is its address, and returns how much it wants there for a record. */
    private native int findAddress(Class<Memory> memory);

    private native long address(ByteBuffer bytes);

    private static int place() {
        // A number that a program may have made its own.
        return (int) Math.floorMod(Thread.currentThread().getId(), (long) THREADS) * LINE;
    }

    @Override
    public Memory record() {
        int place = place();
        Memory record = FREE.getAndSet(place, null);
        if (record == null) {
            record = FREE.getAndSet(place + 1, null);
        }
        return record != null ? record : withVerdict(memory(SIZE));
    }

    /** The engine wants to see the size of what it fills. */
    private static Memory withVerdict(Memory zeros) {
        zeros.put(VERDICT, Verdict.struct());
        return zeros;
    }

    @Override
    public void release(Memory zeros) {
        int place = place();
        withVerdict(zeros);
        if (!FREE.compareAndSet(place, null, zeros)) {
            FREE.set(place + 1, zeros);
        }
    }

    @Override
    public Memory policy(byte[] struct) {
        Memory policy = memory(struct.length);
        policy.put(0, struct);
        return policy;
    }

    private Memory memory(int size) {
        ByteBuffer bytes = ByteBuffer.allocateDirect(size);
        return Memory.of(bytes, address(bytes));
    }

    @Override
    public native int policyDefault(byte[] policy);

    @Override
    public native int policySoffid(byte[] policy);

    @Override
    public native int policyCheck(byte[] policy);

    @Override
    public native int policyGuessChance(byte[] policy, int kind, int digits, byte[] chance);

    @Override
    public native int secretRandom(int algorithm, byte[] secret, byte[] length);

    @Override
    public native int secretFromBase32(byte[] text, byte[] secret, byte[] length);

    @Override
    public native int secretFromHex(byte[] text, byte[] secret, byte[] length);

    @Override
    public native int secretToBase32(byte[] secret, byte[] text);

    @Override
    public native int secretToHex(byte[] secret, byte[] text);

    @Override
    public native int hotpGenerate(byte[] parameters, byte[] secret, long counter, byte[] code);

    @Override
    public native int totpGenerate(byte[] parameters, byte[] secret, long time, byte[] code);

    @Override
    public native int hotpSearch(byte[] parameters, byte[] secret, byte[] code, long counter, int lookAhead, byte[] found, byte[] matched);

    @Override
    public native int totpSearch(byte[] parameters, byte[] secret, byte[] code, long time, int window, byte[] found, byte[] matched);

    @Override
    public native int deviceCreateTotp(byte[] parameters, byte[] secret, long now, Memory record);

    @Override
    public native int deviceCreateHotp(byte[] parameters, byte[] secret, long counter, long now, Memory record);

    @Override
    public native int deviceCreateSms(byte[] parameters, byte[] secret, long now, Memory record);

    @Override
    public native int deviceCreateEmail(byte[] parameters, byte[] secret, long now, Memory record);

    @Override
    public native int deviceCreatePin(byte[] policy, byte[] pin, long now, Memory record);

    @Override
    public native int deviceChallenge(Memory record, byte[] policy, long now, byte[] challenge);

    @Override
    public native int deviceResend(Memory record, byte[] policy, long now, byte[] challenge);

    @Override
    public int deviceVerify(Memory record, Memory policy, byte[] answer, long now, byte[] verdict) {
        int result;
        record.put(ANSWER, answer);
        try {
            result = verify(record, policy, answer.length, now);
        } finally {
            record.clear(ANSWER, answer.length);
        }
        if (result == 0) {
            record.get(VERDICT, verdict);
        }
        return result;
    }

    /** With verdict and answer behind the record. */
    private native int verify(Memory record, Memory policy, int length, long now);

    @Override
    public native int deviceResync(Memory record, byte[] policy, byte[] first, byte[] second, long now, byte[] verdict);

    @Override
    public native int deviceSetStatus(Memory record, int status, long now);

    @Override
    public native int deviceUnlock(Memory record, long now);

    @Override
    public native int deviceForgetSteps(Memory record, long now);

    @Override
    public native int deviceReplaceFactor(Memory record, Memory from, long now);

    @Override
    public native int deviceInfo(Memory record, byte[] info);

    @Override
    public native int deviceSecret(Memory record, byte[] secret, byte[] length);

    @Override
    public native int recordRead(byte[] bytes, Memory record);

    @Override
    public native int recordSeal(Memory record, int keyId, byte[] key, byte[] deviceId, byte[] nonce, byte[] sealed);

    @Override
    public native int recordOpen(byte[] sealed, int keyId, byte[] key, byte[] deviceId, Memory record);

    @Override
    public native int sealedKeyId(byte[] sealed, byte[] keyId);

    @Override
    public native int uriWrite(Memory record, byte[] issuer, byte[] account, byte[] text, byte[] length);

    @Override
    public native int uriParse(byte[] text, long now, Memory record);

    @Override
    public native int soffidImport(byte[] row, byte[] secret, Memory record);

    @Override
    public native int soffidExport(Memory record, byte[] row);

    @Override
    public native int soffidUpdate(Memory record, byte[] row);

    @Override
    public native String resultMessage(int result);

    @Override
    public native String version();

    @Override
    public native int recordSize();
}
