"""Runs revlm for the scripts of this folder and says what came of it."""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

import find_revlm

GIB = 1 << 30
SAMPLE_SECONDS = 0.01


def limit_flags(limit_bytes):
    """Exact: a double holds every number of bytes there is, over 2**30."""
    return ["--parallel-memory-limit", repr(limit_bytes / GIB)]


class Runs:
    """Runs whose directories are beneath `folder`, which is the caller's."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.revlm = find_revlm.program()

    def start(self, *arguments):
        """Writes to files: a pipe that nobody reads yet would fill."""
        out, err = (tempfile.TemporaryFile("w+") for _ in range(2))
        process = subprocess.Popen([self.revlm, *map(str, arguments)],
                                   stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=err)
        process.written = out, err
        return process

    def finish(self, process, code=0):
        """What a process wrote to stdout and stderr; it must end with `code`."""
        process.wait()
        texts = []
        for file in process.written:
            with file:
                file.seek(0)
                texts.append(file.read())
        if process.returncode != code:
            raise AssertionError(f"exit code {process.returncode}, not {code}: "
                                 f"{' '.join(texts[1].split())}")
        return texts

    def run(self, name, *arguments, code=0):
        """The JSON document of a run in the directory `name`."""
        out, _ = self.finish(self.start_run(name, *arguments), code)
        return json.loads(out)

    def start_run(self, name, *arguments):
        return self.start("run", *arguments, "--json", "--quiet",
                          "--output-dir", self.folder / name)

    def floor_bytes(self, *arguments):
        """The least limit at which such a run is possible."""
        out, _ = self.finish(self.start("plan", *arguments, "--quiet"))
        return int(out)

    def results(self, name):
        """results.jsonl, whose bytes are the same for equal results."""
        return (self.folder / name / "results.jsonl").read_bytes()

    def recorded(self, name):
        """Keys of the operations in the journal, in order of completion; a
        last line that is torn is none."""
        with contextlib.suppress(FileNotFoundError):
            text = (self.folder / name / "ops.jsonl").read_text()
            return [json.loads(line)["key"] for line in
                    text[:text.rfind("\n") + 1].splitlines()]
        return []

    def wait_for_record(self, name, process):
        """Returns once the journal has an operation; False: it ended first."""
        while not self.recorded(name):
            if process.poll() is not None:
                return False
            time.sleep(0.001)
        return process.poll() is None

    def kill_worker(self, name, process):
        """Kills a worker of a run once it has begun; False: it ended first."""
        while process.poll() is None:
            workers = tree(process.pid)[1:]
            if workers and (self.folder / name / "metrics.jsonl").exists():
                os.kill(workers[0], signal.SIGKILL)
                return True
            time.sleep(0.001)
        return False

    def lines(self, name, file):
        """The JSON documents of a file of lines; none where there is no file."""
        with contextlib.suppress(FileNotFoundError):
            text = (self.folder / name / file).read_text()
            return [json.loads(line) for line in text.splitlines()]
        return []


def watch(process):
    """Until a process is through: the most memory that it and its descendants
    held (PSS: what is shared counts once), and how often that was seen."""
    peak_bytes = num_samples = 0
    while process.poll() is None:
        held = sum(map(pss_bytes, tree(process.pid)))
        peak_bytes = max(peak_bytes, held)
        num_samples += held > 0
        time.sleep(SAMPLE_SECONDS)
    return peak_bytes, num_samples


def tree(pid):
    """Process ids: `pid` and its descendants."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for task in pathlib.Path(f"/proc/{parent}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def pss_bytes(pid):
    """0: the process has ended."""
    with contextlib.suppress(OSError):
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        if found := re.search(r"^Pss: +(\d+) kB", text, re.MULTILINE):
            return int(found.group(1)) << 10
    return 0
