#!/usr/bin/env python3
"""How many prompts it takes to tell hard pairs of models apart: by each prompt
system alone, by all together, and by random text of the same lengths.

REV_ZOO names the folder of models (zoo_report.py). Each figure is the median
over seeds of the prompts that `revlm compare` had used when the behaviour of
the pair was decided, with a look after each prompt at one error rate. Random
text is printable ASCII, drawn character by character, in prompts as long as
those of pot.

    challenge_report.py --build build [--seeds N] [--most N] [--jobs N]
"""

import argparse
import concurrent.futures
import itertools
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

BASE = "aster-s0"
OTHERS = ("aster-s0-ft1", "aster-s0-int8", "aster-s0-noise6", "aster-s0-step75",
          "aster-s0-int4")
EPSILONS = (1e-3, 1e-5)
SYSTEMS = ("pot", "kdf", "evolutionary", "dynamic", "hierarchical")
WAYS = ("random", *SYSTEMS, "all")
FEW = 96  # random prompts to begin with
COUNTS = (50, 250, 1000)


class Report:
    def __init__(self, options, zoo):
        self.program = options.build / "cli" / "revlm"
        self.models = zoo / "models"
        self.seeds = range(options.seeds)
        self.most = options.most
        self.jobs = options.jobs

    def revlm(self, *arguments):
        answer = subprocess.run(
            [self.program, *map(str, arguments), "--json", "--quiet"],
            stdout=subprocess.PIPE, check=False)
        if answer.returncode != 0:
            raise RuntimeError(f"revlm {arguments} ended with "
                               f"{answer.returncode}")
        return json.loads(answer.stdout)

    def prompts(self, *flags):
        return self.revlm("prompts", *flags)

    def compare(self, other, epsilon, seed, *flags):
        """(decision, prompts used, prompts asked)"""
        with tempfile.TemporaryDirectory() as scratch:
            found = self.revlm(
                "compare", self.models / BASE, self.models / other,
                "--epsilon", epsilon, "--seed", seed, "--threads", 1,
                "--exit-zero", "--output-dir", os.path.join(scratch, "d"),
                *flags)
        behaviour = found["pairs"][0]["behaviour"]
        return (behaviour["closeness"], behaviour["num_used"],
                found["num_prompts"])

    def random_texts(self, seed):
        """As many as are asked at most, as long as pot's of this seed."""
        draw = random.Random(seed)
        made = self.prompts("--enable-pot", "--challenges", self.most, "--seed",
                            seed)["prompts"]
        return ["".join(chr(draw.randrange(32, 127)) for _ in prompt["prompt"])
                for prompt in made]

    def ask_random(self, other, epsilon, seed):
        """A few at once, and all of them if these do not decide."""
        texts = self.random_texts(seed)
        for count in (min(FEW, self.most), self.most):
            with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
                for text in texts[:count]:
                    file.write(json.dumps({"prompt": text}) + "\n")
                file.flush()
                found = self.compare(other, epsilon, seed, "--prompts",
                                     file.name)
            if found[0] != "undecided":
                break
        return found

    def ask(self, way, other, epsilon, seed):
        if way == "random":
            return self.ask_random(other, epsilon, seed)
        flag = "prompt-orchestration" if way == "all" else way
        return self.compare(other, epsilon, seed, f"--enable-{flag}",
                            "--challenges", self.most)

    def cell(self, way, other, epsilon):
        """Of all seeds; once most are undecided, so is the median."""
        found = []
        for seed in self.seeds:
            found.append(self.ask(way, other, epsilon, seed))
            undecided = sum(of[0] == "undecided" for of in found)
            if undecided > len(self.seeds) / 2:
                break
        return found

    def table(self):
        """Medians by (pair, epsilon), then by way."""
        keys = list(itertools.product(EPSILONS, OTHERS, WAYS))
        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            cells = pool.map(lambda key: self.cell(key[2], key[1], key[0]),
                             keys)
            medians = {}
            for (epsilon, other, way), found in zip(keys, cells):
                medians.setdefault((other, epsilon), {})[way] = (
                    self.summary(found))
                if way == WAYS[-1]:
                    self.print_row(other, epsilon, medians[other, epsilon])
        return medians

    def summary(self, found):
        """(median of used, of asked, text)"""
        names = {of[0] for of in found}
        undecided = sum(of[0] == "undecided" for of in found)
        if undecided > len(self.seeds) / 2:
            return None, self.most, "-"
        used = statistics.median(self.most if of[0] == "undecided" else of[1]
                                 for of in found)
        asked = statistics.median(of[2] for of in found)
        marks = {"different": "D", "same": "S", "undecided": "?"}
        decided = "".join(marks[name] for name in sorted(names))
        return used, asked, f"{used:g} {decided}"

    def print_row(self, other, epsilon, row):
        cells = "".join(f"{row[way][2]:>14s}" for way in WAYS)
        asked = row["all"][1]
        print(f"{other:16s} {epsilon:7.0e}{cells} {asked:7g}", flush=True)

    def print_coverage(self):
        print("\nshare of the taxonomy's leaves (and of its capabilities) "
              "that the first n prompts touch\n")
        print(f"{'n':>6s}" + "".join(f"{way:>18s}" for way in WAYS[1:]))
        for count in COUNTS:
            line = f"{count:6d}"
            for way in WAYS[1:]:
                flags = [] if way == "all" else [f"--enable-{way}"]
                found = self.prompts("--challenges", count, *flags)["coverage"]
                leaves, classes = (
                    found[f"num_{kind}_touched"] / found[f"num_{kind}"]
                    for kind in ("leaves", "capabilities"))
                text = f"{leaves:.0%} ({classes:.0%})"
                line += f"{text:>18s}"
            print(line)


def print_ratios(medians):
    """All systems together against random text, where that needs more than 8."""
    print("\nall together against random text, where that needs more than 8 "
          "prompts\n")
    met = counted = 0
    for (other, epsilon), row in medians.items():
        by_random, together = row["random"][0], row["all"][0]
        if by_random is not None and by_random <= 8:
            continue
        counted += 1
        if together is None:
            text = "undecided"
        elif by_random is None:
            met += 1
            text = "random text does not decide"
        else:
            met += together <= by_random / 2
            text = f"{together / by_random:.2f}"
        print(f"{other:16s} {epsilon:7.0e}  {text}")
    print(f"at most half in {met} of {counted}")


def print_systems(medians):
    """Which systems pay their way: fewer prompts than random text."""
    print()
    for system in SYSTEMS:
        better = worse = 0
        for row in medians.values():
            infinite = float("inf")
            alone, by_random = (infinite if row[way][0] is None else row[way][0]
                                for way in (system, "random"))
            better += alone < by_random
            worse += alone > by_random
        print(f"{system:14s} fewer prompts than random text in {better}, more "
              f"in {worse} of {len(medians)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build", type=pathlib.Path)
    parser.add_argument("--seeds", default=10, type=int)
    parser.add_argument("--most", default=1000, type=int)
    parser.add_argument("--jobs", default=os.cpu_count(), type=int)
    options = parser.parse_args()
    zoo = os.environ.get("REV_ZOO")
    if not zoo:
        print("skipped: REV_ZOO names no zoo of models with known ancestry")
        return 0
    report = Report(options, pathlib.Path(zoo))
    began = time.monotonic()
    print(f"{BASE} against others: median prompts to the decision over "
          f"{options.seeds} seeds, D different, S same, ? undecided\nby some "
          f"seeds; -: undecided after {options.most} by most; last: prompts "
          f"asked by all together\n")
    print(f"{'other':16s} {'epsilon':>7s}"
          + "".join(f"{way:>14s}" for way in WAYS) + f" {'asked':>7s}")
    medians = report.table()
    print_ratios(medians)
    print_systems(medians)
    report.print_coverage()
    print(f"\n{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
