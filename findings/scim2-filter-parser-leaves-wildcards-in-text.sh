#!/usr/bin/env bash
# scim2-filter-parser 0.7.0 (PyPI): `_` and `%` in the text of `co`, `sw` and `ew` are wildcards.
#
# Expected: RFC 7644, table 3: the text is compared as it is; `sw "a_"` finds what begins with `a_`.
# Seen: the text becomes a LIKE pattern without an escape, so `_` stands for any character and `%`
# for any text.
# Who meets it: whoever searches names such as `svc_backup`: `sw "svc_"` finds `svcadmin`, too.
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

database = sqlite3.connect(":memory:")
database.execute("CREATE TABLE device (owner TEXT)")
database.executemany("INSERT INTO device VALUES (?)", [("svc_backup",), ("svcadmin",), ("100%",), ("1000",)])

def search(text):
    query = SQLQuery(text, "device", {("owner", None, None): "device.owner"})
    where = query.where_sql
    for name in query.params_dict:
        where = where.replace("{" + name + "}", ":" + name)
    return [owner for owner, in database.execute(f"SELECT owner FROM device WHERE {where} ORDER BY 1", query.params_dict)]

print(f"scim2-filter-parser {version('scim2-filter-parser')}")
for text, exact, seen in [
    ('owner sw "svc_"', ["svc_backup"], ["svc_backup", "svcadmin"]),
    ('owner co "0%"', ["100%"], ["100%", "1000"]),
]:
    found = search(text)
    print(f"{text}: {found}; as it is written: {exact}")
    assert found == seen, "the text is compared otherwise now"
PY
