#!/usr/bin/env python3
"""What an operation costs beside the model: many trivial operations on a tiny
model, and resuming them (docs/parallel-guide.md says what came out).

Seconds are wall time of whole processes, as medians:

  run               all operations, from nothing
  resume, finished  the same command once more: nothing is left to do
  resume, killed    a run that was killed half-way: until the first operation
                    that its next start finishes

A killed run is finished once, and must end with the results of the other. With
--check the exit code is 1 when the bars are missed: 5,000 operations a second,
and a resume that starts in a second with 100,000 operations.
"""

import argparse
import filecmp
import json
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "memory"))

import checkpoints

OPERATIONS_PER_SECOND = 5000
# A resume: what every start takes, and what 100,000 operations add.
START_SECONDS = 0.1
RESUME_SECONDS = 0.9 / 100_000


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--operations", type=int, default=100_000)
    parser.add_argument("--max-tokens", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--slack", type=float, default=1,
                        help="the bars may be missed so many times over")
    return parser.parse_args()


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Bench:
    def __init__(self, options):
        self.options = options
        self.folder = options.build / "bench" / "scheduling"
        shutil.rmtree(self.folder, ignore_errors=True)
        checkpoints.make(self.folder / "model", checkpoints.TINY, 1)
        with open(self.folder / "prompts.jsonl", "w") as file:
            for i in range(options.operations):
                file.write(json.dumps({"id": f"p{i}", "prompt": f"word {i}"}))
                file.write("\n")
        self.environment = {**os.environ, "HOME": str(self.folder / "home"),
                            "XDG_CACHE_HOME": str(self.folder / "cache")}

    def start(self, name):
        return subprocess.Popen(
            [self.options.build / "cli" / "revlm", "run",
             self.folder / "model", "--prompts",
             self.folder / "prompts.jsonl", "--max-tokens",
             str(self.options.max_tokens), "--output-dir", self.folder / name,
             "--quiet"], env=self.environment, stdout=subprocess.DEVNULL)

    def finish(self, name):
        """Wall and CPU seconds of a whole process."""
        began, cpu = time.monotonic(), cpu_seconds()
        if self.start(name).wait() != 0:
            raise SystemExit("scheduling: revlm failed")
        return time.monotonic() - began, cpu_seconds() - cpu

    def remove(self, name):
        shutil.rmtree(self.folder / name, ignore_errors=True)

    def wait_for_bytes(self, process, name, size_bytes):
        journal = self.folder / name / "ops.jsonl"
        while not (journal.exists() and
                   journal.stat().st_size > size_bytes):
            if process.poll() is not None:
                raise SystemExit(f"scheduling: {name} ended too early")
            time.sleep(0.001)

    def kill_half_way(self, whole):
        size_bytes = (self.folder / whole / "ops.jsonl").stat().st_size
        process = self.start("killed")
        self.wait_for_bytes(process, "killed", size_bytes // 2)
        process.kill()
        process.wait()

    def resume_killed(self):
        """Seconds until another operation is in the journal."""
        self.remove("resumed")
        shutil.copytree(self.folder / "killed", self.folder / "resumed")
        size_bytes = (self.folder / "resumed" / "ops.jsonl").stat().st_size
        began = time.monotonic()
        process = self.start("resumed")
        self.wait_for_bytes(process, "resumed", size_bytes)
        seconds = time.monotonic() - began
        process.kill()
        process.wait()
        return seconds

    def measure(self):
        repeats = range(self.options.repeats)
        runs = []
        for _ in repeats:
            self.remove("whole")
            runs.append(self.finish("whole"))
        again = [self.finish("whole") for _ in repeats]
        self.kill_half_way("whole")
        killed = [self.resume_killed() for _ in repeats]
        self.finish("killed")
        if not filecmp.cmp(self.folder / "whole" / "results.jsonl",
                           self.folder / "killed" / "results.jsonl",
                           shallow=False):
            raise SystemExit("scheduling: a killed run has other results")
        shutil.rmtree(self.folder)
        return {"run": runs, "resume, finished": again,
                "resume, killed": [(seconds, None) for seconds in killed]}


def main():
    options = parse()
    rows = Bench(options).measure()
    resume = START_SECONDS + RESUME_SECONDS * options.operations
    bars = {"run": options.operations / OPERATIONS_PER_SECOND,
            "resume, finished": resume, "resume, killed": resume}
    is_good = True
    for name, times in rows.items():
        seconds = statistics.median(wall for wall, _ in times)
        bar = bars[name] * options.slack
        line = f"{name:17s} {seconds:7.2f} s, bar {bar:.2f} s"
        if times[0][1] is not None:
            cpu = statistics.median(cpu for _, cpu in times)
            line += f", CPU {cpu:.2f} s"
        if name == "run":
            line += f", {options.operations / seconds:,.0f} operations/s"
        print(line + ("" if seconds < bar else "  MISSED"))
        is_good = is_good and seconds < bar
    return 0 if is_good or not options.check else 1


if __name__ == "__main__":
    sys.exit(main())
