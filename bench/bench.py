#!/usr/bin/env python3
"""`make bench`: time, memory and the physical bound, on checkpoints of real
shapes with random weights (bench/README.md says how to read the table).

Each figure is of a whole process in a memory control group as large as its
limit. C and B are measured anew before and after each run. Rows are kept in a
file and not measured again, so that a long table can be made in sittings.
"""

import argparse
import json
import pathlib
import subprocess
import sys

import cost
import measure
import peer_rows
import ratios
import table

ROOT = pathlib.Path(__file__).resolve().parents[1]
SHAPES = ("pythia-410m", "llama-3.2-1b", "llama-2-7b")
LIMITS = {"W/8": 1 / 8, "W/4": 1 / 4, "2W": 2}
LONG_SECONDS = 60  # rows that take longer are measured once
RATES = ("read_bytes_per_second", "flops_per_second")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--shapes", nargs="+", default=["llama-3.2-1b"],
                        choices=SHAPES)
    parser.add_argument("--prompts", nargs="+", type=int, default=[10, 100])
    parser.add_argument("--new-tokens", nargs="+", type=int, default=[0, 32])
    parser.add_argument("--limits", nargs="+", default=list(LIMITS),
                        choices=list(LIMITS))
    parser.add_argument("--one-by-one", action="store_true",
                        help="also one prompt at a time")
    parser.add_argument("--peers", nargs="*", default=list(peer_rows.WAYS),
                        choices=list(peer_rows.WAYS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--results", type=pathlib.Path,
                        help="rows so far (BUILD/bench/results.jsonl)")
    return parser.parse_args()


class Bench:
    def __init__(self, options):
        self.options = options
        self.folder = options.build / "bench"
        self.path = options.results or self.folder / "results.jsonl"
        self.rows = []
        if self.path.exists():
            self.rows = [json.loads(line) for line in
                         self.path.read_text().splitlines()]

    def model(self, shape):
        return cost.read_model(measure.make_checkpoint(self.folder, shape))

    def has(self, key):
        return any(row["key"] == key for row in self.rows)

    def keep(self, row):
        self.rows.append(row)
        with open(self.path, "a") as file:
            file.write(json.dumps(row) + "\n")
        print(table.describe(row), flush=True)

    def run(self):
        for shape in self.options.shapes:
            model = self.model(shape)
            program = measure.Program(self.options.build, model, self.folder)
            for limit in self.options.limits:
                self.run_limit(shape, program, limit)
            for name in self.options.peers:
                peer_rows.run(self, shape, program, name)
        print(table.render(self.rows))
        for shape in self.options.shapes:
            lines = ratios.Ratios(self.rows, shape, self.model(shape)).render()
            if lines:
                print("\n".join(["", shape, *lines]))

    def run_limit(self, shape, program, limit):
        limit_bytes = int(LIMITS[limit] * program.model.weight_bytes)
        for new_tokens in self.options.new_tokens:
            if self.options.one_by_one and limit != "2W":
                self.row(shape, program, limit, limit_bytes, 1, new_tokens)
            for num_prompts in self.options.prompts:
                self.row(shape, program, limit, limit_bytes, num_prompts,
                         new_tokens)

    def row(self, shape, program, limit, limit_bytes, num_prompts, new_tokens):
        """One prompt: the median of ONE_BY_ONE prompts, each on its own."""
        key = [shape, "revlm", limit, num_prompts, new_tokens]
        if self.has(key):
            return
        work = cost.Work(num_prompts, measure.PROMPT_TOKENS, new_tokens)
        # Weights are digested once, the first time.
        if not any(row["key"][:2] == key[:2] for row in self.rows):
            program.run(1, 0, limit_bytes)
        measured = []
        repeats = measure.ONE_BY_ONE if num_prompts == 1 else self.options.repeats
        before = program.rates()
        for i in range(repeats):
            seconds, peak = program.run(
                max(num_prompts, i + 1), new_tokens, limit_bytes,
                first_prompt=i if num_prompts == 1 else None)
            after = program.rates()
            rates = {name: (before[name] + after[name]) / 2 for name in RATES}
            bound = cost.bound_seconds(program.model, work, limit_bytes, rates)
            measured.append({"seconds": seconds, "peak_bytes": peak,
                             "bound_seconds": bound, **rates})
            if num_prompts > 1 and seconds > LONG_SECONDS:
                break
            before = after
        self.keep({"key": key, "limit_bytes": limit_bytes,
                   "commit": commit(), "machine": machine(after),
                   "measured": measured})


def machine(rates):
    """What the figures are of, in one line."""
    text = pathlib.Path("/proc/cpuinfo").read_text()
    name = text.split("model name")[1].split(":")[1].splitlines()[0].strip()
    return (f"{name}, {rates['threads']} threads, {rates['isa']}, "
            f"{rates['products']}")


def commit():
    out = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT,
                         capture_output=True, text=True)
    return out.stdout.strip() or "unknown"


if __name__ == "__main__":
    try:
        Bench(parse()).run()
    except KeyboardInterrupt:
        sys.exit("stopped; what was measured is kept")
