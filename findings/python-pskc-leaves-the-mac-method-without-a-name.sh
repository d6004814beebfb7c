#!/usr/bin/env bash
# python-pskc 1.4 (PyPI): with AES key wrap it writes a MACMethod without its Algorithm.
#
# Expected: an encrypted file either has no MAC, or says by which function it is made. The schema of
# RFC 6030 (section 11) requires the attribute Algorithm of MACMethod, and an encrypted key needs no
# MAC where the wrapping checks itself.
# Seen: the file has MACMethod with an encrypted MACKey, no Algorithm, and no ValueMAC in its keys.
# Readers that hold files to the schema refuse it.
# Who meets it: whoever wraps seeds with AES for another system's import.
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
from xml.etree import ElementTree
from pskc import PSKC

space = "{urn:ietf:params:xml:ns:keyprov:pskc}"


def methods(algorithm):
    written = PSKC()
    written.encryption.setup_preshared_key(key=bytes(range(32)), algorithm=algorithm)
    written.add_key(id="1", serial="1", secret=b"12345678901234567890",
                    algorithm="urn:ietf:params:xml:ns:keyprov:pskc:hotp", counter=0)
    path = f"{sys.argv[1]}/{algorithm}.xml"
    written.write(path)
    tree = ElementTree.parse(path)
    found = tree.find(f"{space}MACMethod")
    macs = tree.findall(f".//{space}ValueMAC")
    return None if found is None else found.get("Algorithm"), found is not None, len(macs)


cbc, wrap = methods("aes256-cbc"), methods("kw-aes256")
print(f"python-pskc {version('python-pskc')}: algorithm of MACMethod, whether there is one, ValueMACs")
print(f"aes256-cbc: {cbc}\nkw-aes256: {wrap}")
assert cbc[0] is not None and cbc[2] == 1, "CBC has no MAC any more"
assert wrap == (None, True, 0), "key wrap is written in another way now"
PY
