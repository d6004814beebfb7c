package io.keyfob;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicReferenceArray;

/** The binding for Java 8 and later, with the functions of {@code java/native}. */
final class Jni implements Engine, Memory.Pool {
    /**
     * The verdict and the answer of an attempt follow the record. The native library has the same
     * layout.
     */
    private static final int VERDICT = Sizes.RECORD_SIZE;
    private static final int ANSWER = VERDICT + Sizes.VERDICT_SIZE;
    private static final int SIZE = ANSWER + Sizes.ANSWER_ROOM;

    /** The saved record is at the end, which the native library does not use. */
    private static final int SIZE_WITH_SAVED = SIZE + Sizes.RECORD_SIZE;

    /** The beginning of an empty verdict: its size, and zeros. */
    private static final byte[] VERDICT_HEAD = Arrays.copyOf(Struct.create(Sizes.VERDICT_SIZE), Long.BYTES);

    /** Two slots for each of some threads, since sealing a device has two records. */
    private static final int THREADS = 16;

    /** The distance between the slots of two threads, which keeps them in different cache lines. */
    private static final int STRIDE = 16;

    /**
     * Cleared blocks for the next records. To allocate one takes a microsecond. The blocks are old,
     * as this array is: the collector wants to know of each young object in it, which takes time.
     */
    private static final AtomicReferenceArray<Memory.Block> FREE = new AtomicReferenceArray<>(THREADS * STRIDE);

    private Jni() {}

    static Engine load() {
        Library.load(path -> System.load(path.toString()));
        Jni engine = Library.checked(new Jni());
        if (engine.findAddress(Memory.class) != SIZE) {
            throw new UnsatisfiedLinkError("keyfob: the native library is of another build than these classes; take both from one jar");
        }
        return engine;
    }

    /**
     * Shows the library the field {@code address} of {@link Memory}. Returns the size of the part
     * of a record's memory that it uses.
     */
    private native int findAddress(Class<Memory> memory);

    private native long address(ByteBuffer bytes);

    private static int slot() {
        // Any number: a program may override getId.
        return (int) Math.floorMod(Thread.currentThread().getId(), (long) THREADS) * STRIDE;
    }

    @Override
    public Memory record() {
        int slot = slot();
        Memory.Block block = FREE.getAndSet(slot, null);
        if (block == null) {
            block = FREE.getAndSet(slot + 1, null);
        }
        return Memory.forBlock(block != null ? block : block(SIZE_WITH_SAVED), this);
    }

    @Override
    public void release(Memory.Block zeros) {
        int slot = slot();
        if (!FREE.compareAndSet(slot, null, zeros)) {
            FREE.set(slot + 1, zeros);
        }
    }

    @Override
    public Memory policy(byte[] struct) {
        Memory policy = Memory.forBlock(block(struct.length), this);
        policy.put(0, struct);
        return policy;
    }

    private Memory.Block block(int size) {
        ByteBuffer bytes = ByteBuffer.allocateDirect(size);
        return new Memory.Block(bytes, address(bytes));
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
    public native int deviceCreateRecovery(int count, byte[] secret, long now, Memory record);

    @Override
    public native int deviceRecoveryCode(Memory record, int index, byte[] code);

    @Override
    public native int recoveryCodeCheck(byte[] typed, byte[] wellFormed);

    @Override
    public native int deviceChallenge(Memory record, byte[] policy, long now, byte[] challenge);

    @Override
    public native int deviceResend(Memory record, byte[] policy, long now, byte[] challenge);

    @Override
    public int deviceVerify(Memory record, Memory policy, byte[] answer, long now, byte[] verdict) {
        int result;
        record.put(VERDICT, VERDICT_HEAD);
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

    /** Verdict and answer follow the record. */
    private native int verify(Memory record, Memory policy, int length, long now);

    @Override
    public native int deviceResync(Memory record, byte[] policy, byte[] first, byte[] second, long now, byte[] verdict);

    @Override
    public native int deviceFindByCode(byte[] records, byte[] policy, byte[] code, long now, byte[] matches);

    @Override
    public native int deviceFindByTwoCodes(byte[] records, byte[] policy, byte[] first, byte[] second, long now, byte[] matches);

    @Override
    public native int deviceSetStatus(Memory record, int status, long now);

    @Override
    public native int deviceUnlock(Memory record, long now);

    @Override
    public native int deviceForgetSteps(Memory record, long now);

    @Override
    public native int deviceSetValidity(Memory record, long notBefore, long notAfter, long now);

    @Override
    public native int deviceReplaceFactor(Memory record, Memory from, long now);

    @Override
    public native int deviceInfo(Memory record, byte[] info);

    @Override
    public native int deviceSecret(Memory record, byte[] secret, byte[] length);

    @Override
    public native int recordCheck(Memory record, int length);

    @Override
    public native int recordSeal(Memory record, int keyId, byte[] key, byte[] deviceId, byte[] nonce, byte[] sealed);

    @Override
    public native int recordSealXaes256Gcm(Memory record, int keyId, byte[] key, byte[] deviceId, byte[] nonce, byte[] sealed);

    @Override
    public native int recordOpen(byte[] sealed, int keyId, byte[] key, byte[] deviceId, Memory record);

    @Override
    public native int sealedKeyId(byte[] sealed, byte[] keyId);

    @Override
    public native int uriWrite(Memory record, byte[] issuer, byte[] account, byte[] text, byte[] length);

    @Override
    public native int uriParse(byte[] text, long now, Memory record);

    @Override
    public native int uriParseAllowingShort(byte[] text, long now, Memory record);

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
