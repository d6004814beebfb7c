package soffid;

import io.keyfob.OtpDevice;
import io.keyfob.OtpException;
import io.keyfob.Policy;
import io.keyfob.SoffidConfig;
import io.keyfob.SoffidDevice;
import io.keyfob.SoffidRow;
import java.sql.SQLException;
import java.time.Clock;

/** Soffid's validatePin(entity, config, pin) with this engine, for all five kinds. */
public final class ValidatePin {
    /**
     * Each conflict is another attempt on the same row that was stored first. So many in a row mean
     * a fault of the table or its driver.
     */
    private static final int MAX_CONFLICTS = 100;

    /** The part of Soffid's OtpDeviceEntity that is needed here: its key in the table. */
    public record OtpDeviceEntity(long id) {}

    /** The part of Soffid's OtpConfig that is needed here. */
    public record OtpConfig(Integer totpLock, Integer hotpLock, Integer smsLock, Integer emailLock, Integer pinLock, Integer pinMinLength,
            Integer pinDigits) {
        /** The same settings for keyfob. */
        public SoffidConfig toKeyfob() {
            return SoffidConfig.builder().totpLock(totpLock).hotpLock(hotpLock).smsLock(smsLock).emailLock(emailLock).pinLock(pinLock)
                    .pinMinLength(pinMinLength).pinDigits(pinDigits).build();
        }
    }

    private final ScoDevice table;
    private final Clock clock;

    /** Validates answers on the rows of a table. */
    public ValidatePin(ScoDevice table, Clock clock) {
        this.table = table;
        this.clock = clock;
    }

    /** Whether an answer is right: a code, or the digits of a PIN at the positions asked. */
    public boolean validatePin(OtpDeviceEntity entity, OtpConfig config, String pin) throws SQLException {
        for (int conflicts = 0;; conflicts++) {
            try (SoffidRow row = table.read(entity.id())) {
                Policy policy = config.toKeyfob().policy(row.type()).build();
                long now = clock.instant().getEpochSecond();
                try (OtpDevice device = SoffidDevice.importRow(row, policy)) {
                    return device.verify(policy, pin.toCharArray(), now,
                            SoffidDevice.storeFor(row, policy, (read, next) -> table.swap(entity.id(), read, next))).isRight();
                }
            } catch (OtpException refused) {
                // After a conflict read the row again: another attempt was stored first.
                if (!refused.isConflict() || conflicts == MAX_CONFLICTS) {
                    throw refused;
                }
            }
        }
    }
}
