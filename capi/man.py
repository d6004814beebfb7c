"""Writes the manual pages of section 3 to capi/man, from include/keyfob.h and examples/c/README.md.

    python3 capi/man.py            writes the pages: make man
    python3 capi/man.py --check    fails if they are not those of the header

Each row of the README's table of functions is a page, named after its first function. The texts are
the header's comments. A page keeps its date while its text stays.
"""
import datetime
import pathlib
import re
import sys
import textwrap

root = pathlib.Path(__file__).resolve().parents[1]
folder = root / "capi/man"
header = (root / "include/keyfob.h").read_text()
readme = (root / "examples/c/README.md").read_text()
version = re.search(r'#define KEYFOB_VERSION "(.*)"', header).group(1)


def text_of(comment):
    """A comment without its frame."""
    return "\n".join(re.sub(r"^\s*\* ?", "", line).rstrip() for line in comment.strip().split("\n")).strip("\n")


COMMENT = r"/\*\*((?:(?!\*/).)*)\*/\s*"


def items(pattern, source=header):
    """What follows a comment: its groups, with the text of the comment first."""
    found = re.finditer(COMMENT + pattern, source, re.S | re.M)
    return [(text_of(item.group(1)), *item.groups()[1:]) for item in found]


class Item:
    """A function or a type: its comment, its declaration, its fields or members."""

    def __init__(self, name, text, declaration, fields=()):
        self.name, self.text, self.declaration, self.fields = name, text, declaration, fields

    def words(self):
        """The text in which other types may be named."""
        return " ".join([self.text, self.declaration, *(f"{field} {text}" for text, field in self.fields)])


functions = {
    name: Item(name, text, f"{result.strip()} {name}({arguments})")
    for text, result, name, arguments in items(r"KEYFOB_MUST_USE\s+(\w[\w *]*?)(keyfob_\w+)\((.*?)\);")
}
enums = {
    name: Item(name, text, f"enum {name}", [(said, member) for said, member in items(r"(KEYFOB_\w+ = \d+),", body)])
    for text, name, body in items(r"enum (keyfob_\w+)\n(.*?)\n\};")
}
structs = {
    name: Item(name, text, f"struct {name}", items(r"(\w[^;]*);", body))
    for text, name, body in items(r"typedef struct (keyfob_\w+) \{(.*?)\n\} \w+;")
}
callbacks = {
    name: Item(name, text, " ".join(f"{start}(*{name})({arguments});".split()))
    for text, start, name, arguments in items(r"(typedef \w+ )\(\*(keyfob_\w+)\)\((.*?)\);")
}
constants = items(r"#define (KEYFOB_\w+) (\d+)")
table = readme.split("| I want to | I call |", 1)[1].split("\n\n", 1)[0]
groups = [
    (row.split("|")[1].strip(), re.findall(r"`(keyfob_\w+)`", row)) for row in table.splitlines() if "`keyfob_" in row
]
listed = [name for _, names in groups for name in names]
if sorted(listed) != sorted(functions):
    sys.exit(f"examples/c/README.md and keyfob.h differ: {sorted(set(listed) ^ set(functions))}")


def types_of_pages():
    """The types of each page. A type is on the page of the functions that are named after it,
    otherwise on the first one whose functions or structs name it."""
    pages = {names[0]: [] for _, names in groups}
    left = {**structs, **callbacks, **enums}
    for name in list(left):
        for _, names in groups:
            if name in left and any(function.startswith(name + "_") for function in names):
                pages[names[0]].append(left.pop(name))
    # Enums are found last, as the fields of a struct name them.
    for kind in (structs, callbacks, enums):
        for _, names in groups:
            page = pages[names[0]]
            words = " ".join(item.words() for item in [*(functions[name] for name in names), *page])
            if kind is not enums:
                words = " ".join(functions[name].declaration for name in names)
            for name in [name for name in left if name in kind and re.search(rf"\b{name}\b", words)]:
                page.append(left.pop(name))
    if left:
        sys.exit(f"no page has {list(left)}")
    return pages


types = types_of_pages()
page_of = {name: names[0] for _, names in groups for name in names}
page_of |= {item.name: page for page, page_types in types.items() for item in page_types}


def prose(text):
    """Paragraphs as lines of mdoc: a sentence begins a line, and none is longer than 78. `\\%` keeps
    names from being hyphenated."""
    lines = []
    for paragraph in text.split("\n\n"):
        paragraph = " ".join(paragraph.split()).replace("\\", "\\e")
        paragraph = re.sub(r"\b(keyfob_\w+)", r"\\fB\\%\1\\fP", paragraph)
        paragraph = re.sub(r"\b(KEYFOB_\w+)", r"\\%\1", paragraph)
        paragraph = re.sub(r"`([^`]*)`", r"\\fI\1\\fP", paragraph)
        lines.append(".Pp")
        for sentence in re.split(r"(?<=[.?!]) (?=[A-Z\\])", paragraph):
            lines += textwrap.wrap(sentence, 78, break_long_words=False, break_on_hyphens=False)
    return ["\\&" + line if line.startswith(("'", ".")) and line != ".Pp" else line for line in lines[1:]]


def prototype(item):
    """A declaration in the synopsis."""
    result, arguments = re.fullmatch(rf"(.*?) ?\b{item.name}\((.*)\)", item.declaration, re.S).groups()
    arguments = [" ".join(argument.split()) for argument in arguments.split(",")]
    return [f".Ft {result}", f".Fo {item.name}", *(f'.Fa "{argument}"' for argument in arguments), ".Fc"]


def description(item):
    """A function or type with its text, fields and members."""
    lines = [f".Ss {item.name}"]
    if item.name in callbacks:
        lines += [".Bd -literal", *textwrap.wrap(item.declaration, 76, subsequent_indent="    "), ".Ed", ".Pp"]
    lines += prose(item.text)
    if item.fields:
        lines += [".Bl -tag -width Ds"]
        for text, field in item.fields:
            lines += [f'.It "{" ".join(field.split())}"', *prose(text)]
        lines += [".El"]
    return lines


def see_also(pages):
    pages = sorted(pages)
    return [".Sh SEE ALSO", *(f".Xr {page} 3{' ,' if page != pages[-1] else ''}" for page in pages)]


def start(names, summary):
    return [
        '.\\" Made by capi/man.py from include/keyfob.h: change src/ffi, then run `make header man`.',
        f".Dt {names[0].upper()} 3",
        f".Os keyfob {version}",
        ".Sh NAME",
        *(f".Nm {name}{' ,' if name != names[-1] else ''}" for name in names),
        f".Nd {summary}",
        ".Sh LIBRARY",
        "libkeyfob, -lkeyfob",
    ]


def page(summary, names):
    """The page of a row of functions."""
    page_types = types[names[0]]
    lines = start(names + [item.name for item in page_types], summary) + [".Sh SYNOPSIS", ".In keyfob.h"]
    lines += [line for name in names for line in prototype(functions[name])]
    lines += [".Sh DESCRIPTION", "The rules for all functions are in", ".Xr keyfob 3 ."]
    described = [*(functions[name] for name in names), *page_types]
    lines += [line for item in described for line in description(item)]
    if any(functions[name].declaration.startswith("keyfob_result ") for name in names):
        lines += [".Sh RETURN VALUES", "A function that returns a keyfob_result returns KEYFOB_RESULT_OK, which is 0,"]
        lines += ["or a result that its description lists.", ".Xr keyfob_result_message 3", "explains each."]
        others = {"keyfob_result_message"}
    else:
        others = set()
    words = " ".join(item.words() for item in described)
    others |= {page_of[name] for name in re.findall(r"\bkeyfob_\w+", words) if name in page_of}
    return lines + see_also((others | {"keyfob"}) - {names[0]})


def overview():
    """The page of the header's first comment, with the example of the README."""
    text = text_of(re.search(COMMENT, header, re.S).group(1))
    first, tasks, rules = text.split("\n\n")
    summary, rest = " ".join(first.split()).removeprefix("keyfob: ").split(". ", 1)
    lines = start(["keyfob"], summary) + [".Sh SYNOPSIS", ".In keyfob.h", ".Sh DESCRIPTION", *prose(rest)]
    lines += [".Ss Functions by task", ".Bl -tag -width Ds"]
    column = tasks.split("\n")[1].rindex("  ") + 2
    rows = []
    for line in tasks.split("\n")[2:]:
        task, call = line[:column].strip(), line[column:].strip()
        rows.append([task, call]) if task else rows[-1].append(call)
    for task, *calls in rows:
        lines += [f".It {task}", *prose(" ".join(calls))]
    lines += [".El", ".Ss Rules for all functions", ".Bl -bullet"]
    for rule in re.split(r"^- ", rules, flags=re.M)[1:]:
        lines += [".It", *prose(rule)]
    lines += [".El", ".Ss Constants", ".Bl -tag -width Ds"]
    for text, name, number in constants:
        if not name.startswith("KEYFOB_VERSION"):
            lines += [f".It {name} No = {number}", *prose(text)]
    example, command = (
        readme.split(f"```{kind}\n", 1)[1].split("```", 1)[0].rstrip().replace("\\", "\\e").split("\n") for kind in ("c", "sh")
    )
    lines += [".El", ".Sh EXAMPLES", "Enrol an authenticator and verify one code:", ".Bd -literal"]
    lines += [*example, ".Ed", ".Pp", "Build it:", ".Bd -literal", command[-1], ".Ed"]
    return lines + see_also(names[0] for _, names in groups)


def dated(lines, old):
    """The page, with the date of the old one if that has the same text."""
    undated = "\n".join(lines) + "\n"
    date = re.search(r"^\.Dd .*\n", old, re.M)
    if date and old.replace(date.group(), "", 1) == undated:
        return old
    today = datetime.date.today()
    first, rest = undated.split("\n", 1)
    return f"{first}\n.Dd {today:%B} {today.day}, {today.year}\n{rest}"


pages = {"keyfob": overview()} | {names[0]: page(summary, names) for summary, names in groups}
stale = [path for path in sorted(folder.glob("*")) if path.stem not in pages]
check = sys.argv[1:] == ["--check"]
for name, lines in pages.items():
    path = folder / f"{name}.3"
    old = path.read_text() if path.exists() else ""
    new = dated(lines, old)
    if new != old:
        stale.append(path)
    if not check:
        folder.mkdir(exist_ok=True)
        path.write_text(new)
if check and stale:
    sys.exit(f"stale, so run `make man`: {', '.join(path.name for path in stale)}")
for path in stale if not check else ():
    if path.stem not in pages:
        path.unlink()
