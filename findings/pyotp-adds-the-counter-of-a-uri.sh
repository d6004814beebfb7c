#!/usr/bin/env bash
# pyotp 2.12.1 (PyPI): the counter of a parsed HOTP URI is added to the counter of each call.
#
# Expected: `parse_uri` gives a HOTP object, and `at(5)` is the code of counter 5, as it is for an
# object that was made from the secret. The URI's `counter` would be where to begin.
# Seen: the URI's counter becomes `initial_count`, and `at(n)` and `verify(code, n)` take counter
# initial_count + n. After `counter=5`, `at(5)` is the code of counter 10.
# Who meets it: a server that stores the URI and beside it the moving factor that it counts up.
# It judges right codes wrong, unless the stored factor starts at 0 behind the URI's.
#
# Seen on 2026-11-29. Needs: python3 with venv.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyotp==2.12.1
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version
import pyotp

secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # of RFC 4226, appendix D
plain = pyotp.HOTP(secret)
parsed = pyotp.parse_uri(f"otpauth://hotp/ACME:alice?secret={secret}&issuer=ACME&counter=5")
print(f"pyotp {version('pyotp')}")
print(f"counter 5 by RFC 4226: {plain.at(5)}; of the parsed URI: at(0) {parsed.at(0)}, at(5) {parsed.at(5)}")
assert plain.at(5) == "254676", "appendix D"
assert parsed.at(0) == plain.at(5), "at(0) is another counter now"
assert parsed.at(5) == plain.at(10), "at(5) is another counter now"
assert not parsed.verify(plain.at(5), 5), "the code of counter 5 is right at 5 now"
PY
