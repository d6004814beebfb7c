package soffid;

import io.keyfob.Kind;
import io.keyfob.SoffidRow;
import io.keyfob.Status;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import javax.sql.DataSource;

/**
 * Soffid's table SCO_DEVICE over JDBC, in the role of Soffid's Hibernate and OtpDeviceEntity. The
 * SQL is the same for H2, PostgreSQL, MariaDB and SQLite.
 */
public class ScoDevice {
    /** A column, its type in JDBC and its value. */
    private record Cell(String column, int type, Object value) {}

    private final DataSource source;

    /** The table in a database. */
    public ScoDevice(DataSource source) {
        this.source = source;
    }

    /** The row of a device, to be closed. */
    public SoffidRow read(long id) throws SQLException {
        try (Connection connection = source.getConnection();
                PreparedStatement select = connection.prepareStatement("SELECT * FROM SCO_DEVICE WHERE OTP_ID=?")) {
            select.setLong(1, id);
            try (ResultSet row = select.executeQuery()) {
                row.next();
                Long digits = number(row, "OTP_DIGITS");
                return SoffidRow.builder()
                        .type(Kind.valueOf(row.getString("OTP_TYPE")))
                        .status(Status.fromLetter(row.getString("OTP_STATUS").charAt(0)))
                        .fails(row.getInt("OTP_FAILS"))
                        .authKey(chars(row.getString("OTP_AUTKEY")))
                        .lastUsedValue(number(row, "OTP_LASCOU"))
                        .created(instant(row.getTimestamp("OTP_CREATED")))
                        .lastUsed(instant(row.getTimestamp("OTP_LASUSE")))
                        .lastIssued(instant(row.getTimestamp("OTP_LASISS")))
                        .email(row.getString("OTP_EMAIL"))
                        .phone(row.getString("OTP_PHONE"))
                        .pin(chars(row.getString("OTP_PIN")))
                        .digits(digits == null ? null : Math.toIntExact(digits))
                        .algorithm(row.getString("OTP_ALGORI"))
                        .build();
            }
        }
    }

    /**
     * Writes the columns that differ, if the row still has the columns that were read. Returns
     * false if it has others, or if no column differs. Some drivers count found rows, others
     * changed rows. Only a row that changes is one in both counts.
     */
    public boolean swap(long id, SoffidRow read, SoffidRow next) throws SQLException {
        List<Cell> condition = state(read);
        List<Cell> changes = new ArrayList<>(state(next));
        changes.addAll(times(next));
        changes.removeAll(condition);
        changes.removeAll(times(read));
        if (changes.isEmpty()) {
            return false;
        }
        String sql = "UPDATE SCO_DEVICE SET " + changes.stream().map(cell -> cell.column + "=?").collect(Collectors.joining(", "))
                + " WHERE OTP_ID=? AND "
                + condition.stream().map(cell -> cell.column + (cell.value == null ? " IS NULL" : "=?")).collect(Collectors.joining(" AND "));
        condition.removeIf(cell -> cell.value == null);
        try (Connection connection = source.getConnection(); PreparedStatement update = connection.prepareStatement(sql)) {
            int after = set(update, 1, changes);
            update.setLong(after, id);
            set(update, after + 1, condition);
            return update.executeUpdate() == 1;
        }
    }

    /**
     * The columns that serve as a revision. Times are not among them: a driver may read a local
     * time that does not exist as another one.
     */
    private static List<Cell> state(SoffidRow row) {
        return new ArrayList<>(List.of(
                new Cell("OTP_STATUS", Types.VARCHAR, String.valueOf(row.status().letter())),
                new Cell("OTP_FAILS", Types.INTEGER, row.fails()),
                new Cell("OTP_LASCOU", Types.BIGINT, row.lastUsedValue()),
                new Cell("OTP_AUTKEY", Types.VARCHAR, string(row.authKey())),
                new Cell("OTP_PIN", Types.VARCHAR, string(row.pin())),
                new Cell("OTP_DIGITS", Types.INTEGER, row.digits()),
                new Cell("OTP_ALGORI", Types.VARCHAR, row.algorithm())));
    }

    private static List<Cell> times(SoffidRow row) {
        return List.of(
                new Cell("OTP_CREATED", Types.TIMESTAMP, timestamp(row.created())),
                new Cell("OTP_LASUSE", Types.TIMESTAMP, timestamp(row.lastUsed())),
                new Cell("OTP_LASISS", Types.TIMESTAMP, timestamp(row.lastIssued())));
    }

    /** Sets parameters from {@code first} on, and returns the number of the next one. */
    private static int set(PreparedStatement statement, int first, List<Cell> cells) throws SQLException {
        int at = first;
        for (Cell cell : cells) {
            if (cell.value == null) {
                statement.setNull(at++, cell.type);
            } else if (cell.value instanceof Timestamp time) {
                statement.setTimestamp(at++, time);
            } else {
                statement.setObject(at++, cell.value, cell.type);
            }
        }
        return at;
    }

    /** Inserts a new row. */
    public void insert(long id, SoffidRow row) throws SQLException {
        List<Cell> cells = state(row);
        cells.addAll(times(row));
        cells.add(new Cell("OTP_ID", Types.BIGINT, id));
        cells.add(new Cell("OTP_TYPE", Types.VARCHAR, row.type().name()));
        String columns = cells.stream().map(Cell::column).collect(Collectors.joining(", "));
        String parameters = cells.stream().map(cell -> "?").collect(Collectors.joining(", "));
        try (Connection connection = source.getConnection(); PreparedStatement insert = connection.prepareStatement(
                "INSERT INTO SCO_DEVICE (" + columns + ") VALUES (" + parameters + ")")) {
            set(insert, 1, cells);
            insert.executeUpdate();
        }
    }

    private static Long number(ResultSet row, String column) throws SQLException {
        long number = row.getLong(column);
        return row.wasNull() ? null : number;
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
