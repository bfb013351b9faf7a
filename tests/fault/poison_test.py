"""Prompts that kill their worker are found and put aside, and a model whose worker
always dies is given up; the others go on.

  poison_test.py [TEST...]
"""

import json
import os
import shutil
import unittest

import worker_test
from revlm_process import MODEL, REVLM
from worker_test import ROOT

POISON_WORKER = os.environ.get(
    "REVLM_POISON_WORKER",
    str(ROOT / "build" / "tests" / "fault" / "revlm-poison-worker"))


class PoisonTest(worker_test.FaultTest):
    def setUp(self):
        super().setUp()
        self.write_prompts(20)
        # Not of one shape: those that share it share the keys of operations.
        self.models = [f"a={MODEL}", *self.make_models("b")]
        self.revlm(*self.command("whole"))
        self.whole = [json.loads(line)
                      for line in self.results("whole").splitlines()]

    def command(self, folder, *more):
        return ["run", *self.models, "--prompts", "p.jsonl", "--output-dir",
                folder, "--json", *more]

    def poisoned_program(self):
        """A copy of the program whose workers die of poison."""
        folder = self.folder / "program"
        folder.mkdir(exist_ok=True)
        shutil.copy(REVLM, folder / "revlm")
        shutil.copy(POISON_WORKER, folder / "revlm-worker")
        return folder / "revlm"

    def run_poisoned(self, folder, poison, *more, code=5, env=None):
        """The document, and how many operations each death took along."""
        log = self.folder / f"{folder}.log"
        out, _ = self.revlm(
            *self.command(folder, *more), code=code,
            program=self.poisoned_program(), env={
                "REVLM_TEST_POISON": " ".join(r["key"] for r in poison),
                "REVLM_TEST_LOG": str(log), **(env or {})})
        self.check_recorded_once(folder)
        return json.loads(out), [int(n) for n in log.read_text().split()]

    def test_prompts_that_kill_are_found_and_put_aside(self):
        poison = [self.whole[7], self.whole[25], self.whole[31]]
        document, deaths = self.run_poisoned("d", poison)
        results = document["results"]
        self.assertEqual(len(results), 40)
        for result, whole in zip(results, self.whole):
            if whole in poison:
                self.assertEqual(result["error"]["code"], "unavailable")
                self.assertIn("put aside", result["error"]["message"])
                self.assertIn("signal 11", result["error"]["message"])
            else:
                self.assertEqual(result, whole)
        self.assertEqual(document["operations"]["failed"], 3)
        # Only what is alone is a retry: three for each.
        self.assertEqual(document["operations"]["retried"], 3)
        self.assertEqual(deaths.count(1), 3 * 4)
        last = self.samples("d")[-1]
        self.assertEqual(last["operations"], {
            "planned": 40, "done": 40, "failed": 3, "retried": 3 * 3,
            "resumed": 0})
        self.assertEqual((last["state"], last["workers"]), ("finished", 0))
        self.assertIn('rev_retries_total{reason="unavailable"} 9\n',
                      (self.folder / "d" / "metrics.prom").read_text())
        # Shown again, attempts come with what is kept.
        out, _ = self.revlm(*self.command("d"), code=5)
        self.assertEqual(json.loads(out)["operations"]["retried"], 3)

    def test_a_worker_that_says_too_much_takes_nobody_along(self):
        document, _ = self.run_poisoned(
            "d", [self.whole[7]], "--max-retries", 0,
            env={"REVLM_TEST_FLOOD": "1"})
        results = document["results"]
        self.assertEqual(results[7]["error"]["code"], "unavailable")
        self.assertIn("536870912 bytes, allowed are 16777216",
                      results[7]["error"]["message"])
        del results[7]
        self.assertEqual(results, self.whole[:7] + self.whole[8:])

    def test_without_retries_one_death_alone_is_enough(self):
        document, deaths = self.run_poisoned(
            "d", [self.whole[3]], "--max-retries", 0)
        self.assertEqual(document["operations"]["failed"], 1)
        self.assertEqual(document["operations"]["retried"], 0)
        self.assertEqual(deaths.count(1), 1)

    def test_a_model_whose_worker_always_dies_is_given_up(self):
        poison = self.whole[:20]
        document, deaths = self.run_poisoned(
            "d", poison, "--max-retries", 1, "--parallel-workers", 2)
        self.assertEqual(deaths.count(1), 8 * 2)
        self.assertLessEqual(len(deaths), 8 * (5 + 2))  # 20 < 2 ** 5
        results = document["results"]
        self.assertEqual([result["key"] for result in results],
                         [whole["key"] for whole in self.whole])
        self.assertEqual(results[20:], self.whole[20:])
        errors = [result["error"] for result in results[:20]]
        self.assertEqual({error["code"] for error in errors}, {"unavailable"})
        given_up = [error["message"] for error in errors
                    if "the model is given up" in error["message"]]
        self.assertEqual(len(given_up), 12)
        for error in errors:
            self.assertIn("signal 11", error["message"])
        self.assertIn("the last 8 prompts", given_up[0])
        self.assertEqual(sum("it is put aside" in error["message"]
                             for error in errors), 8)
        self.assertEqual(document["operations"]["failed"], 20)
        # Shown again, it is the same run.
        out, _ = self.revlm(*self.command("d"), code=5)
        self.assertEqual(json.loads(out)["results"], results)

    def test_many_that_kill_are_put_aside_among_others(self):
        poison = self.whole[1:20:2]  # more than eight, and others between
        document, deaths = self.run_poisoned(
            "d", poison, "--max-retries", 0)
        self.assertEqual(deaths.count(1), 10)
        for result, whole in zip(document["results"], self.whole):
            if whole in poison:
                self.assertIn("put aside", result["error"]["message"])
            else:
                self.assertEqual(result, whole)

    def test_a_breaker_gives_up_one_model_and_no_other(self):
        poison = self.whole[:20]
        document, deaths = self.run_poisoned(
            "d", poison, "--enable-circuit-breaker", "--max-retries", 0)
        # Three that were found to kill are enough. That a model is tried again
        # with retries is for a faster clock: breaker_test.cc.
        self.assertEqual(deaths.count(1), 3)
        messages = [result["error"]["message"]
                    for result in document["results"][:20]]
        self.assertEqual(sum("put aside" in m for m in messages), 3)
        self.assertEqual(sum("circuit breaker" in m for m in messages), 17)
        self.assertEqual(document["results"][20:], self.whole[20:])
        self.assertEqual(
            [model["breaker"] for model in self.samples("d")[-1]["models"]],
            ["open", "closed"])

    def test_a_breaker_lets_a_search_come_to_its_end(self):
        document, deaths = self.run_poisoned(
            "d", [self.whole[7]], "--enable-circuit-breaker")
        self.assertGreater(len(deaths), 4)
        self.assertEqual(document["operations"]["failed"], 1)
        results = document["results"]
        self.assertIn("put aside", results[7]["error"]["message"])
        del results[7]
        self.assertEqual(results, self.whole[:7] + self.whole[8:])


if __name__ == "__main__":
    unittest.main()
