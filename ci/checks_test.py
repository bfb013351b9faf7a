#!/usr/bin/env python3
"""The checks find what they are for: each test breaks one rule in a small tree
and expects the finding, and the unbroken tree has none."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

import check_sources
import check_test_registry
import check_tiers
import tree

GOOD = {
    "include/revlm/error.h": "#include <expected>\n",
    "src/base/CMakeLists.txt": "revlm_module(base TIER 0 SOURCES file.cc)\n",
    "src/base/file.cc": '#include <fcntl.h>\n#include "revlm/error.h"\n',
    "src/formats/CMakeLists.txt":
        "revlm_module(formats\n  TIER 2\n  MODULES base\n  TESTS x_test.cc)\n",
    "src/formats/x.h": '#include <fmt/format.h>\n#include "base/file.h"\n',
    "src/formats/x_test.cc":
        '#include <gtest/gtest.h>\n#include "formats/x.h"\n',
    "src/engine/CMakeLists.txt":
        "revlm_module(engine TIER 3 SOURCES e.cc MODULES formats)\n",
    "src/engine/e.cc":
        '#include <oneapi/dnnl/dnnl.h>\n#include "base/file.h"\n',
    "cli/main.cc": "#include <CLI/CLI.hpp>\n#include <revlm/error.h>\n",
}


class ChecksTest(unittest.TestCase):

    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        for path, text in GOOD.items():
            self.write(path, text)

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def assert_one_finding(self, findings, *parts):
        self.assertEqual(len(findings), 1, findings)
        for part in parts:
            self.assertIn(part, findings[0])

    def test_good_tree_has_no_findings(self):
        self.assertEqual(check_tiers.find(self.root), [])
        self.assertEqual(check_sources.find(self.root), [])

    def test_including_an_undeclared_module_is_found(self):
        self.write("src/formats/x.h", '\n#include "engine/e.h"\n')
        self.assert_one_finding(check_tiers.find(self.root),
                                "src/formats/x.h:2", "engine")

    def test_declaring_a_peer_or_higher_tier_is_found(self):
        self.write("src/formats/CMakeLists.txt",
                   "revlm_module(formats TIER 2 MODULES base engine)\n")
        self.assert_one_finding(check_tiers.find(self.root), "engine",
                                "lower tier")

    def test_kernel_library_outside_engine_is_found(self):
        self.write("src/formats/x.h", "#include <oneapi/dnnl/dnnl.hpp>\n")
        self.assert_one_finding(check_tiers.find(self.root), "src/engine")

    def test_module_header_in_cli_is_found(self):
        self.write("cli/main.cc", '#include "base/file.h"\n')
        self.assert_one_finding(check_tiers.find(self.root), "cli/main.cc:1")

    def test_module_header_in_public_header_is_found(self):
        self.write("include/revlm/error.h", '#include "base/file.h"\n')
        self.assert_one_finding(check_tiers.find(self.root), "base")

    def test_third_party_in_public_header_is_found(self):
        self.write("include/revlm/error.h", "#include <fmt/format.h>\n")
        self.assert_one_finding(check_tiers.find(self.root), "fmt/")

    def test_unknown_dependency_is_found(self):
        self.write("src/formats/x.h", "#include <boost/any.hpp>\n")
        self.assert_one_finding(check_tiers.find(self.root), "unknown")

    def test_source_outside_any_module_is_found(self):
        self.write("src/stray/a.cc", "")
        self.assert_one_finding(check_tiers.find(self.root), "src/stray/a.cc")

    def test_each_banned_name_is_found(self):
        for code in ("std::ifstream f;", "auto t = std::chrono::"
                     "steady_clock::now();", 'getenv("HOME");',
                     "std::cerr << 1;", "std::printf(x);", "exit(1);",
                     "assert(n > 0);", "#pragma omp parallel"):
            self.write("src/formats/x.h", f"\n  {code}\n")
            self.assert_one_finding(check_sources.find(self.root),
                                    "src/formats/x.h:2")

    def test_names_in_comments_and_literals_are_not_code(self):
        self.write("src/formats/x.h",
                   '// getenv(x)\nauto s = "exit(1)"; static_assert(1);\n')
        self.assertEqual(check_sources.find(self.root), [])

    def test_todo_without_an_issue_is_found(self):
        self.write("src/formats/x.h", "// TODO" + ": later\n")
        self.assert_one_finding(check_sources.find(self.root), "TODO")
        self.write("src/formats/x.h", "// TODO(#12): later\n")
        self.assertEqual(check_sources.find(self.root), [])

    def test_overlong_file_is_found(self):
        self.write("src/formats/x.h", "\n" * 601)
        self.assert_one_finding(check_sources.find(self.root), "601 lines")

    def test_unregistered_test_is_found(self):
        self.assert_one_finding(
            check_test_registry.find(self.root, {}, set()),
            "src/formats/x_test.cc")

    def test_registered_test_unknown_to_ctest_is_found(self):
        registered = {"src/formats/x_test.cc": "formats_test"}
        self.assert_one_finding(
            check_test_registry.find(self.root, registered, {"other"}),
            "formats_test")
        self.assertEqual(check_test_registry.find(
            self.root, registered, {"formats_test"}), [])

    def test_configuring_a_peer_edge_stops_cmake(self):
        self.write("CMakeLists.txt", f"""
            cmake_minimum_required(VERSION 3.25)
            project(peers LANGUAGES NONE)
            include({tree.ROOT}/cmake/Revlm.cmake)
            add_library(revlm_low INTERFACE)
            set_property(GLOBAL PROPERTY REVLM_TIER_low 2)
            revlm_module(peer TIER 2 MODULES low SOURCES a.cc)""")
        outcome = subprocess.run(
            ["cmake", "-S", self.root, "-B", self.root / "build"],
            capture_output=True, text=True)
        self.assertNotEqual(outcome.returncode, 0)
        self.assertIn("a module includes lower tiers only",
                      " ".join(outcome.stderr.split()))


if __name__ == "__main__":
    unittest.main()
