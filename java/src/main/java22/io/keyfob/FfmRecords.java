package io.keyfob;

import static java.lang.foreign.MemorySegment.NULL;
import static java.lang.foreign.MemorySegment.ofArray;

/** The functions of {@link Ffm} that read or write a device's record. */
abstract class FfmRecords implements Engine {
    @Override
    public int deviceCreateTotp(byte[] parameters, byte[] secret, long now, Memory record) {
        try {
            return (int) Handles.DEVICE_CREATE_TOTP.invokeExact(
                    ofArray(parameters), ofArray(secret), (long) secret.length, now, ofArray(record.array()));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int deviceCreateHotp(byte[] parameters, byte[] secret, long counter, long now, Memory record) {
        try {
            return (int) Handles.DEVICE_CREATE_HOTP.invokeExact(
                    ofArray(parameters), ofArray(secret), (long) secret.length, counter, now, ofArray(record.array()));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int deviceCreateSms(byte[] parameters, byte[] secret, long now, Memory record) {
        try {
            return (int) Handles.DEVICE_CREATE_SMS.invokeExact(
                    ofArray(parameters), ofArray(secret), (long) secret.length, now, ofArray(record.array()));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int deviceCreateEmail(byte[] parameters, byte[] secret, long now, Memory record) {
        try {
            return (int) Handles.DEVICE_CREATE_EMAIL.invokeExact(
                    ofArray(parameters), ofArray(secret), (long) secret.length, now, ofArray(record.array()));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int deviceCreatePin(byte[] policy, byte[] pin, long now, Memory record) {
        try {
            return (int) Handles.DEVICE_CREATE_PIN.invokeExact(ofArray(policy), ofArray(pin), (long) pin.length, now, ofArray(record.array()));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int deviceCreateRecovery(int count, byte[] secret, long now, Memory record) {
        try {
            return (int) Handles.DEVICE_CREATE_RECOVERY.invokeExact(count, ofArray(secret), (long) secret.length, now, ofArray(record.array()));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int deviceRecoveryCode(Memory record, int index, byte[] code) {
        try {
            return (int) Handles.DEVICE_RECOVERY_CODE.invokeExact(ofArray(record.array()), index, ofArray(code), (long) Sizes.RECOVERY_CODE_SIZE);
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int deviceChallenge(Memory record, byte[] policy, long now, byte[] challenge) {
        try {
            return (int) Handles.DEVICE_CHALLENGE.invokeExact(ofArray(record.array()), ofArray(policy), NULL, NULL, now, ofArray(challenge));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int deviceResend(Memory record, byte[] policy, long now, byte[] challenge) {
        try {
            return (int) Handles.DEVICE_RESEND.invokeExact(ofArray(record.array()), ofArray(policy), now, ofArray(challenge));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int deviceVerify(Memory record, Memory policy, byte[] answer, long now, byte[] verdict) {
        try {
            return (int) Handles.DEVICE_VERIFY.invokeExact(
                    ofArray(record.array()), ofArray(policy.array()), ofArray(answer), (long) answer.length, now, ofArray(verdict));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int deviceResync(Memory record, byte[] policy, byte[] first, byte[] second, long now, byte[] verdict) {
        try {
            return (int) Handles.DEVICE_RESYNC.invokeExact(
                    ofArray(record.array()), ofArray(policy), ofArray(first), (long) first.length, ofArray(second), (long) second.length, now,
                    ofArray(verdict));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int deviceFindByCode(byte[] records, byte[] policy, byte[] code, long now, byte[] matches) {
        try {
            return (int) Handles.DEVICE_FIND.invokeExact(
                    ofArray(records), (long) records.length / Sizes.RECORD_SIZE, ofArray(policy), ofArray(code), (long) code.length, NULL, 0L, now,
                    ofArray(matches));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int deviceFindByTwoCodes(byte[] records, byte[] policy, byte[] first, byte[] second, long now, byte[] matches) {
        try {
            return (int) Handles.DEVICE_FIND.invokeExact(
                    ofArray(records), (long) records.length / Sizes.RECORD_SIZE, ofArray(policy), ofArray(first), (long) first.length,
                    ofArray(second), (long) second.length, now, ofArray(matches));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int deviceSetStatus(Memory record, int status, long now) {
        try {
            return (int) Handles.DEVICE_SET_STATUS.invokeExact(ofArray(record.array()), status, now);
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int deviceUnlock(Memory record, long now) {
        try {
            return (int) Handles.DEVICE_UNLOCK.invokeExact(ofArray(record.array()), now);
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int deviceForgetSteps(Memory record, long now) {
        try {
            return (int) Handles.DEVICE_FORGET_STEPS.invokeExact(ofArray(record.array()), now);
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int deviceSetValidity(Memory record, long notBefore, long notAfter, long now) {
        try {
            return (int) Handles.DEVICE_SET_VALIDITY.invokeExact(ofArray(record.array()), notBefore, notAfter, now);
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int deviceReplaceFactor(Memory record, Memory from, long now) {
        try {
            return (int) Handles.DEVICE_REPLACE_FACTOR.invokeExact(ofArray(record.array()), ofArray(from.array()), now);
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int deviceInfo(Memory record, byte[] info) {
        try {
            return (int) Handles.DEVICE_INFO.invokeExact(ofArray(record.array()), ofArray(info));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int deviceSecret(Memory record, byte[] secret, byte[] length) {
        try {
            return (int) Handles.DEVICE_SECRET.invokeExact(ofArray(record.array()), ofArray(secret), (long) Sizes.SECRET_MAX_SIZE, ofArray(length));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int recordCheck(Memory record, int length) {
        try {
            return (int) Handles.RECORD_READ.invokeExact(ofArray(record.array()), (long) length, NULL);
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int recordSeal(Memory record, int keyId, byte[] key, byte[] deviceId, byte[] nonce, byte[] sealed) {
        try {
            return (int) Handles.RECORD_SEAL.invokeExact(
                    ofArray(record.array()), keyId, ofArray(key), ofArray(deviceId), (long) deviceId.length, ofArray(nonce), ofArray(sealed));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int recordSealXaes256Gcm(Memory record, int keyId, byte[] key, byte[] deviceId, byte[] nonce, byte[] sealed) {
        try {
            return (int) Handles.RECORD_SEAL_XAES_256_GCM.invokeExact(
                    ofArray(record.array()), keyId, ofArray(key), ofArray(deviceId), (long) deviceId.length, ofArray(nonce), ofArray(sealed));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int recordOpen(byte[] sealed, int keyId, byte[] key, byte[] deviceId, Memory record) {
        try {
            return (int) Handles.RECORD_OPEN.invokeExact(
                    ofArray(sealed), (long) sealed.length, keyId, ofArray(key), ofArray(deviceId), (long) deviceId.length, ofArray(record.array()));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int sealedKeyId(byte[] sealed, byte[] keyId) {
        try {
            return (int) Handles.SEALED_KEY_ID.invokeExact(ofArray(sealed), (long) sealed.length, ofArray(keyId));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int uriWrite(Memory record, byte[] issuer, byte[] account, byte[] text, byte[] length) {
        try {
            return (int) Handles.URI_WRITE.invokeExact(
                    ofArray(record.array()), ofArray(issuer), ofArray(account), ofArray(text), (long) Sizes.URI_SIZE, ofArray(length));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int uriParse(byte[] text, long now, Memory record) {
        try {
            return (int) Handles.URI_PARSE.invokeExact(ofArray(text), now, ofArray(record.array()), NULL, 0L, NULL, 0L);
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int uriParseAllowingShort(byte[] text, long now, Memory record) {
        try {
            return (int) Handles.URI_PARSE_ALLOWING_SHORT.invokeExact(ofArray(text), now, ofArray(record.array()), NULL, 0L, NULL, 0L);
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int soffidImport(byte[] row, byte[] secret, Memory record) {
        try {
            return (int) Handles.SOFFID_IMPORT.invokeExact(ofArray(row), ofArray(secret), (long) secret.length, ofArray(record.array()));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int soffidExport(Memory record, byte[] row) {
        try {
            return (int) Handles.SOFFID_EXPORT.invokeExact(ofArray(record.array()), ofArray(row));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }

    @Override
    public int soffidUpdate(Memory record, byte[] row) {
        try {
            return (int) Handles.SOFFID_UPDATE.invokeExact(ofArray(record.array()), ofArray(row));
        } catch (Throwable thrown) {
            throw Symbols.unexpected(thrown);
        }
    }
}
