package login;

import io.keyfob.OtpDevice;
import io.keyfob.SealKey;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.Base64;
import javax.sql.DataSource;

/**
 * A table of devices, one for each user, over JDBC. Records are sealed, so that a copy of the
 * database contains no secrets. The SQL is the same for H2, PostgreSQL, MariaDB and SQLite.
 */
public final class DeviceTable {
    private final DataSource source;
    private final SealKey key;

    /**
     * A table in a database.
     *
     * @param source the database
     * @param key seals the records; keep it outside of the database
     */
    public DeviceTable(DataSource source, SealKey key) {
        this.source = source;
        this.key = key;
    }

    /** Creates the table. A sealed record has 216 bytes, which are 288 characters in Base64. */
    public void create() throws SQLException {
        try (Connection connection = source.getConnection(); Statement statement = connection.createStatement()) {
            statement.execute("CREATE TABLE otp_device (user_name VARCHAR(255) PRIMARY KEY, revision BIGINT NOT NULL,"
                    + " sealed VARCHAR(288) NOT NULL)");
        }
    }

    /** Stores a new device. */
    public void insert(String user, OtpDevice device) throws SQLException {
        try (Connection connection = source.getConnection();
                PreparedStatement insert = connection.prepareStatement("INSERT INTO otp_device (revision, sealed, user_name) VALUES (?, ?, ?)")) {
            setDevice(insert, user, device);
            insert.executeUpdate();
        }
    }

    /** The device of a user, to be closed; null without one. */
    public OtpDevice read(String user) throws SQLException {
        try (Connection connection = source.getConnection();
                PreparedStatement select = connection.prepareStatement("SELECT sealed FROM otp_device WHERE user_name = ?")) {
            select.setString(1, user);
            try (ResultSet row = select.executeQuery()) {
                return row.next() ? key.open(Base64.getDecoder().decode(row.getString(1)), name(user)) : null;
            }
        }
    }

    /**
     * Stores the next record of a device if the row still has the revision that was read. This one
     * UPDATE is the compare and swap: of several processes that read the same revision, one changes
     * the row.
     *
     * @return false if the row has another revision
     */
    public boolean swap(String user, byte[] next, long revision) throws SQLException {
        try (OtpDevice device = OtpDevice.fromRecord(next);
                Connection connection = source.getConnection();
                PreparedStatement update = connection.prepareStatement(
                        "UPDATE otp_device SET revision = ?, sealed = ? WHERE user_name = ? AND revision = ?")) {
            setDevice(update, user, device);
            update.setLong(4, revision);
            return update.executeUpdate() == 1;
        } finally {
            Arrays.fill(next, (byte) 0);
        }
    }

    private void setDevice(PreparedStatement statement, String user, OtpDevice device) throws SQLException {
        statement.setLong(1, device.info().revision());
        statement.setString(2, Base64.getEncoder().encodeToString(key.seal(device, name(user))));
        statement.setString(3, user);
    }

    /** The name that a record is sealed for: moved to another user's row, it does not open. */
    private static byte[] name(String user) {
        return user.getBytes(StandardCharsets.UTF_8);
    }
}
