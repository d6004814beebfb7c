#!/usr/bin/env bash
# python-pskc 1.4 (PyPI): AES key wrap of a 20-byte secret is padded, and not named so.
#
# Expected: the algorithm kw-aes128 of XML Encryption is the key wrap of RFC 3394, which takes
# multiples of 8 bytes. A secret of 20 bytes, the usual length, is refused or named kw-aes-128-pad.
# Seen: it is wrapped with the padding of RFC 5649, and the file says kw-aes128. Secrets of 16, 24
# and 32 bytes are wrapped as the name says, so a test with those finds nothing.
# Who meets it: a service that reads such a file with RFC 3394 and reports a wrong key.
#
# Seen on 2026-11-30. Needs: python3 with venv.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'python-pskc[defuse]==1.4'
"$folder/venv/bin/python" - "$folder/file.xml" <<'PY'
import base64
import re
import sys
from importlib.metadata import version

from cryptography.hazmat.primitives import keywrap
from pskc import PSKC

key, path = bytes(range(16)), sys.argv[1]


def unwrap(function, wrapped):
    try:
        return "read" if function(key, wrapped) == secret else "another secret"
    except keywrap.InvalidUnwrap:
        return "refused"


print(f"python-pskc {version('python-pskc')}")
seen = {}
for length in (16, 20, 24):
    secret = bytes(range(length))
    pskc = PSKC()
    pskc.add_key(id="1", serial="1", secret=secret, algorithm="urn:ietf:params:xml:ns:keyprov:pskc:hotp")
    pskc.encryption.setup_preshared_key(key=key, algorithm="kw-aes128")
    pskc.write(path)
    # The MAC's key lies before the packages.
    text = open(path).read().split("KeyPackage")[1]
    name = re.search(r'EncryptionMethod Algorithm="[^"]*#([^"]*)"', text).group(1)
    wrapped = base64.b64decode(re.search(r"CipherValue>([^<]*)<", text).group(1))
    seen[length] = unwrap(keywrap.aes_key_unwrap, wrapped), unwrap(keywrap.aes_key_unwrap_with_padding, wrapped)
    print(f"{length} bytes, {name}: RFC 3394 {seen[length][0]}, RFC 5649 {seen[length][1]}")
    assert name == "kw-aes128", "the file names another algorithm now"
assert seen[20][0] == "refused" and seen[20][1] == "read", "20 bytes are not padded any more"
assert seen[16][0] == seen[24][0] == "read", "16 and 24 bytes are not wrapped as the name says any more"
PY
