"""The memory limit is a law: random runs in control groups as large as their
limits, to the page.

  memory_law_test.py REVLM              20 cases, as ctest does
  memory_law_test.py REVLM --cases 200  what is promised; --seed S for others

Of each case: the program ends well at its limit, the kernel never had to
enforce it, the plan's peak is at most 10 % above the measured one, one byte
below the floor is refused, and the results are those of ample memory. A start
with nothing in the page cache keeps its limit, too.
"""

import collections
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import time

import checkpoints
import memory_group
import memory_process
import revlm_process
from memory_process import OPTIONS

MIB = 1 << 20
# Sizes of the weights; models take them in turn.
SIZES = ((1 * MIB, 8 * MIB), (8 * MIB, 32 * MIB), (80 * MIB, 150 * MIB),
         (32 * MIB, 80 * MIB))
MAX_PREDICTED_SECONDS = 2


class Case:
    """What to run. The limit is chosen when the floor is known."""

    def __init__(self, models, chance):
        self.chance = chance
        self.models = chance.sample(models, 2 if chance.random() < 0.1 else 1)
        # The prompts are for all of them: ids of the smallest vocabulary.
        self.shape = min((shape for _, shape in self.models),
                         key=lambda shape: shape.vocab_size)
        num_prompts = chance.randint(1, 40)
        longest = chance.randint(1, 200)
        self.lengths = [chance.randint(1, longest) for _ in range(num_prompts)]
        self.max_tokens = chance.choice((0, 1, chance.randint(2, 40)))
        self.differ = chance.random() < 0.3  # prompts in their new tokens
        self.options = []
        if chance.random() < 0.2:
            self.options += ["--capture", "last"]
        if chance.random() < 0.2:
            self.options += ["--logprobs", chance.randint(1, 5)]
        if chance.random() < 0.2:
            self.options += ["--prompt-logprobs"]
        if chance.random() < 0.2:
            self.options += ["--threads", chance.choice((1, 2, 8))]
        if chance.random() < 0.2:
            self.options += ["--parallel-adaptive", "--adaptation-interval",
                             chance.randint(1, 5)]
        if chance.random() < 0.3:
            self.options += ["--temperature", 0.8]
        self.prompt_seed = chance.random()
        if len(self.models) > 1 and chance.random() < 0.5:
            self.options += ["--parallel-workers", 1]

    def halve(self):
        self.lengths = self.lengths[:(len(self.lengths) + 1) // 2]
        self.max_tokens //= 2

    def arguments(self):
        return [*(name for name, _ in self.models), "--prompts", "p.jsonl",
                "--max-tokens", self.max_tokens, *self.options]

    def limit(self, floor):
        weights = self.shape.weight_bytes
        kind, limit = self.chance.choice((
            ("floor", floor), ("floor", floor), ("floor", floor),
            ("above", self.chance.randint(floor, 2 * floor)),
            ("W/4", weights // 4), ("W/2", weights // 2),
            ("4 floors", 4 * floor)))
        if limit < floor:
            return "above", self.chance.randint(floor, floor * 5 // 4)
        return kind, limit

    def __str__(self):
        names = " + ".join(str(shape) for _, shape in self.models)
        options = " ".join(map(str, self.options))
        return (f"{names}, {len(self.lengths)} prompts of "
                f"{max(self.lengths)}, {self.max_tokens} new {options}")


class MemoryLawTest(memory_process.MemoryTest):
    def make_models(self):
        chance = random.Random(f"models {OPTIONS.seed}")
        models = []
        for i in range(max(4, min(OPTIONS.cases * 2 // 5, 40))):
            shape = checkpoints.random_shape(
                chance, checkpoints.FAMILIES[i % len(checkpoints.FAMILIES)],
                *SIZES[i % len(SIZES)])
            self.make_model(f"m{i}", shape, i)
            models.append((f"m{i}", shape))
        return models

    def test_random_runs_keep_their_limits(self):
        models = self.make_models()
        # The program's own pages are in nobody's group from here on.
        self.revlm("run", models[0][0], "--prompt", "warm", "--max-tokens", 2)
        self.peak_ratios, self.plan_ratios, self.ways = [], [], []
        self.refusal_seconds = []
        began = time.monotonic()
        for i in range(OPTIONS.cases):
            with self.subTest(case=i):
                self.check(i, Case(models, random.Random(
                    f"case {OPTIONS.seed} {i}")))
        self.summarize(time.monotonic() - began)

    def settle(self, case):
        """Writes prompts, fewer until they take little time; the floor."""
        while True:
            self.write_prompts("p.jsonl", case.shape, case.lengths,
                               random.Random(case.prompt_seed),
                               case.max_tokens if case.differ else None)
            floor = self.plan(case.arguments(), memory_process.AMPLE_BYTES,
                              "held")["floor_bytes"]
            seconds = self.plan(case.arguments(), floor,
                                "held")["predicted_seconds"]
            if seconds <= MAX_PREDICTED_SECONDS or len(case.lengths) == 1:
                return floor
            case.halve()

    def check(self, i, case):
        self.forget("held", "ample")
        floor = self.settle(case)
        kind, limit = case.limit(floor)
        with self.subTest("limit"):
            self.check_limit(f"{i}: {kind}", case, limit)
        with self.subTest("refusal"):
            self.check_refusal(case, floor)
        with self.subTest("results"):
            self.run_model(case.arguments(), memory_process.AMPLE_BYTES,
                           "ample")
            self.assertEqual(self.answers("held"), self.answers("ample"))

    def run_in_group(self, arguments, limit, directory, **options):
        """(document, peak of the group, limit events)"""
        with memory_group.MemoryGroup(limit) as group:
            run = self.run_model(arguments, limit, directory,
                                 preexec_fn=group.enter, **options)
            return run, group.peak_bytes, group.limit_events

    def check_limit(self, name, case, limit):
        plan = self.plan(case.arguments(), limit, "held")
        began = time.monotonic()
        run, peak, events = self.run_in_group(case.arguments(), limit, "held")
        seconds = time.monotonic() - began
        peak_ratio = max(peak, run["peak_memory_bytes"]) / limit
        plan_ratio = plan["peak_bytes"] / run["peak_memory_bytes"]
        ways = memory_process.spending(plan, case.shape)
        print(f"{name} {limit / MIB:.1f} MiB, peak/limit {peak_ratio:.3f}, "
              f"events {events}, plan/peak {plan_ratio:.3f}, {seconds:.1f} s, "
              f"{' '.join(ways)}: {case}")
        self.peak_ratios.append(peak_ratio)
        if plan["num_workers"] == 1:
            self.plan_ratios.append(plan_ratio)
        self.ways += ways
        self.assertEqual(run["memory_limit_bytes"], limit)
        self.assertEqual(events, 0)
        self.assertLessEqual(peak_ratio, 1)
        self.assertGreaterEqual(plan_ratio, 1)
        if plan["num_workers"] == 1:  # several need not peak at the same time
            self.assertLessEqual(plan_ratio, 1.1)

    def check_refusal(self, case, floor):
        arguments = [*case.arguments(), memory_process.limit_flag(floor - 1),
                     "--output-dir", "refused", "--json"]
        out, err = self.revlm("plan", *arguments,
                              code=memory_process.BELOW_FLOOR)
        named = f"the floor is {floor} bytes"
        self.assertIn(named, err.decode())
        self.assertIn(named, json.loads(out)["error"]["message"])
        began = time.monotonic()
        _, err = self.revlm("run", *arguments, code=memory_process.BELOW_FLOOR)
        self.refusal_seconds.append(time.monotonic() - began)
        self.assertIn(named, err.decode())
        self.assertFalse((self.folder / "refused").exists())

    def summarize(self, seconds):
        if not self.peak_ratios:
            return
        ways = collections.Counter(self.ways)
        print(f"{len(self.peak_ratios)} of {OPTIONS.cases} cases ended in "
              f"{seconds:.0f} s; peak/limit at most "
              f"{max(self.peak_ratios):.4f}; plan/peak "
              f"{min(self.plan_ratios):.4f} to {max(self.plan_ratios):.4f}; "
              f"refused within {max(self.refusal_seconds, default=0):.3f} s; "
              + ", ".join(f"{way} {ways[way]}" for way in sorted(ways)))

    def test_code_that_no_product_needs_is_not_counted(self):
        """Products as small as these need no gemm of oneDNN's."""
        shape = checkpoints.Shape(
            family="gpt2", dtype="F32", vocab_size=1859, hidden_size=64,
            intermediate_size=211, num_layers=5, num_heads=1, num_kv_heads=1,
            head_dim=64, is_tied=True)
        self.make_model("small", shape, OPTIONS.seed)
        self.write_prompts("p.jsonl", shape, 5 * [50],
                           random.Random(OPTIONS.seed))
        arguments = ["small", "--prompts", "p.jsonl", "--max-tokens", 5]
        plan = self.plan(arguments, memory_process.AMPLE_BYTES, "held")
        plan = self.plan(arguments, plan["floor_bytes"], "held")
        run, _, events = self.run_in_group(arguments, plan["limit_bytes"],
                                           "held")
        self.assertEqual(events, 0)
        self.assertGreaterEqual(plan["peak_bytes"], run["peak_memory_bytes"])
        self.assertLessEqual(plan["peak_bytes"],
                             1.1 * run["peak_memory_bytes"])

    def test_large_results_keep_their_limit(self):
        """What is written is nowhere whole, nor in the page cache."""
        shape = checkpoints.Shape(
            family="llama", dtype="BF16", vocab_size=2048, hidden_size=640,
            intermediate_size=1280, num_layers=4, num_heads=10,
            num_kv_heads=2, head_dim=64, is_tied=False)
        self.make_model("large", shape, OPTIONS.seed)
        self.write_prompts("p.jsonl", shape, 16 * [180],
                           random.Random(OPTIONS.seed))
        for name, options in (
                ("states", ["--capture", "all"]),
                ("scores", ["--logprobs", 20, "--prompt-logprobs"])):
            arguments = ["large", "--prompts", "p.jsonl", "--max-tokens", 1,
                         *options]
            with self.subTest(name):
                floor = self.plan(arguments, memory_process.AMPLE_BYTES,
                                  name)["floor_bytes"]
                run, peak, events = self.run_in_group(arguments, floor, name)
                print(f"{name}: {floor / MIB:.1f} MiB, peak/limit "
                      f"{peak / floor:.3f}, events {events}")
                self.assertEqual(events, 0)
                self.assertLessEqual(peak, floor)
                self.assertLessEqual(run["peak_memory_bytes"],
                                     run["planned_memory_bytes"])

    def test_a_cold_start_keeps_its_limit(self):
        """Every page of the program and its libraries is its own to pay for."""
        program = self.copy_program()
        chance = random.Random(f"cold {OPTIONS.seed}")
        for i, sizes in enumerate(SIZES[:2]):
            shape = checkpoints.random_shape(
                chance, checkpoints.FAMILIES[i % len(checkpoints.FAMILIES)],
                *sizes)
            self.make_model(f"cold{i}", shape, i)
            with self.subTest(shape=str(shape)):
                self.check_cold(program, f"cold{i}", shape, chance)

    def copy_program(self):
        """A copy of the program whose pages no other process holds."""
        folder = self.folder / "program"
        folder.mkdir()
        for name in ("revlm", "revlm-worker"):
            shutil.copy(pathlib.Path(revlm_process.REVLM).parent / name,
                        folder / name)
        text = subprocess.run(["ldd", revlm_process.REVLM], check=True,
                              capture_output=True, text=True).stdout
        for name, path in re.findall(r"(\S+) => (/\S+)", text):
            shutil.copy(path, folder / name)
        return folder

    def check_cold(self, program, model, shape, chance):
        self.write_prompts("p.jsonl", shape, [20, 3, 11], chance)
        arguments = [model, "--prompts", "p.jsonl", "--max-tokens", 4]
        floor = self.plan(arguments, memory_process.AMPLE_BYTES,
                          "warm")["floor_bytes"]
        self.evict(program)
        self.evict(self.folder / model)
        run, peak, events = self.run_in_group(
            arguments, floor, model + "-run", program=program / "revlm",
            env={"LD_LIBRARY_PATH": str(program)})
        held = run["peak_memory_bytes"]
        print(f"cold: {floor / MIB:.1f} MiB, peak/limit {peak / floor:.3f}, "
              f"events {events}: {shape}")
        self.assertGreater(peak, 0.9 * held, "the program was not cold")
        self.assertEqual(events, 0)
        self.assertLessEqual(max(peak, held), floor)

    def evict(self, folder):
        for path in folder.iterdir():
            with open(path, "rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


if __name__ == "__main__":
    memory_process.main(measures_memory=True, cases=20)
