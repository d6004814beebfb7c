"""What the tests of token files ask of Python packages: `peer.py COMMAND [ARGUMENT...]`.

Tokens are JSON objects, one a line, with the names that `tokens/tests/peers/peer.rs` uses.
"""

import io
import json
import sys
from datetime import timezone
from urllib.parse import parse_qs, urlparse

import otpauth
import pyotp
from otpa.migration import migration_to_otpauth, otpauth_to_migration
from pskc import PSKC

TIME = 2_000_000_000
PREFIX = "urn:ietf:params:xml:ns:keyprov:pskc:"


def lines():
    return [line for line in sys.stdin.read().splitlines() if line]


def seconds(date):
    return date and int(date.replace(tzinfo=date.tzinfo or timezone.utc).timestamp())


def set_key(pskc, key):
    """A key of 16 bytes or more in hexadecimal digits, or a password."""
    try:
        pskc.encryption.key = bytes.fromhex(key)
    except ValueError:
        pskc.encryption.derive_key(key)


def pskc_read(path, key=""):
    pskc = PSKC(path)
    if key:
        set_key(pskc, key)
    for read in pskc.keys:
        print(json.dumps({
            "serial": read.serial,
            "id": read.id,
            "kind": read.algorithm.removeprefix(PREFIX),
            "secret": read.secret.hex(),
            "suite": read.algorithm_suite,
            "digits": read.response_length,
            "period": read.time_interval,
            "t0": read.time_offset,
            "drift": read.time_drift,
            "counter": read.counter,
            "issuer": read.issuer,
            "account": read.userid,
            "manufacturer": read.manufacturer,
            "model": read.model,
            "not_before": seconds(read.policy.start_date),
            "not_after": seconds(read.policy.expiry_date),
        }))


def pskc_write(path, way, key="", prf=""):
    """`way` is `plain`, a cipher of a pre-shared key, or `password`."""
    pskc = PSKC()
    for token in map(json.loads, lines()):
        pskc.add_key(
            serial=token["serial"], id=token["id"], algorithm=PREFIX + token["kind"], secret=bytes.fromhex(token["secret"]),
            algorithm_suite=token["suite"], response_length=token["digits"], response_encoding="DECIMAL",
            time_interval=token["period"], time_offset=token["t0"], time_drift=token["drift"], counter=token["counter"],
            issuer=token["issuer"], key_userid=token["account"], manufacturer=token["manufacturer"], model=token["model"],
        )
    if way == "password":
        pskc.encryption.setup_pbkdf2(key, iterations=1000, prf=prf or None)
    elif way != "plain":
        pskc.encryption.setup_preshared_key(key=bytes.fromhex(key), algorithm=way)
    output = io.BytesIO()
    pskc.write(output)
    with open(path, "wb") as file:
        file.write(output.getvalue())


def migration_read():
    for line in lines():
        print(*migration_to_otpauth(line), sep="\n")


def migration_write():
    print(*otpauth_to_migration(lines(), batch_id=7), sep="\n")


def uri_codes():
    """pyotp's codes. It adds the counter of a URI to the one asked for."""
    for line in lines():
        otp = pyotp.parse_uri(line)
        print(otp.at(TIME) if isinstance(otp, pyotp.TOTP) else otp.at(0))


def uri_write():
    """The URIs of the package otpauth, for the same tokens as the URIs that come in."""
    for line in lines():
        uri = urlparse(line)
        query = {name: values[0] for name, values in parse_qs(uri.query).items()}
        kind = otpauth.TOTP if uri.netloc == "totp" else otpauth.HOTP
        otp = kind.from_b32encode(query["secret"], digit=int(query.get("digits", 6)), algorithm=query.get("algorithm", "SHA1"))
        if kind is otpauth.TOTP:
            otp.period = int(query.get("period", 30))
        counter = [] if kind is otpauth.TOTP else [int(query["counter"])]
        print(otp.to_uri("bob", "ACME", *counter))


commands = [pskc_read, pskc_write, migration_read, migration_write, uri_codes, uri_write]
{command.__name__: command for command in commands}[sys.argv[1]](*sys.argv[2:])
