#!/usr/bin/env bash
# python-pskc 1.4 (PyPI): a file encrypted under a password with SHA-256 is not read by its writer.
#
# Expected: the writer offers the pseudorandom function of PBKDF2, so it reads its own file with the
# right password.
# Seen: the name of the function is written as the text of the element PRF, and read from its
# attribute Algorithm. The reader finds none, derives with HMAC-SHA-1, and raises an error that
# speaks of a wrong padding. Other readers that follow the schema see the same wrong key. Without a
# chosen function, which means HMAC-SHA-1, the file is read.
# Who meets it: a site that exports its tokens with SHA-256, deletes them, and imports the file.
#
# Seen on 2026-11-30. Needs: python3 with venv.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'python-pskc[defuse]==1.4'
"$folder/venv/bin/python" - "$folder" <<'PY'
import sys
from importlib.metadata import version
from pskc import PSKC
from pskc.exceptions import DecryptionError

secret = b"12345678901234567890"  # of RFC 4226, appendix D
folder = sys.argv[1]


def round_trip(prf):
    written = PSKC()
    options = {"prf": prf} if prf else {}
    written.encryption.setup_pbkdf2("a password of the site", **options)
    written.add_key(id="1", serial="1", secret=secret, algorithm="urn:ietf:params:xml:ns:keyprov:pskc:hotp", counter=0)
    path = f"{folder}/{prf}.xml"
    written.write(path)
    read = PSKC(path)
    read.encryption.derive_key("a password of the site")
    try:
        return "the same secret" if read.keys[0].secret == secret else "another secret"
    except DecryptionError as error:
        return f"{type(error).__name__}: {error}"


default, sha256 = round_trip(None), round_trip("hmac-sha256")
print(f"python-pskc {version('python-pskc')}\nwithout a function: {default}\nhmac-sha256: {sha256}")
line = [line for line in open(f"{folder}/hmac-sha256.xml").read().split(">") if "hmac-sha256" in line]
print("in the file:", line)
assert default == "the same secret", "a file of the default function is not read any more"
assert sha256 != "the same secret", "a file of SHA-256 is read now"
PY
