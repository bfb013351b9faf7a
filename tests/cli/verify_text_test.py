"""revlm verify by texts: answers in a file, of a run, of a model asked here."""

import json
import os
import re
import resource
import signal
import unittest

from revlm_process import MODEL, OTHER_MODEL, ProgramTest

UNDECIDED = 4
KEPT = ("verdicts.json", "texts.jsonl", "answers.jsonl")
FEW = ("--challenges", "12", "--max-tokens", "8", "--own-answers", "1")


class VerifyTextTest(ProgramTest):
    def verify(self, *arguments, code, folder="d", against=MODEL):
        out, _ = self.revlm("verify", *arguments, "--against", against,
                            "--json", "--output-dir", folder, code=code)
        document = json.loads(out)
        self.assertEqual(document["schema"], "revlm.verify/1")
        self.assertEqual(document["exit_code"], code)
        pair, = document["pairs"]
        return document, pair

    def kept(self, folder):
        return {name: (self.folder / folder / name).read_bytes()
                for name in KEPT}

    def run_of(self, *models, folder="r", temperature="1"):
        self.revlm("run", *models, "--enable-prompt-orchestration",
                   "--challenges", "20", "--max-tokens", "8", "--temperature",
                   temperature, "--output-dir", folder)

    def test_a_run_is_judged_by_its_tokens_or_its_text(self):
        self.run_of(MODEL)
        found, pair = self.verify("r", "--own-answers", "1", code=UNDECIDED)
        self.assertEqual([model["alias"] for model in found["models"]],
                         ["aster-s0", "aster-s0-2"])
        self.assertEqual(pair["texts"]["reading"], "drawn_tokens")
        self.assertEqual(pair["texts"]["num_requests"], 20)
        self.assertEqual(pair["texts"]["num_refuted"], 0)
        self.assertIn("more answers", pair["missing"])
        _, pair = self.verify("r", "--text-only", "--own-answers", "1",
                              folder="t", code=UNDECIDED)
        self.assertEqual(pair["texts"]["reading"], "compared")
        self.assertIn("its tokens", pair["missing"])

    def test_one_model_of_a_run(self):
        self.run_of(f"a={MODEL}", f"b={OTHER_MODEL}")
        _, err = self.revlm("verify", "r", "--against", MODEL, code=2)
        self.assertIn(b"(a, b)", err)
        _, pair = self.verify("a", "--answers", "r", "--own-answers", "1",
                              code=UNDECIDED)
        self.assertEqual(pair["b"], "a")

    def test_a_run_says_how_it_was_drawn(self):
        self.run_of(MODEL)
        _, err = self.revlm("verify", "r", "--against", MODEL, "--max-tokens",
                            "8", code=2)
        self.assertIn(b"leave out --max-tokens", err)
        _, err = self.revlm("verify", "r", "--against", MODEL,
                            "--no-special-tokens", code=2)
        self.assertIn(b"leave out --no-special-tokens", err)
        self.run_of(MODEL, folder="greedy", temperature="0")
        _, err = self.revlm("verify", "greedy", "--against", MODEL, code=2)
        self.assertIn(b"ask the target at temperature 1", err)
        manifest = self.folder / "r" / "manifest.json"
        manifest.write_text(json.dumps(
            {**json.loads(manifest.read_text()), "state": "running"}))
        _, err = self.revlm("verify", "r", "--against", MODEL, code=2)
        self.assertIn(b"not finished", err)

    def test_the_same_bytes_for_any_limit_batch_and_threads(self):
        arguments = (OTHER_MODEL, "--text-only", *FEW, "--exit-zero")
        self.verify(*arguments, code=0, folder="plain")
        for i, more in enumerate((["--threads", "2", "--parallel-batch-size",
                                   "5"], ["--parallel-memory-limit", "0.2"])):
            self.verify(*arguments, *more, code=0, folder=f"d{i}")
            self.assertEqual(self.kept(f"d{i}"), self.kept("plain"), more)
        # What it kept is what it reads.
        self.verify("aster-s0-ft-quotes", "--answers", "plain/answers.jsonl",
                    "--max-tokens", "8", "--own-answers", "1", "--exit-zero",
                    code=0, folder="again")
        for name in KEPT[1:]:
            self.assertEqual(self.kept("again")[name], self.kept("plain")[name])
        out, _ = self.revlm("explain", "again")
        self.assertIn("compared with the reference's own answers", out.decode())

    def test_the_limit_holds(self):
        arguments = ("verify", MODEL, "--against", MODEL, "--text-only",
                     "--challenges", "60", "--max-tokens", "8",
                     "--own-answers", "1", "--parallel-memory-limit")
        _, err = self.revlm(*arguments, "0.01", "--output-dir", "d", code=6)
        floor = int(re.search(rb"the floor is (\d+) bytes", err)[1])
        self.assertFalse((self.folder / "d").exists())
        limit = floor + (1 << 20)  # what malloc says differs by some KiB
        process = self.start(*arguments, repr(limit / 2**30))
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, UNDECIDED, process.stderr.read())
        process.stdout.close()
        process.stderr.close()
        if not os.environ.get("REVLM_SANITIZE"):  # whose memory comes beside
            self.assertLess(usage.ru_maxrss * 1024, limit)

    def test_a_verification_that_was_ended_goes_on(self):
        command = ["verify", MODEL, "--against", MODEL, "--text-only", *FEW,
                   "--threads", "1", "--output-dir"]
        self.revlm(*command, "whole", code=UNDECIDED)
        self.end_again_and_again(
            [*command, "d"], UNDECIDED,
            (signal.SIGINT, signal.SIGKILL, signal.SIGTERM))
        self.assertEqual(self.kept("d"), self.kept("whole"))
        self.assertEqual(sorted(os.listdir(self.folder / "d")), sorted(KEPT))

    def test_costs_come_before_and_options_are_for_texts(self):
        _, err = self.revlm("verify", MODEL, "--against", MODEL, "--text-only",
                            *FEW, code=UNDECIDED)
        self.assertIn(b"12 answers of aster-s0-2, 12 of aster-s0 to compare "
                      b"with, read by 9 models", err)
        for more in (["--max-tokens", "8"], ["--alternative", OTHER_MODEL],
                     ["--own-answers", "8"]):
            _, err = self.revlm("verify", MODEL, "--against", MODEL, *more,
                                code=2)
            self.assertIn(b"add --text-only", err)
        (self.folder / "one.jsonl").write_text(
            '{"prompt": "One day", "answer": " a man"}')
        for more in (["--prompts", "/nonexistent"], ["--challenges", "7"],
                     ["--full-matching"], ["--enable-pot"]):
            _, err = self.revlm("verify", "--against", MODEL, "--answers",
                                "one.jsonl", "--max-tokens", "8", *more,
                                code=2)
            self.assertIn(b"leave out --", err)
        _, err = self.revlm("verify", "--against", MODEL, code=2)
        self.assertIn(b"no TARGET", err)

    def test_what_made_the_prompts_is_said(self):
        found, _ = self.verify(OTHER_MODEL, "--text-only", *FEW, "--exit-zero",
                               "--enable-pot", "--enable-kdf",
                               "--prompt-strategy", "adversarial", code=0)
        adaptive = found["adaptive"]
        self.assertEqual([s["name"] for s in adaptive["systems"]],
                         ["pot/1", "kdf/1"])
        self.assertEqual(sum(s["num_prompts"] for s in adaptive["systems"]),
                         12)
        self.assertEqual(adaptive["strategy"], "adversarial")
        self.assertEqual(adaptive["rounds"], [])
        out, _ = self.revlm("explain", "d")
        self.assertIn(b"rounds  all at once; strategy adversarial", out)
        self.assertIn(b"in rounds", self.revlm("verify", "--help")[0])
        self.assertIn(b"with --text-only\n", self.revlm("verify", "--help")[0])

    @unittest.skipIf(os.environ.get("REVLM_SANITIZE"), "takes address space")
    def test_no_length_that_is_allowed_takes_more_than_there_is(self):
        (self.folder / "one.jsonl").write_text(
            '{"prompt": "One day", "answer": " a man"}')
        most = 2 << 30
        self.revlm("verify", "x", "--against", MODEL, "--answers", "one.jsonl",
                   "--max-tokens", str(2**31 - 1), "--own-answers", "2",
                   "--exit-zero", "--parallel-memory-limit", "0.5",
                   "--threads", "1", preexec_fn=lambda: resource.setrlimit(
                       resource.RLIMIT_AS, (most, most)))
        _, err = self.revlm("verify", "x", "--against", MODEL, "--answers",
                            "one.jsonl", "--max-tokens", "8", "--own-answers",
                            str(2**31 - 1), code=2)
        self.assertIn(b"--own-answers: found 2147483647", err)


if __name__ == "__main__":
    unittest.main()
