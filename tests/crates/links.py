"""Fails if a document of an unpacked crate links to a file that the crate has not."""

import pathlib
import re
import sys

folder = pathlib.Path(sys.argv[1])
readme = re.search(r'^readme = "(.*)"$', (folder / "Cargo.toml").read_text(), re.MULTILINE)
if not readme or not (folder / readme[1]).is_file():
    sys.exit(f"{folder}: no README")
for document in folder.rglob("*.md"):
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text()):
        if "://" not in link and not (document.parent / link).exists() and "::" not in link:
            sys.exit(f"{document}: {link} is not in the package")
