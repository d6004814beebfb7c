"""Makes tests/vectors.json, the cases that Rust, C and Java share.

Every code comes from an implementation other than keyfob. oathtool (OATH Toolkit) knows 6 to 8
digits, and HOTP with SHA-1 only. The rest comes from Python's own hmac and RFC 4226 section 5.3,
written below. Where both can make a code, both must agree.

    python3 tests/vectors.py > tests/vectors.json      # needs oathtool
"""
import hashlib
import hmac
import json
import random
import subprocess
import sys

ALGORITHMS = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256, "SHA512": hashlib.sha512}
U64 = 2**64 - 1


def python(secret, algorithm, digits, counter):
    mac = hmac.new(secret, counter.to_bytes(8, "big"), ALGORITHMS[algorithm]).digest()
    offset = mac[-1] & 15
    return str((int.from_bytes(mac[offset:offset + 4], "big") & 0x7FFFFFFF) % 10**digits).zfill(digits)


def oathtool(*arguments):
    return subprocess.run(["oathtool", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def hotp(secret, algorithm, digits, counter):
    code, source = python(secret, algorithm, digits, counter), "python hmac"
    # oathtool reads the counter as a signed number.
    if algorithm == "SHA1" and digits <= 8 and counter < 2**63:
        source = "oathtool --hotp -d %d -c %d" % (digits, counter)
        assert oathtool(*source.split()[1:], secret.hex()) == code, source
    return {"kind": "HOTP", "secret": secret.hex(), "algorithm": algorithm, "digits": digits, "counter": counter, "code": code,
            "source": source}


def totp(secret, algorithm, digits, period, t0, time):
    code, source = python(secret, algorithm, digits, (time - t0) // period), "python hmac"
    if digits <= 8 and time < 2**40:
        source = "oathtool --totp=%s -d %d -s %d -S @%d -N @%d" % (algorithm, digits, period, t0, time)
        assert oathtool(*source.split()[1:], secret.hex()) == code, source
    return {"kind": "TOTP", "secret": secret.hex(), "algorithm": algorithm, "digits": digits, "period": period, "t0": t0,
            "time": time, "code": code, "source": source}


def rfc():
    """RFC 4226 appendix D and RFC 6238 appendix B, typed from the documents and only checked against the implementations."""
    secret = b"12345678901234567890"
    for counter, code in enumerate("755224 287082 359152 969429 338314 254676 287922 162583 399871 520489".split()):
        case = hotp(secret, "SHA1", 6, counter)
        assert case["code"] == code
        yield {**case, "source": "RFC 4226 appendix D"}
    table = """59 94287082 46119246 90693936
        1111111109 07081804 68084774 25091201
        1111111111 14050471 67062674 99943326
        1234567890 89005924 91819424 93441116
        2000000000 69279037 90698825 38618901
        20000000000 65353130 77737706 47863826"""
    for line in table.splitlines():
        time, *codes = line.split()
        for algorithm, length, code in zip(ALGORITHMS, (20, 32, 64), codes):
            case = totp((secret * 4)[:length], algorithm, 8, 30, 0, int(time))
            assert case["code"] == code
            yield {**case, "source": "RFC 6238 appendix B, with the erratum's secrets"}


def drawn():
    draw = random.Random(4226)  # the same cases every time
    secrets = [draw.randbytes(length) for length in (16, 17, 20, 20, 31, 32, 33, 63, 64, 64)]
    edges = [0, 1, 9, 10, 255, 256, 2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, U64 - 1, U64]
    for number in range(120):
        secret, algorithm, digits = secrets[number % 10], list(ALGORITHMS)[number % 3], 6 + number % 5
        counter = edges[number // 3] if number < 3 * len(edges) else draw.randrange(2**draw.randrange(1, 64))
        yield hotp(secret, algorithm, digits, counter)
    for number in range(120):
        secret, algorithm, digits = secrets[number % 10], list(ALGORITHMS)[number % 3], 6 + number % 5
        period, t0 = draw.choice([30, 60, 1, 15, 90, 86400]), draw.choice([0, 0, 0, 1, 1000000000])
        time = t0 + draw.choice([0, period - 1, period, draw.randrange(2**34), draw.randrange(2**34)])
        yield totp(secret, algorithm, digits, period, t0, time)
    yield totp(secrets[2], "SHA1", 6, 30, 0, U64)
    yield totp(secrets[2], "SHA256", 10, 4294967295, U64, U64)


def recovery():
    """Recovery codes: words of HMAC-SHA-256 in Crockford's Base32, with a check symbol of GF(32)."""
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    draw = random.Random(4122)
    for secret, count in [(draw.randbytes(length), count) for length, count in ((32, 10), (16, 1), (20, 5), (64, 64))]:
        codes = []
        for index in range(count):
            mac = hmac.new(secret, (index // 4).to_bytes(8, "big"), hashlib.sha256).digest()
            word = int.from_bytes(mac[index % 4 * 8:][:8], "big")
            symbols = [word >> 5 * place & 31 for place in reversed(range(13))]
            check = 0
            for symbol in symbols + [0]:
                check = check << 1 ^ (0b100101 if check & 16 else 0) ^ symbol
            text = "".join(alphabet[symbol] for symbol in symbols + [check])
            codes.append("-".join([text[:5], text[5:10], text[10:]]))
        yield {"secret": secret.hex(), "codes": codes}


def main():
    cases = [*rfc(), *drawn()]
    version = oathtool("--version").splitlines()[0]
    note = "Made by tests/vectors.py with %s and Python's hmac; secrets in hexadecimal, times in Unix seconds." % version
    rows = ",\n".join("    " + json.dumps(case) for case in cases)
    codes = ",\n".join("    " + json.dumps(case) for case in recovery())
    sys.stdout.write('{\n  "note": %s,\n  "cases": [\n%s\n  ],\n  "recovery": [\n%s\n  ]\n}\n' % (json.dumps(note), rows, codes))


if __name__ == "__main__":
    main()
