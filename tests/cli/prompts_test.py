"""revlm prompts: what a seed makes, and why."""

import json
import os
import signal
import unittest

from revlm_process import MODEL, ProgramTest


class PromptsTest(ProgramTest):
    def prompts(self, *arguments, code=0):
        out, _ = self.revlm("prompts", *arguments, "--json", code=code)
        document = json.loads(out)
        self.assertEqual(document["schema"], "revlm.prompts/1")
        self.assertEqual(document["exit_code"], code)
        return document

    def test_exactly_as_many_as_asked_for_all_different(self):
        for count in (1, 2, 7, 100, 1000):
            made = self.prompts("--challenges", count)
            for member in ("id", "prompt"):
                self.assertEqual(len({p[member] for p in made["prompts"]}),
                                 count)
            self.assertEqual(sum(system["num_prompts"] for system in
                                 made["prompt_systems"]), count)
        self.assertEqual(len(self.prompts()["prompts"]), 10)
        for count in (0, -1, 10001):
            self.revlm("prompts", "--challenges", count, code=2)

    def test_the_seed_and_the_options_decide_and_nothing_else(self):
        few, many = (self.prompts("--seed", 5, "--challenges", count)["prompts"]
                     for count in (20, 60))
        self.assertEqual(many[:20], few)
        self.assertNotEqual(self.prompts("--seed", 6, "--challenges",
                                         20)["prompts"], few)
        for prompt in few:
            self.assertEqual(prompt["id"].rsplit("-", 1)[0],
                             prompt["system"].rsplit("/", 1)[0])
            self.assertTrue(prompt["rationale"])

    def test_systems_that_are_named_are_the_only_ones(self):
        made = self.prompts("--enable-pot", "--challenges", 12)
        self.assertEqual({p["system"] for p in made["prompts"]}, {"pot/1"})
        self.assertEqual([(s["name"], s["share"], s["num_prompts"])
                          for s in made["prompt_systems"]], [("pot/1", 1, 12)])

    def test_coverage_grows_with_the_number(self):
        before = (0, 0)
        for count in (10, 100, 1000):
            found = self.prompts("--challenges", count)["coverage"]
            self.assertGreater(found["num_leaves"], 50)
            touched = (found["num_leaves_touched"],
                       found["num_capabilities_touched"])
            self.assertLessEqual(touched[0], found["num_leaves"])
            self.assertLessEqual(touched[1], found["num_capabilities"])
            self.assertGreater(touched[0], before[0])
            self.assertGreaterEqual(touched[1], before[1])
            before = touched

    def test_strategy_and_focus_are_told(self):
        made = self.prompts("--prompt-strategy", "comprehensive",
                            "--challenge-focus", "coverage")
        self.assertEqual(made["prompt_strategy"], "comprehensive")
        self.assertEqual(made["challenge_focus"], "coverage")
        self.revlm("prompts", "--prompt-strategy", "sideways", code=2)
        self.revlm("prompts", "--challenge-focus", "sideways", code=2)

    def test_one_is_explained(self):
        made = self.prompts("--seed", 3, "--challenges", 40)["prompts"]
        asked = made[33]
        alone = self.prompts("--seed", 3, "--explain", asked["id"])["prompts"]
        self.assertEqual(alone, [asked])
        out, _ = self.revlm("prompts", "--seed", 3, "--explain", asked["id"])
        text = out.decode()
        for part in (asked["id"], asked["system"], asked["rationale"],
                     *asked["parameters"].values()):
            self.assertIn(part, text)
        _, err = self.revlm("prompts", "--explain", "pot-99999", code=2)
        self.assertIn(b'"pot-99999"', err)
        self.revlm("prompts", "--explain", asked["id"], "--challenges", 2,
                   "--seed", 3, code=2)

    def test_a_signal_stops_it(self):
        def is_interrupted():  # as soon as the program waits for signals
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            os.kill(os.getpid(), signal.SIGINT)

        for arguments in (["--challenges", 10000], ["--explain", "zzz"]):
            out, err = self.revlm("prompts", *arguments, "--json", code=130,
                                  preexec_fn=is_interrupted)
            self.assertEqual(json.loads(out)["exit_code"], 130)
            self.assertIn(b"stopped after", err)

    def test_text_is_a_table_for_any_terminal(self):
        out, err = self.revlm("prompts", "--challenges", 200)
        lines = out.decode().splitlines()
        self.assertIn("prompts 200 of seed 0", lines[0])
        self.assertEqual(sum(line.split(" ")[0].rsplit("-", 1)[-1].isdigit()
                             for line in lines), 200)
        self.assertEqual(err, b"")
        for byte in (b"\x1b", b"\r", b"\t"):
            self.assertNotIn(byte, out)
        out, _ = self.revlm("prompts", "--challenges", 30, "--quiet")
        self.assertEqual(len(out.decode().split()), 30)

    def test_they_are_what_a_run_asks(self):
        made = self.prompts("--seed", 9, "--challenges", 30)["prompts"]
        out, _ = self.revlm("run", MODEL, "--enable-prompt-orchestration",
                            "--seed", 9, "--challenges", 30, "--max-tokens", 0,
                            "--output-dir", "d", "--json")
        asked = [json.loads(line) for line in self.results("d").splitlines()]
        self.assertEqual([(r["id"], r["prompt"]) for r in asked],
                         [(p["id"], p["prompt"]) for p in made])
        document = json.loads(out)
        self.assertEqual(sum(system["num_prompts"] for system in
                             document["prompt_systems"]), 30)


if __name__ == "__main__":
    unittest.main()
