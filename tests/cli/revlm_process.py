"""Starts the program under test in a folder and an environment of its own."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "examples" / "models" / "aster-s0"
OTHER_MODEL = ROOT / "examples" / "models" / "aster-s0-ft-quotes"
REVLM = os.environ["REVLM"]
TIMEOUT_SECONDS = 300
PROMPTS = [f"{word} number {i}" for i, word in enumerate(
    ("Apples", "Bridges", "Clouds", "Dogs", "Eels", "Forks", "Games", "Hats",
     "Inks", "Jars", "Kites", "Lamps", "Maps", "Nets", "Oaks", "Pens"))]


class ProgramTest(unittest.TestCase):
    """One temporary folder for each test: the working directory."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="revlm-cli-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder / "home"),
            "LC_ALL": "C.UTF-8",
        }
        for name, value in os.environ.items():  # what sanitizers and oneDNN read
            if name.endswith("SAN_OPTIONS") or name.startswith("ONEDNN_"):
                self.environment[name] = value

    def start(self, *arguments, env=None, program=None, **options):
        return subprocess.Popen(
            [program or REVLM, *map(str, arguments)], cwd=self.folder,
            env={**self.environment, **(env or {})},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, **options)

    def revlm(self, *arguments, code=0, env=None, **options):
        """Runs to the end; returns (stdout, stderr) as bytes."""
        process = self.start(*arguments, env=env, **options)
        out, err = process.communicate(timeout=TIMEOUT_SECONDS)
        self.assertEqual(process.returncode, code,
                         f"{arguments}\n{err.decode(errors='replace')}")
        return out, err

    def stop(self, process, number=signal.SIGINT):
        """Stops a run at once: the first signal lets it finish what is in
        flight, the second does not. One that comes too soon after is none."""
        process.send_signal(number)
        time.sleep(0.15)
        process.send_signal(number)

    def end_again_and_again(self, command, code, signals):
        """Starts a command, ended by one signal after the other and each later
        than the one before, until it comes to its end with `code`."""
        delay = 0.05
        for attempt in range(60):
            process = self.start(*command)
            number = signals[attempt % len(signals)]
            try:
                _, err = process.communicate(timeout=delay)
            except subprocess.TimeoutExpired:
                process.send_signal(number)
                _, err = process.communicate(timeout=TIMEOUT_SECONDS)
            if process.returncode == code:
                self.assertGreater(attempt, 0, "never ended")
                return
            self.assertIn(process.returncode, (128 + number, -number), err)
            delay += 0.15
        self.fail("does not come to an end")

    def floor_bytes(self, *arguments):
        """The least memory limit for `run` with these arguments."""
        out, _ = self.revlm("plan", *arguments, "--quiet")
        return int(out)

    def tight(self, *arguments):
        """Options for a limit so low that weights are streamed."""
        limit = self.floor_bytes(*arguments)
        return ["--parallel-memory-limit", repr(limit / 2**30)]

    def results(self, folder):
        return (self.folder / folder / "results.jsonl").read_bytes()

    def lines(self, folder):
        return sorted(self.results(folder).splitlines())

    def journal_keys(self, folder):
        """Keys in ops.jsonl, a torn last line left out."""
        text = (self.folder / folder / "ops.jsonl").read_text()
        whole = text[:text.rfind("\n") + 1]
        return [json.loads(line)["key"] for line in whole.splitlines()]

    def copy_model(self, name):
        shutil.copytree(MODEL, self.folder / name)
