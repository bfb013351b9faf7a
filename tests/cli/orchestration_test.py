"""Prompts by several systems: which runs have them, and comparisons that
choose the next prompts by what the ones before told apart."""

import json
import os
import re
import unittest

from revlm_process import MODEL, OTHER_MODEL, ProgramTest

DERIVED = 3  # what a fine-tune ends with
ROUNDS = ("--enable-prompt-orchestration",)
KEPT = ("verdicts.json", "evidence.jsonl", "prompts.jsonl")


class RunTest(ProgramTest):
    def plan_of(self, folder, *flags):
        self.revlm("run", MODEL, "--challenges", 8, "--max-tokens", 0,
                   "--output-dir", folder, *flags)
        return json.loads((self.folder / folder / "manifest.json").read_text()
                          )["plan"]

    def test_any_flag_that_names_a_system_turns_it_on(self):
        for i, flags in enumerate((["--enable-prompt-orchestration"],
                                   ["--enable-pot"],
                                   ["--prompt-strategy", "balanced"])):
            plan = self.plan_of(f"d{i}", *flags)
            self.assertEqual(plan["prompt_strategy"], "balanced")
            self.assertEqual(plan["challenge_focus"], "balanced")
            self.assertIn("pot/1", [s["name"] for s in plan["prompt_systems"]])
        for i, flags in enumerate(([], ["--enable-pot",
                                        "--disable-orchestration"])):
            plan = self.plan_of(f"e{i}", *flags)
            self.assertIsNone(plan["prompt_systems"])
            self.assertIsNone(plan["prompt_strategy"])

    def test_a_run_goes_on_with_the_same_prompts_only(self):
        run = ("run", MODEL, *ROUNDS, "--challenges", 12, "--max-tokens", 1,
               "--output-dir", "d")
        self.revlm(*run)
        before = self.results("d")
        _, err = self.revlm(*run)
        self.assertIn(b"nothing was run", err)
        self.assertEqual(self.results("d"), before)
        _, err = self.revlm(*run, "--prompt-strategy", "adversarial", code=2)
        self.assertIn(b"prompt_strategy", err)

    def test_a_run_is_replayed_from_its_manifest(self):
        plan = self.plan_of("d", "--enable-prompt-orchestration", "--seed", 5,
                            "--prompt-strategy", "adversarial")
        flags = [f"--enable-{system['name'].split('/')[0]}"
                 for system in plan["prompt_systems"]]
        self.assertEqual(plan, self.plan_of(
            "e", *flags, "--seed", plan["seed"], "--prompt-strategy",
            plan["prompt_strategy"], "--challenge-focus",
            plan["challenge_focus"]))
        self.assertEqual(self.results("e"), self.results("d"))

    def test_they_are_no_prompts_of_ones_own(self):
        self.revlm("run", MODEL, "--prompt", "Hello", *ROUNDS, code=2)
        self.revlm("compare", MODEL, OTHER_MODEL, "--prompt", "Hello", *ROUNDS,
                   code=2)

    def test_the_environment_reaches_each_flag(self):
        self.revlm("run", MODEL, "--challenges", 3, "--max-tokens", 0,
                   "--output-dir", "d", env={"REV_ENABLE_POT": "1"})
        plan = json.loads((self.folder / "d/manifest.json").read_text())["plan"]
        self.assertEqual([s["name"] for s in plan["prompt_systems"]], ["pot/1"])


class CompareTest(ProgramTest):
    def compare(self, *arguments, code=DERIVED, folder="d"):
        out, _ = self.revlm("compare", *arguments, *ROUNDS, "--json",
                            "--output-dir", folder, code=code)
        return json.loads(out)

    def kept(self, folder):
        return {name: (self.folder / folder / name).read_bytes()
                for name in KEPT}

    def asked(self, folder):
        text = (self.folder / folder / "prompts.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]

    def test_it_ends_as_soon_as_behaviour_is_decided(self):
        found = self.compare(MODEL, OTHER_MODEL, "--challenges", 500)
        behaviour = found["pairs"][0]["behaviour"]
        self.assertEqual(behaviour["closeness"], "different")
        rounds = found["adaptive"]["rounds"]
        self.assertEqual([r["num_undecided"] for r in rounds],
                         [1] * (len(rounds) - 1) + [0])
        self.assertEqual(sum(r["num_prompts"] for r in rounds),
                         found["num_prompts"])
        self.assertLess(found["num_prompts"], 100)
        # The last round was needed.
        self.assertGreater(behaviour["num_used"],
                           found["num_prompts"] - rounds[-1]["num_prompts"])
        asked = self.asked("d")
        self.assertEqual(len({p["prompt"] for p in asked}),
                         found["num_prompts"])
        for prompt in asked:
            self.assertLessEqual({"id", "system", "parameters", "rationale"},
                                 set(prompt))

    def test_what_is_never_decided_is_asked_at_most_so_many(self):
        self.copy_model("copy")
        for count in (1, 8, 20, 37):
            found = self.compare(MODEL, "copy", "--challenges", count, code=0,
                                 folder=f"d{count}")
            self.assertEqual(found["num_prompts"], count)
            self.assertEqual(len(self.asked(f"d{count}")), count)
            self.assertEqual([r["num_prompts"] for r in
                              found["adaptive"]["rounds"]],
                             {1: [1], 8: [8], 20: [8, 8, 4],
                              37: [8, 8, 16, 5]}[count])
        found = self.compare(MODEL, "copy", "--challenges", 0, code=0)
        self.assertIsNone(found["adaptive"])

    def test_the_same_bytes_for_any_limit_batch_and_threads(self):
        arguments = (MODEL, OTHER_MODEL, "--challenges", 40, "--epsilon", 0.05)
        self.compare(*arguments, folder="plain")
        for i, more in enumerate((["--threads", "1"], ["--threads", "3"],
                                  ["--parallel-batch-size", "1"],
                                  ["--parallel-memory-limit", "0.2"])):
            self.compare(*arguments, *more, folder=f"d{i}")
            self.assertEqual(self.kept(f"d{i}"), self.kept("plain"), more)
        self.compare(*arguments, "--seed", 1, folder="other")
        self.assertNotEqual(self.kept("other"), self.kept("plain"))

    def test_the_first_round_is_what_prompts_shows(self):
        self.compare(MODEL, OTHER_MODEL, "--seed", 4, "--challenges", 8)
        out, _ = self.revlm("prompts", "--seed", 4, "--challenges", 8, "--json")
        self.assertEqual(self.asked("d"), json.loads(out)["prompts"])

    def test_explain_forms_the_verdicts_again(self):
        found = self.compare(f"a={MODEL}", f"b={OTHER_MODEL}")
        out, _ = self.revlm("explain", "d", "--json")
        again = json.loads(out)
        self.assertEqual(again["pairs"], found["pairs"])
        self.assertEqual(again["adaptive"], found["adaptive"])
        out, _ = self.revlm("explain", "d")
        self.assertIn(b"rounds  8", out)

    def test_the_prompts_asked_again_at_once_bring_the_same(self):
        found = self.compare(MODEL, OTHER_MODEL, "--epsilon", 0.05)
        lines = self.evidence("d")
        self.revlm("compare", MODEL, OTHER_MODEL, "--prompts",
                   "d/prompts.jsonl", "--output-dir", "e", code=DERIVED)
        self.assertEqual(len(lines), found["num_prompts"])
        self.assertEqual(self.evidence("e"), lines)

    def evidence(self, folder):
        text = (self.folder / folder / "evidence.jsonl").read_text()
        return {line["prompt"]: (line["nats"], line["mirror_nats"])
                for line in map(json.loads, text.splitlines())}

    def test_below_the_floor_nothing_is_done(self):
        _, err = self.revlm("compare", MODEL, OTHER_MODEL, *ROUNDS,
                            "--parallel-memory-limit", "0.01", "--output-dir",
                            "d", code=6)
        self.assertIn(b"the floor is", err)
        self.assertFalse((self.folder / "d").exists())

    def test_the_limit_holds(self):
        arguments = ("compare", MODEL, OTHER_MODEL, *ROUNDS, "--challenges",
                     "300", "--epsilon", "0.09", "--parallel-memory-limit")
        _, err = self.revlm(*arguments, "0.01", code=6)
        floor = int(re.search(rb"the floor is (\d+) bytes", err)[1])
        limit = floor + (32 << 20)  # what comparing weights takes beside
        process = self.start(*arguments, repr(limit / 2**30), "--output-dir",
                             "d")
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, DERIVED, process.stderr.read())
        process.stdout.close()
        process.stderr.close()
        self.assertGreater(len(self.asked("d")), 60)  # several rounds
        if not os.environ.get("REVLM_SANITIZE"):  # whose memory comes beside
            self.assertLess(usage.ru_maxrss * 1024, limit)

    def test_verify_asks_in_rounds_too(self):
        self.copy_model("copy")
        out, _ = self.revlm("verify", "copy", "--against", MODEL, "--json",
                            "--enable-pot", "--challenges", 12)
        found = json.loads(out)
        self.assertEqual(found["verdict"], "SAME")
        self.assertEqual(found["prompt_source"], "pot/1")
        self.assertEqual([r["num_prompts"] for r in
                          found["adaptive"]["rounds"]], [8, 4])


if __name__ == "__main__":
    unittest.main()
