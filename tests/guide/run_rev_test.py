#!/usr/bin/env python3
"""run_rev.py is revlm: the same streams and exit codes, found in three places."""

import json
import unittest

import workplace


class RunRevTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.workplace = workplace.Workplace()
        cls.addClassCleanup(cls.workplace.remove)
        cls.model = cls.workplace.model("aster-s0")

    def run_rev(self, arguments, code=0, before=""):
        done = self.workplace.shell(f"{before} python run_rev.py {arguments}")
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def settings(self, arguments):
        self.run_rev(f"{self.model} --challenges 2 --max-tokens 1 {arguments}")
        latest = self.workplace.folder / "rev-runs" / "latest"
        return json.loads((latest / "manifest.json").read_text())["settings"]

    def test_only_parallel_lets_prompts_go_together(self):
        self.assertEqual(self.settings("")["batch_size"], 1)
        self.assertEqual(self.settings("--no-parallel")["batch_size"], 1)
        self.assertIsNone(self.settings("--parallel")["batch_size"])
        self.assertEqual(
            self.settings("--parallel --parallel-batch-size 2")["batch_size"],
            2)
        for flag in ("--parallel-batch-size 2", "--parallel-adaptive"):
            done = self.run_rev(f"{self.model} {flag}", code=2)
            self.assertIn("needs --parallel", done.stderr)
            self.assertEqual(done.stdout, "")

    def test_exit_codes_and_streams_are_those_of_revlm(self):
        for arguments, code in (("no/such/model", 2), ("", 2),
                                (f"{self.model} --memory-limit 0.001", 6),
                                (f"{self.model} --no-such-flag", 2)):
            theirs = self.workplace.shell(
                f"{workplace.REVLM.resolve()} run {arguments} --parallel")
            ours = self.run_rev(f"{arguments} --parallel", code)
            self.assertEqual(theirs.returncode, code)
            self.assertEqual((ours.stdout, ours.stderr),
                             (theirs.stdout, theirs.stderr))
            self.assertTrue(ours.stderr.startswith("revlm: "))
        done = self.run_rev(f"{self.model} --max-tokens 1 --challenges 2 --json")
        self.assertEqual(json.loads(done.stdout)["exit_code"], 0)

    def test_an_api_key_is_dropped_with_a_warning(self):
        for key in ("--api-key=secret-1", "--api-key secret-1"):
            done = self.run_rev(
                f"{self.model} --challenges 1 --max-tokens 1 {key} --parallel")
            self.assertIn("--api-key is not used", done.stderr)
            self.assertNotIn("secret-1", done.stdout + done.stderr)
            latest = self.workplace.folder / "rev-runs" / "latest"
            self.assertNotIn("secret-1",
                             (latest / "manifest.json").read_text())

    def test_revlm_is_found_by_variable_build_tree_and_path(self):
        self.run_rev("--version")  # the build tree beside
        beside = self.workplace.root / "build" / "cli" / "revlm"
        away = self.workplace.root / "bin" / "revlm"
        beside.rename(away)
        self.addCleanup(lambda: beside.exists() or away.rename(beside))
        self.run_rev("--version")  # PATH
        other = away.rename(self.workplace.root / "other")
        done = self.run_rev("--version", code=2)
        self.assertIn("looking for the program revlm", done.stderr)
        self.run_rev("--version", before=f"REVLM={other}")
        done = self.run_rev("--version", code=2, before="REVLM=/no/such")
        self.assertIn("starting /no/such: No such file", done.stderr)
        other.rename(beside)


if __name__ == "__main__":
    unittest.main(verbosity=2)
