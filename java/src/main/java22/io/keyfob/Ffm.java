package io.keyfob;

import static java.lang.foreign.MemorySegment.NULL;
import static java.lang.foreign.MemorySegment.ofArray;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/**
 * The way down on Java 22 and later: {@code keyfob.h} through {@code java.lang.foreign}.
 *
 * <p>All calls are critical: C works on Java's arrays in place, and the garbage collector waits.
 * None calls back into Java, and none is long.
 */
@SuppressWarnings("restricted")
final class Ffm implements Engine {
    private static SymbolLookup symbols;

    private Ffm() {}

    static boolean isAvailable() {
        return true;
    }

    static Engine load() {
        Library.load(Ffm::open);
        return Library.checked(new Ffm());
    }

    private static void open(Path path) {
        try {
            // Closed with the class loader of this class, whose handles hold on to it.
            symbols = SymbolLookup.libraryLookup(path, Arena.ofAuto());
        } catch (IllegalArgumentException cause) {
            UnsatisfiedLinkError error = new UnsatisfiedLinkError(cause.getMessage());
            error.initCause(cause);
            throw error;
        }
    }

    static MethodHandle critical(String name, MemoryLayout... parameters) {
        return handle(name, FunctionDescriptor.of(JAVA_INT, parameters), Linker.Option.critical(true));
    }

    static MethodHandle text(String name, MemoryLayout... parameters) {
        return handle(name, FunctionDescriptor.of(ADDRESS, parameters));
    }

    static MethodHandle handle(String name, FunctionDescriptor function, Linker.Option... options) {
        MemorySegment symbol = symbols.find(name).orElseThrow(() -> new UnsatisfiedLinkError("keyfob: no " + name + " in the library"));
        return Linker.nativeLinker().downcallHandle(symbol, function, options);
    }

    /** A handle throws nothing but what is wrong with this class, or with the library. */
    private static AssertionError unexpected(Throwable thrown) {
        if (thrown instanceof LinkageError error) {
            throw error;
        }
        return new AssertionError("keyfob: a native call failed", thrown);
    }

    private static String read(MemorySegment text) {
        return text.reinterpret(TEXT_MAX).getString(0);
    }

    @Override
    public Memory record() {
        return Memory.of(new byte[RECORD_SIZE]);
    }

    @Override
    public void release(Memory zeros) {
        // There are none outside of the heap.
    }

    @Override
    public Memory policy(byte[] struct) {
        return Memory.of(struct);
    }

    @Override
    public int policyDefault(byte[] policy) {
        try {
            return (int) Handles.POLICY_DEFAULT.invokeExact(ofArray(policy));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int policySoffid(byte[] policy) {
        try {
            return (int) Handles.POLICY_SOFFID.invokeExact(ofArray(policy));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int policyCheck(byte[] policy) {
        try {
            return (int) Handles.POLICY_CHECK.invokeExact(ofArray(policy));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int policyGuessChance(byte[] policy, int kind, int digits, byte[] chance) {
        try {
            return (int) Handles.POLICY_CHANCE.invokeExact(ofArray(policy), kind, digits, ofArray(chance));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int secretRandom(int algorithm, byte[] secret, byte[] length) {
        try {
            return (int) Handles.SECRET_RANDOM.invokeExact(algorithm, NULL, NULL, ofArray(secret), (long) SECRET_MAX, ofArray(length));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int secretFromBase32(byte[] text, byte[] secret, byte[] length) {
        try {
            return (int) Handles.SECRET_FROM_BASE32.invokeExact(ofArray(text), ofArray(secret), (long) SECRET_MAX, ofArray(length));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int secretFromHex(byte[] text, byte[] secret, byte[] length) {
        try {
            return (int) Handles.SECRET_FROM_HEX.invokeExact(ofArray(text), ofArray(secret), (long) SECRET_MAX, ofArray(length));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int secretToBase32(byte[] secret, byte[] text) {
        try {
            return (int) Handles.SECRET_TO_BASE32.invokeExact(ofArray(secret), (long) secret.length, ofArray(text), (long) BASE32_SIZE);
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int secretToHex(byte[] secret, byte[] text) {
        try {
            return (int) Handles.SECRET_TO_HEX.invokeExact(ofArray(secret), (long) secret.length, ofArray(text), (long) HEX_SIZE);
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int hotpGenerate(byte[] parameters, byte[] secret, long counter, byte[] code) {
        try {
            return (int) Handles.HOTP_GENERATE.invokeExact(
                    ofArray(parameters), ofArray(secret), (long) secret.length, counter, ofArray(code), (long) CODE_SIZE);
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int totpGenerate(byte[] parameters, byte[] secret, long time, byte[] code) {
        try {
            return (int) Handles.TOTP_GENERATE.invokeExact(
                    ofArray(parameters), ofArray(secret), (long) secret.length, time, ofArray(code), (long) CODE_SIZE);
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int hotpSearch(byte[] parameters, byte[] secret, byte[] code, long counter, int lookAhead, byte[] found, byte[] matched) {
        try {
            return (int) Handles.HOTP_SEARCH.invokeExact(
                    ofArray(parameters), ofArray(secret), (long) secret.length, ofArray(code), (long) code.length, counter, lookAhead,
                    ofArray(found), ofArray(matched));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int totpSearch(byte[] parameters, byte[] secret, byte[] code, long time, int window, byte[] found, byte[] matched) {
        try {
            return (int) Handles.TOTP_SEARCH.invokeExact(
                    ofArray(parameters), ofArray(secret), (long) secret.length, ofArray(code), (long) code.length, time, window,
                    ofArray(found), ofArray(matched));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int deviceCreateTotp(byte[] parameters, byte[] secret, long now, Memory record) {
        try {
            return (int) Handles.DEVICE_CREATE_TOTP.invokeExact(
                    ofArray(parameters), ofArray(secret), (long) secret.length, now, ofArray(record.array()));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int deviceCreateHotp(byte[] parameters, byte[] secret, long counter, long now, Memory record) {
        try {
            return (int) Handles.DEVICE_CREATE_HOTP.invokeExact(
                    ofArray(parameters), ofArray(secret), (long) secret.length, counter, now, ofArray(record.array()));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int deviceCreateSms(byte[] parameters, byte[] secret, long now, Memory record) {
        try {
            return (int) Handles.DEVICE_CREATE_SMS.invokeExact(
                    ofArray(parameters), ofArray(secret), (long) secret.length, now, ofArray(record.array()));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int deviceCreateEmail(byte[] parameters, byte[] secret, long now, Memory record) {
        try {
            return (int) Handles.DEVICE_CREATE_EMAIL.invokeExact(
                    ofArray(parameters), ofArray(secret), (long) secret.length, now, ofArray(record.array()));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int deviceCreatePin(byte[] policy, byte[] pin, long now, Memory record) {
        try {
            return (int) Handles.DEVICE_CREATE_PIN.invokeExact(ofArray(policy), ofArray(pin), (long) pin.length, now, ofArray(record.array()));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int deviceChallenge(Memory record, byte[] policy, long now, byte[] challenge) {
        try {
            return (int) Handles.DEVICE_CHALLENGE.invokeExact(ofArray(record.array()), ofArray(policy), NULL, NULL, now, ofArray(challenge));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int deviceResend(Memory record, byte[] policy, long now, byte[] challenge) {
        try {
            return (int) Handles.DEVICE_RESEND.invokeExact(ofArray(record.array()), ofArray(policy), now, ofArray(challenge));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int deviceVerify(Memory record, Memory policy, byte[] answer, long now, byte[] verdict) {
        try {
            return (int) Handles.DEVICE_VERIFY.invokeExact(
                    ofArray(record.array()), ofArray(policy.array()), ofArray(answer), (long) answer.length, now, ofArray(verdict));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int deviceResync(Memory record, byte[] policy, byte[] first, byte[] second, long now, byte[] verdict) {
        try {
            return (int) Handles.DEVICE_RESYNC.invokeExact(
                    ofArray(record.array()), ofArray(policy), ofArray(first), (long) first.length, ofArray(second), (long) second.length, now,
                    ofArray(verdict));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int deviceSetStatus(Memory record, int status, long now) {
        try {
            return (int) Handles.DEVICE_SET_STATUS.invokeExact(ofArray(record.array()), status, now);
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int deviceUnlock(Memory record, long now) {
        try {
            return (int) Handles.DEVICE_UNLOCK.invokeExact(ofArray(record.array()), now);
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int deviceForgetSteps(Memory record, long now) {
        try {
            return (int) Handles.DEVICE_FORGET_STEPS.invokeExact(ofArray(record.array()), now);
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int deviceReplaceFactor(Memory record, Memory from, long now) {
        try {
            return (int) Handles.DEVICE_REPLACE_FACTOR.invokeExact(ofArray(record.array()), ofArray(from.array()), now);
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int deviceInfo(Memory record, byte[] info) {
        try {
            return (int) Handles.DEVICE_INFO.invokeExact(ofArray(record.array()), ofArray(info));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int deviceSecret(Memory record, byte[] secret, byte[] length) {
        try {
            return (int) Handles.DEVICE_SECRET.invokeExact(ofArray(record.array()), ofArray(secret), (long) SECRET_MAX, ofArray(length));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int recordRead(byte[] bytes, Memory record) {
        try {
            return (int) Handles.RECORD_READ.invokeExact(ofArray(bytes), (long) bytes.length, ofArray(record.array()));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int recordSeal(Memory record, int keyId, byte[] key, byte[] deviceId, byte[] nonce, byte[] sealed) {
        try {
            return (int) Handles.RECORD_SEAL.invokeExact(
                    ofArray(record.array()), keyId, ofArray(key), ofArray(deviceId), (long) deviceId.length, ofArray(nonce), ofArray(sealed));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int recordOpen(byte[] sealed, int keyId, byte[] key, byte[] deviceId, Memory record) {
        try {
            return (int) Handles.RECORD_OPEN.invokeExact(
                    ofArray(sealed), (long) sealed.length, keyId, ofArray(key), ofArray(deviceId), (long) deviceId.length, ofArray(record.array()));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int sealedKeyId(byte[] sealed, byte[] keyId) {
        try {
            return (int) Handles.SEALED_KEY_ID.invokeExact(ofArray(sealed), (long) sealed.length, ofArray(keyId));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int uriWrite(Memory record, byte[] issuer, byte[] account, byte[] text, byte[] length) {
        try {
            return (int) Handles.URI_WRITE.invokeExact(
                    ofArray(record.array()), ofArray(issuer), ofArray(account), ofArray(text), (long) URI_SIZE, ofArray(length));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int uriParse(byte[] text, long now, Memory record) {
        try {
            return (int) Handles.URI_PARSE.invokeExact(ofArray(text), now, ofArray(record.array()), NULL, 0L, NULL, 0L);
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int soffidImport(byte[] row, byte[] secret, Memory record) {
        try {
            return (int) Handles.SOFFID_IMPORT.invokeExact(ofArray(row), ofArray(secret), (long) secret.length, ofArray(record.array()));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int soffidExport(Memory record, byte[] row) {
        try {
            return (int) Handles.SOFFID_EXPORT.invokeExact(ofArray(record.array()), ofArray(row));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int soffidUpdate(Memory record, byte[] row) {
        try {
            return (int) Handles.SOFFID_UPDATE.invokeExact(ofArray(record.array()), ofArray(row));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public String resultMessage(int result) {
        try {
            return read((MemorySegment) Handles.RESULT_MESSAGE.invokeExact(result));
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public String version() {
        try {
            return read((MemorySegment) Handles.About.VERSION.invokeExact());
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    @Override
    public int recordSize() {
        try {
            return (int) (long) Handles.About.RECORD_SIZE.invokeExact();
        } catch (Throwable thrown) {
            throw unexpected(thrown);
        }
    }
}
