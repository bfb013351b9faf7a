"""Runs that are killed at random moments and resumed lose nothing.

  kill_test.py REVLM             6 kills, as ctest does
  kill_test.py REVLM --kills 50  what is promised; --seed S for other moments

Each run is started by the same command until it ends by itself. The results
are those of a run that was left alone, and nothing else stays behind.
"""

import os
import random
import signal
import time

import checkpoints
import memory_process
from memory_process import OPTIONS

# Streamed in row tiles at the floor, with keys and values on disk.
SHAPE = checkpoints.Shape(
    family="qwen3", dtype="BF16", vocab_size=1024, hidden_size=512,
    intermediate_size=1536, num_layers=6, num_heads=8, num_kv_heads=4,
    head_dim=64, is_tied=True)
NUM_PROMPTS = 24
MIN_SECONDS = 1  # of a run: shorter ones are killed at few moments


class KillTest(memory_process.MemoryTest):
    def setUp(self):
        super().setUp()
        self.chance = random.Random(OPTIONS.seed)
        self.make_model("model", SHAPE, OPTIONS.seed)
        self.write_prompts(
            "p.jsonl", SHAPE,
            [self.chance.randint(20, 200) for _ in range(NUM_PROMPTS)],
            self.chance, max_tokens=40)
        self.arguments = ["model", "--prompts", "p.jsonl", "--logprobs", 2,
                          "--temperature", 0.8]

    def test_killed_at_random_moments_nothing_is_lost(self):
        plan = self.plan(self.arguments, memory_process.AMPLE_BYTES, "whole")
        self.limit = plan["floor_bytes"]
        plan = self.plan(self.arguments, self.limit, "whole")
        self.run_model(self.arguments, self.limit, "whole")
        began = time.monotonic()
        self.run_model(self.arguments, self.limit, "timed")
        self.seconds = time.monotonic() - began
        print(f"{self.limit / 2**20:.1f} MiB, {self.seconds:.1f} s alone, "
              f"{' '.join(memory_process.spending(plan, SHAPE))}")
        self.assertGreater(self.seconds, MIN_SECONDS)
        kills = run = 0
        while kills < OPTIONS.kills:
            self.assertLess(run, 10 + OPTIONS.kills, "runs end unkilled")
            kills += self.run_killed(f"killed-{run}", OPTIONS.kills - kills)
            run += 1

    def run_killed(self, directory, max_kills):
        """One run, started until it ends; how often it was killed."""
        kills, kept = 0, []
        while kills < max_kills:
            if not self.kill_once(directory,
                                  self.chance.uniform(0, self.seconds)):
                break
            kills += 1
            keys = self.kept_keys(directory)
            self.assertEqual(keys[:len(kept)], kept)
            kept = keys
            print(f"{directory}: kill {kills}, {len(kept)} of {NUM_PROMPTS} "
                  "operations kept")
        self.run_model(self.arguments, self.limit, directory)
        self.assertEqual(self.answers(directory), self.answers("whole"))
        keys = self.journal_keys(directory)
        self.assertEqual(keys[:len(kept)], kept)
        self.assertEqual(len(keys), NUM_PROMPTS)
        self.assertEqual(len(set(keys)), NUM_PROMPTS)
        self.assertEqual(self.files(directory), self.files("whole"))
        self.forget(directory)
        return kills

    def files(self, directory):
        return sorted(os.listdir(self.folder / directory))

    def kill_once(self, directory, seconds):
        """Whether the kill came while operations were pending."""
        process = self.start(
            "run", *self.arguments, memory_process.limit_flag(self.limit),
            "--output-dir", directory, "--quiet")
        time.sleep(seconds)
        process.kill()
        _, err = process.communicate()
        if process.returncode != -signal.SIGKILL:
            self.assertEqual(process.returncode, 0, err)
            return False
        return len(self.kept_keys(directory)) < NUM_PROMPTS

    def kept_keys(self, directory):
        if not (self.folder / directory / "ops.jsonl").exists():
            return []  # killed before it was made
        return self.journal_keys(directory)


if __name__ == "__main__":
    memory_process.main(kills=6)
