#!/usr/bin/env python3
"""The C++ sources of the tree, for the checks beside this file.

As a program: prints them, one a line.
"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDERS = ("include", "src", "cli", "python", "worker", "tests", "fuzz",
           "bench", "examples")

_COMMENT_OR_LITERAL = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"'
    r'|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])*\'',
    re.DOTALL,
)
_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def sources(root=ROOT):
    """Paths relative to `root` of all .h, .cc and .inc files, sorted."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".h", ".cc", ".inc"):
                yield path.relative_to(root)


def code_only(text):
    """`text` with comments and literals emptied, line numbers kept."""
    return _COMMENT_OR_LITERAL.sub(
        lambda match: "\n" * match.group().count("\n"), text
    )


def includes(text):
    """(line, is_system, path) of every #include."""
    for match in _INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start(1)) + 1
        yield line, match.group(1) == "<", match.group(2)


def is_test(path):
    """True for what is built for tests only."""
    return path.parts[0] == "tests" or path.stem.endswith(
        ("_test", "_testing", "_fuzz"))


def report(check, findings):
    """Prints the findings and ends the program."""
    for finding in findings:
        print(finding)
    print(f"{check}: {len(findings)} findings")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    print(*(ROOT / path for path in sources()), sep="\n")
