#!/usr/bin/env python3
"""`make adaptive-sweep`: a run that tunes itself, against fixed batch sizes.

Each round runs every setting once, in turns, on a checkpoint of a real shape at
a quarter of its weights, where a batch decides how often they are read. Exit
code: 1 when --parallel-adaptive takes over 10 % longer than the best of them,
by medians of the rounds.
"""

import argparse
import pathlib
import statistics
import sys

import bench
import cost
import measure

MOST_OVER_BEST = 1.10


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--build", type=pathlib.Path,
                        default=measure.ROOT / "build")
    parser.add_argument("--shape", default="pythia-410m",
                        choices=bench.SHAPES)
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--new-tokens", type=int, default=0)
    parser.add_argument("--batch-sizes", nargs="+", type=int,
                        default=[8, 32, 128])
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args()


def main():
    options = parse()
    folder = options.build / "bench"
    program = measure.Program(
        options.build,
        cost.read_model(measure.make_checkpoint(folder, options.shape)), folder)
    limit_bytes = program.model.weight_bytes // 4
    settings = {f"batch {size}": ["--parallel-batch-size", str(size)]
                for size in options.batch_sizes}
    settings["as planned"] = []
    settings["adaptive"] = ["--parallel-adaptive"]
    program.run(1, 0, limit_bytes)  # weights are digested the first time
    seconds = {name: [] for name in settings}
    for _ in range(options.repeats):
        for name, flags in settings.items():
            taken, _ = program.run(options.prompts, options.new_tokens,
                                   limit_bytes, flags=flags)
            seconds[name].append(taken)
    medians = {name: statistics.median(of) for name, of in seconds.items()}
    adaptive = medians.pop("adaptive")
    best = min(medians, key=medians.get)
    for name, median in medians.items():
        print(f"{name:>12}  {median:7.1f} s")
    ratio = adaptive / medians[best]
    print(f"{'adaptive':>12}  {adaptive:7.1f} s, {ratio:.2f} times the best, "
          f"{best}")
    return ratio > MOST_OVER_BEST


if __name__ == "__main__":
    sys.exit(main())
