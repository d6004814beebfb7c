"""Runs the parts that are named, or all of them, each in a folder of its own.

    main.py KEYFOB [PART...]"""

import importlib
import sys
import tempfile
import time
from pathlib import Path

PARTS = ["golden", "resources", "poll", "rotation", "faults", "killed"]


def main():
    binary, parts = Path(sys.argv[1]).resolve(), sys.argv[2:] or PARTS
    with tempfile.TemporaryDirectory() as folder:
        for part in parts:
            print(f"== {part}", flush=True)
            began = time.monotonic()
            importlib.import_module(part).main(binary, Path(folder) / part)
            print(f"{time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
