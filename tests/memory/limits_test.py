"""The same results whatever the memory limit and the number of threads.

  limits_test.py REVLM [--seed S] [--plans N]
"""

import json
import os
import random

import checkpoints
import memory_process
from memory_process import OPTIONS

# 356 MiB: a quarter is more than the floor.
SHAPE = checkpoints.Shape(
    family="llama", dtype="BF16", vocab_size=2048, hidden_size=1024,
    intermediate_size=3072, num_layers=15, num_heads=16, num_kv_heads=4,
    head_dim=64, is_tied=False)
LENGTHS = (1, 3, 150, 40, 17, 90, 64, 8, 33, 120, 5, 71)


class LimitsTest(memory_process.MemoryTest):
    def setUp(self):
        super().setUp()
        self.make_model("model", SHAPE, OPTIONS.seed)
        self.write_prompts("p.jsonl", SHAPE, LENGTHS,
                           random.Random(OPTIONS.seed), max_tokens=12)
        self.run_model(self.arguments(), memory_process.AMPLE_BYTES, "ample")
        self.expected = self.answers("ample")

    def arguments(self, threads=2):
        return ["model", "--prompts", "p.jsonl", "--logprobs", 3,
                "--prompt-logprobs", "--temperature", 0.8,
                "--threads", threads]

    def floor(self, threads=2):
        return self.plan(self.arguments(threads), memory_process.AMPLE_BYTES,
                         "ample")["floor_bytes"]

    def check(self, directory, limit, threads=2):
        """The ways in which the limit was spent."""
        ways = memory_process.spending(
            self.plan(self.arguments(threads), limit, directory), SHAPE)
        run = self.run_model(self.arguments(threads), limit, directory)
        print(f"{directory}: {limit / 2**20:.1f} MiB, {' '.join(ways)}, "
              f"{run['seconds']:.1f} s")
        self.assertEqual(run["memory_limit_bytes"], limit)
        self.assertEqual(self.answers(directory), self.expected)
        return tuple(ways)

    def test_any_limit_gives_the_same_bytes(self):
        if os.environ.get("REVLM_SANITIZE"):
            self.skipTest("a sanitizer's own memory moves the floor")
        weights = SHAPE.weight_bytes
        self.assertLess(self.floor(), weights // 4,
                        "the model is too small to tell the limits apart")
        ways = {self.check(name, limit) for name, limit in (
            ("floor", self.floor()), ("W-4", weights // 4),
            ("W-2", weights // 2), ("W", weights), ("2W", 2 * weights))}
        self.assertGreater(len(ways), 1)

    def test_any_number_of_threads_gives_the_same_bytes_at_the_floor(self):
        for threads in (1, 2, 8):
            self.check(f"threads-{threads}", self.floor(threads), threads)

    def test_the_floor_is_what_is_asked_alone(self):
        if os.environ.get("REVLM_SANITIZE"):
            self.skipTest("a sanitizer's own memory moves the floor")
        chance = random.Random(OPTIONS.seed)
        floor = self.floor()
        for _ in range(OPTIONS.plans):
            # Above it or below, in figures long or short.
            limit = chance.choice((
                "36", "0.01", repr(chance.uniform(0.001, 0.05)),
                repr(chance.uniform(0.2, 50)), str(chance.randint(1, 60))))
            directory = "/".join(
                chance.randint(1, 60) * chance.choice("abc")
                for _ in range(chance.randint(1, 4)))
            command = chance.choice(("plan", "run"))
            if command == "run":
                limit = "0.01"  # to be refused
            process = self.start(
                command, *self.arguments(), "--parallel-memory-limit", limit,
                "--output-dir", chance.choice((directory, "ample")), "--json",
                *chance.choice(([], ["--quiet"],
                                ["--parallel-per-process", "0.0001"])),
                env={"REVLM_TEST_PADDING": chance.randint(0, 9999) * "x"})
            out, err = process.communicate()
            document = json.loads(out)
            if process.returncode == 0:
                self.assertEqual(document["floor_bytes"], floor)
            else:
                self.assertIn(f"the floor is {floor} bytes",
                              document["error"]["message"])


if __name__ == "__main__":
    memory_process.main(plans=20)
