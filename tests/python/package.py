"""What the tests of the Python package share."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = str(ROOT / "examples/models/aster-s0")
OTHER_MODEL = str(ROOT / "examples/models/aster-s0-ft-quotes")
# Longer than the context of the model: it cannot be asked.
ENDLESS = "and on " * 10000

sys.path.insert(0, str(ROOT / "tests" / "cli"))
from worker_processes import workers  # noqa: E402, F401


class PackageTest(unittest.TestCase):
    """One temporary folder for each test: the working directory."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="revlm-python-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)

    def python(self, script, *arguments, **options):
        """Starts a child that runs this text. Ctrl-C works in it, even where
        these tests are run in the background of a shell."""
        return subprocess.Popen(
            [sys.executable, "-c", script, *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            **options)

    def output(self, script, *arguments, code=0, **options):
        process = self.python(script, *arguments, **options)
        out, err = process.communicate(timeout=300)
        self.assertEqual(process.returncode, code, err)
        return out

    def journal_keys(self, run_dir):
        lines = (self.folder / run_dir / "ops.jsonl").read_text().splitlines()
        return [json.loads(line)["key"] for line in lines]
