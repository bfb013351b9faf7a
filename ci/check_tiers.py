#!/usr/bin/env python3
"""Every #include keeps to the tiers.

The modules, their tiers and what each uses are read from the revlm_module()
calls of src/*/CMakeLists.txt, which say it once for CMake too. Then:
- a file of src/M includes M and the modules M declares, or those declare;
- include/revlm includes the standard library and itself;
- cli, python and examples include <revlm/...> and their own third parties,
  none of our modules;
- a third-party header is included where HOMES allows, and nowhere else.
"""

import re
import sys

import tree

# Third-party headers and the folders that may include them. A header of a new
# dependency gets its line here with its decision record. Tests may use any.
HOMES = {
    "CLI/": ("cli",),
    "fmt/": ("src", "cli", "bench"),
    "nlohmann/": ("src/base",),
    "dnnl": ("src/engine", "bench"),
    "oneapi/": ("src/engine",),
    "openssl/": ("src/crypto",),
    "pcre2.h": ("src/tokenizer",),
    "pybind11/": ("python",),
    "sqlite3.h": ("src/library",),
    "utf8proc.h": ("src/tokenizer",),
    "zstd.h": ("tests",),
    "gtest/": ("tests",),
    "gmock/": ("tests",),
}
# The C++ library, C, POSIX and Linux.
PLATFORM = re.compile(r"[a-z_0-9]+(\.h)?|(sys|linux|arpa|netinet)/\w+\.h")
KEYWORDS = {"TIER", "SOURCES", "MODULES", "LIBRARIES", "TESTS",
            "TEST_LIBRARIES"}


class Module:
    def __init__(self, name, arguments):
        self.name = name
        values = {keyword: [] for keyword in KEYWORDS}
        keyword = None
        for word in re.sub(r"#.*", "", arguments).split():
            if word in KEYWORDS:
                keyword = word
            else:
                values[keyword].append(word)
        self.tier = int(values["TIER"][0])
        self.uses = values["MODULES"]
        self.tests_use = [
            library.removeprefix("revlm_")
            for library in values["TEST_LIBRARIES"]
            if library.startswith("revlm_")
        ]


def read_modules(root):
    modules = {}
    for path in sorted(root.glob("src/*/CMakeLists.txt")):
        text = path.read_text()
        for match in re.finditer(r"^revlm_module\((\w+)([^)]*)\)", text, re.M):
            if match.group(1) != path.parent.name:
                sys.exit(f"{path}: names the module {match.group(1)}")
            modules[match.group(1)] = Module(match.group(1), match.group(2))
    return modules


def closure(modules, names):
    """`names` and all they use, directly or through others."""
    reached = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in modules and name not in reached:
            reached.add(name)
            waiting += modules[name].uses
    return reached


def tier_findings(modules):
    for module in modules.values():
        for used in module.uses:
            if used not in modules or modules[used].tier >= module.tier:
                yield (f"src/{module.name}/CMakeLists.txt: {module.name} "
                       f"(tier {module.tier}) uses {used}, which is not of a "
                       f"lower tier")


def allowed_modules(modules, path):
    """The modules whose headers `path` may include."""
    top = path.parts[0]
    if top == "src":
        module = modules.get(path.parts[1])
        if module is None:
            return set()
        tests_use = module.tests_use if tree.is_test(path) else []
        return closure(modules, [module.name, *module.uses, *tests_use])
    return set(modules) if top in ("tests", "fuzz", "bench") else set()


def include_finding(modules, path, is_system, header):
    """What is wrong with one #include of `path`, or None."""
    top = path.parts[0]
    if not is_system or header.startswith("revlm/"):
        first = header.split("/")[0]
        if "/" not in header:
            # A program is one folder; its files may go by name there.
            programs = ("cli", "bench")
            return None if top in programs else "give the path from src/"
        if first in ("revlm", top) or first in allowed_modules(modules, path):
            return None
        if first == "support" and (tree.is_test(path) or
                                   path.parts[0] == "bench"):  # tests/support
            return None
        if first in modules and top == "src":
            return f"{path.parts[1]} does not declare a use of {first}"
        return f"{top} may not include {first}"
    for prefix, homes in HOMES.items():
        if header.startswith(prefix):
            if tree.is_test(path) or any(map(path.is_relative_to, homes)):
                return None
            return f"only {', '.join(homes)} may include {prefix}"
    if not PLATFORM.fullmatch(header):
        return "an unknown dependency: see HOMES in ci/check_tiers.py"
    if top == "include" and header.endswith(".h"):
        return "the public API uses the C++ standard library only"
    return None


def find(root):
    modules = read_modules(root)
    findings = list(tier_findings(modules))
    for path in tree.sources(root):
        if path.parts[0] == "src" and path.parts[1] not in modules:
            findings.append(f"{path}: no revlm_module({path.parts[1]} ...)")
            continue
        text = (root / path).read_text()
        for line, is_system, header in tree.includes(text):
            finding = include_finding(modules, path, is_system, header)
            if finding:
                findings.append(f"{path}:{line}: includes {header}: {finding}")
    return findings


if __name__ == "__main__":
    tree.report("check_tiers", find(tree.ROOT))
