package io.keyfob.example;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.mariadb.jdbc.MariaDbDataSource;
import org.postgresql.ds.PGSimpleDataSource;
import org.sqlite.SQLiteDataSource;

/**
 * A database for the examples. PostgreSQL and MariaDB are servers of Debian's packages, on free
 * ports of loopback, with data of their own.
 */
final class Database {
    /** Runs a server until this JVM, and so standard input, ends. Then removes its folder. */
    private static final String WATCH = "folder=$1; shift; \"$@\" > \"$folder/log\" 2>&1 & server=$!; cat > /dev/null; kill -QUIT $server;"
            + " wait $server; rm -rf \"$folder\"";
    private static final long START_TIMEOUT_SECONDS = 120;

    private static List<Database> started;

    private final String name;
    private final DataSource source;
    private final String timeType;
    private final Process server;

    private Database(String name, DataSource source, String timeType, Process server) {
        this.name = name;
        this.source = source;
        this.timeType = timeType;
        this.server = server;
    }

    /** Each database, started once. MariaDB twice: counting found rows, and changed rows. */
    static synchronized List<Database> all() throws Exception {
        if (started == null) {
            started = startAll();
        }
        return started;
    }

    private static List<Database> startAll() throws Exception {
        List<Database> all = new ArrayList<>();
        try {
            JdbcDataSource h2 = new JdbcDataSource();
            h2.setUrl("jdbc:h2:mem:soffid;DB_CLOSE_DELAY=-1");
            all.add(new Database("H2", h2, "TIMESTAMP", null));
            all.add(sqlite());
            all.add(postgres());
            all.addAll(mariadb());
            return all;
        } catch (Exception failed) {
            for (Database database : all) {
                database.stop();
            }
            throw failed;
        }
    }

    private static Database sqlite() throws IOException {
        File file = File.createTempFile("keyfob", ".db");
        file.deleteOnExit();
        SQLiteDataSource source = new SQLiteDataSource();
        source.setUrl("jdbc:sqlite:" + file);
        return new Database("SQLite", source, "TIMESTAMP", null);
    }

    private static Database postgres() throws Exception {
        String folder = folder("postgres");
        String data = folder + "/data";
        try (Stream<Path> versions = Files.list(Path.of("/usr/lib/postgresql"))) {
            String programs = versions.map(version -> version + "/bin/").sorted().reduce((older, newer) -> newer).orElseThrow();
            run("postgres", programs + "initdb", "--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-D", data);
            int port = freePort();
            Process server = watch("postgres", folder, programs + "postgres", "-D", data, "-p", String.valueOf(port), "-c",
                    "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off");
            PGSimpleDataSource source = new PGSimpleDataSource();
            source.setUrl("jdbc:postgresql://127.0.0.1:" + port + "/postgres?user=postgres");
            return await(new Database("PostgreSQL", source, "TIMESTAMP", server), folder);
        }
    }

    private static List<Database> mariadb() throws Exception {
        String folder = folder("mysql");
        String data = folder + "/data";
        // At its start a server removes the temporary tables of all servers that share this folder.
        String temporary = "--tmpdir=" + folder;
        run("mysql", "mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db",
                "--datadir=" + data, temporary);
        int port = freePort();
        Process server = watch("mysql", folder, "/usr/sbin/mariadbd", "--no-defaults", "--datadir=" + data, temporary, "--port=" + port,
                "--bind-address=127.0.0.1", "--socket=" + folder + "/socket", "--pid-file=" + folder + "/pid",
                "--innodb-flush-log-at-trx-commit=0");
        String url = "jdbc:mariadb://127.0.0.1:" + port + "/soffid?user=root&createDatabaseIfNotExist=true&useAffectedRows=";
        Database found = new Database("MariaDB, rows found", new MariaDbDataSource(url + false), "DATETIME", server);
        Database affected = new Database("MariaDB, rows changed", new MariaDbDataSource(url + true), "DATETIME", null);
        return List.of(await(found, folder), affected);
    }

    /** Creates an empty table SCO_DEVICE. */
    void createScoDevice() throws SQLException {
        execute("DROP TABLE IF EXISTS SCO_DEVICE");
        execute("CREATE TABLE SCO_DEVICE (OTP_ID BIGINT PRIMARY KEY, OTP_TYPE VARCHAR(10) NOT NULL, OTP_STATUS CHAR(1) NOT NULL, OTP_CREATED "
                + timeType + " NOT NULL, OTP_LASUSE " + timeType + ", OTP_LASISS " + timeType + ", OTP_AUTKEY VARCHAR(255), OTP_LASCOU BIGINT,"
                + " OTP_FAILS INTEGER NOT NULL, OTP_EMAIL VARCHAR(255), OTP_PHONE VARCHAR(255), OTP_PIN VARCHAR(255), OTP_DIGITS INTEGER,"
                + " OTP_ALGORI VARCHAR(255))");
    }

    void execute(String sql) throws SQLException {
        try (Connection connection = source.getConnection(); Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    DataSource source() {
        return source;
    }

    @Override
    public String toString() {
        return name;
    }

    private void stop() throws Exception {
        if (server != null) {
            server.getOutputStream().close();
            server.waitFor();
        }
    }

    /** Waits until the server answers. */
    private static Database await(Database database, String folder) throws Exception {
        for (long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_TIMEOUT_SECONDS);; TimeUnit.MILLISECONDS.sleep(100)) {
            try {
                database.source.getConnection().close();
                return database;
            } catch (SQLException refused) {
                if (System.nanoTime() > end) {
                    String log = Files.readString(Path.of(folder, "log"));
                    database.stop();
                    throw new IllegalStateException(database + " does not answer:\n" + log, refused);
                }
            }
        }
    }

    private static String folder(String user) throws Exception {
        return run(user, "mktemp", "-d", "/tmp/keyfob-" + user + "-XXXXXX").trim();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static Process watch(String user, String folder, String... command) throws IOException, InterruptedException {
        List<String> all = new ArrayList<>(List.of("/bin/sh", "-c", WATCH, "watch", folder));
        all.addAll(Arrays.asList(command));
        return new ProcessBuilder(as(user, all)).directory(new File("/")).redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
    }

    private static String run(String user, String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(as(user, Arrays.asList(command))).directory(new File("/")).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String output = new String(process.getInputStream().readAllBytes());
        if (process.waitFor() != 0) {
            throw new IllegalStateException(String.join(" ", command) + ": " + output);
        }
        return output;
    }

    /** The command as the user of the Debian package: the servers refuse to run as root. */
    private static List<String> as(String user, List<String> command) {
        if (!System.getProperty("user.name").equals("root")) {
            return command;
        }
        List<String> all = new ArrayList<>(List.of("setpriv", "--reuid", user, "--regid", user, "--clear-groups", "--"));
        all.addAll(command);
        return all;
    }
}
