"""What `cmake --install` puts into a prefix works from there."""

import os
import shutil
import subprocess
import unittest

from revlm_process import MODEL, ProgramTest


class InstallTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.prefix = self.folder / "prefix"
        subprocess.run([os.environ["CMAKE"], "--install", os.environ["BUILD"],
                        "--prefix", self.prefix], check=True,
                       stdout=subprocess.DEVNULL)

    def run_installed(self, prefix, folder):
        process = self.start("run", MODEL, "--prompt", "x", "--max-tokens", 2,
                             "--output-dir", folder,
                             program=prefix / "bin" / "revlm")
        _, err = process.communicate(timeout=300)
        return process.returncode, err.decode()

    def test_an_installed_program_runs_models(self):
        files = {str(path.relative_to(self.prefix))
                 for path in self.prefix.rglob("*") if path.is_file()}
        self.assertEqual(files, {"bin/revlm", "libexec/revlm/revlm-worker"})
        code, err = self.run_installed(self.prefix, "a")
        self.assertEqual(code, 0, err)
        # And from wherever the prefix is moved to.
        moved = self.folder / "moved"
        self.prefix.rename(moved)
        code, err = self.run_installed(moved, "b")
        self.assertEqual(code, 0, err)
        self.assertEqual(self.results("a"), self.results("b"))

    def test_the_worker_is_not_looked_for_anywhere_else(self):
        shutil.rmtree(self.prefix / "libexec")
        code, err = self.run_installed(self.prefix, "a")
        self.assertEqual(code, 2, err)
        self.assertIn("revlm-worker", err)


if __name__ == "__main__":
    unittest.main()
