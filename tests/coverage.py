"""Prints the coverage that `cargo llvm-cov --branch --json` measured, file by file.

    python3 tests/coverage.py target/coverage.json 98

Fails if fewer per cent of the core's branches are covered. The core is src/ without ffi, which
tests/c calls from outside, and without lanes, of which each processor runs a part (`make test-lanes`
executes the rest). Each side of each branch in the text counts once, whichever instance of a generic
function took it.
"""
import json
import pathlib
import sys

report, least = json.load(open(sys.argv[1]))["data"][0], float(sys.argv[2])
root = pathlib.Path(__file__).resolve().parent.parent
sums = {"core": [0, 0], "rest": [0, 0]}
for file in report["files"]:
    path = pathlib.Path(file["filename"]).relative_to(root)
    if path.parts[0] not in ("src", "scim") or "tests" in path.parts:
        continue
    is_core = path.parts[0] == "src" and path.parts[1] not in ("ffi", "lanes")
    lines = file["summary"]["lines"]
    taken = {}
    for first, column, last, end, right, wrong, *_ in file["branches"]:
        sides = taken.setdefault((first, column, last, end), [0, 0])
        sides[0] += right
        sides[1] += wrong
    covered, count = sum(side > 0 for sides in taken.values() for side in sides), 2 * len(taken)
    part = sums["core" if is_core else "rest"]
    part[0] += covered
    part[1] += count
    print(f"{str(path):32} branches {covered:4} of {count:4}    lines {lines['covered']:4} of {lines['count']:4}")
    for (first, *_), sides in sorted(taken.items()):
        if is_core and 0 in sides:
            print(f"    never {'true' if sides[0] == 0 else 'false'}: {(root / path).read_text().splitlines()[first - 1].strip()}")
for name, (covered, count) in sums.items():
    print(f"{name}: {covered} of {count} branches, {100 * covered / count:.1f} %")
covered, count = sums["core"]
if count < 200 or 100 * covered / count < least:
    sys.exit(f"the core's branches are covered less than {least} %")
