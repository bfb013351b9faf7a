#!/usr/bin/env python3
"""No source uses a banned name, and none has more than 600 lines.

The library reaches files, the clock and the environment through src/base or
its caller, never prints or ends the process, and never asserts on input.
"""

import re

import tree

MAX_LINES = 600

# (pattern, folders it is banned from, files excepted, what to do instead).
# Applied to code without comments and literals; tests are free to do these.
BANNED = [
    (r"\b(i|o)?fstream\b|\bfopen\(", ("include", "src", "cli", "python"),
     ("src/base/file.cc",), "use base/file.h"),
    (r"_clock::now\(", ("include", "src", "cli", "python", "bench"),
     ("src/base/clock.cc",), "take a base::Clock"),
    (r"\b(secure_)?getenv\(|\benviron\b", ("include", "src", "python"), (),
     "take it from the caller: only cli reads the environment"),
    (r"\bstd::(cout|cerr|clog)\b|\b(printf|fprintf|puts|fputs)\(|fmt::print",
     ("include", "src", "python"), ("src/base/check.h",),
     "the library does not print: return it or log it"),
    (r"\b(exit|_exit|quick_exit|abort)\(", ("include", "src", "python"),
     ("src/base/check.h",), "the library does not end the process"),
    (r"(?<!_)\bassert\(|<cassert>|<assert\.h>",
     ("include", "src", "cli", "python", "bench"), (),
     "input gets an Error, our own invariants get REVLM_CHECK"),
    (r"#\s*pragma\s+omp", ("include", "src", "cli", "python", "bench"), (),
     "no OpenMP in our own code"),
]
# Applied to whole files, tests too.
BANNED_TEXT = [
    (r"\b(FIXME|XXX)\b|\bTODO\b(?!\(#\d+\))", "write TODO(#issue) or do it"),
]


def lines_with(pattern, text):
    for match in re.finditer(pattern, text):
        yield text.count("\n", 0, match.start()) + 1, match.group()


def find(root):
    findings = []
    for path in tree.sources(root):
        text = (root / path).read_text()
        lines = text.count("\n")
        if lines > MAX_LINES:
            findings.append(f"{path}: {lines} lines, at most {MAX_LINES}")
        for pattern, advice in BANNED_TEXT:
            for line, name in lines_with(pattern, text):
                findings.append(f"{path}:{line}: {name}: {advice}")
        if tree.is_test(path):
            continue
        code = tree.code_only(text)
        for pattern, folders, excepted, advice in BANNED:
            if path.parts[0] not in folders or str(path) in excepted:
                continue
            for line, name in lines_with(pattern, code):
                findings.append(f"{path}:{line}: {name}: {advice}")
    return findings


if __name__ == "__main__":
    tree.report("check_sources", find(tree.ROOT))
