"""Writes the results that keyfob.h names for each function as a C table.

    python3 tests/c/results.py include/keyfob.h > results.h

Fails if the header names none for a function.
"""
import re
import sys

header = open(sys.argv[1]).read()
numbers = {name: int(number) for name, number in re.findall(r"KEYFOB_RESULT_(\w+) = (\d+),", header)}
# "The record's are A, B." at the top of the header.
start = re.sub(r"\n \* *", " ", header[: header.index("*/")])
groups = {name.lower(): results for name, results in re.findall(r"(The \w+'s?) are ([A-Z0-9_, ]+)\.", start)}
print("static const struct documented { const char *name; short results[40]; } documented[] = {")
functions = re.findall(r"/\*\*((?:(?!\*/).)*)\*/\s*KEYFOB_MUST_USE\s*keyfob_result (keyfob_\w+)\(", header, re.S)
if len(functions) != len(re.findall(r"^keyfob_result keyfob_\w+\(", header, re.M)):
    sys.exit("a function of the header has no documentation")
for comment, function in functions:
    said = re.search(r"Results: ([^.]+)\.\s*$", re.sub(r"\s*\n \*\s*", " ", comment))
    if not said:
        sys.exit(f"{function}: the header does not say what it returns (Results: ...)")
    results = said.group(1)
    for group, members in groups.items():
        results = results.replace(group, members)
    results = sorted({numbers[result.strip()] for result in results.split(",")})
    print('    {"%s", {%s, -1}},' % (function, ", ".join(map(str, [0, *results]))))
print("};")
