#!/usr/bin/env bash
# PyJWT 2.15.1 (PyPI): a token is refused if its `iat` is a moment ahead of the receiver's clock.
#
# Expected: RFC 7519, section 4.1.6, uses `iat` for the age of a token, and names no time before
# which it must not be accepted. That is `nbf`.
# Seen: `decode` raises ImmatureSignatureError for an `iat` ahead, without any tolerance, since 2.6.
# `leeway` applies to it, and `verify_iat` switches it off.
# Who meets it: receivers of security event tokens, which come within milliseconds of the event.
# With a clock a second behind the transmitter's, tokens fail now and then. A receiver that answers
# 400 with `invalid_request` loses them (RFC 8935).
#
# Seen on 2026-12-01. Needs: python3 with venv.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyjwt==2.15.1
"$folder/venv/bin/python" - <<'PY'
import time
from importlib.metadata import version
import jwt

KEY = "0123456789abcdef0123456789abcdef"


def outcome(ahead, **options):
    token = jwt.encode({"iat": int(time.time()) + ahead, "iss": "https://otp.example.com"}, KEY, "HS256")
    try:
        jwt.decode(token, KEY, ["HS256"], issuer="https://otp.example.com", **options)
        return "accepted"
    except jwt.ImmatureSignatureError as error:
        return str(error)


seen = [outcome(0), outcome(20), outcome(20, leeway=30), outcome(20, options={"verify_iat": False})]
print(f"PyJWT {version('pyjwt')}\nnow: {seen[0]}\n20 s ahead: {seen[1]}")
print(f"20 s ahead, leeway 30: {seen[2]}\n20 s ahead, verify_iat off: {seen[3]}")
assert seen == ["accepted", "The token is not yet valid (iat)", "accepted", "accepted"], "iat is treated otherwise now"
PY
