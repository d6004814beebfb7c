package io.keyfob;

/** The way down on Java 8 and later: the functions are those of {@code java/native}. */
final class Jni implements Engine {
    private Jni() {}

    static Engine load() {
        Library.load(path -> System.load(path.toString()));
        return new Jni();
    }

    @Override
    public native int policyDefault(byte[] policy);

    @Override
    public native int policySoffid(byte[] policy);

    @Override
    public native int policyCheck(byte[] policy);

    @Override
    public native int policyChance(byte[] policy, int kind, int digits, byte[] chance);

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
    public native int deviceCreateTotp(byte[] parameters, byte[] secret, long now, byte[] record);

    @Override
    public native int deviceCreateHotp(byte[] parameters, byte[] secret, long counter, long now, byte[] record);

    @Override
    public native int deviceCreateSms(byte[] parameters, byte[] secret, long now, byte[] record);

    @Override
    public native int deviceCreateEmail(byte[] parameters, byte[] secret, long now, byte[] record);

    @Override
    public native int deviceCreatePin(byte[] policy, byte[] pin, long now, byte[] record);

    @Override
    public native int deviceChallenge(byte[] record, byte[] policy, long now, byte[] challenge);

    @Override
    public native int deviceResend(byte[] record, byte[] policy, long now, byte[] challenge);

    @Override
    public native int deviceVerify(byte[] record, byte[] policy, byte[] answer, long now, byte[] verdict);

    @Override
    public native int deviceResync(byte[] record, byte[] policy, byte[] first, byte[] second, long now, byte[] verdict);

    @Override
    public native int deviceSetStatus(byte[] record, int status, long now);

    @Override
    public native int deviceUnlock(byte[] record, long now);

    @Override
    public native int deviceReplaceFactor(byte[] record, byte[] from, long now);

    @Override
    public native int deviceInfo(byte[] record, byte[] info);

    @Override
    public native int deviceSecret(byte[] record, byte[] secret, byte[] length);

    @Override
    public native int recordRead(byte[] bytes, byte[] record);

    @Override
    public native int recordSeal(byte[] record, int keyId, byte[] key, byte[] deviceId, byte[] nonce, byte[] sealed);

    @Override
    public native int recordOpen(byte[] sealed, int keyId, byte[] key, byte[] deviceId, byte[] record);

    @Override
    public native int sealedKeyId(byte[] sealed, byte[] keyId);

    @Override
    public native int uriWrite(byte[] record, byte[] issuer, byte[] account, byte[] text, byte[] length);

    @Override
    public native int uriParse(byte[] text, long now, byte[] record);

    @Override
    public native int soffidImport(byte[] row, byte[] secret, byte[] record);

    @Override
    public native int soffidExport(byte[] record, byte[] row);

    @Override
    public native int soffidUpdate(byte[] record, byte[] row);

    @Override
    public native String resultMessage(int result);

    @Override
    public native String version();

    @Override
    public native int recordSize();
}
