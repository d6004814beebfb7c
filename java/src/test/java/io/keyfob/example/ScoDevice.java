package io.keyfob.example;

import io.keyfob.Kind;
import io.keyfob.SoffidRow;
import io.keyfob.Status;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import javax.sql.DataSource;

/** Soffid's table SCO_DEVICE, over JDBC: what Hibernate and OtpDeviceEntity are in Soffid. */
final class ScoDevice {
    static final String CREATE = "CREATE TABLE SCO_DEVICE (OTP_ID BIGINT PRIMARY KEY, OTP_TYPE VARCHAR(10) NOT NULL, OTP_STATUS CHAR(1) NOT NULL,"
            + " OTP_CREATED TIMESTAMP NOT NULL, OTP_LASUSE TIMESTAMP, OTP_LASISS TIMESTAMP, OTP_AUTKEY VARCHAR(255), OTP_LASCOU BIGINT,"
            + " OTP_FAILS INTEGER NOT NULL, OTP_EMAIL VARCHAR(255), OTP_PHONE VARCHAR(255), OTP_PIN VARCHAR(255), OTP_DIGITS INTEGER,"
            + " OTP_ALGORI VARCHAR(255))";

    /** Writes what an attempt or another factor changes, if the row is still the one that was read. */
    private static final String SWAP = "UPDATE SCO_DEVICE SET OTP_STATUS=?, OTP_FAILS=?, OTP_LASCOU=?, OTP_LASUSE=?, OTP_AUTKEY=?, OTP_PIN=?,"
            + " OTP_DIGITS=?, OTP_ALGORI=?, OTP_LASISS=? WHERE OTP_ID=? AND OTP_STATUS=? AND OTP_FAILS=? AND OTP_LASCOU IS NOT DISTINCT FROM ?"
            + " AND OTP_LASUSE IS NOT DISTINCT FROM ? AND OTP_AUTKEY IS NOT DISTINCT FROM ? AND OTP_PIN IS NOT DISTINCT FROM ?"
            + " AND OTP_DIGITS IS NOT DISTINCT FROM ? AND OTP_ALGORI IS NOT DISTINCT FROM ?";

    private final DataSource source;

    ScoDevice(DataSource source) {
        this.source = source;
    }

    SoffidRow read(long id) throws SQLException {
        try (Connection connection = source.getConnection();
                PreparedStatement select = connection.prepareStatement("SELECT * FROM SCO_DEVICE WHERE OTP_ID=?")) {
            select.setLong(1, id);
            try (ResultSet row = select.executeQuery()) {
                row.next();
                return SoffidRow.builder()
                        .type(Kind.valueOf(row.getString("OTP_TYPE")))
                        .status(Status.of(row.getString("OTP_STATUS").charAt(0)))
                        .fails(row.getInt("OTP_FAILS"))
                        .authKey(chars(row.getString("OTP_AUTKEY")))
                        .lastUsedValue(row.getObject("OTP_LASCOU", Long.class))
                        .created(instant(row.getTimestamp("OTP_CREATED")))
                        .lastUsed(instant(row.getTimestamp("OTP_LASUSE")))
                        .lastIssued(instant(row.getTimestamp("OTP_LASISS")))
                        .email(row.getString("OTP_EMAIL"))
                        .phone(row.getString("OTP_PHONE"))
                        .pin(chars(row.getString("OTP_PIN")))
                        .digits(row.getObject("OTP_DIGITS", Integer.class))
                        .algorithm(row.getString("OTP_ALGORI"))
                        .build();
            }
        }
    }

    boolean swap(long id, SoffidRow read, SoffidRow next) throws SQLException {
        try (Connection connection = source.getConnection(); PreparedStatement update = connection.prepareStatement(SWAP)) {
            set(update, 1, next);
            update.setTimestamp(9, timestamp(next.lastIssued()));
            update.setLong(10, id);
            set(update, 11, read);
            return update.executeUpdate() == 1;
        }
    }

    /** The columns that stand for a revision. */
    private static void set(PreparedStatement update, int first, SoffidRow row) throws SQLException {
        update.setString(first, String.valueOf(row.status().letter()));
        update.setInt(first + 1, row.fails());
        update.setObject(first + 2, row.lastUsedValue());
        update.setTimestamp(first + 3, timestamp(row.lastUsed()));
        update.setString(first + 4, string(row.authKey()));
        update.setString(first + 5, string(row.pin()));
        update.setObject(first + 6, row.digits());
        update.setString(first + 7, row.algorithm());
    }

    void insert(long id, SoffidRow row) throws SQLException {
        try (Connection connection = source.getConnection(); PreparedStatement insert = connection.prepareStatement(
                "INSERT INTO SCO_DEVICE (OTP_ID, OTP_TYPE, OTP_STATUS, OTP_CREATED, OTP_AUTKEY, OTP_FAILS, OTP_PIN, OTP_DIGITS, OTP_ALGORI)"
                        + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")) {
            insert.setLong(1, id);
            insert.setString(2, row.type().name());
            insert.setString(3, String.valueOf(row.status().letter()));
            insert.setTimestamp(4, timestamp(row.created()));
            insert.setString(5, string(row.authKey()));
            insert.setInt(6, row.fails());
            insert.setString(7, string(row.pin()));
            insert.setObject(8, row.digits());
            insert.setString(9, row.algorithm());
            insert.executeUpdate();
        }
    }

    private static char[] chars(String text) {
        return text == null ? null : text.toCharArray();
    }

    private static String string(char[] text) {
        return text == null ? null : new String(text);
    }

    private static Instant instant(Timestamp time) {
        return time == null ? null : time.toInstant();
    }

    private static Timestamp timestamp(Instant time) {
        return time == null ? null : Timestamp.from(time);
    }
}
