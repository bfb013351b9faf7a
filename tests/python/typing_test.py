"""The package is typed, and its types are true."""

import pathlib
import subprocess
import unittest

import revlm
from package import ROOT, PackageTest

PACKAGE = pathlib.Path(revlm.__file__).parent
GOOD = """
from pathlib import Path
import revlm
config: revlm.MemoryConfig = revlm.MemoryConfig(total_limit_gb=8.0)
processes: int = config.max_processes
with revlm.ParallelExecutor(config, workers=2, output_dir=Path("d")) as executor:
    for result in executor.process_prompts_parallel(Path("m"), ["a"], batch_size=2):
        text: str = result.response
        score: float = sum(result.logprobs)
    free: float = executor.get_status()["memory_status"]["available_gb"]
with revlm.AdaptiveParallelExecutor(adaptation_interval=5) as adaptive:
    best: int = adaptive.optimal_workers
batch = revlm.BatchProcessor(8.0).process_batch(["m"], ["p"], mode="paired")
rate: float = batch["statistics"]["throughput"]
where: str = batch["run_dir"]
"""
# Each line is wrong by itself.
BAD = """
import revlm
revlm.MemoryConfig(total_limit="8")
revlm.MemoryMonitor().get_available_memory().upper()
revlm.BatchProcessor(8.0).process_batch(["m"], ["p"], mode="sideways")
revlm.BatchProcessor(8.0).process_batch(["m"], [1])
revlm.ParallelExecutor().get_status()["no_such_key"]
revlm.ParallelExecutor().process_prompts_parallel("m", ["p"])[0].no_such_field
"""


class TypingTest(PackageTest):
    def mypy(self, *arguments, module="mypy"):
        # mypy is Debian's, whichever python3 runs this.
        return subprocess.run(
            ["/usr/bin/python3", "-m", module, *map(str, arguments)],
            capture_output=True, text=True, cwd=self.folder,
            env={"MYPYPATH": str(PACKAGE.parent), "PATH": "/usr/bin:/bin",
                 "PYTHONPATH": str(PACKAGE.parent)})

    def test_the_sources_pass_strict_checking(self):
        checked = self.mypy("--strict", *sorted(PACKAGE.glob("*.py")),
                            PACKAGE / "_revlm.pyi")
        self.assertEqual(checked.returncode, 0, checked.stdout)

    def test_the_stub_says_what_the_extension_has(self):
        # A stub cannot name the metaclass of pybind11. Members of these classes
        # are compared all the same.
        (self.folder / "allowed").write_text("".join(
            f"revlm._revlm.{name}\n" for name in
            ("AdaptiveExecutor", "Executor")))
        checked = self.mypy("revlm._revlm", "--allowlist", "allowed",
                            module="mypy.stubtest")
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def test_right_use_passes_and_each_wrong_line_is_found(self):
        (self.folder / "good.py").write_text(GOOD)
        (self.folder / "bad.py").write_text(BAD)
        checked = self.mypy("--strict", "good.py")
        self.assertEqual(checked.returncode, 0, checked.stdout)
        checked = self.mypy("--strict", "bad.py")
        found = {int(line.split(":")[1]) for line in
                 checked.stdout.splitlines() if ": error:" in line}
        self.assertEqual(found, set(range(3, 3 + BAD.count("\n") - 2)))

    def test_the_marker_of_typed_packages_is_there(self):
        self.assertTrue((PACKAGE / "py.typed").exists())
        self.assertEqual(sorted(path.name for path in PACKAGE.glob("*.py*")),
                         sorted(path.name for path in
                                (ROOT / "python/revlm").glob("*.py*")))


if __name__ == "__main__":
    unittest.main()
