#!/usr/bin/env bash
# scim2-filter-parser 0.7.0 (PyPI): `a or b and c` is read as `(a or b) and c`.
#
# Expected: RFC 7644, section 3.4.2.2: `and` binds before `or`, as in SQL and in most languages.
# Seen: operators of both kinds bind from left to right, so the SQL of the filter selects rows by
# another condition. `(a or b) and c` gives the same SQL.
# Who meets it: clients that send `userName eq "a" or userName eq "b" and active eq true` without
# parentheses get other resources than from a server that follows the RFC.
#
# Seen on 2026-11-29. Needs: python3 with venv.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check scim2-filter-parser==0.7.0
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version
import sqlite3
from scim2_filter_parser.queries import SQLQuery

columns = {(name, None, None): f"device.{name}" for name in ("owner", "status")}
database = sqlite3.connect(":memory:")
database.execute("CREATE TABLE device (owner TEXT, status TEXT)")
database.executemany("INSERT INTO device VALUES (?, ?)", [("alice", "locked"), ("bob", "locked"), ("bob", "valid")])

def search(text):
    query = SQLQuery(text, "device", columns)
    where = query.where_sql
    for name in query.params_dict:
        where = where.replace("{" + name + "}", ":" + name)
    return database.execute(f"SELECT owner, status FROM device WHERE {where} ORDER BY 1, 2", query.params_dict).fetchall()

print(f"scim2-filter-parser {version('scim2-filter-parser')}")
plain = search('owner eq "alice" or owner eq "bob" and status eq "valid"')
left = search('(owner eq "alice" or owner eq "bob") and status eq "valid"')
right = search('owner eq "alice" or (owner eq "bob" and status eq "valid")')
print(f"without parentheses {plain}\n(a or b) and c      {left}\na or (b and c)      {right}")
assert right == [("alice", "locked"), ("bob", "valid")]
assert plain == left == [("bob", "valid")], "and binds before or now"
PY
