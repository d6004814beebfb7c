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
    /** As much of Soffid's OtpDeviceEntity as is needed here: its key in the table. */
    record OtpDeviceEntity(long id) {}

    /** As much of Soffid's OtpConfig. */
    record OtpConfig(Integer totpLock, Integer hotpLock, Integer smsLock, Integer emailLock, Integer pinLock, Integer pinLength, Integer pinDigits,
            Integer hotpDigits, String hotpAlgorithm) {
        SoffidConfig toKeyfob() {
            return SoffidConfig.builder().totpLock(totpLock).hotpLock(hotpLock).smsLock(smsLock).emailLock(emailLock).pinLock(pinLock)
                    .pinLength(pinLength).pinDigits(pinDigits).hotpDigits(hotpDigits).hotpAlgorithm(hotpAlgorithm).build();
        }
    }

    private final ScoDevice table;
    private final Clock clock;

    SoffidExample(ScoDevice table, Clock clock) {
        this.table = table;
        this.clock = clock;
    }

    boolean validatePin(OtpDeviceEntity entity, OtpConfig config, String pin) throws SQLException {
        while (true) {
            try (SoffidRow read = table.read(entity.id()); SoffidRow row = config.toKeyfob().complete(read)) {
                Policy policy = config.toKeyfob().policy(row.type()).build();
                long now = clock.instant().getEpochSecond();
                try (OtpDevice device = SoffidDevice.read(row, policy)) {
                    return device.verify(policy, pin.toCharArray(), now,
                            SoffidDevice.store(row, policy, (completed, next) -> table.swap(entity.id(), read, next))).isRight();
                }
            } catch (OtpException refused) {
                if (!refused.isConflict()) {
                    throw refused;
                }
                // Somebody else's attempt was stored first: read again.
            }
        }
    }
}
