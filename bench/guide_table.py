#!/usr/bin/env python3
"""`make guide-table`: the benchmark table of the parallel guide, as ratios of one
sitting (docs/parallel-guide.md says what came out).

Sequential is one prompt at a time with streaming (--no-parallel --no-resident);
together is what revlm does when nothing is said. Prompts have 64 tokens and 32
new ones. Of the sequential prompts only a few of each model are measured, and
the rest is taken to last as long as the later ones of those. Seconds are of
whole processes. Exit code: 1 when a ratio is below the least that is promised.
"""

import argparse
import dataclasses
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import time
import types

import measure

ROOT = pathlib.Path(__file__).resolve().parents[1]
NEW_TOKENS = 32
LIMIT_GIB = 36
FEW = 3  # sequential prompts of a model that are measured


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    num_models: int
    num_prompts: int
    guide: float  # the speed-up that the guide states
    least: float  # that is to hold on two cores


ROWS = (Row("10 prompts, 1 model", 1, 10, 4, 4),
        Row("5 models, 1 prompt", 5, 1, 4.6, 1.5),
        Row("100 prompts, 1 model", 1, 100, 6.7, 6.7),
        Row("3 models, 50 prompts", 3, 50, 8.7, 8.7))


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--shape", default="pythia-410m",
                        help="of bench/README.md; made under BUILD/bench")
    parser.add_argument("--model", type=pathlib.Path,
                        help="a checkpoint that is there, in place of a shape")
    parser.add_argument("--repeats", type=int, default=1,
                        help="the median of so many counts")
    return parser.parse_args()


class Table:
    def __init__(self, options):
        self.options = options
        self.folder = options.build / "bench" / "guide-table"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        count = max(row.num_models for row in ROWS)
        self.models = [self.model(i) for i in range(count)]

    def model(self, i):
        """Each is a directory of its own; all of a shape have equal weights."""
        if self.options.model:
            directory = self.folder / f"model{i}"
            shutil.copytree(self.options.model, directory)
        else:
            directory = measure.make_checkpoint(
                self.folder.parent, self.options.shape,
                self.options.shape + (f"-{i}" if i else ""))
        self.run([directory], 1, 0)  # weights are digested the first time
        return directory

    def run(self, models, num_prompts, new_tokens, *flags):
        """Seconds of a whole process."""
        prompts = self.folder / "prompts.jsonl"
        measure.write_prompts(
            prompts, types.SimpleNamespace(directory=models[0]), num_prompts)
        run_dir = self.folder / "run"
        shutil.rmtree(run_dir, ignore_errors=True)
        start = time.monotonic()
        out = subprocess.run(
            [str(part) for part in (
                self.options.build / "cli" / "revlm", "run", *models,
                "--prompts", prompts, "--no-special-tokens", "--max-tokens",
                new_tokens, "--parallel-memory-limit", LIMIT_GIB,
                "--output-dir", run_dir, "--json", "--quiet", *flags)],
            check=True, stdout=subprocess.PIPE).stdout
        seconds = time.monotonic() - start
        document = json.loads(out)
        assert len(document["results"]) == len(models) * num_prompts
        measure.check_answers(document, new_tokens)
        return seconds

    def together(self, row):
        return self.run(self.models[:row.num_models], row.num_prompts,
                        NEW_TOKENS)

    def sequential(self, row):
        """Of `row.num_prompts`, by those of them that are measured."""
        def seconds(num_prompts):
            return self.run(self.models[:row.num_models], num_prompts,
                            NEW_TOKENS, "--no-parallel", "--no-resident")

        few = min(FEW, row.num_prompts)
        measured = seconds(few)
        if few == row.num_prompts:
            return measured
        each = (measured - seconds(1)) / (few - 1)
        return measured + (row.num_prompts - few) * each

    def render(self):
        """Prints the table; returns how many rows fall short."""
        print("| operation | sequential | together | speed-up | guide | least "
              "| |\n|---|---|---|---|---|---|---|")
        num_short = 0
        for row in ROWS:
            times = [(self.sequential(row), self.together(row))
                     for _ in range(self.options.repeats)]
            sequential, together = map(statistics.median, zip(*times))
            ratio = statistics.median(a / b for a, b in times)
            num_short += ratio < row.least
            print(f"| {row.name} | {sequential:.1f} s | {together:.1f} s | "
                  f"{ratio:.1f}x | {row.guide}x | {row.least}x | "
                  f"{'holds' if ratio >= row.least else 'FALLS SHORT'} |",
                  flush=True)
        return num_short


if __name__ == "__main__":
    sys.exit(1 if Table(parse()).render() else 0)
