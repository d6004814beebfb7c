package io.keyfob;

/**
 * The functions of {@code keyfob.h}, as {@link Jni} and {@link Ffm} call them. The bindings differ
 * in nothing else.
 *
 * <p>Structs are arrays as {@link Struct} creates them, and texts end with a NUL. Lengths are no
 * parameters, since arrays have them. Callers pass no null, and arrays of the size that C requires:
 * the bindings do not check that again. All functions return the result of the C function.
 */
interface Engine {
    /** Zeros, for the engine to write a record to. Has room for a saved record at its end. */
    Memory record();

    /** A policy's struct, which stays in place as long as the object is reachable. */
    Memory policy(byte[] struct);

    int policyDefault(byte[] policy);

    int policySoffid(byte[] policy);

    int policyCheck(byte[] policy);

    int policyGuessChance(byte[] policy, int kind, int digits, byte[] chance);

    int secretRandom(int algorithm, byte[] secret, byte[] length);

    int secretFromBase32(byte[] text, byte[] secret, byte[] length);

    int secretFromHex(byte[] text, byte[] secret, byte[] length);

    int secretToBase32(byte[] secret, byte[] text);

    int secretToHex(byte[] secret, byte[] text);

    int hotpGenerate(byte[] parameters, byte[] secret, long counter, byte[] code);

    int totpGenerate(byte[] parameters, byte[] secret, long time, byte[] code);

    int hotpSearch(byte[] parameters, byte[] secret, byte[] code, long counter, int lookAhead, byte[] found, byte[] matched);

    int totpSearch(byte[] parameters, byte[] secret, byte[] code, long time, int window, byte[] found, byte[] matched);

    int deviceCreateTotp(byte[] parameters, byte[] secret, long now, Memory record);

    int deviceCreateHotp(byte[] parameters, byte[] secret, long counter, long now, Memory record);

    int deviceCreateSms(byte[] parameters, byte[] secret, long now, Memory record);

    int deviceCreateEmail(byte[] parameters, byte[] secret, long now, Memory record);

    int deviceCreatePin(byte[] policy, byte[] pin, long now, Memory record);

    int deviceCreateRecovery(int count, byte[] secret, long now, Memory record);

    int deviceRecoveryCode(Memory record, int index, byte[] code);

    int recoveryCodeCheck(byte[] typed, byte[] wellFormed);

    int deviceChallenge(Memory record, byte[] policy, long now, byte[] challenge);

    int deviceResend(Memory record, byte[] policy, long now, byte[] challenge);

    int deviceVerify(Memory record, Memory policy, byte[] answer, long now, byte[] verdict);

    int deviceResync(Memory record, byte[] policy, byte[] first, byte[] second, long now, byte[] verdict);

    /** The records lie one after another. Bit n of the matches is for the record n. */
    int deviceFindByCode(byte[] records, byte[] policy, byte[] code, long now, byte[] matches);

    /** As {@link #deviceFindByCode}. */
    int deviceFindByTwoCodes(byte[] records, byte[] policy, byte[] first, byte[] second, long now, byte[] matches);

    int deviceSetStatus(Memory record, int status, long now);

    int deviceUnlock(Memory record, long now);

    int deviceForgetSteps(Memory record, long now);

    int deviceSetValidity(Memory record, long notBefore, long notAfter, long now);

    int deviceReplaceFactor(Memory record, Memory from, long now);

    int deviceInfo(Memory record, byte[] info);

    int deviceSecret(Memory record, byte[] secret, byte[] length);

    /** Checks the first {@code length} bytes of {@code record}, which are a record from a store. */
    int recordCheck(Memory record, int length);

    int recordSeal(Memory record, int keyId, byte[] key, byte[] deviceId, byte[] nonce, byte[] sealed);

    int recordSealXaes256Gcm(Memory record, int keyId, byte[] key, byte[] deviceId, byte[] nonce, byte[] sealed);

    int recordOpen(byte[] sealed, int keyId, byte[] key, byte[] deviceId, Memory record);

    int sealedKeyId(byte[] sealed, byte[] keyId);

    int uriWrite(Memory record, byte[] issuer, byte[] account, byte[] text, byte[] length);

    int uriParse(byte[] text, long now, Memory record);

    int uriParseAllowingShort(byte[] text, long now, Memory record);

    int soffidImport(byte[] row, byte[] secret, Memory record);

    int soffidExport(Memory record, byte[] row);

    int soffidUpdate(Memory record, byte[] row);

    String resultMessage(int result);

    String version();

    int recordSize();
}
