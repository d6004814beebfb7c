#!/usr/bin/env bash
# onetimepass 1.0.1 (PyPI): without `last`, `valid_hotp` refuses the codes of counters 0 and 1.
#
# Expected: a new HOTP token starts at counter 0 (RFC 4226 section 5.1), so the first call without a
# stored counter accepts the token's first code.
# Seen: `last` is 1 unless given, and the search begins behind it: the first code that counts is
# that of counter 2. The return value is the counter, so a stored `last=0` refuses the first code,
# too.
# Who meets it: whoever enrolls a token and leaves `last` out, or starts it at 0. The user's first
# two codes are wrong; the value to begin with is -1.
#
# Seen on 2026-11-30. Needs: python3 with venv.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check onetimepass==1.0.1
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version
import onetimepass

secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # of RFC 4226, appendix D
codes = ["755224", "287082", "359152", "969429"]  # its counters 0 to 3
default = [onetimepass.valid_hotp(code, secret) for code in codes]
zero = [onetimepass.valid_hotp(code, secret, last=0) for code in codes]
below = [onetimepass.valid_hotp(code, secret, last=-1) for code in codes]
print(f"onetimepass {version('onetimepass')}, codes of counters 0 to 3")
print(f"last left out: {default}\nlast=0: {zero}\nlast=-1: {below}")
assert default == [False, False, 2, 3], "another counter is the first one now"
assert zero == [False, 1, 2, 3], "last=0 takes counter 0 now"
assert below == [0, 1, 2, 3], "last=-1 is no way to begin any more"
PY
