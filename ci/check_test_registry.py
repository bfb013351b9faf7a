#!/usr/bin/env python3
"""Every test in the tree is one that ctest runs.

Usage: check_test_registry.py BUILD_FOLDER

BUILD_FOLDER/test_sources.txt, written by cmake/Revlm.cmake, has one line for
each test source: its path, a tab, the ctest that runs it. Every *_test.cc,
*_fuzz.cc and *_test.py of the tree must be there, and every ctest it names
must be known to ctest.
"""

import pathlib
import subprocess
import sys

import tree


def find(root, registered, known_tests):
    """`registered`: {source path: test name}; `known_tests`: a set of names."""
    findings = []
    in_tree = [path for path in tree.sources(root)
               if path.stem.endswith(("_test", "_fuzz"))]
    for top in ("ci", "tests"):
        in_tree += [path.relative_to(root)
                    for path in sorted((root / top).rglob("*_test.py"))]
    for path in in_tree:
        if str(path) not in registered:
            findings.append(f"{path}: in no revlm_test, revlm_module or "
                            f"revlm_fuzz")
    for path, test in registered.items():
        if test not in known_tests:
            findings.append(f"{path}: its test {test} is unknown to ctest")
    return findings


def read_registered(build):
    lines = (build / "test_sources.txt").read_text().splitlines()
    return dict(line.split("\t") for line in lines)


def read_known_tests(build):
    listing = subprocess.run(
        ["ctest", "--test-dir", build, "-N"],
        check=True, capture_output=True, text=True).stdout
    return {line.split(": ")[1].strip() for line in listing.splitlines()
            if line.strip().startswith("Test ") and ": " in line}


def main():
    build = pathlib.Path(sys.argv[1])
    tree.report("check_test_registry",
                find(tree.ROOT, read_registered(build),
                     read_known_tests(build)))


if __name__ == "__main__":
    main()
