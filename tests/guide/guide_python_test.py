#!/usr/bin/env python3
"""Every Python block of the users' guide, typed as it stands there, and the
script of examples that it names. Only paths of models are replaced."""

import json
import re
import sys
import unittest

import guide
import workplace

SKIPPED = 77
STATISTICS = {"throughput", "duration_seconds", "models_processed",
              "prompts_processed", "operations", "succeeded", "failed",
              "retried", "peak_memory_gb"}
GIB = 1 << 30


class GuidePythonTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.workplace = workplace.Workplace()
        cls.addClassCleanup(cls.workplace.remove)

    def typed(self, block, asked="None"):
        """What a block printed, and the value of `asked` after it."""
        text = self.workplace.with_models(block.text)
        done = self.workplace.python(
            f"{text}\nimport json\nprint(json.dumps({asked}))\n")
        self.assertEqual(done.returncode, 0, f"{text}\n{done.stderr}")
        *printed, value = done.stdout.splitlines()
        return printed, json.loads(value)

    def blocks(self):
        guide.check_counts()
        return guide.python_blocks()

    def one_at_a_time(self, model, prompts):
        """The program's own results for some prompts on a model."""
        flags = " ".join(f"--prompt '{prompt}'" for prompt in prompts)
        done = self.workplace.shell(
            f"python run_rev.py {model} {flags} --json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["results"]

    def check_results(self, results, models, prompts):
        """Each operation once, in order, as one at a time."""
        expected = [result for model in models
                    for result in self.one_at_a_time(model, prompts)]
        self.assertEqual(len(results), len(expected))
        for result, alone in zip(results, expected):
            self.assertEqual(result["prompt"], alone["prompt"])
            self.assertEqual(result["response"], alone["text"])
            self.assertEqual(result["op_key"], alone["key"])
            self.assertEqual(result["model"], alone["reference"])
            self.assertIs(result["success"], True)
            self.assertIsNone(result["error"])
            self.assertEqual(result["attempts"], 1)
            self.assertGreaterEqual(result["duration_seconds"], 0)

    def test_block_1_says_what_memory_there_is(self):
        printed, _ = self.typed(self.blocks()[0])
        available, system = (
            float(re.fullmatch(rf"{name} memory: (\d+\.\d) GB", line).group(1))
            for name, line in zip(("Available", "System"), printed,
                                  strict=True))
        self.assertLess(0, available)
        self.assertLessEqual(available, min(36, system))

    def test_block_2_answers_prompts_in_their_order(self):
        printed, results = self.typed(self.blocks()[1], "results")
        self.assertEqual(printed, [])
        latest = self.workplace.folder / "rev-runs" / "latest"
        settings = json.loads(
            (latest / "manifest.json").read_text())["settings"]
        self.assertEqual(settings["batch_size"], 2)
        self.assertEqual(settings["per_process_bytes"], 2 * GIB)
        self.check_results(results, [self.workplace.model("aster-s0")],
                           ["prompt1", "prompt2", "prompt3"])

    def test_block_3_gives_results_and_statistics(self):
        printed, batch = self.typed(self.blocks()[2], "results")
        self.check_results(batch["results"],
                           [self.workplace.model(name) for name in
                            ("aster-s0", "briar-s0")],
                           ["What is AI?", "Explain ML"])
        statistics = batch["statistics"]
        self.assertEqual(set(statistics), STATISTICS)
        counts = {"models_processed": 2, "prompts_processed": 2,
                  "operations": 4, "succeeded": 4, "failed": 0, "retried": 0}
        self.assertEqual({name: statistics[name] for name in counts}, counts)
        seconds = statistics["duration_seconds"]
        self.assertLess(0, seconds)
        self.assertAlmostEqual(statistics["throughput"] * seconds, 4, places=3)
        self.assertLess(0, statistics["peak_memory_gb"])
        self.assertEqual(printed, [
            f"Throughput: {statistics['throughput']:.2f} ops/s",
            f"Duration: {seconds:.2f}s"])

    def test_the_example_runs_on_the_bundled_models(self):
        line = guide.scripts()[1]
        self.assertEqual(line.script, "examples/parallel_processing.py")
        done = self.workplace.shell(line.text)
        self.assertEqual(done.returncode, 0, done.stderr)
        for stated in ("cross_product: 6 operations", "paired: 2 operations",
                       "broadcast: 3 operations"):
            self.assertIn(stated, done.stdout)
        answers = [text for text in done.stdout.splitlines()
                   if text.startswith("  aster-s0")]
        self.assertEqual(len(answers), 3 + 6 + 2 + 3)


if __name__ == "__main__":
    if not (guide.ROOT / "python").exists() or workplace.SANITIZED:
        print("SKIPPED, no Python block of the guide is tested: there is no "
              "Python package in this " +
              ("build" if workplace.SANITIZED else "tree yet"))
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
