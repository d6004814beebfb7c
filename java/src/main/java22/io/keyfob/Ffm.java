package io.keyfob;

import static java.lang.foreign.MemorySegment.NULL;
import static java.lang.foreign.MemorySegment.ofArray;

import java.lang.foreign.MemorySegment;

/**
 * The binding for Java 22 and later: {@code keyfob.h} through {@code java.lang.foreign}.
 *
 * <p>C works on Java's arrays in place, and the garbage collector waits (a critical call). No call
 * calls back into Java, and none is long.
 */
final class Ffm extends FfmRecords {
    private Ffm() {}

    static boolean isAvailable() {
        return true;
    }

    static Engine load() {
        Library.load(Symbols::open);
        return Library.checked(new Ffm());
    }

    @Override
    public Memory record() {
        return Memory.forArray(new byte[Sizes.RECORD_ROOM + Sizes.RECORD_SIZE]);
    }

    @Override
    public Memory policy(byte[] struct) {
        return Memory.forArray(struct);
    }

    @Override
    public int policyDefault(byte[] policy) {
        try {
            return (int) Handles.POLICY_DEFAULT.invokeExact(ofArray(policy));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int policySoffid(byte[] policy) {
        try {
            return (int) Handles.POLICY_SOFFID.invokeExact(ofArray(policy));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int policyCheck(byte[] policy) {
        try {
            return (int) Handles.POLICY_CHECK.invokeExact(ofArray(policy));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int policyGuessChance(byte[] policy, int kind, int digits, byte[] chance) {
        try {
            return (int) Handles.POLICY_GUESS_CHANCE.invokeExact(ofArray(policy), kind, digits, ofArray(chance));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int secretRandom(int algorithm, byte[] secret, byte[] length) {
        try {
            return (int) Handles.SECRET_RANDOM.invokeExact(algorithm, NULL, NULL, ofArray(secret), (long) Sizes.SECRET_MAX_SIZE, ofArray(length));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int secretFromBase32(byte[] text, byte[] secret, byte[] length) {
        try {
            return (int) Handles.SECRET_FROM_BASE32.invokeExact(ofArray(text), ofArray(secret), (long) Sizes.SECRET_MAX_SIZE, ofArray(length));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int secretFromHex(byte[] text, byte[] secret, byte[] length) {
        try {
            return (int) Handles.SECRET_FROM_HEX.invokeExact(ofArray(text), ofArray(secret), (long) Sizes.SECRET_MAX_SIZE, ofArray(length));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int secretToBase32(byte[] secret, byte[] text) {
        try {
            return (int) Handles.SECRET_TO_BASE32.invokeExact(ofArray(secret), (long) secret.length, ofArray(text), (long) Sizes.BASE32_SIZE);
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int secretToHex(byte[] secret, byte[] text) {
        try {
            return (int) Handles.SECRET_TO_HEX.invokeExact(ofArray(secret), (long) secret.length, ofArray(text), (long) Sizes.HEX_SIZE);
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int hotpGenerate(byte[] parameters, byte[] secret, long counter, byte[] code) {
        try {
            return (int) Handles.HOTP_GENERATE.invokeExact(
                    ofArray(parameters), ofArray(secret), (long) secret.length, counter, ofArray(code), (long) Sizes.CODE_SIZE);
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int totpGenerate(byte[] parameters, byte[] secret, long time, byte[] code) {
        try {
            return (int) Handles.TOTP_GENERATE.invokeExact(
                    ofArray(parameters), ofArray(secret), (long) secret.length, time, ofArray(code), (long) Sizes.CODE_SIZE);
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int hotpSearch(byte[] parameters, byte[] secret, byte[] code, long counter, int lookAhead, byte[] found, byte[] matched) {
        try {
            return (int) Handles.HOTP_SEARCH.invokeExact(
                    ofArray(parameters), ofArray(secret), (long) secret.length, ofArray(code), (long) code.length, counter, lookAhead,
                    ofArray(found), ofArray(matched));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int totpSearch(byte[] parameters, byte[] secret, byte[] code, long time, int window, byte[] found, byte[] matched) {
        try {
            return (int) Handles.TOTP_SEARCH.invokeExact(
                    ofArray(parameters), ofArray(secret), (long) secret.length, ofArray(code), (long) code.length, time, window,
                    ofArray(found), ofArray(matched));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int recoveryCodeCheck(byte[] typed, byte[] wellFormed) {
        try {
            return (int) Handles.RECOVERY_CODE_CHECK.invokeExact(ofArray(typed), (long) typed.length, ofArray(wellFormed));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public String resultMessage(int result) {
        try {
            return Symbols.read((MemorySegment) Handles.RESULT_MESSAGE.invokeExact(result));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public String version() {
        try {
            return Symbols.read((MemorySegment) Handles.About.VERSION.invokeExact());
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int recordSize() {
        try {
            return (int) (long) Handles.About.RECORD_SIZE.invokeExact();
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }
}
