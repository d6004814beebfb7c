package io.keyfob.example;

import io.keyfob.OtpDevice;
import io.keyfob.OtpException;
import io.keyfob.Policy;
import io.keyfob.SoffidConfig;
import io.keyfob.SoffidDevice;
import io.keyfob.SoffidRow;
import java.sql.SQLException;
import java.time.Clock;

/** Soffid's validatePin(entity, config, pin) of all five kinds on this engine. */
final class SoffidExample {
    /** Each conflict is an attempt of somebody else's that was stored, so this many in a row are no chance: the table or its driver is at fault. */
    private static final int TRIES = 100;

    /** As much of Soffid's OtpDeviceEntity as is needed here: its key in the table. */
    record OtpDeviceEntity(long id) {}

    /** As much of Soffid's OtpConfig. */
    record OtpConfig(Integer totpLock, Integer hotpLock, Integer smsLock, Integer emailLock, Integer pinLock, Integer pinMinLength,
            Integer pinDigits) {
        SoffidConfig toKeyfob() {
            return SoffidConfig.builder().totpLock(totpLock).hotpLock(hotpLock).smsLock(smsLock).emailLock(emailLock).pinLock(pinLock)
                    .pinMinLength(pinMinLength).pinDigits(pinDigits).build();
        }
    }

    private final ScoDevice table;
    private final Clock clock;

    SoffidExample(ScoDevice table, Clock clock) {
        this.table = table;
        this.clock = clock;
    }

    boolean validatePin(OtpDeviceEntity entity, OtpConfig config, String pin) throws SQLException {
        for (int tries = 1;; tries++) {
            try (SoffidRow row = table.read(entity.id())) {
                Policy policy = config.toKeyfob().policy(row.type()).build();
                long now = clock.instant().getEpochSecond();
                try (OtpDevice device = SoffidDevice.importRow(row, policy)) {
                    return device.verify(policy, pin.toCharArray(), now,
                            SoffidDevice.storeFor(row, policy, (read, next) -> table.swap(entity.id(), read, next))).isRight();
                }
            } catch (OtpException refused) {
                // After a conflict, read again: the attempt of somebody else was stored first.
                if (!refused.isConflict() || tries == TRIES) {
                    throw refused;
                }
            }
        }
    }
}
