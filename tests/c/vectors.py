"""Writes the cases of tests/vectors.json as a C header, since C reads no JSON.

    python3 tests/c/vectors.py tests/vectors.json > vectors.h
"""
import json
import sys

cases = json.load(open(sys.argv[1]))["cases"]
print("struct vector { const char *kind, *secret; uint32_t algorithm, digits, period; uint64_t t0, moment; const char *code; };")
print("static const struct vector vectors[] = {")
for case in cases:
    algorithm = {"SHA1": 1, "SHA256": 2, "SHA512": 3}[case["algorithm"]]
    moment = case["counter"] if case["kind"] == "HOTP" else case["time"]
    print('    {"%s", "%s", %du, %du, %du, UINT64_C(%d), UINT64_C(%d), "%s"},' % (
        case["kind"], case["secret"], algorithm, case["digits"], case.get("period", 30), case.get("t0", 0), moment, case["code"]))
print("};")
print("struct recovery_vector { const char *secret; uint32_t count, index; const char *code; };")
print("static const struct recovery_vector recovery_vectors[] = {")
for case in json.load(open(sys.argv[1]))["recovery"]:
    for index, code in enumerate(case["codes"]):
        print('    {"%s", %du, %du, "%s"},' % (case["secret"], len(case["codes"]), index, code))
print("};")
