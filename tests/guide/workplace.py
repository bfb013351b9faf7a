"""Where the guide's lines are typed: a copy of compat/ with the build tree and
the bundled models beside it, `python` on PATH, and models for the guide's
placeholders."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import guide

ROOT = guide.ROOT
REVLM = pathlib.Path(os.environ.get("REVLM", ROOT / "build/cli/revlm"))
# What the build tree's package is made for.
PYTHON = os.environ.get("REVLM_PYTHON") or sys.executable
PACKAGE = REVLM.resolve().parents[1] / "python"
SANITIZED = bool(os.environ.get("REVLM_SANITIZE"))
TIMEOUT_SECONDS = 1800

# What stands in the guide for a model: one of ours. Those of the zoo are packed.
STAND_INS = {
    "/path/to/model": "aster-s0",
    "/path/to/model1": "aster-s0",
    "/path/to/model2": "briar-s0",
    "model1": "aster-s0",
    "model2": "briar-s0",
    "model3": "dahlia-s0",
    "/Users/rohanvinaik/LLM_models/pythia-70m": "briar-s0",
    "/Users/rohanvinaik/LLM_models/pythia-160m": "aster-s0-ft-quotes",
    "/Users/rohanvinaik/LLM_models/pythia-410m": "dahlia-s0",
}


class Workplace:
    def __init__(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="revlm-guide-"))
        self.folder = self.root / "compat"
        shutil.copytree(ROOT / "compat", self.folder)
        (self.root / "build" / "cli").mkdir(parents=True)
        (self.root / "build" / "cli" / "revlm").symlink_to(REVLM.resolve())
        (self.root / "build" / "python").symlink_to(PACKAGE)
        (self.root / "examples").symlink_to(ROOT / "examples")
        (self.root / "bin").mkdir()
        (self.root / "bin" / "python").symlink_to(PYTHON)
        for name in set(STAND_INS.values()):
            self._add_model(name)
        self.environment = {
            "PATH": f"{self.root / 'bin'}:/usr/bin:/bin",
            "HOME": str(self.root / "home"),
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        for name, value in os.environ.items():
            if name.endswith("SAN_OPTIONS") or name.startswith("ONEDNN_"):
                self.environment[name] = value

    def remove(self):
        shutil.rmtree(self.root)

    def model(self, name):
        return self.root / "models" / name

    def _add_model(self, name):
        bundled = ROOT / "examples" / "models" / name
        if not bundled.exists():
            bundled = ROOT / "tests" / "data" / "zoo" / name
        directory = self.model(name)
        directory.mkdir(parents=True)
        for path in bundled.iterdir():
            if path.suffix == ".zst":
                subprocess.run(["zstd", "--decompress", "--quiet", path, "-o",
                                directory / path.stem], check=True)
            else:
                shutil.copy(path, directory)

    def with_models(self, text):
        """`text` with nothing changed but paths of models."""
        longest_first = sorted(STAND_INS, key=len, reverse=True)
        pattern = "|".join(map(re.escape, longest_first))
        return re.sub(rf"(?<![\w/])({pattern})(?![\w/])",
                      lambda match: str(self.model(STAND_INS[match.group()])),
                      text)

    def shell(self, text):
        """What a shell makes of `text` here, once it has ended."""
        return self._run("bash", text)

    def python(self, text):
        """What `python` makes of a block that is typed here."""
        return self._run(self.root / "bin" / "python", text)

    def _run(self, program, text):
        return subprocess.run(
            [program, "-c", text], cwd=self.folder, capture_output=True,
            env=self.environment, stdin=subprocess.DEVNULL, text=True,
            timeout=TIMEOUT_SECONDS)
