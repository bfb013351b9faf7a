"""The Python blocks of the parallel guide, run as they are written.

Only the paths of models are replaced, by bundled real models. Each block is
followed by a check of what it computed.
"""

import os
import re
import shutil
import unittest

import revlm
from package import MODEL, OTHER_MODEL, ROOT, PackageTest

GUIDE = ROOT / "docs/PARALLEL_PROCESSING_GUIDE.md"
PATHS = {'"/path/to/model"': repr(MODEL), '"/path/to/model1"': repr(MODEL),
         '"/path/to/model2"': repr(OTHER_MODEL)}

CHECKS = ["""
assert 0 < monitor.get_available_memory() <= 36.0
assert monitor.get_available_memory() < monitor.get_system_memory()
""", """
assert [r["prompt"] for r in results] == ["prompt1", "prompt2", "prompt3"]
assert all(r["success"] and r["response"] for r in results), results
status = executor.get_status()
assert status["completed_tasks"] == 3 and status["is_shut_down"], status
""", """
asked = [(r["model"][-6:], r["prompt"]) for r in results["results"]]
assert asked == [(m, p) for m in ("ter-s0", "quotes")
                 for p in ("What is AI?", "Explain ML")], asked
assert results["statistics"]["operations"] == 4
assert results["statistics"]["succeeded"] == 4
assert results["statistics"]["throughput"] > 0
assert processor.executor.get_status()["is_shut_down"]
"""]
OUTPUTS = [r"Available memory: \d+\.\d GB\nSystem memory: \d+\.\d GB\n", "",
           r"Throughput: \d+\.\d\d ops/s\nDuration: \d+\.\d\ds\n"]


def blocks():
    return re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(), re.M | re.S)


class GuideTest(PackageTest):
    def script(self, block_idx):
        text = blocks()[block_idx]
        for path, model in PATHS.items():
            text = text.replace(path, model)
        self.assertNotIn("/path/to", text)
        return text + CHECKS[block_idx]

    def test_the_guide_has_the_blocks_that_are_checked_here(self):
        self.assertEqual(len(blocks()), len(CHECKS))
        self.assertEqual(len(blocks()), len(OUTPUTS))

    def test_each_block_runs_in_the_compat_folder(self):
        shutil.copytree(ROOT / "compat/src", self.folder / "src")
        for i, expected in enumerate(OUTPUTS):
            with self.subTest(block=i):
                self.assertRegex(self.output(self.script(i)),
                                 f"^{expected}$")

    def test_each_block_runs_with_the_package_alone(self):
        for i, expected in enumerate(OUTPUTS):
            with self.subTest(block=i):
                script = self.script(i).replace(
                    "from src.executor.parallel_executor import",
                    "from revlm import")
                self.assertNotIn("src.", script)
                self.assertRegex(self.output(script), f"^{expected}$")

    def test_the_compat_folder_finds_the_build_beside_it(self):
        # A tree of the shape of the repository, the package in its build.
        shutil.copytree(ROOT / "compat", self.folder / "compat")
        package = os.path.dirname(revlm.__file__)
        (self.folder / "build/python").mkdir(parents=True)
        (self.folder / "build/python/revlm").symlink_to(package)
        environment = {name: value for name, value in os.environ.items()
                       if name != "PYTHONPATH"}
        script = self.script(0) + """
import revlm
assert revlm.__file__.startswith(r"%s"), revlm.__file__
""" % self.folder
        self.output(script, cwd=self.folder / "compat", env=environment)

    def test_each_block_of_our_own_page_runs(self):
        text = (ROOT / "docs/python.md").read_text()
        found = re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)
        self.assertEqual(len(found), 6)
        for block in found:
            with self.subTest(block=block):
                out = self.output(block.replace(
                    '"examples/models/', f'"{ROOT}/examples/models/'))
                self.assertGreater(len(out), 10)

    def test_the_old_name_is_the_package(self):
        shutil.copytree(ROOT / "compat/src", self.folder / "src")
        self.output("from src.executor import parallel_executor as old\n"
                    "import revlm\n"
                    "for name in old.__all__:\n"
                    "    assert getattr(old, name) is getattr(revlm, name)\n")


if __name__ == "__main__":
    unittest.main()
